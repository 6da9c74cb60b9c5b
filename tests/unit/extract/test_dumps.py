"""Bytes shown as digits are found in each form that programs print; tables of numbers are none."""

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import dumps

SECRET = b"Dear Bob, her social security number is 536-90-4399, as you asked.\n"


def pieces(data: bytes, size: int = 16) -> list[tuple[int, bytes]]:
    return [(at, data[at : at + size]) for at in range(0, len(data), size)]


def letters(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def xxd(data: bytes, size: int = 16, group: int = 2) -> str:
    """As xxd(1) prints."""
    width = size * 2 + (size - 1) // group
    rows = [
        (at, piece, [piece[i : i + group].hex() for i in range(0, len(piece), group)])
        for at, piece in pieces(data, size)
    ]
    return "".join(f"{at:08x}: {' '.join(groups):{width}}  {letters(piece)}\n" for at, piece, groups in rows)


def canonical(data: bytes) -> str:
    """As hexdump -C prints."""
    return "".join(f"{at:08x}  {p[:8].hex(' '):23}  {p[8:].hex(' '):23}  |{letters(p)}|\n" for at, p in pieces(data))


def words(data: bytes) -> str:
    """As hexdump(1) prints without options: words of two bytes, the second byte first."""
    rows = [(at, [p[i : i + 2][::-1].hex().rjust(4, "0") for i in range(0, len(p), 2)]) for at, p in pieces(data)]
    return "".join(f"{at:07x} {' '.join(row)}\n" for at, row in rows) + f"{len(data):07x}\n"


def od(data: bytes, offset: str = "07o") -> str:
    """As od -t x1 prints, with offsets in octal, or as -A wants them."""
    return "".join(f"{at:{offset}} {p.hex(' ')}\n" for at, p in pieces(data))


def tcpdump(data: bytes) -> str:
    rows = [(at, p, [p[i : i + 2].hex() for i in range(0, len(p), 2)]) for at, p in pieces(data)]
    return "".join(f"\t0x{at:04x}:  {' '.join(groups):39}  {letters(p)}\n" for at, p, groups in rows)


def wireshark(data: bytes) -> str:
    return "".join(f"{at:04x}  {p[:8].hex(' ')}  {p[8:].hex(' '):23}   {letters(p)}\n" for at, p in pieces(data))


def debugger(data: bytes) -> str:
    return "".join(
        f"00007ff6`{at:08x}"[9:] + f"  {p[:8].hex(' ')}-{p[8:].hex(' ')}  {letters(p)}\n" for at, p in pieces(data)
    )


def intel(data: bytes) -> str:
    records = [bytes([len(p), at >> 8, at & 255, 0]) + p for at, p in pieces(data)] + [bytes([0, 0, 0, 1])]
    return "".join(f":{(one + bytes([-sum(one) & 255])).hex().upper()}\n" for one in records)


def motorola(data: bytes, kind: int = 1) -> str:
    size = kind + 1
    records = [(kind, bytes([len(p) + size + 1]) + at.to_bytes(size, "big") + p) for at, p in pieces(data)]
    records = [(0, bytes([3 + 3, 0, 0]) + b"abc"), *records, (9, bytes([3, 0, 0]))]
    return "".join(f"S{one}{(row + bytes([~sum(row) & 255])).hex().upper()}\n" for one, row in records)


def patch(data: bytes, how: str = "literal") -> str:
    packed = zlib.compress(data)
    lines = []
    for _, piece in pieces(packed, 52):
        length = chr(len(piece) + 64 if len(piece) <= 26 else len(piece) + 70)
        lines.append(length + base64.b85encode(piece + bytes(-len(piece) % 4)).decode())
    return "GIT binary patch\n" + f"{how} {len(data)}\n" + "\n".join(lines) + "\n\nliteral 0\nHcmV?d00001\n\n"


def numbers(data: bytes, form: str, size: int = 1) -> str:
    """As od(1) prints numbers: octal bytes (-b), octal words, decimal bytes (-t u1), words of four bytes."""
    rows = [(at, [int.from_bytes(p[i : i + size], "little") for i in range(0, len(p), size)]) for at, p in pieces(data)]
    return (
        "".join(f"{at:07o} {' '.join(format(one, form) for one in row)}\n" for at, row in rows) + f"{len(data):07o}\n"
    )


def octal_bytes(data: bytes) -> str:
    return numbers(data, "03o")


def decimal_bytes(data: bytes) -> str:
    return numbers(data, "3d")


def bits(data: bytes) -> str:
    """As xxd -b prints."""
    return "".join(
        f"{at:08x}: {' '.join(format(byte, '08b') for byte in p)}  {letters(p)}\n" for at, p in pieces(data, 6)
    )


def characters(data: bytes) -> str:
    """As od -c prints."""
    signs = {code: f"{chr(code):>4}" for code in range(32, 127)} | {10: r"  \n", 9: r"  \t", 0: r"  \0"}
    return "".join(f"{at:07o}{''.join(signs.get(c, f' {c:03o}') for c in p)}\n" for at, p in pieces(data))


def names(data: bytes) -> str:
    """As od -a prints text."""
    return "".join(
        f"{at:07o}{''.join({32: '  sp', 10: '  nl'}.get(c, f'{chr(c):>4}') for c in p)}\n" for at, p in pieces(data)
    )


FORMS = [xxd, canonical, od, tcpdump, wireshark, debugger, intel, motorola, patch]
FORMS += [octal_bytes, decimal_bytes, bits, characters, names]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_form_is_read(form: object, end: str) -> None:
    assert callable(form)
    text = f"Hello Anna,\n\n{form(SECRET)}\nBye\n".replace("\n", end).encode()
    assert SECRET in list(dumps.contents(text))


@pytest.mark.parametrize(
    "text",
    [
        xxd(SECRET, 8, 1),
        xxd(SECRET, 32, 4),
        xxd(SECRET, 12, 1).upper().replace("DEAR", "Dear"),
        od(SECRET, "06x"),
        od(SECRET, "07d"),
        "".join(f"> {line}\n" for line in canonical(SECRET).splitlines()),
        "".join(f"> {line}\n" for line in intel(SECRET).splitlines()),
        "".join(f">>{line}\n" for line in motorola(SECRET).splitlines()),
        f"{xxd(b'x' * 40)}\n{xxd(SECRET)}",
        patch(SECRET, "delta"),
        motorola(SECRET, 2),
        motorola(SECRET, 3),
        "".join(f"> {line}\n" for line in characters(SECRET).splitlines()),
        "".join(f"{line[7:]}\n" for line in characters(SECRET).splitlines()),
    ],
)
def test_variants_of_dumps_are_read(text: str) -> None:
    assert SECRET in list(dumps.contents(text.encode()))


def test_little_endian_words_are_read() -> None:
    assert list(dumps.contents(words(SECRET + b"!").encode())) == [SECRET + b"!"]
    assert SECRET + b"!" in list(dumps.contents(numbers(SECRET + b"!", "06o", 2).encode()))
    assert SECRET + b"!" in list(dumps.contents(numbers(SECRET + b"!", "08x", 4).encode()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0001 12 apples\n0002 45 pears\n0003 ff plums\n",
        "2024 45 67\n2025 46 68\n",
        "1000  12 34\n1016  56 78\n",  # fewer bytes than the next offset requires
        "00000000: 4465 6172 2042 6f62 2c20 6865 7220 736f  Dear Bob, her so\n",  # its letters are next to it
        "00000010: 4465\n00000000: 4465\n",
        "S1 is a record\nS2 is another\n",
        ":smile:\n:cry:\n",
        "GIT binary patch\nliteral 5\nEnotcompressed\n",
        "   a   b\n",
        "   a   b   c\n   d\n",
        "      1     2     3\n      4     5     6\n",
        "0000001  10  20  30\n0000002  11  21  31\n0000003  12  22  32\n",
        "literal 85\nycmc~uEmA1XPtHutQ7BGLE\n",
    ],
)
def test_tables_of_numbers_are_not_dumps(text: str) -> None:
    assert [found for found in dumps.contents(text.encode()) if found] == []


@given(
    st.binary(min_size=17, max_size=200),
    st.sampled_from([xxd, canonical, od, tcpdump, wireshark, intel, motorola, patch, octal_bytes, bits]),
)
def test_any_dumped_bytes_are_restored(data: bytes, form: object) -> None:
    assert callable(form)
    assert data in list(dumps.contents(form(data).encode()))


@given(
    st.text(alphabet=[chr(code) for code in range(32, 127)], min_size=20, max_size=200), st.sampled_from([" ", "\n"])
)
def test_any_text_in_columns_is_restored(text: str, between: str) -> None:
    data = f"number 1234{between}{text}".encode()
    assert data in list(dumps.contents(characters(data).encode()))
    assert data in list(dumps.contents(names(data).encode()))


@given(st.text(alphabet="0123456789abcdefS:> |\n\t-x", max_size=200))
def test_any_digits_are_read_without_an_exception(text: str) -> None:
    list(dumps.contents(text.encode()))
