"""Masking: no planted value of any format remains in the bytes, and programs open the result."""

import base64
import bz2
import email
import email.policy
import gzip
import html
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import docx
import openpyxl
import pptx
import pytest

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.rewrite.change import Changed, change
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Finder, Spans
from holdgate.rewrite.numbers import spelled, united
from tests.data import planted
from tests.support.redaction import DOCUMENTS, attachment, letter, redacted

OPENERS = {"docx": docx.Document, "xlsx": openpyxl.load_workbook, "pptx": pptx.Presentation}


def contents(data: bytes) -> Iterator[bytes]:
    yield data
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from contents(archive.read(name))


def assert_nothing_left(data: bytes, tokens: list[str]) -> None:
    for content in contents(data):
        for token in (*tokens, planted.CARD):
            for codec in ("utf-8", "utf-16-le", "utf-16-be"):
                assert token.encode(codec) not in content, token


@pytest.mark.parametrize("name", ["text.docx", "text.odt", "sheet.xlsx", "sheet.ods", "slides.pptx", "slides.odp"])
def test_no_planted_value_remains_in_documents_of_libreoffice(name: str) -> None:
    data = (DOCUMENTS / name).read_bytes()
    source = {"text": "text.fodt", "sheet": "sheet.fods", "slides": "slides.fodp"}[name.partition(".")[0]]
    done = attachment(redacted(letter(name, data)).content)
    assert_nothing_left(done, planted.source(source)[1])
    if opener := OPENERS.get(name.rpartition(".")[2]):
        opener(io.BytesIO(done))


@pytest.mark.parametrize(
    ("build", "name"),
    [(planted.word_document, "a.docx"), (planted.workbook, "a.xlsx"), (planted.presentation, "a.pptx")],
)
def test_no_planted_value_remains_in_documents_of_python_writers(
    build: Callable[[], tuple[bytes, list[str]]], name: str
) -> None:
    data, tokens = build()
    done = attachment(redacted(letter(name, data)).content)
    assert_nothing_left(done, tokens)
    OPENERS[name.rpartition(".")[2]](io.BytesIO(done))


TOKEN = "tokensecret"


def body(text: str, subtype: str = "plain", **options: Any) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "anna@corp.example", f"About {TOKEN}"
    message.set_content(text, subtype=subtype, **options)
    return message.as_bytes()


@pytest.mark.parametrize("cte", ["7bit", "quoted-printable", "base64"])
@pytest.mark.parametrize(
    ("subtype", "text"),
    [
        ("plain", f"See {TOKEN} here\n" * 20),
        ("csv", f"a,{TOKEN}\r\n"),
        ("html", f"<p title='{TOKEN}'>to<b>ken</b>sec&#114;et</p><!-- {TOKEN} --><script>x='{TOKEN}'</script>"),
        ("calendar", f"BEGIN:VCALENDAR\r\nSUMMARY:{TOKEN[:5]}\r\n {TOKEN[5:]}\r\nEND:VCALENDAR\r\n"),
        ("vcard", f"BEGIN:VCARD\r\nNOTE:{TOKEN[:5]}\r\n {TOKEN[5:]}\r\nEND:VCARD\r\n"),
    ],
)
def test_values_are_masked_in_text_bodies(subtype: str, text: str, cte: str) -> None:
    done = redacted(body(text, subtype, cte=cte), [TOKEN])
    message = email.message_from_bytes(done.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    shown = html.unescape(re.sub(r"<[^>]*>|\r?\n[ \t]", "", message.get_content()))
    assert TOKEN not in shown + message.get_content()
    assert TOKEN not in str(message["Subject"])


NUMBER = "4111111111111111"
CODED = base64.b64encode(f"a card {NUMBER} of Anna".encode()).decode()


def numbers(text: str) -> list[tuple[int, int]]:
    """Find the number as the inspection does, also where text contains it in Base64."""
    found = [(one.start(), one.end()) for one in re.finditer(r"[A-Za-z0-9+/]{20,}", text) if one[0] in CODED]
    return united([*found, *spelled(text, [NUMBER])])


def known_number(name: str, data: bytes) -> tuple[bool, bool]:
    extraction = extract_file(name, data)
    found = any(list(spelled(part.text, [NUMBER])) for part in extraction.parts)
    return extraction.status is Status.COMPLETE, found


def without_number(content: bytes, spans: Spans = numbers) -> Changed:
    finder = Finder(spans, lambda text: list(spelled(text, [NUMBER])), known_number, [NUMBER])
    return change(content, Limits(), without=(), note="", mask=str, finder=finder)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_document_in_an_attribute_of_html_is_masked(as_file: bool) -> None:
    """RFC 2397: the reader does not read it, so nothing else would notice it."""
    page = f"<p>Hello</p><img src='data:text/plain;base64,{CODED}'><img src=\"data:,x\" alt='y'>"
    content = letter("page.html", page.encode()) if as_file else body(page, "html")
    done = without_number(content).content
    (html_part,) = [
        part.get_payload(decode=True)
        for part in email.message_from_bytes(done).walk()
        if part.get_content_type() == "text/html" or (as_file and part.get_filename())
    ]
    assert isinstance(html_part, bytes)
    assert CODED.encode() not in html_part
    assert b"data:,x" in html_part


@pytest.mark.parametrize(
    "page",
    [
        f"<p>Hello</p><img src='data:text/plain;base64,{CODED}'>",
        f"<p>Hello</p><img src='data:text/plain;base64,{CODED[:20]}\r\n {CODED[20:]}'>",
        "<style>p:after{content:'" + "".join(f"\\{ord(one):06x}" for one in NUMBER) + "'}</style><p>Hello</p>",
        "<style>p:after{content:'" + "".join(f"\\{ord(one):x} " for one in NUMBER) + "'}</style><p>Hello</p>",
        "<p>Hello</p><x-4111-1111-1111-1111>",
    ],
    ids=["Base64", "Base64 in lines", "escapes", "short escapes", "the name of an element"],
)
def test_encoded_html_that_cannot_be_masked_is_refused(page: str) -> None:
    with pytest.raises(RefusedError, match="not removed"):
        without_number(body(page, "html"), lambda _: [])


@pytest.mark.parametrize("between", ["-", ".", " ", "\N{NO-BREAK SPACE}", "\N{EN DASH}", ","])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le"])
def test_a_number_outside_the_read_text_is_refused_in_any_grouping(between: str, codec: str) -> None:
    stored = between.join(NUMBER[at : at + 4] for at in range(0, 16, 4)).encode(codec)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", f"Card {NUMBER}")
        archive.writestr("word/media/a.wmf", b"\xd7\xcd\xc6\x9a" + bytes(100) + stored)
    with pytest.raises(RefusedError):
        without_number(letter("a.zip", stream.getvalue()))


@pytest.mark.parametrize("number", ["4,111,111,111,111,111", "4111;1111;1111;1111", "4111'1111'1111'1111"])
def test_a_known_number_is_masked_between_the_commas_of_a_table(number: str) -> None:
    done = without_number(letter("a.csv", f"name,card\r\nAnna,{number}\r\n".encode()))
    assert b"1111" not in attachment(done.content)
    assert b"Anna" in attachment(done.content)


def test_a_masked_calendar_stays_valid() -> None:
    """A number in Base64 may seem to go on in the next line."""
    text = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH;ENCODING=BASE64:{CODED}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

    def spans(text: str) -> list[tuple[int, int]]:
        return [(one.start(), one.end() + 5) for one in re.finditer(re.escape(CODED), text)]

    done = without_number(body(text, "calendar"), spans)
    message = email.message_from_bytes(done.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    new = message.get_content()
    assert CODED not in new
    assert new.splitlines()[-2:] == ["END:VEVENT", "END:VCALENDAR"]


def without_styles(data: bytes) -> bytes:
    """Return a document of Word without the styles of python-docx's template, which are most of its XML."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("word/styles"):
                content = re.sub(rb"(?s)<w:style .*</w:style>", b"", content)
            new.writestr(name, content)
    return stream.getvalue()


def document(xml: str) -> bytes:
    data, _ = planted.word_document()
    paragraph = f"<w:p>{xml}</w:p>"
    data = without_styles(data)
    return planted.with_parts(data, {}, (("word/document.xml", "<w:body>", f"<w:body>{paragraph}"),))


@pytest.mark.parametrize(
    "xml",
    [
        "<w:r><w:t>tok</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>ensec</w:t></w:r><w:r><w:t>ret</w:t></w:r>",
        "<w:r><w:t>token&#115;ec&#x72;et</w:t></w:r>",
        "<w:r><w:t><![CDATA[tokensecret]]></w:t></w:r>",
        "<w:r><w:t>token</w:t></w:r><w:ins w:id='9' w:author='a'><w:r><w:t>secret</w:t></w:r></w:ins>",
        "<w:del w:id='9' w:author='a'><w:r><w:delText>tokensecret</w:delText></w:r></w:del>",
        "<w:r><w:instrText>QUOTE tokensecret</w:instrText></w:r>",
        "<!-- tokensecret --><w:r><w:t>x</w:t></w:r>",
    ],
)
@pytest.mark.parametrize("names_known", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_match_across_text_runs_or_in_another_spelling_is_masked(xml: str, names_known: bool) -> None:
    known = [TOKEN, planted.CARD, *planted.word_document()[1]] if names_known else []
    done = attachment(redacted(letter("a.docx", document(xml)), known).content)
    text = "".join(re.sub(r"<[^>]*>", "", content.decode("utf-8", "replace")) for content in contents(done))
    assert TOKEN not in html.unescape(text)
    assert_nothing_left(done, [TOKEN])
    docx.Document(io.BytesIO(done))


def test_values_in_nested_archives_and_messages_are_masked() -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.comment = TOKEN.encode()
        archive.writestr("a.docx", document("<w:r><w:t>tokensecret</w:t></w:r>"))
        archive.writestr(f"{TOKEN}.txt", TOKEN)
    outer = EmailMessage()
    outer["Subject"] = TOKEN
    outer.set_content(TOKEN)
    outer.add_attachment(inner.getvalue(), maintype="application", subtype="zip", filename=f"{TOKEN}.zip")
    for _ in range(2):
        outside = EmailMessage()
        outside["Subject"] = "Fwd"
        outside.set_content("x")
        outside.add_attachment(outer)
        outer = outside
    done = redacted(outer.as_bytes(), [TOKEN, planted.CARD, *planted.word_document()[1]]).content
    assert TOKEN.encode() not in done
    assert b"attachment.zip" in done
    assert_nothing_left(attachment(done), [TOKEN])


def tar(**members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": TOKEN}) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.uname = len(content), TOKEN
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "notes"
        archive.addfile(link)
    return out.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_values_in_tar_archives_are_masked(kind: str) -> None:
    inner = tar(**{TOKEN: b"nothing", "notes": f"See {TOKEN}".encode()})
    pack = PACKERS.get(kind.partition(".")[2], bytes)
    done = attachment(redacted(letter(f"a.{kind}", pack(inner)), [TOKEN]).content)
    with tarfile.open(fileobj=io.BytesIO(done)) as archive:
        assert archive.getnames() == ["_" * len(TOKEN), "notes", "link"]
        file = archive.extractfile("notes")
        assert file is not None
        assert file.read() == b"See " + b"*" * len(TOKEN)
        assert TOKEN not in str([(one.uname, one.pax_headers) for one in archive])


@pytest.mark.parametrize("kind", PACKERS)
def test_values_in_compressed_files_with_several_streams_are_masked(kind: str) -> None:
    pack = PACKERS[kind]
    data = pack(f"a,{TOKEN[:5]}".encode()) + pack(TOKEN[5:].encode() + b",b\n")
    opened = {"gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}[kind]
    done = attachment(redacted(letter(f"a.csv.{kind}", data), [TOKEN]).content)
    assert opened(done) == b"a," + b"*" * len(TOKEN) + b",b\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.doc", (DOCUMENTS / "text.doc").read_bytes()),
        ("a.gz", gzip.compress(TOKEN.encode(), mtime=0)[:-6]),
    ],
)
def test_a_part_that_cannot_be_rewritten_is_refused_by_name(name: str, data: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        redacted(letter(name, data))
    assert refused.value.part.startswith(name)


def test_a_masked_value_of_a_formula_is_not_calculated_again() -> None:
    data, _ = planted.workbook()
    done = attachment(redacted(letter("a.xlsx", data)).content)
    with zipfile.ZipFile(io.BytesIO(done)) as archive:
        for name in archive.namelist():
            if "/worksheets/sheet" in name:
                for cell in re.findall(rb"<c\b[^>]*>.*?</c>", archive.read(name), re.DOTALL):
                    assert not (b"<f" in cell and "\N{FULL BLOCK}".encode() in cell)


def test_no_byte_changes_without_a_match() -> None:
    content = letter("a.txt", b"nothing")
    assert redacted(content).content == content


@pytest.mark.parametrize(
    "field",
    [
        f"References: <{planted.CARD}@corp.example>",
        "In-Reply-To: <4111.1111.1111.1111@corp.example>",
        f"Received: from a ({planted.CARD}) by b; Mon, 23 Nov 2026 12:00:00 +0000",
        "List-Unsubscribe: <mailto:4111111111111111@corp.example>",
        "Cc: =?utf-8?q?4111_1111_1111_1111?= <bob@partner.example>",
    ],
)
def test_a_known_number_in_a_header_field_of_programs_is_refused(field: str) -> None:
    """It cannot be masked there without breaking the field, and it must not be sent with the rest."""
    content = f"{field}\n".encode() + body(f"Card: {planted.CARD}\n")
    with pytest.raises(RefusedError) as refused:
        redacted(content, [planted.CARD])
    assert (refused.value.part, refused.value.why) == (field.partition(":")[0].lower(), "not removed")
    other = field.replace("1111", "1234").replace(planted.CARD, "x")
    redacted(f"{other}\n".encode() + body(f"Card: {planted.CARD}\n"), [planted.CARD])
