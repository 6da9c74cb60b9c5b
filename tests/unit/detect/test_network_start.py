"""An address at the beginning of a text, after nothing but a full stop: a slice must not begin before the text."""

import pytest

from holdgate.detect import Detector


@pytest.mark.parametrize(
    ("text", "found"), [(".192.0.2.7", True), (" .192.0.2.7", True), ("a.192.0.2.7", False), ("192.0.2.7", True)]
)
def test_an_address_after_a_full_stop_at_the_beginning_is_found(detector: Detector, text: str, found: bool) -> None:
    matches = [one for one in detector.find(text) if one.identifier == "ip-address"]
    assert [text[one.start : one.end] for one in matches] == (["192.0.2.7"] if found else [])
