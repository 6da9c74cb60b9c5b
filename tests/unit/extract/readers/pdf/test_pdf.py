"""Every place of a PDF that can have text is read and named, for PDFs of any writer."""

import io
import math
from collections.abc import Iterator
from types import ModuleType

import pypdf
import pytest
from reportlab.pdfgen import canvas as reportlab_canvas

from holdgate.extract import ocr
from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.ocr import NOT_READ, OcrLimits, Pixels
from holdgate.extract.ocr_lines import Word
from holdgate.extract.readers.pdf import pdf, pdf_document, pdf_page, pdf_strings
from holdgate.extract.reading import Document, UnreadableError
from tests.support import outlines
from tests.support.pdf_writer import FONT, PdfWriter, simple_pdf
from tests.support.pictures import picture, scanned_pdf
from tests.support.planted_pdf import DOCUMENT_PLACES, EMBEDDED_PLACES, PAGE_PLACES, planted_pdf, token
from tests.support.sink import KeepingSink, read_all


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "packed"])
def planted(request: pytest.FixtureRequest) -> KeepingSink:
    return read_all(pdf.read, planted_pdf(packed=request.param))


def test_a_planted_token_is_found_at_its_place(planted: KeepingSink) -> None:
    places = PAGE_PLACES | DOCUMENT_PLACES
    assert [place for place, name in places.items() if name not in planted.places_of(token(place))] == []


@pytest.mark.parametrize("place", EMBEDDED_PLACES)
def test_a_planted_token_is_found_in_an_embedded_document(planted: KeepingSink, place: str) -> None:
    assert any(token(place).encode() in document.data for document in planted.documents)


def test_the_planted_document_is_complete(planted: KeepingSink) -> None:
    assert planted.limits == []


class PlaceEngine:
    """Answers with the size of its input, so that a test sees the rendered image."""

    def recognise(self, pixels: Pixels, seconds: float) -> str:
        return f"{pixels.width}x{pixels.height}"

    def rows(self, pixels: Pixels, seconds: float) -> list[list[Word]]:
        raise NotImplementedError


@pytest.fixture
def engine() -> Iterator[None]:
    ocr.configure(PlaceEngine(), OcrLimits())
    yield
    ocr.configure(None, OcrLimits())


SCAN = picture(900, 1_200, "several scanned words 4711")


@pytest.mark.usefixtures("engine")
def test_a_scanned_page_is_rendered_completely() -> None:
    assert read_all(pdf.read, scanned_pdf(SCAN)).texts == [("1652x2338", "page 1")]


@pytest.mark.usefixtures("engine")
def test_an_image_on_a_page_with_text_is_read_separately() -> None:
    assert read_all(pdf.read, scanned_pdf(SCAN, "a text layer may say anything")).texts == [
        ("a text layer may say anything", "page 1"),
        ("900x1200", "page 1, picture"),
    ]


def test_without_ocr_a_scan_is_limited_and_a_logo_is_not() -> None:
    assert read_all(pdf.read, scanned_pdf(SCAN)).limits == [NOT_READ]
    assert read_all(pdf.read, scanned_pdf(SCAN, "a text layer may say anything")).limits == [NOT_READ]
    logo = scanned_pdf(picture(300, 100, "logo"), "a letter with a logo on top", points=(150, 50))
    assert read_all(pdf.read, logo).limits == []
    assert read_all(pdf.read, simple_pdf("a letter without")).limits == []


def drawn_pdf(contents: bytes) -> bytes:
    writer = PdfWriter()
    tree, stream = writer.reserve(), writer.stream(contents)
    page = writer.add(f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R >>")
    writer.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    return writer.file(f"/Root {writer.add(f'<< /Type /Catalog /Pages {tree} 0 R >>')} 0 R")


def test_text_drawn_as_curves_is_reported_and_a_few_lines_are_not() -> None:
    curve = b"10 10 m 20 30 30 30 40 10 c f\n"
    assert read_all(pdf.read, drawn_pdf(curve * 100)).limits == [NOT_READ]
    assert read_all(pdf.read, drawn_pdf(curve * 10)).limits == []


def with_text(drawing: str) -> bytes:
    """Return a PDF whose page has plain text, and a drawing below it."""
    writer = PdfWriter()
    tree, font = writer.reserve(), writer.add(FONT)
    stream = writer.stream(f"BT /F1 12 Tf 72 780 Td (Dear Ann, the number is below.) Tj ET\n{drawing}".encode())
    page = writer.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R"
        f" /Resources << /Font << /F1 {font} 0 R >> >> >>"
    )
    writer.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    return writer.file(f"/Root {writer.add(f'<< /Type /Catalog /Pages {tree} 0 R >>')} 0 R")


def test_letters_drawn_as_curves_next_to_text_are_reported() -> None:
    number = outlines.letters("4111 1111 1111 1111 Ann Example", 72, 600, 14)
    assert read_all(pdf.read, with_text(number)).limits == [NOT_READ]
    assert read_all(pdf.read, with_text(number.replace("f\n", "\n"))).limits == [NOT_READ]


@pytest.mark.usefixtures("engine")
def test_letters_drawn_as_curves_next_to_text_are_read_by_ocr() -> None:
    drawing = outlines.letters("4111 1111 1111 1111 Ann Example", 72, 600, 14)
    assert read_all(pdf.read, with_text(drawing)).texts[1:] == [("1652x2338", "page 1, drawing")]


def test_a_code_drawn_as_squares_is_read() -> None:
    sink = read_all(pdf.read, with_text(outlines.squares("IBAN DE89 3704 0044 0532 0130 00", 72, 600, 2)))
    assert (sink.texts[1:], sink.limits) == ([("IBAN DE89 3704 0044 0532 0130 00", "page 1, drawing, code")], [])


def test_borders_and_charts_next_to_text_are_not_letters() -> None:
    table = "\n".join(
        f"{72 + 40 * column} {600 - 15 * row} 40 0.5 re f {72 + 40 * column} {600 - 15 * row} 0.5 15 re f"
        for row in range(30)
        for column in range(8)
    )
    points = "\n".join(
        f"{100 + 7 * number} {300 + number * 37 % 150} m {102 + 7 * number} {303 + number * 37 % 150} l"
        f" {104 + 7 * number} {300 + number * 37 % 150} l f"
        for number in range(50)
    )
    line = (
        "72 200 m "
        + " ".join(f"{72 + number} {200 + 60 * math.sin(number / 20):.2f} l" for number in range(400))
        + " S"
    )
    for drawing in (table, points, line):
        assert read_all(pdf.read, with_text(drawing)).limits == []


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_document_with_an_empty_password_is_read(algorithm: str) -> None:
    sink = read_all(pdf.read, encrypted(planted_pdf(), "", algorithm))
    for place in ("page text", "own property", "XMP", "layer name", "script in a stream", "field without widget"):
        assert sink.places_of(token(place)), place


def test_a_document_that_needs_a_password_is_reported_as_encrypted() -> None:
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read_all(pdf.read, encrypted(simple_pdf("secret words"), "password", "AES-256"))


def encrypted(data: bytes, password: str, algorithm: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt(password, "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_document_of_another_writer_is_read() -> None:
    out = io.BytesIO()
    canvas = reportlab_canvas.Canvas(out)
    canvas.setTitle("title words")
    canvas.drawString(72, 700, "page words")
    canvas.acroForm.textfield(name="field", value="value words", tooltip="tooltip words")
    canvas.bookmarkPage("top")
    canvas.addOutlineEntry("bookmark words", "top")
    canvas.linkURL("https://partner.example/words", (0, 0, 9, 9))
    canvas.save()
    places = dict(read_all(pdf.read, out.getvalue()).texts)
    for text, place in (
        ("title words", "document properties"),
        ("page words", "page 1"),
        ("value words", "page 1, form field"),
        ("tooltip words", "page 1, form field"),
        ("bookmark words", "bookmark"),
        ("https://partner.example/words", "page 1, link"),
    ):
        assert places[text] == place


def updated(data: bytes, number: int, content: bytes) -> bytes:
    """Append an incremental update that replaces object `number` by a stream."""
    body = b"\n%d 0 obj << /Length %d >>\nstream\n%b\nendstream endobj\n" % (number, len(content), content)
    previous = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
    root = data.rsplit(b"/Root ", 1)[1].split()[0]
    offset = len(data) + 1
    return (
        data
        + body
        + (
            b"xref\n%d 1\n%010d 00000 n \ntrailer << /Size 20 /Root %b 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
            % (number, offset, root, previous, len(data + body))
        )
    )


def test_text_removed_by_an_update_is_read() -> None:
    second = updated(simple_pdf("the first words", "second page"), 3, b"BT /F1 12 Tf 9 9 Td (the last words) Tj ET")
    assert read_all(pdf.read, second).texts == [
        ("the last words", "page 1"),
        ("second page", "page 2"),
        ("the first words", "page 1, earlier version"),
    ]


def test_pages_are_named_by_number() -> None:
    assert read_all(pdf.read, simple_pdf("first", "second")).texts == [("first", "page 1"), ("second", "page 2")]


def test_too_many_pages_are_limited() -> None:
    sink = KeepingSink(Budget(Limits(pdf_pages=2)))
    pdf.read(Document(simple_pdf("one", "two", "three")), sink)
    assert [text for text, _ in sink.texts] == ["one", "two"]
    assert sink.limits == ["too many pages"]


@pytest.mark.parametrize(
    ("module", "bound", "reason"),
    [
        (pdf_document, "BOOKMARKS", "too many bookmarks"),
        (pdf_page, "PAGE_OBJECTS", "page with too many objects"),
        (pdf_page, "STRUCTURE_ELEMENTS", "too many structure elements"),
    ],
)
def test_objects_of_a_document_are_counted_up_to_their_limit(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, bound: str, reason: str
) -> None:
    named = []
    for allowed in range(100):
        monkeypatch.setattr(module, bound, allowed)
        named.append(reason in read_all(pdf.read, planted_pdf()).limits)
        if not named[-1]:
            break
    assert named == [True] * (len(named) - 1) + [False]
    assert len(named) > 1


@pytest.mark.parametrize(("most", "limits"), [(1_600, []), (1_599, ["stream too large"])])
def test_the_decoded_size_of_a_stream_is_counted(most: int, limits: list[str]) -> None:
    writer = PdfWriter()
    writer.stream(b"(words) " * 200, compress=True)
    data = writer.file("")
    (stream,) = pdf_strings.split(data)[1]
    sink = KeepingSink(Budget(Limits(entry_bytes=most)))
    assert pdf_strings.decoded(data, stream, pdf_document.Strings(sink))
    assert sink.limits == limits


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"no PDF at all"])
def test_a_document_that_pdfium_cannot_open_is_damaged(data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        read_all(pdf.read, data)


def test_strings_of_a_document_that_does_not_open_are_still_read() -> None:
    sink = KeepingSink()
    broken = b"%PDF-1.7\n1 0 obj << /Title (words of the title) >> endobj"
    with pytest.raises(UnreadableError):
        pdf.read(Document(broken), sink)
    assert sink.texts == [("words of the title", "document strings")]


def test_a_truncated_document_is_read_as_far_as_possible() -> None:
    data = simple_pdf("first page words", "second page words")
    for end in (data.index(b"/Catalog"), data.index(b"xref")):
        sink = read_all(pdf.read, data[:end])
        assert [text for text, _ in sink.texts] == ["first page words", "second page words"]
    sink = read_all(pdf.read, data[: data.index(b"/Catalog")])
    assert sink.limits == ["damaged"]


def test_the_size_of_an_attachment_is_checked_before_it_is_fetched() -> None:
    sink = KeepingSink(Budget(Limits(entry_bytes=4)))
    with pytest.raises(LimitReachedError, match="member too large"):
        pdf.read(Document(planted_pdf()), sink)


def test_data_before_the_header_is_passed_on() -> None:
    appended = b"PK\3\4" + b"x" * 60
    assert [kept.data for kept in read_all(pdf.read, appended + simple_pdf("x")).documents] == [appended]


def without_second_page(file: bytes) -> bytes:
    """Take a page out of the page tree and leave its object in the file, as pypdf does."""
    writer, out = pypdf.PdfWriter(clone_from=io.BytesIO(file)), io.BytesIO()
    del writer.pages[1]  # type: ignore[attr-defined]  # the type of the list of pages omits it
    writer.write(out)
    return out.getvalue()


def test_a_removed_page_that_is_still_in_the_file_is_read() -> None:
    sink = read_all(pdf.read, without_second_page(simple_pdf("first words", "second words", "third words")))
    assert sink.places_of("second words") == ["removed page"]
    assert sink.places_of("third words") == ["page 2"]
    assert sink.limits == []


def test_the_pages_in_the_tree_are_read_once() -> None:
    sink = read_all(pdf.read, simple_pdf("first words", "second words"))
    assert [text for text, place in sink.texts if place == "removed page"] == []


def test_a_compressed_page_outside_the_tree_is_limited() -> None:
    writer = PdfWriter()
    pages = writer.reserve()
    shown, removed = (writer.add(f"<< /Type /Page /Parent {pages} 0 R /MediaBox [0 0 9 9] >>") for _ in range(2))
    root = writer.add(f"<< /Type /Catalog /Pages {pages} 0 R >>")
    writer.put(pages, f"<< /Type /Pages /Count 1 /Kids [{shown} 0 R] >>")
    assert read_all(pdf.read, writer.packed_file(f"/Root {root} 0 R")).limits == ["removed pages not read"]
    writer.put(pages, f"<< /Type /Pages /Count 2 /Kids [{shown} 0 R {removed} 0 R] >>")
    assert read_all(pdf.read, writer.packed_file(f"/Root {root} 0 R")).limits == []


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (("GB82-WEST-", "1234-5698-7654-32"), "GB82-WEST-1234-5698-7654-32"),
        (("a hyphen-", "ated word"), "a hyphenated word"),
    ],
)
def test_a_number_with_a_hyphen_at_the_end_of_a_line_is_joined(lines: tuple[str, str], joined: str) -> None:
    file = io.BytesIO()
    canvas = reportlab_canvas.Canvas(file)
    for number, line in enumerate(lines):
        canvas.drawString(72, 700 - 14 * number, line)
    canvas.save()
    assert joined in read_all(pdf.read, file.getvalue()).everything()


def with_hebrew(*lines: str) -> bytes:
    """Return a PDF with lines as they are drawn, from left to right; a to z are Hebrew, B0 to B9 Arabic digits."""
    writer = PdfWriter()
    letters = writer.stream(
        b"1 begincodespacerange <00> <ff> endcodespacerange "
        b"3 beginbfrange <20> <5a> <0020> <61> <7a> <05d0> <b0> <b9> <0660> endbfrange"
    )
    font = writer.add(f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode {letters} 0 R >>")
    drawn = " ".join(f"1 0 0 1 72 {700 - 30 * number} Tm ({line}) Tj" for number, line in enumerate(lines))
    content = writer.stream(f"BT /F1 12 Tf {drawn} ET".encode("latin-1"))
    tree = writer.reserve()
    page = writer.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R "
        f"/Resources << /Font << /F1 {font} 0 R >> >> >>"
    )
    writer.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    return writer.file(f"/Root {writer.add(f'<< /Type /Catalog /Pages {tree} 0 R >>')} 0 R")


@pytest.mark.parametrize(
    "number",
    ["4111 1111 1111 1234", "+972 52 123 4567", "052 - 123 - 4567", "IL62 0108 0000 0009 9999 999", "052-123-45"],
)
@pytest.mark.parametrize("line", ["abc {} def", "{} abc", "abc {}"])
def test_a_number_in_a_line_of_hebrew_is_read_in_both_orders(number: str, line: str) -> None:
    (text, _), *_ = read_all(pdf.read, with_hebrew(line.format(number))).texts
    assert number in text
    assert any("\u05d0" <= letter <= "\u05ea" for letter in text)


def test_a_number_in_arabic_digits_is_read_in_both_orders() -> None:
    (text, _), *_ = read_all(pdf.read, with_hebrew("abc \xb1\xb2 \xb3\xb4 def")).texts
    assert {"\u0661\u0662 \u0663\u0664", "\u0663\u0664 \u0661\u0662"} == {line[4:9] for line in text.splitlines()}


@pytest.mark.parametrize("line", ["abc def", "abc 4111111111111111 def", "abc 052-123-45", "VISA 4111 1111"])
def test_a_line_without_a_number_in_groups_is_read_once(line: str) -> None:
    (text, _), *_ = read_all(pdf.read, with_hebrew(line, "ghi")).texts
    assert len(text.splitlines()) == 2
