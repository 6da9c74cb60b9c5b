"""Mexican bank keys, and keys of the population register."""

import pytest

from holdgate.detect.validators import mx


@pytest.mark.parametrize("value", ["032180000118359719", "002010077777777771"])
def test_a_valid_clabe_is_accepted(value: str) -> None:
    assert mx.clabe(value)


@pytest.mark.parametrize("value", ["032180000118359718", "03218000011835971", "03218000011835971A"])
def test_an_invalid_clabe_is_refused(value: str) -> None:
    assert not mx.clabe(value)


# The first is an example of python-stdnum; the sex of the others was changed, and their check digit computed again.
@pytest.mark.parametrize("value", ["BOXW310820HNERXN09", "BOXW310820MNERXN09", "BOXW310820XNERXN03"])
def test_a_curp_has_exactly_one_check_digit(value: str) -> None:
    assert [digit for digit in "0123456789" if mx.curp(value[:-1] + digit)] == [value[-1]]


@pytest.mark.parametrize("value", ["BOXW310820NNERXN03", "BOXW311320XNERXN03", "BOXW310820XZZRXN03", "BOXW310820X", ""])
def test_an_invalid_curp_is_refused(value: str) -> None:
    assert not mx.curp(value)
