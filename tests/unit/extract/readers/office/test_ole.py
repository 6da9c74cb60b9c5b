import io
import struct
from pathlib import Path
from typing import NoReturn

import msoffcrypto
import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from holdgate.extract.budget import Limits
from holdgate.extract.readers.office import ole
from holdgate.extract.reading import UnreadableError
from tests.data import planted
from tests.data.compound_writer import Tree, compound
from tests.unit.extract.readers.recording import read

PASSWORD = "VelvetSweatshop"


def package(label: str, path: str, content: bytes) -> bytes:
    """Return an Ole10Native stream as the Packager writes it."""
    temporary = b"C:\\Temp\\" + path.encode() + b"\0"
    body = b"\x02\x00" + label.encode() + b"\0" + path.encode() + b"\0" + b"\0\0\3\0"
    body += struct.pack("<I", len(temporary)) + temporary + struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(body)) + body


def encrypted(password: str) -> bytes:
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(planted.workbook_with("token-inside"))).encrypt(password, out)
    return out.getvalue()


def test_a_file_with_the_default_password_is_opened() -> None:
    sink = read(ole, encrypted(PASSWORD))
    assert sink.place_of("token-inside") == "sheet Sheet, A1"
    assert sink.signals == ["encrypted with the default password"]


def test_a_file_with_another_password_is_reported_as_encrypted() -> None:
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(ole, encrypted("another password"))


def test_an_excessive_key_derivation_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise AssertionError("tried to decrypt")

    monkeypatch.setattr(msoffcrypto, "OfficeFile", fail)
    information = b'<keyData/><encryptedKey spinCount="9000000"/>'
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(ole, compound({"EncryptedPackage": b"x", "EncryptionInfo": information}))


def test_a_packaged_file_keeps_its_name() -> None:
    sink = read(ole, compound({"\x01Ole10Native": package("list.csv", "C:\\data\\list.csv", b"a;b")}))
    assert sink.documents == [("list.csv", b"a;b")]
    assert sink.place_of("C:\\data\\list.csv") == "embedded object"


def test_a_cut_package_is_passed_on_and_reported() -> None:
    data = package("list.csv", "list.csv", b"abcdefgh")[:-4]
    sink = read(ole, compound({"\x01Ole10Native": data}))
    assert sink.documents == [("list.csv", b"abcd")]
    assert sink.reasons == ["damaged embedded object"]


def test_an_object_written_by_libreoffice_is_read_completely() -> None:
    sink = read(ole, compound({"package_stream": b"PK\x03\x04", "properties_stream": b"\0\0\0\0\xb0\x27\0\0" * 2}))
    assert sink.documents == [("package_stream", b"PK\x03\x04")]
    assert sink.reasons == []


def test_strings_of_unknown_streams_are_read() -> None:
    data = compound({"Quill": b"\x01\x02Account 4711\x00" + "Überweisung".encode("utf-16-le") + b"\x07"})
    sink = read(ole, data)
    assert sink.place_of("Account 4711") == "stream Quill"
    assert sink.place_of("Überweisung") == "stream Quill"
    assert sink.reasons == ["unknown format, only strings read"]


def test_known_documents_in_streams_are_passed_on() -> None:
    data = compound({"CONTENTS": b"%PDF-1.4 x", "Package": b"PK\x03\x04"})
    assert sorted(content for _, content in read(ole, data).documents) == [b"%PDF-1.4 x", b"PK\x03\x04"]


def test_the_preview_image_of_an_object_is_read() -> None:
    text = "Hello".encode("cp1252") + b"\0"
    record = struct.pack("<IHH6shh", 8, 0x0521, 5, text, 7, 1)
    data = b"\xff\xff\xff\xff\3\0\0\0" + b"\0" * 28 + b"\x01\x00\x09\x00\x00\x03" + b"\0" * 12 + record
    sink = read(ole, compound({"\x02OlePres000": data, "\x01Ole": b"\0" * 20}))
    assert sink.texts == [("Hello", "picture of an object")]
    assert sink.reasons == []


def test_the_cache_of_a_pivot_table_is_read() -> None:
    records = struct.pack("<HHHB", 0xCD, 7, 4, 0) + b"4711" + struct.pack("<HHd", 0xC9, 8, 4111111111111111.0)
    book = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0, 0, 0, 0)
    sink = read(ole, compound({"Workbook": book, "_SX_DB_CUR": {"0001": records}}))
    assert sink.place_of("4711") == "pivot table"
    assert sink.place_of(planted.CARD) == "pivot table"


def test_nested_storages_end_at_the_limit() -> None:
    tree: Tree = {"deep": b"Deepest 4711"}
    for _ in range(12):
        tree = {"inner": tree}
    sink = read(ole, compound(tree), limits=Limits(archive_depth=8))
    assert sink.reasons == ["nested too deeply"]
    assert sink.place_of("Deepest 4711") is None


def test_macro_source_is_read() -> None:
    source = b'Attribute VB_Name = "Module1"\r\nConst Card = "4111111111111111"\r\n'
    pieces = b"".join(b"\x00" + source[at : at + 8] for at in range(0, len(source), 8))
    module = b"compiled" + b"\x01" + struct.pack("<H", 0xB000 | (len(pieces) - 1)) + pieces
    sink = read(ole, compound({"Macros": {"VBA": {"dir": b"x", "Module1": module}}}))
    assert sink.place_of(planted.CARD) == "macro Module1"
    assert sink.signals == ["macro"]


def test_the_strings_of_an_unreadable_file_are_read() -> None:
    data = compound({"Quill": b"Account 4711"})
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        read(ole, data[:40])
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        read(ole, b"not a compound file at all")


def test_content_is_never_used_as_a_file_name(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(compound({"Quill": b"Account 4711"}))
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        read(ole, str(path).encode())


def test_a_stream_larger_than_the_file_is_reported_as_damaged() -> None:
    data = compound({"Quill": b"Account 4711"})
    at = data.index("Quill".encode("utf-16-le"))
    sink = read(ole, data[: at + 120] + struct.pack("<I", 2**31) + data[at + 124 :])
    assert sink.reasons == ["damaged stream"]


def test_a_stream_without_a_valid_start_is_reported_as_damaged() -> None:
    data = compound({"Quill": b"Account 4711" * 400})
    at = data.index("Quill".encode("utf-16-le"))
    sink = read(ole, data[: at + 116] + b"\xf0\xff\xff\xff" + data[at + 120 :])
    assert sink.reasons == ["damaged stream"]
