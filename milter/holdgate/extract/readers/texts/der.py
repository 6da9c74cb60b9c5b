"""Elements of ASN.1 in BER and DER (X.690), and the texts among them: names in certificates and in extensions."""

from collections.abc import Iterator

from holdgate.extract.readers.texts.byte_strings import strings

SEQUENCE, OCTETS, OID = 0x30, 0x04, 0x06
_CONSTRUCTED = 0x20
_DEEPEST = 30
_BIT_STRING = 0x03
# UTF8String, PrintableString, T61String, IA5String, VisibleString; UniversalString and BMPString.
_CODECS = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
# Names that RFC 5280 (4.2.1.6) tags by context: an address, a domain, a URI.
_NAMES = frozenset({0x81, 0x82, 0x86})


def primitives(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and value of each primitive element in order, at any depth, as far as the encoding is valid."""
    ends = [len(data)]
    position = 0
    while position + 2 <= len(data):
        while len(ends) > 1 and position >= ends[-1]:
            ends.pop()
        tag, length = data[position], data[position + 1]
        position += 2
        if length > 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[position : position + count], "big")
            position += count
        elif length == 0x80:
            length = ends[-1] - position
        if tag & _CONSTRUCTED:
            if len(ends) >= _DEEPEST:
                break
            ends.append(min(position + length, ends[-1]))
        elif tag or length:
            yield tag, data[position : position + length]
            position += length


def is_element(data: bytes) -> bool:
    """Return whether bytes are one sequence with a definite length, and nothing else."""
    if len(data) < 2 or data[0] != SEQUENCE or data[1] == 0x80:
        return False
    count = data[1] & 0x7F if data[1] > 0x80 else 0
    length = int.from_bytes(data[2 : 2 + count], "big") if count else data[1]
    return 2 + count + length == len(data)


def texts(data: bytes, depth: int = 0) -> Iterator[str]:
    """Yield the strings of an element; of octets and bits, those of the element in them, or runs of characters."""
    for tag, value in primitives(data):
        if tag in _CODECS:
            yield value.decode(_CODECS[tag], "replace")
        elif tag in _NAMES and value.isascii():
            yield value.decode("ascii")
        elif depth < _DEEPEST and is_element(inner := value[1:] if tag == _BIT_STRING else value):
            yield from texts(inner, depth + 1)
        elif tag != OID:
            yield from strings(value)
