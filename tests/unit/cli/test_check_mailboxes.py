"""Reports on moderators whom Postfix does not know."""

from pathlib import Path

import pytest

from holdgate.cli import check_mailboxes
from holdgate.config import Settings

pytestmark = pytest.mark.postfix


def warnings(tmp_path: Path, *moderators: str, changes: str = "") -> list[str]:
    """Return the warnings of a site where anna and law are local, boss has a virtual mailbox, and team an alias."""
    (tmp_path / "users").write_text("anna x\nlaw x\n")
    (tmp_path / "boxes").write_text("boss@box.example x\n")
    (tmp_path / "virtual").write_text("team@corp.example anna@corp.example\n")
    (tmp_path / "main.cf").write_text(
        "compatibility_level = 3.6\nmyorigin = corp.example\nmydestination = corp.example\nalias_maps =\n"
        f"local_recipient_maps = texthash:{tmp_path}/users\nvirtual_mailbox_domains = box.example\n"
        f"virtual_mailbox_maps = texthash:{tmp_path}/boxes\nvirtual_alias_maps = texthash:{tmp_path}/virtual\n"
        f"relay_domains = relay.example\nrecipient_delimiter = +\n{changes}"
    )
    (tmp_path / "master.cf").write_text("smtp inet n - n - - smtpd\n")
    (tmp_path / "policies.toml").write_text('[[policy]]\nname = "a"\naction = "quarantine"\n')
    settings = Settings.model_validate(
        {
            "queue": {"postfix_config": tmp_path},
            "policy": {"file": tmp_path / "policies.toml"},
            "moderation": {"moderators": list(moderators), "fallback": ["law@corp.example"]},
        }
    )
    return list(check_mailboxes.warnings(Path("h.toml"), settings))


@pytest.mark.parametrize(
    "known",
    [
        *("anna@corp.example", "Anna+mail@corp.example", "anna", "boss@box.example", "team@corp.example"),
        *("x@relay.example", "x@partner.example"),
    ],
)
def test_known_moderators_and_those_elsewhere_are_not_named(tmp_path: Path, known: str) -> None:
    assert warnings(tmp_path, known) == []


@pytest.mark.parametrize(
    ("person", "end", "name"),
    [
        ("ana@corp.example", "ana@corp.example", "local_recipient_maps"),
        ("ana", "ana@corp.example", "local_recipient_maps"),
        ("bos@box.example", "bos@box.example", "virtual_mailbox_maps"),
    ],
)
def test_a_moderator_whom_postfix_does_not_know_is_named(tmp_path: Path, person: str, end: str, name: str) -> None:
    assert warnings(tmp_path, "anna@corp.example", person) == [
        f"h.toml: [moderation]: Postfix knows no recipient {end} ({name}), so requests to them bounce; "
        "correct the address, or create the mailbox"
    ]


@pytest.mark.parametrize("changes", ["local_recipient_maps =\n", "luser_relay = anna\n"])
def test_a_site_that_accepts_every_local_recipient_has_no_warning(tmp_path: Path, changes: str) -> None:
    assert warnings(tmp_path, "ana@corp.example", changes=changes) == []
