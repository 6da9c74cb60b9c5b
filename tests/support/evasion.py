"""Messages that programs read in different ways, made anew by family: what "Inbox Invasion" (CCS 2024) describes.

Each message carries one payload and bends a rule of RFC 5322, 2045 or 2046, so that it has more than one meaning.
Three classes: fields that contradict themselves, broken multipart structure, and encodings that decoders undo
differently. Every family comes in base64 and in quoted-printable, and with LF turned to CRLF by `wire`.
"""

import base64
import quopri
from collections.abc import Iterator

CTE = b"Content-Transfer-Encoding"
CT = b"Content-Type"
_HEAD = b"From: a@corp.example\nTo: b@partner.example\nSubject: note\nDate: Mon, 23 Nov 2026 09:00:00 +0100\n"
_MIME = b"MIME-Version: 1.0\n"
_HTML = b'Content-Type: text/html; name="page.html"\nContent-Disposition: attachment; filename="page.html"\n'


def evasions(payload: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield family and message for each variant, lines ending in LF or what the family is about."""
    for encoding, body in (("base64", _base64(payload)), ("quoted-printable", _quoted_printable(payload))):
        for name, message in _all(encoding.encode(), body):
            yield f"{name} ({encoding})", message
    for name, body in _bad_base64(payload):
        yield f"base64: {name}", _single(b"Content-Transfer-Encoding: base64\n", body)
        yield f"base64 part: {name}", _multipart(_part(b"Content-Transfer-Encoding: base64\n", body))
    for name, body in _bad_quoted_printable(payload):
        yield f"qp: {name}", _single(b"Content-Transfer-Encoding: quoted-printable\n", body)
        yield f"qp part: {name}", _multipart(_part(b"Content-Transfer-Encoding: quoted-printable\n", body))


def wire(message: bytes) -> bytes:
    """Return a message as SMTP carries it, where that does not undo what it is about."""
    return message if b"\r" in message else message.replace(b"\n", b"\r\n")


def _base64(payload: bytes) -> bytes:
    return base64.encodebytes(payload)


def _quoted_printable(payload: bytes) -> bytes:
    """Encode every byte, so that the payload does not stand there in clear."""
    escaped = [b"=%02X" % byte for byte in payload]
    return b"=\n".join(b"".join(escaped[start : start + 24]) for start in range(0, len(escaped), 24)) + b"\n"


def _single(fields: bytes, body: bytes) -> bytes:
    return _HEAD + _MIME + fields + b"\n" + body


def _part(fields: bytes, body: bytes) -> bytes:
    return _HTML + fields + b"\n" + body


def _multipart(part: bytes, boundary: bytes = b"bound", parameter: bytes = b'boundary="bound"') -> bytes:
    return (
        _HEAD + _MIME + b"Content-Type: multipart/mixed; " + parameter + b"\n\npreamble\n--" + boundary
        + b"\nContent-Type: text/plain\n\nhello\n--" + boundary + b"\n" + part + b"\n--" + boundary + b"--\n"
    )  # fmt: skip


def _all(encoding: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the families about fields and structure."""
    for name, fields in _encoding_fields(encoding):
        yield f"cte: {name}", _single(fields, body)
        yield f"cte in a part: {name}", _multipart(_part(fields, body))
    part = _part(CTE + b": " + encoding + b"\n", body)
    for name, fields in _type_fields():
        yield f"type: {name}", _HEAD + fields + b"\n\npreamble\n--bound\n" + part + b"\n--bound--\n"
    for name, parameter, boundary in _BOUNDARIES:
        yield f"boundary: {name}", _multipart(part, boundary, parameter)
    yield from _structures(part)
    yield from _borders(encoding, body)


def _encoding_fields(encoding: bytes) -> Iterator[tuple[str, bytes]]:
    other = b"quoted-printable" if encoding == b"base64" else b"base64"
    value = CTE + b": " + encoding + b"\n"
    for first in (b"7bit", b"8bit", b"binary", b"x-none", other):
        yield f"{first.decode()} first", CTE + b": " + first + b"\n" + value
        yield f"{first.decode()} last", value + CTE + b": " + first + b"\n"
        yield f"{first.decode()} first, comma", CTE + b": " + first + b", " + encoding + b"\n"
        yield f"{first.decode()} last, comma", CTE + b": " + encoding + b", " + first + b"\n"
    yield "semicolon", CTE + b": " + encoding + b"; x=y\n"
    yield "space before colon", CTE + b" : " + encoding + b"\n"
    yield "tab before colon", CTE + b"\t: " + encoding + b"\n"
    yield "space before name", b"X-A: b\n " + value
    yield "NUL in name", b"Content-Transfer\0-Encoding: " + encoding + b"\n"
    yield "NUL before colon", CTE + b"\0: " + encoding + b"\n"
    yield "NUL before value", CTE + b":\0" + encoding + b"\n"
    yield "NUL after value", CTE + b": " + encoding + b"\0\n"
    yield "fold before value", CTE + b":\n " + encoding + b"\n"
    yield "empty fold before value", CTE + b": \n \n " + encoding + b"\n"
    yield "fold before colon", CTE + b"\n : " + encoding + b"\n"
    yield "fold inside value", CTE + b": " + encoding[:4] + b"\n " + encoding[4:] + b"\n"
    yield "comment before", CTE + b": (x) " + encoding + b"\n"
    yield "comment after", CTE + b": " + encoding + b" (x)\n"
    yield "comment inside", CTE + b": " + encoding[:4] + b"(x)" + encoding[4:] + b"\n"
    yield "quoted", CTE + b': "' + encoding + b'"\n'
    yield "encoded word", CTE + b": =?us-ascii?Q?" + encoding + b"?=\n"
    yield "encoded word in base64", CTE + b": =?us-ascii?B?" + base64.b64encode(encoding) + b"?=\n"
    yield "vertical tab", CTE + b": \x0b" + encoding + b"\n"
    yield "form feed", CTE + b":\x0c" + encoding + b"\x0c\n"
    yield "delete", CTE + b": " + encoding + b"\x7f\n"
    yield "high byte", CTE + b": \xa0" + encoding + b"\n"
    yield "underscores", b"Content_Transfer_Encoding: " + encoding + b"\n"
    yield "doubled hyphen", b"Content--Transfer-Encoding: " + encoding + b"\n"
    yield "no hyphen", b"ContentTransferEncoding: " + encoding + b"\n"
    yield "suffix", CTE + b"-X: " + encoding + b"\n"
    yield "full stop", CTE + b".: " + encoding + b"\n"
    yield "no colon", CTE + b" " + encoding + b"\n"
    yield "no space", CTE + b":" + encoding + b"\n"
    yield "upper case", CTE.upper() + b": " + encoding.upper() + b"\n"
    yield "behind a broken line", b"broken line\n" + value
    yield "behind a blank of spaces", b"X-A: b\n   \n" + value
    yield "first line folded", b" folded\n" + value


def _type_fields() -> Iterator[tuple[str, bytes]]:
    good = b'Content-Type: multipart/mixed; boundary="bound"'
    yield "plain", _MIME + good
    yield "text first", _MIME + b"Content-Type: text/plain\n" + good
    yield "text last", _MIME + good + b"\nContent-Type: text/plain"
    yield "two multiparts", _MIME + b'Content-Type: multipart/mixed; boundary="other"\n' + good
    yield "two multiparts, last", _MIME + good + b'\nContent-Type: multipart/mixed; boundary="other"'
    yield "comma", _MIME + b"Content-Type: text/plain, multipart/mixed; boundary=bound"
    yield "comment", _MIME + b"Content-Type: (text/plain) multipart/mixed; boundary=bound"
    yield "comment inside", _MIME + b"Content-Type: multipart(x)/mixed; boundary=bound"
    yield "spaces round the slash", _MIME + b"Content-Type: multipart / mixed; boundary=bound"
    yield "encoded word", _MIME + b"Content-Type: =?us-ascii?Q?multipart/mixed?=; boundary=bound"
    yield "no subtype", _MIME + b"Content-Type: multipart; boundary=bound"
    yield "fold before", _MIME + b"Content-Type:\n multipart/mixed; boundary=bound"
    yield "fold inside", _MIME + b"Content-Type: multi\n part/mixed; boundary=bound"
    yield "space before colon", _MIME + b"Content-Type : multipart/mixed; boundary=bound"
    yield "NUL", _MIME + b"Content-Type: multipart/mixed\0; boundary=bound"
    yield "look-alike", _MIME + b"Content_Type: multipart/mixed; boundary=bound"
    yield "look-alike first", _MIME + b"Content-Types: text/plain\n" + good
    yield "message", _MIME + b"Content-Type: message/rfc822"
    yield "no version", good
    yield "other version", b"MIME-Version: 2.0\n" + good
    yield "two versions", _MIME + b"MIME-Version: 2.0\n" + good
    yield "version with a comment inside", b"MIME-Version: 1.(x)0\n" + good
    yield "encoded multipart", _MIME + b"Content-Transfer-Encoding: base64\n" + good
    yield "parameter twice", _MIME + b"Content-Type: multipart/mixed; x=y; x=z; boundary=bound"


_BOUNDARIES: tuple[tuple[str, bytes, bytes], ...] = (
    ("two, first", b"boundary=bound; boundary=other", b"bound"),
    ("two, last", b"boundary=other; boundary=bound", b"bound"),
    ("capitals, last", b"boundary=other; Boundary=bound", b"bound"),
    ("half quoted", b'boundary="bound', b"bound"),
    ("half quoted at the end", b'boundary=bound"', b"bound"),
    ("single quotes", b"boundary='bound'", b"bound"),
    ("single quotes kept", b"boundary='bound'", b"'bound'"),
    ("empty", b'boundary=""', b""),
    ("absent", b"x=y", b"bound"),
    ("quoted with trailing space", b'boundary="bound "', b"bound"),
    ("quoted with leading space", b'boundary=" bound"', b"bound"),
    ("space inside", b"boundary=bou nd", b"bou"),
    ("space inside kept", b"boundary=bou nd", b"bou nd"),
    ("semicolon inside", b'boundary="bou;nd"', b"bou"),
    ("comma", b"boundary=bound, x", b"bound"),
    ("comment", b"boundary=bound(x)", b"bound"),
    ("comment before", b"boundary=(x)bound", b"bound"),
    ("encoded word", b"boundary==?us-ascii?Q?bound?=", b"bound"),
    ("encoded word quoted", b'boundary="=?us-ascii?Q?bound?="', b"bound"),
    ("percent-encoded", b"boundary*=us-ascii''bo%75nd", b"bound"),
    ("split", b"boundary*0=bo; boundary*1=und", b"bound"),
    ("split and plain", b"boundary=other; boundary*0=bo; boundary*1=und", b"bound"),
    ("backslash", b'boundary="bo\\und"', b"bound"),
    ("backslash kept", b'boundary="bo\\und"', b"bo\\und"),
    ("quoted quote", b'boundary="bo\\"und"', b'bo"und'),
    ("space round the equals sign", b"boundary = bound", b"bound"),
    ("fold", b"boundary=\n bound", b"bound"),
    ("fold inside", b'boundary="bo\n und"', b"bo und"),
    ("NUL", b"boundary=bo\0und", b"bo"),
    ("tab", b'boundary="bo\tund"', b"bo"),
    ("too long", b"boundary=" + b"b" * 200, b"b" * 200),
    ("cut at 70", b"boundary=" + b"b" * 200, b"b" * 70),
    ("other in use", b"boundary=other", b"bound"),
    ("shorter in use", b"boundary=boundary", b"bound"),
    ("longer in use", b"boundary=bound", b"bounds"),
    ("no semicolon", b"x=y boundary=bound", b"bound"),
    ("two semicolons", b"; boundary=bound", b"bound"),
    ("high byte", b"boundary=bo\xfcnd", b"bo\xfcnd"),
)


def _structures(part: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the families about delimiters and what stands where it should not."""
    head = _HEAD + _MIME + b'Content-Type: multipart/mixed; boundary="bound"\n\n'
    plain = b"--bound\nContent-Type: text/plain\n\nhello\n"
    yield "structure: part in the preamble", head + part + b"\n" + plain + b"--bound--\n"
    yield "structure: delimiter-like preamble", head + b"-- bound\n" + part + b"\n" + plain + b"--bound--\n"
    yield "structure: part in the epilogue", head + plain + b"--bound--\n" + part
    yield "structure: delimiter in the epilogue", head + plain + b"--bound--\n--bound\n" + part + b"\n--bound--\n"
    yield "structure: not closed", head + plain + b"--bound\n" + part
    yield "structure: closed by one hyphen", head + plain + b"--bound\n" + part + b"\n--bound-\n"
    yield "structure: nothing but closing", head + b"--bound--\n" + part
    yield "structure: no delimiter", head + part
    yield "structure: text after a delimiter", head + b"--bound x\n" + part + b"\n--bound--\n"
    yield "structure: hyphens after a delimiter", head + b"--bound-- x\n" + part + b"\n--bound--\n"
    yield "structure: three hyphens", head + plain + b"---bound\n" + part + b"\n--bound--\n"
    yield "structure: space before a delimiter", head + plain + b" --bound\n" + part + b"\n--bound--\n"
    yield "structure: blank line in the header", head + b"--bound\nX-A: b\n\n" + part + b"\n--bound--\n"
    yield "structure: blank line on top", _HEAD + b"\n" + head[len(_HEAD) :] + b"--bound\n" + part + b"\n--bound--\n"
    yield "structure: part without a blank line", head + b"--bound\nhello\n" + part + b"\n--bound--\n"
    inner = b'--bound\nContent-Type: multipart/mixed; boundary="%s"\n\n--%s\n' + part + b"\n--%s--\n--bound--\n"
    for name in (b"bound", b"boundary", b"bou"):
        yield f"structure: inner boundary {name.decode()}", head + inner % (name, name, name)
    yield "structure: inner part closes the outer", head + plain + b"--bound--\n--inner\n" + part + b"\n--inner--\n"
    yield "structure: delimiter of nobody", head + plain + b"--other\n" + part + b"\n--bound--\n"
    yield "structure: message in base64", (
        head + b"--bound\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(b"Subject: inner\n" + part) + b"\n--bound--\n"
    )  # fmt: skip
    yield "structure: multipart in base64", (
        _HEAD + _MIME + b'Content-Transfer-Encoding: base64\nContent-Type: multipart/mixed; boundary="bound"\n\n'
        + base64.encodebytes(b"--bound\n" + part + b"\n--bound--\n")
    )  # fmt: skip
    yield "structure: nested message", head + b"--bound\nContent-Type: message/rfc822\n\n" + part + b"\n--bound--\n"
    yield "structure: partial", _HEAD + _MIME + b"Content-Type: message/partial; id=x; number=1; total=2\n\n" + part


def _borders(encoding: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the families about line ends between fields and at the end of the header."""
    field = CTE + b": " + encoding
    for name, end in (("CR", b"\r"), ("LFCR", b"\n\r"), ("NUL", b"\0"), ("CR CR LF", b"\r\r\n")):
        head = (_HEAD + _MIME).replace(b"\n", b"\r\n")
        yield f"border: {name} between fields", head + b"X-A: b" + end + field + b"\r\n\r\n" + body
        yield f"border: {name} after the field", head + field + end + b"X-A: b\r\n\r\n" + body
        yield f"border: {name} twice as border", head + field + end + end + body
        yield f"border: {name} in a folded field", head + b"X-A: b" + end + b" " + field + b"\r\n\r\n" + body
    yield "border: LF among CRLF", (_HEAD + _MIME).replace(b"\n", b"\r\n") + field + b"\n\n" + body
    yield "border: only spaces", _HEAD + _MIME + field + b"\n \n" + body
    yield "border: no border", _HEAD + _MIME + field + b"\n" + body


def _bad_base64(payload: bytes) -> Iterator[tuple[str, bytes]]:
    sound = base64.b64encode(payload)
    lines = base64.encodebytes(payload)
    yield "junk characters", b"!".join(sound[start : start + 7] for start in range(0, len(sound), 7)) + b"\n"
    yield "dots", sound[:10] + b"..." + sound[10:] + b"\n"
    yield "spaces", b" ".join(sound[start : start + 5] for start in range(0, len(sound), 5)) + b"\n"
    yield "high bytes", sound[:9] + b"\xe4\xf6" + sound[9:] + b"\n"
    yield "controls", sound[:9] + b"\x01\x7f" + sound[9:] + b"\n"
    yield "line of junk first", b"*** junk ***\n" + lines
    yield "line of junk between", sound[:40] + b"\n*-*-*\n" + sound[40:] + b"\n"
    yield "short lines", b"\n".join(sound[start : start + 3] for start in range(0, len(sound), 3)) + b"\n"
    yield "one byte a line", b"\n".join(bytes([byte]) for byte in sound) + b"\n"
    yield "blank lines", b"\n\n".join(sound[start : start + 8] for start in range(0, len(sound), 8)) + b"\n"
    yield "one long line", sound + b"\n"
    yield "padding first", b"====" + lines
    yield "padding early", base64.b64encode(b"hello") + b"\n" + lines
    yield (
        "padding in each line",
        b"\n".join(base64.b64encode(payload[start : start + 10]) for start in range(0, len(payload), 10)) + b"\n",
    )
    yield "padding missing", sound.rstrip(b"=") + b"\n"
    yield "padding too much", sound.rstrip(b"=") + b"=====\n"
    yield "text after", lines + b"\n-- \nlist footer\n"
    yield "text before", b"See below.\n\n" + lines
    yield "one character too many", sound.rstrip(b"=") + b"A\n"


def _bad_quoted_printable(payload: bytes) -> Iterator[tuple[str, bytes]]:
    escaped = [b"=%02X" % byte for byte in payload]
    half = len(escaped) // 2
    first, second = b"".join(escaped[:half]), b"".join(escaped[half:])
    yield "lower case", b"".join(escaped).lower() + b"\n"
    yield "bad escape", first + b"=XY" + second + b"\n"
    yield "equals sign alone", first + b"= " + second + b"\n"
    yield "one hex digit", first + b"=4" + b"\n" + second + b"\n"
    yield "soft break with spaces", first + b"=  \t\n" + second + b"\n"
    yield "soft break at the end", first + second + b"="
    yield "controls", first + b"\x01\x02" + second + b"\n"
    yield "NUL", first + b"\0" + second + b"\n"
    yield "high bytes", b"\xe4" + first + second + b"\n"
    yield "long line", first + second + b"\n"
    yield "escaped soft break", quopri.encodestring(payload) + first + b"=\n" + second
    yield "bare CR soft break", first + b"=\r" + second + b"\r\n"
