"""Candidates: which stretches of a text are looked at."""

import pytest

from holdgate.detect.candidates import Candidates, mask
from holdgate.detect.forms import parse


@pytest.mark.parametrize(
    ("form", "text", "layouts"),
    [
        ("DDD", "+(0+(0", []),
        ("LL DD", "in 5", [b"aa 0"]),
        ("DDD", "(12) 3", [b"00"]),
        ("D", "+(0+(0", [b"0", b"0"]),
        ("L D", "(A 1)", [b"A 0"]),
        ("LD", "(A1)", [b"A0"]),
    ],
)
def test_lone_digit_is_looked_at_only_where_a_form_takes_it(form: str, text: str, layouts: list[bytes]) -> None:
    stretches = Candidates([(0, parse(form))]).stretches(mask(text))
    assert [layout for _, layout, _ in stretches] == layouts
