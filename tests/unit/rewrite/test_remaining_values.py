"""No value of a redacted message is left in its bytes, in any form. The rules are the shipped ones."""

import base64
import binascii
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable

import pytest

from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.scan import answer
from holdgate.scan.changing import changed
from holdgate.scan.inspect import Inspector
from tests.data import planted
from tests.support.pdf_writer import FONT, PdfWriter, simple_pdf
from tests.support.redaction import DOCUMENTS, attachment, letter, redacted
from tests.support.remaining_values import remaining_values

CARD = planted.CARD
GROUPED = "4111 1111 1111 1111"
# What makes the card known: it is found here, so it must be nowhere in the message that leaves.
KNOWN = f"Card: {GROUPED}\n"


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector.with_profile("dlp-pii"), ("dlp-pii",), Limits())


def with_file(name: str, data: bytes, text: str = KNOWN) -> bytes:
    return letter(name, data).replace(b"Hello\n", text.encode())


def outcome(inspector: Inspector, content: bytes) -> tuple[str, bytes]:
    """Return why a message was refused, "" if not, and the redacted message."""
    job = {"do": "change", "without": [], "note": "", "redact": True}
    report, done = answer.change(changed(inspector, content, job))
    return report.refused.why if report.refused else "", done


# -- the search itself -------------------------------------------------------------------------------------------------


def packed(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


PLAIN = f"the card {CARD} of Anna".encode()


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        GROUPED.replace(" ", "-").encode("utf-16-be"),
        b"x" + GROUPED.encode("utf-16-le"),
        GROUPED.encode("utf-32"),
        b"+" + base64.b64encode(GROUPED.encode("utf-16-be")).rstrip(b"=") + b"-",
        "".join(chr(0xFF10 + int(digit)) for digit in CARD).encode(),
        CARD[::-1].encode(),
        "".join(f"<b>{digit}</b><!-- x -->" for digit in CARD).encode(),
        "".join(f"&#{ord(digit)};" for digit in CARD).encode(),
        "".join(f"={ord(digit):02X}" for digit in CARD).encode(),
        "".join(f"%{ord(digit):02x}" for digit in CARD).encode(),
        "".join(rf"\u{ord(digit):04x}" for digit in CARD).encode(),
        "".join(rf"\{ord(digit):03o}" for digit in CARD).encode(),
        "".join(rf"\'{ord(digit):02x}" for digit in CARD).encode(),
        "".join(rf"\u{ord(digit)}?" for digit in CARD).encode(),
        base64.encodebytes(PLAIN),
        b"x" + base64.b64encode(PLAIN),
        PLAIN.hex().encode(),
        b"junk" + zlib.compress(PLAIN),
        gzip.compress(packed("a.txt", base64.b64encode(PLAIN))),
        packed(f"{CARD}.txt", b""),
        letter("a.zip", packed("a.txt", PLAIN)),
        f"Subject: =?utf-8?b?{base64.b64encode(PLAIN).decode()}?=\nFrom: x\n\nx".encode(),
        simple_pdf(CARD),
    ],
    ids=range(24),
)
def test_the_search_finds_a_value(data: bytes) -> None:
    assert remaining_values(data, [CARD])
    assert not remaining_values(data, ["4242424242424242"])


# -- planted documents -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["text.docx", "text.odt", "text.rtf", "sheet.xlsx", "sheet.ods", "slides.pptx", "slides.odp"]
)
def test_no_value_remains_in_documents_of_libreoffice(name: str) -> None:
    source = {"text": "text.fodt", "sheet": "sheet.fods", "slides": "slides.fodp"}[name.partition(".")[0]]
    done = attachment(redacted(letter(name, (DOCUMENTS / name).read_bytes())).content)
    assert remaining_values(done, [*planted.source(source)[1], CARD]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "name"),
    [(planted.word_document, "a.docx"), (planted.workbook, "a.xlsx"), (planted.presentation, "a.pptx")],
)
def test_no_value_remains_in_documents_of_python_writers(
    build: Callable[[], tuple[bytes, list[str]]], name: str
) -> None:
    data, tokens = build()
    assert remaining_values(attachment(redacted(letter(name, data)).content), [*tokens, CARD]) == []


# -- texts -------------------------------------------------------------------------------------------------------------


HTML_PLACES = {
    "text": f"<p>{GROUPED}</p>",
    "an attribute": f"<p title='{CARD}'>x</p>",
    "an attribute without quotes": f"<p>x</p><meta name=d content={CARD}>",
    "an address without quotes": f"<base href=//{CARD}>x",
    "between tags": "".join(f"<td>{digit}</td>" for digit in CARD),
    "references without semicolons": "<p>&#52;&#x31;&#49 11 1111 1111 1111</p>",
    "old names without semicolons": "<p>4111&nbsp1111&shy1111&shy;1111</p>",
    "invisible characters": "<p>4111&zwnj;1111&#8203;1111&#8288;1111</p>",
    "a conditional comment": f"<!--[if mso]><p>{CARD}</p><![endif]-->x",
    "a link": "<a href='mailto:?body=4111%201111%201111%201111'>x</a>",
    "a style": f"<style>a:after{{content:'{CARD}'}}</style>x",
}


@pytest.mark.parametrize("place", HTML_PLACES)
def test_no_value_remains_in_html(inspector: Inspector, place: str) -> None:
    why, done = outcome(inspector, with_file("a.html", f"<html><body>{HTML_PLACES[place]}</body></html>".encode()))
    assert why == ""
    assert remaining_values(done, [CARD]) == []


@pytest.mark.parametrize(
    "page",
    [
        f"<!DOCTYPE html [<!ENTITY c '{CARD}'>]><p>x</p>",
        f"<p>x</p {CARD}>",
        f"<p>x</p><p title='x {CARD}",
        f"<p>x</p><x{CARD}>",
    ],
    ids=["a declaration", "an end tag", "a tag without end", "a name"],
)
def test_a_place_that_no_reader_reads_is_refused(inspector: Inspector, page: str) -> None:
    """The card is known from the text; the file alone has no match."""
    assert outcome(inspector, with_file("a.html", page.encode()))[0] == "not removed"
    assert outcome(inspector, with_file("a.html", page.replace("1111", "2222").encode()))[0] == ""


def test_a_number_in_digits_of_another_script_is_masked(inspector: Inspector) -> None:
    wide = "".join(chr(0xFF10 + int(digit)) for digit in CARD)
    why, done = outcome(inspector, with_file("a.txt", f"card {wide}".encode()))
    assert why == ""
    assert remaining_values(done, [CARD]) == []


@pytest.mark.parametrize("kind", ["text/html", '"text/html"'])
def test_the_html_of_an_invitation_is_masked(inspector: Inspector, kind: str) -> None:
    page = '<p style="color:red">41<b>11</b> 1111&#49;111<i>1111</i>\\, her card</p>'
    folded = f"X-ALT-DESC;FMTTYPE={kind}:{page[:50]}\r\n {page[50:]}"
    event = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{folded}\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    content = letter("a.ics", event.encode())
    assert [one.identifier for one in inspector.inspect(content).findings] == ["payment-card"]
    why, done = outcome(inspector, content)
    assert why == ""
    assert remaining_values(done, [CARD]) == []
    new = attachment(done).decode()
    assert "X-ALT-DESC;FMTTYPE=" in new
    assert '<p style="color:red">**<b>**</b> ********<i>****</i>\\, her card</p>' in new


@pytest.mark.parametrize("number", ["9" * 5_000, "0" * 5_000 + "65"])
def test_a_number_next_to_a_character_reference_of_any_length_is_masked(inspector: Inspector, number: str) -> None:
    content = letter("a.txt", f"card {GROUPED} &#{number}; x".encode())
    why, done = outcome(inspector, content)
    assert why == ""
    assert b"1111" not in attachment(done)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ics", f"BEGIN:VCALENDAR\nX{';FMTTYPE=text/html' * 8_000}\nSUMMARY:{CARD}"),
        ("a.html", f"<p {'a' * 150_000}>{CARD}"),
    ],
)
def test_a_long_line_is_masked_in_linear_time(inspector: Inspector, name: str, text: str) -> None:
    why, done = outcome(inspector, letter(name, text.encode()))
    assert why == ""
    assert b"1111" not in attachment(done)


def test_a_damaged_archive_in_an_archive_is_refused(inspector: Inspector) -> None:
    damaged = packed("a.txt", b"x" * 100)[:-30]
    assert outcome(inspector, with_file("a.zip", packed("b.bin", damaged))) == ("not read", b"")
    both = io.BytesIO()
    with zipfile.ZipFile(both, "w") as archive:
        archive.writestr("a.zip", damaged)
        archive.writestr("b.txt", KNOWN)
    assert outcome(inspector, with_file("a.zip", both.getvalue())) == ("not read", b"")


def archive_with_number(name: str, data: bytes) -> bytes:
    """Return an archive that must be changed, with a file whose text is not read completely."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", KNOWN)
        archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_with_any_compression_method_is_refused(inspector: Inspector, method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("b.txt", " ".join(map(str, range(300))))
    damaged = bytearray(out.getvalue())
    damaged[39:60] = b"\xff" * 21
    why, _ = outcome(inspector, with_file("a.zip", archive_with_number("b.zip", bytes(damaged))))
    assert why == "not read"


def test_an_archive_that_grows_too_large_is_not_unpacked(inspector: Inspector) -> None:
    why, _ = outcome(inspector, with_file("a.zip", archive_with_number("b.zip", packed("b.bin", bytes(20_000_000)))))
    assert why == "too long"


# -- PDF ---------------------------------------------------------------------------------------------------------------

OCTAL = "".join(f"\\{ord(digit):03o}" for digit in CARD)
TEXT = "BT /F1 12 Tf 72 700 Td (x) Tj ET"


def paper(content: str = TEXT, entries: str = "", extra: bytes = b"", coding: str = "") -> bytes:
    """Return a PDF of one page; `extra` is the content of a stream that the page refers to."""
    writer = PdfWriter()
    catalog, tree = writer.reserve(), writer.reserve()
    stream, font = writer.stream(content.encode(), compress=True), writer.add(FONT)
    other = writer.stream(extra, coding)
    page = writer.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R"
        f" /Resources << /Font << /F1 {font} 0 R >> >> /PieceInfo << /X {other} 0 R >> {entries} >>"
    )
    writer.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    writer.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return writer.file(f"/Root {catalog} 0 R")


def ascii85(data: bytes) -> bytes:
    return base64.a85encode(data) + b"~>"


PAPERS = {
    "a string of marked content": paper(f"/Span <</X ({OCTAL})>> BDC {TEXT} EMC"),
    "a hexadecimal string of marked content": paper(f"/Span <</X <{CARD.encode().hex()}>>> BDC {TEXT} EMC"),
    "a name": paper(entries="/X /" + "".join(f"#{ord(digit):02x}" for digit in CARD)),
    "a comment": paper(f"% {GROUPED}\n{TEXT}"),
    "an invisible key": paper(entries=f"/Lang ({OCTAL})"),
    "ASCII85": paper(extra=ascii85(CARD.encode()), coding="/Filter /ASCII85Decode"),
    "ASCII85 of Flate": paper(
        extra=ascii85(zlib.compress(CARD.encode())), coding="/Filter [/ASCII85Decode /FlateDecode]"
    ),
    "hexadecimal digits": paper(extra=CARD.encode().hex().encode() + b">", coding="/Filter /AHx"),
    "runs": paper(extra=b"\x00" + b"4" + b"\xf2" + b"1" + b"\x80", coding="/Filter /RunLengthDecode"),
    "LZW": paper(extra=bytes.fromhex("800d06231188c46231188c46231188c4623118c040"), coding="/Filter /LZWDecode"),
}


@pytest.mark.parametrize("place", PAPERS)
def test_a_place_of_a_pdf_that_no_page_shows_is_refused(inspector: Inspector, place: str) -> None:
    assert remaining_values(PAPERS[place], [CARD]), "the document must have the value"
    assert outcome(inspector, with_file("a.pdf", PAPERS[place]))[0] == "not removed"


# -- encoded values in a text -----------------------------------------------------------------------------------

CODED = {
    "Base64": base64.encodebytes(b"x" * 30 + GROUPED.encode()).decode(),
    "Base64 after a word": f"the-block\n{base64.b64encode(b'x' * 31 + GROUPED.encode()).decode()}",
    "hexadecimal digits": (b"x" + CARD.encode() + b"x").hex(),
    "hexadecimal digits of UTF-16": "blob " + (bytes(9) + CARD.encode("utf-16-le")).hex(),
    "escapes of CSS": r"a:after{content:'\34\31\31\31 1111 1111 1111'}",
    "strings of JavaScript": r"x='\x34111' + '1111' + '\u0031111' + '1111'",
    "a URI": "x%34%31%31%31%2D1111-1111-1111",
    "quoted-printable": "x=34=31=31=31 1111 1111 1111",
}


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.ics"])
@pytest.mark.parametrize("coding", CODED)
def test_a_known_number_in_an_encoding_does_not_remain(inspector: Inspector, coding: str, name: str) -> None:
    """It is refused where the inspection does not find it, and so cannot mask it."""
    why, done = outcome(inspector, with_file(name, f"x,y\n{CODED[coding]}\n".encode()))
    assert why in ("", "not removed")
    assert why or remaining_values(done, [CARD]) == []


@pytest.mark.parametrize("coding", ["Base64", "hexadecimal digits"])
def test_a_known_number_in_an_encoding_inside_a_package_is_refused(inspector: Inspector, coding: str) -> None:
    """Such as the printer's settings in OpenDocument."""
    data = planted.with_parts(packed("a.txt", KNOWN.encode()), {"settings.xml": f"<a>{CODED[coding]}</a>"})
    assert remaining_values(data, [CARD])
    assert outcome(inspector, with_file("a.zip", data))[0] == "not removed"
    document = planted.with_parts(planted.workbook_with(GROUPED), {"custom.xml": f"<a>{CODED[coding]}</a>"})
    assert outcome(inspector, with_file("a.xlsx", document))[0] == "not removed"


@pytest.mark.parametrize("written", ["_x0034_111111111111111", "4111111111111111_x000D_\n"])
def test_a_number_with_an_escaped_character_in_a_cell_does_not_remain(inspector: Inspector, written: str) -> None:
    strings = f"<sst><si><t>{written}</t></si></sst>"
    document = planted.with_parts(planted.workbook_with(GROUPED), {"xl/sharedStrings.xml": strings})
    why, done = outcome(inspector, with_file("a.xlsx", document))
    assert why == ""
    assert remaining_values(done, [CARD, CARD[1:]]) == []


@pytest.mark.parametrize("text", ["**4111** 1111 _1111_ 1111", '"4111"+"1111"+"1111"+"1111"', "4111|1111|1111|1111"])
def test_a_known_number_between_any_punctuation_is_masked(inspector: Inspector, text: str) -> None:
    why, done = outcome(inspector, with_file("a.md", f"See {text}, please\n".encode()))
    assert (why, remaining_values(done, [CARD])) == ("", [])
    assert b"please" in attachment(done)


@pytest.mark.parametrize("name", [f"X-{CARD}", "X-4111-1111-1111-1111", f"Content-{CARD}"])
def test_a_known_number_in_the_name_of_a_field_is_refused(inspector: Inspector, name: str) -> None:
    content = f"{name}: x\n".encode() + with_file("a.txt", b"x")
    assert outcome(inspector, content)[0] == "not removed"


# -- messages that are files -------------------------------------------------------------------------------------------


def message(text: str = KNOWN, **fields: str) -> bytes:
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return f"From: bob@partner.example\nSubject: Report\n{head}MIME-Version: 1.0\n\n{text}".encode()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("packs", [0, 1, 2])
def test_an_attached_message_file_is_masked(inspector: Inspector, end: bytes, packs: int) -> None:
    data, name = message(DKIM_Signature="v=1; b=AA==", X_Note=GROUPED).replace(b"\n", end), "a.eml"
    for number in range(packs):
        data, name = (packed(name, data), "a.zip") if number % 2 == 0 else (with_file("a.zip", data), "b.eml")
    content = with_file(name, data)
    job = {"do": "change", "without": [], "note": "", "redact": True}
    report, done = answer.change(changed(inspector, content, job))
    assert report.refused is None
    assert report.signatures == ["DKIM"]
    assert remaining_values(done, [CARD]) == []
    if not packs:
        new = attachment(done)
        assert new.startswith(b"From: bob@partner.example" + end)
        assert b"DKIM-Signature" not in new
        assert new.count(b"\r\n") == (new.count(b"\n") if end == b"\r\n" else 0)


def test_the_part_is_named_if_an_attached_message_file_cannot_be_masked(inspector: Inspector) -> None:
    job = {"do": "change", "without": [], "note": "", "redact": True}
    for data, part in {
        message(References=f"<{CARD}@x>"): "a.eml › references",
        message().replace(b"\n", b"\r\n", 1): "a.eml",
    }.items():
        report, _ = answer.change(changed(inspector, with_file("a.eml", data), job))
        assert report.refused is not None
        assert report.refused.part == part
    assert outcome(inspector, with_file("a.eml", message("nothing\n")))[0] == ""


def test_deeply_nested_messages_are_masked_or_refused(inspector: Inspector) -> None:
    data = message()
    for _ in range(9):
        data = with_file("a.eml", data)
    why, done = outcome(inspector, data)
    assert why or remaining_values(done, [CARD]) == []


# -- files in a text, and other readings of it ------------------------------------------------------------------------


def uuencoded(text: str) -> str:
    return f"begin 644 a.txt\n{binascii.b2a_uu(text.encode()).decode()}`\nend\n"


def yencoded(text: str) -> str:
    lines = "".join(chr((ord(one) + 42) % 256) for one in text)
    return f"=ybegin line=128 size={len(text)} name=a.txt\n{lines}\n=yend size={len(text)}\n"


IN_TEXT = {
    "uuencode": uuencoded(f"card {CARD}"),
    "yEnc": yencoded(f"card {CARD}"),
    "Ascii85": base64.a85encode(f"the card {CARD} of Anna".encode(), adobe=True).decode(),
    "UTF-7 without its name": f"card +{base64.b64encode(CARD.encode('utf-16-be')).decode().rstrip('=')}-",
}


@pytest.mark.parametrize("text", [pytest.param(one, id=name) for name, one in IN_TEXT.items()])
@pytest.mark.parametrize("before", ["", KNOWN])
def test_a_value_that_only_a_reader_decodes_is_removed_too(inspector: Inspector, text: str, before: str) -> None:
    content = f"From: anna@corp.example\nContent-Type: text/plain; charset=latin-1\n\n{before}{text}\n".encode(
        "latin-1"
    )
    assert inspector.inspect(content).findings
    why, done = outcome(inspector, content)
    assert (why, done) == ("not removed", b"") or not inspector.inspect(done).findings
