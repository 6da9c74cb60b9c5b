"""Mail: notices are submitted to Postfix, to a listener that has no milter, so that none can be held itself.

Most have an empty envelope sender and come back to nobody; a request has an address of ours, so that one that comes
back is passed on.
"""

from typing import ClassVar

from holdgate.desk import post
from holdgate.desk.channel import MAIL, Channel, Letter, Shows


class Mail(Channel):
    """Submit complete messages to `desk.notice_relay`."""

    name: ClassVar[str] = MAIL
    shows: ClassVar[Shows] = Shows.MASKED
    may_decide: ClassVar[bool] = True

    def deliver(self, recipient: str, letter: Letter) -> None:
        """Submit one message."""
        with post.refusals():
            post.hand_over(letter.content, recipient, self.settings.desk.notice_relay, letter.sender)
