"""Small, harmless inputs at a limit of `Limits`, and one step over it, with the limit set low.

Nothing here is large or malformed: any program reads these files. Only the value of a limit makes them exceed it.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from holdgate.extract.budget import Limits
from tests.support.pdf_writer import simple_pdf


@dataclass(frozen=True, slots=True)
class LimitInput:
    """One limit: `within` is read completely, `beyond` is not, for `reason`. A message has no `file_name`."""

    name: str
    limits: Limits
    within: bytes
    beyond: bytes
    reason: str
    file_name: str = ""

    def __str__(self) -> str:
        return self.name


def limit_inputs() -> Iterator[LimitInput]:
    """Yield every limit that a small input can reach."""
    yield from _of_messages()
    yield from _of_archives()
    yield from _of_documents()


def _message(body: bytes, content_type: bytes = b"text/plain", more: bytes = b"") -> bytes:
    return b"Subject: note\r\n" + more + b"MIME-Version: 1.0\r\nContent-Type: " + content_type + b"\r\n\r\n" + body


def multiparts(depth: int) -> bytes:
    """Return a message whose text is `depth` multiparts deep."""
    body, kind = b"words\r\n", b"text/plain"
    for level in range(depth):
        body = b"--b%d-\r\nContent-Type: " % level + kind + b"\r\n\r\n" + body + b"\r\n--b%d---\r\n" % level
        kind = b'multipart/mixed; boundary="b%d-"' % level
    return _message(body, kind)


def messages(depth: int) -> bytes:
    """Return a message with `depth` messages in one another."""
    inner = _message(b"words\r\n")
    for _ in range(depth):
        inner = _message(inner, b"message/rfc822")
    return inner


def _parts(count: int) -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n"
    return _message(part * count + b"--b--\r\n", b'multipart/mixed; boundary="b"')


def _of_messages() -> Iterator[LimitInput]:
    yield LimitInput("multiparts", Limits(mime_depth=3), multiparts(3), multiparts(4), "MIME nested too deeply")
    yield LimitInput("messages", Limits(mime_depth=3), messages(3), messages(4), "messages nested too deeply")
    yield LimitInput("parts", Limits(mime_parts=5), _parts(4), _parts(5), "too many MIME parts")
    # Counted with LF, and without the empty line after the header.
    head = len(_message(b"", more=b"X-Note: \r\n").replace(b"\r\n", b"\n")) - 1
    within, beyond = (_message(b"words", more=b"X-Note: " + b"a" * extra + b"\r\n") for extra in (20, 21))
    yield LimitInput("header", Limits(header_bytes=head + 20), within, beyond, "header too large")
    few = Limits(text_characters=60)
    yield LimitInput("text of a message", few, _message(b"a" * 20), _message(b"a" * 90), "too much text")


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    """Return a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zips(depth: int) -> bytes:
    """Return a text in `depth` zip archives."""
    data, name = b"words", "a.txt"
    for level in range(depth):
        data, name = zipped({name: data}), f"{level}.zip"
    return data


def _of_archives() -> Iterator[LimitInput]:
    deep = Limits(archive_depth=2)
    yield LimitInput("zips", deep, zips(2), zips(3), "nested too deeply", "a.zip")
    twice, thrice = gzip.compress(gzip.compress(b"words")), gzip.compress(gzip.compress(gzip.compress(b"words")))
    yield LimitInput("gzips", deep, twice, thrice, "nested too deeply", "a.gz")
    for kind, pack in (("zip", zipped), ("tar", tarred)):
        two, three = ({f"{number}.txt": b"words %d" % number for number in range(count)} for count in (2, 3))
        yield LimitInput(
            f"members of a {kind}", Limits(entries=2), pack(two), pack(three), "too many members", f"a.{kind}"
        )
        size = Limits(entry_bytes=100)
        most, more = pack({"a.txt": b"a" * 100}), pack({"a.txt": b"a" * 101})
        yield LimitInput(f"size of a member of a {kind}", size, most, more, "member too large", f"a.{kind}")
        all_of_it = Limits(total_bytes=200)
        two, three = ({"a.txt": b"a" * 100, "b.txt": b"b" * count} for count in (100, 101))
        yield LimitInput(f"sum of a {kind}", all_of_it, pack(two), pack(three), "total size", f"a.{kind}")
    ratio = Limits(ratio=10, ratio_from_bytes=1_000)
    for name, compress in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        most, more = compress(b"a" * 1_000), compress(b"a" * 20_000)
        yield LimitInput(f"ratio of a {name}", ratio, most, more, "compression ratio", f"a.{name}")
    most, more = zipped({"a.txt": b"a" * 1_000}), zipped({"a.txt": b"a" * 20_000})
    yield LimitInput("ratio of a zip", ratio, most, more, "compression ratio", "a.zip")
    # The directory is trusted no more than the member: it states a size of ten bytes.
    at = more.rindex(b"PK\1\2") + 24
    untrue = more[:at] + (10).to_bytes(4, "little") + more[at + 4 :]
    yield LimitInput("ratio of a zip, by its actual size", ratio, most, untrue, "compression ratio", "a.zip")


def _sheet(cells: int) -> bytes:
    types = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    sheet = b"<worksheet><sheetData><row>" + b"<c><v>1</v></c>" * cells + b"</row></sheetData></worksheet>"
    return zipped({"[Content_Types].xml": types, "xl/worksheets/sheet1.xml": sheet})


def _of_documents() -> Iterator[LimitInput]:
    text = Limits(text_characters=100)
    yield LimitInput("text of a file", text, b"word " * 20, b"word " * 21, "too much text", "a.txt")
    deep = Limits(xml_depth=5)
    within, beyond = (b"<?xml version='1.0'?>" + b"<a>" * n + b"words" + b"</a>" * n for n in (5, 6))
    yield LimitInput("levels of XML", deep, within, beyond, "XML nested too deeply", "a.xml")
    yield LimitInput("cells", Limits(cells=4), _sheet(4), _sheet(5), "too many cells", "a.xlsx")
    yield LimitInput(
        "pages", Limits(pdf_pages=2), simple_pdf("a", "b"), simple_pdf("a", "b", "c"), "too many pages", "a.pdf"
    )
