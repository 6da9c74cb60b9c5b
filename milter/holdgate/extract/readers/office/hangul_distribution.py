"""Opens the streams of a distribution document of Hangul: everybody may read it, so the key is in each stream.

Follows Hancom's "Hangul Document File Formats", distribution documents, revision 1.2. A stream begins with a record of
256 bytes. Its first four are the seed of a generator of random numbers; runs of the rest are combined with these by
XOR. A place that depends on the seed then has the SHA-1 of the author's password, as hexadecimal digits in UTF-16. The
first 16 bytes of that are the key of what follows the record: AES-128 in ECB mode.
"""

import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_TAG, _SIZE = 0x1C, 256  # HWPTAG_DISTRIBUTE_DOC_DATA
_HEADER, _SEED, _KEY, _BLOCK = 4, 4, 16, 16


def opened(stream: bytes) -> bytes | None:
    """Return what stands encrypted in a stream, None if it does not begin with the record of a key."""
    if len(stream) < _HEADER + _SIZE:
        return None
    (header,) = struct.unpack_from("<I", stream)
    if header & 0x3FF != _TAG or header >> 20 != _SIZE:
        return None
    start = _HEADER + _SIZE
    end = start + (len(stream) - start) // _BLOCK * _BLOCK
    decryptor = Cipher(algorithms.AES128(key_of(stream[_HEADER:start])), modes.ECB()).decryptor()
    return decryptor.update(stream[start:end]) + decryptor.finalize()


def key_of(record: bytes) -> bytes:
    """Return the key that a record of 256 bytes hides."""
    (seed,) = struct.unpack_from("<I", record)
    plain = bytes(byte ^ mask for byte, mask in zip(record, _masks(seed), strict=True))
    # The seed itself is not combined with anything.
    at = _SEED + (record[0] & 0xF)
    return plain[at : at + _KEY]


def _masks(seed: int) -> bytes:
    """Return the bytes to combine a record with: runs of 1 to 16 equal ones, as the C library of Windows draws them."""
    masks = bytearray()
    while len(masks) < _SIZE:
        seed, value = _random(seed)
        seed, length = _random(seed)
        masks += bytes([value & 0xFF]) * ((length & 0xF) + 1)
    return bytes(masks[:_SIZE])


def _random(seed: int) -> tuple[int, int]:
    """Return the next state of the generator, and its number of 15 bits."""
    seed = (seed * 214_013 + 2_531_011) & 0xFFFFFFFF
    return seed, seed >> 16 & 0x7FFF
