"""The calls of a session to workers, store and log, and the effect of a failure of each."""

from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import String

from holdgate import headers, maillog, metrics
from holdgate.findings import Finding, Inspection
from holdgate.gate import holding
from holdgate.gate import session as module
from holdgate.gate.submit import SubmitError
from holdgate.machines.traffic import UnansweredError
from holdgate.quarantine import schema
from holdgate.quarantine.states import State
from tests.unit.gate.conftest import ALLOW_ALL, HOLD_ALL, FakePool, FakeService, NewService
from tests.unit.gate.test_session import FIELDS, LIMITED, send

CARD = "4111 1111 1111 1111"
FOUND = Inspection(
    findings=[
        Finding("us-ssn", "high", 2, 1, ["body"], ["***"]),
        Finding("iban", "low", 3, 1, ["body"], ["***"]),
    ],
    elapsed_ms=12.5,
)


@pytest.fixture(autouse=True)
def postfix_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Postfix is asked here whether it holds."""
    monkeypatch.setattr(holding, "needs_milter_quarantine", lambda *_: True)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The calls of `maillog`: event, positional arguments, and the rest."""
    noted: list[tuple[Any, ...]] = []
    for name in (
        "inspected",
        "skipped",
        "tempfailed",
        "outside_headers_removed",
        "outside_headers_refused",
        "not_split",
    ):
        monkeypatch.setattr(maillog, name, lambda *arguments, name=name, **rest: noted.append((name, *arguments, rest)))
    return noted


class NotingPool(FakePool):
    """Notes also how it is asked."""

    def __init__(self, inspection: Inspection) -> None:
        super().__init__(inspection)
        self.asked: list[dict[str, Any]] = []

    def inspect(self, message: int | bytes, **words: Any) -> Inspection:
        self.asked.append(words)
        return super().inspect(message, **words)


def noting(service: FakeService, inspection: Inspection | None = None) -> NotingPool:
    pool = NotingPool(inspection or Inspection())
    service.pool = pool
    service.snapshot = replace(service.snapshot, pool=cast(Any, pool))
    return pool


def count(metric: Any, *labels: str) -> float:
    return float((metric.labels(*labels) if labels else metric)._value.get())


# -- the workers ------------------------------------------------------------------------------------------------------


def test_a_worker_gets_the_subject_the_from_address_and_the_owner(new_service: NewService) -> None:
    service = new_service()
    pool = noting(service)
    send(service.session())
    assert pool.asked == [
        {
            "queue_id": "4QUEUEID",
            "subject": "Lunch",
            "header_from": "<anna@corp.example>",
            "message_id": "<1@corp.example>",
            "who": ("192.0.2.7", "anna@corp.example"),
            "is_plain": True,
            "links": False,
            "values": False,
        }
    ]


def test_the_owner_of_a_message_is_the_user_who_logged_in(new_service: NewService) -> None:
    service = new_service()
    pool = noting(service)
    session = service.session()
    session.open("client.example", "192.0.2.7")
    session.begin("anna@corp.example", "anna")
    session.end_of_message("4Q")
    assert pool.asked[0]["who"] == ("anna", "")


def test_an_html_body_is_not_marked_as_plain_text(new_service: NewService) -> None:
    service = new_service()
    pool = noting(service)
    send(service.session(), [*FIELDS[:3], ("Content-Type", b" application/pdf")])
    assert pool.asked[0]["is_plain"] is False


def test_the_ocr_pool_gets_the_same_arguments(new_service: NewService) -> None:
    service = new_service()
    pool = noting(service, Inspection(pictures_unread=True))
    images = NotingPool(Inspection(subject="read"))
    settings = service.snapshot.settings
    service.snapshot = replace(
        service.snapshot,
        settings=settings.model_copy(update={"ocr": settings.ocr.model_copy(update={"mode": "on"})}),
        ocr_pool=cast(Any, images),
    )
    send(service.session())
    (asked,) = pool.asked
    del asked["is_plain"]
    assert images.asked == [asked]


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (SubmitError("no listener"), "split"),
        (UnansweredError("no table"), "machines"),
        (OSError("gone"), "gate"),
        (ValueError("odd"), "gate"),
    ],
    ids=["split", "machines", "os", "any"],
)
def test_each_failure_is_logged_and_counted_by_its_stage(
    new_service: NewService, log: list[tuple[Any, ...]], error: Exception, stage: str
) -> None:
    service = new_service()
    noting(service).error = error
    before = count(metrics.ERRORS, stage), count(metrics.MESSAGES, "tempfail", "failed")
    assert send(service.session()).tempfail
    after = count(metrics.ERRORS, stage), count(metrics.MESSAGES, "tempfail", "failed")
    assert after == (before[0] + 1, before[1] + 1)
    ((name, queue_id, rest),) = log
    assert (name, queue_id, rest["stage"]) == ("tempfailed", "4QUEUEID", stage)
    assert str(rest["error"]) == str(error)


def test_the_first_of_several_errors_is_logged(new_service: NewService, log: list[tuple[Any, ...]]) -> None:
    session = new_service().session()
    session.begin("anna@corp.example", "")
    first = ValueError("first")
    session.fail(first)
    session.fail(ValueError("second"))
    assert session.end_of_message("4Q").tempfail
    assert log == [("tempfailed", "4Q", {"stage": "gate", "error": first})]


def test_nothing_is_written_after_an_error(new_service: NewService, monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_service().session()
    session.begin("anna@corp.example", "")
    session.fail(ValueError("x"))
    made: list[int] = []
    monkeypatch.setattr(session, "_new_spool", lambda: made.append(1))
    session.add_header("Subject", b" x")
    session.end_headers()
    session.add_body(b"x")
    assert made == []


def test_an_aborted_message_closes_its_spool_and_is_removed_from_the_count(
    new_service: NewService,
) -> None:
    done: list[str] = []

    class Closing:
        def write(self, _data: bytes) -> None:
            pass

        def close(self) -> None:
            done.append("closed")

    class Machine:
        def refund(self) -> None:
            done.append("refunded")

    for ending in ("abort", "begin"):
        session = new_service().session()
        session.begin("anna@corp.example", "")
        session._spool, session._machine = cast(Any, Closing()), cast(Any, Machine())
        session.abort() if ending == "abort" else session.begin("bob@corp.example", "")
        assert sorted(done) == ["closed", "refunded"]
        assert (session._spool, session._machine) == (None, None)
        session.abort()
        assert len(done) == 2
        done.clear()


def test_a_message_is_evaluated_with_the_settings_at_its_beginning(new_service: NewService) -> None:
    service = new_service(ALLOW_ALL)
    session = service.session()
    other = new_service(HOLD_ALL)
    session.begin("anna@corp.example", "")
    service.snapshot = other.snapshot
    assert not session.end_of_message("4Q").hold
    session.begin("anna@corp.example", "")
    assert session.end_of_message("4Q").hold


# -- the log ----------------------------------------------------------------------------------------------------------


def test_an_inspected_message_logs_one_line(new_service: NewService, log: list[tuple[Any, ...]]) -> None:
    trial = {"name": "trial", "action": "quarantine", "mode": "observe"}
    service = new_service({"policy": [trial, trial | {"name": "other"}, *HOLD_ALL["policy"]]}, inspection=FOUND)
    before = count(metrics.MESSAGES, "quarantine", "complete")
    send(service.session(), recipients=["bob@partner.example", "eve@partner.example"])
    (incident,) = service.store.incidents
    ((name, queue_id, rest),) = log
    assert (name, queue_id) == ("inspected", "4QUEUEID")
    assert rest == {
        "sender": "anna@corp.example",
        "recipients": 2,
        "size": len(service.pool.read[0]),
        "status": "complete",
        "reason": "",
        "action": "quarantine",
        "policy": "all",
        "observed": "trial,other",
        "incident": incident.id,
        "findings": "us-ssn/high:2,iban/low:3",
        "elapsed_ms": 12.5,
        "risks": "",
    }
    assert count(metrics.MESSAGES, "quarantine", "complete") == before + 1


def test_the_metric_counts_findings_except_those_of_low_confidence(new_service: NewService) -> None:
    service = new_service(inspection=FOUND)
    before = count(metrics.FINDINGS, "us-ssn"), count(metrics.FINDINGS, "iban")
    send(service.session())
    assert (count(metrics.FINDINGS, "us-ssn"), count(metrics.FINDINGS, "iban")) == (before[0] + 2, before[1])


def test_removed_fields_are_logged_once_per_message_if_there_are_any(
    new_service: NewService, log: list[tuple[Any, ...]]
) -> None:
    service = new_service()
    before = count(metrics.OUTSIDE_HEADERS)
    send(service.session())
    assert count(metrics.OUTSIDE_HEADERS) == before
    send(service.session(), [*FIELDS, (headers.STATUS, b" x"), (headers.STATUS, b" y")])
    assert count(metrics.OUTSIDE_HEADERS) == before + 1
    assert [one for one in log if one[0] != "inspected"] == [
        ("outside_headers_removed", "4QUEUEID", {"count": 2, "client": "192.0.2.7"})
    ]


def test_a_message_with_too_many_fields_is_logged_and_counted_as_refused(
    new_service: NewService, log: list[tuple[Any, ...]]
) -> None:
    service = new_service()
    before = count(metrics.MESSAGES, "block", "unread"), count(metrics.OUTSIDE_HEADERS)
    assert send(service.session(), [*FIELDS, *[(headers.STATUS, b" x")] * 21]).block
    assert (count(metrics.MESSAGES, "block", "unread"), count(metrics.OUTSIDE_HEADERS)) == (
        before[0] + 1,
        before[1] + 1,
    )
    assert log == [("outside_headers_refused", "4QUEUEID", {"count": 21, "client": "192.0.2.7"})]


# -- recorded incidents -------------------------------------------------------------------------------------------


def test_alerts_and_observed_policies_are_recorded_with_their_kind(new_service: NewService) -> None:
    service = new_service(
        {
            "policy": [
                {"name": "trial", "action": "quarantine", "mode": "observe"},
                {"name": "a", "action": "alert", "notify": ["sec@corp.example", "it@corp.example"]},
            ]
        }
    )
    notes: list[Any] = []
    record = service.store.record

    def noted(incident: Any, actor: Any, **rest: Any) -> None:
        notes.append((incident.policy, incident.action, incident.state, actor, rest["note"]))
        record(incident, actor, **rest)

    cast(Any, service.store).record = noted
    send(service.session())
    assert notes == [("a", "alert", State.RECORDED, module.ACTOR, "observed: trial")]
    assert [one.recipient for one in service.store.outbox] == ["sec@corp.example", "it@corp.example"]


def test_mail_without_a_recording_policy_writes_nothing_to_the_store(new_service: NewService) -> None:
    service = new_service()
    service.store.error = OSError("full")
    assert not send(service.session()).tempfail


def test_the_subject_of_a_message_marked_by_a_scanner_is_masked(new_service: NewService) -> None:
    service = new_service(trusted_scanners=["192.0.2.0/24"])
    fields = [
        ("From", f' "{CARD}" <anna@corp.example>'.encode()),
        ("Subject", f" about {CARD}".encode()),
        ("Message-ID", b" <4111111111111111@corp.example>"),
        ("X-Netskope-Action", b" Quarantine"),
    ]
    assert send(service.session(), fields).hold
    (incident,) = service.store.incidents
    for text in (incident.subject, incident.header_from, incident.message_id):
        assert text
        assert CARD not in text
        assert "4111111111111111" not in text
    assert "anna@corp.example" in incident.header_from
    assert incident.policy == "mark X-Netskope-Action"


def test_a_scanners_field_with_a_long_name_can_be_stored(new_service: NewService) -> None:
    """The store accepts 64 characters."""
    name = "X-" + "Long-" * 20 + "Action"
    service = new_service(trusted_scanners=["192.0.2.0/24"], trusted_scanner_headers={name: "quarantine"})
    assert send(service.session(), [("From", b" <anna@corp.example>"), (name, b" Quarantine")]).hold
    (incident,) = service.store.incidents
    assert incident.policy == f"mark {name}"[: cast(String, schema.incidents.c.policy.type).length]


# -- the reply --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("needs", [True, False])
def test_milter_quarantine_is_requested_only_if_the_postfix_table_does_not_hold(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch, needs: bool
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(holding, "needs_milter_quarantine", lambda *of: (asked.append(of), needs)[1])
    service = new_service(HOLD_ALL)
    assert bool(send(service.session()).hold) is needs
    settings = service.snapshot.settings
    assert asked == [
        (settings.queue.postfix_config, settings.milter.socket, ("X-Netskope-Action", "Quarantine")),
    ]
    asked.clear()
    send(new_service(ALLOW_ALL).session())
    assert asked == [], "nothing is to be held"


def test_a_rejection_names_its_incident_and_a_deferral_records_none(new_service: NewService) -> None:
    service = new_service({"policy": [{"name": "b", "action": "block"}]})
    reply = send(service.session())
    (incident,) = service.store.incidents
    assert reply.block == f"Message refused by policy; incident {incident.id}"
    assert incident.state is State.RECORDED
    deferring = new_service({"uninspected": "tempfail"}, inspection=LIMITED)
    assert send(deferring.session()).tempfail
    assert deferring.store.incidents == []


def test_an_uninspected_message_that_is_allowed_is_not_marked_as_inspected(new_service: NewService) -> None:
    service = new_service({"uninspected": "allow", **ALLOW_ALL}, inspection=LIMITED)
    added = dict(send(service.session()).add)
    assert headers.INSPECTED not in added
    assert added[headers.STATUS] == "limited; a.zip: encrypted"


def test_relations_are_learned_from_accepted_messages_and_not_from_held_ones(new_service: NewService) -> None:
    learned: list[Any] = []
    for policies, is_learned in ((ALLOW_ALL, True), (HOLD_ALL, False)):
        service = new_service(policies)
        recipients = service.snapshot.recipients

        class Learning:
            def __getattr__(self, name: str) -> Any:
                return getattr(recipients, name)  # noqa: B023

            def learn(self, envelope: Any, *_: Any) -> None:
                learned.append(list(envelope.recipients))

        service.snapshot = replace(service.snapshot, recipients=cast(Any, Learning()))
        send(service.session())
        assert learned == ([["bob@partner.example"]] if is_learned else [])
        learned.clear()


def test_a_message_without_header_and_body_is_inspected_as_empty(new_service: NewService) -> None:
    service = new_service()
    session = service.session()
    session.begin("anna@corp.example", "")
    session.end_of_message("4Q")
    assert service.pool.read == [b""]
