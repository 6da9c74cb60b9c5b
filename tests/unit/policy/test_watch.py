from datetime import timedelta
from pathlib import Path

import pytest

from holdgate.config import ModerationSettings
from holdgate.configfile import ConfigError
from holdgate.policy.watch import PolicyWatch

BASE = ModerationSettings(moderators=["desk@corp.example"], approvals=2)
TEXT = """
[[policy]]
name = "cards"
action = "quarantine"
[policy.moderation]
moderators = ["finance@corp.example"]
deadline = "4h"

[[policy]]
name = "plain"
action = "quarantine"
"""


def test_a_policy_overrides_some_moderation_rules(tmp_path: Path) -> None:
    path = tmp_path / "policies.toml"
    path.write_text(TEXT)
    watch = PolicyWatch(path)
    rules = watch.moderation("cards", BASE)
    assert (rules.moderators, rules.deadline, rules.approvals) == (["finance@corp.example"], timedelta(hours=4), 2)
    assert watch.moderation("plain", BASE) is BASE
    assert watch.moderation("adopted", BASE) is BASE


def test_a_valid_change_is_loaded_and_an_invalid_one_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "policies.toml"
    path.write_text(TEXT)
    watch = PolicyWatch(path)
    assert watch.moderation("cards", BASE).moderators == ["finance@corp.example"]
    path.write_text(TEXT.replace("finance", "treasury"))
    assert watch.moderation("cards", BASE).moderators == ["treasury@corp.example"]
    path.write_text(TEXT.replace("quarantine", "quarantaine"))
    assert watch.moderation("cards", BASE).moderators == ["treasury@corp.example"]
    assert "stage=policies" in caplog.text
    path.unlink()
    assert watch.moderation("cards", BASE).moderators == ["treasury@corp.example"]


@pytest.mark.parametrize("content", [None, "[[policy", TEXT.replace("quarantine", "quarantaine")])
def test_an_invalid_file_at_the_start_is_an_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "policies.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"policies\.toml: "):
        PolicyWatch(path)


def test_a_file_that_becomes_readable_again_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "policies.toml"
    path.write_text(TEXT)
    watch = PolicyWatch(path)
    path.write_text(TEXT.replace("finance", "treasury"))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", lambda *_args, **_kwargs: _refuse())
        assert watch.moderation("cards", BASE).moderators == ["finance@corp.example"]
    path.chmod(0o640)
    assert watch.moderation("cards", BASE).moderators == ["treasury@corp.example"]


def _refuse() -> str:
    raise PermissionError(13, "Permission denied")


def test_the_description_of_a_policy_is_returned(tmp_path: Path) -> None:
    path = tmp_path / "policies.toml"
    path.write_text(TEXT.replace('name = "cards"', 'name = "cards"\ndescription = "Card numbers"'))
    watch = PolicyWatch(path)
    assert [watch.description(one, "de") for one in ("cards", "plain", "none")] == ["Card numbers", "", ""]
    assert [watch.has(one) for one in ("cards", "plain", "none")] == [True, True, False]
