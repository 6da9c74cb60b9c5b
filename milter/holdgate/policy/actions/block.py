"""Block: the message is refused in the SMTP session, and its sender's mail program reports it."""

from typing import ClassVar

from holdgate.policy.action import Action, Handling


class Block(Action):
    """Refuse a message permanently."""

    name: ClassVar[str] = "block"
    summary: ClassVar[str] = "refused in the SMTP session with `550 5.7.1` and the incident's id"
    handling: ClassVar[Handling] = Handling.REFUSE
    for_uninspected: ClassVar[bool] = True
