"""Names of persons: which ones the shipped model finds."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Detector, lexicon, naming
from holdgate.detect.candidates import mask
from holdgate.detect.finders import person
from holdgate.detect.finders.finder import Text
from holdgate.detect.lexicon import Lexicon, Names, Table, packed
from training.names import dictionary, table

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
def test_person_names_are_found(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The New York office will be closed on Monday.",
        "Die Rechnung und der Vertrag liegen bei.",
        "What is the plan for Q3?",
        "See the Terms and Conditions.",
        # An unknown word at the beginning of a sentence.
        "Zaimek odnosi się do osoby.",
        "Boucherie Marsan a payé.",
        "anna schmidt",
        "",
    ],
)
def test_other_words_are_not_person_names(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Best regards,\nMaria Garcia\nNovatech Consulting Ltd", ["Novatech Consulting Ltd"]),
        ("Die Rechnung der Alpha Bau GmbH liegt bei.", ["Alpha Bau GmbH"]),
        ("Die Sparkasse Ulm und das Finanzamt Gera haben geantwortet.", ["Sparkasse Ulm", "Finanzamt Gera"]),
        ("The Ministry of Transport has replied.", ["Ministry of Transport"]),
        ("Lavora all'Ospedale di Parma, prima al Comune di Lecce.", ["Ospedale di Parma", "Comune di Lecce"]),
        ("Zij werkt bij de Universiteit Leiden.", ["Universiteit Leiden"]),
        ("Decyzję wydał Urząd Miasta Opole, a konto prowadzi Bank Pomorski.", ["Urząd Miasta Opole", "Bank Pomorski"]),
        ("From: Vantiq Care <info@vantiqcare.example>\nHello,", ["Vantiq Care"]),
        ("Anna Schmidt\nHead of Sales\nBrightwell Logistics\n", ["Brightwell Logistics"]),
        ("Dear Vantiq team,", ["Vantiq"]),
        ("The meeting is on Monday. The Price List is attached.", []),
        ("Please ask the Help Desk or Human Resources.", []),
    ],
)
def test_organisations_are_labelled(text: str, expected: list[str]) -> None:
    assert labelled(text, naming.ORGANISATION) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Annegret Freitag, Karl-Heinz König", ["Annegret Freitag", "Karl-Heinz König"]),
        ("Sehr geehrter Herr Dr. Freitag,", ["Freitag"]),
        ("Das hat Frau Sommer geschrieben.", ["Sommer"]),
        ("Team: Will May, Rose Winter", ["Will May", "Rose Winter"]),
        ("Merci à Mme Avril", ["Avril"]),
        ("Am Freitag kommt im Sommer der König.", []),
        ("Freitag, 3. Mai", []),
        ("See you in May or on Friday.", []),
    ],
)
def test_names_that_are_days_and_other_words(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_names_near_a_match_are_found_in_the_searched_piece(detector: Detector) -> None:
    far = "the weather is fine today.\n" * 40
    text = f"Dear Anna Schmidt,\n{far}Maria Garcia, SSN 536-90-4399\n{far}Dear Anna Schmidt,\n"
    assert persons_of(detector, text) == ["Maria Garcia"]


def persons_of(detector: Detector, text: str) -> list[str]:
    return [text[match.start : match.end] for match in detector.find(text) if match.identifier == "person-name"]


def test_a_profile_with_only_names_searches_the_complete_text(detector: Detector) -> None:
    text = "Dear Anna Schmidt,\nthe weather is fine."
    asking = detector.with_profile("dlp-names")
    assert not detector.everywhere
    assert asking.everywhere == {"person-name", "organisation"}
    assert persons_of(detector, text) == []
    assert persons_of(asking, text) == ["Anna Schmidt"]
    assert persons_of(detector.finding(asking.everywhere), text) == ["Anna Schmidt"]


@pytest.mark.parametrize(
    "text", ["Wir fahren nach Bad Homburg.", "The office in Hong Kong is closed.", "Apple and Microsoft"]
)
def test_listed_places_and_organisations_are_not_persons(text: str) -> None:
    assert found(text) == []


def test_a_surname_is_recognised_after_the_full_name() -> None:
    first = "The report was written by Anna Quellbrunn last week."
    assert "Quellbrunn" in found(f"{first}\nAsk Quellbrunn about it.")[-1]


def test_only_full_person_names_are_remembered() -> None:
    named_before = naming.NamedBefore()
    named_before.remember("Anna Quellbrunn", naming.PERSON)
    named_before.remember("Alpha Bau", naming.ORGANISATION)
    named_before.remember("Bob", naming.PERSON)
    named_before.remember("J Li Wu", naming.PERSON)
    assert named_before.persons == {"anna", "quellbrunn"}
    assert named_before.organisations == {"alpha", "bau"}


def test_a_table_returns_the_codes_of_known_words() -> None:
    table = Table(packed([("sitzung", 3), ("berlin", 4 | lexicon.PLACE)]))
    assert table.code("sitzung") == 3
    assert table.code("berlin") == 4 | lexicon.PLACE
    assert table.code("wiśniewski") == 0


def weights(*slots: tuple[int, int, int, int], following: dict[tuple[int, int], int] | None = None) -> naming.Model:
    """Return a model with the weights of PERSON, ORGANISATION and PLACE in some slots."""
    content = bytearray([naming.MIDDLE]) * (naming.TRANSITIONS + naming.SLOTS * naming.LANES)
    for (before, label), weight in (following or {}).items():
        content[before * naming.LABELS + label] += weight
    for slot, *lanes in slots:
        for lane, weight in enumerate(lanes):
            content[naming.TRANSITIONS + slot * naming.LANES + lane] += weight
    return naming.Model(bytes(content))


def test_weights_are_added() -> None:
    model = weights((7, 5, -7, 100), (8, -9, 3, 1))
    assert model.labels([naming.Word(0, 1, [7, 8, 9], "")]) == [naming.PLACE]
    assert model.labels([naming.Word(0, 1, [8], "")]) == [naming.ORGANISATION]
    assert model.labels([naming.Word(0, 1, [9], "")]) == [naming.OTHER]


def test_the_label_of_the_next_word_counts() -> None:
    model = weights((7, 9, 0, 0), (8, 3, 4, 0), following={(naming.PERSON, naming.PERSON): 2})
    one, two = naming.Word(0, 1, [7], ""), naming.Word(2, 3, [8], "")
    assert model.labels([two]) == [naming.ORGANISATION]
    assert model.labels([one, two]) == [naming.PERSON, naming.PERSON]


def test_weights_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"names\.weights: 5 bytes"):
        naming.Model(bytes(5))


@given(*[st.integers(0, 2**32 - 1)] * 2, st.integers(0, 60))
def test_a_feature_is_a_slot(one: int, two: int, template: int) -> None:
    assert 0 <= naming.mixed(template, one, two) < naming.SLOTS


def test_features_are_distributed_evenly_over_slots() -> None:
    slots = {naming.mixed(template, number, number % 7) for template in range(10) for number in range(5_000)}
    assert len(slots) > 45_000


@given(st.text())
def test_any_text_can_be_labelled(text: str) -> None:
    for start, end, label in naming.named(text, mask(text), LEXICON, naming.shipped()):
        assert 0 <= start < end <= len(text)
        assert text[start].isupper()
        assert label in (naming.PERSON, naming.ORGANISATION, naming.PLACE)


DICTIONARIES = {name: frozenset(dictionary(RULES, name)) for name in ("first-names", "surnames", "not-names")}


def people(text: str) -> list[str]:
    return [text[place.start : place.end] for place in person.find(Text(text, mask(text)), DICTIONARIES)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("From: Stein, Hans-Peter\nTo: Kowalke, Eva-Maria; Thomas, Anna <a@corp.example>",
         ["Stein, Hans-Peter", "Kowalke, Eva-Maria", "Thomas, Anna"]),
        ("Full name: Smith, John", ["Smith, John"]),
        ("Aan: Hoekstra, Fenna; Van den Berg, Saskia", ["Hoekstra, Fenna", "Van den Berg, Saskia"]),
        ("Weber, Anna | August | offen", ["Weber, Anna"]),
    ],
)  # fmt: skip
def test_a_surname_before_the_first_name_is_one_name(text: str, expected: list[str]) -> None:
    assert people(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Teilnehmer: Anna, Peter", ["Anna", "Peter"]),
        (
            "Anwesend: Annegret Freitag, Karl-Heinz König, H. Weber",
            ["Annegret Freitag", "Karl-Heinz König", "H. Weber"],
        ),
        ("We met Thomas, Maria and Paul.", ["Thomas", "Maria", "Paul"]),
        ("Berlin, Montag", []),
    ],
)
def test_a_list_of_names_is_not_reordered(text: str, expected: list[str]) -> None:
    assert people(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Dokument oznacza, że pani {Małgorzata Wójcik} już wyszła.",
        "Bitte fragen Sie {Jürgen von der Heyde} danach.",
        "Dat weet {Pieter van 't Hoff} ook.",
        "Je soussignée {Claire d'Aubigny} certifie que",
        "Firmado: {María de los Ríos}",
        "Hi {Finja},",
        "> Danke\n> {Torsten}",
    ],
)
def test_names_in_many_contexts_are_found(text: str) -> None:
    before, rest = text.split("{")
    name, behind = rest.split("}")
    assert people(before + name + behind) == [name]


def test_a_full_stop_ends_a_run_of_words() -> None:
    text = "The plan of Winterbottom. Anna agrees with Dr. Peter J. Smith."
    found = naming.stretches(text, mask(text), LEXICON, naming.NamedBefore())
    passages = [[text[word.start : word.end] for word in words] for words in found]
    assert passages == [["The"], ["Winterbottom"], ["Anna"], ["Dr", "Peter", "J", "Smith"]]


@pytest.mark.parametrize(
    ("word", "flags"),
    [
        ("Wójcik", lexicon.SURNAME),
        ("Zuzanna", lexicon.FIRST),
        ("Agnieszkę", lexicon.INFLECTED),
        ("Kowalczykiem", lexicon.INFLECTED),
        ("Xqzwk", 0),
    ],
)
def test_the_lexicon_returns_the_flags_of_a_word(word: str, flags: int) -> None:
    every = lexicon.FIRST | lexicon.SURNAME | lexicon.INFLECTED | lexicon.PLACED
    kind = LEXICON.known(word).kind
    assert kind & every & flags == flags
    assert flags or not kind & every


@pytest.mark.slow
def test_hidden_names_are_not_in_the_table() -> None:
    root = RULES.parent
    assert Table(table(root)).code("zuzanna") & lexicon.GIVEN
    assert not Table(table(root, frozenset(("zuzanna",)))).code("zuzanna") & lexicon.GIVEN


class _Places(list[tuple[int, int]]):
    """Places of which single ones are read, not a copy of all that follow: a list of names takes quadratic time so."""

    def __getitem__(self, key: Any) -> Any:
        assert isinstance(key, int)
        return super().__getitem__(key)


def test_names_with_a_comma_are_compared_only_with_persons_near_them() -> None:
    text = "Smith, John; Miller, Anna\n" * 20
    persons = [(found.start(), found.end()) for found in re.finditer(r"\w+, \w+", text)]
    places = person._turned(Text(text, mask(text)), LEXICON, _Places(persons))
    assert [place.value for place in places] == ["john smith", "anna miller"] * 20


def test_a_name_in_the_first_line_is_found_next_to_other_data(detector: Detector) -> None:
    matches = detector.find("Anna Schmidt\nSSN 536-90-4399")
    assert [match.identifier for match in matches] == ["person-name", "us-ssn"]
