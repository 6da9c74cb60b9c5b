import base64

import pytest

from holdgate.extract.readers.openxml import office_xml
from holdgate.extract.reading import UnreadableError
from tests.unit.extract.readers.recording import read

FLAT = (
    '<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">'
    '<pkg:part pkg:name="/word/document.xml"><pkg:xmlData><w:document><w:p><w:r><w:t>41</w:t></w:r><w:r><w:t>11</w:t>'
    '</w:r></w:p></w:document></pkg:xmlData></pkg:part><pkg:part pkg:name="/word/header1.xml"><pkg:xmlData><w:hdr><w:p>'
    '<w:t>top</w:t></w:p></w:hdr></pkg:xmlData></pkg:part><pkg:part pkg:name="/word/media/a.png"><pkg:binaryData>{}'
    "</pkg:binaryData></pkg:part></pkg:package>"
)
EXCEL = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
    ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Salaries"><Table><Row ss:Index="7">'
    '<Cell ss:Index="2"><Data ss:Type="Number">4.111111111111111E15</Data><Comment ss:Author="Anna"><Data>remark</Data>'
    '</Comment></Cell><Cell><Data ss:Type="String">next</Data></Cell>'
    "</Row></Table></Worksheet></Workbook>"
)
WORD = (
    '<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:body><w:p><w:r><w:t>41</w:t></w:r>'
    '<w:r><w:t>11</w:t></w:r></w:p><w:binData w:name="wordml://picture.png">{}</w:binData></w:body></w:wordDocument>'
)


def test_a_flat_package_is_read_like_a_zipped_one() -> None:
    sink = read(office_xml, FLAT.format(base64.b64encode(b"\x89PNG").decode()).encode())
    assert sink.place_of("4111") == ""
    assert sink.place_of("top") == "header"
    assert sink.documents == [("a.png", b"\x89PNG")]
    assert sink.reasons == []


def test_a_cut_flat_package_is_read_up_to_the_cut() -> None:
    data = FLAT.encode()
    sink = read(office_xml, data[: data.index(b"top") + 3])
    assert [sink.place_of(text) for text in ("4111", "top")] == ["", "header"]
    assert "malformed XML" in sink.reasons


def test_excel_2003_cells_have_places() -> None:
    sink = read(office_xml, EXCEL.encode())
    assert sink.place_of("4111111111111111") == "sheet Salaries, B7"
    assert sink.place_of("next") == "sheet Salaries, C7"
    assert sink.place_of("remark") == "sheet Salaries, B7, comment by Anna"


def test_names_of_sheets_and_targets_of_links_are_read() -> None:
    book = EXCEL.replace("<Cell><Data", '<Cell ss:HRef="https://www.corp.example/" x:HRefScreenTip="tip"><Data')
    sink = read(office_xml, book.encode())
    assert sink.place_of("Salaries") == "sheet name"
    assert [text for text, place in sink.texts if place.endswith("link")] == ["https://www.corp.example/", "tip"]
    link = WORD.replace("<w:r><w:t>11", '<w:hlink w:dest="https://www.corp.example/x"><w:r><w:t>11', 1)
    link = link.replace("11</w:t></w:r>", "11</w:t></w:r></w:hlink>", 1)
    assert read(office_xml, link.encode()).place_of("https://www.corp.example/x") == "link"


def test_word_2003_runs_are_joined_and_images_passed_on() -> None:
    sink = read(office_xml, WORD.format(base64.b64encode(b"\x89PNG").decode()).encode())
    assert sink.texts == [("4111", "")]
    assert sink.documents == [("picture.png", b"\x89PNG")]


@pytest.mark.parametrize("data", [FLAT, EXCEL, WORD])
def test_office_xml_documents_are_recognised(data: str) -> None:
    assert office_xml.owns(data.encode())


def test_other_xml_documents_are_not_recognised() -> None:
    assert not office_xml.owns(b"<package><part/></package>")
    assert not office_xml.owns(b"<html/>")
    with pytest.raises(UnreadableError):
        read(office_xml, b"<html/>")
