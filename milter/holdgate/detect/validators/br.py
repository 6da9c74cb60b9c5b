"""Numbers issued in Brazil."""

from stdnum.br import cpf as stdnum_cpf


def _weighted(value: str, weights: tuple[int, ...]) -> int:
    return sum(int(n) * w for n, w in zip(value, weights, strict=True))


def cpf(value: str) -> bool:
    """Whether it is a CPF number with its check digits, and not one digit all over (none such is issued)."""
    return len(set(value)) > 1 and bool(stdnum_cpf.is_valid(value))


def cnh(value: str) -> bool:
    """Whether the last two of eleven digits of a driving licence register number are its check digits.

    Weights 9 to 1 and 1 to 9, mod 11. If the first would be 10, some issuers subtract 2 from the second, others do not.
    Source: Senatran, registro nacional da CNH.
    """
    if len(value) != 11 or not value.isdecimal() or len(set(value)) == 1:
        return False
    first = _weighted(value[:9], tuple(range(9, 0, -1))) % 11
    second = _weighted(value[:9], tuple(range(1, 10))) % 11
    seconds = {second % 10}
    if first > 9:
        first = 0
        seconds.add((second - 2) % 11 % 10)
    return int(value[9]) == first and int(value[10]) in seconds


def pis(value: str) -> bool:
    """Whether the last of eleven digits of a PIS/PASEP/NIT number is its check digit (weights 3, 2, 9 … 2, mod 11).

    Source: Caixa Econômica Federal, Cadastro NIS.
    """
    if len(value) != 11 or not value.isdecimal() or len(set(value)) == 1:
        return False
    check = 11 - _weighted(value[:10], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return int(value[10]) == (check if check < 10 else 0)


def titulo_eleitor(value: str) -> bool:
    """Whether it is built like a voter number: state 01–28 at digits 9 and 10, then two check digits (mod 11).

    Source: Tribunal Superior Eleitoral, Resolução 21.538/2003, art. 12. In São Paulo and Minas Gerais 0 becomes 1.
    """
    if len(value) != 12 or not value.isdecimal() or not 1 <= int(value[8:10]) <= 28:
        return False
    least = 1 if value[8:10] in ("01", "02") else 0
    first = _weighted(value[:8], (2, 3, 4, 5, 6, 7, 8, 9)) % 11
    first = 0 if first == 10 else first or least
    second = _weighted(value[8:10] + str(first), (7, 8, 9)) % 11
    second = 0 if second == 10 else second or least
    return value[10:] == f"{first}{second}"


def cns(value: str) -> bool:
    """Whether it can be a health card number: fifteen digits from 1, 2, 7, 8 or 9 on, weights 15 to 1, mod 11.

    Source: DATASUS, rotina de validação do Cartão Nacional de Saúde.
    """
    return (
        len(value) == 15
        and value.isdecimal()
        and value[0] in "12789"
        and _weighted(value, tuple(range(15, 0, -1))) % 11 == 0
    )


def rg(value: str) -> bool:
    """Whether the last character of a São Paulo identity card is its check digit (weights 2 to 9, mod 11, X for 10).

    Other states count otherwise, so a number that fails may still be an RG. Source: IIRGD São Paulo, Instrução DIRD.
    """
    if len(value) != 9 or not value[:8].isdecimal():
        return False
    check = -_weighted(value[:8], (2, 3, 4, 5, 6, 7, 8, 9)) % 11
    return value[8] == ("X" if check == 10 else str(check))
