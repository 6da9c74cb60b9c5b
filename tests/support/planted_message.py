"""A message with a different published test number in every place that could be shown to a person."""

import base64
import io
import re
import tarfile
import unicodedata
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
    536-90-4399 ES9121000418450200051332 IT60X0542811101000000123456 PL61109010140000071219812874
    SE4550000000058398257466 NO9386011117947 DK5000400440116243 FI2112345600000785 PT50000201231234567890154
    IE29AIBK93115212345678 LU280019400644750000 CZ6508000000192000145399 HU42117730161111101800000000
    SK3112000000198742637541 SI56263300012039086 EE382200221020145685 LT121000011101001000 LV80BANK0000435195001
    GR1601101250000000012300695 HR1210010051863000160 RO49AAAA1B31007593840000 TR330006100519786457841326
    4000000000000002 4000000000009995 4000000000000069 4000000000000127
    """,
)

SENDER = "anna@corp.example"


class Planted:
    """Returns one number after another; `numbers` are the used ones, by their place."""

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
    return re.sub(r"[\s._/*\u200b-]", "", unicodedata.normalize("NFKC", text)).upper()


def compose(planted: Planted) -> tuple[bytes, str]:
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
        f"List-Unsubscribe: <mailto:{planted('List-Unsubscribe')}@corp.example>",
        f"List-Post: <mailto:a@corp.example> ({planted('List-Post, comment')})",
        f"Resent-From: {_in_two_words(planted('Resent-From, in two encoded words'))} <{SENDER}>",
        f"Disposition-Notification-To: {_wide(planted('full-width digits'))} <{SENDER}>",
        f"Keywords: {_in_two_words(planted('Keywords, in two encoded words'))}",
        f"Comments: {_folded_line(planted('Comments, folded'))}",
        f"Received: from x ({planted('Received, comment')}) by y; Mon, 23 Nov 2026 14:00:00 +0100",
        f"User-Agent: Mailer/{planted('User-Agent')}",
        f"X-{planted('field name')}: x",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"; x{planted("parameter name")}=1',
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
        _part("text/plain", "x", f'attachment; filename="{"c" * 190}{planted("file name, cut within")}"'),
        _part("text/plain", "x", f'attachment; filename="r-1{planted("file name, glued")}.txt"'),
        _part("text/plain", "x", f'attachment; filename="x/{planted("folder")}/y.txt"'),
        _part(f"application/x-{planted('content type')}", "x"),
        _part("text/plain", "x", fields=[f"Content-Location: https://x.corp.example/{planted('Content-Location')}"]),
        _part("application/gzip", _tar(planted), 'attachment; filename="t.tgz"', encode=True),
        _part("application/xml", f"<a><b>{planted('XML')}</b><!-- {planted('XML, comment')} --></a>"),
        _part("text/html", f"<a href='https://x/' title='{planted('HTML, title of a link')}'>x</a>"),
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


def _in_two_words(number: str) -> str:
    """Return a number as two encoded words, which are read as one (RFC 2047, 6.2)."""
    return " ".join(f"=?utf-8?b?{base64.b64encode(half.encode()).decode()}?=" for half in (number[:7], number[7:]))


def _wide(number: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in number)


def _folded_line(number: str) -> str:
    return f"{number[:8]}\r\n {number[8:]}"


def _tar(planted: Planted) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo(f"d-{planted('tar member')}/b.csv")
        member.size, member.uname = 1, planted("tar, owner")
        archive.addfile(member, io.BytesIO(b"x"))
    return stream.getvalue()


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
    book.active["B2"].comment = openpyxl.comments.Comment(planted("cell, comment"), planted("cell, author of comment"))
    book.properties.title = planted("document title")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
