"""Every attempt of testbed/attacks on a real site: all promises hold."""

from testbed.attacks import run


def test_no_attack_breaks_a_promise() -> None:
    outcomes = run.run()
    kinds = {outcome.attempt.kind for outcome in outcomes}
    assert kinds == set(run.PROMISES)
    assert {(one.attempt.kind, one.attempt.name): one.reached for one in outcomes if one.reached} == {}
