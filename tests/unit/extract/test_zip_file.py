"""A package is opened once, for its reader and for what its structure describes."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from holdgate.extract import zip_file
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status

_DOCUMENT = Path(__file__).parents[2] / "data/documents/text.docx"


def test_a_package_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bytes] = []

    class Counted(zipfile.ZipFile):
        def __init__(self, file: Any, *words: Any) -> None:
            opened.append(file.getvalue())
            super().__init__(file, *words)

    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    data = bytes(bytearray(_DOCUMENT.read_bytes()))  # no other test has opened these bytes
    assert extract_file("a.docx", data).status is Status.COMPLETE
    assert opened == [data]


def test_equal_bytes_of_another_document_are_opened_again() -> None:
    """A near miss: a file is recognised by identity, because comparing all of its bytes takes time."""
    one, other = (bytes(bytearray(_DOCUMENT.read_bytes())) for _ in range(2))
    first = zip_file.opened(one)
    assert zip_file.opened(one) is first
    assert zip_file.opened(other) is not first


def test_the_next_package_is_opened_after_an_invalid_one() -> None:
    with pytest.raises(zipfile.BadZipFile):
        zip_file.opened(b"PK\x03\x04 and no directory")
    assert zip_file.opened(_DOCUMENT.read_bytes()).namelist()
