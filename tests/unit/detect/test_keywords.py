"""Keywords: how they are compared, and which one is nearest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import keywords
from holdgate.detect.keywords import Keyword, Keywords, fold


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("My CARD no", "card"),
        ("Prüfnummer: 1", "prufnummer"),
        ("tax-id", "tax id"),
        ("Kаrte", "karte"),
        ("信用卡号4111", "信用卡"),
        ("(ssn)", "ssn"),
    ],
)
def test_a_keyword_is_found(text: str, word: str) -> None:
    assert Keywords([[word]]).find(text).nearest(0, len(text), len(text), 100, 0) is not None


@pytest.mark.parametrize(("text", "word"), [("discard it", "card"), ("cards", "card"), ("ca rd", "card"), ("", "card")])
def test_a_keyword_is_not_found_in_other_text(text: str, word: str) -> None:
    assert Keywords([[word]]).find(text).nearest(0, len(text), len(text), 100, 0) is None


def test_the_nearest_keyword_on_either_side_is_found() -> None:
    hits = Keywords([["card", "visa"]]).find("card 4111 visa")
    assert hits.nearest(0, 5, 9, 100, 100) == (-1, Keyword(end=4, start=0, word="card"))
    assert hits.nearest(0, 7, 9, 1, 100) == (1, Keyword(end=14, start=10, word="visa"))
    assert hits.nearest(0, 7, 9, 1, 0) is None


def test_a_prefix_is_case_sensitive() -> None:
    find = Keywords([], ["ghp_"]).find
    assert find("key ghp_abc").prefixes == [(4, "ghp_")]
    assert find("key GHP_abc ghp-abc").prefixes == []


@given(st.text(max_size=60))
def test_folding_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_a_long_text_is_searched_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x card number y " * 50
    whole = Keywords([["card", "card number"]]).find(text).of(0)
    monkeypatch.setattr(keywords, "_CHUNK", 37)
    assert Keywords([["card", "card number"]]).find(text).of(0) == whole


def test_too_many_keywords_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keywords, "_CHUNK", 100)
    monkeypatch.setattr(keywords, "FREE_KEYWORDS", 10)
    assert Keywords([["card"]]).find("card " * 500).limited


@pytest.mark.parametrize(("start", "end", "expected"), [(0, 13, 3), (0, 12, 2), (3, 13, 2), (4, 7, 1), (13, 20, 0)])
def test_keywords_within_a_span_are_counted(start: int, end: int, expected: int) -> None:
    assert Keywords([["one", "two"], ["six"]]).find("one two 6 one six").count(0, start, end) == expected


def test_keywords_in_other_scripts_are_found_next_to_ascii_ones() -> None:
    hits = Keywords([["card", "信用卡"]]).find("card, 信用卡")
    assert [keyword.word for found in hits.of(0) for keyword in found] == ["card", "信用卡"]


@given(
    st.lists(st.text("aß卡 ", min_size=1, max_size=3).filter(str.strip), min_size=1, max_size=6, unique=True),
    st.text("aß卡 ", max_size=30),
)
def test_keywords_in_all_scripts_are_found_in_the_order_of_their_ends(words: list[str], text: str) -> None:
    together = Keywords([words]).find(text).of(0)
    alone = {keyword for word in words for found in Keywords([[word]]).find(text).of(0) for keyword in found}
    found = [keyword for group in together for keyword in group]
    assert set(found) == alone
    assert found == sorted(found, key=lambda keyword: keyword.end)
