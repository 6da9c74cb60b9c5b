"""Blocks between BEGIN and END lines, in whichever text they are."""

import base64
import html
from collections.abc import Callable

import pytest

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from tests.support.pdf_writer import simple_pdf

WORDS = "4111 1111 1111 1111"


def armoured(label: str, content: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(content).decode()}-----END {label}-----\n"


TEXTS: dict[str, Callable[[str], bytes]] = {
    "a.txt": str.encode,
    "wide.txt": lambda block: block.encode("utf-16"),
    "a.csv": lambda block: f"a,b\nc,d\n{block}".encode(),
    "wide.csv": lambda block: f"a,b\nc,d\n{block}".encode("utf-16"),
    "a.html": lambda block: f"<html><body><pre>{html.escape(block)}</pre></body></html>".encode(),
    "lines.html": lambda block: b"<html><body>%b</body></html>" % block.replace("\n", "<br>").encode(),
    "malformed.html": lambda block: f"<html><body>{'<a>' * 600}{block}</body></html>".encode(),
    "a.xml": lambda block: f"<note>\n{block}</note>".encode(),
    "malformed.xml": lambda block: f"<note>\n{block}</no".encode(),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("label", ["CMS", "NOTE", "CERTIFICATE", "PUBLIC KEY"])
def test_a_file_in_a_block_is_read(name: str, label: str) -> None:
    parts = extract_file(name, TEXTS[name](armoured(label, simple_pdf(WORDS)))).parts
    assert any(WORDS in part.text for part in parts)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("label", ["NOTE", "PUBLIC KEY", "SIGNATURE"])
def test_a_text_in_a_block_is_read(name: str, label: str) -> None:
    parts = extract_file(name, TEXTS[name](armoured(label, f"name;card\nRosenquist;{WORDS}\n".encode() * 3))).parts
    assert any(WORDS in part.text for part in parts)


@pytest.mark.parametrize("name", TEXTS)
def test_an_encrypted_block_is_reported(name: str) -> None:
    block = armoured("PGP MESSAGE", b"\xc1\xc0\x4c" + bytes(range(200, 256)) * 3)
    assert "encrypted" in extract_file(name, TEXTS[name](block)).reason


@pytest.mark.parametrize("name", [name for name in TEXTS if "malformed" not in name])
@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "PGP SIGNATURE", "X509 CRL"])
def test_a_key_block_is_not_reported(name: str, label: str) -> None:
    extraction = extract_file(name, TEXTS[name](armoured(label, b"\x30\x82\x01\x00" + bytes(range(256)))))
    assert (extraction.status, {part.name for part in extraction.parts}) == (Status.COMPLETE, {name})
