"""PostScript: its strings are read, and the part is never complete."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.texts import postscript
from holdgate.extract.reading import UnreadableError
from tests.support.sink import read_all


def text_of(program: bytes) -> list[str]:
    sink = read_all(postscript.read, b"%!PS\n" + program)
    assert sink.limits == [postscript.NOT_READ]
    return [text for text, _ in sink.texts if text != "PS"]


@pytest.mark.parametrize(
    ("program", "texts"),
    [
        (b"(Rosenquist) show (next) show", ["Rosenquist", "next"]),
        (b"[(41) -20 (11) 5 (81)] TJ", ["411181"]),
        (
            rb"(a\(b\) \101\
c (nested (twice)))",
            ["a(b) Ac (nested (twice))"],
        ),
        (b"<52 6f73656e> show", ["Rosen"]),
        (b"/four glyphshow /one\n glyphshow /hyphen glyphshow /R glyphshow", ["41-R"]),
        (b"/four glyphshow 72 680 moveto /one glyphshow", ["4", "1"]),
        (b"%%Title: (a note)\n%%Creator: nobody\n", ["Title: (a note)", "Creator: nobody"]),
        (b"/Times findfont 12 scalefont setfont", []),
        ("(Größe)".encode() + b"(Gr\xf6\xdfe)", ["Größe", "Größe"]),
        (b"(a(b(c(d(e)))))", ["a(b(c(d(e))))"]),
        (b"(not closed (41) [(11)(81)]", ["41", "1181"]),
        (rb"(not closed \(41) [(11)(81)] (", ["not closed (41", "1181"]),
        (b"[(41) not closed", ["41"]),
    ],
)
def test_strings_of_a_program_are_read(program: bytes, texts: list[str]) -> None:
    assert text_of(program) == texts


def test_a_postscript_file_is_never_complete() -> None:
    extraction = extract_file("page.ps", b"%!PS-Adobe-3.0\n(a line) show\n")
    assert (extraction.status, extraction.parts[0].reader) == (Status.LIMITED, "postscript")


def test_an_eps_file_with_a_preview_is_read() -> None:
    program, preview = b"%!PS (Rosenquist) show", b"II*\0 a preview"
    header = struct.pack("<4s6I", b"\xc5\xd0\xd3\xc6", 28, len(program), 0, 0, 28 + len(program), len(preview))
    sink = read_all(postscript.read, header + program + preview)
    assert "Rosenquist" in sink.everything()
    assert [document.data for document in sink.documents] == [preview]
    with pytest.raises(UnreadableError, match="damaged"):
        read_all(postscript.read, header)


@given(st.text("()\\<>[]/ab1 \n%", max_size=200))
def test_parsing_any_program_ends(program: str) -> None:
    with contextlib.suppress(UnreadableError):
        read_all(postscript.read, b"%!PS" + program.encode())


def test_many_strings_without_an_end_take_linear_time() -> None:
    assert text_of(b"(\\" * 20_000 + b" 536-90-4399") == ["(" * 19_980 + " 536-90-4399"]
    assert text_of(b"(" * 20_000 + b"a)" * 19_990) == ["(" * 19_989 + "a)" * 19_989 + "a"]
