"""Opens Office files that are encrypted with a password that the programs have built in; the only user of msoffcrypto.

`hash_rounds` is in C, and exists if the package was compiled (see setup.py). Without it, msoffcrypto computes the key.
msoffcrypto is loaded with the first such file, or by `extract.preload`: the library of ciphers takes 7 MB.
"""

import importlib
import io
import re
from functools import cache
from types import ModuleType

from holdgate.extract.reading import Document, Sink, UnreadableError

# Excel and PowerPoint open files with these passwords without asking for one (OpenOffice.org's documentation of the
# Excel file format, 4.18.3; the second is known from oletools).
DEFAULT_PASSWORDS = ("VelvetSweatshop", "/01Hannes Ruescher/01")
# Maximum number of key derivation rounds to compute; Office writes 50,000 or 100,000.
MOST_ROUNDS = 1_000_000
ROUNDS = re.compile(rb'spinCount="(\d+)"')
_SUPPORTED = (20, 64)
"""The lengths in bytes of SHA-1 and SHA-512, which Office uses: since 2010 and since 2013."""

hash_rounds: ModuleType | None
try:
    hash_rounds = importlib.import_module("holdgate.extract.readers.office.hash_rounds")
except ModuleNotFoundError:
    hash_rounds = None


def decrypted(document: Document, information: bytes, sink: Sink) -> bytes:
    """Open a file with a default password, or raise UnreadableError("encrypted").

    `information` describes the encryption of a package ([MS-OFFCRYPTO] 2.3.4.10), b"" for another file.
    """
    if any(int(count[:12]) > MOST_ROUNDS for count in ROUNDS.findall(information)):
        raise UnreadableError("encrypted")
    # Deriving a key is slow in packages; only Excel writes those with a default password.
    for password in DEFAULT_PASSWORDS[: 1 if information else None]:
        sink.budget.check_time()
        out = io.BytesIO()
        try:
            file = _library().OfficeFile(io.BytesIO(document.data))
            file.load_key(password=password)
            file.decrypt(out)
        except Exception:  # after any error, the file stays encrypted, and that is reported
            continue
        return out.getvalue()
    raise UnreadableError("encrypted")


@cache
def _library() -> ModuleType:
    """Return msoffcrypto; it uses `hash_rounds`, if that exists."""
    import msoffcrypto
    from msoffcrypto.method import ecma376_agile

    # Another version of the library may have no such function.
    if hash_rounds is not None and hasattr(ecma376_agile.ECMA376Agile, "_derive_iterated_hash_from_password"):
        _install(hash_rounds, ecma376_agile)
    return msoffcrypto  # type: ignore[no-any-return]


class _Hash:
    """A computed hash, with the interface of hashlib that msoffcrypto uses."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def digest(self) -> bytes:
        """Return it."""
        return self._value


def _install(rounds: ModuleType, agile: ModuleType) -> None:
    """Have msoffcrypto compute the rounds of a password's hash in C ([MS-OFFCRYPTO] 2.3.4.11)."""
    by_library = agile.ECMA376Agile._derive_iterated_hash_from_password

    def iterated(password: str, salt: bytes, algorithm: str, count: int) -> object:
        first: bytes = agile._get_hash_func(algorithm)(salt + password.encode("utf-16-le")).digest()
        if len(first) in _SUPPORTED and 0 <= count <= MOST_ROUNDS:
            return _Hash(rounds.repeated(first, count))
        return by_library(password, salt, algorithm, count)

    agile.ECMA376Agile._derive_iterated_hash_from_password = staticmethod(iterated)
