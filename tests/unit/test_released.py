"""Promises of a release: migrations never change, and no name vanishes without a renaming."""

import re
import tomllib
from pathlib import Path

import pytest

from holdgate.config import Settings
from holdgate.configfile import load_settings
from holdgate.renamed import RULES, SETTINGS, rename
from testbed import interfaces

ROOT = Path(__file__).parents[2]
RELEASED = interfaces.released()


def test_a_released_migration_is_never_changed() -> None:
    now = interfaces.migrations()
    changed = [name for name, digest in RELEASED["migrations"].items() if now.get(name) != digest]
    assert not changed, "write a new migration; the old ones have run at sites"


def test_no_new_migration_precedes_a_released_one() -> None:
    last = max(RELEASED["migrations"])
    assert all(name > last for name in interfaces.migrations() if name not in RELEASED["migrations"])


def test_a_released_setting_vanishes_only_with_a_new_name() -> None:
    released = interfaces.keys_in(RELEASED["settings"]) | set(RELEASED["settings_without_default"])
    renamed = {f"{table}.{old}" if table else old for table, old in SETTINGS}
    assert len(released) > 100
    assert not released - interfaces.settings() - renamed, "give it a new name in milter/holdgate/renamed.py"


def test_a_released_rule_key_vanishes_only_with_a_new_name() -> None:
    renamed = {f"{table}.{old}" for table, old in RULES}
    assert not set(RELEASED["rule_keys"]) - interfaces.rule_keys() - renamed, "add it to milter/holdgate/renamed.py"


def test_a_released_policy_key_never_vanishes() -> None:
    assert not set(RELEASED["policy_keys"]) - interfaces.policy_keys()


@pytest.mark.parametrize("names", ["log_events", "metrics"])
def test_a_removed_public_name_has_a_line_in_the_changelog(names: str) -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split(f"## {RELEASED['version']},")[0]
    gone = set(RELEASED[names]) - set(interfaces.current()[names])
    assert not {name for name in gone if f"`{name}`" not in changes}, "CHANGELOG.md must name it and its successor"


def test_a_settings_file_with_every_released_setting_can_be_migrated(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text(interfaces.toml(RELEASED["settings"]), encoding="utf-8")
    rename(path, SETTINGS)
    settings = load_settings(path)
    assert settings.moderation.deadline == Settings().moderation.deadline


def test_the_recorded_interfaces_are_read_back() -> None:
    current = interfaces.current()
    assert tomllib.loads(interfaces.toml(current)) == current
    assert re.fullmatch(r"\d+\.\d+\.\d+", RELEASED["version"])
