"""Content outside the members of an archive: extra fields, names of folders, extended headers."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.archives import tar

WORD = "Rosenquist-beside, in a field that no program shows"


def text_of(name: str, data: bytes) -> str:
    extraction = extract_file(name, data)
    assert extraction.status is Status.COMPLETE, extraction.reason
    return "\n".join(part.text for part in extraction.parts)


def test_the_extra_field_of_gzip_is_read() -> None:
    packed = gzip.compress(b"words\n", mtime=0)
    field = b"ap" + len(WORD).to_bytes(2, "little") + WORD.encode()
    data = packed[:3] + b"\x04" + packed[4:10] + len(field).to_bytes(2, "little") + field + packed[10:]
    assert WORD in text_of("a.gz", data)


@pytest.mark.parametrize("kind", ["extra", "folder"])
def test_extra_fields_and_folder_names_of_zip_are_read(kind: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("a.txt")
        if kind == "extra":
            info.extra = b"\xfe\xca" + len(WORD).to_bytes(2, "little") + WORD.encode()
        else:
            archive.writestr(zipfile.ZipInfo(f"{WORD}/"), b"")
        archive.writestr(info, b"words")
    assert WORD in text_of("a.zip", file.getvalue())


def test_the_extended_header_of_tar_is_read() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": WORD}) as archive:
        info = tarfile.TarInfo("a.txt")
        info.pax_headers = {"SCHILY.xattr.user.note": f"{WORD}\nsecond line", "mtime": "1.5"}
        archive.addfile(info)
    found = list(tar.records(file.getvalue()))
    assert found == [f"comment: {WORD}", f"SCHILY.xattr.user.note: {WORD}\nsecond line"]
    assert WORD in text_of("a.tar", file.getvalue())


def tar_with(padding: bytes) -> bytes:
    """Return an archive with bytes in the last block of its first member."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("a.txt", "b.txt"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"words"))
    data = bytearray(file.getvalue())
    data[512 + 5 : 512 + 5 + len(padding)] = padding
    return bytes(data)


def test_what_pads_a_member_of_tar_is_read() -> None:
    for padding in (WORD.encode(), gzip.compress(WORD.encode())):
        assert WORD in "\n".join(part.text for part in extract_file("a.tar", tar_with(padding)).parts)
    assert extract_file("a.tar", tar_with(b"\x01\x02\x80" * 30)).status is Status.LIMITED
    # Both members have the same content, which is read once.
    assert [part.name for part in extract_file("a.tar", tar_with(b"")).parts] == ["a.tar", "a.tar › a.txt"]


def zip_with(packed: bytes, unpacked: int) -> bytes:
    """Return an archive with one member, by its compressed data and the length of its content."""
    sizes = struct.pack("<III", 0, len(packed), unpacked)
    local = b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + struct.pack("<HH", 1, 0) + b"a" + packed
    entry = b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + sizes + struct.pack("<HHHHHII", 1, *[0] * 6) + b"a"
    return local + entry + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)


@pytest.mark.parametrize("content", [b"words", bytes(range(256)) * 40])
@pytest.mark.parametrize("is_size_right", [True, False])
def test_what_follows_the_compressed_data_of_a_member_is_read(content: bytes, is_size_right: bool) -> None:
    size = len(content) if is_size_right else 3
    deflate = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(content) + deflate.flush()
    for rest in (WORD.encode(), gzip.compress(WORD.encode())):
        parts = extract_file("a.zip", zip_with(packed + rest, size)).parts
        assert WORD in "\n".join(part.text for part in parts)
    for padding in (b"", bytes(500), b"\xff" * 500, b"checksum"):
        names = [part.name for part in extract_file("a.zip", zip_with(packed + padding, size)).parts]
        assert names == ["a.zip", "a.zip › a"]


def test_a_folder_of_zip_with_content_is_a_file() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("empty/"), b"")
        archive.writestr(zipfile.ZipInfo("full/"), WORD.encode())
    parts = extract_file("a.zip", file.getvalue()).parts
    assert [part.name for part in parts if WORD in part.text] == ["a.zip › full/"]


@given(st.binary(max_size=1_200))
def test_parsing_any_tar_records_ends(data: bytes) -> None:
    list(tar.records(data))
