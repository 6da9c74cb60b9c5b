"""What a sender asked of reports (RFC 3461): read from the envelope of a queue file, as postcat(1) prints it.

Postfix keeps ENVID and RET with the message, NOTIFY and ORCPT with each recipient, xtext undone.
"""

from dataclasses import dataclass, field

# Values of Postfix's dsn_mask.h.
_RET_HEADERS = 2
_NOTIFY_FAILURE = 4


@dataclass(frozen=True, slots=True)
class Wishes:
    """`originals` say how recipients were called first (type;address), `unwanted` whose failures are not to be told."""

    envelope_id: str = ""
    header_only: bool = False
    originals: dict[str, str] = field(default_factory=dict)
    unwanted: frozenset[str] = frozenset()


def read_wishes(envelope: bytes) -> Wishes:
    """Read the records before the message's content; what is not understood is no wish."""
    envelope_id, returned = "", 0
    originals: dict[str, str] = {}
    unwanted: set[str] = set()
    notify, original, called = 0, "", ""
    for line in envelope.decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(": ")
        if name == "named_attribute":
            key, _, value = value.partition("=")
            if key == "envelope_id":
                envelope_id = value
            elif key == "ret_flags":
                returned = _number(value)
            elif key == "notify_flags":
                notify = _number(value)
            elif key == "dsn_orig_rcpt":
                original = value
        elif name == "original_recipient":
            called = value
        elif name == "recipient":
            # An incident knows a recipient as the client named it, not by what an alias made of it.
            for address in dict.fromkeys((value, called or value)):
                if original:
                    originals.setdefault(address, original)
                if notify and not notify & _NOTIFY_FAILURE:
                    unwanted.add(address)
            notify, original, called = 0, "", ""
    return Wishes(envelope_id, returned == _RET_HEADERS, originals, frozenset(unwanted))


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() else 0
