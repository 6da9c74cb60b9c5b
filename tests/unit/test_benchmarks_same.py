"""The comparison of two builds reports every difference, and no text."""

import copy
from typing import Any

from benchmarks.same import differences

RESULT = {
    "status": ["limited", "a.docx: malformed XML"],
    "signals": ["macro"],
    "parts": [["a.docx", "ooxml", "limited", "malformed XML", "card 4111\nother", [[0, "page 1"]]]],
    "findings": [["", [["payment-card", "high", "5"]]]],
}


def changed(path: list[str | int], value: object) -> list[str]:
    other = copy.deepcopy(RESULT)
    target: Any = other
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return differences(other, RESULT)


def test_equal_results_have_no_difference() -> None:
    assert differences(copy.deepcopy(RESULT), RESULT) == []


def test_each_difference_is_named_without_the_text() -> None:
    assert changed(["status"], ["complete", ""]) == ["status: ['limited', 'a.docx: malformed XML'] → ['complete', '']"]
    assert changed(["signals"], []) == ["signals: ['macro'] → []"]
    assert changed(["parts", 0, 3], "") == ["reason of a.docx: malformed XML → "]
    assert changed(["parts", 0, 4], "card 4112\nother") == ["text of a.docx: 1 lines lost, 1 new"]
    assert changed(["parts", 0, 5], []) == ["places of a.docx"]
    assert changed(["findings", 0], ["", []]) == ["matches in a.docx: 1 → 0"]
    assert differences({**RESULT, "parts": [], "findings": []}, RESULT) == ["parts: 1 → 0"]
