"""HWPX: the paragraphs of sections, whose runs may part a number."""

import pytest

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import zip_kind
from holdgate.extract.part import Status
from holdgate.extract.readers.openxml import hwpx
from holdgate.extract.reading import UnreadableError
from tests.data.hangul import package, runs, text
from tests.unit.extract.readers.recording import read


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        ([text("Card 4111 11"), text("11 1111")], ["Card 4111 1111 1111"]),
        ([text("4111<hp:nbSpace/>1111<hp:fwSpace/>11<hp:hyphen/>11")], ["4111\xa01111 11-11"]),
        ([text('a<hp:tab width="4000"/>b<hp:lineBreak/>c')], ["a\tb\nc"]),
        ([text("41<hp:markpenBegin/>11<hp:markpenEnd/>")], ["4111"]),
        (
            [text('4111 <hp:deleteBegin Id="1"/>2222<hp:deleteEnd Id="1"/><hp:insertBegin/>1111<hp:insertEnd/>')],
            ["4111 1111", "4111 2222"],
        ),
    ],
    ids=["two runs", "signs", "breaks", "marker", "tracked change"],
)
def test_a_paragraph_is_one_text(pieces: list[str], shown: list[str]) -> None:
    sink = read(hwpx, package(runs(*pieces)))
    assert [one for one, _ in sink.texts if one not in ("Body", "token-author")] == shown


def test_texts_have_their_places() -> None:
    table = f"<hp:tbl><hp:tr><hp:tc><hp:subList>{runs(text('token-cell'))}</hp:subList></hp:tc></hp:tr></hp:tbl>"
    note = f"<hp:ctrl><hp:footNote><hp:subList>{runs(text('token-note'))}</hp:subList></hp:footNote></hp:ctrl>"
    header = f"<hp:ctrl><hp:header><hp:subList>{runs(text('token-header'))}</hp:subList></hp:header></hp:ctrl>"
    field = (
        '<hp:ctrl><hp:fieldBegin type="HYPERLINK" name="token-name"><hp:parameters>'
        '<hp:stringParam name="Command">https://corp.example/token-link</hp:stringParam>'
        "</hp:parameters></hp:fieldBegin></hp:ctrl>"
    )
    picture = "<hp:pic><hp:shapeComment>token-comment</hp:shapeComment></hp:pic>"
    equation = "<hp:equation><hp:script>token-script over 2</hp:script></hp:equation>"
    section = runs(table, text("token-after"), note, header, field, picture, equation)
    sink = read(hwpx, package(section))
    names = ("cell", "after", "note", "header", "name", "link", "comment", "script", "author")
    assert {name: sink.place_of(f"token-{name}") for name in names} == {
        "cell": "",
        "after": "",
        "note": "footnote",
        "header": "header",
        "name": "",
        "link": "field",
        "comment": "description of an object",
        "script": "equation",
        "author": "",
    }


def test_a_hwpx_document_is_recognised_and_complete() -> None:
    data = package(runs(text("Card 4111")), preview="Card 4111\r\n")
    assert zip_kind(data) == "hwpx"
    extraction = extract_file("a.hwpx", data)
    assert (extraction.status, extraction.signals) == (Status.COMPLETE, [])
    assert extraction.parts[0].text.count("4111") == 1


def test_a_preview_with_different_text_is_read() -> None:
    assert read(hwpx, package(runs(text("one")), preview="one\r\n<token-two>")).place_of("token-two") == "preview"


def test_embedded_files_are_passed_on() -> None:
    sink = read(hwpx, package(runs(text("x")), BinData__note=b"token-inside"))
    assert ("note", b"token-inside") in sink.documents


def test_an_encrypted_package_is_reported() -> None:
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(hwpx, package("", "", **{"META-INF__manifest.xml": b"<m><encryption-data/></m>"}))


def test_a_cut_section_is_read_and_limited() -> None:
    sink = read(hwpx, package("<hp:p><hp:run><hp:t>token-torn"))
    assert sink.reasons == ["malformed XML"]
    assert any("token-torn" in one for one, _ in sink.texts)
