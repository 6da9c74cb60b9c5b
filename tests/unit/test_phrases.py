"""Parts of sentences: counts with their noun, reasons of errors."""

import pytest

from holdgate.phrases import counted, reason_of


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (11, "11 entries"), (101, "101 entries")]
)
def test_a_noun_fits_its_number(number: int, text: str) -> None:
    assert counted(number, "entry", "entries") == text
    assert counted(number, "row") == f"{number} row{'' if number == 1 else 's'}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(2, "No such file or directory", "/x"), "No such file or directory"),
        (TimeoutError("timed out"), "timed out"),
        (ValueError("not a certificate"), "not a certificate"),
        (ConnectionError(), "ConnectionError"),
    ],
)
def test_a_reason_has_no_number_and_no_path(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
