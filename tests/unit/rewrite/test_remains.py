"""Codes that contain a known value are found in the bytes that remain."""

import base64

import pytest

from holdgate.rewrite import remains

TAX_ID = b"86095742719"


@pytest.mark.parametrize("before", [b"", b"Tax ID: ", b'{"id": "'])
def test_the_shortest_number_that_detection_decodes_is_found(before: bytes) -> None:
    assert TAX_ID in list(remains.decoded(before + base64.b64encode(TAX_ID)))
    assert list(remains.decoded(base64.b64encode(TAX_ID[:10]))) == []
