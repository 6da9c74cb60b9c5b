"""The engine through its public interface: places, evidence, tables, obfuscations, codes, and secrecy of matches."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.detect import Confidence, Detector, Match, obfuscation
from holdgate.detect import detector as engine

RULES = Path(__file__).resolve().parents[3] / "rules"
CARD = "4111 1111 1111 1111"


def found(detector: Detector, text: str, identifier: str = "payment-card") -> list[str]:
    return [
        text[match.start : match.end]
        for match in detector.find(text)
        if match.identifier == identifier and match.confidence >= Confidence.MEDIUM
    ]


def test_an_empty_text_has_no_match(detector: Detector) -> None:
    assert detector.find("") == []
    assert detector.evaluate([]).severity is None


def test_confidences_are_ordered() -> None:
    assert Confidence.LOW < Confidence.MEDIUM < Confidence.HIGH
    assert max(Confidence.HIGH, Confidence.MEDIUM) is Confidence.HIGH


def test_a_value_is_never_shown(detector: Detector) -> None:
    match = detector.find(f"card {CARD}")[0]
    assert match.value == "4111111111111111"
    assert "4111" not in repr(match)
    assert "4111" not in str(match)
    evaluation = detector.evaluate([match])
    assert "4111" not in repr(evaluation)


def test_an_explanation_is_masked_and_has_reasons(detector: Detector) -> None:
    explanation = detector.explain(f"credit card {CARD}")[0]
    assert explanation.masked == "**** **** **** 1111"
    assert "checksum holds" in explanation.reasons
    assert '"credit card" 1 character before it' in explanation.reasons


@pytest.mark.parametrize(
    "table",
    [
        "name\tcard number\tcity\n" + "x\t1\ty\n" * 40 + "Ann\t4111111111111111\tBonn\n",
        "name,card number,city\n" + "x,1,y\n" * 40 + "Ann,4111111111111111,Bonn\n",
        "| name | card number |\n" + "| x | 1 |\n" * 40 + "| Ann | 4111111111111111 |\n",
        "card number;name\n" + "1;x\n" * 60 + "4111111111111111;Ann",
    ],
)
def test_a_heading_is_evidence_for_its_column(detector: Detector, table: str) -> None:
    assert found(detector, table) == ["4111111111111111"]


def test_a_heading_is_not_evidence_for_another_column(detector: Detector) -> None:
    table = "ssn,order\n536904399,536904398\n"
    assert found(detector, table, "us-ssn") == ["536904399"]


def test_cells_of_a_sheet_use_their_heading(detector: Detector) -> None:
    cells = ["Name", "Social Security", *(["Ann", "x"] * 40), "Ben", "536904399"]
    text, places = "", []
    for index, cell in enumerate(cells):
        places.append((len(text), f"sheet Staff, {'AB'[index % 2]}{index // 2 + 1}"))
        text += cell + "\n"
    matches = [match for match in detector.find(text, places) if match.identifier == "us-ssn"]
    assert [text[match.start : match.end] for match in matches] == ["536904399"]
    assert not [match for match in detector.find(text) if match.identifier == "us-ssn"]


@pytest.mark.parametrize(
    "written",
    [
        "4111_1111_1111_1111",
        "4111 | 1111 | 1111 | 1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111\n> 1111\n> 1111\n> 1111",
        "4lll 1111 1111 llll",
        "four one one one one one one one one one one one one one one one",
        "1111 1111 1111 1114",
        "x4111111111111111y",
        "0004111111111111111",
        '{"a":"4111","b":"1111","c":"1111","d":"1111"}',
        "4111<b></b>111111111111",
        "NDExMSAxMTExIDExMTEgMTExMQ==",
        "34313131203131313120313131312031313131",
        "6GOJ2C9064OJ2C9064OJ2C9064OJ2C8=",
        "6goj2c9064oj2c9064oj2c9064oj2c8=",
        "%34%31%31%31111111111111",
        "4.111111111111111e15",
        "4.111111111111111E15",
        "4,111,111,111,111,111",
        "사일일일 일일일일 일일일일 일일일일",
        "〤〡〡〡 〡〡〡〡 〡〡〡〡 〡〡〡〡",
        "neljä " + "yksi " * 15,
        "dört " + "bir " * 15,
        "أربعة " + "واحد " * 15,
        "⠼⠙⠁⠁⠁ ⠼⠁⠁⠁⠁ ⠼⠁⠁⠁⠁ ⠼⠁⠁⠁⠁",
    ],
)
def test_an_obfuscated_number_is_found_near_a_keyword(detector: Detector, written: str) -> None:
    assert found(detector, f"my credit card number is {written} ok")


@pytest.mark.parametrize(
    "written",
    [
        "4111_1111_1111_1112",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2",
        "4111, 1111, 1111, 1111, 1111, 1111",
        "NDExMSAxMTExIDExMTEgMTExMg==",
        "4.111111111111112e15",
        "4.111111111111111e14",  # not a whole number
        "4.111111111111111e25",
        "a4.111111111111111e15",
        "4,111,111,111,111,112",
        "4,111,111,111,111,11",
        "41,111,111,111,111,11",
        "neljä " + "yksi " * 14 + "kaksi",
        "⠙⠁⠁⠁ ⠁⠁⠁⠁ ⠁⠁⠁⠁ ⠁⠁⠁⠁",  # letters without the number sign
    ],
)
def test_an_obfuscated_number_needs_a_valid_checksum(detector: Detector, written: str) -> None:
    assert not found(detector, f"my credit card number is {written} ok")


@pytest.mark.parametrize("written", ["4111_1111_1111_1111", "1111 1111 1111 1114", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"])
def test_an_obfuscated_number_needs_a_keyword(detector: Detector, written: str) -> None:
    assert not found(detector, f"the series {written} ends")


def test_a_match_in_an_encoded_run_is_placed_at_the_run(detector: Detector) -> None:
    text = "card: NDExMSAxMTExIDExMTEgMTExMQ== end"
    match = next(match for match in detector.find(text) if match.identifier == "payment-card")
    assert text[match.start : match.end] == "NDExMSAxMTExIDExMTEgMTExMQ=="
    assert match.evidence.obfuscation == "base64"


def test_each_value_in_an_encoded_run_counts(detector: Detector) -> None:
    text = "Social security numbers 219-09-9999 and 536-90-4399\nCredit card 4111 1111 1111 1111\n"
    matches = detector.find(f"see {b64encode(text.encode()).decode()}")
    assert sorted(match.identifier for match in matches) == ["payment-card", "us-ssn", "us-ssn"]
    assert len({(match.start, match.end) for match in matches}) == 1


def tagged(text: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)


def selected(text: str) -> str:
    return "".join(chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in text.encode())


@pytest.mark.parametrize("written", [tagged, selected])
def test_text_in_characters_that_show_nothing_is_searched_at_its_place(
    detector: Detector, written: Callable[[str], str]
) -> None:
    hidden = written(f"her card is {CARD}, as you know")
    text = f"Hello 😀{hidden} and bye"
    (match,) = [match for match in detector.find(text) if match.identifier == "payment-card"]
    assert text[match.start : match.end] == written(CARD)


def test_characters_that_show_nothing_do_not_divide_a_number(detector: Detector) -> None:
    text = "".join(f"{digit}{tagged('12')}" for digit in CARD)
    assert found(detector, f"my credit card number is {text} ok")
    flag = "\U0001f3f4" + tagged("gbsct") + "\U000e007f"
    assert found(detector, f"{flag} my credit card number is {CARD}") == [CARD]


def test_image_maps_and_amounts_are_no_numbers_with_thousands(detector: Detector) -> None:
    for text in ("credit card 120,300,150,340,111,222", "the credit card costs $4,111,111,111,111,111"):
        assert not found(detector, text)


def test_a_field_name_counts_in_nested_json(detector: Detector) -> None:
    text = r'{"body": "{\"creditCardNumber\": \"4111111111111111\"}"}'
    assert [match.confidence for match in detector.find(text)] == [Confidence.HIGH]


def test_an_attribute_is_searched_at_its_position(detector: Detector) -> None:
    text = 'write <a href="mailto:anna@corp.example">to her</a>'
    assert found(detector, text, "email-address") == ["anna@corp.example"]


def test_the_match_with_the_highest_confidence_keeps_a_place(detector: Detector) -> None:
    matches = detector.find(f"call about card {CARD}")
    assert [match.identifier for match in matches] == ["payment-card"]


def test_a_nearer_negative_keyword_rejects_a_match(detector: Detector) -> None:
    assert not found(detector, f"tracking number {CARD}")


def test_nearness_counts_only_within_one_part(detector: Detector) -> None:
    birth = Match("date-of-birth", 0, 10, Confidence.HIGH, "a")
    name = Match("person-name", 20, 30, Confidence.LOW, "b")
    far = Match("person-name", 2000, 2010, Confidence.LOW, "c")
    assert detector.evaluate([[birth, name]]).severity is not None
    assert detector.evaluate([[birth], [name]]).severity is None
    assert detector.evaluate([[birth, far]]).severity is None


def test_unique_values_are_counted_across_all_parts(detector: Detector) -> None:
    matches = [detector.find(f"card {CARD}") for _ in range(9)]
    assert detector.evaluate(matches).hits[0].count == 1


def test_a_profile_can_be_changed_without_loading_again(detector: Detector) -> None:
    secrets = detector.with_profile("dlp-secrets")
    matches = secrets.find(f"card {CARD}")
    assert secrets.evaluate(matches).severity is None
    assert detector.evaluate(matches).severity is not None


SECRET = "social security number 536-90-4399"


def coded(text: str, times: int = 1) -> str:
    data = text.encode()
    for _ in range(times):
        data = b64encode(data)
    return data.decode()


def test_encodings_over_the_limit_are_reported(detector: Detector) -> None:
    runs = [coded(f"Number {number}: 12345, 67890 and so on") for number in range(70)]
    text = ". ".join([*runs, coded(SECRET)])
    assert detector.scan(text).limited == "too much encoded text"
    assert detector.scan(". ".join(runs[:10])).limited == ""


@pytest.mark.slow
def test_an_encoding_that_is_too_long_is_reported_if_it_is_text(detector: Detector) -> None:
    assert detector.scan(coded("Ünïcödé 12345 " * 80_000)).limited == "too much encoded text"
    picture = Random(1).randbytes(1_200_000)
    assert detector.scan(b64encode(picture).decode()).limited == ""


def test_nested_encodings_over_the_limit_are_reported(detector: Detector) -> None:
    assert detector.scan(coded(SECRET, 3)).limited == ""
    assert found(detector, coded(SECRET, 3), "us-ssn")
    assert detector.scan(coded(SECRET, 4)).limited == "too much encoded text"


def test_obfuscated_candidates_over_the_limit_are_reported(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "card number 4-1-1-1 1-1-1-1 2-2-2-2 3-3-3-3 " * 40
    assert detector.scan(text).limited == ""
    monkeypatch.setattr(obfuscation, "FREE_TRIALS", 0)
    assert detector.scan(text).limited == "too many obfuscated candidates"


def test_the_limits_apply_in_attributes_and_encodings(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FREE_CANDIDATES", 2)
    assert detector.scan("<a title='" + "a@b.example " * 30 + "'>").limited == "too many candidates"
    assert detector.scan(coded("a@b.example " * 30)).limited == "too many candidates"


def test_an_encoding_that_begins_with_lower_case_letters_is_found(detector: Detector) -> None:
    assert found(
        detector, coded("jij" * 5 + f" the {SECRET}, of our dear employee, please keep it to yourself"), "us-ssn"
    )


def test_hostile_text_is_cut_off_and_marked_as_limited(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FREE_CANDIDATES", 10)
    assert detector.scan("a@b.example " * 500).limited == "too many candidates"
    assert detector.scan("a@b.example").limited == ""


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["card ", "4111", " ", "1111", "-", "\n", "\u200b", "<b>", "&#49;", "x", "@", "a.b", "ssn "]),
        max_size=25,
    )
)
def test_every_match_is_inside_the_text_and_in_order(detector: Detector, pieces: list[str]) -> None:
    text = "".join(pieces)
    matches = detector.find(text)
    assert all(0 <= match.start < match.end <= len(text) for match in matches)
    assert [match.start for match in matches] == sorted(match.start for match in matches)


@pytest.mark.parametrize(
    ("text", "passports"),
    [
        ("Passport 987654321, tax number 123456789", ["987654321"]),
        ("Tax number 123456789, passport 987654321", ["987654321"]),
        ("PASSPORT NO. 987654321 TAX NO. IS 123456789", ["987654321"]),
        ("987654321 (passport), 123456789 (driver's licence)", ["987654321"]),
        ("Passport and driving licence: 987654321", ["987654321"]),
        ("Passports: 987654321, 123456789", ["987654321", "123456789"]),
        ("Passport 987654321, issued to Ann; 123456789", ["987654321", "123456789"]),
        ("passport, tax number 123456789", ["123456789"]),
        ("tax number 12345, passport 987654321", ["987654321"]),
        ("987654321 passport", ["987654321"]),
        ("passport 987654321, SSN 536-90-4399", ["987654321"]),
        ("SSN 536-90-4399, passport 987654321", ["987654321"]),
        ("Passport 987654321 or one 123456789", ["987654321", "123456789"]),
        ("Two passports 987654321, two 123456789", ["987654321", "123456789"]),
        ("passport numero 987654321, tax id numero 123456789", ["987654321"]),
        ("passport nummer 987654321, tax id nummer 123456789", ["987654321"]),
        ("Passport: Nr 987654321, tax number Nr 123456789", ["987654321"]),
    ],
)
def test_a_number_belongs_to_the_label_next_to_it(detector: Detector, text: str, passports: list[str]) -> None:
    assert found(detector, text, "us-passport") == passports


@pytest.mark.parametrize("text", ["account 12345678, BSB 733-000", "BSB 733-000, account 12345678"])
def test_a_number_in_another_form_is_not_a_competing_match(detector: Detector, text: str) -> None:
    assert found(detector, text, "au-bank-account") == ["12345678"]
