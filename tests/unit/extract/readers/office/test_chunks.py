"""Publisher, Project and Works: their text is read, and the rest is reported."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.office import chunks
from tests.data.compound_writer import Tree, compound

NONE = 0xFFFFFFFF


def reference(name: bytes, at: int, size: int) -> bytes:
    return b"\x18\0" + name + b"\0\0\1\0\0\0" + name + struct.pack("<II", at, size)


def stream(text: str, mark: bytes = b"CHNKINK ", second: int = NONE) -> bytes:
    """Return a stream of chunks whose text is at 0x200, as Publisher writes it; `second` is where a list continues."""
    raw = text.encode("utf-16-le")
    lists = reference(b"STSH", 0x100, 16) + (reference(b"TEXT", 0x200, len(raw)) if second == NONE else b"")
    head = mark.ljust(0x18, b"\0") + struct.pack("<HHI", 0x1F8, len(lists) // 24, second) + lists
    if second != NONE:
        head = head.ljust(second, b"\0") + struct.pack("<HHI", 0x1F8, 1, NONE) + reference(b"TEXT", 0x200, len(raw))
    return head.ljust(0x200, b"\0") + raw + "a link: https://www.corp.example/".encode("utf-16-le")


@pytest.mark.parametrize("second", [NONE, 0x80])
def test_the_text_of_a_publication_is_read_completely(second: int) -> None:
    quill: Tree = {"QuillSub": {"CONTENTS": stream("Card\r4111\x0b1111 1111\r", second=second)}}
    extraction = extract_file("a.pub", compound({"Contents": b"\xe8\xac\x2c\0", "Quill": quill}))
    assert (extraction.status, extraction.reason) == (
        Status.LIMITED,
        "a.pub: publication: only text and strings read",
    )
    assert extraction.signals == []
    assert extraction.attachments[0].kind == "publisher"
    assert "Card\n4111\n1111 1111\n" in extraction.parts[0].text
    assert "https://www.corp.example/" in extraction.parts[0].text


def test_a_project_is_recognised_and_its_strings_are_read() -> None:
    notes = b"\0\0\1\2" + "Social security number 219-09-9999".encode("utf-16-le") + b"\0\0"
    storage: Tree = {"TBkndTask": {"Var2Data": notes}, "Props": b"\1\0\0\0"}
    extraction = extract_file("a.mpp", compound({"   114": storage}))
    assert (extraction.reason, extraction.attachments[0].kind) == ("a.mpp: project: only strings read", "project")
    assert "number 219-09-9999" in extraction.parts[0].text


@pytest.mark.parametrize(
    "tree",
    [{"MN0": b"\1\2" + b"a line of words\r\nnext line"}, {"MatOST": b"\1\2", "CONTENTS": stream("a line of words")}],
    ids=["version 4", "version 2000"],
)
def test_a_works_text_is_recognised_and_read(tree: Tree) -> None:
    extraction = extract_file("a.wps", compound(tree))
    assert (extraction.reason, extraction.attachments[0].kind) == ("a.wps: old document: only strings read", "works")
    assert "a line of words" in extraction.parts[0].text


@pytest.mark.parametrize("head", [b"\x20T\2\0\0\0\5T\2\0", b"\1\xfe\x32\3\0\0"], ids=["database", "text for DOS"])
def test_older_works_files_are_recognised(head: bytes) -> None:
    extraction = extract_file("a", head + bytes(30) + b"a line of words" + bytes(30))
    assert extraction.reason == "a: old document: only strings read"


@given(st.binary(max_size=200), st.sampled_from(chunks.MARKS))
def test_any_bytes_are_read_without_an_exception(data: bytes, mark: bytes) -> None:
    list(chunks.texts(mark + bytes(16) + data))


def test_circular_lists_end() -> None:
    list(chunks.texts(b"CHNKINK ".ljust(0x18, b"\0") + struct.pack("<HHI", 0, 0, 0x18)))
