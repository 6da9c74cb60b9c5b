"""A milter in pymilter that collects the body and adds a header field, to measure the cost of pymilter alone.

python pytrivial.py unix:/path
"""

import os
import sys
from typing import Any

import Milter

_STEPS = ("connect", "hello", "envfrom", "envrcpt", "data", "header", "eoh")


class Trivial(Milter.Base):
    """One connection."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []

    @Milter.noreply
    def body(self, chunk: bytes) -> int:
        """Keep a piece of the body."""
        self._chunks.append(chunk)
        return int(Milter.CONTINUE)

    def eom(self) -> int:
        """Join the pieces and add a field."""
        b"".join(self._chunks)
        self._chunks.clear()
        self.addheader("X-Bench", "none")
        return int(Milter.CONTINUE)

    @Milter.nocallback
    def unknown(self, *_: Any) -> int:
        """Not asked for."""
        return int(Milter.CONTINUE)


def _go_on(*_: Any) -> int:
    return int(Milter.CONTINUE)


for _step in _STEPS:

    def _named(self: Trivial, *arguments: Any) -> int:
        return _go_on(self, *arguments)

    _named.__name__ = _step
    setattr(Trivial, _step, Milter.noreply(_named))


if __name__ == "__main__":
    os.umask(0)
    Milter.factory = Trivial
    Milter.set_flags(Milter.ADDHDRS)
    Milter.runmilter("pytrivial", sys.argv[1], 240)
