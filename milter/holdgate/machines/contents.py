"""What of a message is compared with what its account has sent before: recipients, hosts of links, attachments."""

import re
from collections.abc import Sequence

from holdgate.findings import Attachment, Inspection
from holdgate.mask import MASK

RECIPIENT, HOST, ATTACHMENT = "recipient", "host", "attachment"
KINDS = (RECIPIENT, HOST, ATTACHMENT)

# A number in a name, or what stands for one: a word with a digit or a masked letter in it. It is what differs between
# two invoices.
_NUMBERED = re.compile(rf"(?:[^\W_]|[{MASK}])*[\d{MASK}](?:[^\W_]|[{MASK}])*")
_BETWEEN = re.compile(r"#(?:[\s._,()\[\]+-]*#)+")


def pattern_of(attachment: Attachment) -> str:
    """Return what is alike in attachments that are the same to a recipient.

    That is the reader's kind, the ending of the name, and the name with each word with a digit as "#":
    "invoice-4711.pdf" and "Invoice-4712.pdf" both are "pdf invoice-#.pdf".
    """
    name, dot, ending = attachment.file_name.casefold().rpartition(".")
    if not dot:
        name, ending = ending, ""
    folded = _BETWEEN.sub("#", _NUMBERED.sub("#", " ".join(name.split())))
    return f"{attachment.kind} {folded}{dot}{ending}"


def attachments_of(inspection: Inspection) -> list[str]:
    """Return the patterns of the files that a message carries, each once; those inside other files count too."""
    return list(dict.fromkeys(map(pattern_of, inspection.attachments)))


def may_be_learned(kind: str, value: str) -> bool:
    """Say whether a value stands for one thing. A host with something masked in it could be any other one."""
    return kind != HOST or MASK not in value


def values_of(recipients: Sequence[str], inspection: Inspection) -> dict[str, list[str]]:
    """Return all values of a message by kind, each once."""
    return {
        RECIPIENT: list(dict.fromkeys(one.lower() for one in recipients)),
        HOST: list(dict.fromkeys(inspection.hosts)),
        ATTACHMENT: attachments_of(inspection),
    }
