"""Reads sample documents before the first fork, so that what parsers build on first use is shared by all workers.

A worker serves one message. Without this, each worker would build the automata of its patterns again, and copy the
memory pages for it. The zygote builds them once, from samples of Holdgate's rules.
"""

import io
import zipfile
from email.message import EmailMessage
from typing import TYPE_CHECKING

from holdgate.extract import sample
from holdgate.scan.reading import ReadingOnly

if TYPE_CHECKING:
    from holdgate.scan.inspect import Inspector

# Reading all samples takes half a second; every fifth of them saves as much time later.
_EVERY = 5
# Some calls are faster from the second time on (PEP 659).
_ROUNDS = 3
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/{part}" ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/></Types>'
)
_WORDS = (
    "Dear Anna, on Monday, 12 January 2026, at 10:30 we met about order 4711-23; call +49 30 1234567, a@corp.example."
)


def warm(inspector: "Inspector", samples: str) -> None:
    """Read and search `samples`, a text with much to find, and messages with documents of several kinds."""
    inspector.inspect(_message("\n".join(samples.split("\n")[::_EVERY])))
    messages = _messages()
    for _ in range(_ROUNDS):
        for message in messages:
            inspector.inspect(message, subject=_WORDS, header_from="Anna <anna@corp.example>")
        for message in (messages[0], _with_page().as_bytes()):
            inspector.inspect_plain(message, subject=_WORDS, header_from="Anna <anna@corp.example>")


def warm_reading(reading: ReadingOnly) -> None:
    """Read messages with documents of several kinds, as they are read for a search in another process."""
    for _ in range(_ROUNDS):
        for message in _messages():
            reading.do({"do": "read", "name": None}, message)


def _messages() -> list[bytes]:
    return [_message(_WORDS * 20), *(_attached(name, data) for name, data in _documents(_WORDS * 4))]


def _message(text: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = _WORDS
    message.set_content(text)
    return message.as_bytes()


def _with_page() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message.set_content("Bonjour à tous, schöne Grüße")
    page = (
        f"<html><head><style>p {{margin: 0}}</style></head><body><p class='a'>{_WORDS}</p><!-- none --></body></html>"
    )
    message.add_alternative(page, subtype="html")
    return message


def _attached(name: str, data: bytes) -> bytes:
    message = _with_page()
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def _documents(text: str) -> list[tuple[str, bytes]]:
    """Return a small document of each kind that is frequent in mail."""
    plain = "".join(letter if letter.isalnum() else " " for letter in text)[:4_000]
    sheet = (
        f'<worksheet {_S}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{plain}</t></is></c></row></sheetData>'
    )
    return [
        ("a.csv", f"id,name\n1,{plain}\n".encode()),
        ("a.docx", _package("word/document.xml", "wordprocessingml.document", _document(plain), sample.picture())),
        ("a.xlsx", _package("xl/worksheets/sheet1.xml", "spreadsheetml.worksheet", f"{sheet}</worksheet>")),
        ("a.pptx", _package("ppt/slides/slide1.xml", "presentationml.slide", _slide(plain))),
        ("a.pdf", _pdf(plain[:1_000])),
    ]


def _document(text: str) -> str:
    return f"<w:document {_W}><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"


def _slide(text: str) -> str:
    shape = f"<p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    return f"<p:sld {_P} {_A}><p:cSld><p:spTree>{shape}</p:spTree></p:cSld></p:sld>"


def _package(part: str, kind: str, content: str, picture: bytes = b"") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", _TYPES.format(part=part, kind=kind))
        package.writestr(part, content)
        if picture:
            package.writestr("word/media/image1.jpeg", picture)
    return target.getvalue()


def _pdf(text: str) -> bytes:
    """Return a PDF of one page (ISO 32000-2, 7.5)."""
    drawn = f"BT /F1 9 Tf 50 700 Td ({text}) Tj ET".encode("ascii", "replace")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    content, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj%b endobj\n" % (number, body)
    start = len(content)
    content += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(content + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)
