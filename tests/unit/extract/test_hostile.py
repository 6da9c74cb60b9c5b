"""Hostile files end, and are never said to be read whole where they were not."""

import pytest

from holdgate.extract.extractor import extract_file, extract_message
from holdgate.extract.part import Status
from tests.support.hostile import Maker, hostile

pytestmark = pytest.mark.slow

# These are large or crooked, yet wholly read.
HARMLESS = """
20,000 encoded words; 8,000 segments of a name; 50,000 fields; 5 MB of blank lines; delimiters like fields;
uuencode never ended; base64 lines without end; five zips deep; xml, attribute of 20 MB; xml, comments never closed;
rtf, 500,000 groups; card, 100,000 levels; DER, 100,000 levels; xlsx, a cell at the far corner; text, one line of 10 MB
"""
CASES = list(hostile())


@pytest.mark.parametrize(("name", "file_name", "make"), CASES, ids=[name for name, _, _ in CASES])
def test_ends_in_a_status(name: str, file_name: str, make: Maker) -> None:
    extraction = extract_file(file_name, make()) if file_name else extract_message(make())
    whole = name in HARMLESS.replace("\n", " ") or name.startswith(("html", "csv"))
    assert (extraction.status is Status.COMPLETE) == whole, extraction.reason
