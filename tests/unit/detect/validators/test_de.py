"""German check digits: published sample numbers, and these with one character changed."""

import pytest

from holdgate.detect.validators import de


@pytest.mark.parametrize("value", ["A123456780", "P366014132"])
def test_only_a_valid_kvnr_is_accepted(value: str) -> None:
    assert de.kvnr(value)
    assert not de.kvnr(value[:-1] + str((int(value[-1]) + 1) % 10))


def test_a_kvnr_letter_counts_by_its_position_in_the_alphabet() -> None:
    assert [letter for letter in "ABCDEFGHIJ" if de.kvnr(f"{letter}123456780")] == ["A"]


def test_only_a_valid_rvnr_is_accepted() -> None:
    assert de.rvnr("15070649C103")
    assert not de.rvnr("15070649C104")
    assert not de.rvnr("15070649D103")


@pytest.mark.parametrize("value", ["15631249C10", "15071349C10"])
def test_an_rvnr_without_a_valid_date_is_refused(value: str) -> None:
    assert not any(de.rvnr(f"{value}{check}") for check in range(10))


@pytest.mark.parametrize("value", ["T220001293", "C01X00T478", "L01X00T471", "LZ6311T475"])
def test_only_a_valid_document_number_is_accepted(value: str) -> None:
    assert de.document(value)
    assert de.document(value + "D")
    assert not de.document(value[:8] + "9" + value[9:]) or value[8] == "9"
    assert not de.document(value[:-1] + str((int(value[-1]) + 1) % 10))


def test_only_a_valid_drivers_licence_is_accepted() -> None:
    assert de.drivers_licence("B072RRE2I55")
    assert de.drivers_licence("B072RRE2I51"), "the last character counts the copies"
    assert not de.drivers_licence("B072RRE2I65")
    assert not de.drivers_licence("C072RRE2I55")


def test_a_drivers_licence_has_exactly_one_check_digit() -> None:
    checks = [check for check in "0123456789X" if de.drivers_licence(f"B000RRE2I{check}5")]
    assert len(checks) == 1
