"""Strings of PDF syntax: escapes, encodings, nesting, and content that is not text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.pdf.pdf_strings import split, string_text, texts


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        (rb"(plain words)", ["plain words"]),
        (rb"(with (nested (brackets)) inside)", ["with (nested (brackets)) inside"]),
        (rb"(escaped \) and \( and \\ marks)", ["escaped ) and ( and \\ marks"]),
        (rb"(octal \101\102\7)", ["octal AB\7"]),
        (rb"(no octal \8\9 \1)", ["no octal 89 \1"]),
        (b"(broken \\\nline)", ["broken line"]),
        (b"<48 65 6c\n6C 6f>", ["Hello"]),
        (b"<48656c6c6f2>", ["Hello "]),
        (b"<feff00e400f600fc00df>", ["äöüß"]),
        (b"(\xfe\xff\0w\0o\0r\0d)", ["word"]),
        ("(größer)".encode(), ["größer"]),
        ("(größer)".encode("latin-1"), ["größer"]),
        (b"(price 5 \xa0)", ["price 5 €"]),
        (b"(never closed", ["never closed"]),
        (b"<< /ID [<00> (x)] /Length 5 >>", []),
        (b"/CreationDate (D:20260301120000+01'00')", []),
        (b"/CreationDate (D:4111111111111111)", ["D:4111111111111111"]),
        (b"/O (looks like text)", []),
        (b"/Other (looks like text)", ["looks like text"]),
        (b"<9f3c81e2d5a7b0c4f6e8d1a29b8c7f6e>", []),
        (b"/DA (/Helv 12 Tf)", []),
        (b"<< /Names [(section.1) 5 0 R (section.2) 6 0 R] >> (words)", ["words"]),
        (b"<< /S /GoTo /D (0.1.2.3) >> << /Opt [(first) (second)] >>", ["first", "second"]),
        (b"/ID [(same words) (same words)]", []),
        (b"() (ab) <>", []),
    ],
)
def test_strings_are_decoded_and_noise_is_omitted(syntax: bytes, expected: list[str]) -> None:
    assert list(texts(syntax)) == expected


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=3, max_size=60))
def test_any_utf_16_text_is_decoded(words: str) -> None:
    assert string_text(b"\xfe\xff" + words.encode("utf-16-be")) == words


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    list(texts(data))
    split(data)


@pytest.mark.parametrize("attack", [b"(", b"<", b"\\(", b"(\\", b"<4", b"/A (", b"((a)"])
def test_repeated_syntax_gives_no_more_text_than_the_input(attack: bytes) -> None:
    data = attack * 300
    assert sum(map(len, texts(data))) <= len(data)


def test_a_stream_ends_at_its_length_or_at_its_end_mark() -> None:
    inner = b"data with endstream inside"
    good = b"1 0 obj << /Length %d >> stream\n%b\nendstream endobj (after)" % (len(inner), inner)
    (stream,) = split(good)[1]
    assert good[stream.start : stream.end] == inner
    wrong = good.replace(b"/Length 26", b"/Length 99")
    (stream,) = split(wrong)[1]
    assert wrong[stream.start : stream.end] == b"data with "
    assert stream.number == 1
