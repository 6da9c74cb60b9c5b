"""Documents with one token planted in each place where text can hide, and the flat OpenDocument sources of others.

Each builder returns the bytes of a document; the tokens it plants are named after their places.
"""

import io
import re
import zipfile

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
from pptx.util import Inches

CARD = "4111111111111111"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
FLAT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"
 xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" office:version="1.3"
 office:mimetype="application/vnd.oasis.opendocument.KIND">
<office:meta><dc:title>tokentitle</dc:title><dc:subject>tokensubject</dc:subject><meta:keyword>tokenkeyword</meta:keyword>
<dc:description>tokendescription</dc:description><meta:initial-creator>tokenauthor</meta:initial-creator>
<meta:user-defined meta:name="tokenpropertyname">tokenproperty</meta:user-defined></office:meta>
"""
META_TOKENS = (
    "tokentitle tokensubject tokenkeyword tokendescription tokenauthor tokenpropertyname tokenproperty".split()  # noqa: SIM905
)

FLAT_TEXT = (
    FLAT.replace("KIND", "text")
    + """<office:automatic-styles>
<style:style style:name="hidden" style:family="text"><style:text-properties text:display="none"/></style:style>
<style:style style:name="bold" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="frame" style:family="graphic"/>
<style:page-layout style:name="layout"><style:header-style><style:header-footer-properties fo:min-height="1cm"/>
</style:header-style><style:footer-style><style:header-footer-properties fo:min-height="1cm"/></style:footer-style>
</style:page-layout></office:automatic-styles>
<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="layout">
<style:header><text:p>tokenheader</text:p></style:header><style:footer><text:p>tokenfooter</text:p></style:footer>
</style:master-page></office:master-styles>
<office:body><office:text>
<text:tracked-changes text:track-changes="false">
<text:changed-region text:id="c1"><text:deletion><office:change-info><dc:creator>tokenreviser</dc:creator>
<dc:date>2020-01-01T00:00:00</dc:date></office:change-info><text:p>2222 2222</text:p></text:deletion></text:changed-region>
<text:changed-region text:id="c2"><text:insertion><office:change-info><dc:creator>tokenreviser</dc:creator>
<dc:date>2020-01-01T00:00:00</dc:date></office:change-info></text:insertion></text:changed-region></text:tracked-changes>
<text:user-field-decls><text:user-field-decl office:value-type="string" office:string-value="tokenuserfield"
 text:name="userfield"/></text:user-field-decls>
<text:p>tokenbody and <text:span text:style-name="bold">4111</text:span>1111<text:span text:style-name="bold">1111</text:span>1111
</text:p>
<text:p>revised 4111 1111 <text:change text:change-id="c1"/><text:change-start text:change-id="c2"/>3333 3333<text:change-end
 text:change-id="c2"/> end</text:p>
<text:p>x<text:span text:style-name="hidden">tokenhidden</text:span></text:p>
<text:p><text:user-field-get text:name="userfield">tokenuserfield</text:user-field-get></text:p>
<text:p>n<text:note text:id="n1" text:note-class="footnote"><text:note-citation>1</text:note-citation>
<text:note-body><text:p>tokenfootnote</text:p></text:note-body></text:note>
<text:note text:id="n2" text:note-class="endnote"><text:note-citation>i</text:note-citation>
<text:note-body><text:p>tokenendnote</text:p></text:note-body></text:note></text:p>
<text:p>c<office:annotation office:name="a1"><dc:creator>tokencommentauthor</dc:creator><dc:date>2020-01-01T00:00:00</dc:date>
<text:p>tokencomment</text:p></office:annotation></text:p>
<text:p><text:a xlink:type="simple" xlink:href="https://corp.example/tokenlink">tokenlinktext</text:a>
<text:bookmark text:name="tokenbookmark"/></text:p>
<text:p><draw:frame draw:name="tokenframename" draw:style-name="frame" text:anchor-type="paragraph" svg:width="5cm"
 svg:height="2cm"><draw:text-box><text:p>tokentextbox</text:p></draw:text-box><svg:title>tokenalttitle</svg:title>
<svg:desc>tokenalttext</svg:desc></draw:frame></text:p>
<text:p><draw:custom-shape text:anchor-type="paragraph" draw:name="s" svg:width="4cm" svg:height="2cm" svg:x="8cm" svg:y="8cm">
<text:p>tokenshape</text:p></draw:custom-shape></text:p>
<table:table table:name="Table1"><table:table-column/><table:table-row><table:table-cell><text:p>tokencell</text:p>
<table:table table:name="Table2"><table:table-column/><table:table-row><table:table-cell><text:p>tokeninnercell</text:p>
</table:table-cell></table:table-row></table:table></table:table-cell></table:table-row></table:table>
<text:section text:name="hiddensection" text:display="none"><text:p>tokenhiddensection</text:p></text:section>
<text:list><text:list-item><text:p>tokenlist</text:p></text:list-item></text:list>
</office:text></office:body></office:document>"""
)
TEXT_TOKENS = re.findall(r"token[a-z]+", FLAT_TEXT)

FLAT_SHEET = (
    FLAT.replace("KIND", "spreadsheet")
    + """<office:master-styles><style:master-page style:name="Default" style:page-layout-name="layout">
<style:header><text:p>tokenheader</text:p></style:header><style:footer><text:p>tokenfooter</text:p></style:footer>
</style:master-page></office:master-styles><office:body><office:spreadsheet>
<table:content-validations><table:content-validation table:name="v1"
 table:condition="of:cell-content-is-in-list(&quot;tokenchoice&quot;;&quot;other&quot;)"
 table:base-cell-address="Salaries.B9"><table:help-message table:title="tokenhelptitle" table:display="true">
<text:p>tokenhelp</text:p></table:help-message></table:content-validation></table:content-validations>
<table:table table:name="Salaries"><table:table-column/><table:table-row><table:table-cell
 office:value-type="string"><text:p>tokencell</text:p></table:table-cell>
<table:table-cell office:value-type="float" office:value="4111111111111111"><text:p>4.11111E+15</text:p></table:table-cell>
</table:table-row>
<table:table-row table:number-rows-repeated="5"><table:table-cell/></table:table-row>
<table:table-row><table:table-cell/><table:table-cell office:value-type="string"><office:annotation>
<dc:creator>tokencommentauthor</dc:creator><dc:date>2020-01-01T00:00:00</dc:date><text:p>tokencomment</text:p>
</office:annotation><text:p>tokenbseven</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell table:formula="of:=&quot;tokenform&quot;&amp;&quot;ula&quot;" office:value-type="string"
 office:string-value="tokenformula"><text:p>tokenformula</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell/><table:table-cell table:content-validation-name="v1" office:value-type="string">
<text:p><text:a xlink:href="https://corp.example/tokenlink" xlink:type="simple">tokenlinktext</text:a></text:p>
</table:table-cell></table:table-row></table:table>
<table:table table:name="tokensheetname"><table:table-column/><table:table-row><table:table-cell
 office:value-type="string"><text:p>tokenothersheet</text:p></table:table-cell></table:table-row></table:table>
<table:named-expressions><table:named-range table:name="tokenrange"
 table:base-cell-address="$Salaries.$A$1" table:cell-range-address="$Salaries.$A$1"/></table:named-expressions>
</office:spreadsheet></office:body></office:document>"""
)
SHEET_TOKENS = [token for token in re.findall(r"token[a-z]+", FLAT_SHEET) if token != "tokenform"]

FLAT_SLIDES = (
    FLAT.replace("KIND", "presentation")
    + """<office:automatic-styles><style:page-layout style:name="layout"/>
<style:style style:name="dp" style:family="drawing-page"/></office:automatic-styles>
<office:master-styles><style:master-page style:name="Default" style:page-layout-name="layout" draw:style-name="dp">
<draw:frame svg:width="8cm" svg:height="2cm" svg:x="1cm" svg:y="1cm"><draw:text-box><text:p>tokenmaster</text:p></draw:text-box>
</draw:frame></style:master-page></office:master-styles>
<office:body><office:presentation>
<draw:page draw:name="page1" draw:master-page-name="Default" draw:style-name="dp">
<office:annotation svg:x="1cm" svg:y="1cm"><dc:creator>tokencommentauthor</dc:creator><dc:date>2020-01-01T00:00:00</dc:date>
<text:p>tokencomment</text:p></office:annotation>
<draw:frame svg:width="8cm" svg:height="2cm" svg:x="1cm" svg:y="4cm"><draw:text-box><text:p>tokenslide <text:span>4111</text:span
>111111111111</text:p></draw:text-box><svg:title>tokenalttitle</svg:title><svg:desc>tokenalttext</svg:desc></draw:frame>
<draw:custom-shape svg:width="4cm" svg:height="2cm" svg:x="8cm" svg:y="8cm"><text:p>tokenshape
<text:a xlink:href="https://corp.example/tokenlink" xlink:type="simple">tokenlinktext</text:a></text:p></draw:custom-shape>
<presentation:notes><draw:page-thumbnail svg:width="8cm" svg:height="6cm" svg:x="1cm" svg:y="1cm"/>
<draw:frame presentation:class="notes" svg:width="8cm" svg:height="6cm" svg:x="1cm" svg:y="9cm"><draw:text-box>
<text:p>tokennotes</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>
<draw:page draw:name="page2" draw:master-page-name="Default" draw:style-name="dp">
<draw:frame svg:width="8cm" svg:height="4cm" svg:x="1cm" svg:y="4cm"><table:table><table:table-column/><table:table-row>
<table:table-cell><text:p>tokencell</text:p></table:table-cell></table:table-row></table:table></draw:frame></draw:page>
</office:presentation></office:body></office:document>"""
)
SLIDE_TOKENS = re.findall(r"token[a-z]+", FLAT_SLIDES)


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
        for name, content in parts.items():
            new.writestr(name, content)
    return stream.getvalue()


BODY = f"""
<w:p {W}><w:r><w:t>tokensp</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>li</w:t></w:r><w:r><w:t>truns</w:t></w:r></w:p>
|<w:p {W}><w:del w:id="1" w:author="tokenreviser"><w:r><w:delText>tokendeleted</w:delText></w:r></w:del>
<w:ins w:id="2" w:author="R"><w:r><w:t>tokeninserted</w:t></w:r></w:ins>
<w:moveFrom w:id="3" w:author="R"><w:r><w:t>tokenmovedfrom</w:t></w:r></w:moveFrom></w:p>
|<w:p {W}><w:r><w:rPr><w:vanish/></w:rPr><w:t>tokenhidden</w:t></w:r></w:p>
|<w:p {W}><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:name w:val="f"/><w:textInput><w:default w:val="tokenformdefault"/>
</w:textInput></w:ffData></w:fldChar></w:r><w:r><w:instrText> DOCVARIABLE tokenfieldcode </w:instrText></w:r>
<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>tokenfieldresult</w:t></w:r><w:r><w:fldChar
 w:fldCharType="end"/></w:r><w:fldSimple w:instr=" REF tokensimplefield "><w:r><w:t>x</w:t></w:r></w:fldSimple></w:p>
|<w:sdt {W}><w:sdtPr><w:alias w:val="tokencontrolalias"/><w:tag w:val="tokencontroltag"/><w:dropDownList>
<w:listItem w:displayText="tokenlistitem" w:value="v"/></w:dropDownList></w:sdtPr><w:sdtContent><w:p><w:r>
<w:t>tokencontrol</w:t></w:r></w:p></w:sdtContent></w:sdt>
|<w:p {W}><w:bookmarkStart w:id="9" w:name="tokenbookmark"/><w:bookmarkEnd w:id="9"/><w:r>
<w:footnoteReference w:id="2"/></w:r><w:r><w:endnoteReference w:id="2"/></w:r></w:p>
|<w:p {W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml"
 xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"
 xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><w:r><mc:AlternateContent>
<mc:Choice Requires="wps"><w:drawing><wp:inline><wp:docPr id="5" name="n" descr="tokenalttext" title="tokenalttitle"/><wps:txbx>
<w:txbxContent><w:p><w:r><w:t>tokentextbox</w:t></w:r></w:p></w:txbxContent></wps:txbx></wp:inline></w:drawing></mc:Choice>
<mc:Fallback><w:pict><v:shape alt="tokenvmlalt"><v:textpath string="tokenwordart"/><v:textbox><w:txbxContent><w:p><w:r>
<w:t>tokenvmlbox</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>
|<m:oMathPara xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:oMath><m:r><m:t>tokenmath</m:t></m:r>
</m:oMath></m:oMathPara>
"""


def word_document() -> tuple[bytes, list[str]]:
    """Return a .docx with a token in each place, and the tokens."""
    document = docx.Document()
    run = document.add_paragraph("tokenbody").runs[0]
    document.add_comment(run, text="tokencomment", author="tokencommentauthor", initials="tokeninitials")
    for piece in BODY.split("|"):
        document.element.body.insert(0, parse_xml(piece.strip()))
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
        f'<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" {A}><c:chart><c:title><a:p><a:r>'
        "<a:t>tokencharttitle</a:t></a:r></a:p></c:title><c:ser><c:cat><c:v>tokenchartcategory</c:v></c:cat></c:ser>"
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
    whole = BODY + link + "".join(str(part) for part in parts.values()) + variable
    tokens = set(re.findall(r"token[a-z]+", whole)) - {"tokensp"} | {
        "tokensplitruns", "tokenbody", "tokencomment", "tokencommentauthor", "tokeninitials", "tokencell", "tokeninnercell",
        "tokenheader", "tokenfooter", "tokenfirstheader", "tokenevenfooter", "tokentitle", "tokensubject",
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
        "xl/worksheets/sheet9.xml": '<worksheet><sheetData><row><c t="inlineStr"><is><r><t>tokenin</t></r><r><t>line</t>'
        '</r></is></c><c t="str"><f>1</f><v>tokenresult</v></c></row></sheetData></worksheet>',
        "xl/embeddings/inner.xlsx": workbook_with("tokenembedded"),
        "customXml/item1.xml": "<a>tokencustomxml</a>",
    }
    tokens = [
        "tokencell",
        "tokenformula",
        "tokencomment",
        "tokencommentauthor",
        "tokenlink",
        "tokentooltip",
        "tokenchoice",
        "tokenprompt",
        "tokenerror",
        "tokenfar",
        "tokenheader",
        "tokenfooter",
        "tokensheetname",
        "tokenhiddensheet",
        "tokencharttitle",
        "tokenname",
        "tokennamevalue",
        "tokentitle",
        "tokenkeywords",
        "tokenauthor",
        "tokenthreaded",
        "tokenperson",
        "tokeninline",
        "tokenresult",
        "tokenembedded",
        "tokencustomxml",
    ]
    return with_parts(saved(book), parts), [*tokens, CARD]


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
    data = CategoryChartData()
    data.categories = ["tokencategory"]
    data.add_series("tokenseries", (1,))
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(2), Inches(2), data)
    slide.notes_slide.notes_text_frame.text = "tokennotes"
    deck.slide_master.shapes[0].text_frame.text = "tokenmaster"
    deck.slide_layouts[0].shapes[0].text_frame.text = "tokenlayout"
    hidden = deck.slides.add_slide(deck.slide_layouts[6])
    hidden._element.set("show", "0")
    hidden.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "tokenhiddenslide"
    deck.core_properties.subject = "tokensubject"
    parts: dict[str, str | bytes] = {
        "ppt/comments/comment1.xml": '<p:cmLst xmlns:p="x"><p:cm authorId="0"><p:text>tokencomment</p:text></p:cm></p:cmLst>',
        "ppt/commentAuthors.xml": '<p:cmAuthorLst xmlns:p="x"><p:cmAuthor name="tokencommentauthor"/></p:cmAuthorLst>',
        "ppt/tags/tag1.xml": '<p:tagLst xmlns:p="x"><p:tag name="t" val="tokentag"/></p:tagLst>',
    }
    tokens = [
        "tokentitle",
        "tokenshapename",
        "tokenalttext",
        "tokensplitruns",
        "tokenlink",
        "tokencell",
        "tokengroup",
        "tokencategory",
        "tokenseries",
        "tokennotes",
        "tokenmaster",
        "tokenlayout",
        "tokenhiddenslide",
        "tokensubject",
        "tokencomment",
        "tokencommentauthor",
        "tokentag",
    ]
    return with_parts(saved(deck), parts), tokens
