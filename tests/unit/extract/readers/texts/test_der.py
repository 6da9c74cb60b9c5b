"""Elements of ASN.1 are read one after the other."""

from holdgate.extract.readers.texts import der


def test_elements_are_read_one_after_the_other() -> None:
    elements = der.primitives(b"\x02\x01\x07" * 3 + b"\x30\x03\x0c\x01a")
    assert next(elements) == (2, b"\x07")
    assert list(elements) == [(2, b"\x07"), (2, b"\x07"), (12, b"a")]
