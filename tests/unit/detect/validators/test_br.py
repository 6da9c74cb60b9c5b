"""Brazilian numbers: published examples, each with a wrong check digit, a wrong length and one digit all over."""

from collections.abc import Callable

import pytest

from holdgate.detect.validators import br

GOOD = [
    (br.cpf, "39053344705"),
    (br.cnh, "02650306461"),
    (br.cnh, "98765432100"),
    (br.pis, "12056412278"),
    (br.titulo_eleitor, "106644440302"),
    (br.titulo_eleitor, "123400090116"),  # São Paulo: check digit 0 is written 1
    (br.cns, "700001234567800"),
    (br.rg, "246781312"),
    (br.rg, "12345606X"),
]
BAD = [
    (br.cpf, "39053344706"),
    (br.cpf, "11111111111"),
    (br.cnh, "02650306462"),
    (br.cnh, "11111111111"),
    (br.cnh, "0265030646"),
    (br.pis, "12056412279"),
    (br.pis, "00000000000"),
    (br.titulo_eleitor, "106644440303"),
    (br.titulo_eleitor, "106644442902"),
    (br.cns, "300001234567890"),
    (br.cns, "70000123456789"),
    (br.rg, "24678131X"),
    (br.rg, "2467813"),
]
Validator = Callable[[str], bool]


@pytest.mark.parametrize(("validator", "value"), GOOD)
def test_an_issued_number_is_accepted(validator: Validator, value: str) -> None:
    assert validator(value)


@pytest.mark.parametrize(("validator", "value"), BAD)
def test_a_number_that_cannot_be_issued_is_refused(validator: Validator, value: str) -> None:
    assert not validator(value)


@pytest.mark.parametrize("digits", ["02", "04"])
def test_both_check_digits_of_a_cnh_with_first_remainder_ten_are_accepted(digits: str) -> None:
    assert br.cnh("123456702" + digits)
