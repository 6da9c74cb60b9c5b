"""Which values of a message are compared with earlier mail, and what leaves the worker of them."""

import re
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Confidence, Match
from holdgate.extract.part import Attachment, Extraction, Part
from holdgate.findings import MOST_VALUES, SKETCH
from holdgate.scan.inspect import Inspector
from holdgate.scan.values import SHARED, digests, sketches
from tests.unit.scan.test_inspect import inspector

__all__ = ["inspector"]
DIGITS = str.maketrans("0123456789", "abcdefghij")
IBAN, OTHER = "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19"


def match(identifier: str, value: str, confidence: Confidence = Confidence.HIGH) -> Match:
    return Match(identifier, 0, 1, confidence, value)


def message(*ibans: str) -> bytes:
    lines = "".join(f"Please pay to IBAN {one} today.\r\n" for one in ibans)
    return f"From: anna@corp.example\r\nSubject: Payment\r\n\r\n{lines}".encode()


def test_each_value_gives_one_digest_with_its_identifier_and_no_text() -> None:
    found = digests([[match("iban", "DE89"), match("iban", "DE89")], [match("iban", "DE90"), match("us-ssn", "DE89")]])
    assert [one.partition(" ")[0] for one in found] == ["iban", "iban", "us-ssn"]
    assert len({one.partition(" ")[2] for one in found}) == 3
    assert all(re.fullmatch("[a-z-]+ [0-9a-f]{16}", one) for one in found)


@pytest.mark.parametrize("identifier", sorted(SHARED))
def test_an_identifier_whose_values_many_people_share_is_not_compared(identifier: str) -> None:
    assert digests([[match(identifier, "X"), match("iban", "DE89")]])[0].startswith("iban ")


def test_a_match_of_low_confidence_or_without_value_is_not_compared() -> None:
    assert digests([[match("us-ssn", "1", Confidence.LOW), match("iban", "")]]) == []
    assert len(digests([[match("us-ssn", "1", Confidence.MEDIUM)]])) == 1


def test_only_the_first_of_many_values_are_compared() -> None:
    many = [match("iban", str(number)) for number in range(1000)]
    assert digests([many]) == digests([many[:MOST_VALUES]])


TEMPLATE = " ".join(f"clause{word}x agrees{word}y".translate(DIGITS) for word in range(100, 250)) + " {client} signs"


def document(text: str, *, name: str = "contract.txt") -> Extraction:
    return Extraction([Part("message body", "text", "Hello"), Part(name, "text", text)], attachments=[file(name)])


def file(name: str) -> Attachment:
    return Attachment(name, "text", 7)


def test_documents_of_one_template_have_most_of_their_sketch_in_common() -> None:
    one, other = (set(sketches(document(TEMPLATE.format(client=client)))) for client in ("Orchid", "Falcon"))
    assert len(one) == SKETCH
    assert len(one & other) > SKETCH // 2
    backwards = set(sketches(document(" ".join(reversed(TEMPLATE.split())))))
    assert not one & backwards


def test_numbers_and_capitals_do_not_distinguish_documents() -> None:
    assert sketches(document(TEMPLATE)) == sketches(document(TEMPLATE.upper() + " 2024-10-04 4711"))


def test_a_short_document_and_the_body_have_no_sketch() -> None:
    assert sketches(document("Please find the contract attached.")) == []
    assert sketches(Extraction([Part("message body", "text", TEMPLATE)])) == []


def test_only_the_first_of_many_documents_have_a_sketch() -> None:
    words = TEMPLATE.split()
    parts = [Part(f"{at}.txt", "text", " ".join(words[at : at + 60])) for at in range(0, 200, 20)]
    many = Extraction(parts, attachments=[file(one.name) for one in parts])
    assert SKETCH < len(sketches(many)) <= MOST_VALUES


@given(st.text())
def test_sketching_works_for_any_text(text: str) -> None:
    assert len(sketches(document(text * 20))) <= SKETCH


def test_a_worker_returns_values_on_request(inspector: Inspector) -> None:
    one = inspector.inspect(message(IBAN, OTHER), values=True)
    assert len(one.values) == 2
    assert inspector.inspect(message(IBAN.replace(" ", "")), values=True).values == one.values[:1]
    assert inspector.inspect(message(IBAN)).values == []
    plain = inspector.inspect_plain(message(IBAN), values=True)
    assert plain is not None
    assert plain.values == one.values[:1]


def test_a_document_of_fifty_words_is_compared_and_a_shorter_one_is_not() -> None:
    words = [f"word{number}".translate(DIGITS) for number in range(50)]
    assert sketches(document(" ".join(words)))
    assert sketches(document(" ".join(words[:49]))) == []


def test_words_after_the_first_two_thousand_are_not_compared() -> None:
    words = [f"word{number:04}".translate(DIGITS) for number in range(2000)]
    whole = sketches(document(" ".join(words)))
    # A word that would be in the sketch, because what ends with it has a small checksum.
    others = (f"other{number:05}".translate(DIGITS) for number in range(100_000))
    small = next(one for one in others if crc32(" ".join([*words[-4:], one]).encode()) < 2**32 // 20_000)
    assert sketches(document(" ".join([*words, small]))) == whole
    assert sketches(document(" ".join([*words[1:], small]))) != whole
