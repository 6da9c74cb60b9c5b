"""Values of labelled fields and columns: special categories of article 9 GDPR."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Confidence, Detector
from holdgate.detect import detector as engine
from holdgate.detect.candidates import mask
from holdgate.detect.fields import Fields
from holdgate.detect.identifiers import Shape
from holdgate.detect.keywords import Keywords
from holdgate.detect.tables import Tables
from holdgate.detect.tomlfile import RuleError

KINDS = {
    "religious-belief",
    "trade-union-membership",
    "sexual-orientation",
    "medical-term",
    "political-opinion",
    "ethnic-origin",
    "genetic-data",
    "biometric-data",
}
KEYWORDS = Keywords([["religion"], ["catholic", "hindu"], ["name", "phone", "born"]])
RECORD = 2


def found(detector: Detector, text: str, places: tuple[tuple[int, str], ...] = ()) -> list[tuple[str, str, Confidence]]:
    """Return the values of fields in a text, each with its identifier and confidence."""
    return [
        (text[match.start : match.end], match.identifier, match.confidence)
        for match in detector.find(text, places)
        if match.identifier in KINDS
    ]


def label(text: str, value: str) -> str:
    """Return the label of a value, "" if it is not that of a field."""
    hits = KEYWORDS.find(text, mask(text))
    start = text.index(value)
    word = Fields(text, hits, lambda: Tables(text), RECORD).label([0], start, start + len(value), 1)
    return "" if word is None else text[word.start : word.end]


@pytest.mark.parametrize(
    "text",
    [
        "Religion: Catholic",
        "Religion : Catholic",
        "religion=Catholic",
        "religion = Catholic",
        "religion => 'Catholic',",
        '{"religion": "Catholic", "name": "x"}',
        '<person name="x" religion="Catholic"/>',
        "**Religion:** Catholic",
        "- Religion: Catholic",
        "3. Religion: Catholic",
        "> Religion: Catholic",
        "Religion (optional): Catholic",
        "Religion*: Catholic",
        "Religion ......: Catholic",
        "Religion:\nCatholic",
        "Religion:\r\nCatholic\r\n",
        "Religion\tCatholic\n",
        "| Religion | Catholic |",
        "born 1980, Religion: Catholic, married",
        "Married. Religion: Catholic. One child.",
        "Single  Religion: Catholic  Ulm",
        "employee_religion: Catholic",
        "Patient's religion: Catholic",
        "Religion;Town\nCatholic;Ulm",
        'Town,"Religion"\n"Ulm","Catholic"\n',
        "| Town | Religion |\n|---|---|\n| Ulm | Catholic |",
        "INSERT INTO staff (town, religion) VALUES ('Ulm', 'Catholic');",
        # Without a separator.
        "Religion  Catholic",
        "  Religion        Catholic\n  Town            Ulm",
        "Employee religion   Catholic",
        "Name Ann Lee\nBorn 1980\nReligion Catholic\nTown Ulm",
        "Name Ann Lee\n\nReligion Catholic\n\nPhone 0731",
        "Name\nAnn Lee\nBorn\n1980\nReligion\nCatholic\n",
        "Name\r\nAnn Lee\r\n\r\nReligion\r\nCatholic\r\n\r\nPhone\r\n0731\r\n",
        "Town   Religion\nUlm    Catholic",
        "Religion   Town\n--------   ----\nCatholic   Ulm\nHindu      Bonn",
        "No.  Town            Religion\n 1   Ulm             Hindu\n 2   Schwaebisch..   Catholic",
    ],
)
def test_the_whole_value_of_a_field_has_a_label(text: str) -> None:
    assert label(text, "Catholic").lower() == "religion"


@pytest.mark.parametrize(
    "text",
    [
        "Religion Catholic",
        "Religion, Catholic",
        "Religion/Catholic",
        "Religion - Catholic",
        "Religion\nCatholic",
        "Religion: Catholic Church history",
        "Religion: Catholic-minded",
        "Religion: the Catholic",
        "Religion: Catholic/Hindu",
        "Religion: Catholic, Hindu, other",
        "Subject: Religion: Catholic",
        "The school's religion: Catholic",
        "World religion: Catholic",
        "Religion of the school: Catholic",
        "self.religion = Catholic",
        "?religion=Catholic&page=2",
        "https://www.example/?a=1&religion=Catholic",
        "News | Religion | Catholic | Sport",
        "Religion;Town\nCatholic Church;Ulm",
        "Religion;Town\nUlm;Catholic",
        "Religion history;Town\nCatholic;Ulm",
        "irreligion: Catholic",
        # Without a separator, and not in a record.
        "World religion   Catholic",
        "Religion   Catholic Church history",
        "Religion   Catholic   Hindu",
        "Name Ann Lee\nReligion Catholic",
        "Name Ann Lee\nBorn 1980\nTown Ulm\nTown Bonn\nReligion Catholic",
        "Name Ann Lee\nBorn 1980\nReligion Catholic Church",
        "Name: Ann Lee\nBorn: 1980\nReligion Catholic",
        "Name\nBorn\nReligion\nCatholic\nPhone\n",
        "Phone\n0731\nName\nAnn Lee\nSections\nReligion\nCatholic\nSport",
        "Town    Religion\nUlm   Catholic",
        "Town   Religion\n\nUlm    Catholic",
        "Town   Religion history\nUlm    Catholic",
        "The town has no religion\nUlm             Catholic",
    ],
)
def test_other_text_next_to_a_label_is_no_value(text: str) -> None:
    assert label(text, "Catholic") == ""


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("Religion: Catholic", "Catholic", "religious-belief"),
        ("Konfession: röm.-kath.", "röm.-kath", "religious-belief"),
        ("Religion : catholique", "catholique", "religious-belief"),
        ("Religión: católica", "católica", "religious-belief"),
        ("Religione: cattolica", "cattolica", "religious-belief"),
        ("Godsdienst: rooms-katholiek", "rooms-katholiek", "religious-belief"),
        ("Wyznanie: rzymsko-katolickie", "rzymsko-katolickie", "religious-belief"),
        ("Religião: católica", "católica", "religious-belief"),
        ("Orientation: gay", "gay", "sexual-orientation"),
        ("Sexuelle Orientierung: schwul", "schwul", "sexual-orientation"),
        ("Orientación: gay", "gay", "sexual-orientation"),
        ("Orientamento sessuale: gay", "gay", "sexual-orientation"),
        ("Geaardheid: homo", "homo", "sexual-orientation"),
        ("Orientacja: gej", "gej", "sexual-orientation"),
        ("Orientação sexual: gay", "gay", "sexual-orientation"),
        ("Gewerkschaft: IG Metall", "IG Metall", "trade-union-membership"),
        ("Syndiqué : oui", "oui", "trade-union-membership"),
        ("Sindicato: CCOO", "CCOO", "trade-union-membership"),
        ("Iscritto al sindacato: sì", "sì", "trade-union-membership"),
        ("Vakbondslid: ja", "ja", "trade-union-membership"),
        ("Disability: blind", "blind", "medical-term"),
        ("Handicap : oui", "oui", "medical-term"),
        ("Niepełnosprawność: tak", "tak", "medical-term"),
        ("Deficiência: sim", "sim", "medical-term"),
        ("GdB: 60 %", "60 %", "medical-term"),
        ("Party affiliation: Labour", "Labour", "political-opinion"),
        ("Parteimitglied: ja", "ja", "political-opinion"),
        ("Ethnicity: Asian British", "Asian British", "ethnic-origin"),
        ("Cor ou raça: parda", "parda", "ethnic-origin"),
        ("Karyotype: 45,X", "45,X", "genetic-data"),
        ("Mutation: c.1521_1523del", "c.1521_1523del", "genetic-data"),
    ],
)
def test_a_field_alone_is_of_low_confidence(detector: Detector, text: str, value: str, kind: str) -> None:
    assert found(detector, text) == [(value, kind, Confidence.LOW)]


@pytest.mark.parametrize(
    "text",
    [
        "Name: Anna Schmidt\nReligion: Catholic\nTown: Ulm",
        "Date of birth: 1980-03-12\nReligion: Catholic",
        "mail,religion\nanna.schmidt@corp.example,Catholic",
        "Religion;Name\nCatholic;Anna Schmidt",
        '{"name": "Anna Schmidt", "religion": "Catholic"}',
        "<employee><name>Anna Schmidt</name><religion>Catholic</religion></employee>",
        "<table><tr><th>Name</th><th>Religion</th></tr><tr><td>Anna Schmidt</td><td>Catholic</td></tr></table>",
    ],
)
def test_a_field_of_the_record_of_a_person_is_of_medium_confidence(detector: Detector, text: str) -> None:
    assert [one[1:] for one in found(detector, text)] == [("religious-belief", Confidence.MEDIUM)]
    of_europe = detector.with_profile("dlp-gdpr")
    hits = of_europe.evaluate(of_europe.find(text)).hits
    assert "special-category-field" in [hit.rule for hit in hits]


def test_the_column_of_a_sheet_is_a_field(detector: Detector) -> None:
    cells = ["Name", "Religion", "Anna Schmidt", "Catholic", "Peter Weber", "none", "Maria Becker", "ev."]
    text, places = "", []
    for number, cell in enumerate(cells):
        places.append((len(text), f"sheet Staff, {'AB'[number % 2]}{number // 2 + 1}"))
        text += cell + ("\n" if number % 2 else "\t")
    assert [one[0] for one in found(detector, text, tuple(places))] == ["Catholic", "ev"]


def test_the_heading_of_a_column_is_evidence_in_all_rows_of_a_file_of_csv(detector: Detector) -> None:
    rows = ["No\tTown\tReligion\tSocial security number", *["1\tUlm\tnone\t"] * 50, "2\tUlm\tCatholic\t536904399"]
    text = "\n".join(rows)
    starts = [sum(len(row) + 1 for row in rows[:number]) for number in range(len(rows))]
    places = [(start, f"row {number}") for number, start in enumerate(starts, 1)]
    found = [(match.identifier, match.confidence) for match in detector.find(text, places)]
    assert found == [("religious-belief", Confidence.LOW), ("us-ssn", Confidence.MEDIUM)]
    pages = [(start, f"page {number}") for number, start in enumerate(starts, 1)]
    assert detector.find(text, pages) == []


def test_a_person_in_the_same_line_is_near_at_any_usual_width(detector: Detector) -> None:
    filler = ";x" * 150
    text = f"Name{filler};Religion\nAnna Schmidt{filler};Catholic"
    assert [one[2] for one in found(detector, text)] == [Confidence.LOW]
    text = f"Mail{filler};Religion\nanna@corp.example{filler};Catholic"
    assert [one[2] for one in found(detector, text)] == [Confidence.MEDIUM]
    text = f"anna@corp.example\n{'x ' * 150}\nReligion: Catholic"
    assert [one[2] for one in found(detector, text)] == [Confidence.LOW]


def test_a_column_of_fields_does_not_keep_names_from_being_found(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FREE_CANDIDATES", 40)
    rows = 30
    scan = detector.scan("Name;Disability\n" + "Anna Schmidt;yes\n" * rows)
    assert scan.limited == ""
    found = Counter((match.identifier, match.confidence) for match in scan.matches)
    assert found == {("person-name", Confidence.LOW): rows, ("medical-term", Confidence.MEDIUM): rows}


def test_too_many_fields_are_reported(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FREE_CANDIDATES", 20)
    text = "Id;Disability\n" + "1;yes\n" * 40
    most = 20 + len(text) // engine.CHARACTERS_A_FIELD
    assert most < 40
    scan = detector.scan(text)
    assert (scan.limited, len(scan.matches)) == ("too many candidates", most)
    assert detector.scan("Id;Disability\n" + "1;yes\n" * 20).limited == ""


def test_a_table_of_numbers_of_members_is_of_no_person(detector: Detector) -> None:
    text = "Religion\tMembers\nCatholic\t300\nHindu\t200"
    assert {one[2] for one in found(detector, text)} == {Confidence.LOW}
    of_europe = detector.with_profile("dlp-gdpr")
    assert not of_europe.evaluate(of_europe.find(text)).hits


def test_a_column_far_from_the_beginning_of_its_line_has_no_heading() -> None:
    for cells, expected in ((3_400, ""), (400, "Religion")):
        row = "x  " * cells
        assert label(f"{row}Religion\n{row}Catholic", "Catholic") == expected


def test_a_cell_far_from_the_beginning_of_its_line_has_no_heading() -> None:
    row = "x;" * 5_100
    assert label(f"{row}Religion\n{row}Catholic", "Catholic") == ""
    row = "x;" * 1_000
    assert label(f"{row}Religion\n{row}Catholic", "Catholic") == "Religion"


@pytest.mark.parametrize(
    "line",
    [
        "disabled: yes",
        "disabled: true",
        "Health: good",
        "Orientation: portrait",
        "Party: green decorations",
        "Political party: all",
        "Race: 10 km",
        "Mutation: createUser",
        "Key fingerprint: SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
        "Weights: -0.0945, 0.1230, 0.0412, -0.0101, -0.0522, 0.0377, -0.0898, -0.1410",
    ],
)
def test_settings_and_other_meanings_are_no_special_category(detector: Detector, line: str) -> None:
    assert found(detector, f"name: Anna Schmidt\nmail: anna@corp.example\n{line}\n") == []


VECTOR = "-0.0945, 0.1230, 0.0412, -0.0101, -0.0522, 0.0377, -0.0898, -0.1410"


@pytest.mark.parametrize("brackets", ["{}", "[{}]", "[\n    {}\n  ]", "({})"])
def test_a_vector_of_a_face_counts_in_the_record_of_a_person(detector: Detector, brackets: str) -> None:
    text = f'{{"name": "Anna Schmidt", "face_encoding": {brackets.format(VECTOR)}}}'
    assert found(detector, text) == [(VECTOR, "biometric-data", Confidence.MEDIUM)]
    assert found(detector, text.replace("face_encoding", "weights")) == []


@given(
    st.lists(
        st.sampled_from(
            ["religion", "catholic", "name", ":", "=", "|", "\t", "\n", ";", ",", " ", "  ", '"', "(", "x", "ß"]
        )
    ),
)
def test_a_label_is_a_word_of_the_list_outside_the_value(pieces: list[str]) -> None:
    text = "".join(pieces)
    hits = KEYWORDS.find(text, mask(text))
    fields = Fields(text, hits, lambda: Tables(text), RECORD)
    for words in hits.of(1):
        for word in words:
            name = fields.label([0], word.start, word.end, 1)
            if name is not None:
                assert text[name.start : name.end] == "religion"
                assert name.end < word.start
                assert not text[word.end : word.end + 1].isalnum()


@given(st.text(st.sampled_from("a:=|\t\n;, \"'(ß."), max_size=40), st.integers(0, 40), st.integers(0, 10))
def test_any_place_of_any_text_can_be_asked(text: str, start: int, length: int) -> None:
    text = f"religion{text}"
    start = min(start, len(text))
    fields = Fields(text, KEYWORDS.find(text, mask(text)), lambda: Tables(text), RECORD)
    name = fields.label([0], start, min(start + length, len(text)))
    assert name is None or name.end <= start


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"finder": "x"}, "field_lists goes with a dictionary or search"),
        ({"dictionary": "x", "said_of_person": True}, "not with said_of_person"),
        ({"dictionary": "x", "near_identifiers": []}, "field_lists and near_identifiers go together"),
    ],
)
def test_an_invalid_shape_of_a_field_is_refused(given: dict[str, object], problem: str) -> None:
    shape = {"name": "x", "without_evidence": "low", "with_evidence": "medium", "field_lists": ["field-religion"]}
    shape |= {"near_identifiers": ["person-name"]}
    assert Shape.model_validate(shape | {"search": "x"}).field_lists == ("field-religion",)
    with pytest.raises(ValueError, match=problem):
        Shape.model_validate(shape | given)


@pytest.mark.parametrize(
    "text",
    [
        "Name        Anna Schmidt\nReligion    Catholic\n",
        "Name            Religion    Town\nAnna Schmidt    Catholic    Ulm\n",
        "Name Anna Schmidt\nDate of birth 12.03.1980\nReligion Catholic\n",
        "Vorname\nAnna\nNachname\nSchmidt\nGeburtsdatum\n12.03.1980\nKonfession\nCatholic\n",
    ],
)
def test_fields_without_separators_are_of_medium_confidence_in_a_record(detector: Detector, text: str) -> None:
    assert found(detector, text) == [("Catholic", "religious-belief", Confidence.MEDIUM)]


def test_disabled_counts_next_to_a_date_of_birth_only(detector: Detector) -> None:
    account = "name: Anna Schmidt\nmail: anna@corp.example\ndisabled: yes\n"
    assert found(detector, account) == []
    assert found(detector, f"date of birth: 1980-03-12\n{account}") == [("yes", "medical-term", Confidence.MEDIUM)]


def test_a_field_can_count_only_in_the_record_of_a_person(tmp_path: Path) -> None:
    rule = """id = "grade"
description = "Grade of a person"
region = "global"
source = ["handbook"]

[[shapes]]
name = "value of a field"
search = '[A-F]'
field_lists = ["field-grade"]
near_identifiers = ["mail"]
without_evidence = "none"
with_evidence = "high"

[samples]
high = ["x"]
medium = ["x"]
low = ["x"]
none = ["x", "y", "z"]
"""
    mail = """id = "mail"
description = "Address of a person"
region = "global"
source = ["handbook"]

[[shapes]]
name = "address"
finder = "email-address"
without_evidence = "low"
with_evidence = "low"

[samples]
low = ["x", "y", "z"]
none = ["x", "y", "z"]
"""
    words = 'id = "field-grade"\ndescription = "Names of fields"\n\n[keywords]\nen = ["grade"]\n'
    profile = 'id = "mine"\ndescription = "test"\n\n[[rules]]\nname = "grade"\ndescription = "test"\n'
    profile += 'any = [{ identifiers = "grade" }]\nseverity = { low = 1 }\n'
    for name, text in (
        ("identifiers/grade", rule),
        ("identifiers/mail", mail),
        ("keywords/field-grade", words),
        ("profiles/mine", profile),
    ):
        path = tmp_path / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    detector = Detector.from_rules(tmp_path, "mine")
    found = [(one.identifier, one.confidence) for one in detector.find("anna@corp.example, grade: B")]
    assert found == [("mail", Confidence.LOW), ("grade", Confidence.HIGH)]
    assert detector.find("grade: B") == []
    assert [one.identifier for one in detector.find("anna@corp.example got a B")] == ["mail"]
    (tmp_path / "identifiers/grade.toml").write_text(rule.replace('["mail"]', '["post"]'))
    with pytest.raises(RuleError, match=r'shapes\.0\.near_identifiers: there is no identifier "post"'):
        Detector.from_rules(tmp_path, "mine")
