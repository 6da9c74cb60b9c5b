"""iWork documents: a table that numbers-parser wrote (tests/data/make_iwork.py), and texts as Pages keeps them."""

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import identify
from holdgate.extract.part import Status
from holdgate.extract.readers.data import protobuf, snappy
from holdgate.extract.readers.office import iwork
from holdgate.extract.reading import Document
from tests.support.samples import zipped

TABLE = (Path(__file__).parents[4] / "data/iwork/table.numbers").read_bytes()


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def archive(*objects: tuple[int, int, bytes]) -> bytes:
    """Return an archive of objects by number, kind and message, in one block of literals."""
    stream = b""
    for number, kind, payload in objects:
        info = field(1, number) + field(2, field(1, kind) + field(3, len(payload)))
        stream += varint(len(info)) + info + payload
    packed = varint(len(stream)) + b"\xf4" + (len(stream) - 1).to_bytes(2, "little") + stream
    return b"\0" + len(packed).to_bytes(3, "little") + packed


def pages(*objects: tuple[int, int, bytes], **others: bytes) -> bytes:
    return zipped({"Index/Document.iwa": archive(*objects), **others})


def test_rows_of_a_table_are_read_together() -> None:
    extraction = extract_file("table.numbers", TABLE)
    part = extraction.parts[0]
    assert (part.reader, extraction.status, extraction.signals) == ("iwork", Status.COMPLETE, [])
    lines = [line.rstrip("\t") for line in part.text.splitlines()]
    assert "name\tnumber\tcard\tshare\tpaid" in lines
    assert any(line.startswith("Rosenquist\t219099999\t4111 1111 1111 1111\t-0.125") for line in lines)
    assert any(line.startswith("Alice\t378282246310005\t\t0.0000001") for line in lines)
    assert part.place_at(part.text.index("Rosenquist")) == "table Staff, row 2"
    assert part.text.count("Rosenquist") == part.text.count("a note below") == 1


def test_texts_of_all_objects_are_read() -> None:
    body = field(3, b"Rosenquist in the body\nand a second line")
    deep = field(1, field(2, field(9, b"Rosenquist below")))
    extraction = extract_file("a.pages", pages((1, 10000, body), (2, 2001, deep)))
    assert extraction.status is Status.COMPLETE
    lines = extraction.parts[0].text.splitlines()
    assert {"Rosenquist in the body", "and a second line", "Rosenquist below"} <= set(lines)


def test_embedded_files_are_documents_and_a_small_preview_is_not() -> None:
    data = pages((1, 1, field(1, b"words")), **{"Data/note.txt": b"Rosenquist in a file"})
    assert "Rosenquist in a file" in [part.text for part in extract_file("a.pages", data).parts]
    with zipfile.ZipFile(io.BytesIO(TABLE)) as package:
        assert "preview.jpg" in package.namelist()
    assert not any("preview" in part.name for part in extract_file("table.numbers", TABLE).parts)


def test_a_password_makes_it_encrypted() -> None:
    extraction = extract_file("a.pages", pages((1, 1, b""), **{".iwpv2": b"x"}))
    assert (extraction.status, extraction.parts[0].reason) == (Status.FAILED, "encrypted")


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"xyz", lambda data: b"\1" + data[1:]])
def test_damage_is_limited(damage: object) -> None:
    broken = damage(archive((1, 1, field(1, b"Rosenquist in a text"))))  # type: ignore[operator]
    extraction = extract_file("a.pages", zipped({"Index/Document.iwa": broken}))
    assert extraction.parts[0].status is Status.LIMITED
    assert any("Rosenquist" in part.text for part in extraction.parts)


def test_a_document_is_identified_by_its_directory() -> None:
    assert identify(Document(TABLE, "x.zip")) == "iwork"
    assert iwork.FORMAT.unread


def test_snappy_data_of_the_library_is_decompressed() -> None:
    # python-snappy 0.7.3
    head = bytes.fromhex("a70128526f73656e717569737420ee0b00090bf046")
    packed = head + bytes(range(70)) + bytes.fromhex("52159324526f73656e7175697374")
    assert snappy.unpacked(packed, 200) == b"Rosenquist " * 7 + bytes(range(70)) + b"Rosenquist" * 2
    assert snappy.unpacked(b"\0", 0) == b""
    for end in range(len(packed)):
        with pytest.raises(snappy.SnappyError):
            snappy.unpacked(packed[:end], 200)


def test_snappy_output_has_a_limit() -> None:
    with pytest.raises(snappy.SnappyError):
        snappy.unpacked(varint(101) + b"\0a", 100)
    with pytest.raises(snappy.SnappyError):
        snappy.unpacked(b"\x03\x00a" + b"\xfe\x01\x00" * 9, 100)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    with contextlib.suppress(snappy.SnappyError):
        snappy.unpacked(data, 10_000)
    list(protobuf.texts(data))
    assert extract_file("a.pages", zipped({"Index/Document.iwa": data})).parts
