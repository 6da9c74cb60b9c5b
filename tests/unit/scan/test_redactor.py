"""A sender's texts: matches found anywhere in the message are masked, and nothing else is changed."""

import re

import pytest

from holdgate.detect import Confidence, Match
from holdgate.extract.part import Part
from holdgate.scan.redactor import Redactor

SSN = "536-90-4399"


def match(text: str, value: str, identifier: str) -> Match:
    start = text.index(value)
    return Match(identifier, start, start + len(value), Confidence.HIGH, value)


def find(text: str) -> list[Match]:
    """Find addresses, as the detector does in any text."""
    return [match(text, found[0], "email-address") for found in re.finditer(r"[a-z]+@[a-z.]+", text)]


def redactor(body: str = f"SSN {SSN}") -> Redactor:
    found = [match(body, SSN, "us-ssn")] if SSN in body else []
    return Redactor(find, [Part("message body", "text", text=body)], [[*found, *find(body)]])


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (f"{SSN}.pdf", "***-**-*399.pdf"),
        (f"a {SSN} b {SSN}", "a ***-**-*399 b ***-**-*399"),
        (f"{SSN}{SSN}", "***-**-*399***-**-*399"),
        ("536-90-43.pdf", "536-90-43.pdf"),
        ("536-90-4398.pdf", "***-**-*398.pdf"),  # it may be a personal number of an unknown kind
        ("of anna@corp.example.zip", "of a***@****.*******.***"),
        ("", ""),
    ],
)
def test_found_values_are_masked_in_texts(text: str, safe: str) -> None:
    assert redactor().redact(text) == safe


def test_matches_that_overlap_are_masked_as_one() -> None:
    # Of two masks side by side, more would stay readable.
    body = "id anna-12345678 of anna"
    known = Redactor(find, [Part("message body", "text", text=body)], [[match(body, "anna-12345678", "x")]])
    text = "b anna-12345678 c"
    overlapping = [match(text, "12345678 c", "y")]
    assert known.places(text, overlapping) == [(2, 17, "x")]


def test_the_values_with_the_highest_confidence_are_kept_if_there_are_too_many() -> None:
    values = [f"value-{number:04}" for number in range(600)]
    body = " ".join(values)
    found = [match(body, value, "x")._replace(confidence=Confidence.LOW) for value in values]
    found[-1] = found[-1]._replace(confidence=Confidence.HIGH)
    known = Redactor(find, [Part("message body", "text", text=body)], [found])
    assert known.redact(f"{values[-1]}.pdf") != f"{values[-1]}.pdf"
    assert known.redact(f"{values[-2]}.pdf") == f"{values[-2]}.pdf"


def test_a_message_without_findings_keeps_its_names() -> None:
    assert redactor("nothing").redact("anna@corp.example.zip") == "anna@corp.example.zip"


def test_a_from_field_keeps_its_address_and_its_number_is_masked() -> None:
    shown = redactor(f"SSN {SSN} of anna@corp.example").redact_from(f'"Anna {SSN}" <anna@corp.example>')
    assert shown == '"Anna ***-**-*399" <anna@corp.example>'


def test_a_from_field_keeps_its_name_if_names_are_found() -> None:
    body = f"SSN {SSN}\nAnna Example, Example Ltd"
    names = [match(body, "Anna Example", "person-name"), match(body, "Example Ltd", "organisation")]
    known = Redactor(find, [Part("message body", "text", text=body)], [[match(body, SSN, "us-ssn"), *names]])
    words = f'"Anna Example (Example Ltd), SSN {SSN}" <anna@corp.example>'
    assert known.redact_from(words) == '"Anna Example (Example Ltd), SSN ***-**-*399" <anna@corp.example>'
    assert "Anna" not in known.redact("Anna Example.pdf")


@pytest.mark.parametrize(("length", "is_kept"), [(3, False), (4, True), (200, True), (201, False)])
def test_a_value_is_searched_elsewhere_if_it_is_neither_short_nor_long(length: int, is_kept: bool) -> None:
    value = "q" * length
    known = Redactor(lambda _: [], [Part("b", "text", text=value)], [[match(value, value, "x")]])
    assert known.known == ([value] if is_kept else [])
    assert known.places(f"a {value}", []) == ([(2, 2 + length, "x")] if is_kept else [])


def test_the_number_of_searched_values_has_a_limit() -> None:
    values = [f"value-{number:04}" for number in range(501)]
    body = " ".join(values)
    found = [match(body, value, "x") for value in values]
    assert Redactor(find, [Part("b", "text", text=body)], [found[:500]]).known == values[:500]
    assert Redactor(find, [Part("b", "text", text=body)], [found]).known == values[:500]


def test_the_first_identifier_of_a_value_names_its_places() -> None:
    body = "12345678 and 12345678"
    both = [Match("x", 0, 8, Confidence.HIGH, "a"), Match("y", 13, 21, Confidence.HIGH, "a")]
    assert Redactor(find, [Part("b", "text", text=body)], [both]).places("12345678", []) == [(0, 8, "x")]


@pytest.mark.parametrize(
    ("places", "merged"),
    [
        ([(0, 4, "x"), (4, 8, "y")], [(0, 4, "x"), (4, 8, "y")]),
        ([(0, 5, "x"), (4, 8, "y")], [(0, 8, "x")]),
        ([(0, 8, "x"), (2, 4, "y")], [(0, 8, "x")]),
        ([(0, 4, "y"), (0, 8, "x")], [(0, 8, "x")]),
        ([(6, 8, "y"), (0, 2, "x")], [(0, 2, "x"), (6, 8, "y")]),
        ([], []),
    ],
    ids=["beside", "overlap", "inside", "same start", "order", "none"],
)
def test_overlapping_spans_are_merged(places: list[tuple[int, int, str]], merged: list[tuple[int, int, str]]) -> None:
    matches = [Match(identifier, start, end, Confidence.HIGH, "v") for start, end, identifier in places]
    assert redactor("nothing").places("abcdefgh", matches) == merged


def test_kept_identifiers_stay_unmasked_whether_found_or_known() -> None:
    body = "of anna@corp.example"
    known = Redactor(find, [Part("b", "text", text=body)], [find(body)])
    text = "anna@corp.example"
    assert known.places(text, find(text), frozenset({"email-address"})) == []
    assert known.places(text, find(text)) == [(0, 17, "email-address")]
    assert known.masked(text, frozenset({"email-address"})) == text


def test_a_text_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = Redactor(
        lambda text: (asked.append(text), find(text))[1], [Part("b", "text", text=SSN)], [[match(SSN, SSN, "us-ssn")]]
    )
    assert known.redact("a.txt") == known.redact("a.txt") == "a.txt"
    assert known.redact("") == ""
    assert asked == ["a.txt"]


@pytest.mark.parametrize(
    ("length", "confidence", "is_masked"),
    [
        (16, Confidence.LOW, True),
        (17, Confidence.LOW, False),
        (17, Confidence.MEDIUM, True),
        (17, Confidence.HIGH, True),
    ],
)
def test_a_message_id_keeps_a_long_number_that_is_not_certain(
    length: int, confidence: Confidence, is_masked: bool
) -> None:
    number = "1" * length
    known = Redactor(
        lambda text: [Match("x", text.index(number), text.index(number) + length, confidence, number)],
        [Part("b", "text", text=SSN)],
        [[match(SSN, SSN, "us-ssn")]],
    )
    assert (number in known.redact_message_id(f"<{number}@corp.example>")) is not is_masked


def test_a_message_id_is_not_an_address() -> None:
    asked: list[str] = []
    known = Redactor(
        lambda text: (asked.append(text), [])[1], [Part("b", "text", text=SSN)], [[match(SSN, SSN, "us-ssn")]]
    )
    assert known.redact_message_id("<a.b@corp.example>") == "<a.b@corp.example>"
    assert asked == ["<a.b corp.example>"]
    assert known.redact_message_id(f"<{SSN}@corp.example>") == "<***-**-*399@corp.example>"


def test_long_numbers_are_masked_in_a_message_without_findings() -> None:
    nothing = redactor("nothing")
    assert nothing.redact("4111111111111111.pdf") != "4111111111111111.pdf"
    assert "4111111111111111" not in nothing.redact_message_id("<4111111111111111@corp.example>")
    assert nothing.redact_from('"4111111111111111" <anna@corp.example>').endswith("<anna@corp.example>")
