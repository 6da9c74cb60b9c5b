"""A sender's own words: what was found anywhere is masked in them, and nothing else is touched."""

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
        ("536-90-4398.pdf", "***-**-*398.pdf"),  # it may be somebody's, of a kind that we do not know
        ("of anna@corp.example.zip", "of a***@****.*******.***"),
        ("", ""),
    ],
)
def test_what_was_found_is_masked(text: str, safe: str) -> None:
    assert redactor().redact(text) == safe


def test_matches_that_overlap_are_masked_as_one() -> None:
    # Of two masks side by side, more would stay readable.
    body = "id anna-12345678 of anna"
    known = Redactor(find, [Part("message body", "text", text=body)], [[match(body, "anna-12345678", "x")]])
    text = "b anna-12345678 c"
    overlapping = [match(text, "12345678 c", "y")]
    assert known.places(text, overlapping) == [(2, 17, "x")]


def test_the_surest_values_are_kept_where_there_are_too_many() -> None:
    values = [f"value-{number:04}" for number in range(600)]
    body = " ".join(values)
    found = [match(body, value, "x")._replace(confidence=Confidence.LOW) for value in values]
    found[-1] = found[-1]._replace(confidence=Confidence.HIGH)
    known = Redactor(find, [Part("message body", "text", text=body)], [found])
    assert known.redact(f"{values[-1]}.pdf") != f"{values[-1]}.pdf"
    assert known.redact(f"{values[-2]}.pdf") == f"{values[-2]}.pdf"


def test_a_message_with_nothing_in_it_keeps_its_names() -> None:
    assert redactor("nothing").redact("anna@corp.example.zip") == "anna@corp.example.zip"


def test_a_from_field_keeps_its_address_and_loses_a_number() -> None:
    shown = redactor(f"SSN {SSN} of anna@corp.example").redact_from(f'"Anna {SSN}" <anna@corp.example>')
    assert shown == '"Anna ***-**-*399" <anna@corp.example>'


def test_a_from_field_keeps_its_name_where_names_are_found() -> None:
    body = f"SSN {SSN}\nAnna Example, Example Ltd"
    names = [match(body, "Anna Example", "person-name"), match(body, "Example Ltd", "organisation")]
    known = Redactor(find, [Part("message body", "text", text=body)], [[match(body, SSN, "us-ssn"), *names]])
    words = f'"Anna Example (Example Ltd), SSN {SSN}" <anna@corp.example>'
    assert known.redact_from(words) == '"Anna Example (Example Ltd), SSN ***-**-*399" <anna@corp.example>'
    assert "Anna" not in known.redact("Anna Example.pdf")
