"""The form of fuzz targets: a name, the test, and running it for a number of examples or for some time."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

Try = Callable[[], None] | type[RuleBasedStateMachine]
"""A test of Hypothesis without further arguments, or a state machine."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to fuzz. `make` creates the test for each run, so that runs share no state."""

    name: str
    tries: str
    make: Callable[[], Try]


def run(target: Target, examples: int, number: int) -> None:
    """Try some examples, or runs of a state machine, with the random `number`. Raises what the first one raised."""
    bounds = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    test = target.make()
    if isinstance(test, type):
        # A machine has no separate seed: Hypothesis draws from this one.
        random.seed(number)
        run_state_machine_as_test(test, settings=bounds)
    else:
        bounds(seed(number)(test))()


def run_for(target: Target, seconds: float, number: int) -> int:
    """Run repeatedly until the end of the time; return the number of runs. Raises what the first one raised."""
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        run(target, 200, number + runs)
        runs += 1
    return runs
