import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.readers.texts import text
from holdgate.extract.readers.texts.undone import marked, runs, terminal
from holdgate.extract.reading import Document
from tests.support.sink import KeepingSink


def test_terminal_codes_and_overstruck_letters_are_removed() -> None:
    assert (
        terminal("SSN \x1b[1m219\x1b[0m-\x1b[38;5;1m09\x1b[m-9999\n\x1b]0;title\x07x\x1b(By") == "SSN 219-09-9999\nxy"
    )
    assert terminal("".join(f"{letter}\b{letter}" for letter in "SSN 219")) == "SSN 219"
    assert terminal("plain") == ""


@pytest.mark.parametrize(
    "written",
    [
        "5**36**-90-4399",
        "536-**90**-4399",
        "***536***-90-`4399`",
        "536__-90__-4399",
        "536~~12~~-90-4399",
        "536[b]-90[/b]-4399",
        "536[color=red]-90[/color]-4399",
        "536[s]12[/s]-90-4399",
        r"536\textbf{-90}-4399",
        r"536\phantom{12}-90-4399",
        r"536\sout{12}-90-4399",
        "536@b{-90}-4399",
    ],
)
def test_markup_inside_a_number_is_removed(written: str) -> None:
    assert marked(f"Hello **Anna**,\n\nher SSN is {written}, **thanks**.\nBye") == "her SSN is 536-90-4399, **thanks**."


@pytest.mark.parametrize(
    "written",
    [
        "",
        "her SSN is 536-90-4399",
        "**12** of **34**, `56`, and [b]78[/b]",
        "2**8**x and 5**n**2",
        "2 ** 8 ** 2",
        "5*36*9 = 1620",
        "a__12__b",
        "f{12} and {34}",
        "~12~34~",
        "**",
        "12**",
    ],
)
def test_markup_around_numbers_leaves_them(written: str) -> None:
    assert marked(written) == ""


@given(st.text(alphabet="12-*_~`[b]/s\\x{} \n", max_size=80))
def test_any_markup_is_read_without_an_exception(written: str) -> None:
    marked(written)


def test_words_of_an_ocr_service_are_joined_to_lines() -> None:
    words = ["IBAN", "GB82", "WEST", "1234", "5698", "7654", "32", "and", "more"]
    blocks = json.dumps({"Blocks": [{"BlockType": "WORD", "Text": word, "Confidence": 99.1} for word in words]})
    assert runs(blocks) == ["IBAN GB82 WEST 1234 5698 7654 32 and"]


def test_runs_of_an_editor_are_joined_unchanged() -> None:
    text = json.dumps([{"children": [{"text": "SSN 219-"}, {"text": "09", "bold": True}, {"text": "-9999"}]}])
    assert runs(text) == ["SSN 219-09-9999"]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON, but SSN 219-09-9999",
        json.dumps([{"id": "4111"}, {"id": "1111"}, {"id": "1111"}]),
        json.dumps([{"text": "one line\n"}, {"text": "12 others\n"}, {"text": "next\n"}]),
        json.dumps([{"text": "some"}, {"text": "words"}]),
    ],
    ids=["prose", "other fields", "lines", "no number"],
)
def test_other_texts_have_no_runs(text: str) -> None:
    assert runs(text) == []


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    terminal(text)
    runs("[" + text)


def test_indentation_inside_a_line_of_markup_is_not_a_gap() -> None:
    words = "\n      ".join(f"<span class='ocrx_word'>{word}</span>" for word in ["IBAN", "GB82", "WEST"])
    page = f"<html><body><p>{words}</p></body></html>".encode()
    assert extract_file("a.html", page).parts[0].text == "IBAN\nGB82\nWEST"
    assert extract_file("a.xml", b"<a><p>GB82 WEST\n      1234</p></a>").parts[0].text == "GB82 WEST\n1234"


@pytest.mark.parametrize("kind", ["text/enriched", "text/richtext"])
def test_formatting_does_not_split_a_number(kind: str) -> None:
    sink = KeepingSink()
    text.read(Document(b"<bold>4111</bold>-<italic>1111</italic><nl>a << b", declared_type=kind), sink)
    assert sink.texts[1:] == [("4111-1111\na < b", "formatting undone")]


def test_formatting_is_removed_only_in_types_that_have_it() -> None:
    sink = KeepingSink()
    text.read(Document(b"<bold>4111</bold>", declared_type="text/plain"), sink)
    assert len(sink.texts) == 1
