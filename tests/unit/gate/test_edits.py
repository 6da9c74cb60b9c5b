from hypothesis import given
from hypothesis import strategies as st

from holdgate import headers
from holdgate.findings import Inspection
from holdgate.gate.edits import additions, removals, status_value


def test_a_complete_inspection_says_so() -> None:
    added = additions(Inspection(), [], "")
    assert added == [(headers.INSPECTED, "true"), (headers.STATUS, "complete")]


def test_what_was_not_read_whole_is_not_called_inspected() -> None:
    added = additions(Inspection(status="limited", reason="a.zip: encrypted"), [("X-A", "Q")], "AAAA")
    assert added == [(headers.STATUS, "limited; a.zip: encrypted"), ("X-A", "Q"), (headers.INCIDENT, "AAAA")]


def test_the_last_of_one_name_goes_first() -> None:
    assert removals({"x-a": 3, "x-b": 1, "x-c": 1}, ["X-A", "X-B", "X-D"]) == [
        ("X-A", 3),
        ("X-A", 2),
        ("X-A", 1),
        ("X-B", 1),
    ]


@given(st.text())
def test_a_reason_cannot_break_out_of_its_header(reason: str) -> None:
    value = status_value(Inspection(status="limited", reason=reason))
    assert value.isascii()
    assert value.isprintable()
    assert len(value) <= 200
