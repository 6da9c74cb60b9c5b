"""Text where no list expects it: each place that programs offer, or a person can write into, is read."""

import re
import time
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import written
from holdgate.extract.readers.openxml import odf, ooxml, unlisted, xstring
from holdgate.extract.readers.openxml.revisions import CHOICE, FALLBACK, views
from tests.support.sink import KeepingSink
from tests.unit.extract.readers.recording import RecordingSink, packed, read

WORDS = "her number is 536-90-4399"
ESCAPED = "her number is 536_x002D_90_x002D_4399"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
VALUES = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
TYPES = "<Types/>"

IN_WORD = {
    "title of a table": f'<w:tbl><w:tblPr><w:tblCaption w:val="{WORDS}"/></w:tblPr></w:tbl>',
    "description of a table": f'<w:tbl><w:tblPr><w:tblDescription w:val="{WORDS}"/></w:tblPr></w:tbl>',
    "format of a date": f'<w:sdt><w:sdtPr><w:date><w:dateFormat w:val="{WORDS}"/></w:date></w:sdtPr></w:sdt>',
    "format of a field": f'<w:ffData><w:textInput><w:format w:val="{WORDS}"/></w:textInput></w:ffData>',
    "name of a font": f'<w:rFonts w:ascii="{WORDS}"/>',
    "target inside the document": f'<w:hyperlink w:anchor="{WORDS}"/>',
    "a number alone": '<w:placeholder><w:docPart w:val="536-90-4399"/></w:placeholder>',
    "references": '<w:rFonts w:ascii="her number is &#53;&#51;&#54;&#45;&#57;&#48;&#45;4399"/>',
    "an XML comment": f"<!-- {WORDS} -->",
    "a processing instruction": f"<?note {WORDS}?>",
}


def everything(sink: RecordingSink) -> str:
    return "\n".join([sink.whole(), *(data.decode("utf-8", "replace") for _, data in sink.documents)])


def word(body: str, **parts: str) -> bytes:
    document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return packed({"[Content_Types].xml": TYPES, "word/document.xml": document, **parts})


def sheet(cells: str = "", after: str = "", **parts: str) -> bytes:
    content = f'<worksheet xmlns="{SHEET}"><sheetData>{cells}</sheetData>{after}</worksheet>'
    return packed({"[Content_Types].xml": TYPES, "xl/worksheets/sheet1.xml": content, **parts})


def part(path: str, content: str) -> bytes:
    return packed({"[Content_Types].xml": TYPES, path: content})


def text(body: str, **parts: str) -> bytes:
    names = " ".join(
        f'xmlns:{one}="urn:{one}"' for one in ["office", "text", "table", "draw", "style", "form", "number", "fo"]
    )
    content = f"<office:document-content {names}>{body}</office:document-content>"
    return packed({"META-INF/manifest.xml": "<manifest/>", "content.xml": content, **parts})


@pytest.mark.parametrize("body", [pytest.param(one, id=name) for name, one in IN_WORD.items()])
def test_text_in_an_attribute_of_word_is_read(body: str) -> None:
    assert "536-90-4399" in everything(read(ooxml, word(body)))


PACKAGES = {
    "a part of markup": part("word/x.xml", f'<layoutDef><title val="{WORDS}"/></layoutDef>'),
    "text in a part of markup": part("xl/calcChain.xml", f"<calcChain><c>{WORDS}</c></calcChain>"),
    "types of content": part("word/x.xml", f'<Types><Default ContentType="{WORDS}"/></Types>'),
    "settings of a printer": part("word/printerSettings1.bin", WORDS),
    "an embedded font that is none": part("word/fonts/font1.odttf", WORDS),
    "the name of a part": part(f"word/{WORDS}.xml", "<a/>"),
    "a target in the package": part(
        "word/_rels/a.rels", f'<Relationships><Relationship Target="#{WORDS}"/></Relationships>'
    ),
    "the name of a style": part("xl/styles.xml", f'<styleSheet><cellStyle name="{WORDS}"/></styleSheet>'),
    "text in styles": part("xl/styles.xml", f"<styleSheet><extLst><ext>{WORDS}</ext></extLst></styleSheet>"),
    "text outside the strings": part("xl/sharedStrings.xml", f"<sst><extLst><ext>{WORDS}</ext></extLst></sst>"),
    "a caption of a pivot table": part("xl/pivot.xml", f'<pivotTableDefinition rowHeaderCaption="{WORDS}"/>'),
    "a format of a chart": part("xl/c.xml", f'<chartSpace><numFmt formatCode="&quot;{WORDS}&quot;"/></chartSpace>'),
    "a topic of another program": part("xl/e.xml", f'<externalLink><ddeLink ddeTopic="{WORDS}"/></externalLink>'),
    "a bullet of a slide": part("ppt/slides/slide1.xml", f'<sld><buChar char="{WORDS}"/></sld>'),
    "an action of a slide": part("ppt/slides/slide1.xml", f'<sld><hlinkClick action="{WORDS}"/></sld>'),
    "a cell with a word for a boolean": sheet(f'<row><c t="b"><v>{WORDS}</v></c></row>'),
    "a cell with a word for an index": sheet(f'<row><c t="s"><v>{WORDS}</v></c></row>'),
    "a target of a cell": sheet(after=f'<hyperlinks><hyperlink ref="A1" location="{WORDS}"/></hyperlinks>'),
}


@pytest.mark.parametrize("package", [pytest.param(one, id=name) for name, one in PACKAGES.items()])
def test_text_in_a_part_without_text_is_read(package: bytes) -> None:
    assert WORDS in everything(read(ooxml, package))


@pytest.mark.parametrize(
    "header",
    [
        "&amp;L&amp;8her number is 536-90-4399",
        "&amp;Lher number is 536&amp;B-90-&amp;B4399",
        'her number is 536-&amp;"Arial,Bold"90-4399',
        "her number is 536-90&amp;KFF0000-4399",
        "her number is 536-90-&amp;K01+0004399",
    ],
)
def test_codes_in_the_header_of_a_sheet_do_not_divide_a_number(header: str) -> None:
    sink = read(ooxml, sheet(after=f"<headerFooter><oddHeader>{header}</oddHeader></headerFooter>"))
    assert WORDS in everything(sink)


OPEN = {
    "the value of a cell in a text": '<table:table-cell office:value-type="float" office:value="536904399"/>',
    "a cell of a sheet without a name": "<office:spreadsheet><table:table><table:table-row>"
    '<table:table-cell office:value-type="float" office:value="536904399"/></table:table-row></table:table>'
    "</office:spreadsheet>",
    "a cell in a cell": '<table:table-cell office:value-type="float" office:value="536904399"><table:table>'
    "<table:table-cell><text:p>inner</text:p></table:table-cell></table:table></table:table-cell>",
}


@pytest.mark.parametrize("body", [pytest.param(one, id=name) for name, one in OPEN.items()])
def test_the_value_of_a_cell_is_read_in_any_table(body: str) -> None:
    assert "536904399" in everything(read(odf, text(body)))


OPEN_TEXT = {
    "the string of a cell without a type": f'<table:table-cell office:string-value="{WORDS}"/>',
    "a comment on a scenario": f'<table:scenario table:comment="{WORDS}"/>',
    "an expression": f'<table:named-expression table:expression="{WORDS}"/>',
    "the label of a list": f'<text:list-level-style-number style:num-prefix="{WORDS}"/>',
    "the name of a font": f'<style:font-face style:name="{WORDS}"/>',
    "an XML comment": f"<!-- {WORDS} -->",
    "a number around a note": "<text:p>her number is 536-<text:note><text:note-citation>1</text:note-citation>"
    "<text:note-body><text:p>a</text:p></text:note-body></text:note>90-4399</text:p>",
}


@pytest.mark.parametrize("body", [pytest.param(one, id=name) for name, one in OPEN_TEXT.items()])
def test_text_in_an_attribute_of_open_document_is_read(body: str) -> None:
    assert WORDS in everything(read(odf, text(body)))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("settings.xml", f"<document-settings><config-item>{WORDS}</config-item></document-settings>"),
        ("manifest.rdf", f'<RDF><Description about="{WORDS}"/></RDF>'),
        ("META-INF/manifest.xml", f'<manifest><file-entry full-path="{WORDS}"/></manifest>'),
        (f"Pictures/{WORDS}", "a"),
    ],
)
def test_text_in_a_part_of_open_document_without_text_is_read(path: str, content: str) -> None:
    assert WORDS in everything(read(odf, text("", **{path: content})))


@pytest.mark.parametrize("path", ["docProps/core.xml", "docProps/custom.xml", "docProps/app.xml"])
def test_escaped_characters_in_properties_are_decoded(path: str) -> None:
    content = f'<Properties xmlns:vt="{VALUES}"><property><vt:lpwstr>{ESCAPED}</vt:lpwstr></property></Properties>'
    assert WORDS in everything(read(ooxml, part(path, content)))


def test_escaped_characters_in_attributes_are_decoded() -> None:
    listed = sheet(after=f'<dataValidations><dataValidation prompt="{ESCAPED}"/></dataValidations>')
    unknown = part("xl/pivot.xml", f'<pivotTableDefinition rowHeaderCaption="{ESCAPED}"/>')
    assert [WORDS in everything(read(ooxml, one)) for one in (listed, unknown)] == [True, True]


def test_a_program_that_decodes_no_characters_shows_another_text() -> None:
    sink = read(ooxml, word(f"<w:p><w:r><w:t>{ESCAPED}</w:t></w:r></w:p>"))
    assert [one for one, _ in sink.texts] == [ESCAPED, WORDS]


def test_a_line_break_that_is_escaped_does_not_double_a_text() -> None:
    assert xstring.spellings("536-90-4399_x000D_\n") == ("536-90-4399\r\n",)


@given(st.text(alphabet="_xX0123456789aBdD", max_size=40))
def test_the_last_spelling_is_the_unescaped_text(value: str) -> None:
    found = xstring.spellings(value)
    assert found[-1] == xstring.unescaped(value)
    assert found[0] in (value, found[-1])


@pytest.mark.parametrize("order", [("Choice", "Fallback"), ("Fallback", "Choice")])
def test_a_number_around_alternate_content_is_read_in_both_forms(order: tuple[str, str]) -> None:
    numbers = {"Choice": "90", "Fallback": "12"}
    inside = "".join(f"<mc:{one}><w:t>{numbers[one]}</w:t></mc:{one}>" for one in order)
    alternate = f'<mc:AlternateContent xmlns:mc="urn:mc">{inside}</mc:AlternateContent>'
    sink = read(ooxml, word(f"<w:p><w:r><w:t>536-</w:t>{alternate}<w:t>-4399</w:t></w:r></w:p>"))
    assert sink.texts == [("536-90-4399", ""), ("536-12-4399", "without alternate content")]


def test_alternate_content_that_is_the_same_is_passed_on_once() -> None:
    assert list(views([(0, "a"), (CHOICE, "b"), (FALLBACK, "b")])) == [("ab", "")]


@pytest.mark.parametrize(
    "body",
    [
        '<w:rsid w:val="00A77B3E"/><w:p w:paraId="12345678" w:textId="77777777"/>',
        '<w:panose1 w:val="020F0502020204030204"/><w:sig w:usb0="E4002EFF" w:usb1="C000247B"/>',
        '<w:ins w:date="2026-11-23T09:00:00Z"/><w:tint w:val="0.39994506668294322"/>',
        '<v:f xmlns:v="v" eqn="prod @3 21600 pixelWidth"/><w:x Ignorable="w14 w15 w16se w16cid wp14"/>',
        '<w:guid w:val="{5C22544A-7EE6-4342-B048-85BDC9FD1C3A}"/><w:id w:val="CB9486EAEE1940C1AFEC63472733A91D"/>',
        '<v:s xmlns:v="v" style="position:absolute; width:123.45pt; height:678.9pt"/>',
    ],
)
def test_values_that_programs_write_are_not_read_as_text(body: str) -> None:
    assert read(ooxml, word(body)).texts == []


def test_a_value_that_the_reader_passes_on_is_not_passed_on_again() -> None:
    body = f'<w:docPr descr="{WORDS}"/><w:alias w:val="{WORDS}"/>'
    assert [one for one, _ in read(ooxml, word(body)).texts] == [WORDS, WORDS]
    cells = f'<table:table-cell office:value-type="string" office:string-value="{WORDS}"/><text:a href="{WORDS}"/>'
    assert [one for one, _ in read(odf, text(cells)).texts] == [WORDS, WORDS]


def nothing(_name: str, _attribute: str) -> bool:
    return False


@given(st.text(alphabet="ab 5-&;#x\"'<>=", max_size=60).map(lambda one: f"<a {one}>"), st.sampled_from("\"'"))
def test_any_bytes_are_read_without_an_exception(start: str, quote: str) -> None:
    for data in (start, f"<a b={quote}{start}{quote}/>", f"<a>{start}</a>"):
        unlisted.read(data.encode(), nothing, KeepingSink(), "")


# XML has all characters but these and the controls (XML 1.0, 2.2).
@given(
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
        max_size=30,
    )
)
def test_text_that_a_person_may_have_written_is_read_in_each_encoding(value: str) -> None:
    written = f"{value} {WORDS}"
    for encoding in ("utf-8", "utf-16"):
        data = f'<?xml version="1.0" encoding="{encoding}"?><a b={quoteattr(written)}/>'.encode(encoding)
        sink = KeepingSink()
        unlisted.read(data, nothing, sink, "")
        assert WORDS in sink.everything()


def test_a_long_value_takes_linear_time() -> None:
    class Counted:
        calls = 0

        def fullmatch(self, value: str) -> Any:
            self.calls += len(value)

    counted = Counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written, "_TIME_OR_ID", counted)
        unlisted.read(b"<a b='" + b'="5' * 20_000 + b"'/>", nothing, KeepingSink(), "")
    assert counted.calls < 200_000


@given(st.lists(st.sampled_from(["1", "23", ".", "a", "/", "x_1", " "]), max_size=12).map("".join))
def test_the_number_of_a_part_is_that_of_the_pattern(path: str) -> None:
    expected = re.search(r"(\d+)\.\w+$", path)
    found = ooxml.NUMBER.search(path)
    assert (found and found[1]) == (expected and expected[1])


@given(st.lists(st.sampled_from(["printerSettings", "1", ".bin", "/", "x", ".BIN"]), max_size=8).map("".join))
def test_settings_of_a_printer_are_those_of_the_pattern(path: str) -> None:
    expected = re.search(r"printersettings[^/]*\.bin\Z", path, re.IGNORECASE)
    assert ooxml._has_printer_settings(path) is (expected is not None)


@pytest.mark.parametrize("piece", ["1", "1.", "printersettings", "1a", "/1"])
def test_a_long_name_of_a_part_takes_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        for end in ("", " ", ".bi"):
            ooxml.NUMBER.search(piece * count + end)
            ooxml._has_printer_settings(piece * count + end)
        return time.process_time() - begun

    seconds(100)
    assert min(seconds(48_000) for _ in range(3)) < 14 * min(seconds(8_000) for _ in range(3)) + 0.01
