"""Documents with one token planted in each place that can hide text.

Each builder returns the bytes of a document and its tokens, which are named after their places. The flat OpenDocument
sources are read as they are, and converted to other formats by `make_documents.py`.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import cast

import docx
import openpyxl
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.shapes.autoshape import Shape
from pptx.util import Inches

CARD = "4111111111111111"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
SOURCES = Path(__file__).parent / "sources"
TOKEN = re.compile("token[a-z]+")


def source(name: str) -> tuple[bytes, list[str]]:
    """Return a flat OpenDocument source and the tokens in it; "tokenform" is half of a formula's "tokenformula"."""
    text = (SOURCES / name).read_text(encoding="utf-8")
    return text.encode(), sorted(set(TOKEN.findall(text)) - {"tokenform"})


def saved(document: object) -> bytes:
    """Return the bytes of a python-docx, openpyxl or python-pptx document."""
    stream = io.BytesIO()
    document.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


def with_parts(data: bytes, parts: dict[str, str | bytes], replace: tuple[tuple[str, str, str], ...] = ()) -> bytes:
    """Return a package with more parts, and with text replaced in parts it has: name, old, new."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            for part, before, after in replace:
                if part == name:
                    assert before.encode() in content
                    content = content.replace(before.encode(), after.encode())
            new.writestr(name, content)
        for name, added in parts.items():
            new.writestr(name, added)
    return stream.getvalue()


def word_document() -> tuple[bytes, list[str]]:
    """Return a .docx with a token in each place, and the tokens."""
    document = docx.Document()
    run = document.add_paragraph("tokenbody").runs[0]
    document.add_comment(run, text="tokencomment", author="tokencommentauthor", initials="tokeninitials")
    body = (SOURCES / "word-body.xml").read_text(encoding="utf-8")
    for element in list(parse_xml(body)):
        document.element.body.insert(0, element)
    outer = document.add_table(1, 1).cell(0, 0)
    outer.text = "tokencell"
    outer.add_table(1, 1).cell(0, 0).text = "tokeninnercell"
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.header.paragraphs[0].text = "tokenheader"
    section.footer.paragraphs[0].text = "tokenfooter"
    section.first_page_header.paragraphs[0].text = "tokenfirstheader"
    section.even_page_footer.paragraphs[0].text = "tokenevenfooter"
    properties = document.core_properties
    properties.title, properties.subject, properties.keywords = "tokentitle", "tokensubject", "tokenkeywords"
    properties.comments, properties.author, properties.category = "tokendescription", "tokenauthor", "tokencategory"
    target = document.part.relate_to("https://corp.example/tokenlink", f"{OFFICE}/hyperlink", is_external=True)
    link = f'<w:p {nsdecls("w", "r")}><w:hyperlink r:id="{target}" w:tooltip="tokentooltip"/></w:p>'
    document.element.body.insert(0, parse_xml(link))
    chart = (
        f'<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" {A}><c:chart><c:title><a:p>'
        "<a:r><a:t>tokencharttitle</a:t></a:r></a:p></c:title><c:ser><c:cat><c:v>tokenchartcategory</c:v></c:cat></c:ser>"
        "</c:chart></c:chartSpace>"
    )
    diagram = (
        f'<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" {A}><dgm:ptLst><dgm:pt>'
        "<dgm:t><a:p><a:r><a:t>tokendiagram</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"
    )
    parts: dict[str, str | bytes] = {
        "word/footnotes.xml": f'<w:footnotes {W}><w:footnote w:id="2"><w:p><w:r><w:t>tokenfootnote</w:t></w:r></w:p>'
        "</w:footnote></w:footnotes>",
        "word/endnotes.xml": f'<w:endnotes {W}><w:endnote w:id="2"><w:p><w:r><w:t>tokenendnote</w:t></w:r></w:p>'
        "</w:endnote></w:endnotes>",
        "word/glossary/document.xml": f"<w:glossaryDocument {W}><w:docParts><w:docPart><w:docPartBody><w:p><w:r>"
        "<w:t>tokenglossary</w:t></w:r></w:p></w:docPartBody></w:docPart></w:docParts></w:glossaryDocument>",
        "word/charts/chart1.xml": chart,
        "word/diagrams/data1.xml": diagram,
        "customXml/item9.xml": '<case number="tokenxmlattribute"><client>tokencustomxml</client></case>',
        "docProps/custom.xml": '<Properties xmlns:vt="x"><property name="tokenpropertyname"><vt:lpwstr>tokenproperty'
        "</vt:lpwstr></property></Properties>",
        "word/unreferenced.xml": f"<w:document {W}><w:body><w:p><w:r><w:t>tokenunreferenced</w:t></w:r></w:p></w:body>"
        "</w:document>",
        "word/embeddings/sheet.xlsx": workbook_with("tokenembedded"),
    }
    variable = '<w:docVars><w:docVar w:name="v" w:val="tokendocvariable"/></w:docVars></w:settings>'
    replace = (
        ("word/settings.xml", "</w:settings>", variable),
        ("docProps/app.xml", "<Manager/>", "<Manager>tokenmanager</Manager>"),
        ("docProps/app.xml", "<Company/>", "<Company>tokencompany</Company>"),
    )
    whole = body + link + "".join(str(part) for part in parts.values()) + variable
    tokens = set(TOKEN.findall(whole)) - {"tokensp"} | {
        "tokensplitruns", "tokenbody", "tokencomment", "tokencommentauthor", "tokeninitials", "tokencell",
        "tokeninnercell", "tokenheader", "tokenfooter", "tokenfirstheader", "tokenevenfooter", "tokentitle",
        "tokensubject",
        "tokenkeywords", "tokendescription", "tokenauthor", "tokencategory", "tokenlink", "tokenmanager",
        "tokencompany", "tokenembedded",
    }  # fmt: skip
    return with_parts(saved(document), parts, replace), sorted(tokens)


def workbook_with(text: str) -> bytes:
    """Return a workbook with one cell."""
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = text
    return saved(workbook)


def workbook() -> tuple[bytes, list[str]]:
    """Return an .xlsx with a token in each place, and the tokens."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Salaries"
    sheet["A1"] = "tokencell"
    sheet["B7"] = int(CARD)
    sheet["B8"] = '="tokenformula"&A1'
    sheet["B9"].comment = Comment("tokencomment", "tokencommentauthor")
    sheet["B10"] = "link"
    sheet["B10"].hyperlink = "https://corp.example/tokenlink"
    sheet["B10"].hyperlink.tooltip = "tokentooltip"
    choice = DataValidation(type="list", formula1='"tokenchoice,b"', prompt="tokenprompt", error="tokenerror")
    choice.add("B11")
    sheet.add_data_validation(choice)
    sheet["XFD1048576"] = "tokenfar"
    sheet.oddHeader.center.text = "tokenheader"
    sheet.evenFooter.left.text = "tokenfooter"
    hidden = book.create_sheet("tokensheetname")
    hidden.sheet_state = "veryHidden"
    hidden["A1"] = "tokenhiddensheet"
    hidden["A2"], hidden["A3"] = 1, 2
    hidden.row_dimensions[3].hidden = True
    chart = BarChart()
    chart.title = "tokencharttitle"
    chart.add_data(Reference(hidden, min_col=1, min_row=2, max_row=3))
    sheet.add_chart(chart, "D1")
    book.defined_names["tokenname"] = DefinedName("tokenname", attr_text='"tokennamevalue"')
    properties = book.properties
    properties.title, properties.keywords, properties.creator = "tokentitle", "tokenkeywords", "tokenauthor"
    parts: dict[str, str | bytes] = {
        "xl/threadedComments/threadedComment1.xml": '<ThreadedComments><threadedComment ref="A1"><text>tokenthreaded'
        "</text></threadedComment></ThreadedComments>",
        "xl/persons/person.xml": '<personList><person displayName="tokenperson"/></personList>',
        "xl/worksheets/sheet9.xml": '<worksheet><sheetData><row><c t="inlineStr"><is><r><t>tokenin</t></r><r>'
        '<t>line</t></r></is></c><c t="str"><f>1</f><v>tokenresult</v></c></row></sheetData></worksheet>',
        "xl/embeddings/inner.xlsx": workbook_with("tokenembedded"),
        "customXml/item1.xml": "<a>tokencustomxml</a>",
    }
    tokens = (
        "tokencell tokenformula tokencomment tokencommentauthor tokenlink tokentooltip tokenchoice "
        "tokenprompt tokenerror tokenfar tokenheader tokenfooter tokensheetname tokenhiddensheet "
        "tokencharttitle tokenname tokennamevalue tokentitle tokenkeywords tokenauthor tokenthreaded "
        "tokenperson tokeninline tokenresult tokenembedded tokencustomxml "
    )
    return with_parts(saved(book), parts), [*tokens.split(), CARD]


def presentation() -> tuple[bytes, list[str]]:
    """Return a .pptx with a token in each place, and the tokens."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "tokentitle"
    box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
    box.name = "tokenshapename"
    box._element.nvSpPr.cNvPr.set("descr", "tokenalttext")
    paragraph = box.text_frame.paragraphs[0]
    for piece in ("token", "split", "runs"):
        paragraph.add_run().text = piece
    paragraph.runs[0].hyperlink.address = "https://corp.example/tokenlink"
    table = slide.shapes.add_table(1, 1, Inches(1), Inches(3), Inches(2), Inches(1)).table
    table.cell(0, 0).text = "tokencell"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "tokengroup"
    data = CategoryChartData()  # type: ignore[no-untyped-call]  # the library has no types for it
    data.categories = ["tokencategory"]
    data.add_series("tokenseries", (1,))  # type: ignore[no-untyped-call]
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(2), Inches(2), data)
    slide.notes_slide.notes_text_frame.text = "tokennotes"
    deck.slide_master.shapes[0].text_frame.text = "tokenmaster"
    cast(Shape, deck.slide_layouts[0].shapes[0]).text_frame.text = "tokenlayout"
    hidden = deck.slides.add_slide(deck.slide_layouts[6])
    hidden._element.set("show", "0")
    hidden.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "tokenhiddenslide"
    deck.core_properties.subject = "tokensubject"
    parts: dict[str, str | bytes] = {
        "ppt/comments/comment1.xml": '<p:cmLst xmlns:p="x"><p:cm authorId="0"><p:text>tokencomment</p:text></p:cm>'
        "</p:cmLst>",
        "ppt/commentAuthors.xml": '<p:cmAuthorLst xmlns:p="x"><p:cmAuthor name="tokencommentauthor"/></p:cmAuthorLst>',
        "ppt/tags/tag1.xml": '<p:tagLst xmlns:p="x"><p:tag name="t" val="tokentag"/></p:tagLst>',
    }
    tokens = (
        "tokentitle tokenshapename tokenalttext tokensplitruns tokenlink tokencell tokengroup tokencategory "
        "tokenseries tokennotes tokenmaster tokenlayout tokenhiddenslide tokensubject tokencomment "
        "tokencommentauthor tokentag "
    )
    return with_parts(saved(deck), parts), tokens.split()
