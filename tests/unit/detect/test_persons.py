"""Names of persons: what the model that is shipped finds, and what it leaves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Detector, lexicon, naming
from holdgate.detect.candidates import mask
from holdgate.detect.lexicon import Lexicon, Names, Table, packed
from training.names import dictionary

RULES = Path(__file__).resolve().parents[3] / "rules"
LEXICON = Lexicon(
    Names(*(frozenset(dictionary(RULES, name)) for name in ("first-names", "surnames", "not-names"))), lexicon.shipped()
)


def labelled(text: str, label: int) -> list[str]:
    names = naming.named(text, mask(text), LEXICON, naming.shipped())
    return [text[name.start : name.end] for name in names if name.label == label]


def found(text: str) -> list[str]:
    return labelled(text, naming.PERSON)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear Mr. Müller,", ["Müller"]),
        ("Hi Anna,", ["Anna"]),
        ("Best regards,\nMaria Garcia\n", ["Maria Garcia"]),
        ("Sehr geehrte Frau Schmidt,", ["Schmidt"]),
        ("Mit freundlichen Grüßen\nŁukasz Wiśniewski", ["Łukasz Wiśniewski"]),
        ("Cordialement,\nJean Dupont", ["Jean Dupont"]),
        ("Patient: Peter van der Berg", ["Peter van der Berg"]),
        ("From: Anna Schmidt\nTo: John Smith", ["Anna Schmidt", "John Smith"]),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The New York office will be closed on Monday.",
        "Die Rechnung und der Vertrag liegen bei.",
        "What is the plan for Q3?",
        "See the Terms and Conditions.",
        "anna schmidt",
        "",
    ],
)
def test_no_names(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Best regards,\nMaria Garcia\nNovatech Consulting Ltd", ["Novatech Consulting Ltd"]),
        ("Die Rechnung der Alpha Bau GmbH liegt bei.", ["Alpha Bau GmbH"]),
    ],
)
def test_organisations(text: str, expected: list[str]) -> None:
    assert labelled(text, naming.ORGANISATION) == expected


def test_the_piece_round_a_match_is_enough(detector: Detector) -> None:
    far = "the weather is fine today.\n" * 40
    text = f"Dear Anna Schmidt,\n{far}Maria Garcia, SSN 536-90-4399\n{far}Dear Anna Schmidt,\n"
    assert persons_of(detector, text) == ["Maria Garcia"]


def persons_of(detector: Detector, text: str) -> list[str]:
    return [text[match.start : match.end] for match in detector.find(text) if match.identifier == "person-name"]


def test_a_profile_that_asks_for_names_alone_finds_them_everywhere(detector: Detector) -> None:
    text = "Dear Anna Schmidt,\nthe weather is fine."
    asking = detector.with_profile("dlp-names")
    assert not detector.everywhere
    assert asking.everywhere == {"person-name", "organisation"}
    assert persons_of(detector, text) == []
    assert persons_of(asking, text) == ["Anna Schmidt"]
    assert persons_of(detector.finding(asking.everywhere), text) == ["Anna Schmidt"]


def test_a_table_tells_known_words() -> None:
    table = Table(packed([("sitzung", 3), ("berlin", 4 | lexicon.PLACE)]))
    assert table.code("sitzung") == 3
    assert table.code("berlin") == 4 | lexicon.PLACE
    assert table.code("wiśniewski") == 0


def test_weights_are_packed_and_added() -> None:
    model = naming.Model({"a": naming.packed([5, -7, 100]), "b": naming.packed([-9, 3, 1])})
    words = [naming.Word(0, 1, ["a", "b", "c"], "")]
    assert model.labels(words) == [naming.PLACE]
    assert model.labels([naming.Word(0, 1, ["b"], "")]) == [naming.ORGANISATION]
    assert model.labels([naming.Word(0, 1, ["c"], "")]) == [naming.OTHER]


@given(st.text())
def test_any_text(text: str) -> None:
    for start, end, label in naming.named(text, mask(text), LEXICON, naming.shipped()):
        assert 0 <= start < end <= len(text)
        assert text[start].isupper()
        assert label in (naming.PERSON, naming.ORGANISATION, naming.PLACE)
