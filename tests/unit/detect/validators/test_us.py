"""US numbers: those that the issuers and registries print as examples, and their near misses."""

import pytest

from holdgate.detect.validators import us


@pytest.mark.parametrize(
    "value", ["912501234", "912651234", "912701234", "912881234", "912901234", "912941234", "912991234"]
)
def test_a_valid_itin_is_accepted(value: str) -> None:
    assert us.itin(value)


@pytest.mark.parametrize(
    "value", ["912491234", "912661234", "912891234", "912931234", "812701234", "912700000", "91270123", "91270123A"]
)
def test_an_invalid_itin_is_refused(value: str) -> None:
    assert not us.itin(value)


@pytest.mark.parametrize("value", ["021000021", "011401533", "091000019", "122105155"])
def test_a_valid_routing_number_is_accepted(value: str) -> None:
    assert us.routing_number(value)


@pytest.mark.parametrize(
    "value", ["021000022", "201000021", "131000021", "000000000", "02100002", "0210000210", "02100002A"]
)
def test_an_invalid_routing_number_is_refused(value: str) -> None:
    assert not us.routing_number(value)


def test_only_a_valid_routing_number_with_account_is_accepted() -> None:
    assert us.routing_and_account("0210000211234")
    assert not us.routing_and_account("0210000221234")
    assert not us.routing_and_account("021000021")


@pytest.mark.parametrize("value", ["1234567893", "1245319599", "808401234567893"])
def test_a_valid_npi_is_accepted(value: str) -> None:
    assert us.npi(value)


@pytest.mark.parametrize(
    "value", ["1234567890", "3234567893", "123456789", "808411234567893", "12345678931", "123456789A"]
)
def test_an_invalid_npi_is_refused(value: str) -> None:
    assert not us.npi(value)


@pytest.mark.parametrize("value", ["AB1234563", "BJ6125341", "F91234563"])
def test_a_valid_dea_number_is_accepted(value: str) -> None:
    assert us.dea(value)


@pytest.mark.parametrize("value", ["AB1234567", "AB0000000", "AB123456", "A11234563", "AB12345633"])
def test_an_invalid_dea_number_is_refused(value: str) -> None:
    assert not us.dea(value)
