"""The canary's mail would be held and then discarded: checked with the real postconf on a separate configuration."""

from pathlib import Path

import pytest

from holdgate.cli.canary import delivery_problems, policy_problems
from holdgate.config import CanarySettings, Settings
from holdgate.policy.model import PolicyFile
from holdgate.queue.postfix import Postfix

pytestmark = pytest.mark.postfix

OTHER = Settings(canary=CanarySettings(recipient="canary@discard.invalid"))
RIGHT = {"mydestination": "$myhostname, localhost", "recipient_delimiter": "+"}


def named(directory: Path, settings: Settings | None = None, **changes: str) -> list[str]:
    lines = [f"{name} = {value}\n" for name, value in (RIGHT | changes).items()]
    (directory / "main.cf").write_text("compatibility_level = 3.6\nmyhostname = mx.corp.example\n" + "".join(lines))
    return [problem.split(":")[0] for problem in delivery_problems(settings or Settings(), Postfix(directory))]


def test_settings_that_prevent_discarding_the_canary_are_named(tmp_path: Path) -> None:
    assert named(tmp_path) == []
    assert named(tmp_path, recipient_delimiter="-+") == []
    assert named(tmp_path, mydestination="hash:/etc/postfix/ours") == []
    assert named(tmp_path, recipient_delimiter="") == ["recipient_delimiter"]
    assert named(tmp_path, recipient_delimiter="-") == ["recipient_delimiter"]
    assert named(tmp_path, mydestination="") == ["mydestination"]
    assert named(tmp_path, mydestination="localhost.corp.example") == ["mydestination"]
    assert named(tmp_path, local_transport="lmtp:unix:private/dovecot") == ["local_transport"]


def test_settings_for_a_custom_recipient_are_not_checked(tmp_path: Path) -> None:
    assert named(tmp_path, OTHER, mydestination="", recipient_delimiter="") == []


@pytest.mark.parametrize(("inside", "count"), [([], 0), (["corp.example"], 0), (["localhost"], 1), (["*"], 1)])
def test_a_canary_recipient_that_counts_as_internal_is_named(inside: list[str], count: int) -> None:
    policies = PolicyFile(internal_domains=inside)
    assert len(list(policy_problems(Settings(), policies))) == count
