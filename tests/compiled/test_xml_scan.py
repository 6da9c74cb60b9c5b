"""The scanner in C gives the same result as expat: tags, attributes and text, and where the input is no longer XML."""

import importlib.util
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.extract.budget import Budget, Limits
from holdgate.extract.readers.openxml.ooxml_sheet import SharedStrings, SheetText, Styles
from holdgate.extract.readers.openxml.ooxml_text import PartText
from holdgate.extract.readers.texts import expat, xml_plan
from holdgate.extract.reading import UnreadableError
from tests.unit.extract.readers.recording import RecordingSink

SOURCE = Path(expat.__file__).with_name("xml_scan.c")
pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The scanner, compiled from the checkout's source."""
    library = tmp_path_factory.mktemp("scan") / f"xml_scan{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-I{include}", SOURCE, "-o", library], check=True)
    spec = importlib.util.spec_from_file_location("xml_scan", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def compiled(scanner: ModuleType) -> Iterator[None]:
    """Has the readers use the scanner, whether the code that is tested was compiled or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_plan, "xml_scan", scanner)
        yield


class Events:
    """Keeps all that it is given, with texts that follow one another joined."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []
        self.wanted = xml_plan.Selection({}, otherwise=xml_plan.START | xml_plan.END | xml_plan.FULL | xml_plan.TEXT)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.events.append(("start", (name, dict(attributes))))

    def end(self, name: str) -> None:
        self.events.append(("end", name))

    def data(self, text: str) -> None:
        if self.events and self.events[-1][0] == "data":
            text = str(self.events.pop()[1]) + text
        self.events.append(("data", text))


def outcome(
    feed: Callable[[bytes, Any, Budget], object], data: bytes, depth: int = 300
) -> tuple[object, list[tuple[str, object]]]:
    handler = Events()
    try:
        understood: object = feed(data, handler, Budget(Limits(xml_depth=depth)))
    except UnreadableError as error:
        understood = str(error)
    return understood, handler.events


def same(data: bytes, depth: int = 300) -> None:
    assert outcome(expat.feed, data, depth) == outcome(expat._feed_expat, data, depth)


NAMES = st.sampled_from(["a", "w:p", "w:t", "x:y:z", "r", "_1", "c", "naïve", "val", "w:val", "xmlns:w", "xml"])
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
TEXTS = st.text(CHARACTERS | st.sampled_from(" \t\r\n]>&<'\"")).map(str)
NON_TEXT = ["<!-- a -->", "<!---->", "<?p i?>", "<?p?>", "<![CDATA[<x>]]>"]
RAW = st.sampled_from([*NON_TEXT, "&#65;", "&#x1F600;", "&amp;", "&apos;", " ", "\r\n"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    name = draw(NAMES)
    attributes = "".join(
        f"{draw(st.sampled_from([' ', '  ', chr(10)]))}{key}{draw(st.sampled_from(['=', ' = ']))}{quoteattr(value)}"
        for key, value in draw(st.dictionaries(NAMES, TEXTS, max_size=3)).items()
    )
    inner = st.one_of(TEXTS.map(escape), RAW, *([elements(depth - 1)] if depth else []))
    content = "".join(draw(st.lists(inner, max_size=4)))
    return (
        f"<{name}{attributes}/>" if not content and draw(st.booleans()) else f"<{name}{attributes}>{content}</{name} >"
    )


DAMAGE = [b"", b"<", b">", b"&", b'"', b"/", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"]]>"]
PROLOGUES = st.sampled_from(
    [
        "",
        "\ufeff",
        "<?xml version='1.0'?>",
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n',
        '<?xml version="1.0" encoding="iso-8859-1"?>',
        '<?xml version="1.1"?>',
        '<?xml version="1.0" standalone="maybe"?>',
        "<?xml version='1.0' ?><?mso-application progid='Word.Document'?><!-- written by a program -->",
        "<!DOCTYPE a>",
        "<!DOCTYPE a [<!ENTITY e 'x'>]>",
    ]
)


@given(PROLOGUES, elements(), st.sampled_from(["", "\n", "<!-- end -->", "<b/>", "x", "\0\0"]))
@settings(max_examples=400, deadline=None)
def test_a_generated_document_is_read_as_by_expat(prologue: str, body: str, rest: str) -> None:
    same((prologue + body + rest).encode())


@given(elements(), st.data())
@settings(max_examples=800, deadline=None)
def test_a_damaged_document_is_read_as_by_expat(body: str, data: st.DataObject) -> None:
    """With a byte more or less, another byte, or a cut, both read the same and pass the same on before an error."""
    whole = bytearray(body.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole)))
        whole[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from(
                [b"", b"<", b">", b"&", b'"', b"/", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"]]>"]
            )
        )
    same(bytes(whole))


@pytest.mark.parametrize(
    "written",
    [
        "<a>]]></a>",
        "<a b='1'c='2'/>",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a b=1/>",
        "<a ></a\t>",
        "<a></b>",
        "<a><b></a></b>",
        "<a>&#0;</a>",
        "<a>&#xFFFE;</a>",
        "<a>&#x110000;</a>",
        "<a>&#4294967361;</a>",
        "<a>&unknown;</a>",
        "<a>&#;</a>",
        "<a>\x01</a>",
        "<a>\x7f</a>",
        "<a>x\r\ny\rz</a>",
        "<a b='x\r\ny\tz&#10;&#13;'/>",
        "<a><!-- - --></a>",
        "<a><!-- -- --></a>",
        "<a>x<!-- y -->z</a>",
        "<a>x<?y?>z</a>",
        "<a><?XML y?></a>",
        "<?x?y z?><a/>",
        "<?x?><a/>",
        "<a/><a/>",
        "<a/>x",
        "x<a/>",
        "<a",
        "<",
        "</a>",
        "",
        "<a" + "".join(f" b{number}=''" for number in range(60)) + "/>",
    ],
)
def test_unusual_xml_is_left_to_expat(written: str) -> None:
    same(written.encode())


def test_the_depth_limit_applies_at_the_same_element() -> None:
    for depth in range(8, 12):
        same(b"<a>" * 10 + b"x" + b"</a>" * 10, depth)
        same(b"<a>" * 9 + b"<a/>" + b"</a>" * 9, depth)


def test_an_office_handler_gets_the_same_elements_from_both(scanner: ModuleType) -> None:
    """Also if ignored tags are between the words."""
    data = (
        b'<w:document xmlns:w="urn:w"><w:body><w:p w:rsidR="00"><w:pPr><w:jc w:val="both"/></w:pPr><w:r><w:t>one </w:t>'
        b"<w:tab/><w:t xml:space='preserve'> two</w:t></w:r></w:p>loose<w:x/>words<w:name w:val='given'/>"
        b"<w:sz w:val='24'/><w:q title='a title'/></w:body></w:document>"
    )
    texts = []
    for feed in (expat.feed, expat._feed_expat):
        sink = RecordingSink()
        handler = PartText(sink)
        handler.wanted = xml_plan.Selection(handler.wanted.elements, handler.wanted.attributes)
        assert feed(data, handler, sink.budget) == len(data)
        handler.finish()
        texts.append(sink.texts)
    assert texts[0] == texts[1] == [(text, "") for text in ("one \t two", "loose", "words", "given", "a title")]


NUMBERS = [
    "0", "-7", "007", "4.5", "-0.50", "12.", ".25", "0.1", "0.30000000000000004", "123456789012345678901234.5", "1e21",
    "1E-7", "0.00001", "9007199254740993.1", "12345.6789", "00.5", "-0.0625",
    "999999999999999.5", "0.1234567890123456", "123456789.012345", "100.50",
    "1.2.3", "--1", "", " 5", "nan", "4111111111111111", "١٢",
]  # fmt: skip
VALUES = st.sampled_from([*NUMBERS, "1", "2", "99", "text", " ", "\u00a0", "a &amp; b", "caf\u00e9", "x\r\ny"])
CONTENTS = st.one_of(
    VALUES.map(lambda value: f"<v>{value}</v>"),
    VALUES.map(lambda value: f"<is><t>{value}</t></is>"),
    VALUES.map(lambda value: f"<is><r><t>{value}</t></r><rPh><t>reading</t></rPh></is>"),
    st.tuples(st.sampled_from(["A1+B2", "A10000", '"word"&amp;A1', '""', "é1", "'Sheet 2'!A1"]), VALUES).map(
        lambda both: f"<f>{both[0]}</f><v>{both[1]}</v>"
    ),
    st.sampled_from(["", "<f t='shared' si='0'/>", "<f>A1</f>", "<v/>", "<v>1<x/>2</v>", "x", "<!-- a --><v>3</v>"]),
)
CELLS = st.builds(
    lambda place, kind, style, content: f"<c{place}{kind}{style}>{content}</c>" if content else f"<c{place}{kind}/>",
    st.sampled_from([" r='A1'", ' r="BC77"', "", " r=''", " r='A 1'", " x:r='A1'"]),
    st.sampled_from(["", " t='n'", " t='s'", " t='str'", " t='inlineStr'", " t='b'", " t='e'", " t='d'"]),
    st.sampled_from(["", " s='0'", " s='1'", " s='2'", " s='7777'", " s='x'"]),
    CONTENTS,
)
ROWS = st.builds(
    lambda row, cells, behind: f"<row{row}>{''.join(cells)}</row>{behind}",
    st.sampled_from(["", " r='3'", " r='9' spans='1:2'", " r='x'", " title='a'"]),
    st.lists(CELLS, max_size=6),
    st.sampled_from(["", "\n", "between", "<hyperlink tooltip='a tip'/>"]),
)


@given(st.lists(ROWS, max_size=6), st.sampled_from(["</sheetData></worksheet>", "</sheetData>", "<![CDATA[x]]>"]))
@settings(max_examples=800, deadline=None)
def test_cells_have_the_same_text_read_singly_or_in_blocks(rows: list[str], end: str) -> None:
    data = f"<worksheet xmlns:x='urn:x'><sheetData>{''.join(rows)}{end}".encode()
    outcomes = []
    for at_once in (True, False):
        sink = RecordingSink()
        styles, strings = Styles(sink), SharedStrings(sink)
        styles.formats, styles.format_codes = ["0", "14", "200"], {"200": "000-00-0000"}
        strings.strings = ["zero", " ", "two"]
        handler = SheetText(sink, "sheet One", strings, styles)
        handler.wanted = xml_plan.Selection(handler.wanted.elements, handler.wanted.attributes)
        if at_once:
            expat.feed(data, handler, sink.budget, handler.cells)
        else:
            expat._feed_expat(data, handler, sink.budget)
        handler.finish()
        outcomes.append((sink.texts, strings.used, sink.budget.cells))
    assert outcomes[0] == outcomes[1]


def test_ordinary_cells_are_passed_in_blocks() -> None:
    sink = RecordingSink()
    taken: list[int] = []
    handler = SheetText(sink, "sheet One", None, None)
    handler.wanted = xml_plan.Selection(handler.wanted.elements, handler.wanted.attributes)
    cells = handler.cells._replace(take=lambda texts, places, count: taken.append(count))
    row = "".join(f"<row r='{number}'><c r='A{number}'><v>{number}.5</v></c></row>" for number in range(5_000))
    expat.feed(f"<worksheet><sheetData>{row}</sheetData></worksheet>".encode(), handler, sink.budget, cells)
    assert taken == [4_096, 904]


WORDS = (b"custGeom", b"viewBox")


@given(
    st.lists(st.sampled_from([b"custGeom", b"viewBox", b"custGeo", b"m", b"view", b"Box", b"\0", b" "]), max_size=9),
    st.lists(st.sampled_from([*WORDS, b"", b"m "]), max_size=3),
)
def test_words_are_found_as_by_python(scanner: ModuleType, pieces: list[bytes], words: list[bytes]) -> None:
    data = b"".join(pieces)
    assert scanner.contains_any(data, tuple(words)) is any(word in data for word in words)


@pytest.mark.parametrize("words", [[b"list"], ("text",), (b"none", 1)])
def test_words_of_another_type_are_refused(scanner: ModuleType, words: object) -> None:
    with pytest.raises(TypeError):
        scanner.contains_any(b"data", words)
