"""A session and the mail of programs: counted before the policies decide, learned when it is accepted."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from holdgate.config import Settings
from holdgate.findings import Inspection
from holdgate.gate import service as services
from holdgate.gate.reply import TEMPFAIL, Reply
from holdgate.machines.traffic import UnansweredError
from holdgate.policy.model import PolicyFile
from holdgate.quarantine.replacements import Replacement
from holdgate.quarantine.store import Actor, Store, open_store
from tests.unit.gate.conftest import FakeService, NewService
from tests.unit.machines.conftest import BOB, CARL, FakeTables

LIMITS = {"policy": [{"name": "agents", "action": "quarantine", "machine": {"first": True, "links": "new"}}]}


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Store:
    (tmp_path / "store.db").write_bytes(empty_store.read_bytes())
    return open_store(f"sqlite:///{tmp_path}/store.db")


def machine_service(new_service: NewService, store: Store, tmp_path: Path, **given: Any) -> FakeService:
    made: FakeService = new_service(LIMITS, **given)
    settings = Settings.model_validate(
        {
            "relations": {"key": tmp_path / "relations.key"},
            "machines": {"mode": "on", "accounts": "texthash:/machines", "time_limit": "60s"},
        }
    )
    policies = PolicyFile.model_validate(LIMITS)
    traffic = services.machine_traffic(settings, policies, FakeTables(), store)
    made.snapshot = replace(made.snapshot, machines=traffic)
    made.store = cast(Any, store)
    return made


def submit(service: FakeService, *to: str, user: str = "billing") -> Reply:
    session = service.session()
    session.open("client", "198.51.100.1")
    session.begin("agent@corp.example", user)
    for one in to:
        session.add_recipient(one)
    session.add_header("Subject", b" Hi")
    session.add_header("Message-ID", b" <1@corp.example>")
    session.end_headers()
    return session.end_of_message("4gXvQb1Rz2z5")


def test_the_first_message_of_a_program_is_held_and_recorded_with_the_reason(
    new_service: NewService, store: Store, tmp_path: Path
) -> None:
    service = machine_service(new_service, store, tmp_path)
    assert submit(service, BOB).hold
    (incident,) = store.incidents()
    assert [(one["kind"], one["whose"]) for one in incident.recipient_risks or ()] == [("machine-first", "billing")]
    assert store.machines.known(_ledger(service), 1).waiting == 1


def test_mail_of_a_person_is_not_held_as_mail_of_a_program(
    new_service: NewService, store: Store, tmp_path: Path
) -> None:
    service = machine_service(new_service, store, tmp_path)
    assert not submit(service, BOB, user="anna").hold
    assert store.incidents() == []


def test_an_accepted_recipient_is_known_for_the_next_message(
    new_service: NewService, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = machine_service(new_service, store, tmp_path)
    policies = service.snapshot.policies
    allowing = new_service().snapshot.policies
    service.snapshot = replace(service.snapshot, policies=allowing)
    assert not submit(service, BOB).hold
    service.snapshot = replace(service.snapshot, policies=policies)
    assert not submit(service, BOB).hold
    assert submit(service, CARL).hold


def test_a_new_link_host_holds_a_message_to_a_known_recipient(
    new_service: NewService, store: Store, tmp_path: Path
) -> None:
    service = machine_service(new_service, store, tmp_path, inspection=Inspection(hosts=["evil.example"]))
    service.snapshot = replace(service.snapshot, policies=new_service().snapshot.policies)
    service.pool.inspection = Inspection()
    submit(service, BOB)
    service.snapshot = replace(
        service.snapshot, policies=machine_service(new_service, store, tmp_path).snapshot.policies
    )
    service.pool.inspection = Inspection(hosts=["evil.example"])
    assert submit(service, BOB).hold
    assert (store.incidents()[0].recipient_risks or [{}])[0]["similar"] == "evil.example"


def test_a_message_that_the_store_cannot_count_is_deferred(
    new_service: NewService, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = machine_service(new_service, store, tmp_path)

    def fails(*_: object) -> None:
        raise UnansweredError("the store did not answer in time")

    monkeypatch.setattr(service.snapshot.machines, "in_time", fails)
    assert submit(service, BOB) == TEMPFAIL
    assert not submit(service, BOB, user="anna").hold


def test_a_failed_account_table_defers_all_mail_that_may_come_from_a_program(
    new_service: NewService, store: Store, tmp_path: Path
) -> None:
    service = machine_service(new_service, store, tmp_path)
    tables = cast(FakeTables, cast(Any, service.snapshot.machines).accounts._tables)
    tables.broken = True
    assert submit(service, BOB) == TEMPFAIL


def test_a_message_that_fails_later_is_removed_from_the_count(
    new_service: NewService, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = machine_service(new_service, store, tmp_path)

    def fails(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(store, "record", fails)
    assert submit(service, BOB) == TEMPFAIL
    assert store.machines.known(_ledger(service), _now(service)).messages == 0
    # It was noted before it could be recorded: that waits for nothing, and teaches nothing.
    monkeypatch.undo()
    assert submit(service, BOB).hold


def _now(service: FakeService) -> int:
    return int(cast(Any, service.snapshot.machines).now())


def _ledger(service: FakeService) -> Any:
    from holdgate.machines.traffic import ledger_of

    return ledger_of(cast(Any, service.snapshot.machines).hasher, "billing")


def replaced(service: FakeService, store: Store, mark: str, *to: str, user: str = "billing") -> Reply:
    """Submit a message as the desk submits an amended one."""
    session = service.session()
    session.open("unknown", "198.51.100.1")
    session.begin("agent@corp.example", user)
    for one in to:
        session.add_recipient(one)
    session.add_header("X-Holdgate-Replaces", f" {mark}".encode())
    session.add_header("Subject", b" Hi")
    session.end_headers()
    return session.end_of_message("4gXvQb1Rz2z6")


@pytest.fixture
def waiting(new_service: NewService, store: Store, tmp_path: Path) -> tuple[FakeService, Replacement]:
    """Return a service and the replacement that is being submitted for the account's held message."""
    service = machine_service(new_service, store, tmp_path)
    submit(service, BOB)
    (incident,) = store.incidents()
    program = Actor("billing", "replacement")
    return service, store.replacements.begin(incident.id, "key", "digest", program, datetime.now(UTC))


def test_an_amended_message_is_inspected_and_keeps_its_mark(
    waiting: tuple[FakeService, Replacement], store: Store
) -> None:
    service, replacement = waiting
    reply = replaced(service, store, replacement.mark, BOB)
    fields = dict(reply.add)
    assert fields["X-Holdgate-Replaces"] == replacement.mark
    assert fields["X-Holdgate-Held"] == "yes", "its recipient is as new as before"
    assert ("X-Holdgate-Replaces", 1) in reply.remove
    held_as = store.replacements.of([replacement.incident_id])[replacement.incident_id].held_as
    found = store.incident(held_as)
    assert found is not None
    assert (found.queue_id, bool(found.message_digest)) == ("", True), "nobody is asked yet"


@pytest.mark.parametrize("user", ["", "other"])
def test_an_amended_message_from_another_account_is_deferred(
    waiting: tuple[FakeService, Replacement], store: Store, user: str
) -> None:
    service, replacement = waiting
    assert replaced(service, store, replacement.mark, BOB, user=user) == TEMPFAIL


def test_an_invalid_replacement_mark_is_removed(waiting: tuple[FakeService, Replacement], store: Store) -> None:
    service, replacement = waiting
    reply = replaced(service, store, replacement.mark[:-1] + "x", BOB)
    assert reply.hold
    assert "X-Holdgate-Replaces" not in dict(reply.add)
    assert ("X-Holdgate-Replaces", 1) in reply.remove
