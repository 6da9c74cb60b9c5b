"""Names that end with a legal form are those of organisations, whatever the model says."""

import re

import pytest

from holdgate.detect.finders import person


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Employer: Muster GmbH", ["Muster GmbH"]),
        ("at Meyer & Sons Ltd. on Monday", ["Meyer & Sons Ltd"]),
        ("Die AG zahlt, the SE too", []),
        ("Novatech Ltd SSN", ["Novatech Ltd"]),
        ("Alpha AG Beta AG", ["Alpha AG", "Beta AG"]),
        ("the meeting\nAG", []),
        ("Alpha\nBeta AG", ["Beta AG"]),
        ("a sagging AGM", []),
    ],
)
def test_a_legal_form_ends_a_name(text: str, names: list[str]) -> None:
    assert [text[start:end] for start, end in person._companies(text)] == names


def test_a_form_is_looked_at_with_what_is_near_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of megabytes is not searched once for each form in it."""
    seen: list[int] = []

    class Tokens:
        def finditer(self, _text: str, start: int, end: int) -> list[re.Match[str]]:
            seen.append(end - start)
            return []

    monkeypatch.setattr(person, "_TOKEN", Tokens())
    searched: list[int] = []

    class Line(str):
        __slots__ = ()

        def rfind(self, _what: str, start: int = 0, end: int = 0) -> int:  # type: ignore[override]
            searched.append(end - start)
            return -1

    assert person._companies(Line("and so on " * 100 + "Alpha AG " * 100)) == []
    assert len(seen) == 100
    assert max(seen + searched) <= person._MOST_BEFORE
