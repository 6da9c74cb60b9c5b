"""Outlook's mailbox files: content is found with its folder, and damaged files are read as far as possible."""

import lzma
from pathlib import Path

import pytest

from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.extractor import UNCLAIMED, extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.office import pst
from holdgate.extract.reading import Document
from tests.support.sink import KeepingSink, read_all

FILES = Path(__file__).parents[4] / "data/pst"
LISTS, LOCKED = (lzma.decompress((FILES / f"{name}.pst.xz").read_bytes()) for name in ("dist-list", "passworded"))


def test_items_are_placed_in_their_folder() -> None:
    sink = read_all(pst.read, LISTS)
    assert "folder Top of Personal Folders/Calendar" in sink.places_of("This is a complete test")
    assert "folder Top of Personal Folders/Calendar, subject" in sink.places_of("Test appointment")
    assert all("Contacts" in place for place in sink.places_of("contact name 1"))


def test_the_strings_of_an_attached_message_are_read() -> None:
    sink = read_all(pst.read, LISTS)
    assert "This is the appointment at 9" in sink.everything()
    assert set(sink.limits) == {"attached message, only strings read"}


def test_a_mailbox_with_a_password_is_read() -> None:
    extraction = extract_file("mail.pst", LOCKED)
    assert (extraction.status, extraction.parts[0].reader) == (Status.COMPLETE, "pst")
    assert "contact name 1" in extraction.parts[0].text


def test_every_message_counts_as_an_entry() -> None:
    with pytest.raises(LimitReachedError, match="too many members"):
        pst.read(Document(LISTS), KeepingSink(Budget(Limits(entries=1))))


def test_data_after_the_file_is_read() -> None:
    extraction = extract_file("mail.pst", LOCKED + b"Rosenquist-behind, the word that stands behind it")
    assert any(UNCLAIMED in part.name and "Rosenquist-behind" in part.text for part in extraction.parts)


@pytest.mark.parametrize("data", [LISTS[:600], b"!BDN" + bytes(600), LISTS[:100_000]])
def test_a_cut_file_is_not_complete(data: bytes) -> None:
    assert extract_file("mail.pst", data).status is not Status.COMPLETE
