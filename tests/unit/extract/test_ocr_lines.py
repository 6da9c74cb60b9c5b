"""Words are joined to lines by their boxes, and a further reading adds only missing ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.ocr_lines import Word, height_of, lines_of, merged, with_digits

LIST = [("Alice", "4000 0566 5566 5556"), ("Bob", "4111 1111 1111 1111"), ("Carol", "5200 8282 8282 8210")]


def placed(rows: list[tuple[str, str]], slope: float = 0.0) -> list[Word]:
    """Return the words of a list as boxes of 10 by 20 pixels a letter; lines fall by `slope` pixels a pixel."""
    words = []
    for number, row in enumerate(rows):
        left = 0
        for text in " ".join(row).split():
            top = round(number * 30 + left * slope)
            words.append(Word(text, left, top, left + 10 * len(text), top + 20))
            left += 10 * len(text) + 10
    return words


@pytest.mark.parametrize("slope", [0.0, 0.05, -0.05])
def test_columns_of_a_list_are_joined_to_lines(slope: float) -> None:
    columns = sorted(placed(LIST, slope), key=lambda word: (word.left, word.top))
    assert lines_of(columns) == [" ".join(row) for row in LIST]


def test_words_of_different_lines_stay_separate() -> None:
    assert lines_of([Word("over", 0, 0, 40, 20), Word("under", 50, 15, 90, 35)]) == ["over", "under"]


@given(st.lists(st.builds(Word, st.text("ab1", min_size=1), *[st.integers(0, 50)] * 4), max_size=30))
def test_no_word_is_lost_with_any_box(words: list[Word]) -> None:
    assert sorted(" ".join(lines_of(words)).split()) == sorted(word.text for word in words)


def test_the_height_is_the_median_of_the_words() -> None:
    assert height_of([Word("a", 0, 0, 1, 20), Word("b", 0, 0, 1, 22), Word("c", 0, 0, 1, 90)]) == 22
    assert height_of([]) == 0


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("DEO2 0698 2398 1481 9096 98", "DE02 0698 2398 1481 9096 98"),
        ("IBAN: DEI9 3662 9518 7475 3565 27.", "IBAN: DE19 3662 9518 7475 3565 27."),
        ("4l11 11I1 1111 11S1", "4111 1111 1111 1151"),
        ("219-O9-9999", "219-09-9999"),
    ],
)
def test_letters_misread_in_a_number_become_digits(read: str, meant: str) -> None:
    assert with_digits(read) == meant


@pytest.mark.parametrize(
    "text", ["5G and B2B", "IBAN of Sol", "2 Bills", "C01X0006H", "Ill 12 Sol 34", "US 20 gills", "see GB8 1SD"]
)
def test_letters_in_other_text_are_not_changed(text: str) -> None:
    assert with_digits(text) == text


def test_only_different_lines_are_added() -> None:
    first = "Alice\nBob\n\n4111 1111 1111 1111"
    assert merged(first, ["Alice 4111 1111 1111 1111", "Bob", ""], ["411111111111 1111"]) == (
        f"{first}\n\nAlice 4111 1111 1111 1111"
    )
    assert merged("the same", ["the  same"]) == "the same"


def test_a_number_of_the_first_reading_is_added_with_its_digits() -> None:
    assert merged("219-O9-9999") == "219-O9-9999\n\n219-09-9999"


@given(st.text(), st.lists(st.text(st.characters(exclude_categories=("Z", "C")))))
def test_the_first_reading_is_not_changed(first: str, other: list[str]) -> None:
    text = merged(first, other)
    assert text.startswith(first.strip())
    assert all(with_digits(line) in text for line in other)
