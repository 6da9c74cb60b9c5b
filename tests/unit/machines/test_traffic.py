"""New contents of a program's mail, the number of its messages, and which messages are learned."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from holdgate.machines.traffic import UnansweredError, ledger_of
from holdgate.quarantine.schema import machine_messages
from holdgate.quarantine.states import State
from holdgate.quarantine.store import open_store
from holdgate.relations.keys import Hasher
from holdgate.risks import MACHINE_FIRST, MACHINE_LINK, MACHINE_MESSAGES, MACHINE_RECIPIENT, Risk
from tests.unit.machines.conftest import ACTOR, BOB, CARL, Agent

FIRST = {"machine-first", "machine-recipient"}
INVOICE = ("invoice-4711.pdf",)
PORTAL = ("portal.corp.example",)


def counts(risks: tuple[Risk, ...], kind: str) -> list[int]:
    return [one.count for one in risks if one.kind == kind]


def test_contents_of_accepted_mail_are_known(agent: Agent) -> None:
    assert agent.new(BOB, hosts=PORTAL, files=INVOICE) == FIRST | {"machine-link", "machine-attachment"}
    agent.send(BOB, hosts=PORTAL, files=INVOICE)
    assert agent.new("Bob@Partner.Example", hosts=PORTAL, files=("invoice-4712.pdf",)) == set()
    assert agent.new(CARL) == FIRST
    assert agent.new(BOB, hosts=("portal.corp.test",)) == {"machine-link"}
    assert agent.new(BOB, files=("salaries.pdf",)) == {"machine-attachment"}


def test_contents_known_for_one_account_are_new_for_another(agent: Agent) -> None:
    agent.send(BOB)
    assert agent.new(BOB) == set()
    agent.tables.lookup = lambda table, key: "x" if key == "other" else None  # type: ignore[method-assign]
    assert {one.kind for one in agent.evaluate(BOB, user="other")[1]} == FIRST | {MACHINE_MESSAGES}


@pytest.mark.parametrize(("end", "learned"), [("approve", True), ("reject", False), ("expire", False), ("", False)])
def test_held_mail_is_learned_only_if_it_is_released(agent: Agent, end: str, learned: bool) -> None:
    agent.hold(BOB, hosts=PORTAL, files=INVOICE, end=end)
    wanted = set() if learned else FIRST | {"machine-link", "machine-attachment"}
    assert agent.new(BOB, hosts=PORTAL, files=INVOICE) == wanted


def test_a_vanished_message_is_learned_if_it_is_held_again_and_released(agent: Agent) -> None:
    incident = agent.hold(BOB, end="lose")
    assert agent.new(BOB) == FIRST
    for state in (State.HELD, State.APPROVED, State.RELEASED):
        incident = agent.store.change(incident, state, ACTOR, closed_at=datetime.now(UTC))
    assert agent.new(BOB) == set()


def test_only_the_recipients_of_a_changed_message_are_learned(agent: Agent) -> None:
    incident = agent.hold(BOB, hosts=PORTAL, files=("salaries.pdf",))
    incident = agent.store.change(incident, State.HELD, ACTOR)
    change = {"kinds": ["without-attachments"], "original": "", "sent": "", "token": "t"}
    incident = agent.store.change(incident, State.APPROVED, ACTOR, change=change)
    agent.store.change(incident, State.RELEASED, ACTOR)
    assert agent.new(BOB, hosts=PORTAL, files=("salaries.pdf",)) == {"machine-link", "machine-attachment"}


def test_an_excluded_recipient_is_not_learned(agent: Agent) -> None:
    incident = agent.hold(BOB, CARL, end="")
    incident = agent.store.change(incident, State.HELD, ACTOR)
    change = {"kinds": ["without-recipients"], "original": "", "sent": "", "token": "t", "recipients": [BOB]}
    incident = agent.store.change(incident, State.APPROVED, ACTOR, change=change)
    agent.store.change(incident, State.RELEASED, ACTOR)
    assert agent.new(CARL) == set()
    assert agent.new(BOB) == FIRST


def test_the_content_of_a_split_message_is_not_learned(agent: Agent) -> None:
    mail, _ = agent.evaluate(BOB, CARL, hosts=PORTAL)
    mail.learn([BOB])
    assert agent.new(BOB, hosts=PORTAL) == {"machine-link"}
    assert agent.new(CARL) == FIRST


def test_new_recipients_are_counted_once_each_per_day(agent: Agent) -> None:
    many = [f"user{number}@partner.example" for number in range(4)]
    assert counts(agent.evaluate(*many[:2])[1], MACHINE_RECIPIENT) == [1, 2]
    assert counts(agent.evaluate(*many[:2])[1], MACHINE_RECIPIENT) == [1, 2]  # sent again
    assert counts(agent.evaluate(*many[2:])[1], MACHINE_RECIPIENT) == [3, 4]
    agent.send(many[0])
    assert counts(agent.evaluate(CARL)[1], MACHINE_RECIPIENT) == [5]
    agent.seconds += 86_400
    assert counts(agent.evaluate(CARL)[1], MACHINE_RECIPIENT) == [1]
    assert counts(agent.evaluate(many[1])[1], MACHINE_RECIPIENT) == [2]


def test_all_new_recipients_and_some_new_links_are_reported(agent: Agent) -> None:
    """A policy decides about each recipient (`split`): one without a risk would get the message."""
    many = [f"c{number}@partner.example" for number in range(100)]
    _, risks = agent.evaluate(*many, hosts=tuple(f"h{number}.partner.example" for number in range(50)))
    assert [one.recipient for one in risks if one.kind == MACHINE_FIRST] == many
    assert max(counts(risks, MACHINE_LINK)) == 50
    assert 1 <= len(counts(risks, MACHINE_LINK)) <= 20


def test_messages_are_counted_per_hour(agent: Agent) -> None:
    for number in range(1, 5):
        assert counts(agent.evaluate(BOB)[1], MACHINE_MESSAGES) == [number]
    agent.seconds += 3500
    assert counts(agent.evaluate(BOB)[1], MACHINE_MESSAGES) == [5]
    agent.seconds += 3600 + 300
    assert counts(agent.evaluate(BOB)[1], MACHINE_MESSAGES) == [1]


def test_a_deferred_message_does_not_count_twice(agent: Agent) -> None:
    mail, _ = agent.evaluate(BOB)
    mail.refund()
    mail.refund()
    assert counts(agent.evaluate(BOB)[1], MACHINE_MESSAGES) == [1]


def test_a_host_with_a_masked_part_is_always_new(agent: Agent) -> None:
    agent.send(BOB, hosts=("****1111.evil.example",))
    assert agent.new(BOB, hosts=("****1111.evil.example",)) == {MACHINE_LINK}


def test_a_message_that_is_only_tested_is_not_counted(agent: Agent) -> None:
    from holdgate.envelope import Envelope
    from holdgate.findings import Inspection

    for _ in range(2):
        found = agent.mail().evaluate(Envelope(recipients=[BOB]), Inspection(), counts=False)
        assert counts(found, MACHINE_MESSAGES) == counts(found, MACHINE_RECIPIENT) == [1]


def test_only_risks_over_the_limit_of_a_policy_are_reported(agent: Agent) -> None:
    agent.is_over = lambda risk: risk.kind == MACHINE_FIRST
    agent.traffic = agent.traffic_of(agent.store)
    (risk,) = agent.evaluate(BOB)[1]
    assert (risk.recipient, risk.whose) == (BOB, "billing")


def test_no_risk_is_reported_in_learn_mode(agent: Agent) -> None:
    agent.mode = "learn"
    agent.traffic = agent.traffic_of(agent.store)
    assert agent.evaluate(BOB)[1] == ()
    agent.send(BOB)
    agent.mode = "on"
    agent.traffic = agent.traffic_of(agent.store)
    assert agent.new(BOB) == set()


def test_a_machine_account_is_recognised_by_login_address_or_network(agent: Agent) -> None:
    from holdgate.envelope import Envelope

    def is_counted(**given: Any) -> bool:
        return agent.traffic.of(Envelope(**given)) is not None

    assert is_counted(auth_user="Billing")
    assert is_counted(client_address="192.0.2.7")
    assert is_counted(client_address="2001:db8::1")
    assert is_counted(auth_user="anna", client_address="192.0.2.7")
    assert not is_counted(auth_user="anna", client_address="192.0.20.7")
    assert not is_counted(client_address="198.51.100.1")
    assert not is_counted()


def test_a_message_is_not_accepted_if_the_store_does_not_answer(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OperationalError("x", {}, Exception())

    monkeypatch.setattr(agent.store.machines, "count_message", fails)
    with pytest.raises(UnansweredError):
        agent.evaluate(BOB)
    agent.is_over = None  # no policy asks
    agent.traffic = agent.traffic_of(agent.store)
    assert agent.evaluate(BOB)[1] == ()


def test_a_slow_store_delays_a_message_up_to_the_limit(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(agent.store.machines, "count_message", lambda *_: over.wait(60))
    agent.limit = "0s"
    agent.traffic = agent.traffic_of(agent.store)
    with pytest.raises(UnansweredError, match="in time"):
        agent.evaluate(BOB)
    over.set()


def test_two_simultaneous_messages_cannot_both_take_the_last_place(agent: Agent, store_url: str) -> None:
    """Several nodes, each with its own store, count together."""
    stores = [open_store(store_url, f"node{number}") for number in range(3)]
    ledger = ledger_of(Hasher(b"k" * 32), "billing")

    def weigh(number: int) -> tuple[int, int]:
        found = stores[number % 3].machines.count_message(ledger, {"recipient": [ledger_key(number)]}, 1_700_000_000)
        return found.messages, next(iter(found.new.values()))

    def ledger_key(number: int) -> int:
        return Hasher(b"k" * 32).edge("machine recipient", "billing", f"user{number}@partner.example")

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(weigh, range(12)))
    assert sorted(one[0] for one in found) == sorted(one[1] for one in found) == list(range(1, 13))
    for store in stores:
        store.close()


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["accept", "approve", "reject", "expire", ""]), st.sets(st.integers(0, 3), min_size=1)
        ),
        max_size=8,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_a_recipient_is_known_exactly_if_mail_to_them_was_sent(agent: Agent, sent: list[tuple[str, set[int]]]) -> None:
    agent.store.machines.forget(ledger_of(Hasher(b"k" * 32), "billing"))
    known: set[str] = set()
    for way, numbers in sent:
        to = [f"user{number}@partner.example" for number in numbers]
        if way == "accept":
            agent.send(*to)
        else:
            agent.hold(*to, end=way)
        known |= set(to) if way in ("accept", "approve") else set()
    for number in range(4):
        recipient = f"user{number}@partner.example"
        assert (agent.new(recipient) == set()) is (recipient in known)


def test_a_forgotten_recipient_is_new_again(agent: Agent) -> None:
    hasher = Hasher(b"k" * 32)
    agent.send(BOB, CARL)
    assert agent.store.machines.forget_target(hasher.target(BOB)) == 1
    assert (agent.new(BOB), agent.new(CARL)) == (FIRST, set())
    assert agent.store.machines.known(ledger_of(hasher, "billing"), int(agent.seconds)).known["recipient"] == 1
    assert agent.store.machines.forget(ledger_of(hasher, "billing")) == 2
    assert agent.new(CARL) == FIRST


def test_contents_not_seen_for_long_are_purged_and_recent_ones_stay(agent: Agent) -> None:
    agent.send(BOB)
    agent.send(CARL)
    agent.seconds += 10 * 86_400
    agent.send(BOB)
    assert agent.store.machines.purge(int(agent.seconds) - 5 * 86_400) == 1
    assert (agent.new(BOB), agent.new(CARL)) == (set(), FIRST)


def test_the_contents_of_a_resubmitted_copy_are_recorded_again(agent: Agent) -> None:
    """The first time, Postfix did not accept it; the retry has the same incident."""
    for contents in ([1], [2, 3]):
        agent.store.machines.note("7K3M-Q9TX-2ABC", 1, 0, [4], contents, 1_000_000)
    with agent.store._engine.begin() as connection:
        rows = connection.execute(select(machine_messages.c.incident_id, machine_messages.c.contents)).all()
    assert [tuple(row) for row in rows] == [("7K3M-Q9TX-2ABC", [2, 3])]
