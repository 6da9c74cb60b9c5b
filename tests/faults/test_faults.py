"""A short run under faults, and the ledger's own rules: what it must say of each outcome."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from faults import injuries
from faults.ledger import Ledger, Seen
from faults.soak import run
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State

ONE, TWO = "m0.0@partner.example", "m0.1@partner.example"


def incident(state: State) -> Incident:
    return Incident("4a", "m0@corp.example", [ONE], "p", state=state)


GOOD = [
    (False, True, Seen(Counter([ONE, TWO]))),
    (False, True, Seen(queued=True)),
    (False, True, Seen(Counter([ONE]), queued=True)),
    (False, False, Seen()),
    (False, None, Seen()),
    (False, None, Seen(Counter([ONE, TWO]))),
    (True, True, Seen(queued=True, incidents=[incident(State.HELD)], events={"held"})),
    (True, True, Seen(Counter([ONE, TWO]), incidents=[incident(State.RELEASED)], events={"approved"})),
    (True, True, Seen(returned=True, incidents=[incident(State.RETURNED)], events={"rejected"})),
]
BAD = [
    ("lost", False, True, Seen()),
    ("lost", False, True, Seen(Counter([ONE]))),
    ("lost", True, True, Seen(incidents=[incident(State.VANISHED)])),
    ("doubled", False, True, Seen(Counter([ONE, ONE, TWO]))),
    ("refused", False, False, Seen(Counter([ONE, TWO]))),
    ("refused", False, False, Seen(queued=True)),
    ("without an approval", True, True, Seen(Counter([ONE, TWO]), events={"held"})),
    ("without an approval", True, None, Seen(Counter([ONE]))),
    ("after a rejection", True, True, Seen(Counter([ONE, TWO]), returned=True, events={"approved", "rejected"})),
    ("delivered and returned", False, True, Seen(Counter([ONE, TWO]), returned=True)),
]


def output(held: bool, accepted: bool | None, seen: Seen, **changes: str) -> list[str]:
    ledger = Ledger()
    attempt = ledger.add("plain", held=held, recipients=2)
    attempt.accepted = accepted
    for name, value in changes.items():
        setattr(attempt, name, value)
    return list(ledger.violations({attempt.token: seen}))


@pytest.mark.parametrize(("held", "accepted", "seen"), GOOD)
def test_what_may_become_of_a_message(held: bool, accepted: bool | None, seen: Seen) -> None:
    assert output(held, accepted, seen) == []


@pytest.mark.parametrize(("words", "held", "accepted", "seen"), BAD)
def test_what_may_not(words: str, held: bool, accepted: bool | None, seen: Seen) -> None:
    assert any(words in one for one in output(held, accepted, seen))


def test_what_an_operator_did_is_nobodys_fault() -> None:
    assert output(True, True, Seen(Counter([ONE, TWO])), excuse="released") == []
    assert output(True, True, Seen(), excuse="deleted") == []
    assert output(True, True, Seen(incidents=[incident(State.RETURNED)]), sender="") == []


def test_a_decision_that_was_confirmed_is_in_its_history_unless_the_store_was_lost() -> None:
    ledger = Ledger()
    ledger.add("plain", held=True)
    one = incident(State.HELD)
    ledger.confirmed(one.id, "approved")
    assert list(ledger.violations({"m0": Seen(incidents=[one], events={"approved"})})) == []
    assert len(list(ledger.violations({"m0": Seen(incidents=[one], events={"held"})}))) == 1
    ledger.lose([])
    assert list(ledger.violations({"m0": Seen(incidents=[one], events={"held"})})) == []


def test_what_was_decided_in_a_store_that_is_lost_counts_unless_it_was_not_carried_out() -> None:
    for state, seen, wrong in [
        (State.RELEASED, Seen(Counter([ONE])), ""),
        (State.RETURNED, Seen(returned=True), ""),
        (State.RETURNED, Seen(Counter([ONE]), returned=True, events={"approved"}), "after a rejection"),
        (State.REJECTED, Seen(Counter([ONE]), returned=True, events={"approved"}), ""),
        (State.HELD, Seen(Counter([ONE])), "without an approval"),
    ]:
        ledger = Ledger()
        attempt = ledger.add("plain", held=True)
        attempt.accepted = True
        ledger.lose([incident(state)])
        output = list(ledger.violations({"m0": seen}))
        assert any(wrong in one for one in output) if wrong else output == []


@pytest.mark.postfix
@pytest.mark.timeout(900)  # a minute, but for a machine that does much else: then every part of it has to come to rest
def test_nothing_is_lost_or_doubled_whatever_fails() -> None:
    directory = Path(tempfile.mkdtemp(prefix="holdgate-faults-"))
    quick = [injuries.kill, injuries.stop, injuries.store_locked, injuries.postfix_reload, injuries.postfix_stands]
    quick += [injuries.by_hand("-r", ""), injuries.relay_refuses, injuries.all_killed]
    try:
        outcome = run(directory, seconds=15, seed=1, clients=2, injuries=quick, deadline=15)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    assert outcome.violations == []
    assert outcome.accepted > 20
    assert outcome.faults.total() > 3
