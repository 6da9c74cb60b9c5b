import pytest

from holdgate.extract.readers.openxml import odf
from holdgate.extract.reading import UnreadableError
from tests.unit.extract.readers.recording import packed, read

SHEET = (
    '<office:document-content><office:body><office:spreadsheet><table:table table:name="Salaries">{}</table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)


def test_repeated_cells_and_rows_are_counted_without_being_expanded() -> None:
    rows = (
        '<table:table-row table:number-rows-repeated="1048570"><table:table-cell/></table:table-row>'
        '<table:table-row><table:table-cell table:number-columns-repeated="16383"/><table:table-cell>'
        "<text:p>far</text:p></table:table-cell></table:table-row>"
    )
    sink = read(odf, packed({"content.xml": SHEET.format(rows)}))
    assert sink.texts[1:] == [("far", "sheet Salaries, XFD1048571")]


def test_values_are_read_in_addition_to_the_shown_text() -> None:
    cell = (
        '<table:table-row><table:table-cell office:value-type="{}" {}><text:p>###</text:p></table:table-cell>'
        "</table:table-row>"
    )
    for kind, attribute, value in (
        ("float", 'office:value="4111111111111111"', "4111111111111111"),
        ("date", 'office:date-value="1980-01-01"', "1980-01-01"),
        ("string", 'office:string-value="token"', "token"),
    ):
        sink = read(odf, packed({"content.xml": SHEET.format(cell.format(kind, attribute))}))
        assert sink.place_of(value) == "sheet Salaries, A1"


def test_a_value_shown_unchanged_is_read_once() -> None:
    cell = '<table:table-row><table:table-cell office:value-type="float" office:value="4711"><text:p>4711</text:p>'
    sink = read(odf, packed({"content.xml": SHEET.format(cell + "</table:table-cell></table:table-row>")}))
    assert sink.texts[1:] == [("4711", "sheet Salaries, A1")]


def test_a_note_inside_a_paragraph_does_not_split_it() -> None:
    paragraph = (
        '<office:document-content><text:p>4111<text:note text:note-class="endnote"><text:note-citation>1'
        "</text:note-citation><text:note-body><text:p>aside</text:p></text:note-body></text:note>1111<text:s/>"
        '<text:span>11</text:span><text:tab/><text:s text:c="2"/>22</text:p></office:document-content>'
    )
    sink = read(odf, packed({"content.xml": paragraph}))
    assert ("aside", "endnote") in sink.texts
    assert any(text.startswith("4111") and text.endswith("1111 11\t  22") for text, _ in sink.texts)


def test_objects_and_images_are_passed_on_and_inner_documents_read() -> None:
    inner = "<office:document-content><text:p>inside</text:p></office:document-content>"
    sink = read(odf, packed({"Object 1/content.xml": inner, "Pictures/a.png": b"\x89PNG"}))
    assert sink.place_of("inside") == "embedded object Object 1"
    assert sink.documents == [("a.png", b"\x89PNG")]


def test_macros_are_read() -> None:
    module = '<script:module script:name="Module1">Const Card = "4711"</script:module>'
    sink = read(odf, packed({"Basic/Standard/Module1.xml": module}))
    assert sink.place_of("4711") == "macro"
    assert sink.signals == ["macro"]


def test_an_encrypted_package_is_reported() -> None:
    manifest = (
        "<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>"
    )
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(odf, packed({"META-INF/manifest.xml": manifest, "content.xml": b"noise"}))
