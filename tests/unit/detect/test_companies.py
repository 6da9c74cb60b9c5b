"""Names that end with a legal form, or are the domain of an address, are organisations, independent of the model."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Detector, lexicon, naming
from holdgate.detect.candidates import mask
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
        ("Falkenberg GmbH & Co. KG und Alfa AG&Co.KGaA", ["Falkenberg GmbH & Co. KG", "Alfa AG&Co.KGaA"]),
        ("dla Alfa Bau Sp. z o.o. w maju", ["Alfa Bau Sp. z o.o"]),
        ("Alfa Lda. e Beta S.L.U. e Gama Sàrl", ["Alfa Lda", "Beta S.L.U", "Gama Sàrl"]),
        ("Turnverein Neustadt e. V. und Alfa e.K.", ["Turnverein Neustadt e. V.", "Alfa e.K."]),
        ("Alpha plc, Beta d.o.o., Gamma VOF", ["Alpha plc", "Beta d.o.o", "Gamma VOF"]),
        ("Peter Oyler, the Elder e. Vision", []),
    ],
)
def test_a_legal_form_ends_a_name(text: str, names: list[str]) -> None:
    assert [text[start:end] for start, end in person._companies(text)] == names


def test_a_name_is_found_next_to_its_legal_form_in_a_line_of_any_length() -> None:
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


@pytest.mark.parametrize(
    ("word", "headed"),
    [
        ("University", True), ("Universität", True), ("Ministerstwo", True), ("Stadtsparkasse", True),
        ("Raiffeisenbank", True), ("Marienhospital", True), ("BANQUE", True),
        ("Monday", False), ("Rechnung", False), ("Anna", False), ("Berlin", False),
    ],
)  # fmt: skip
def test_organisation_heads_are_recognised_at_the_end_of_a_compound(word: str, headed: bool) -> None:
    assert bool(LEXICON.known(word).kind & lexicon.HEADED) is headed


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Alpha and Beta", ["Alpha", "Beta"]),
        ("Alpha Tools und RTN", ["Alpha Tools", "RTN"]),
        # One name: a surname and its partners, and a body whose field has two words.
        ("Schmidt and Sons", ["Schmidt and Sons"]),
        ("Schmidt and Weber", ["Schmidt and Weber"]),
        ("Department of Health and Care", ["Department of Health and Care"]),
        ("Alpha & Beta", ["Alpha & Beta"]),
        ("Bank of Alpha", ["Bank of Alpha"]),
        ("Alpha und ist Beta", ["Alpha", "Beta"]),
        ("Bank of Alpha und das Beta", ["Bank of Alpha", "Beta"]),
        ("Bank of Alpha for the Beta", ["Bank of Alpha for the Beta"]),
        # An abbreviation, or a head where the name has its own, begins another name.
        ("Bank of Alpha and RTN", ["Bank of Alpha", "RTN"]),
        ("Banque du Nord et KLW", ["Banque du Nord", "KLW"]),
        ("Banque de Alpha et Garage Beta", ["Banque de Alpha", "Garage Beta"]),
        ("Ministry of ALPHA and BETA", ["Ministry of ALPHA and BETA"]),
        ("Bank of Alpha and OVERSEAS", ["Bank of Alpha and OVERSEAS"]),
        # Words that are seldom in a name.
        ("Bank Alpha on Tuesday", ["Bank Alpha", "Tuesday"]),
        ("Alpha at Bank Beta", ["Alpha", "Bank Beta"]),
        ("Banca dell'Alpha", ["Banca dell'Alpha"]),
        # A head behind a name in the genitive.
        ("St Alpha's Hospital", ["St Alpha's Hospital"]),
        ("Alpha’s Hospital", ["Alpha’s Hospital"]),
        ("Alpha's Monday", ["Alpha", "Monday"]),
    ],
)
def test_two_organisations_with_a_word_between_are_separate(text: str, names: list[str]) -> None:
    assert found_as(naming.ORGANISATION, text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Anna von Weber", ["Anna von Weber"]),
        ("Anna von WEBER", ["Anna von WEBER"]),
        ("ANNA VON RTN", ["ANNA VON RTN"]),
        ("Anna von der RTN", ["Anna", "RTN"]),
        ("Uwe Weber von LVR", ["Uwe Weber", "LVR"]),
        ("Anna B. Weber", ["Anna B. Weber"]),
        ("Maria de A. Weber", ["Maria de A. Weber"]),
    ],
)
def test_the_abbreviation_of_a_company_is_no_surname(text: str, names: list[str]) -> None:
    assert found_as(naming.PERSON, text) == names


def found_as(label: int, text: str) -> list[str]:
    """Return the names of a text if every word is part of one of this label: each feature is evidence for it."""
    lanes = bytes(255 if lane == label else 0 for lane in range(1, naming.LABELS))
    every = bytes([naming.MIDDLE]) * naming.TRANSITIONS + lanes * naming.SLOTS
    return [text[name.start : name.end] for name in naming.named(text, mask(text), LEXICON, naming.Model(every))]


def test_names_from_domains_exclude_their_suffix() -> None:
    text = "a@mail.zalandix.co.uk, b@Alpha-Bau.example, c@zalandix.com, d@localhost"
    assert naming.domains(text) == ["zalandix", "alpha-bau"]
    assert naming.domains("no address") == []


@given(st.text(alphabet="ab@.- "))
def test_domain_names_are_extracted_from_any_text(text: str) -> None:
    assert all(name and name in text.lower() for name in naming.domains(text))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Conseil départemental a voté", "Conseil départemental"),
        ("Institut national des arts et", "Institut national des arts"),
        ("Société d'épargne de Vannes, à", "Société d'épargne de Vannes"),
        ("Câmara Municipal de Viseu tem", "Câmara Municipal de Viseu"),
        # Not a head, or no words of a name after it.
        ("Alpha national des arts", "Alpha"),
        ("Banque refuse le virement", "Banque"),
        ("Bank hat", "Bank"),
    ],
)
def test_lower_case_words_after_a_head_belong_to_the_name(text: str, whole: str) -> None:
    end = len("Câmara Municipal") if text.startswith("Câmara") else text.index(" ")
    assert text[: person._complete(text, 0, end, LEXICON)] == whole


def test_a_company_begins_with_the_words_that_the_model_found() -> None:
    organisations = [(0, 8), (10, 26), (40, 50)]
    assert person._from_its_beginning((22, 31), organisations) == (10, 31)
    assert person._from_its_beginning((27, 31), organisations) == (27, 31)
    assert person._from_its_beginning((0, 31), []) == (0, 31)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Le tribunal de Valmont a rejeté la demande.", ["tribunal de Valmont"]),
        ("Il est soigné à la clinique Sainte-Orse.", ["clinique Sainte-Orse"]),
        ("El juzgado de Valdueza ha señalado la vista.", ["juzgado de Valdueza"]),
        ("Boucherie Marsan a payé.", ["Boucherie Marsan"]),
        ("Metzgerei Garstel hat bezahlt.", ["Metzgerei Garstel"]),
        # No name after the word for a body, and a place after another word.
        ("Notre clinique accepte la carte.", []),
        ("Il habite rue de Valmont.", []),
    ],
)
def test_bodies_and_trades_are_found_as_a_whole(text: str, names: list[str]) -> None:
    detector = Detector.from_rules(RULES, "dlp-names")
    found = [text[m.start : m.end] for m in detector.find(text) if m.identifier == "organisation"]
    assert found == names
