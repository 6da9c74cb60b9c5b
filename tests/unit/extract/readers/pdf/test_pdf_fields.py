from collections.abc import Sequence

import pytest

from holdgate.extract.extractor import extract_file

SSN = ["219", "09", "9999"]


def form(fields: Sequence[tuple[str, str, float, float]], text: str = "") -> bytes:
    """Return a page with a text at (50, 700), and form fields: name, value, left and bottom edge."""
    references = " ".join(f"{6 + index} 0 R" for index in range(len(fields)))
    drawn = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET"
    objects = [
        f"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[{references}]>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 900 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>"
        f"/Annots[{references}]>>",
        f"<</Length {len(drawn)}>>stream\n{drawn}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *(
            f"<</Type/Annot/Subtype/Widget/FT/Tx/T({name})/V({value})/Rect[{left} {bottom} {left + 50} {bottom + 20}]"
            "/P 3 0 R/DA(/F1 12 Tf)>>"
            for name, value, left, bottom in fields
        ),
    ]
    body, offsets = "%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return (
        f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    ).encode()


def lines(data: bytes) -> list[str]:
    return extract_file("a.pdf", data).parts[0].text.split("\n")


@pytest.mark.parametrize("name", ["ssn{}", "Text{}", "topmostSubform[0].Page1[0].ssn[{}]"])
def test_a_value_in_adjacent_fields_is_joined(name: str) -> None:
    fields = [(name.format(index), part, 150 + 60 * index, 695) for index, part in enumerate(SSN)]
    found = lines(form(fields, "Your SSN:"))
    assert "Your SSN: 219-09-9999" in found
    assert all(part in found for part in SSN)


def test_single_letters_in_adjacent_fields_are_joined() -> None:
    fields = [(f"iban.{index}", letter, 60 + 55 * index, 650) for index, letter in enumerate("GB82WEST12345")]
    assert "iban: GB82WEST12345" in lines(form(fields))


def test_the_order_of_the_fields_in_the_file_does_not_matter() -> None:
    fields = [(f"ssn{index}", part, 60 + 60 * index, 650) for index, part in enumerate(SSN)]
    assert "ssn: 219-09-9999" in lines(form(fields[::-1]))


@pytest.mark.parametrize(
    "fields",
    [
        [(f"ssn{index}", part, 60, 650 - 40 * index) for index, part in enumerate(SSN)],
        [(f"ssn{index}", part, 60 + 150 * index, 650) for index, part in enumerate(SSN)],
        [("ssn", "219", 60, 650), ("name", "Alice Example", 120, 650), ("code", "9999", 180, 650)],
        [("ssn", "21", 60, 650), ("code", "99", 120, 650)],
    ],
    ids=["below each other", "far apart", "with a name between", "short"],
)
def test_other_fields_are_not_joined(fields: list[tuple[str, str, float, float]]) -> None:
    assert not [line for line in lines(form(fields)) if "-" in line or ":" in line]
