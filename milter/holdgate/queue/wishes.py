"""A sender's wishes about reports (RFC 3461), read from the envelope of a queue file as postcat(1) prints it.

Postfix keeps ENVID and RET with the message, NOTIFY and ORCPT with each recipient, with xtext decoded.
"""

from dataclasses import dataclass, field

# Values of Postfix's dsn_mask.h.
_RET_HEADERS = 2
_NOTIFY_FAILURE = 4
# Flag of smtputf8.h (sendopts.h since 3.9) in the sixth number of the record that postcat(1) calls message_size.
_UTF8_REQUESTED = 1


@dataclass(frozen=True, slots=True)
class Wishes:
    """`originals` are the original names of recipients (type;address); failures of `unwanted` ones are not reported."""

    envelope_id: str = ""
    header_only: bool = False
    originals: dict[str, str] = field(default_factory=dict)
    unwanted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Addressee:
    """A recipient in a queue file. `notify` are the flags of Postfix's dsn_mask.h, `original` is "type;address".

    `called` is the recipient as the client named it, before an alias replaced it; "" if Postfix does not report it.
    """

    address: str
    notify: int = 0
    original: str = ""
    called: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The envelope of a queue file, with everything that a copy of it needs. `returned` is RET, 0 if not given.

    `is_8bit` and `is_utf8`: its client declared 8BITMIME (RFC 6152) or SMTPUTF8 (RFC 6531).
    """

    sender: str = ""
    recipients: list[Addressee] = field(default_factory=list)
    envelope_id: str = ""
    returned: int = 0
    is_8bit: bool = False
    is_utf8: bool = False


def read_envelope(envelope: bytes) -> Sent:
    """Read the records before the message's content: the sender, and the recipients of the delivery."""
    sender, envelope_id, returned = "", "", 0
    is_8bit = is_utf8 = False
    recipients: list[Addressee] = []
    notify, original, called = 0, "", ""
    for line in envelope.decode("utf-8", "surrogateescape").split("\n"):
        name, _, value = line.partition(": ")
        if name == "sender":
            sender = value
        elif name == "message_size":
            is_utf8 = len(sizes := value.split()) > 5 and bool(_number(sizes[5]) & _UTF8_REQUESTED)
        elif name == "named_attribute":
            key, _, value = value.partition("=")
            match key:
                case "envelope_id":
                    envelope_id = value
                case "ret_flags":
                    returned = _number(value)
                case "encoding":
                    is_8bit = value.lower() == "8bit"
                case "notify_flags":
                    notify = _number(value)
                case "dsn_orig_rcpt":
                    original = value
        elif name == "original_recipient":
            called = value
        elif name == "recipient":
            recipients.append(Addressee(value, notify, original, called))
            notify, original, called = 0, "", ""
    return Sent(sender, recipients, envelope_id, returned, is_8bit, is_utf8)


def read_wishes(envelope: bytes) -> Wishes:
    """Read the records before the message's content; unknown records are ignored."""
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
            # An incident has a recipient as the client named it, not the result of an alias.
            for address in dict.fromkeys((value, called or value)):
                if original:
                    originals.setdefault(address, original)
                if notify and not notify & _NOTIFY_FAILURE:
                    unwanted.add(address)
            notify, original, called = 0, "", ""
    return Wishes(envelope_id, returned == _RET_HEADERS, originals, frozenset(unwanted))


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() else 0
