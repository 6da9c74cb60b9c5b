"""Signs skip searches and lose no match: the results with and without them are equal."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Detector, decode
from holdgate.detect.finders import address, network
from holdgate.detect.finders.finder import Text
from holdgate.detect.normal import normalise

RULES = Path(__file__).resolve().parents[3] / "rules"
PIECES = st.sampled_from(
    [
        *[
            "10 Long Road, ",
            "Bootle, ",
            "London ",
            "GIR 0AA",
            "SW1A 2AA",
            "M11AA",
            "Springfield, IL 62701",
            "12345 Berlin",
        ],
        *[
            "Musterstraße 12a, ",
            "12 rue de la Paix, ",
            "75002 Paris",
            "192.0.2.7",
            "1.2.3.4",
            "10.0",
            ".",
            ":",
            "::",
            "fe80",
        ],
        *[
            "2001:db8:1:2:3:4:5:6",
            "dead:beef:cafe:babe:dead:beef:12:34",
            "ab",
            "AB",
            "1",
            "12",
            "345",
            " ",
            ", ",
            "\n",
            "\t",
        ],
        *["00110001 ", "31 32 33 ", "34, 35, ", "36;37;", "4a 4b", "é", "-", "/"],
    ]
)


@given(st.lists(PIECES, max_size=24).map("".join))
def test_skipping_searches_by_signs_loses_no_match(detector: Detector, text: str) -> None:
    normal = normalise(text)
    _, signs, numbers = detector._rules.candidates.find(normal.mask)
    with_signs, without_signs = Text(normal.text, normal.mask, signs, numbers), Text(normal.text, normal.mask)
    for finder in (address.find, network.find):
        assert list(finder(with_signs, {})) == list(finder(without_signs, {}))
    assert list(decode.find(with_signs, [])) == list(decode.find(without_signs, []))
