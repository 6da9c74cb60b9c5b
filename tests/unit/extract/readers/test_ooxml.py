import io

import docx
import openpyxl
import pptx
from docx.oxml.ns import qn

from holdgate.extract.readers import ooxml
from unit.extract.readers.recording import read

CARD = "4111111111111111"


def saved(document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def test_number_split_over_runs_is_joined():
    document = docx.Document()
    paragraph = document.add_paragraph("card ")
    for piece in ("4111", "1111", "1111", "1111"):
        paragraph.add_run(piece)
    assert read(ooxml, saved(document)).place_of("card " + CARD) == ""


def test_header_footer_comment_and_properties_have_places():
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


def test_tracked_changes_are_read_both_ways():
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


def test_cells_are_named_and_numbers_keep_their_digits():
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


def test_slides_and_notes_are_named():
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = CARD
    slide.notes_slide.notes_text_frame.text = "token-notes"
    sink = read(ooxml, saved(deck))
    assert sink.place_of(CARD) == "slide 1"
    assert sink.place_of("token-notes") == "slide 1, notes"
