"""Names that end with a legal form, or are the domain of an address, are organisations, independent of the model."""

from pathlib import Path

import pytest

from holdgate.detect import lexicon
from holdgate.detect.finders import person
from holdgate.detect.lexicon import Lexicon, Names
from training.names import dictionary

RULES = Path(__file__).resolve().parents[3] / "rules"
LEXICON = Lexicon(
    Names(*(frozenset(dictionary(RULES, name)) for name in ("first-names", "surnames", "not-names"))), lexicon.shipped()
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Employer: Muster GmbH", ["Muster GmbH"]),
        ("at Meyer & Sons Ltd. on Monday", ["Meyer & Sons Ltd"]),
        ("Die AG zahlt, the SE too", []),
        ("Novatech Ltd SSN", ["Novatech Ltd"]),
        ("Alpha AG Beta AG", ["Alpha AG", "Beta AG"]),
        ("the meeting\nAG", []),
        ("Alpha\nBeta AG", ["Beta AG"]),
        ("a sagging AGM", []),
    ],
)
def test_a_legal_form_ends_a_name(text: str, names: list[str]) -> None:
    assert [text[start:end] for start, end in person._companies(text)] == names


def test_a_name_is_near_its_form_however_long_the_line_is() -> None:
    text = "Alpha " * 1000 + "AG"
    assert [text[start:end] for start, end in person._companies(text)] == ["Alpha " * 4 + "AG"]
    assert len(person._companies("Alpha AG " * 1000)) == 1000


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Zalandix has paid.\nanna@zalandix.example", ["Zalandix"]),
        ("Zalandix sent it: info@mail.zalandix.co.uk, see www.zalandix.co.uk or Zalandix.com", ["Zalandix"]),
        ("ZALANDIX / Zalandix-Team <a@zalandix.example>", ["ZALANDIX"]),
        # No company: a surname, a town, a word, a provider, the address of a person, lower case.
        ("Weber said so: anna@weber.example", []),
        ("From Hamburg: rathaus@hamburg.example", []),
        ("Orange juice: anna@orange.example", []),
        ("Gmail is down: anna@gmail.com", []),
        ("Qwandil writes: qwandil@qwandil.example", []),
        ("the zalandix of a@zalandix.example", []),
        ("Zalandix has no address.", []),
        ("@", []),
    ],
)
def test_the_domain_of_an_address_names_a_company(text: str, names: list[str]) -> None:
    assert [text[start:end] for start, end in person._of_domains(text, LEXICON)] == names
