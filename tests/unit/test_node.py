import os
from pathlib import Path

import pytest

from holdgate import node
from holdgate.config import Settings
from holdgate.configfile import ConfigError

SHARED = {"url": "postgresql://holdgate@/holdgate"}


def settings(tmp_path: Path, **tables: object) -> Settings:
    return Settings.model_validate({"queue": {"postfix_config": str(tmp_path)}, **tables})


def test_the_name_comes_from_the_settings_or_from_postfix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "postconf", lambda *_: ["mx1.corp.example"])
    assert node.name_of(settings(tmp_path, node={"name": "a"})) == "a"
    assert node.name_of(settings(tmp_path)) == "mx1.corp.example"


def test_a_shared_store_needs_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(node, "postconf", fails)
    assert node.name_of(settings(tmp_path)) == ""
    with pytest.raises(ConfigError, match=r"\[node\] name"):
        node.name_of(settings(tmp_path, store=SHARED))


def test_the_digest_covers_all_files_that_affect_decisions(tmp_path: Path) -> None:
    rules = tmp_path / "rules.d"
    rules.mkdir()
    wanted = {"policy": {"file": str(tmp_path / "policies.toml")}, "rules": {"local_directory": str(rules)}}
    digests = {node.rules_of(settings(tmp_path, **wanted))}
    (rules / "dictionaries").mkdir()
    changes = (tmp_path / "policies.toml", "a"), (rules / "a.toml", "b"), (rules / "c.toml", "")
    for path, content in (*changes, (rules / "dictionaries" / "names.txt", "d")):
        path.write_text(content)
        digests.add(node.rules_of(settings(tmp_path, **wanted)))
    assert len(digests) == 5
    assert node.rules_of(settings(tmp_path, **wanted)) in digests


def test_a_rules_file_can_have_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    rules = tmp_path / "rules.d"
    rules.mkdir()
    wanted = {"policy": {"file": str(tmp_path / "policies.toml")}, "rules": {"local_directory": str(rules)}}
    digests = {node.rules_of(settings(tmp_path, **wanted))}
    for name in (b"r\xe8gles.toml", b"r\xe9gles.toml"):
        Path(os.fsdecode(bytes(rules) + b"/" + name)).write_text("a")
        digests.add(node.rules_of(settings(tmp_path, **wanted)))
    assert len(digests) == 3


def test_two_postfix_instances_of_one_machine_are_distinguished(tmp_path: Path) -> None:
    one, other = node.machine_of(settings(tmp_path / "a")), node.machine_of(settings(tmp_path / "b"))
    assert one.holder != other.holder
    assert one == node.machine_of(settings(tmp_path / "a"))
    assert one.name
