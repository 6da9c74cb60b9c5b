"""Records of properties are found by their type, as by a pattern for the complete header."""

import re
import struct

from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.office.office_art_shapes import _records

_HEADER = re.compile(rb"(?s).{2}\x0b\xf0.{4}")
_BYTES = st.lists(st.sampled_from([b"\x0b", b"\xf0", b"\x0b\xf0", b"\n", b"a"]), max_size=40).map(b"".join)


@given(data=_BYTES)
def test_the_same_records_are_found_as_by_a_pattern(data: bytes) -> None:
    """Types that overlap a header, or are too near to either end, are none."""
    found = [(*struct.unpack("<H2xI", match[0]), match.end()) for match in _HEADER.finditer(data)]
    assert list(_records(data)) == found
