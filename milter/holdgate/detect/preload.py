"""Loads what validators otherwise load on first use, because a confined worker cannot open files."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import phonenumbers
import stdnum.numdb

# A prefix in stdnum's form: its length, the first and the last such prefix, its data, and longer prefixes.
_Prefix = tuple[int, str, str, dict[str, str], Any]


def preload() -> None:
    """Load the tables of phonenumbers and of the stdnum modules in use; call it after the detectors are made."""
    phonenumbers.PhoneMetadata.load_all()
    for name in _number_tables():
        table = stdnum.numdb.get(name)
        table.prefixes = list(_small(table.prefixes, {}))


def _number_tables() -> Iterator[str]:
    """Yield the names of the tables of stdnum's imported modules: "cn/loc" for stdnum.cn, "isbn" for stdnum.isbn."""
    root = Path(stdnum.numdb.__file__).parent
    for path in sorted(root.rglob("*.dat")):
        name = path.relative_to(root).with_suffix("")
        owner = name.parent if name.parent.name else name
        if f"stdnum.{'.'.join(owner.parts)}" in sys.modules:
            yield str(name)


def _small(prefixes: Sequence[_Prefix], known: dict[Any, Any]) -> tuple[_Prefix, ...]:
    """Return the same prefixes with one object for equal values: 12 MB become 7. The library only reads them."""

    def once(value: str) -> str:
        return str(known.setdefault(value, value))

    small: list[_Prefix] = []
    for length, first, last, values, longer in prefixes:
        items = tuple((once(name), once(value)) for name, value in values.items())
        small.append((length, once(first), once(last), known.setdefault(items, dict(items)), _small(longer, known)))
    return tuple(small)
