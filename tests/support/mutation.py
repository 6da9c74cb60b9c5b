"""Damages files the way transfer, disks and attackers do, reproducibly by seed."""

import random
from collections.abc import Iterator

_SPECIAL_BYTES = (
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\r\n",
    b"--",
    b"<",
    b"=",
    b"{",
    b"PK\x03\x04",
)


def mutants(data: bytes, seed: int) -> Iterator[bytes]:
    """Yield damaged copies of `data` without end: flipped, cut, zeroed, duplicated, moved, with special bytes."""
    chance = random.Random(seed)
    while True:
        mutant = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 4, 16))):
            if mutant:
                _damage(mutant, chance)
        yield bytes(mutant)


def _damage(mutant: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(mutant))
    length = min(chance.choice((1, 2, 4, 16, 200)), len(mutant) - at)
    kind = chance.randrange(7)
    if kind == 0:
        mutant[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        mutant[at : at + length] = chance.randbytes(length)
    elif kind == 2:
        mutant[at : at + length] = bytes(length)
    elif kind == 3:
        del mutant[at : at + length]
    elif kind == 4:
        mutant[at:at] = mutant[at : at + length] * chance.choice((1, 2, 50))
    elif kind == 5:
        mutant[at:at] = chance.choice(_SPECIAL_BYTES)
    else:
        del mutant[max(at, len(mutant) // 4) :]
