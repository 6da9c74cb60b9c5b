"""Tempfail: the message is deferred because it could not be fully inspected. Policies for other mail cannot use it."""

from typing import ClassVar

from holdgate.policy.action import Action, Handling


class Tempfail(Action):
    """Have the client send the message again later."""

    name: ClassVar[str] = "tempfail"
    summary: ClassVar[str] = "deferred with a 4xx response; the client retries"
    handling: ClassVar[Handling] = Handling.DEFER
    records: ClassVar[bool] = False
    for_policies: ClassVar[bool] = False
    for_uninspected: ClassVar[bool] = True
