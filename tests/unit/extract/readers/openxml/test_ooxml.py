import struct
from xml.sax.saxutils import escape

import docx
import openpyxl
import pptx
import pytest
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import LimitReachedError, Limits
from holdgate.extract.readers.openxml import ooxml
from tests.data.planted import CARD, saved
from tests.unit.extract.readers.recording import packed, read


def test_a_number_split_across_runs_is_joined() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("card ")
    for piece in ("4111", "1111", "1111", "1111"):
        paragraph.add_run(piece)
    assert read(ooxml, saved(document)).place_of("card " + CARD) == ""


def test_header_footer_comment_and_properties_have_places() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "token-header"
    document.sections[0].footer.paragraphs[0].text = "token-footer"
    run = document.add_paragraph("body").runs[0]
    document.add_comment(run, text="token-comment", author="Reviewer", initials="R")
    document.core_properties.keywords = "token-keywords"
    sink = read(ooxml, saved(document))
    assert sink.place_of("token-header") == "header"
    assert sink.place_of("token-footer") == "footer"
    assert sink.place_of("token-comment") == "comment by Reviewer"
    assert sink.place_of("token-keywords") == "document properties"


def test_tracked_changes_are_read_before_and_after() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("number 4111 1111 ")
    for tag, text_tag, text in (("w:del", "w:delText", "2222 2222"), ("w:ins", "w:t", "1111 1111")):
        change = paragraph._p.makeelement(qn(tag), {qn("w:author"): "Reviewer"})
        run = change.makeelement(qn("w:r"), {})
        leaf = run.makeelement(qn(text_tag), {})
        leaf.text = text
        run.append(leaf)
        change.append(run)
        paragraph._p.append(change)
    sink = read(ooxml, saved(document))
    assert sink.place_of("number 4111 1111 1111 1111") == ""
    assert sink.place_of("number 4111 1111 2222 2222") == "before revision"


def test_cells_are_named_and_numbers_keep_their_digits() -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Salaries"
    sheet["B7"] = int(CARD)
    sheet["C9"] = "Luhn"
    sheet["D1"] = 78051120
    sheet["D1"].number_format = "000-00-0000"
    sink = read(ooxml, saved(workbook))
    assert sink.place_of(CARD) == "sheet Salaries, B7"
    assert sink.place_of("Luhn") == "sheet Salaries, C9"
    assert sink.place_of("078-05-1120") == "sheet Salaries, D1"


def test_slides_and_notes_are_named() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = CARD
    slide.notes_slide.notes_text_frame.text = "token-notes"
    sink = read(ooxml, saved(deck))
    assert sink.place_of(CARD) == "slide 1"
    assert sink.place_of("token-notes") == "slide 1, notes"


DOCUMENT = "<w:document><w:body><w:p><w:r><w:t>4711</w:t></w:r></w:p></w:body></w:document>"


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENT,
        DOCUMENT.replace("w:", ""),
        DOCUMENT.replace("w:", "ns0:"),
        '<?xml version="1.0"?><!-- x -->' + DOCUMENT,
        "\ufeff" + DOCUMENT,
        "\r\n" + DOCUMENT,
        DOCUMENT.replace("4711", "<![CDATA[4711]]>"),
        DOCUMENT.replace("4711", "&#52;711"),
    ],
)
def test_any_notation_of_the_same_xml_is_read(document: str) -> None:
    sink = read(ooxml, packed({"word/document.xml": document}))
    assert sink.texts == [("4711", "")]
    assert sink.reasons == []


def test_utf_16_is_read() -> None:
    document = '<?xml version="1.0" encoding="UTF-16"?>' + DOCUMENT
    assert read(ooxml, packed({"word/document.xml": document.encode("utf-16")})).texts == [("4711", "")]


def test_unusual_part_names_are_read() -> None:
    for name in ("/word/document.xml", "word\\document.xml", "WORD/DOCUMENT.XML", "x/y", "document2.bin"):
        assert read(ooxml, packed({name: DOCUMENT})).texts == [("4711", "")]


@pytest.mark.parametrize("target", ["/xl/worksheets/one.xml", "worksheets/one.xml", "..\\xl\\worksheets\\one.xml"])
def test_sheet_names_are_found_by_any_form_of_target(target: str) -> None:
    parts = {
        "xl/worksheets/one.xml": '<worksheet><sheetData><row r="7"><c><v>5</v></c></row></sheetData></worksheet>',
        "xl/workbook.xml": '<workbook><sheets><sheet name="Salaries" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Target="{target}"/></Relationships>',
    }
    assert read(ooxml, packed(parts)).place_of("5") == "sheet Salaries, A7"


def test_tracked_moves_and_hidden_text_are_read_in_every_version() -> None:
    document = DOCUMENT.replace(
        "<w:r><w:t>4711</w:t></w:r>",
        "<w:r><w:t>41</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>x</w:t></w:r><w:r><w:t>11</w:t></w:r>"
        "<w:moveFrom><w:r><w:t>22</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>33</w:t></w:r></w:moveTo>",
    )
    assert read(ooxml, packed({"word/document.xml": document})).texts == [
        ("41x1133", ""),
        ("41x1122", "before revision"),
        ("411133", "without hidden text"),
    ]


@pytest.mark.parametrize("kind", ["strike", "double_strike"])
def test_digits_that_are_struck_out_of_a_number_are_left_out_once(kind: str) -> None:
    document = docx.Document()
    for before, struck, after in [("SSN 536", "12", "-90-4399"), ("see ", "12", " persons"), ("100 ", "old", " 200")]:
        paragraph = document.add_paragraph(before)
        setattr(paragraph.add_run(struck).font, kind, True)
        setattr(paragraph.add_run(after).font, kind, False)
    texts = [text for text, _ in read(ooxml, saved(document)).texts]
    assert [text for text in texts if "SSN" in text] == ["SSN 53612-90-4399", "SSN 536-90-4399"]
    assert "see 12 persons" in texts
    assert "see  persons" not in texts


def test_a_vanish_property_that_is_off_hides_nothing() -> None:
    run = '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>4711</w:t></w:r>'
    document = DOCUMENT.replace("<w:r><w:t>4711</w:t></w:r>", run)
    assert read(ooxml, packed({"word/document.xml": document})).texts == [("4711", "")]


def test_digits_in_symbol_fonts_are_read_as_digits() -> None:
    symbols = "".join(f'<w:r><w:sym w:font="Wingdings" w:char="F0{ord(digit):02X}"/></w:r>' for digit in "4711")
    document = DOCUMENT.replace("<w:r><w:t>4711</w:t></w:r>", symbols)
    assert read(ooxml, packed({"word/document.xml": document})).texts == [("4711", "")]


def test_fallback_content_is_read_only_if_it_differs() -> None:
    box = "<w:txbxContent><w:p><w:t>{}</w:t></w:p></w:txbxContent>"
    choice = f"<mc:Choice>{box.format('one')}</mc:Choice><mc:Fallback>{{}}</mc:Fallback>"
    choice = f"<mc:AlternateContent>{choice}</mc:AlternateContent>"
    for fallback, expected in (("one", ["one"]), ("two", ["one", "two"])):
        document = DOCUMENT.replace("<w:t>4711</w:t>", choice.format(box.format(fallback)))
        texts = read(ooxml, packed({"word/document.xml": document})).texts
        assert texts == [(text, "text box") for text in expected]


def test_malformed_xml_is_stripped_and_reported() -> None:
    document = DOCUMENT.replace("</w:body>", "</w:wrong>").replace(
        "</w:document>", "<w:p><w:t>08</w:t><w:t>15</w:t></w:p>"
    )
    sink = read(ooxml, packed({"word/document.xml": document}))
    assert [text for text, _ in sink.texts] == ["4711", "0815"]
    assert sink.reasons == ["malformed XML"]


def test_entities_are_never_expanded() -> None:
    declared = "<!DOCTYPE a [<!ENTITY i 'expanded'>]>"
    sink = read(ooxml, packed({"word/document.xml": declared + DOCUMENT.replace("4711", "4711&i;")}))
    assert sink.reasons == ["XML declares entities"]
    assert sink.place_of("4711") == ""
    assert "4711expanded" not in sink.whole()


def test_nesting_over_the_limit_is_reported() -> None:
    document = DOCUMENT.replace("<w:p>", "<w:p>" + "<a>" * 50).replace("</w:p>", "</a>" * 50 + "</w:p>")
    sink = read(ooxml, packed({"word/document.xml": document}), limits=Limits(xml_depth=40))
    assert sink.reasons == ["XML nested too deeply"]
    assert "4711" in sink.whole()


def test_a_part_over_the_size_limit_is_read_up_to_it() -> None:
    document = DOCUMENT.replace("</w:body>", "<w:p/>" * 1_000 + "<w:p><w:t>0815</w:t></w:p></w:body>")
    sink = read(ooxml, packed({"word/document.xml": document}), limits=Limits(xml_bytes=1_000))
    assert sink.reasons[0] == "XML part too large"
    assert sink.place_of("4711") == ""
    assert sink.place_of("0815") is None


def test_a_string_that_many_cells_share_ends_at_the_character_limit() -> None:
    parts = {
        "xl/sharedStrings.xml": f"<sst><si><t>{'ab' * 5_000}</t></si></sst>",
        "xl/worksheets/sheet1.xml": "<worksheet>" + '<c t="s"><v>0</v></c>' * 1_000 + "</worksheet>",
    }
    with pytest.raises(LimitReachedError, match="too much text"):
        read(ooxml, packed(parts), limits=Limits(text_characters=100_000))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("_x0034_111 one", "4111 one"),
        ("4111_x000d_&#10;one", "4111\r\none"),
        ("_x005F_x0034_111", "_x0034_111"),
        ("_xD83D__xDE00_", "\U0001f600"),
        ("_xD83D_ one", "\ufffd one"),
        ("_x34_ _x00G4_ x0034_ _x0034", "_x34_ _x00G4_ x0034_ _x0034"),
    ],
)
@pytest.mark.parametrize(
    ("strings", "cell"),
    [
        ("<sst><si><t>{}</t></si></sst>", '<c r="A1" t="s"><v>0</v></c>'),
        ("<sst><si><r><t>{}</t></r></si></sst>", '<c r="A1"/>'),
        ("<sst/>", '<c r="A1" t="inlineStr"><is><t>{}</t></is></c>'),
        ("<sst/>", '<c r="A1" t="inlineStr"><is><r><t>{}</t></r></is></c>'),
        ("<sst/>", '<c r="A1" t="str"><f>B1</f><v>{}</v></c>'),
    ],
)
def test_an_escaped_character_of_a_cell_is_read_as_it_is_shown(
    strings: str, cell: str, written: str, shown: str
) -> None:
    parts = {
        "xl/sharedStrings.xml": strings.format(written),
        "xl/worksheets/sheet1.xml": f"<worksheet><row>{cell.format(written)}</row></worksheet>",
    }
    assert shown in read(ooxml, packed(parts)).whole()


def test_an_escaped_character_of_a_comment_is_read_as_it_is_shown() -> None:
    comments = '<comments><comment ref="A1"><text><t>_x0034_111 one</t></text></comment></comments>'
    assert "4111 one" in read(ooxml, packed({"xl/comments1.xml": comments})).whole()


def test_cells_are_counted() -> None:
    sheet = "<worksheet>" + "<c><v>1</v></c>" * 100 + "</worksheet>"
    with pytest.raises(LimitReachedError, match="too many cells"):
        read(ooxml, packed({"xl/worksheets/sheet1.xml": sheet}), limits=Limits(cells=50))


def test_cell_formats_are_applied() -> None:
    styles = (
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/></numFmts><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    sheet = (
        '<worksheet><row><c s="0"><v>4.1111111111111109E+15</v></c><c s="1"><v>29221</v></c><c s="2"><v>29221</v></c>'
    )
    book = '<workbook><workbookPr date1904="1"/></workbook>'
    parts = {"xl/styles.xml": styles, "xl/worksheets/sheet1.xml": sheet + "</row></worksheet>"}
    assert read(ooxml, packed(parts)).whole().split("\n") == [CARD, "1/1/1980", "01.01.1980"]
    assert "02.01.1984" in read(ooxml, packed(parts | {"xl/workbook.xml": book})).whole()


def test_a_format_shows_digits_around_a_text_and_divides_by_thousands() -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row, (value, code) in enumerate(
        [("90-4399", '"536-"@'), ("plain", "General"), ("90-4399", "@"), (536_904_399_000, "0,"), (5, '"536-"@')], 1
    ):
        sheet.cell(row, 1, value).number_format = code
    texts = [text for text, place in read(ooxml, saved(workbook)).texts if place.startswith("sheet Sheet, A")]
    assert texts == ["536-90-4399", "plain", "90-4399", "536904399", "5"]


def test_only_custom_style_names_are_text() -> None:
    names = (
        "heading 1",
        "Heading 1 Char",
        "Header Char",
        "Default Paragraph Font",
        "Medium Shading 2 Accent 6",
        "toc 9",
    )
    styles = "".join(f'<style><name val="{name}"/></style>' for name in (*names, "Letter to Anna Char", f"List {CARD}"))
    document = "<document><body><p><r><t>Hello</t></r></p></body></document>"
    parts = {"word/styles.xml": f"<styles>{styles}</styles>", "word/document.xml": document}
    assert read(ooxml, packed(parts)).whole().split("\n") == ["Hello", "Letter to Anna Char", f"List {CARD}"]


def test_macros_and_objects_are_passed_on() -> None:
    parts = {
        "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 macro",
        "xl/embeddings/a.docx": b"PK inside",
        "xl/media/i.png": b"\x89PNG",
    }
    sink = read(ooxml, packed(parts))
    assert sorted(name for name, _ in sink.documents) == ["a.docx", "i.png", "vbaProject.bin"]
    assert sink.signals == ["macro"]


def test_a_binary_workbook_is_read() -> None:
    def record(kind: int, body: bytes) -> bytes:
        head = bytes((kind,)) if kind < 128 else bytes((kind & 0x7F | 0x80, kind >> 7))
        return head + bytes((len(body),)) + body

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    relation = '<Relationship Id="{}" Type="http://x/{}" Target="{}"/>'
    parts: dict[str, str | bytes] = {
        "_rels/.rels": f"<Relationships>{relation.format('r0', 'officeDocument', 'xl/workbook.bin')}</Relationships>",
        "xl/_rels/workbook.bin.rels": "<Relationships>"
        + relation.format("r1", "worksheet", "worksheets/sheet1.bin")
        + relation.format("r2", "sharedStrings", "sharedStrings.bin")
        + "</Relationships>",
        "xl/workbook.bin": record(156, b"\0" * 8 + wide("r1") + wide("Salaries")),
        "xl/sharedStrings.bin": record(19, b"\0" + wide("shared")) + record(19, b"\0" + wide("unused")),
        "xl/worksheets/sheet1.bin": record(0, struct.pack("<I", 6))
        + record(7, struct.pack("<III", 1, 0, 0))
        + record(5, struct.pack("<IId", 2, 0, 4111111111111111.0))
        + record(6, struct.pack("<II", 3, 0) + wide("inline"))
        + record(2, struct.pack("<III", 4, 0, 0x40590001)),
    }
    sink = read(ooxml, packed(parts))
    assert sink.place_of("shared") == "sheet Salaries, B7"
    assert sink.place_of(CARD) == "sheet Salaries, C7"
    assert sink.place_of("inline") == "sheet Salaries, D7"
    assert ("1", "sheet Salaries, E7") in sink.texts
    assert sink.place_of("unused") == "shared strings"


def test_texts_of_visio_are_joined_and_svg_has_its_own_reader() -> None:
    page = '<PageContents><Shape><Text><cp IX="0"/>4111 <cp IX="1"/>1111</Text></Shape></PageContents>'
    sink = read(ooxml, packed({"visio/pages/page1.xml": page, "word/media/a.svg": "<svg><text>x</text></svg>"}))
    assert sink.place_of("4111 1111") == "page"
    assert sink.documents == [("a.svg", b"<svg><text>x</text></svg>")]


def test_the_cache_of_a_pivot_table_is_read() -> None:
    cache = '<pivotCacheRecords><r><s v="4711"/><n v="0815"/><x v="3"/></r></pivotCacheRecords>'
    sink = read(ooxml, packed({"xl/pivotCache/pivotCacheRecords1.xml": cache}))
    assert sink.place_of("4711") == "pivot table"
    assert sink.place_of("0815") == "pivot table"


def test_slides_are_numbered_as_they_are_shown() -> None:
    relation = '<Relationship Id="{}" Type="http://x/slide" Target="slides/{}.xml"/>'
    slide = "<p:sld><a:p><a:t>{}</a:t></a:p></p:sld>"
    parts = {
        "ppt/presentation.xml": '<p:presentation><p:sldIdLst><p:sldId id="256" r:id="r2"/><p:sldId id="257" r:id="r1"/>'
        "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": "<Relationships>"
        + relation.format("r1", "slide1")
        + relation.format("r2", "slide2")
        + "</Relationships>",
        "ppt/slides/slide1.xml": slide.format("last"),
        "ppt/slides/slide2.xml": slide.format("first"),
    }
    sink = read(ooxml, packed(parts))
    assert sink.place_of("first") == "slide 1"
    assert sink.place_of("last") == "slide 2"


@given(
    st.lists(st.tuples(st.text("4711 äß&<>", min_size=1), st.sampled_from(["", "ins", "del"])), min_size=1, max_size=8)
)
def test_any_runs_are_joined_before_and_after_revisions(runs: list[tuple[str, str]]) -> None:
    def wrapped(text: str, change: str) -> str:
        tag = "w:delText" if change == "del" else "w:t"
        run = f"<w:r><{tag}>{escape(text)}</{tag}></w:r>"
        return f"<w:{change}>{run}</w:{change}>" if change else run

    document = DOCUMENT.replace("<w:r><w:t>4711</w:t></w:r>", "".join(wrapped(*run) for run in runs))
    texts = read(ooxml, packed({"word/document.xml": document})).texts
    now = "".join(text for text, change in runs if change != "del").strip()
    before = "".join(text for text, change in runs if change != "ins").strip()
    assert not now or (now, "") in texts
    assert not before or (before, "before revision") in texts or before == now
