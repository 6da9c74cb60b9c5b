"""One attempt to break a promise, and its result."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.site import Site

NUMBER = "536-90-4399"
"""python-stdnum's sample of a social security number, which must not leave without being found."""

Evaluate = Callable[[Site], str]


def nothing(_site: Site) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `prepare` begins it; `evaluate` returns what the attack achieved, "" if the promise held.

    All attempts are begun before the first is evaluated, so that those that send mail wait for Postfix together.
    """

    kind: str
    name: str
    evaluate: Evaluate
    prepare: Callable[[Site], None] = nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt: `reached` is "" if the promise held."""

    attempt: Attempt
    reached: str
