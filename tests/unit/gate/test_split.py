"""Splitting a message: reasons not to split, recognition of a retry, and the session's response."""

import dataclasses
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdgate.envelope import Envelope
from holdgate.findings import Finding, Inspection
from holdgate.gate import holding, split
from holdgate.gate.reply import Reply
from holdgate.gate.split import Splitter, digest_of, obstacle
from holdgate.gate.submit import Commands, Copy, SubmitError
from holdgate.policy.actions import Quarantine
from holdgate.policy.verdict import Part, Verdict
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, ConflictError, Store, StoreError, open_store
from holdgate.seal import Sealed
from tests.unit.gate.conftest import FakeService, NewService

ACTOR = Actor("holdgate-milter", "milter")
ANNA = "anna@corp.example"
BOB, EVE = "bob@partner.example", "eve@client.example"
PARTS = (Part((EVE,), Verdict()), Part((BOB,), Verdict(Quarantine(), "p")))
NAMED = {"message-id": [b" <1@corp.example>"]}
SEALED = Sealed(ANNA, (BOB,), {}, b"body", b"header")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Path]:
    """A socket of Postfix's listener for copies, as far as it is looked at."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "copies"))
        yield tmp_path / "copies"


# -- reasons not to split ---------------------------------------------------------------------------------------


def test_a_plain_message_can_be_split(listener: Path) -> None:
    assert obstacle(Envelope(), Commands(), PARTS, NAMED, listener) == ""


@pytest.mark.parametrize(
    "fields",
    [{}, {"message-id": []}, {"message-id": [b"  "]}, {"message-id": [b" "], "date": [b" "]}],
    ids=["none", "empty", "blank", "both blank"],
)
def test_a_message_whose_retry_cannot_be_recognised_is_not_split(
    listener: Path, fields: dict[str, list[bytes]]
) -> None:
    assert obstacle(Envelope(), Commands(), PARTS, fields, listener) == "no Message-ID"


@pytest.mark.parametrize(
    "fields",
    [{"message-id": [b" <1@a>", b" <2@a>"]}, {"date": [b" Mon, 30 Nov 2026 01:00:00 +0000"]}],
    ids=["two", "only a date"],
)
def test_a_message_with_two_message_ids_or_only_a_date_can_be_split(
    listener: Path, fields: dict[str, list[bytes]]
) -> None:
    assert obstacle(Envelope(), Commands(), PARTS, fields, listener) == ""


def test_a_message_is_split_only_for_addresses_that_postfix_keeps(listener: Path) -> None:
    assert obstacle(Envelope(), Commands(odd={BOB}), PARTS, NAMED, listener) == "address"
    assert obstacle(Envelope(), Commands(odd={EVE}), PARTS, NAMED, listener) == "", "they do not wait"
    number = Part(("4111111111111111@partner.example",), PARTS[1].verdict)
    assert obstacle(Envelope(), Commands(), [PARTS[0], number], NAMED, listener) == "address"
    assert obstacle(Envelope(), Commands(), [*PARTS, number], NAMED, listener) == "address"


def test_a_message_is_not_split_without_a_listener(tmp_path: Path) -> None:
    assert obstacle(Envelope(), Commands(), PARTS, NAMED, tmp_path / "copies") == "no listener"
    (tmp_path / "copies").touch()
    assert obstacle(Envelope(), Commands(), PARTS, NAMED, tmp_path / "copies") == "no listener"


@pytest.mark.parametrize(
    ("main", "services", "keeps"),
    [
        ("yes", [], True),
        ("no", [], False),
        ("yes", ["smtp/inet/enable_original_recipient = no"], False),
        ("yes", ["smtp/inet/enable_original_recipient = yes"], True),
    ],
)
def test_keeps_original_recipients_follows_the_postfix_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main: str, services: list[str], keeps: bool
) -> None:
    def postconf(_config: Path, option: str, *_names: str) -> list[str]:
        return services if option == "-P" else [main]

    monkeypatch.setattr(split, "postconf", postconf)
    monkeypatch.setattr(split, "state_of", lambda _: (1,))
    split._keeps.cache_clear()
    assert split.keeps_original_recipients(tmp_path) is keeps


def test_a_failed_postconf_counts_as_not_keeping_original_recipients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> list[str]:
        raise subprocess.CalledProcessError(1, "postconf")

    monkeypatch.setattr(split, "postconf", fails)
    monkeypatch.setattr(split, "state_of", lambda _: (2,))
    assert not split.keeps_original_recipients(tmp_path)


# -- recognising a retry ----------------------------------------------------------------------------------------


def test_the_digest_covers_sender_header_and_body_but_no_recipient() -> None:
    digest = digest_of(SEALED)
    assert digest == digest_of(dataclasses.replace(SEALED, recipients=(EVE,)))
    others = [
        dataclasses.replace(SEALED, sender="eve@corp.example"),
        dataclasses.replace(SEALED, header=b"other"),
        dataclasses.replace(SEALED, body=b"other"),
        # What ends one part is not what begins the next.
        dataclasses.replace(SEALED, header=b"headerb", body=b"ody"),
    ]
    assert len({digest, *map(digest_of, others)}) == 5
    # A retry may come to the next version.
    assert digest == "3abf65fef2eb512225392d00ae85128403899dacef34a5e5e28091bafaf876c7"


def incident(**values: Any) -> Incident:
    return Incident(**{"queue_id": "4OLD", "sender": ANNA, "recipients": [BOB], "policy": "p"} | values)


def copy_of(one: Incident) -> Copy:
    return Copy(Envelope(queue_id="4QUEUEID"), one.recipients, Commands(), [], b"x", header_only=False)


def meanwhile_and(answer: Callable[[Copy], str]) -> Callable[..., str]:
    """Return a listener for copies: the milter records while it works, then it answers."""

    def submit_copy(one: Copy, _relay: Path, meanwhile: Callable[[], object]) -> str:
        meanwhile()
        return answer(one)

    return submit_copy


def noted() -> None:
    """Wait until all queue ids of copies are stored."""
    split._LATER.submit(lambda: None).result()


def test_a_copy_is_recorded_without_a_queue_id_and_found_by_its_retry(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split, "submit_copy", meanwhile_and(lambda _: ""))
    first = Splitter(store, "digest", ACTOR)
    assert first.known(BOB) is None
    prepared = first.prepare(incident(), [EVE, "4111111111111111@partner.example"])
    assert store.incidents() == []
    first.submit(prepared, copy_of(prepared), Path("/x"))
    (stored,) = store.incidents()
    assert (stored.id, stored.queue_id, stored.message_digest) == (prepared.id, "", "digest")
    assert stored.already_sent[0] == EVE
    assert "4111111111111111" not in stored.already_sent[1]
    assert store.history(stored.id)[0].note == "copy of 4OLD"
    again = Splitter(store, "digest", ACTOR)
    assert again.known(BOB) == stored
    assert again.known(EVE) is None
    assert Splitter(store, "another", ACTOR).known(BOB) is None


def test_a_copy_keeps_its_id_if_its_record_was_lost_in_a_power_cut(store: Store) -> None:
    first = Splitter(store, "digest", ACTOR).prepare(incident(), [EVE])
    assert Splitter(store, "digest", ACTOR).prepare(incident(), []).id == first.id
    others = [
        Splitter(store, "other", ACTOR).prepare(incident(), [EVE]),
        Splitter(store, "digest", ACTOR).prepare(incident(recipients=[BOB, EVE]), []),
        Splitter(store, "digest", ACTOR).prepare(incident(recipients=[BOB + EVE]), []),
    ]
    assert len({first.id, *(one.id for one in others)}) == 4
    # The queue agent has found the copy first.
    adopted = incident(id=first.id, policy="adopted", state=State.HELD, queue_id="4COPY")
    store.record(adopted, ACTOR)
    assert Splitter(store, "digest", ACTOR).prepare(incident(), [EVE]).queue_id == "4COPY"
    # Its sender was notified of it: moderators are asked again.
    store.change(store.incidents()[0], State.VANISHED, ACTOR)
    again = Splitter(store, "digest", ACTOR).prepare(incident(), [EVE])
    assert again.id != first.id
    assert again.queue_id == ""


@pytest.mark.parametrize("others", [0, 1])
def test_a_retry_waits_until_the_first_attempt_has_stored_its_queue_id(
    store: Store, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    first = incident(queue_id="", message_digest="digest")
    store.record(first, ACTOR)
    for number in range(others):
        store.record(incident(queue_id=f"4O{number}", recipients=[EVE], message_digest="digest"), ACTOR)
    waited: list[float] = []

    class Later:
        """Stores the queue id before it runs the later call."""

        def submit(self, step: Callable[[], None]) -> Any:
            store.amend(first, "copy accepted", ACTOR, queue_id="4COPY")
            step()
            return SimpleNamespace(result=waited.append)

    monkeypatch.setattr(split, "_LATER", Later())
    known = Splitter(store, "digest", ACTOR).known(BOB)
    assert known is not None
    assert known.queue_id == "4COPY"
    assert waited == [15.0]


def test_a_retry_does_not_wait_if_all_queue_ids_are_stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.record(incident(queue_id="4COPY", message_digest="digest"), ACTOR)
    monkeypatch.setattr(split, "_LATER", None)
    assert Splitter(store, "digest", ACTOR).known(BOB) is not None


@pytest.mark.parametrize(("queue_id", "is_logged"), [("4SEEN", False), ("", True)])
def test_a_conflict_is_logged_only_if_no_process_has_stored_the_queue_id(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    queue_id: str,
    is_logged: bool,
) -> None:
    def conflicts(one: Incident, *_: object, **__: object) -> None:
        raise ConflictError(dataclasses.replace(one, queue_id=queue_id))

    monkeypatch.setattr(store, "amend", conflicts)
    monkeypatch.setattr(split, "submit_copy", meanwhile_and(lambda _: "4COPY"))
    splitter = Splitter(store, "digest", ACTOR)
    one = splitter.prepare(incident(), [])
    splitter.submit(one, copy_of(one), Path("/x"))
    noted()
    assert ("failed: stage=split" in caplog.text) is is_logged


def test_the_record_is_synced_outside_its_transaction_and_the_queue_id_is_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    how: list[tuple[str, object]] = []
    for name in ("record", "amend"):
        real = getattr(store, name)

        def step(*given: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            how.append((name, named.get("is_synced")))
            return real(*given, **named)

        monkeypatch.setattr(store, name, step)
    monkeypatch.setattr(store, "sync", lambda: how.append(("sync", None)))
    monkeypatch.setattr(split, "submit_copy", meanwhile_and(lambda _: "4COPY"))
    splitter = Splitter(store, "digest", ACTOR)
    one = splitter.prepare(incident(), [])
    splitter.submit(one, copy_of(one), Path("/x"))
    noted()
    assert how == [("record", False), ("sync", None), ("amend", False)]


def test_queue_ids_are_stored_by_one_thread() -> None:
    assert split._LATER._max_workers == 1, "whoever waits for the last one waits for all"


def test_a_record_that_is_not_durable_defers_the_message(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise StoreError("OSError")

    monkeypatch.setattr(store, "sync", fails)
    monkeypatch.setattr(split, "submit_copy", meanwhile_and(lambda _: "4COPY"))
    splitter = Splitter(store, "digest", ACTOR)
    one = splitter.prepare(incident(), [])
    with pytest.raises(StoreError):
        splitter.submit(one, copy_of(one), Path("/x"))


def test_an_error_when_storing_the_queue_id_is_only_logged(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StoreError("busy")

    monkeypatch.setattr(store, "amend", fails)
    monkeypatch.setattr(split, "submit_copy", meanwhile_and(lambda _: "4COPY"))
    splitter = Splitter(store, "digest", ACTOR)
    one = splitter.prepare(incident(), [])
    splitter.submit(one, copy_of(one), Path("/x"))
    noted()
    assert store.incidents()[0].queue_id == ""
    assert "failed: stage=split" in caplog.text


@pytest.mark.parametrize(
    ("state", "queue_id", "is_known"),
    [
        (State.PENDING, "", True),
        (State.PENDING, "4Q", True),
        (State.RELEASED, "4Q", True),
        (State.RETURNED, "4Q", False),
        (State.VANISHED, "4Q", False),
        # Postfix had not taken it: the retry is the message.
        (State.VANISHED, "", True),
    ],
)
def test_a_retry_finds_its_copy_unless_that_was_returned_or_removed(
    store: Store, state: State, queue_id: str, is_known: bool
) -> None:
    store.record(incident(state=state, queue_id=queue_id, message_digest="digest"), ACTOR)
    assert (Splitter(store, "digest", ACTOR).known(BOB) is not None) is is_known


def test_a_retry_after_five_days_counts_as_a_new_message(store: Store) -> None:
    old = datetime.now(UTC) - timedelta(days=5, minutes=1)
    store.record(incident(message_digest="digest", created_at=old), ACTOR)
    assert Splitter(store, "digest", ACTOR).known(BOB) is None
    store.record(incident(message_digest="digest", created_at=old + timedelta(minutes=2)), ACTOR)
    assert Splitter(store, "digest", ACTOR).known(BOB) is not None


def test_a_copy_without_a_queue_id_is_submitted_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Copy] = []
    ids = iter(["", "4NEW"])

    def answer(one: Copy) -> str:
        taken.append(one)
        return next(ids)

    monkeypatch.setattr(split, "submit_copy", meanwhile_and(answer))
    splitter = Splitter(store, "digest", ACTOR)
    one = splitter.prepare(incident(), [])
    for queue_id in ("", "4NEW", "4NEW"):  # what Postfix called it was not understood; it was; it is there
        splitter.submit(one, copy_of(one), Path("/x"))
        noted()
        (one,) = store.incidents()
        assert one.queue_id == queue_id
    assert len(taken) == 2


def test_a_queue_id_that_the_reconciler_stored_first_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    splitter = Splitter(store, "digest", ACTOR)
    one = splitter.prepare(incident(), [])

    def answer(_: Copy) -> str:
        (stored,) = store.incidents()
        store.change(stored, State.HELD, ACTOR, queue_id="4SEEN")
        return "4NEW"

    monkeypatch.setattr(split, "submit_copy", meanwhile_and(answer))
    splitter.submit(one, copy_of(one), Path("/x"))
    noted()
    assert store.incidents()[0].queue_id == "4SEEN"


# -- responses of the session -----------------------------------------------------------------------------------

TWO = {
    "policy": [
        {"name": "partner", "action": "quarantine", "split": True, "recipient": BOB},
        {"name": "all", "action": "allow"},
    ]
}
FOUND = Inspection(findings=[Finding("us-ssn", "high", 1, 1, ["body"], ["***"])])


@pytest.fixture
def submitted_copies(monkeypatch: pytest.MonkeyPatch, store: Store) -> list[Copy]:
    """The copies that Postfix got; each splitter uses its own store."""
    taken: list[Copy] = []

    def answer(one: Copy) -> str:
        taken.append(one)
        return "4COPY"

    monkeypatch.setattr(split, "submit_copy", meanwhile_and(answer))
    monkeypatch.setattr(split, "keeps_original_recipients", lambda _: True)
    monkeypatch.setattr(holding, "needs_milter_quarantine", lambda *_: True)
    return taken


def service_of(new_service: NewService, store: Store, listener: Path) -> FakeService:
    service = new_service(TWO, inspection=FOUND, milter={"split_relay": listener})
    service.store = cast(Any, store)
    return service


def send(service: FakeService, *recipients: str, message_id: bytes = b" <1@corp.example>") -> Reply:
    session = service.session()
    session.begin(ANNA, "", ["RET=HDRS", "ENVID=env-125", "BODY=8BITMIME"])
    for recipient in recipients:
        session.add_recipient(recipient, f"<{recipient}>", ["NOTIFY=FAILURE"])
    session.add_header("Message-ID", message_id)
    session.end_headers()
    session.add_body(b"Hello\r\n")
    reply = session.end_of_message("4QUEUEID")
    noted()
    return reply


def test_recipients_that_need_approval_get_a_held_copy_and_the_others_the_message(
    new_service: NewService, store: Store, listener: Path, submitted_copies: list[Copy]
) -> None:
    service = service_of(new_service, store, listener)
    reply = send(service, EVE, BOB)
    assert list(reply.drop) == [BOB]
    assert not reply.hold
    (one,) = submitted_copies
    (recorded,) = store.incidents()
    assert one.recipients == recorded.recipients == [BOB]
    assert {"RET=HDRS", "ENVID=env-125"} <= set(one.commands.mail)
    assert one.commands.rcpt[BOB] == ("NOTIFY=FAILURE",)
    assert ("X-Holdgate-Incident", recorded.id) in list(one.fields)
    assert (recorded.state, recorded.queue_id, recorded.already_sent) == (State.PENDING, "4COPY", [EVE])
    assert recorded.policy == "partner"


def test_a_retry_makes_no_second_copy(
    new_service: NewService, store: Store, listener: Path, submitted_copies: list[Copy]
) -> None:
    service = service_of(new_service, store, listener)
    first, second = send(service, EVE, BOB), send(service, EVE, BOB)
    assert list(first.drop) == list(second.drop) == [BOB]
    assert len(submitted_copies) == len(store.incidents()) == 1


def test_the_message_is_deferred_if_the_listener_rejects_the_copy(
    new_service: NewService, store: Store, listener: Path, submitted_copies: list[Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> str:
        raise SubmitError("MAIL")

    monkeypatch.setattr(split, "submit_copy", refuses)
    assert send(service_of(new_service, store, listener), EVE, BOB).tempfail


@pytest.mark.parametrize("reason", ["Message-ID", "original recipients"])
def test_a_message_that_cannot_be_split_is_held_for_all_recipients(
    new_service: NewService,
    store: Store,
    listener: Path,
    submitted_copies: list[Copy],
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
) -> None:
    if reason != "Message-ID":
        monkeypatch.setattr(split, "keeps_original_recipients", lambda _: False)
    reply = send(
        service_of(new_service, store, listener),
        EVE,
        BOB,
        message_id=b" " if reason == "Message-ID" else b" <1@corp.example>",
    )
    assert reply.hold
    assert list(reply.drop) == []
    assert submitted_copies == []
    assert store.incidents()[0].recipients == [EVE, BOB]


REFUSED = {
    "policy": [
        {"name": "never", "action": "block", "split": True, "recipient": BOB},
        {"name": "all", "action": "allow"},
    ]
}


def refusing(new_service: NewService, store: Store, listener: Path) -> FakeService:
    service = new_service(REFUSED, inspection=FOUND, milter={"split_relay": listener})
    settings = service.snapshot.settings
    desk = settings.desk.model_copy(update={"own_domains": ["corp.example"]})
    object.__setattr__(service.snapshot, "settings", settings.model_copy(update={"desk": desk}))
    service.store = cast(Any, store)
    return service


def test_blocked_recipients_get_a_copy_that_is_returned_to_the_sender(
    new_service: NewService, store: Store, listener: Path, submitted_copies: list[Copy]
) -> None:
    reply = send(refusing(new_service, store, listener), EVE, BOB)
    assert (list(reply.drop), reply.block, reply.hold) == ([BOB], "", "")
    (one,) = submitted_copies
    (recorded,) = store.incidents()
    assert (recorded.state, recorded.action, recorded.recipients) == (State.PENDING, "block", [BOB])
    # An operator who requeues it releases nothing.
    assert ("X-Holdgate-Held", "yes") in list(one.fields)


def test_a_message_blocked_for_all_recipients_is_rejected_at_once(
    new_service: NewService, store: Store, listener: Path, submitted_copies: list[Copy]
) -> None:
    reply = send(refusing(new_service, store, listener), BOB)
    assert (bool(reply.block), submitted_copies) == (True, [])


@pytest.mark.parametrize(
    ("minutes", "how", "is_known"), [(59, "policy", True), (61, "policy", False), (1, "page", False)]
)
def test_a_returned_copy_is_recognised_for_one_hour(store: Store, minutes: int, how: str, is_known: bool) -> None:
    closed = datetime.now(UTC) - timedelta(minutes=minutes)
    values = {"message_digest": "digest", "queue_id": "4Q", "closed_at": closed, "decided_how": how}
    store.record(incident(state=State.RETURNED, **values), ACTOR)
    assert (Splitter(store, "digest", ACTOR).known(BOB) is not None) is is_known
