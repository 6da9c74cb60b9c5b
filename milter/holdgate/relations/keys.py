"""Converts relations to numbers with a secret key, so that the store cannot be read without the key."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from holdgate import keyfile
from holdgate.quarantine.relations import number


class Hasher:
    """Computes numbers. Two hashers with the same key compute the same numbers."""

    def __init__(self, secret: bytes) -> None:
        key = secret if len(secret) <= blake2b.MAX_KEY_SIZE else blake2b(secret).digest()

        def half(kind: str, text: str) -> int:
            content = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
            return int.from_bytes(blake2b(content, key=key, digest_size=4).digest(), "big")

        # The same few names occur often.
        self._half = lru_cache(50_000)(half)

    @classmethod
    def load(cls, path: Path) -> "Hasher":
        """Read the key from a file; creates it if it does not exist. Raises OSError and ValueError."""
        keyfile.create(path)
        return cls(keyfile.read(path)[0].secret)

    def owner(self, kind: str, name: str) -> int:
        """Return the upper half of the numbers of all relations of one kind that a name has."""
        return self._half(kind, name)

    def target(self, name: str) -> int:
        """Return the lower half of the numbers of relations with a name."""
        return self._half("to", name)

    def edge(self, kind: str, owner: str, target: str) -> int:
        """Return the number of one relation."""
        return number(self._half(kind, owner), self._half("to", target))

    def mark(self, kind: str, name: str) -> int:
        """Return the number of something that is known about one name only."""
        return self.edge(kind, name, name)
