"""Files and messages of a few kB that made parsers hang, crash or eat memory, made anew by code.

Each is harmless to look at: what costs is reading it without bounds. Sources: the regression files of libarchive, POI
and PDFium, and what quadratic algorithms in HTML, MIME and XML parsers are known for.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

Maker = Callable[[], bytes]


def hostile() -> Iterator[tuple[str, str, Maker]]:
    """Yield a name, a file name ("" for a message) and the function that makes the bytes."""
    yield from MESSAGES
    yield from ARCHIVES
    yield from TEXTS
    yield from OFFICE


def _message(fields: bytes, body: bytes = b"") -> bytes:
    return b"Subject: note\r\nMIME-Version: 1.0\r\n" + fields + b"\r\n" + body


def _nested_multiparts(depth: int) -> bytes:
    inner = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(depth)
    )
    return b"MIME-Version: 1.0\r\n" + inner + b"\r\ndeep\r\n"


def _nested_messages(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"\r\ndeep\r\n"


def _empty_parts(count: int) -> bytes:
    return _message(b'Content-Type: multipart/mixed; boundary="b"\r\n', b"--b\r\n\r\n" * count + b"--b--\r\n")


def _inside_90(lines: int) -> bytes:
    return _nested_multiparts(90) + b"x\r\n" * lines


MESSAGES: tuple[tuple[str, str, Maker], ...] = (
    ("500 nested multiparts", "", lambda: _nested_multiparts(500)),
    ("5,000 nested multiparts", "", lambda: _nested_multiparts(5_000)),
    ("1,000 nested messages", "", lambda: _nested_messages(1_000)),
    ("100,000 empty parts", "", lambda: _empty_parts(100_000)),
    ("90 levels round 100,000 lines", "", lambda: _inside_90(100_000)),
    ("20,000 encoded words", "", lambda: b"Subject: " + b"=?utf-8?Q?x?= " * 20_000 + b"\r\n\r\n"),
    ("encoded words never closed", "", lambda: b"Subject: " + b"=?utf-8?Q?" * 100_000 + b"\r\n\r\n"),
    ("1,000,000 folds", "", lambda: b"X-A: b\r\n" + b" x\r\n" * 1_000_000 + b"\r\n"),
    (
        "Content-Type of 100,000 semicolons",
        "",
        lambda: _message(b"Content-Type: text/plain" + b";" * 100_000 + b"\r\n"),
    ),
    (
        "8,000 segments of a name",
        "",
        lambda: _message(
            b"Content-Disposition: attachment" + b"".join(b';\r\n filename*%d="x"' % n for n in range(8_000)) + b"\r\n"
        ),
    ),
    ("50,000 fields", "", lambda: b"".join(b"X-%d: y\r\n" % n for n in range(50_000)) + b"\r\n"),
    ("5 MB of CR", "", lambda: b"Subject: x\r\n\r\n" + b"\r" * 5_000_000),
    ("5 MB of blank lines", "", lambda: b"Subject: x\r\n\r\n" + b"\r\n" * 2_500_000),
    ("5 MB of NUL", "", lambda: b"\0" * 5_000_000),
    ("delimiters like fields", "", lambda: _message(b"", b" --\r\nA: b\r\n" * 300_000)),
    ("yEnc never ended", "", lambda: _message(b"", b"=ybegin line=128 size=1 name=x\r\n" * 50_000)),
    ("uuencode never ended", "", lambda: _message(b"", b"begin 644 x\r\n" * 200_000)),
    ("BinHex of runs", "", lambda: _message(b"", b"converted with BinHex 4.0)\r\n:" + b"!N2r" * 500_000 + b":\r\n")),
    ("base64 lines without end", "", lambda: _message(b"", (b"A" * 76 + b"\r\n") * 60_000)),
)


def _zip(members: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def _flat_bomb(size: int) -> bytes:
    """One member of zeros, made without holding them."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros", "w", force_zip64=True) as out,
    ):
        for _ in range(size >> 20):
            out.write(bytes(1 << 20))
    return packed.getvalue()


def _lying_bomb() -> bytes:
    """A member of 200 MB whose directory says ten bytes."""
    data = bytearray(_flat_bomb(200 << 20))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    return bytes(data)


def _overlapping(count: int) -> bytes:
    """Many directory entries for one member of 90 MB ("A better zip bomb", WOOT 2019)."""
    data = _flat_bomb(90 << 20)
    start = data.rfind(b"PK\x01\x02")
    end = data.rfind(b"PK\x05\x06")
    entry = data[start:end]
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, count, count, len(entry) * count, start)
    return data[:start] + entry * count + bytes(tail)


def _many_entries(count: int) -> bytes:
    return _zip([(f"{number}", b"") for number in range(count)])


def _nested_zip(levels: int, width: int) -> bytes:
    data = _zip([("zeros.txt", b"0" * 1_000_000)])
    for _ in range(levels):
        data = _zip([(f"{number}.zip", data + bytes([number])) for number in range(width)])
    return data


def _quine_gzip() -> bytes:
    """A chain of a thousand gzips, each inside the next."""
    data = b"end"
    for _ in range(1_000):
        data = gzip.compress(data, 1)
    return data


def _tar_of_zeros() -> bytes:
    return gzip.compress(bytes(150 << 20), 9)


def _sparse_tar() -> bytes:
    """A member that says it has 8 GB and has none of them."""
    info = tarfile.TarInfo("huge")
    info.size = 8 << 30
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1_024)


ARCHIVES: tuple[tuple[str, str, Maker], ...] = (
    ("zip of 1 GiB", "a.zip", lambda: _flat_bomb(1 << 30)),
    ("zip that lies about its size", "a.zip", _lying_bomb),
    ("zip of 2,000 overlapping members", "a.zip", lambda: _overlapping(2_000)),
    ("zip of 60,000 members", "a.zip", lambda: _many_entries(60_000)),
    ("five zips deep", "a.zip", lambda: _nested_zip(5, 10)),
    ("thousand gzips deep", "a.gz", _quine_gzip),
    ("gzip of 150 MB", "a.tar.gz", _tar_of_zeros),
    ("bzip2 of 150 MB", "a.bz2", lambda: bz2.compress(bytes(150 << 20))),
    ("xz of 150 MB", "a.xz", lambda: lzma.compress(bytes(150 << 20), preset=1)),
    ("tar that claims 8 GB", "a.tar", _sparse_tar),
)


def _html(pattern: str, count: int) -> Maker:
    return lambda: b"<html>" + pattern.encode() * count


TEXTS: tuple[tuple[str, str, Maker], ...] = (
    (
        "html, 200,000 attributes",
        "a.html",
        lambda: b"<html><p " + b"".join(b"a%d=b " % n for n in range(200_000)) + b">x",
    ),
    (
        "html, attributes behind a quoted >",
        "a.html",
        lambda: b'<p x=">" ' + b"".join(b"a%d " % n for n in range(200_000)),
    ),
    ("html, 500,000 nested div", "a.html", _html("<div>", 500_000)),
    ("html, 100,000 nested b", "a.html", _html("<b>", 100_000)),
    ("html, nested with foreign end tags", "a.html", _html("<div></p>", 200_000)),
    ("html, tags never closed", "a.html", _html("<a ", 100_000)),
    ("html, comments never closed", "a.html", _html("<!--", 100_000)),
    ("html, quotes never closed", "a.html", _html('<a x="', 100_000)),
    ("html, entities", "a.html", _html("&amp;&#x41;&bogus;", 200_000)),
    ("html, tables in tables", "a.html", _html("<table><tr><td>", 100_000)),
    ("xml, billion laughs", "a.xml", lambda: b"<?xml version='1.0'?>" + LAUGHS + b"<a>&i;</a>"),
    ("xml, 100,000 levels", "a.xml", lambda: b"<?xml version='1.0'?>" + b"<a>" * 100_000),
    ("xml, attribute of 20 MB", "a.xml", lambda: b"<?xml version='1.0'?><a b='" + b"x" * 20_000_000),
    ("xml, comments never closed", "a.xml", lambda: b"<?xml version='1.0'?><a>" + b"<!--" * 200_000),
    ("csv, quote never closed", "a.csv", lambda: b'a,"' + b"b,c\n" * 500_000),
    ("csv, 2,000,000 empty fields", "a.csv", lambda: b"," * 2_000_000),
    ("text, one line of 10 MB", "a.txt", lambda: b"x" * 10_000_000),
    ("rtf, 500,000 groups", "a.rtf", lambda: b"{\\rtf1 " + b"{" * 500_000),
    ("mbox, 100,000 separators", "a.mbox", lambda: b"From a@b Mon Jan  1 00:00:00 2026\nA: b\n\n" * 100_000),
    ("card, 100,000 levels", "a.ics", lambda: b"BEGIN:VCALENDAR\r\n" * 100_000),
    (
        "DER, 100,000 levels",
        "a.p7m",
        lambda: b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" + b"\x30\x80" * 100_000,
    ),
)

LAUGHS = b"<!DOCTYPE a [<!ENTITY a 'ha'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (letter, b"&%c;" % (letter - 1) * 10) for letter in range(ord("b"), ord("j"))
) + b"]>"  # fmt: skip


def _docx(document: bytes) -> bytes:
    types = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    return _zip([("[Content_Types].xml", types), ("word/document.xml", document)])


def _xlsx(sheet: bytes) -> bytes:
    types = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    return _zip([("[Content_Types].xml", types), ("xl/worksheets/sheet1.xml", sheet)])


def _loop_pdf() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1000000/Kids[2 0 R]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )


def _operators_pdf() -> bytes:
    stream = zlib.compress(b"0 0 m 1 1 l S\n" * 1_500_000, 9)
    head = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>endobj\n"
    )
    content = b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n" % len(stream) + stream + b"\nendstream endobj\n"
    return head + content + b"trailer<</Root 1 0 R>>\n%%EOF"


OFFICE: tuple[tuple[str, str, Maker], ...] = (
    ("docx, billion laughs", "a.docx", lambda: _docx(b"<?xml version='1.0'?>" + LAUGHS + b"<document>&i;</document>")),
    (
        "docx, external entity",
        "a.docx",
        lambda: _docx(b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><document>&x;</document>"),
    ),
    ("docx, attribute of 60 MB", "a.docx", lambda: _docx(b"<document a='" + b"x" * 60_000_000 + b"'/>")),
    ("docx, 100,000 levels", "a.docx", lambda: _docx(b"<a>" * 100_000)),
    (
        "xlsx, a cell at the far corner",
        "a.xlsx",
        lambda: _xlsx(
            b'<worksheet><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
        ),
    ),
    (
        "xlsx, 4,000,000 cells",
        "a.xlsx",
        lambda: _xlsx(b"<worksheet>" + b"<c><v>1</v></c>" * 4_000_000 + b"</worksheet>"),
    ),
    ("pdf, loop of pages", "a.pdf", _loop_pdf),
    ("pdf, 1,500,000 operators", "a.pdf", _operators_pdf),
)
