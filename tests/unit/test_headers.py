import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.headers import decode


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" plain", "plain"),
        (b" =?utf-8?q?gr=C3=B6=C3=9Fer?=", "größer"),
        (b" =?iso-8859-1?b?Z3L232Vy?=", "größer"),
        (" gr\u00f6\u00dfer".encode(), "größer"),
        (b" a\n\tb\r\n c", "a b c"),
        (b" =?x-nowhere?b?AAAA?=", "=?x-nowhere?b?AAAA?="),
        (b" \xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_examples(value: bytes, text: str) -> None:
    assert decode(value) == text


@given(st.binary() | st.text(alphabet="=?utf-8bqQB_ \n\u00e4", max_size=40))
def test_nothing_raises_and_the_text_can_be_stored(value: bytes | str) -> None:
    assert "\n" not in decode(value) or b"=?" in (value if isinstance(value, bytes) else value.encode())
    decode(value).encode("utf-8")
