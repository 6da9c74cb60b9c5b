"""Encrypted blocks in text are never complete; what only names such a format is."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import formats
from holdgate.extract.identify import identify
from holdgate.extract.readers.texts import text, xml
from holdgate.extract.readers.texts.ciphertext import NOT_READ, has_block
from holdgate.extract.reading import Document
from tests.support.sink import read_all

assert formats.REGISTRY.signatures  # known once the readers are imported

CODED = base64.b64encode(bytes(range(1, 200))).decode()
URL_CODED = base64.urlsafe_b64encode(bytes(range(256))).decode().rstrip("=")
HEX = bytes(range(100)).hex()


def header(**members: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


JOSE = header(alg="RSA-OAEP", enc="A256GCM")
COMPACT = f"{JOSE}.{URL_CODED}.{URL_CODED[:16]}.{URL_CODED}.{URL_CODED[:22]}"
GENERAL = {"protected": JOSE, "iv": URL_CODED[:16], "ciphertext": URL_CODED, "tag": URL_CODED[:22]}
NESTED = base64.urlsafe_b64encode(b'{"a":' + b"[" * 100_000).decode().rstrip("=")
VAULT = f"$ANSIBLE_VAULT;1.1;AES256\n{HEX[:80]}\n{HEX[80:160]}\n"
AGE = f"-----BEGIN AGE ENCRYPTED FILE-----\n{CODED[:64]}\n{CODED[64:128]}\n-----END AGE ENCRYPTED FILE-----\n"
XML = (
    '<d><e:EncryptedData xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:CipherData>'
    f"<e:CipherValue>{CODED}</e:CipherValue></e:CipherData></e:EncryptedData></d>"
)


@pytest.mark.parametrize(
    "block",
    [
        VAULT,
        f"db_password: !vault |\n          $ANSIBLE_VAULT;1.2;AES256;prod\n          {HEX[:80]}\n",
        VAULT.replace("\n", "\r\n"),
        AGE,
        f"See below.\n\n{AGE}",
        f"password: ENC[AES256_GCM,data:{CODED[:12]},iv:{CODED[:43]}=,tag:{CODED[:22]}==,type:str]\n",
        f"BEGIN SALTPACK ENCRYPTED MESSAGE. kcJn5brvybfNjz6 {URL_CODED[:15]}. END SALTPACK ENCRYPTED MESSAGE.",
        "BEGIN KEYBASE SALTPACK ENCRYPTED MESSAGE. kcJn5brvybfNjz6. END KEYBASE SALTPACK ENCRYPTED MESSAGE.",
        COMPACT,
        f"\n {COMPACT}\n",
        f"{JOSE}..{URL_CODED[:22]}.{URL_CODED}.{URL_CODED[:43]}",  # a key that both know; AES-CBC with HMAC
        json.dumps(GENERAL),
        json.dumps(GENERAL | {"recipients": [{"encrypted_key": URL_CODED}]}, indent=2),
    ],
)
def test_an_encrypted_block_is_reported_as_not_read(block: str) -> None:
    assert has_block(block)
    assert NOT_READ in read_all(text.read, block.encode()).limits
    assert NOT_READ in read_all(text.read, block.encode("utf-16")).limits


def test_encrypted_xml_elements_are_reported_as_not_read() -> None:
    assert read_all(xml.read, XML.encode()).limits == [NOT_READ]


@pytest.mark.parametrize(
    "words",
    [
        "Each file begins with $ANSIBLE_VAULT;1.1;AES256\nand hexadecimal digits.",
        "Look for the line -----BEGIN AGE ENCRYPTED FILE-----\nin the file.",
        "BEGIN SALTPACK ENCRYPTED MESSAGE. is how it begins.",
        "SOPS writes ENC[AES256_GCM,data:...,iv:...,tag:...,type:str].",
        f"{header(alg='RS256')}.{URL_CODED}.{URL_CODED}",  # signed only
        f"{header(alg='none')}.{URL_CODED}.{URL_CODED[:16]}.{URL_CODED}.{URL_CODED[:22]}",
        f"https://www.partner.example/?token={COMPACT}",
        f"eyJ{'a' * 200}",
        f"{NESTED}.{URL_CODED}.{URL_CODED[:16]}.{URL_CODED}.{URL_CODED[:22]}",
        json.dumps({name: GENERAL[name] for name in ("iv", "tag")} | {"note": "ciphertext"}),
        json.dumps({"cipher": {"iv": 1, "tag": 2, "ciphertext": 3}, "iv": 4}),
        "{" + '"ciphertext" "iv" "tag"' + "[" * 100_000,
    ],
)
def test_text_similar_to_an_encrypted_block_is_not_reported(words: str) -> None:
    assert not has_block(words)


@pytest.mark.parametrize(
    "source",
    [
        XML.replace(f"<e:CipherValue>{CODED}</e:CipherValue>", '<e:CipherReference URI="OEBPS/font.otf"/>'),
        XML.replace("http://www.w3.org/2001/04/xmlenc#", "urn:other"),
        '<a xmlns:e="http://www.w3.org/2001/04/xmlenc#"><b Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/></a>',
    ],
)
def test_elements_that_name_an_algorithm_or_another_file_are_read(source: str) -> None:
    assert read_all(xml.read, source.encode()).limits == []


@pytest.mark.parametrize(
    "start",
    [
        b"age-encryption.org/v1\n-> X25519 ",
        bytes.fromhex("03d9a29a67fb4bb500000400"),
        bytes.fromhex("03d9a29a65fb4bb500000300"),
        b"LUKS\xba\xbe\x00\x02",
        b"\xeb\x58\x90-FVE-FS-\x00\x02",
        bytes.fromhex("c0b9072e4f93f146a015792ca1d9e821"),
    ],
)
def test_encrypted_formats_are_recognised_by_their_signature(start: bytes) -> None:
    assert identify(Document(start + bytes(range(256)) * 4)) == "encrypted"


@given(st.text())
def test_any_text_is_searched_without_an_exception(words: str) -> None:
    has_block(words)
    has_block(f"eyJ{words}")
    has_block('{"ciphertext":"","iv":"","tag":' + words)
