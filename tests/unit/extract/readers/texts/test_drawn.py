"""Codes that a text draws with characters, as qrencode -t UTF8, ASCII, ANSI and ANSI256 write them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.readers.texts.drawn import drawings
from tests.support.codes import code

TEXT = "Ann Example, IBAN DE89 3704 0044 0532 0130 00"
Modules = list[list[bool]]


def modules() -> Modules:
    image = code(TEXT, scale=1).convert("L")
    return [[image.getpixel((x, y)) == 0 for x in range(image.width)] for y in range(image.height)]


def blocks(rows: Modules) -> str:
    signs = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    rows = rows + [[False] * len(rows[0])] * (len(rows) % 2)
    return "\n".join(
        "".join(signs[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )


def inverted(rows: Modules) -> str:
    return blocks([[not module for module in row] for row in rows])


def signs(rows: Modules) -> str:
    return "\n".join("".join("##" if module else "  " for module in row) for row in rows)


def single(rows: Modules) -> str:
    return "\r\n".join("".join("*" if module else " " for module in row) for row in rows)


def coloured(rows: Modules) -> str:
    return "\n".join("".join(f"\x1b[{40 if module else 47}m  " for module in row) + "\x1b[0m" for row in rows)


def of_256_colours(rows: Modules) -> str:
    return "\n".join("".join(f"\x1b[48;5;{16 if module else 231}m  " for module in row) + "\x1b[0m" for row in rows)


WRITERS = [blocks, inverted, signs, single, coloured, of_256_colours]


@pytest.mark.parametrize("write", WRITERS)
def test_a_code_drawn_with_characters_is_read(write: Callable[[Modules], str]) -> None:
    text = f"Hello,\n\nplease scan this:\n\n{write(modules())}\n\nRegards"
    extraction = extract_file("a.txt", text.encode())
    assert TEXT in "\n".join(part.text for part in extraction.parts)


@pytest.mark.parametrize(
    "text",
    [
        "a table\n" + "####################\n" * 3 + "more",
        "\n".join(["#" * 60] * 20),
        "\n".join([" " * 60] * 20),
        "\n".join(["* one of several points of a list", "* another one"] * 20),
        "█ 12 %\n██ 24 %\n████ 60 %\n" * 10,
    ],
    ids=["rules", "one area", "spaces", "list", "bars"],
)
def test_other_characters_are_not_a_drawing(text: str) -> None:
    assert list(drawings(text)) == []


@given(st.text(alphabet=" █▀▄#*\n\x1b[0;47m", max_size=900))
def test_any_text_is_searched_for_drawings_without_an_exception(text: str) -> None:
    for image in drawings(text + "\n" + (text[:40] + "\n") * 12):
        assert image.startswith(b"P4\n")
