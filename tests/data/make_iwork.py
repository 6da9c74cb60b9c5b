"""Writes the Numbers document of the tests: `pip install numbers-parser==4.22.0`, then run this file."""

from datetime import datetime
from pathlib import Path

from numbers_parser import Document

FILE = Path(__file__).parent / "iwork" / "table.numbers"
ROWS: list[list[object]] = [
    ["name", "number", "card", "share", "paid"],
    ["Rosenquist", 219099999, "4111 1111 1111 1111", -0.125, True],
    ["Alice", 378282246310005, "", 1e-7, datetime(2026, 11, 23)],
]


def main() -> None:
    """Write the file."""
    document = Document(sheet_name="People", table_name="Staff", num_header_rows=1)
    table = document.sheets[0].tables[0]
    for row, cells in enumerate(ROWS):
        for column, cell in enumerate(cells):
            table.write(row, column, cell)
    table.write(4, 1, "a note below")
    document.save(FILE)


if __name__ == "__main__":
    main()
