"""Every attempt of testbed/attacks on a real site: no promise is broken."""

from testbed.attacks import run

# What later changes have to mend. Nothing may be added here: each is named in docs/known-issues.md.
OPEN = {
    ("forged reply", "forged From, by the addresses in Postfix's log"),
    ("forged reply", "forged From, the request's Message-ID as reference"),
}


def test_no_promise_is_broken() -> None:
    outcomes = run.run()
    kinds = {outcome.attempt.kind for outcome in outcomes}
    assert kinds == set(run.PROMISES)
    reached = {(outcome.attempt.kind, outcome.attempt.name): outcome.reached for outcome in outcomes if outcome.reached}
    assert {attempt: how for attempt, how in reached.items() if attempt not in OPEN} == {}
