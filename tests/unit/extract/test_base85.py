"""Base 85 without marks is read in three alphabets; addresses, passwords and prose in base 85's letters are not."""

import gzip
import zlib
from base64 import a85encode, b64encode, b85encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import base85
from holdgate.extract.inline import files_in

SECRET = b"Dear Bob, her social security number is 536-90-4399, as you asked. Anna"


def z85(data: bytes) -> bytes:
    return b85encode(data).translate(bytes.maketrans(base85._RFC_1924, base85._Z85))


CODES: list[Callable[[bytes], bytes]] = [b85encode, z85, a85encode]


def wrapped(run: bytes, before: bytes = b"", size: int = 76) -> bytes:
    return b"".join(before + run[at : at + size] + b"\n" for at in range(0, len(run), size))


def test_z85_has_the_alphabet_of_its_specification() -> None:
    assert z85(bytes([0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B])) == b"HelloWorld"


@pytest.mark.parametrize("encode", CODES)
@pytest.mark.parametrize(
    "text",
    [
        b"Here:\n\n%b\n\nBye\n",
        b"data: %b\n",
        b'x = "%b"\n',
        b"body=%b",
    ],
)
def test_a_run_is_read(encode: Callable[[bytes], bytes], text: bytes) -> None:
    assert any(SECRET in content for _, content in files_in(text % encode(SECRET)))


@pytest.mark.parametrize("encode", CODES)
@pytest.mark.parametrize("before", [b"", b"> ", b"  "])
def test_lines_are_read(encode: Callable[[bytes], bytes], before: bytes) -> None:
    text = b"Here:\n\n" + wrapped(encode(SECRET * 5), before) + b"\nRegards\n"
    assert any(SECRET * 5 in content for _, content in files_in(text))


@pytest.mark.parametrize("encode", CODES)
@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_packed_text_is_read(encode: Callable[[bytes], bytes], pack: Callable[[bytes], bytes]) -> None:
    packed = pack(SECRET * 3)
    assert any(content in (SECRET * 3, packed) for _, content in files_in(b"Here:\n" + encode(packed) + b"\n"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"https://corp.example/a/b?c=1&d=(2)&e=[3]{4}~!*'5#%20@6;7&8=9:" * 3,
        b"!#$%&()*;<>?@^`{|}~" * 10,
        b"if(a[i]<b&&c[j]>d||!e(f)){g=h?i:j;k*=l%m;n^=o|p&q;}" * 3,
        b64encode(SECRET * 3),
        b85encode(bytes(range(256))),
        b85encode(b"short text 12"),
        b"-" * 500 + b"(*)&%$" * 20,
    ],
)
def test_other_runs_are_not_read(text: bytes) -> None:
    assert list(base85.contents(text)) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    list(base85.contents(data))
    list(base85.contents(b"A(*&^%$#" * 10 + data))
