"""The headers that only Holdgate writes. Copies that come in from outside are removed before ours are added."""

from email.errors import HeaderParseError
from email.header import decode_header, make_header

INSPECTED = "X-Netskope-Inspected"
ACTION = "X-Netskope-Action"
STATUS = "X-Holdgate-Status"
INCIDENT = "X-Holdgate-Incident"
SEAL = "X-Holdgate-Seal"
ROUTE = "X-Holdgate-Route"

ALL = (INSPECTED, ACTION, STATUS, INCIDENT, SEAL, ROUTE)


def decode(value: bytes | str) -> str:
    """Return a header field's value as text: unfolded, encoded words (RFC 2047) decoded, never an error.

    Raw bytes are read as UTF-8 (RFC 6532), and malformed encoded words stay as they are.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    text = " ".join(text.split())
    if "=?" not in text:
        return text
    try:
        decoded = str(make_header(decode_header(text)))
    except (ValueError, LookupError, HeaderParseError):
        return text
    return decoded.encode("utf-8", "replace").decode()
