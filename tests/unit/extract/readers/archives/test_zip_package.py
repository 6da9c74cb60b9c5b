import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import LimitReachedError, Limits
from holdgate.extract.readers.archives.zip_package import ZipPackage
from holdgate.extract.reading import UnreadableError
from tests.unit.extract.readers.recording import RecordingSink, packed

PARTS = {"a/one.xml": b"<one/>" * 50, "two.xml": b"<two/>" * 50}


def contents(data: bytes, sink: RecordingSink) -> dict[str, bytes | None]:
    package = ZipPackage(data, sink)
    return {member.path: package.read(member) for member in package.members}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_is_unpacked(method: int) -> None:
    sink = RecordingSink()
    assert contents(packed(PARTS, method), sink) == PARTS
    assert sink.reasons == []


def test_a_missing_directory_is_replaced_by_the_local_headers() -> None:
    data = packed(PARTS)
    sink = RecordingSink()
    assert contents(data[: data.index(b"PK\1\2")], sink) == PARTS
    assert sink.reasons == ["damaged ZIP directory"]


def test_a_cut_member_is_read_up_to_the_cut() -> None:
    data = packed({"one.xml": b"".join(b"%06d" % number for number in range(4_000))})
    sink = RecordingSink()
    content = contents(data[: len(data) // 2], sink)["one.xml"]
    assert content is not None
    assert content.startswith(b"000000000001")
    assert len(content) > 1_000
    assert "damaged ZIP directory" in sink.reasons


def test_the_comment_of_the_file_is_read() -> None:
    data = packed(PARTS)
    sink = RecordingSink()
    ZipPackage(data[:-2] + b"\x0c\0Account 4711", sink)
    assert sink.texts == [("Account 4711", "ZIP comment")]


def test_a_wrong_checksum_does_not_stop_reading() -> None:
    data = bytearray(packed(PARTS))
    data[14] ^= 0xFF
    assert contents(bytes(data), RecordingSink()) == PARTS


def test_an_encrypted_member_is_reported() -> None:
    data = bytearray(packed(PARTS))
    directory = data.index(b"PK\1\2")
    data[directory + 8] |= 1
    sink = RecordingSink()
    assert contents(bytes(data), sink) == PARTS | {"a/one.xml": None}
    assert sink.reasons == ["encrypted member"]


def test_a_member_is_refused_by_its_directory_and_by_its_content() -> None:
    data = packed({"one.xml": b"\0" * 20_000})
    limits = Limits(ratio=10, ratio_from_bytes=1_000, entry_bytes=30_000)
    sink = RecordingSink(limits)
    assert contents(data, sink) == {"one.xml": None}
    at = data.index(b"PK\1\2") + 24
    false_size = data[:at] + b"\x10\0\0\0" + data[at + 4 :]
    assert contents(false_size, sink) == {"one.xml": None}
    assert sink.reasons == ["compression ratio", "compression ratio"]


def test_too_many_members_are_refused() -> None:
    with pytest.raises(LimitReachedError, match="too many members"):
        ZipPackage(packed({str(number): b"" for number in range(20)}), RecordingSink(Limits(entries=10)))


def test_the_total_size_of_members_has_a_limit() -> None:
    with pytest.raises(LimitReachedError, match="total size"):
        contents(packed(PARTS), RecordingSink(Limits(total_bytes=400)))


def test_a_package_without_members_is_damaged() -> None:
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        ZipPackage(b"PK\3\4", RecordingSink())


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_input_is_read_without_an_exception(junk: bytes, at: int) -> None:
    data = bytearray(packed(PARTS))
    data[at : at + len(junk)] = junk
    with suppress(UnreadableError, LimitReachedError):
        contents(bytes(data), RecordingSink())
