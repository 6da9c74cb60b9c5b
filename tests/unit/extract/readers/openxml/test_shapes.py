from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.office import office_art_shapes, rtf_shapes
from holdgate.extract.readers.openxml import shapes
from holdgate.extract.readers.texts.path_data import figures, vml_figures
from tests.unit.extract.readers.recording import RecordingSink, packed

A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
WP = 'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
V = 'xmlns:v="urn:schemas-microsoft-com:vml"'
# The left edges of ten letters in a row, and of ten clouds all over the page.
ROW = [(20 * place, 100, 16, 30) for place in range(10)]
SCATTERED = [(37 * place % 200, 90 * place, 16 + 9 * place, 30 + 7 * place) for place in range(10)]
Frames = Iterable[tuple[int, int, int, int]]


def custom(x: int, y: int, width: int, height: int) -> str:
    points = "".join(f'<a:lnTo><a:pt x="{a}" y="{b}"/></a:lnTo>' for a, b in ((5, 10), (10, 0)))
    return (
        f'<a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm><a:custGeom><a:pathLst>'
        f'<a:path w="10" h="10"><a:moveTo><a:pt x="0" y="0"/></a:moveTo>{points}<a:close/></a:path>'
        "</a:pathLst></a:custGeom>"
    )


def package(body: str) -> bytes:
    document = f"<w:document {W} {A} {WP} {V}><w:body>{body}</w:body></w:document>"
    return packed({"[Content_Types].xml": "<Types/>", "word/document.xml": document})


def together(frames: Frames) -> str:
    return "".join(custom(*frame) for frame in frames)


def anchored(frames: Frames) -> str:
    return "".join(
        f"<wp:anchor><wp:positionH><wp:posOffset>{x}</wp:posOffset></wp:positionH><wp:positionV><wp:posOffset>{y}"
        f"</wp:posOffset></wp:positionV>{custom(0, 0, width, height)}</wp:anchor>"
        for x, y, width, height in frames
    )


def vml(frames: Frames) -> str:
    return "".join(
        f'<v:shape style="position:absolute;left:{x}pt;top:{y}pt;width:{width};height:{height}" coordsize="10,10" '
        'path="m,l5,10,10,xe"/>'
        for x, y, width, height in frames
    )


@pytest.mark.parametrize("write", [together, anchored, vml])
def test_a_row_of_freeform_shapes_is_reported_as_not_read(write: Callable[[Frames], str]) -> None:
    extraction = extract_file("a.docx", package(write(ROW)))
    assert (extraction.status, extraction.reason) == (Status.LIMITED, "a.docx: drawing not read")


@pytest.mark.parametrize("write", [together, anchored, vml])
def test_scattered_shapes_are_a_drawing(write: Callable[[Frames], str]) -> None:
    assert extract_file("a.docx", package(write(SCATTERED))).status == Status.COMPLETE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_shapes_are_found_in_each_encoding_of_xml(encoding: str) -> None:
    body = f"\ufeff<w:document {W} {A}>{together(ROW)}</w:document>".encode(encoding)
    sink = RecordingSink()
    shapes.check(body, sink)
    assert sink.reasons == ["drawing not read"]


def test_custom_shapes_of_opendocument_are_found_in_their_frames() -> None:
    names = 'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:svg="urn:svg"'
    geometry = '<draw:enhanced-geometry svg:viewBox="0 0 10 10" draw:enhanced-path="M 0 0 L 5 10 10 0 Z N"/>'
    body = "".join(
        f'<draw:custom-shape svg:x="{x}mm" svg:y="{y}mm" svg:width="{width}mm" svg:height="{height}mm">{geometry}'
        "</draw:custom-shape>"
        for x, y, width, height in ROW
    )
    sink = RecordingSink()
    shapes.check(f"<a {names}>{body}</a>".encode(), sink)
    assert sink.reasons == ["drawing not read"]


def test_path_data_of_each_command_is_parsed() -> None:
    assert [figure[-1] for figure in figures("M0 0L1 1H5V7C1 1 2 2 3 3S1 1 4 4Q1 1 5 5T6 6A1 1 0 0 1 9 9z")] == [(9, 9)]
    assert list(figures("m1,1 2,2m1,1 l1,0")) == [[(1, 1), (3, 3)], [(4, 4), (5, 4)]]
    assert list(vml_figures("m,l5,10,10,xnfe")) == [[(0, 0), (5, 10), (10, 0)]]


@given(st.text(alphabet="mMlLcCzZhvaxe0123456789,. -rtv@", max_size=200))
def test_any_path_is_parsed(data: str) -> None:
    list(figures(data))
    list(vml_figures(data))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_shape_is_parsed(head: bytes, rest: bytes) -> None:
    sink = RecordingSink()
    office_art_shapes.check(b"\x13\0\x0b\xf0\x20\0\0\0\x45\xc1" + head + b"\x13\0\x0b\xf0" + rest, sink)
    rtf_shapes.check(b"{\\sn pVerticies}{\\sv 8;" + head + b"}" + rest, sink)
    shapes.check(b"<a viewBox='" + head, sink)
