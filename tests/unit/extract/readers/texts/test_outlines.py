import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.pictures import metafile_shapes
from holdgate.extract.readers.texts.outlines import FEWEST, Box, are_letters, bounds

DRAWINGS = Path(__file__).parents[4] / "data" / "drawings"


def letter(at: float, height: float = 10, bottom: float = 100) -> Box:
    return Box(at, bottom - height, at + 6, bottom)


CONTOURS = ["contour.fodg", "contour.pptx", "contour.ppt", "contour.rtf", "contour.doc"]


@pytest.mark.parametrize("name", ["outlines.emf", "outlines.wmf", "pstricks.tex", *CONTOURS])
def test_letters_drawn_as_outlines_are_reported_as_not_read(name: str) -> None:
    extraction = extract_file(name, gzip.decompress((DRAWINGS / f"{name}.gz").read_bytes()))
    assert (extraction.status, extraction.reason) == (Status.LIMITED, f"{name}: drawing not read")


def test_a_sixel_image_is_reported_as_not_read() -> None:
    extraction = extract_file("print.six", gzip.decompress((DRAWINGS / "print.six.gz").read_bytes()))
    assert (extraction.status, extraction.reason) == (Status.LIMITED, "print.six: image: only strings read")


def test_a_row_of_shapes_of_one_height_may_be_letters() -> None:
    assert are_letters([letter(7 * place) for place in range(FEWEST)])
    assert are_letters([letter(7 * place, 10 + place % 2) for place in range(FEWEST)])


@pytest.mark.parametrize(
    "boxes",
    [
        [letter(7 * place) for place in range(FEWEST - 1)],
        [letter(60 * place) for place in range(FEWEST)],
        [letter(7 * place, 5 + 5 * place) for place in range(FEWEST)],
        [letter(7 * place, bottom=100 + 5 * place) for place in range(FEWEST)],
        [letter(0)] * 50,
    ],
    ids=["few", "far apart", "of all heights", "stairs", "one place"],
)
def test_other_rows_are_not_letters(boxes: list[Box]) -> None:
    assert not are_letters(boxes)


def test_boxes_and_lines_are_not_outlines_of_letters() -> None:
    assert bounds([]) is None
    assert bounds([(0, 0), (0, 9)]) is None
    assert bounds([(0, 0), (90, 9), (3, 4)]) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    metafile_shapes.of_emf(data)
    metafile_shapes.of_wmf(data, 0)
