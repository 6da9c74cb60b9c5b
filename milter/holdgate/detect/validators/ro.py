"""Numbers issued in Romania that python-stdnum does not know."""

# Series of identity cards by county (Hotărârea Guvernului 295/2021 and earlier).
_SERIES = frozenset(
    "AX AZ AS BC BV BZ CJ CL CT DB DD DP DR DT DX DZ EP GG GL GR GZ HD HR IF IX IZ JX KL KR KS KT KV KX KZ MH MM MS MX MZ"
    " NT NZ OT PH PR PX RD RK RR RT RX RZ SB SM SP SV SX SZ TC TM TR TT TZ VN VP VS VX XB XC XH XM XR XT XV XZ ZC ZL ZS ZV".split()
)


def id_card(value: str) -> bool:
    """Whether an identity card begins with the series of a county."""
    return value[:2] in _SERIES
