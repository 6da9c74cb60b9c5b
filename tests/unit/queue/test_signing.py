"""A copy for some recipients is submitted again when it is released, after a crash at any step, and delivered once."""

import contextlib
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from holdgate.config import Settings
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Change, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue import presence
from holdgate.queue.client import QueueError, UnreachableError
from holdgate.queue.postfix import PostfixError, Service
from holdgate.queue.signing import Signers
from tests.unit.queue.test_exchange import sent, submit
from tests.unit.queue.test_reconcile import MILTER, PERSON, Crash, FakeQueue, new_reconciler


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    path = shutil.copy(empty_store, tmp_path / "holdgate.db")
    return open_store(f"sqlite:///{path}")


def approved(store: Store, queue: FakeQueue, *, digest: str = "d1", queue_id: str = "4orig") -> Incident:
    incident = Incident(
        queue_id=queue_id, sender="a@corp.example", recipients=["b@partner.example"], policy="p", message_digest=digest
    )
    store.record(incident, MILTER)
    queue.add(queue_id, b"DKIM-Signature: v=1; b=OLD==\nX-Holdgate-Incident: %s\n" % incident.id.encode())
    new_reconciler(store, queue).run_once()
    held = store.incident(incident.id)
    assert held is not None
    return store.change(held, State.APPROVED, PERSON)


def settle(store: Store, queue: FakeQueue, passes: int = 12, *, signs: bool = True) -> None:
    reconciler = new_reconciler(store, queue, signs=lambda: signs)
    for _ in range(passes):
        reconciler.run_once()


def change_of(store: Store, incident: Incident) -> Change | None:
    found = store.incident(incident.id)
    assert found is not None
    return Change.of(found)


def test_a_copy_stays_until_postfix_has_the_signed_one(store: Store) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    settle(store, queue)
    change = change_of(store, incident)
    assert change is not None
    assert (list(queue.messages), store.outbox.awaits_change(incident.id)) == (["4orig"], True)
    copy = b"X-Holdgate-Incident: %s\n\nHello\n" % incident.id.encode()
    assert (change.kinds, change.sent) == ([], sha256(copy).hexdigest()), "what milters added when it was held is not"
    submit(queue, incident, token=change.token)
    sent(store)
    settle(store, queue)
    assert (queue.deleted, queue.delivered) == (["4orig"], ["4copy"])
    assert store.incident(incident.id).state is State.RELEASED
    assert [one.event for one in store.history(incident.id)].count(EventName.SIGNING_REQUESTED) == 1


@pytest.mark.parametrize(("digest", "signs"), [("", True), ("d1", False)], ids=["a whole message", "no signer"])
def test_a_message_that_needs_no_new_signature_is_released_under_its_queue_id(
    store: Store, digest: str, signs: bool
) -> None:
    queue = FakeQueue()
    incident = approved(store, queue, digest=digest)
    settle(store, queue, signs=signs)
    assert (queue.delivered, queue.deleted) == (["4orig"], [])
    assert change_of(store, incident) is None


def test_a_release_that_has_begun_is_not_turned_into_a_new_submission(store: Store) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    queue.failures = ["before crash"]
    with pytest.raises(Crash):
        settle(store, queue, signs=False)
    settle(store, queue)
    assert queue.delivered == ["4orig"]
    assert change_of(store, incident) is None


def test_unreadable_postfix_settings_release_nothing_unsigned_and_delay_no_other(store: Store) -> None:
    queue = FakeQueue()
    approved(store, queue)
    other = Incident(queue_id="4other", sender="a@corp.example", recipients=["c@partner.example"], policy="p")
    store.record(other, MILTER)
    queue.add("4other", b"X-Holdgate-Incident: %s\n" % other.id.encode())

    def fails() -> bool:
        raise QueueError("postconf: exit 1")

    reconciler = new_reconciler(store, queue, signs=fails)
    reconciler.run_once()
    held = store.incident(other.id)
    assert held is not None
    store.change(held, State.APPROVED, PERSON)
    for _ in range(3):
        reconciler.run_once()
    assert queue.delivered == ["4other"]
    assert store.incident(other.id).state is State.RELEASED


@pytest.mark.parametrize("kind", ["crash", "failure"])
@pytest.mark.parametrize("when", ["list", "show", "before", "after"])
@pytest.mark.parametrize("count", range(4))
def test_a_crash_at_any_step_neither_repeats_nor_loses_a_message(
    store: Store, when: str, kind: str, count: int
) -> None:
    queue = FakeQueue()
    incident = approved(store, queue)
    queue.fail_at(when, count, kind)
    is_submitted = False
    for _ in range(4):
        with contextlib.suppress(Crash, UnreachableError):
            settle(store, queue, 6)
        change = change_of(store, incident)
        if change is not None and not is_submitted:
            submit(queue, incident, token=change.token)
            submit(queue, incident, "4again", token=change.token, mark="bb")  # the desk was killed: no record
            sent(store)
            is_submitted = True
    assert len(queue.delivered) == 1
    assert queue.delivered[0] in ("4copy", "4again")
    assert (sorted([*queue.deleted, *queue.delivered]), queue.messages) == (["4again", "4copy", "4orig"], {})
    assert store.incident(incident.id).state is State.RELEASED


# -- by Postfix's settings --------------------------------------------------------------------------------------------


def listener(milters: str | None, restrictions: str = "check_recipient_access,static:HOLD,reject") -> Service:
    settings = {"smtpd_recipient_restrictions": restrictions} | ({} if milters is None else {"smtpd_milters": milters})
    return Service("holdgate-change", "unix", False, "smtpd", settings)


@pytest.mark.parametrize(
    ("services", "signs"),
    [
        ([listener("unix:/run/opendkim.sock")], True),
        ([listener("")], False),
        ([listener(None)], False),
        ([listener("unix:/run/opendkim.sock", "permit")], False),  # it does not hold
        ([], False),
    ],
)
def test_the_milters_of_the_listener_decide_whether_copies_are_signed(services: list[Service], signs: bool) -> None:
    relay = "unix:/var/spool/postfix/public/holdgate-change"
    settings = Settings.model_validate({"desk": {"change_relay": relay}})
    assert presence.has_change_milters(services, settings) == signs


def test_the_answer_is_cached_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.cf").write_text("")
    answers = [[listener("unix:/run/opendkim.sock")], [listener("")]]
    monkeypatch.setattr("holdgate.queue.postfix.Postfix.services", lambda _: answers.pop(0))
    relay = "unix:/var/spool/postfix/public/holdgate-change"
    queue = {"postfix_config": tmp_path}
    signs = Signers(Settings.model_validate({"desk": {"change_relay": relay}, "queue": queue}))
    assert (signs(), signs()) == (True, True)
    (tmp_path / "main.cf").write_text("a = b\n")
    assert (signs(), signs()) == (False, False)
    assert not Signers(Settings.model_validate({"queue": queue}))()


def test_an_error_of_postconf_is_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Exception | list[Service]] = [PostfixError("postconf: exit 1"), [listener("unix:/run/dkim.sock")]]

    def services(_: object) -> list[Service]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("holdgate.queue.postfix.Postfix.services", services)
    desk = {"change_relay": "unix:/var/spool/postfix/public/holdgate-change"}
    signs = Signers(Settings.model_validate({"desk": desk, "queue": {"postfix_config": tmp_path}}))
    with pytest.raises(QueueError, match="postconf: exit 1"):
        signs()
    assert signs()
