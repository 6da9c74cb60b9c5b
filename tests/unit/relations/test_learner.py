"""Learning in the background: overflow and failures are dropped, and temporarily refused data is kept."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from holdgate import metrics
from holdgate.config import RelationsSettings
from holdgate.envelope import Envelope
from holdgate.findings import Finding, Inspection
from holdgate.quarantine.incident import Change, Incident
from holdgate.quarantine.relations import Weight
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store, open_store
from holdgate.relations.correspondence import Correspondence
from holdgate.relations.keys import Hasher
from holdgate.relations.learner import Learner
from holdgate.relations.memory import Memory, UnknownError
from holdgate.relations.report import report
from holdgate.relations.sent import Sent, sent
from holdgate.risks import CONTENT, LOOKALIKE, Risks
from tests.unit.relations.conftest import ANNA, HALF_LIFE, TODAY, Site

NOW = datetime(2024, 10, 4, tzinfo=UTC)  # the day TODAY
BOB = "bob@partner.example"


def dropped(reason: str) -> float:
    return float(metrics.RELATIONS_DROPPED.labels(reason)._value.get())


def learned() -> float:
    return float(metrics.RELATIONS_LEARNED._value.get())


def learner(site: Site, **given: Any) -> Learner:
    values: dict[str, Any] = {"room": 10, "retention": 400, "now": lambda: NOW} | given
    return Learner(site.teacher, site.store.relations, **values)


def message(*to: str) -> Sent:
    return Sent(ANNA, to or (BOB,), (), (), TODAY)


def test_a_full_queue_drops_new_messages(site: Site) -> None:
    one, before = learner(site, room=2), dropped("queue full")
    for _ in range(5):
        one.put(message)
    assert dropped("queue full") - before == 3
    one.learn()
    assert site.store.relations.of([site.hasher.edge("sender address", ANNA, BOB)])


def test_a_message_that_fails_does_not_stop_the_others(site: Site) -> None:
    one, before = learner(site), dropped("error")

    def bad() -> Sent:
        raise ValueError

    one.put(bad)
    one.put(lambda: None)
    one.put(message)
    one.learn()
    assert dropped("error") - before == 1
    assert site.kinds(BOB) == set()


def test_data_that_the_store_refuses_temporarily_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one, before = learner(site), learned()
    one.put(message)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.store.relations), "add", fail)
        one.learn()
    assert not site.store.relations.has_any()
    assert learned() == before
    one._lessons._failures.clear()  # its pause is over
    one.learn()
    assert site.store.relations.has_any()
    assert learned() == before + 1


def test_a_message_counts_as_learned_when_it_is_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one, before, add = learner(site), learned(), site.store.relations.add
    counted: list[float] = []

    def noted(seen: dict[int, Weight], half_life: float) -> set[int]:
        counted.append(learned())
        return add(seen, half_life)

    monkeypatch.setattr(site.store.relations, "add", noted)
    for _ in range(3):
        one.put(message)
    one.learn()
    assert counted
    assert set(counted) == {before}
    assert learned() == before + 3


def fail(*_: object) -> None:
    raise OperationalError("", {}, Exception("gone"))


def test_an_update_that_always_fails_is_dropped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one, before, learned_before = learner(site), dropped("error"), learned()

    def broken(*_: object) -> None:
        raise ValueError

    for _ in range(3):
        one.put(message)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.store.relations), "add", broken)
        one.learn()
    assert dropped("error") - before == 3
    assert learned() == learned_before
    one.put(message)
    one.learn()
    assert site.kinds(BOB) == set()


def test_a_failed_store_makes_the_risk_unknown_and_is_not_queried_for_a_while(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    memory = Memory(site.store.relations, HALF_LIFE, clock=lambda: now)
    asked: list[int] = []

    def away(*_: object) -> None:
        asked.append(1)
        fail()

    monkeypatch.setattr(type(site.store.relations), "of", away)
    for _ in range(3):
        with pytest.raises(UnknownError):
            memory.view(TODAY, 1).of([1])
    assert len(asked) == 1
    now = 60.0
    with pytest.raises(UnknownError):
        memory.view(TODAY, 1).of([1])
    assert len(asked) == 2
    memory.close()


def settings(tmp_path: Path, **given: Any) -> RelationsSettings:
    usual = {"mode": "on", "key": tmp_path / "relations.key", "time_limit": "60s"}
    return RelationsSettings.model_validate(usual | given)


def correspondence(tmp_path: Path, store: Store, **given: Any) -> Correspondence:
    return Correspondence(
        settings(tmp_path, **given), store, ["corp.example"], lambda one: one.endswith("@corp.example")
    )


def envelope(*to: str, sender: str = ANNA) -> Envelope:
    return Envelope(sender=sender, recipients=list(to or [BOB]), subject="Offer for Orchid")


def test_accepted_mail_is_learned_and_compared(tmp_path: Path, store_url: str) -> None:
    found = Inspection(findings=[Finding("iban", "high", 1, 1, [], [])])
    store = open_store(store_url)
    for _ in range(2):  # the second start has the same key
        one = correspondence(tmp_path, store)
        for _ in range(4):
            one.learn(envelope(), found, NOW)
        one.close(60)
    one = correspondence(tmp_path, store)
    assert one.risks(envelope(), found, NOW) == Risks()
    kinds = {risk.kind: risk.count for risk in one.risks(envelope("bob@partners.example"), found, NOW).found}
    assert kinds[LOOKALIKE] == 8
    assert one.risks(envelope("x@y.example", sender="eve@elsewhere.example"), found, NOW) == Risks()
    assert one.risks(envelope("x@y.example", sender=""), found, NOW) == Risks()
    one.close(60)
    known = report(Hasher.load(tmp_path / "relations.key"), store.relations, TODAY)
    assert [(day.messages, day.recipients, day.first) for day in known.days] == [(8, 8, 1)]
    assert not known.is_enough
    store.close()


def test_an_excluded_address_is_neither_learned_nor_compared(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url)
    one = correspondence(tmp_path, store, except_for=["partner.example", "carl@corp.example"])
    one.learn(envelope(), Inspection(), NOW)
    one.learn(envelope("eve@client.example", sender="carl@corp.example"), Inspection(), NOW)
    assert one.risks(envelope(), Inspection(), NOW) == Risks()
    assert one.risks(envelope("new@fresh.example", sender="carl@corp.example"), Inspection(), NOW) == Risks()
    assert one.risks(envelope("new@fresh.example"), Inspection(), NOW) != Risks()
    one.close(60)
    assert not store.relations.has_any()
    store.close()


@pytest.mark.parametrize(("setting", "whose"), [("site", "site"), ("own", "colleagues")])
def test_the_setting_hides_the_names_of_others_correspondents(
    tmp_path: Path, store_url: str, setting: str, whose: str
) -> None:
    store = open_store(store_url)
    one = correspondence(tmp_path, store, names_for_sender=setting)
    one.learn(envelope(sender="carl@corp.example"), Inspection(), NOW)
    one.close(60)
    one = correspondence(tmp_path, store, names_for_sender=setting)
    found = one.risks(envelope("bob@partners.example"), Inspection(), NOW).found
    assert [risk.whose for risk in found if risk.kind == LOOKALIKE] == [whose]
    one.close(60)
    store.close()


def test_learn_mode_compares_nothing(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url)
    one = correspondence(tmp_path, store, mode="learn")
    assert one.risks(envelope("new@fresh.example"), Inspection(), NOW) == Risks()
    one.close(60)
    store.close()


def test_a_released_message_is_learned_once(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url)
    one = correspondence(tmp_path, store)
    incident = Incident(queue_id="4A", sender=ANNA, recipients=[BOB], policy="p", state=State.APPROVED)
    store.record(incident, Actor("test", "test"))
    store.change(incident, State.RELEASED, Actor("test", "test"), closed_at=datetime.now(UTC))
    (given,) = one._released()
    taught = given()
    assert taught is not None
    assert taught.outside == (BOB,)
    assert one._released() == []
    one.close(60)
    store.close()


def test_messages_released_before_a_reload_are_not_learned_again(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url)
    incident = Incident(queue_id="4A", sender=ANNA, recipients=[BOB], policy="p", state=State.APPROVED)
    store.record(incident, Actor("test", "test"))
    store.change(incident, State.RELEASED, Actor("test", "test"), closed_at=datetime.now(UTC))
    for _ in range(3):  # each reload makes a new one
        one = correspondence(tmp_path, store)
        for given in one._released():
            one._learner.put(given)
        one.close(60)
    edge = Hasher.load(tmp_path / "relations.key").edge("sender address", ANNA, BOB)
    assert store.relations.of([edge])[edge].weight == 1.0
    store.close()


def test_a_recipient_that_the_sender_excluded_is_not_learned(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url)
    one = correspondence(tmp_path, store)
    wrong, numbered = "bob@partner-group.example", "client-********12@partner.example"
    incident = Incident(queue_id="4A", sender=ANNA, recipients=[BOB, wrong, numbered], policy="p", state=State.APPROVED)
    incident = replace(incident, change=asdict(Change(["without-recipients"], "", "", "t", recipients=[wrong])))
    store.record(incident, Actor("test", "test"))
    store.change(incident, State.RELEASED, Actor("test", "test"), closed_at=datetime.now(UTC))
    (given,) = one._released()
    taught = given()
    assert taught is not None
    assert taught.outside == (BOB,)
    one.close(60)
    store.close()


def test_identifiers_and_profiles_of_a_message_are_learned_as_content() -> None:
    kinds = [Finding("iban", "high", 1, 1, [], []), Finding("us-ssn", "low", 1, 1, [], [])]
    found = sent(envelope(), Inspection(findings=kinds, profiles={"dlp-pii": "high"}), bool, NOW)
    assert [one for one in found.tokens if not one.startswith(("word ", "thread "))] == ["kind iban", "profile dlp-pii"]


DIGEST = "iban 0123456789abcdef"


def test_a_value_is_compared_and_stored_as_a_keyed_hash(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url)
    found = Inspection(values=[DIGEST])
    one = correspondence(tmp_path, store)
    for _ in range(3):
        one.learn(envelope(), found, NOW)
    one.learn(envelope("eve@client.example"), Inspection(), NOW)
    one.close(60)
    one = correspondence(tmp_path, store)
    (risk,) = one.risks(envelope("eve@client.example"), found, NOW).found
    assert (risk.kind, risk.similar, risk.count, risk.whose) == (CONTENT, "iban", 3, "value")
    assert one.risks(envelope("eve@client.example"), Inspection(values=["iban fedcba9876543210"]), NOW) == Risks()
    one.close(60)
    unkeyed = int("0123456789abcdef", 16)
    assert not store.relations.of([unkeyed - 2**63, unkeyed])
    assert not store.relations.look((), [unkeyed >> 32, unkeyed & 0xFFFFFFFF], 1)[1][unkeyed >> 32]
    store.close()


@pytest.mark.parametrize("excepted", [False, True])
def test_the_values_of_a_held_message_are_learned_at_its_release(
    tmp_path: Path, store_url: str, excepted: bool
) -> None:
    store = open_store(store_url)
    given = {"except_for": [ANNA]} if excepted else {}
    one = correspondence(tmp_path, store, **given)
    incident = Incident(queue_id="4A", sender=ANNA, recipients=[BOB], policy="p", state=State.APPROVED)
    one.note(incident.id, envelope(), Inspection(values=[DIGEST]), NOW)
    one._learner.close(60)
    assert store.relations.has_any() is not excepted
    store.record(incident, Actor("test", "test"))
    store.change(incident, State.RELEASED, Actor("test", "test"), closed_at=datetime.now(UTC))
    (lesson,) = (given() for given in one._released())
    owner = Hasher.load(tmp_path / "relations.key").owner("value", DIGEST)
    assert (None if lesson is None else dict(lesson.values)) == (None if excepted else {owner: ""})
    one.close(60)
    store.close()


def test_released_mail_that_could_not_be_read_is_read_the_next_time(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(store_url)
    one = correspondence(tmp_path, store)
    incident = Incident(queue_id="4A", sender=ANNA, recipients=[BOB], policy="p", state=State.APPROVED)
    store.record(incident, Actor("test", "test"))
    store.change(incident, State.RELEASED, Actor("test", "test"), closed_at=datetime.now(UTC))
    with monkeypatch.context() as patch:
        patch.setattr(store, "closed_since", fail)
        with pytest.raises(OperationalError):
            one._released()
    assert len(one._released()) == 1
    one.close(60)
    store.close()


def test_the_number_of_values_learned_per_domain_and_day_has_a_limit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdgate.relations.teaching._VALUES_A_DAY", 2)
    for value in range(1, 5):
        site.learn(BOB, times=1, values={value: "iban"})
    site.learn("eve@client.example", times=1, values={9: "iban"})
    _, found = site.store.relations.look((), [1, 2, 3, 4, 9], 1)
    assert {owner for owner, gone in found.items() if gone} == {1, 2, 9}


def test_a_changed_key_is_noticed(site: Site) -> None:
    from holdgate.relations.teaching import Teacher

    assert not site.teacher.has_other_key()
    site.learn(BOB)
    assert not site.teacher.has_other_key()
    assert Teacher(Hasher(b"x" * 32), site.store.relations, HALF_LIFE).has_other_key()
