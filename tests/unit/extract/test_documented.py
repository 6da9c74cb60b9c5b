"""The page about extraction names every kind of document that there is a reader for, and no other."""

import re
from pathlib import Path

from holdgate.extract.extractor import READERS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "explanation" / "extraction.md"


def test_the_table_of_formats_is_the_table_of_readers() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| kind |")[2].partition("\n\n")[0]
    kinds = {
        kind
        for row in table.splitlines()
        for kind in re.findall(r"`([\w-]+)`", row.split("|")[1] if "|" in row else "")
    }
    assert kinds == READERS.keys() | {"message"}
