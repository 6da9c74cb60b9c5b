"""The parts of a message that are compared with earlier mail of its account: recipients, link hosts, attachments."""

import re
from collections.abc import Sequence

from holdgate.findings import Attachment, Inspection
from holdgate.mask import MASK

RECIPIENT, HOST, ATTACHMENT = "recipient", "host", "attachment"
KINDS = (RECIPIENT, HOST, ATTACHMENT)

# A number in a name, or a word with a digit or a masked letter, which may be one. This is what differs between two
# invoices. Only where a word begins: from each of its characters, a long word would take quadratic time.
_NUMBERED = re.compile(rf"(?<![^\W_])(?<![{MASK}])[^\W\d_]*+[\d{MASK}](?:[^\W_]|[{MASK}])*+")
_BETWEEN = re.compile(r"#(?:[\s._,()\[\]+-]*#)+")


def pattern_of(attachment: Attachment) -> str:
    """Return a pattern that attachments of the same purpose have in common.

    It has the reader's kind, the file extension, and the name with each word that has a digit replaced by "#":
    "invoice-4711.pdf" and "Invoice-4712.pdf" both become "pdf invoice-#.pdf".
    """
    name, dot, ending = attachment.file_name.casefold().rpartition(".")
    if not dot:
        name, ending = ending, ""
    folded = _BETWEEN.sub("#", _NUMBERED.sub("#", " ".join(name.split())))
    return f"{attachment.kind} {folded}{dot}{ending}"


def attachments_of(inspection: Inspection) -> list[str]:
    """Return the patterns of a message's files, including those inside other files, each once."""
    return list(dict.fromkeys(map(pattern_of, inspection.attachments)))


def may_be_learned(kind: str, value: str) -> bool:
    """Return whether a value identifies one thing. A host with masked characters could be any of several."""
    return kind != HOST or MASK not in value


def values_of(recipients: Sequence[str], inspection: Inspection) -> dict[str, list[str]]:
    """Return all values of a message by kind, each once."""
    return {
        RECIPIENT: list(dict.fromkeys(one.lower() for one in recipients)),
        HOST: list(dict.fromkeys(inspection.hosts)),
        ATTACHMENT: attachments_of(inspection),
    }
