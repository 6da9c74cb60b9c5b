"""Text and files that a text lists as numbers are found in each notation; tables of numbers are none."""

import gzip
import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import listed
from holdgate.extract.inline import files_in, is_file

SECRET = b"Dear Bob, her social security number is 536-90-4399, as you asked.\n"
PACKED = gzip.compress(SECRET * 3, mtime=0)


def lines(numbers: list[str], between: str, size: int = 12) -> str:
    return f"{between.rstrip()}\n  ".join(between.join(numbers[at : at + size]) for at in range(0, len(numbers), size))


NOTATIONS: dict[str, Callable[[bytes], str]] = {
    "a buffer of Node in JSON": lambda data: json.dumps({"type": "Buffer", "data": list(data)}),
    "the same in lines": lambda data: json.dumps({"data": list(data)}, indent=2),
    "xxd -i": lambda data: "unsigned char a[] = {\n  " + lines([f"0x{code:02x}" for code in data], ", ") + "\n};\n",
    "Go": lambda data: "[]byte{" + ", ".join(f"0x{code:X}" for code in data) + "}",
    "decimal numbers": lambda data: " ".join(map(str, data)),
    "semicolons": lambda data: ";".join(map(str, data)),
    "one in each line": lambda data: "\n".join(map(str, data)),
    "octal numbers": lambda data: " ".join(f"{code:03o}" for code in data),
    "octal escapes": lambda data: '"' + "".join(f"\\{code:03o}" for code in data) + '"',
    "od -An -tx1": lambda data: lines([f"{code:02x}" for code in data], " ", 16),
    "units of UTF-16": lambda data: " ".join(f"{code:04x}" for code in data),
    "code points": lambda data: " ".join(f"U+{code:04X}" for code in data),
    "escapes of JavaScript": lambda data: "unescape('" + "".join(f"%u{code:04x}" for code in data) + "')",
    "calls of Python": lambda data: "+".join(f"chr({code})" for code in data),
    "calls of a sheet": lambda data: "=" + "&".join(f"CHAR({code})" for code in data),
    "calls of Basic": lambda data: " & _\n  ".join(f"Chr$({code})" for code in data),
}


@pytest.mark.parametrize("form", NOTATIONS.values(), ids=NOTATIONS.keys())
def test_text_is_read_in_each_notation(form: Callable[[bytes], str]) -> None:
    text = f"Hello Anna,\n\nhere it is: {form(SECRET)}\n\nBye\n"
    assert [content for content in listed.contents(text.encode(), is_file) if SECRET in content]


@pytest.mark.parametrize("name", ["a buffer of Node in JSON", "xxd -i", "decimal numbers", "od -An -tx1"])
def test_a_file_is_read(name: str) -> None:
    assert ("", PACKED) in list(files_in(f"a = {NOTATIONS[name](PACKED)}\n".encode()))


def test_letters_beyond_ascii_are_read() -> None:
    text = "Größe, и её номер 536-90-4399"
    points = " ".join(f"U+{ord(letter):04X}" for letter in text)
    assert list(listed.contents(points.encode(), is_file)) == [text.encode()]
    assert list(listed.contents(str(list(text.encode())).encode(), is_file)) == [text.encode()]


NO_LISTS = [
    "",
    "72 80 65 70 77 68 82 90 74 66 71 69 85 88 79 76 73 81 52 50 49 51 53",  # a pulse
    " ".join(str(55 + at % 40) for at in range(400)),
    " ".join(str(100 + at % 23) for at in range(400)),  # letters without digits
    "\n".join(f"{at};{at * 7 % 256};{at * 3 % 90}" for at in range(300)),
    '<area coords="' + ",".join(str(at * 13 % 255) for at in range(60)) + '">',
    "de ad be ef 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f de ad be ef",
    "see f(1), g(2), (3), (4), " * 40,
    "RGB(255) RGB(128) " * 40,
    "\\1\\2\\3" * 40,
    "0x00000001 0x00000002 " * 30,
]


@pytest.mark.parametrize("text", NO_LISTS)
def test_tables_of_numbers_are_no_lists(text: str) -> None:
    assert list(listed.contents(text.encode(), is_file)) == []


def test_random_numbers_are_no_lists() -> None:
    draw = random.Random(20261130)
    for most in (100, 128, 256, 1000):
        numbers = " ".join(str(draw.randrange(most)) for _ in range(5_000))
        assert list(listed.contents(numbers.encode(), is_file)) == []


@given(st.text(alphabet="0123456789abcdefxXuU+%&H(),; \n\\$", max_size=300))
def test_any_numbers_are_read_without_an_exception(text: str) -> None:
    list(listed.contents(text.encode(), is_file))


@given(st.text(min_size=20, max_size=80), st.sampled_from(["decimal numbers", "xxd -i", "od -An -tx1"]))
def test_any_text_with_a_word_and_a_number_is_restored(around: str, name: str) -> None:
    data = f"her number is 536-90-4399 {around}".encode("utf-8", "replace")
    plain = bytes(code for code in data if 32 <= code < 127)
    assert plain in list(listed.contents(NOTATIONS[name](plain).encode(), is_file)) or not listed._is_telling(plain)
