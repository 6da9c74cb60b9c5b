"""No byte of a file is skipped silently: bytes outside the format's structure are read, or the part is limited."""

import gzip
import io
import lzma
import plistlib
import struct
import zipfile
from pathlib import Path

import pytest

from holdgate.extract import formats
from holdgate.extract.extractor import NO_END, UNCLAIMED, extract_file
from holdgate.extract.identify import identify
from holdgate.extract.part import Extraction, Status
from holdgate.extract.readers.texts import named
from holdgate.extract.reading import Document
from tests.data.hangul import hwp, package, paragraph, runs, text
from tests.support.pdf_writer import simple_pdf
from tests.support.pictures import picture, saved
from tests.support.samples import samples, zipped

DATA = Path(__file__).parents[2] / "data"
TAIL = b"\nRosenquist-behind, the word that stands behind the end of the file\n"
NOISE = bytes(range(1, 32)) * 3


def images() -> dict[str, bytes]:
    plain = picture(300, 120, "a line of words").convert("RGB")
    other = picture(300, 120, "another line").convert("RGB")
    grey, palette = plain.convert("L"), plain.convert("P")
    kinds = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "JPEG2000", "AVIF", "ICO", "PPM")
    codestream = io.BytesIO()
    plain.save(codestream, "JPEG2000", no_jp2=True)
    return {
        **{f"plain.{kind.lower()}": saved(plain, kind) for kind in kinds},
        "grey.pgm": saved(grey, "PPM"),
        "bits.pbm": saved(grey.convert("1"), "PPM"),
        "stream.j2k": codestream.getvalue(),
        "moving.gif": saved(palette, "GIF", save_all=True, append_images=[other.convert("P")], comment=b"a comment"),
        "moving.webp": saved(plain, "WEBP", save_all=True, append_images=[other]),
        "pages.tiff": saved(plain, "TIFF", save_all=True, append_images=[other, grey], compression="tiff_deflate"),
        "jpeg.tiff": saved(plain, "TIFF", compression="jpeg", description="words", dpi=(300, 300)),
        "fax.tiff": saved(grey.convert("1"), "TIFF", compression="group4"),
        "bare.dib": saved(plain, "BMP")[14:],
        "colours.dib": saved(palette, "BMP")[14:],
        "grey.bmp": saved(grey, "BMP"),
        "bits.bmp": saved(grey.convert("1"), "BMP"),
        "sizes.ico": saved(plain.convert("RGBA"), "ICO", sizes=[(16, 16), (32, 32), (64, 64)]),
        "tiles.jp2": saved(plain, "JPEG2000", tile_size=(64, 64)),
    }


def others() -> dict[str, bytes]:
    documents = {path.name: path.read_bytes() for path in (DATA / "documents").iterdir()}
    documents["slides.ppt"] = gzip.decompress(documents.pop("slides.ppt.gz"))
    arrows = {path.name: path.read_bytes() for path in (DATA / "arrow").iterdir()}
    parquets = {path.name: path.read_bytes() for path in (DATA / "parquet").iterdir()}
    return {
        **documents,
        **arrows,
        **parquets,
        "mail.pst": lzma.decompress((DATA / "pst/passworded.pst.xz").read_bytes()),
        "table.numbers": (DATA / "iwork/table.numbers").read_bytes(),
        "letter.hwp": hwp(paragraph("words")),
        "letter.hwpx": package(runs(text("words"))),
        "a.plist": plistlib.dumps({"key": "words", "data": bytes(40)}, fmt=plistlib.FMT_BINARY),
        "page.pdf": simple_pdf("words"),
        "page.ps": b"%!PS-Adobe-3.0\n72 72 moveto (hello) show showpage\n%%EOF\n",
        "one.txt.gz": gzip.compress(b"words\n"),
        "comment.zip": commented(),
        "message.gpg": bytes.fromhex("cb15620078000000000057") + b"some words",
        "name.crt": bytes.fromhex("3011300fa0030201020201070c05") + b"words",
        "key.p12": bytes.fromhex("3082010002010330"),
    }


def metafiles() -> dict[str, bytes]:
    """Return an old metafile with nothing but its end record, and a new one ([MS-WMF] 2.3.2.1, [MS-EMF] 2.3.4)."""
    old = bytes.fromhex("d7cdc69a") + bytes(18) + struct.pack("<HHHIHIH", 1, 9, 0x300, 12, 0, 3, 0)
    header = bytes(32) + b" EMF" + struct.pack("<IIIHHIII", 0x10000, 128, 2, 1, 0, 0, 0, 0) + bytes(20)
    new = struct.pack("<II", 1, 8 + len(header)) + header + struct.pack("<IIIII", 14, 20, 0, 16, 20)
    return {"old.wmf": old + struct.pack("<IH", 3, 0), "new.emf": new}


def commented() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "words")
        archive.comment = b"a comment that is longer than what counts as padding"
    return stream.getvalue()


FILES = {**samples(), **images(), **others(), **metafiles()}


def names(extraction: Extraction) -> list[str]:
    return [part.name.rpartition(" › ")[2] for part in extraction.parts]


@pytest.mark.parametrize("name", FILES)
def test_an_ordinary_file_has_no_unclaimed_bytes(name: str) -> None:
    extraction = extract_file(name, FILES[name])
    assert UNCLAIMED not in names(extraction)
    assert not any(NO_END in part.reason for part in extraction.parts)


@pytest.mark.parametrize(
    "tail",
    [pytest.param(TAIL, id="text"), pytest.param(NOISE + TAIL + NOISE, id="bytes", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("name", [name for name in FILES if name != "utf16.txt"])
def test_data_after_the_end_is_read_or_the_part_is_limited(name: str, tail: bytes) -> None:
    extraction = extract_file(name, FILES[name] + tail)
    found = any("Rosenquist-behind" in part.text for part in extraction.parts)
    assert found or extraction.status is not Status.COMPLETE


# Nothing after them is skipped: their readers go through all bytes.
TEXTS = {"text", "html", "xml", "csv", "calendar", "card", "mbox", "rtf", "office-xml", "binary", "postscript", "dxf"}
TEXTS |= {"plot"}
# A sample of these is made by the tests of their reader alone, which try a rest too.
ELSEWHERE = {"tnef", "old-word", "old-excel", "msg", "publisher", "project", "works"}
# Never complete.
NAMED = {one.kind for one in named.FORMATS}


def test_every_shipped_format_declares_its_claim_or_has_a_sample() -> None:
    kinds = {identify(Document(data, name)) for name, data in FILES.items()}
    missing = set(formats.REGISTRY.formats) - kinds - TEXTS - ELSEWHERE - NAMED
    assert missing == set()


def test_every_shipped_format_declares_its_unread_content() -> None:
    assert [one.kind for one in formats.REGISTRY.formats.values() if one.unread is None] == []


def test_data_between_the_members_of_a_zip_file_is_read() -> None:
    first, second = zipped({"a.txt": b"words " * 9}), zipped({"b.txt": b"more words"})
    at = first.index(b"PK\1\2")
    moved = bytearray(first[:at] + TAIL + first[at:])
    struct.pack_into("<I", moved, len(moved) - 6, at + len(TAIL))
    assert any("Rosenquist-behind" in part.text for part in extract_file("a.zip", bytes(moved)).parts)
    assert UNCLAIMED not in names(extract_file("a.zip", first))
    assert any("more words" in part.text for part in extract_file("a.zip", first + second).parts)


def test_the_system_area_of_a_disc_image_is_read() -> None:
    disc = FILES["archive.iso"]
    assert any("Rosenquist-behind" in part.text for part in extract_file("a.iso", TAIL + disc[len(TAIL) :]).parts)


def test_padding_does_not_count_as_unclaimed() -> None:
    for padding in (b"\0" * 5_000, b"\xff" * 100, b" \r\n" * 50):
        assert UNCLAIMED not in names(extract_file("a.gif", FILES["plain.gif"] + padding))
