"""Decrypts the streams of a distribution document of Hangul: anyone can read it, so each stream has the key.

Follows Hancom's "Hangul Document File Formats", distribution documents, revision 1.2. A stream begins with a record of
256 bytes. Its first four are the seed of a generator of random numbers; runs of the rest are combined with these by
XOR. A place that depends on the seed then contains the SHA-1 of the author's password, as hexadecimal digits in UTF-16.
Its first 16 bytes are the key of the data after the record: AES-128 in ECB mode.
"""

import struct

_TAG, _SIZE = 0x1C, 256  # HWPTAG_DISTRIBUTE_DOC_DATA
_HEADER, _SEED, _KEY, _BLOCK = 4, 4, 16, 16


def opened(stream: bytes) -> bytes | None:
    """Return the decrypted content of a stream, None if it does not begin with the record of a key."""
    # It takes 7 MB. `extract.preload` loads it before a process is confined.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

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
    """Return the key hidden in a record of 256 bytes."""
    (seed,) = struct.unpack_from("<I", record)
    plain = bytes(byte ^ mask for byte, mask in zip(record, _masks(seed), strict=True))
    # The seed itself is not combined with anything.
    at = _SEED + (record[0] & 0xF)
    return plain[at : at + _KEY]


def _masks(seed: int) -> bytes:
    """Return the bytes to combine with a record: runs of 1 to 16 equal ones, generated as by Windows' C library."""
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
