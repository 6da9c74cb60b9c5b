"""A message with another published test number in every place of it that could be shown to somebody."""

import base64
import io
import re
import zipfile

import openpyxl

# Card numbers of payment providers' documentation, sample account numbers of the IBAN registry, and sample numbers of
# python-stdnum, each used once.
_CARDS = re.findall(
    r"\S+",
    """
    4111111111111111 4012888888881881 5555555555554444 5105105105105100 378282246310005 371449635398431
    378734493671000 6011111111111117 6011000990139424 30569309025904 38520000023237 3530111333300000
    3566002020360505 4242424242424242 4000056655665556 5200828282828210 2223003122003222 4988438843884305
    5577000055770004 4166676667666746 4646464646464644 5101180000000007 2222400070000005 6011000991300009
    4917610000000000 5454545454545454 4444333322221111 4263982640269299 5425233430109903 4917484589897107
    4001919257537193 4007702835532454 4000000760000002 5413330089010442
    """,
)
_OTHERS = re.findall(
    r"\S+",
    """
    DE89370400440532013000 GB82WEST12345698765432 FR1420041010050500013M02606 NL91ABNA0417164300
    BE68539007547034 AT611904300234573201 CH9300762011623852957 078-05-1120
    536-90-4399
    """,
)

SENDER = "anna@corp.example"


class Planted:
    """Gives one number after another; `numbers` are those given, by the place that each stands in."""

    def __init__(self) -> None:
        self._left = iter([*_CARDS, *_OTHERS])
        self.numbers: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        self.numbers[place] = next(self._left)
        return self.numbers[place]

    def readable(self, where: str) -> list[str]:
        """Return the places whose numbers can be read in a text, however they are grouped there."""
        folded = _folded(where)
        return [place for place, number in self.numbers.items() if _folded(number) in folded]


def _folded(text: str) -> str:
    return re.sub(r"[\s._/*-]", "", text).upper()


def letter(planted: Planted) -> tuple[bytes, str]:
    """Return the message with CRLF line ends, and its envelope recipient."""
    recipient = f"{planted('envelope recipient')}@partner.example"
    encoded = base64.b64encode(f"Karte {planted('encoded subject')}".encode()).decode()
    boundary = f"b{planted('boundary')}"
    fields = [
        f"From: Anna {planted('From, display name')} ({planted('From, comment')}) <{SENDER}>",
        f'To: "Bob {planted("To, display name")}" <bob@partner.example>',
        f"Cc: {planted('Cc, display name')} <cc@partner.example>",
        f"Reply-To: {planted('Reply-To, display name')} <{SENDER}>",
        f"Sender: {planted('Sender, display name')} <{SENDER}>",
        f"Subject: {planted('subject')} =?utf-8?b?{encoded}?=",
        f"Message-ID: <{planted('Message-ID')}@corp.example>",
        f"References: <{planted('References')}@corp.example>",
        f"Organization: {planted('Organization')}",
        f"X-Note: {planted('X-Note')}",
        f"List-Id: {planted('List-Id')} <list.corp.example>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
    ]
    parts = "".join(f"--{boundary}\r\n{part}\r\n" for part in _parts(planted))
    body = f"{planted('preamble')}\r\n{parts}--{boundary}--\r\n{planted('epilogue')}\r\n"
    return ("\r\n".join(fields) + "\r\n\r\n" + body).encode(), recipient


def _parts(planted: Planted) -> list[str]:
    extended = f"name*0*=utf-8''{planted('file name, RFC 2231')}; name*1=.txt"
    word = base64.b64encode(f"{planted('file name, RFC 2047')}.txt".encode()).decode()
    long = "a" * 189 + " " + planted("file name, cut")
    return [
        _part(f"text/plain; charset={planted('charset')}", f"her card is {planted('body')}"),
        _part(f"text/plain; {extended}", "x", f"attachment; file{extended}"),
        _part("text/plain", "x", f'attachment; filename="=?utf-8?b?{word}?="'),
        _part("text/plain", "x", f'attachment; filename="{long}"'),
        _part(f"application/x-{planted('content type')}", "x"),
        _part("text/html", f"<title>{planted('title')}</title><img alt='{planted('alternative text')}'>"),
        _part("text/plain", "x", fields=[f"Content-ID: <{planted('Content-ID')}@x>"]),
        _part("text/plain", "x", fields=[f"Content-Description: {planted('Content-Description')}"]),
        _part("message/rfc822", _nested(planted)),
        _part("text/calendar", _calendar(planted), 'attachment; filename="c.ics"'),
        _part("text/vcard", f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{planted('vCard')}\r\nEND:VCARD"),
        _part("application/zip", _zip(planted), 'attachment; filename="z.zip"', encode=True),
        _part("application/octet-stream", _sheet(planted), 'attachment; filename="s.xlsx"', encode=True),
    ]


def _part(
    kind: str, content: str | bytes, disposition: str = "", *, encode: bool = False, fields: list[str] | None = None
) -> str:
    head = [f"Content-Type: {kind}", *(fields or [])]
    if disposition:
        head.append(f"Content-Disposition: {disposition}")
    if encode:
        assert isinstance(content, bytes)
        head.append("Content-Transfer-Encoding: base64")
        content = base64.encodebytes(content).decode().replace("\n", "\r\n")
    return "\r\n".join(head) + f"\r\n\r\n{content!s}"


def _nested(planted: Planted) -> str:
    return (
        f"From: {planted('nested From')} <x@partner.example>\r\nSubject: {planted('nested subject')}\r\n"
        f'Content-Type: text/plain; name="{planted("nested file name")}.txt"\r\n\r\nx'
    )


def _calendar(planted: Planted) -> str:
    return (
        f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:{planted('calendar')}\r\n"
        f'ORGANIZER;CN="{planted("calendar, organizer")}":mailto:{SENDER}\r\nEND:VEVENT\r\nEND:VCALENDAR'
    )


def _zip(planted: Planted) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{planted('archive member')}.txt", "x")
    return stream.getvalue()


def _sheet(planted: Planted) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = f"s {planted('sheet')}"
    book.active["A1"] = "x"
    book.active["B2"] = planted("cell")
    book.properties.title = planted("document title")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
