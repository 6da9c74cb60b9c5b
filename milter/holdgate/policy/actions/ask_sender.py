"""Ask the sender: the message waits in Postfix's hold queue for its sender or, beyond a limit, for a moderator."""

from collections.abc import Iterator
from typing import ClassVar

from holdgate.policy.action import Action, Handling
from holdgate.policy.asking import SenderRules


class AskSender(SenderRules, Action):
    """Hold a message and ask its sender (desk/asksender.py). An action that asks moderators is stricter."""

    name: ClassVar[str] = "ask-sender"
    summary: ClassVar[str] = "held until its sender decides; if a limit is exceeded, moderators are asked"
    handling: ClassVar[Handling] = Handling.HOLD
    strictness: ClassVar[int] = -10

    def sender_rules(self) -> SenderRules:
        """Return this action's keys."""
        return self

    def details(self) -> Iterator[tuple[str, str]]:
        """Yield who decides."""
        yield "asked", "the owner of an application, otherwise the sender" if self.ask_owners else "the sender"
