"""Singapore NRIC and FIN of every series."""

import pytest

from holdgate.detect.validators import sg


@pytest.mark.parametrize("value", ["S1234567D", "T1234567J", "F1234567N", "G1234567X", "M1234567K"])
def test_a_valid_nric_is_accepted(value: str) -> None:
    assert sg.nric(value)


@pytest.mark.parametrize("value", ["S1234567E", "A1234567D", "M1234567X", "S123456D", "STUVWXYZD"])
def test_an_invalid_nric_is_refused(value: str) -> None:
    assert not sg.nric(value)
