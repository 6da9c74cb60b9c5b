"""Formats with a name and without a reader: strings are read, and the part is never complete."""

import io

import pytest
from PIL import Image

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import identify
from holdgate.extract.part import Status
from holdgate.extract.readers.texts import named
from holdgate.extract.reading import Document

WORD = b"\0Rosenquist-named in a string\0"
WHITE = Image.new("RGB", (200, 100), "white")


def saved(form: str) -> bytes:
    file = io.BytesIO()
    WHITE.save(file, form)
    return file.getvalue()


XBM = b"#define a_width 8\n#define a_height 1\nstatic char a_bits[] = {\n0x01\n};\n"
XPM = b'/* XPM */\nstatic char *a[] = {"2 1 2 1",". c #FFF","# c #000",".#"};\n'
RECOGNISED = {
    "a.tga": (saved("TGA"), "raster"),
    "a.pcx": (saved("PCX"), "raster"),
    "a.dds": (saved("DDS"), "raster"),
    "a.xbm": (XBM, "raster"),
    "a.xpm": (XPM, "raster"),
    "a.por": (b"ASCII SPSS PORT FILE".ljust(40) * 5 + b"SPSSPORT", "statistics"),
    "a.orc": (b"ORC\x0a\x03\0\0\1\2\3\4" * 5, "statistics"),
    "a.mp3": ((b"\xff\xfb\x90\x00" + bytes(413)) * 3, "media"),
}
SIGNED = [
    (f"{one.kind}-{number}", magic, offset, one.kind)
    for one in named.FORMATS
    for number, (offset, magic) in enumerate(one.signatures)
]


@pytest.mark.parametrize("name", RECOGNISED)
def test_a_named_format_is_recognised_by_its_content(name: str) -> None:
    data, kind = RECOGNISED[name]
    assert identify(Document(data, "report.dat")) == kind
    assert extract_file(name, data).status is Status.LIMITED


@pytest.mark.parametrize(("name", "magic", "offset", "kind"), SIGNED, ids=[one[0] for one in SIGNED])
def test_a_named_format_is_recognised_by_its_signature(name: str, magic: bytes, offset: int, kind: str) -> None:
    data = bytes(offset) + magic + bytes(range(1, 32)) * 20 + WORD
    extraction = extract_file("a.bin", data)
    assert [part.reader for part in extraction.parts] == [kind]
    assert extraction.status is Status.LIMITED
    assert extraction.parts[0].reason.endswith("only strings read")
    assert "Rosenquist-named in a string" in extraction.parts[0].text


@pytest.mark.parametrize(
    "text",
    [
        b"ID3 is a decision tree", b"ORCA is a whale, and ORC a creature", b"FORM of address", b"DDS of the dentist",
        b"AC1015 is a number", b"#define width 8\n", b"Obj = 1", b"icnews of today", b"\nA line behind an empty one",
        b"8BPS or more", b"OggS was here", b"SIMPLE text",
    ],
)  # fmt: skip
def test_ordinary_words_are_not_a_signature(text: bytes) -> None:
    assert identify(Document(text * 3, "note.txt")) == "text"
