import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.archives import apple
from holdgate.extract.reading import UnreadableError
from tests.support.samples import apple_file
from tests.unit.extract.readers.recording import packed, read

# What macOS writes where a file has no resource fork.
BLANK = b"This resource fork intentionally left blank   ".ljust(286, b"\0")
DATES = 8
FINDER = 9


def folder(*names: str) -> bytes:
    return b"\0\0\0\1Bud1" + b"\0\0\x10\0" * 40 + b"".join(name.encode("utf-16-be") + b"Ilocblob" for name in names)


def test_an_archive_made_on_a_mac_is_read_completely() -> None:
    finder = b"\0" * 32 + b"ATTR" + b"\0" * 88 + b"com.apple.metadata:note\0token 536-90-4399"
    resource = apple_file({FINDER: finder, apple.RESOURCE_FORK: BLANK})
    data = packed({"report.pdf": "%PDF-1.4", "__MACOSX/._report.csv": resource, ".DS_Store": folder("tokenfolder")})
    found = extract_file("reports.zip", data)
    (attributes,) = [part for part in found.parts if part.name.endswith("._report.csv")]
    assert "token 536-90-4399" in attributes.text
    assert attributes.place_at(0) == "file properties"
    (settings,) = [part for part in found.parts if part.name.endswith(".DS_Store")]
    assert "tokenfolder\n" in settings.text + "\n"
    assert {part.status for part in (attributes, settings)} == {Status.COMPLETE}
    assert not [signal for signal in found.signals if "apple" in signal]


def test_the_forks_of_a_file_are_read() -> None:
    single = {apple.DATA_FORK: b"a;b", apple.NAME: b"Caf\x8e", apple.COMMENT: b"token", DATES: b"\0" * 16}
    sink = read(apple, apple_file(single, apple.SINGLE), "list.csv")
    assert sink.documents == [("list.csv", b"a;b")]
    assert [text for text, _ in sink.texts] == ["Café", "token"]
    assert sink.reasons == []


def test_the_strings_of_a_resource_fork_are_read() -> None:
    sink = read(apple, apple_file({apple.RESOURCE_FORK: b"\0\0\1\0token text" + b"\0" * 300}))
    assert sink.whole() == "token text"
    assert sink.reasons == ["resource fork, only strings read"]


def test_damage_is_reported() -> None:
    assert read(apple, apple_file({apple.COMMENT: b"token"})[:-1]).reasons == ["damaged"]
    for junk in (b"GIF89a", apple.DOUBLE, apple_file({FINDER: b""})[:30]):
        with pytest.raises(UnreadableError):
            read(apple, junk)


@given(st.binary(max_size=200))
def test_any_input_is_read_without_an_exception(junk: bytes) -> None:
    read(apple, apple_file({apple.COMMENT: junk, apple.RESOURCE_FORK: junk}))
    read(apple, folder() + junk)
    with contextlib.suppress(UnreadableError):
        read(apple, apple.DOUBLE + junk)
