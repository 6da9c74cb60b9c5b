"""XPS pages: text from the positions of glyph runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from tests.support.samples import zipped

TYPES = b"<?xml version='1.0'?><Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>"


def document(*glyphs: str) -> bytes:
    page = f"<FixedPage xmlns='http://schemas.microsoft.com/xps/2005/06'>{''.join(glyphs)}</FixedPage>"
    return zipped({"[Content_Types].xml": TYPES, "Documents/1/Pages/1.fpage": page.encode()})


def run(text: str, x: float, y: float = 100, indices: str = "", more: str = "") -> str:
    given_ = f"Indices='{indices}' " if indices else ""
    return f"<Glyphs OriginX='{x}' OriginY='{y}' FontRenderingEmSize='16' UnicodeString='{text}' {given_}{more}/>"


def text_of(*glyphs: str) -> list[str]:
    (part, *_) = extract_file("page.xps", document(*glyphs)).parts
    assert part.status is Status.COMPLETE, part.reason
    return part.text.splitlines()


def test_one_run_per_word_is_joined_to_lines() -> None:
    words = [run("Card:", 96), run("4111", 150), run("1111", 196), run("1111", 240), run("1111", 284)]
    assert "Card: 4111 1111 1111 1111" in text_of(*words)


def test_one_run_per_letter_is_joined_to_words() -> None:
    letters = [run(letter, 96 + 8.9 * index) for index, letter in enumerate("4111111111111111")]
    assert text_of(*letters) == ["4111111111111111"]


def test_the_widths_in_the_file_decide_about_spaces() -> None:
    words = [run("41", 96, indices=",55;,55"), run("11", 113.6, indices=",55;,55"), run("rest", 136, indices=",5;" * 4)]
    assert text_of(*words) == ["4111 rest"]


def test_lines_are_read_from_top_to_bottom_in_any_file_order() -> None:
    words = [run("second", 96, 140), run("line", 170, 141), run("first", 96, 100)]
    assert text_of(*words)[0] == "first"
    assert "second line" in text_of(*words)


def test_transforms_move_text() -> None:
    moved = f"<Canvas RenderTransform='1,0,0,1,0,40'>{run('below', 96)}</Canvas>"
    assert text_of(moved, run("above", 96)) == ["above", "below"]
    right = f"<Canvas RenderTransform='1,0,0,1,74,0'>{run('right', 96)}</Canvas>"
    assert "left right" in text_of(right, run("left", 96))


def test_a_literal_brace_is_escaped() -> None:
    assert text_of(run("{}{x}", 96)) == ["{x}"]


@pytest.mark.parametrize(
    ("glyphs", "reason"),
    [
        ([run("", 96, indices="12;13;14")], "glyphs without characters"),
        (["<Path Data='M 0,0 L 1,1'/>"] * 60, "drawing not read"),
    ],
)
def test_glyphs_without_characters_are_limited(glyphs: list[str], reason: str) -> None:
    extraction = extract_file("page.xps", document(*glyphs))
    assert (extraction.status, extraction.parts[0].reason) == (Status.LIMITED, reason)


def test_a_drawing_next_to_text_is_not_a_limitation() -> None:
    assert text_of(*["<Path Data='M 0,0 L 1,1'/>"] * 60, run("a caption of the drawing", 96))


def test_a_line_drawn_as_one_path_is_limited() -> None:
    path = "<Path Data='" + "M 0,0 L 1,1 z " * 90 + "'/>"
    (part, *_) = extract_file("page.xps", document(path, run("a caption", 96))).parts
    assert (part.status, part.reason) == (Status.LIMITED, "drawing not read")


@given(st.lists(st.tuples(st.text("ab1 ", min_size=1, max_size=5), st.floats(), st.floats()), max_size=8))
def test_no_run_is_lost(runs: list[tuple[str, float, float]]) -> None:
    (part,) = extract_file("page.xps", document(*(run(text, x, y) for text, x, y in runs))).parts
    assert sorted("".join(part.text.split())).count("1") >= sum(text.count("1") for text, _, _ in runs)
