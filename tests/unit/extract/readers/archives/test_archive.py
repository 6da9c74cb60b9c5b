"""Archives by libarchive and single compressed files: members, limits, encryption, damage."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
from collections.abc import Callable

import libarchive
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.archives import archive, compressed
from holdgate.extract.reading import Document, UnreadableError
from tests.support.samples import TOKEN, archived, cab, rar, rar5
from tests.support.sink import KeepingSink, read_all

FORMATS = {
    form: archived(form)
    for form in ("7zip", "ustar", "pax", "gnutar", "v7tar", "cpio_newc", "ar_svr4", "xar", "iso9660")
}
FORMATS |= {"cab": cab(), "rar": rar(), "rar5": rar5()}


def test_the_library_is_found_without_the_loaders_cache() -> None:
    """While the package is set up on a fresh machine, ldconfig(8) has not run yet."""
    program = (
        "import ctypes.util; ctypes.util.find_library = lambda name: None; "
        "from holdgate.extract.readers.archives import archive; print(archive.ffi.version_number() > 3_000_000)"
    )
    kept = {name: value for name, value in os.environ.items() if name != "LIBARCHIVE"}
    run = subprocess.run([sys.executable, "-c", program], env=kept, capture_output=True, text=True, check=False)
    assert run.stdout == "True\n", run.stderr


@pytest.mark.parametrize("form", FORMATS)
def test_members_of_each_archive_format_are_read(form: str) -> None:
    sink = read_all(archive.read, FORMATS[form])
    assert TOKEN.encode() in sink.documents[0].data
    assert sink.documents[0].name == "a.txt"
    assert sink.limits == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (rar(file_flags=0x4), "encrypted member"),
        (rar(main_flags=0x1), "one volume of a split archive"),
        (rar5("file"), "encrypted member"),
    ],
)
def test_the_unread_part_of_a_rar_archive_is_named(data: bytes, reason: str) -> None:
    assert reason in read_all(archive.read, data).limits


@pytest.mark.parametrize("flags", range(8))
def test_a_cabinet_with_every_header_field_is_read(flags: int) -> None:
    # libarchive needs 256 bytes after a name.
    sink = read_all(archive.read, cab(flags=flags) + bytes(256))
    assert [document.name for document in sink.documents] == ["a.txt"]
    assert sink.limits == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (rar(main_flags=0x80), "encrypted"),
        (rar5("headers"), "encrypted"),
        (rar(file_flags=0x10), "unknown compression"),  # solid, which libarchive reads of RAR 5 only
    ],
)
def test_an_unreadable_archive_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_all(archive.read, data)


def test_a_cabinet_is_checked_before_libarchive_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes, sink: object) -> None:
        raise UnreadableError("damaged by the check")

    monkeypatch.setattr("holdgate.extract.readers.archives.cab.check", refuse)
    with pytest.raises(UnreadableError, match="damaged by the check"):
        read_all(archive.read, cab())
    assert read_all(archive.read, FORMATS["ustar"]).limits == []


@pytest.mark.parametrize("form", ["7zip", "cab", "rar", "ustar"])
def test_a_cut_archive_is_never_complete(form: str) -> None:
    data = FORMATS[form]
    extraction = extract_file("a.dat", data[: len(data) // 2])
    assert extraction.status is not Status.COMPLETE


def test_member_names_outside_ascii_are_decoded() -> None:
    out = bytearray()
    with libarchive.custom_writer(lambda data: out.extend(data) or len(data), "7zip") as writer:
        writer.add_file_from_memory("Größe 資料.txt", 1, b"x")
    assert read_all(archive.read, bytes(out)).documents[0].name == "Größe 資料.txt"


def test_too_many_members_limit_the_archive() -> None:
    extraction = extract_file("a.tar", FORMATS["ustar"], Limits(entries=1))
    assert extraction.reason == "a.tar: too many members"


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("form", COMPRESSED)
@given(data=st.binary(min_size=1, max_size=300))
def test_compressed_data_is_decompressed(form: str, data: bytes) -> None:
    sink = read_all(compressed.read, COMPRESSED[form](data), "a.txt.gz")
    assert [(document.name, document.data) for document in sink.documents] == [("a.txt", data)]
    assert sink.limits == []


@pytest.mark.parametrize("form", ["zstd", "lz4", "lzip", "compress"])
def test_rarer_compressions_are_read(form: str) -> None:
    extraction = extract_file("a.tar.dat", archived("ustar", form))
    assert any(TOKEN in part.text for part in extraction.parts)
    assert extraction.status is Status.COMPLETE


def test_consecutive_streams_are_one_file() -> None:
    assert read_all(compressed.read, gzip.compress(b"one") + gzip.compress(b"two")).documents[0].data == b"onetwo"


def test_data_after_the_stream_is_read() -> None:
    sink = read_all(compressed.read, gzip.compress(b"one") + b"Rosenquist")
    assert [document.data for document in sink.documents] == [b"Rosenquist", b"one"]


@pytest.mark.parametrize("form", COMPRESSED)
def test_a_cut_file_is_read_up_to_the_cut(form: str) -> None:
    # A block of bzip2 has 900 kB, and only complete blocks are read.
    lines = 200_000 if form == "bzip2" else 20_000
    data = COMPRESSED[form](b"".join(b"line %d\n" % number for number in range(lines)))
    sink = read_all(compressed.read, data[: -len(data) // 10])
    assert sink.limits == ["damaged, read up to the damage"]
    assert sink.documents[0].data.startswith(b"line 0\nline 1\n")


def test_a_file_without_readable_data_is_damaged() -> None:
    with pytest.raises(UnreadableError, match="damaged"):
        read_all(compressed.read, b"\x1f\x8b\x08" + b"\xff" * 30)


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz"])
def test_decompression_stops_at_the_ratio_limit(form: str) -> None:
    sink = KeepingSink(Budget(Limits(ratio=10, ratio_from_bytes=1_000)))
    with pytest.raises(LimitReachedError, match="compression ratio"):
        compressed.read(Document(COMPRESSED[form](bytes(20_000))), sink)
    compressed.read(Document(COMPRESSED[form](bytes(1_000))), sink)


@pytest.mark.parametrize(("name", "inner"), [("a.tgz", "a.tar"), ("a.CSV.GZ", "a.CSV"), ("a", "a")])
def test_the_name_of_the_inner_file_is_derived(name: str, inner: str) -> None:
    assert read_all(compressed.read, gzip.compress(b"x"), name).documents[0].name == inner
