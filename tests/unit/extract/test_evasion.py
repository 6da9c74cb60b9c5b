"""MIME evasions of every family: the payload is found, or the message is flagged."""

from holdgate.extract.extractor import extract_message
from holdgate.extract.part import Status
from tests.support.evasion import evasions, wire

WORDS = "The word is Rosenquist, and that is all there is to say about the matter."


def test_found_or_flagged() -> None:
    missed = []
    for name, message in evasions(WORDS.encode()):
        for form in (message, wire(message)):
            extraction = extract_message(form)
            found = any(WORDS in part.text for part in extraction.parts)
            if not found and extraction.status is Status.COMPLETE:
                missed.append(name)
    assert missed == []


def test_payload_itself_is_found_in_nearly_all() -> None:
    messages = list(evasions(WORDS.encode()))
    found = sum(any(WORDS in part.text for part in extract_message(message).parts) for _, message in messages)
    assert found >= 0.97 * len(messages)
