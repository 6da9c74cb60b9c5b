"""Quarantine: the message waits in Postfix's hold queue until its moderators decide."""

from typing import ClassVar

from holdgate.policy.action import Action, Handling


class Quarantine(Action):
    """Hold a message."""

    name: ClassVar[str] = "quarantine"
    summary: ClassVar[str] = "held until a moderator decides"
    handling: ClassVar[Handling] = Handling.HOLD
    for_uninspected: ClassVar[bool] = True
