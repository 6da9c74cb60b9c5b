"""Tables of archives are cut into entries as by the patterns that describe them, in linear time."""

import io
import re
import tarfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extents.archives import heap_entries
from holdgate.extract.readers.archives import archive, tar
from tests.unit.extract.readers.recording import read

RECORD = re.compile(rb"\d{1,10} ([^=\0\n]{1,200})=([^\0]*?)\n(?=\d{1,10} |\0|\Z)", re.DOTALL)
HEAP = re.compile(rb"<data[ >].*?</data>", re.DOTALL)

records = st.lists(st.sampled_from([b"1 ", b"22 ", b"a", b"=", b"\n", b"\0", b"=b\n", b"17 key=value\n"]), max_size=14)
elements = st.lists(st.sampled_from([b"<data>", b"<data ", b"</data>", b"<datax>", b"a", b"<offset>1<"]), max_size=14)


@given(records.map(b"".join))
def test_records_are_those_of_the_pattern(content: bytes) -> None:
    assert list(tar.in_header(content)) == RECORD.findall(content)


@given(elements.map(b"".join))
def test_entries_of_the_heap_are_those_of_the_pattern(contents: bytes) -> None:
    assert list(heap_entries(contents)) == HEAP.findall(contents)


@pytest.mark.parametrize("piece", [b"1 a=", b"1 a=\n", b"1 a=\n1 ", b"<data>", b"<data></data>", b"1234567890"])
def test_long_tables_take_linear_time(piece: bytes) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        list(tar.in_header(piece * count))
        list(heap_entries(piece * count))
        return time.process_time() - begun

    seconds(100)
    assert min(seconds(30_000) for _ in range(3)) < 14 * min(seconds(5_000) for _ in range(3)) + 0.01


def test_an_owner_name_that_contains_text_is_read() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, owner in (("a", "her number 536-90-4399"), ("b", "anna"), ("c", "user123456")):
            member = tarfile.TarInfo(name)
            member.uname = owner
            made.addfile(member)
    assert [text for text, place in read(archive, out.getvalue()).texts if place == "owner of a member"] == [
        "her number 536-90-4399"
    ]
