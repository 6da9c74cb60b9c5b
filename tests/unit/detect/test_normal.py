"""Normalisation: converted text, unchanged text, and that every place maps back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import normal
from holdgate.detect.normal import normalise

PIECES = st.sampled_from(
    [
        "4",
        "11",
        " ",
        "-",
        "a",
        "é",
        "\u200b",
        "\u00ad",
        "４",
        "&#49;",
        "&nbsp;",
        "<b>",
        "</b>",
        "<p>",
        "%31",
        "\\u0031",
        "\\t",
        "\\\\n",
        "\\",
        "=31=31",
        "=\n",
        "\n",
        "\u202e21\u202c",
        "⠼⠙⠁",
        "\U000e0034\U000e0031\U000e0031\U000e0031\U000e0031\U000e0031",
        "Е",
        "ﬁ",
        "½",
        "\u0301",
        "&",
        "<",
        "%",
        "=",
    ]
)


@pytest.mark.parametrize(
    ("given_text", "plain"),
    [
        ("４１１１", "4111"),
        ("4\u200b1\u00ad1\u20601", "4111"),
        ("4\ufe0f\u20e31\ufe0f\u20e3", "41"),
        ("41–11−22", "41-11-22"),
        ("41\u00a011\u202f22", "41 11 22"),
        ("٤١١١ ४१११", "4111 4111"),
        ("4<b>1</b>1", "411"),
        ("<td>41</td><td>11</td>", "\t41\t11\t"),
        ("a<br>b", "a\nb"),
        ("&#52;&#x31;1&shy;1", "4111"),
        ("%34%31", "41"),
        ("%34%3x", "4%3x"),
        ("%ff%34%31%31%31%32%32%32%32", "\ufffd41112222"),
        ("<b><i 41", "<i 41"),
        ("\\x34\\x3", "4\\x3"),
        ("\\u0034\\x31", "41"),
        ("=34=31", "41"),
        ("ssn\\t219-09-9999\\nnext", "ssn\t219-09-9999\nnext"),
        ('{\\\\"a\\\\": \\\\"x\\\\\\\\nssn\\\\\\\\t2190\\\\"}', '{\\\\"a\\\\": \\\\"x\nssn\t2190\\\\"}'),
        ("a\\r\\n\\tb", "a\nb"),
        ("\\011ssn\\01521-9", "\tssn\n21-9"),
        ("AB123456C\\n", "AB123456C\n"),
        ("41=\n11", "4111"),
        ("\u202e1114\u202c", "4111"),
        ("DЕ89 NWВК", "DE89 NWBK"),
    ],
)
def test_an_obfuscation_is_removed(given_text: str, plain: str) -> None:
    assert normalise(given_text).text == plain


@pytest.mark.parametrize(
    "text",
    [
        "1 < 2 > 0",
        "<anna@corp.example>",
        "<https://corp.example/>",
        "R&D; AT&T",
        "100% sure",
        "a=b",
        "123%99%4567",
        "карта",
        "ÄÖÜ é",
        "C:\\users",
        "C:\\Data\\Customers",
        "a line\\n",
        "1\\t2\\t3",
        "\\sum \\alpha",
    ],
)
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert normalise(text).text == text


def test_digits_in_text_similar_to_a_tag_are_searched_separately() -> None:
    assert normalise("<card 41 11>, <b>, <h1>").asides == [(0, "<card 41 11>")]


def test_attributes_are_searched_separately() -> None:
    found = normalise('see <a href="mailto:anna@corp.example">her</a>')
    assert found.text == "see her"
    assert found.asides == [(4, '<a href="mailto:anna@corp.example">')]


def test_the_place_of_a_value_covers_its_obfuscation() -> None:
    text = "card 4&#49;1<b>1</b> end"
    plain = normalise(text)
    start = plain.text.index("4111")
    assert plain.place(start, start + 4) == (5, 16)
    assert text[5:16] == "4&#49;1<b>1"


@given(st.lists(PIECES, max_size=30).map("".join))
def test_places_are_inside_the_text_and_in_order(text: str) -> None:
    plain = normalise(text)
    last = 0
    for position in range(len(plain.text)):
        start, end = plain.place(position, position + 1)
        assert 0 <= start <= end <= len(text)
        assert start >= last
        last = start


@given(st.text(alphabet="ab1 \n-", max_size=40))
def test_plain_text_maps_to_itself(text: str) -> None:
    plain = normalise(text)
    assert plain.text == text
    assert all(plain.place(at, at + 1) == (at, at + 1) for at in range(len(text)))


def test_dense_obfuscation_is_cut_off_and_marked_as_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normal, "FREE_CHANGES", 5)
    found = normalise("&#49;" * 100)
    assert found.limited
    assert found.text.startswith("1")


@given(st.text(alphabet="aZ0 -жΩé", max_size=30))
def test_a_word_with_a_letter_of_another_script_is_found_completely(text: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long word without such a letter."""
    simple = re.compile("[0-9A-Za-z\u0370-\u052f]*[\u0370-\u052f][0-9A-Za-z\u0370-\u052f]*")
    assert normal._FOREIGN_WORD.findall(text) == simple.findall(text)


def test_a_long_word_next_to_a_letter_of_another_script_is_not_changed() -> None:
    text = "Номер 219-09-9999 " + "a1b2" * 100_000
    assert normalise(text).text == text
