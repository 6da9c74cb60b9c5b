"""Which mail the gate accepts as a moderator's reply: only mail to the desk alone."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdgate import headers
from holdgate.config import Settings
from holdgate.envelope import Envelope
from holdgate.gate import replies
from holdgate.quarantine.incident import Actor, Ask, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store

BOSS = "boss@corp.example"
TOKEN = "r-7k3mq9tx2abc-1-abcdefghijklmnopqrstuvwx23"
ADDRESS = f"holdgate+{TOKEN}@reply.corp.example"
ACTOR = Actor("test", "test")


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    """A store with one request to the moderator, whose reply address was mailed."""
    shutil.copy(empty_store, tmp_path / "store.db")
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    now = datetime.now(UTC)
    incident = Incident(queue_id="4a", sender="anna@corp.example", recipients=["b@partner.example"], policy="p")
    opened.record(incident, ACTOR)
    held = opened.change(incident, State.HELD, ACTOR, held_at=now)
    opened.amend(held, "asked", ACTOR, asks=[Ask(BOSS, "moderator", 0)], asked_at=now, deadline_at=now)
    (request,) = opened.requests.of(incident.id)
    opened.replies.announce(TOKEN, request.number)
    opened.replies.announce(TOKEN, request.number)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "main.cf").touch()
    (tmp_path / "delegates").write_text(f"{BOSS} pa@corp.example\n")
    return Settings.model_validate(
        {
            "desk": {"lmtp_listen": "127.0.0.1:1", "reply_address": "holdgate@reply.corp.example"},
            "queue": {"postfix_config": str(tmp_path)},
            "replies": {"delegates": str(tmp_path / "delegates")},
        }
    )


@pytest.mark.parametrize(
    "sender", [BOSS, "BOSS@corp.example", "prvs=4561a2b3c4=boss@corp.example", "", "pa@corp.example"]
)
@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.upper()])
def test_a_reply_from_a_moderator_is_accepted(store: Store, settings: Settings, sender: str, address: str) -> None:
    request = replies.answered(store, settings, Envelope(sender=sender, recipients=[address]))
    assert request is not None
    assert request.moderator == BOSS


@pytest.mark.parametrize(
    ("sender", "recipients"),
    [
        # Its bounce would go elsewhere.
        ("eve@partner.example", [ADDRESS]),
        ("anna@corp.example", [ADDRESS]),
        # It would go to others too.
        (BOSS, [ADDRESS, "b@partner.example"]),
        (BOSS, [ADDRESS, ADDRESS]),
        # Nothing that was mailed as a reply address.
        (BOSS, ["holdgate@reply.corp.example"]),
        (BOSS, [ADDRESS.replace("23@", "24@")]),
        (BOSS, [ADDRESS.replace("+r-", "+b-")]),
        (BOSS, [ADDRESS.replace("@reply.corp.example", "@partner.example")]),
        (BOSS, [ADDRESS.replace("@", "%partner.example@")]),
        (BOSS, [f'"{ADDRESS}"@partner.example']),
        (BOSS, [f"@partner.example:{ADDRESS}"]),
        (BOSS, [ADDRESS + "@partner.example"]),
        (BOSS, ["x" + ADDRESS]),
        (BOSS, []),
    ],
)
def test_other_mail_is_not_accepted_as_a_reply(
    store: Store, settings: Settings, sender: str, recipients: list[str]
) -> None:
    assert replies.answered(store, settings, Envelope(sender=sender, recipients=recipients)) is None


def test_no_reply_is_accepted_if_the_desk_has_no_lmtp_listener(store: Store, settings: Settings) -> None:
    unset = settings.model_copy(update={"desk": settings.desk.model_copy(update={"lmtp_listen": None})})
    assert replies.answered(store, unset, Envelope(sender=BOSS, recipients=[ADDRESS])) is None


def test_the_reply_header_gives_the_desk_the_origin_that_the_gate_recorded(store: Store, settings: Settings) -> None:
    envelope = Envelope(sender=BOSS, recipients=[ADDRESS], auth_user="boss", client_address="192.0.2.7")
    request = replies.answered(store, settings, envelope)
    assert request is not None
    name, word = replies.origin_field(store, request, envelope)
    assert name == headers.REPLY
    seen = store.replies.origin(word)
    assert seen is not None
    assert (seen.request, seen.sender, seen.login, seen.client) == (request.number, BOSS, "boss", "192.0.2.7")
    store.replies.use(word)
    assert store.replies.origin(word) is None


def test_a_reply_is_inspected_like_other_mail_if_the_moderator_lookup_fails(
    store: Store, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "delegates").unlink()
    assert replies.answered(store, settings, Envelope(sender="pa@corp.example", recipients=[ADDRESS])) is None
    assert "stage=replies" in caplog.text
