"""MIME evasions of every family: the payload is found, or the message is flagged."""

from itertools import islice

import pytest

from holdgate.extract.extractor import extract_message
from holdgate.extract.part import Extraction, Status
from tests.support.evasion import evasions, wire

WORDS = "The word is Rosenquist, and that is all there is to say about the matter."


Read = list[tuple[str, Extraction, Extraction]]


@pytest.fixture(scope="module", params=[pytest.param(1, marks=pytest.mark.slow, id="all"), 20])
def read(request: pytest.FixtureRequest) -> Read:
    """Each evasion, or each twentieth, by its name, read as it is and with the line ends of SMTP."""
    chosen = islice(evasions(WORDS.encode()), 0, None, request.param)
    return [(name, extract_message(message), extract_message(wire(message))) for name, message in chosen]


def is_found(extraction: Extraction) -> bool:
    return any(WORDS in part.text for part in extraction.parts)


def test_the_payload_is_found_or_the_message_flagged(read: Read) -> None:
    missed = [name for name, *forms in read for one in forms if not is_found(one) and one.status is Status.COMPLETE]
    assert missed == []


def test_the_payload_is_found_in_at_least_97_percent(read: Read) -> None:
    assert sum(is_found(one) for _, one, _ in read) >= 0.97 * len(read)
