"""Mail: notices are submitted to Postfix, to a listener that has no milter, so that none can be held itself.

Most have an empty envelope sender and come back to nobody; a request has an address of ours, so that one that comes
back is passed on.
"""

import smtplib
from typing import ClassVar

from holdgate.desk import post
from holdgate.desk.channel import MAIL, AwayError, Channel, Letter, RefusedError, Shows

_AWAY = (ConnectionError, TimeoutError, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError)


class Mail(Channel):
    """Submit complete messages to `desk.notice_relay`."""

    name: ClassVar[str] = MAIL
    shows: ClassVar[Shows] = Shows.MASKED
    may_decide: ClassVar[bool] = True

    def deliver(self, recipient: str, letter: Letter) -> None:
        """Submit one message. The words of Postfix's answer stay out of the errors: they may repeat an address."""
        try:
            post.hand_over(letter.content, recipient, self.settings.desk.notice_relay, letter.sender)
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            raise RefusedError(f"recipient refused with {code}", permanent=code >= 500) from error
        except _AWAY as error:
            raise AwayError from error
        except smtplib.SMTPSenderRefused as error:
            raise RefusedError(f"sender refused with {error.smtp_code}") from error
        except smtplib.SMTPResponseException as error:
            raise RefusedError(f"refused with {error.smtp_code}") from error
