"""Reports on decisions by mail."""

from pathlib import Path
from typing import Any

import pytest

from holdgate.cli import check_replies
from holdgate.config import Settings


def settings_of(tmp_path: Path, **tables: Any) -> Settings:
    (tmp_path / "main.cf").write_text(f"virtual_alias_maps = texthash:{tmp_path}/virtual\n")
    (tmp_path / "virtual").write_text(
        "list@corp.example carla@corp.example, dora@corp.example\nbob@corp.example b@c.example\n"
    )
    desk = {"lmtp_listen": "127.0.0.1:1", "reply_address": "holdgate@reply.corp.example"}
    return Settings.model_validate({"queue": {"postfix_config": str(tmp_path)}, "desk": desk} | tables)


def remarks(tmp_path: Path, **tables: Any) -> list[str]:
    return list(check_replies.remarks(Path("h.toml"), settings_of(tmp_path, **tables)))


@pytest.mark.slow  # postmap(1) waits a second before it gives up, each time
def test_replies_without_proof_give_a_warning(tmp_path: Path) -> None:
    (remark,) = remarks(tmp_path)
    assert remark.startswith("h.toml: [replies] proof: is empty, so nothing proves")
    assert remarks(tmp_path, replies={"proof": ["login"]}) == []
    assert remarks(tmp_path, desk={}) == []


@pytest.mark.slow  # postmap(1) waits a second before it gives up, each time
def test_a_list_as_moderator_gives_a_warning_until_its_members_are_listed(tmp_path: Path) -> None:
    people = {"moderators": ["list@corp.example", "bob@corp.example", "manager"]}
    (remark,) = remarks(tmp_path, moderation=people, replies={"proof": ["login"]})
    assert "list@corp.example is a list of 2 addresses" in remark
    (tmp_path / "delegates").write_text("list@corp.example carla@corp.example\n")
    replies = {"proof": ["login"], "delegates": str(tmp_path / "delegates")}
    assert remarks(tmp_path, moderation=people, replies=replies) == []


@pytest.mark.parametrize("key", ["same_person", "delegates"])
@pytest.mark.slow  # postmap(1) waits a second before it gives up, each time
def test_a_table_that_does_not_answer_is_a_problem(tmp_path: Path, key: str) -> None:
    settings = settings_of(tmp_path, replies={key: str(tmp_path / "absent")}, user="root")
    (problem,) = check_replies.problems(Path("h.toml"), settings)
    assert problem.startswith(f"h.toml: [replies] {key}: texthash:")


def test_a_missing_authority_file_is_a_problem(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, replies={"proof": ["smime"], "authorities": str(tmp_path / "ca.pem")})
    (problem,) = check_replies.problems(Path("h.toml"), settings)
    assert "ca.pem cannot be read" in problem
