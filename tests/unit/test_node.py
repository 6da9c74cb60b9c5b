from pathlib import Path

import pytest

from holdgate import node
from holdgate.config import Settings
from holdgate.configfile import ConfigError

SHARED = {"url": "postgresql://holdgate@/holdgate"}


def settings(tmp_path: Path, **tables: object) -> Settings:
    return Settings.model_validate({"queue": {"postfix_config": str(tmp_path)}, **tables})


def test_the_name_is_that_of_the_settings_else_postfix_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_two_postfix_instances_of_one_machine_are_told_apart(tmp_path: Path) -> None:
    one, other = node.machine_of(settings(tmp_path / "a")), node.machine_of(settings(tmp_path / "b"))
    assert one.holder != other.holder
    assert one == node.machine_of(settings(tmp_path / "a"))
    assert one.name
