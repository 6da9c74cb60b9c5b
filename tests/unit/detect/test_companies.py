"""Names that end with a legal form are names of organisations, independent of the model."""

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


def test_a_name_is_near_its_form_however_long_the_line_is() -> None:
    text = "Alpha " * 1000 + "AG"
    assert [text[start:end] for start, end in person._companies(text)] == ["Alpha " * 4 + "AG"]
    assert len(person._companies("Alpha AG " * 1000)) == 1000
