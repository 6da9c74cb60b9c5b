"""One attempt to break a promise, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.site import Site

NUMBER = "536-90-4399"
"""python-stdnum's sample of a social security number: what must not leave without being seen."""

Judge = Callable[[Site], str]


def nothing(_site: Site) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `prepare` begins it, `judge` says what was reached, "" where the promise held.

    All attempts are begun before the first is judged: those that send mail wait for Postfix together.
    """

    kind: str
    name: str
    judge: Judge
    prepare: Callable[[Site], None] = nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: `reached` is "" where the promise held."""

    attempt: Attempt
    reached: str
