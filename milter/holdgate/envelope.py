"""What is known about a message besides its content: from SMTP, from Postfix's macros and from its top headers."""

from dataclasses import dataclass, field

from holdgate.risks import Risks


@dataclass(slots=True)
class Envelope:
    """One SMTP transaction. Addresses are without angle brackets; the null sender is "".

    `headers` are the decoded values of the header fields that policies use, by lower-case name.
    `risks` is what is unusual about its recipients, None until that has been evaluated.
    `size` counts the bytes of the message as the milter received it, header and body with CRLF line ends.
    """

    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    auth_user: str = ""
    client_name: str = ""
    client_address: str = ""
    queue_id: str = ""
    header_from: str = ""
    subject: str = ""
    message_id: str = ""
    size: int = 0
    headers: dict[str, list[str]] = field(default_factory=dict)
    risks: Risks | None = None
