"""Reduces text to its appearance: the skeleton of UTS #39 for case-insensitive comparison.

In addition to the standard, it removes accents, and maps the letters i, l and 1 to one character: an address is shown
in the case that its writer chose, and a capital I looks like a small L.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_suffix(".table")
# The prototypes of ASCII characters in confusables.txt, for lower-case text; "i" is Holdgate's addition.
_ASCII = str.maketrans({"1": "l", "i": "l", "|": "l", "0": "o", "m": "rn"})
# Characters that are shown as nothing (UTS #39, 4: default ignorable code points) and can be in an address.
_UNSEEN = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


@lru_cache(1)
def _table() -> dict[int, str]:
    found: dict[int, str] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            prototype, _, characters = line.partition(" ")
            found.update((ord(one), prototype) for one in characters)
    return found


def skeleton(text: str) -> str:
    """Return what two texts that look alike have in common. The skeleton of a skeleton is itself."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.translate(_UNSEEN).translate(_table()))
        plain = "".join(one for one in decomposed if not unicodedata.combining(one))
        # The decomposition of a capital or a compatibility form can have its own entry.
        text = plain.casefold().translate(_table())
    return text.casefold().translate(_ASCII).replace("vv", "w")
