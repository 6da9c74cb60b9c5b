"""Mail: notices are submitted to a Postfix listener without a milter, so that none can be held itself.

Most have the null envelope sender, so they cannot bounce. A request has an address of the desk, so that the desk can
reassign a request that bounces.
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
            post.submit_one(letter.content, recipient, self.settings.desk.notice_relay, letter.sender)
