"""Loads what validators otherwise load on first use, because a confined worker cannot open files."""

import sys
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import stdnum.numdb

from holdgate.detect.numbertables import CompactTable


def preload() -> None:
    """Load the tables of phonenumbers and of the stdnum modules in use; call it after the detectors are made."""
    for name in _number_tables():
        table = stdnum.numdb.get(name)
        if not isinstance(table, CompactTable):
            # Where stdnum looks for a table that it has read. Some modules, such as that of IBANs, keep one: these are
            # small.
            stdnum.numdb._open_databases[name] = CompactTable(table.prefixes)
    phonenumbers.PhoneMetadata.load_all()


def _number_tables() -> Iterator[str]:
    """Yield the names of the tables of stdnum's imported modules: "cn/loc" for stdnum.cn, "isbn" for stdnum.isbn."""
    root = Path(stdnum.numdb.__file__).parent
    for path in sorted(root.rglob("*.dat")):
        name = path.relative_to(root).with_suffix("")
        owner = name.parent if name.parent.name else name
        if f"stdnum.{'.'.join(owner.parts)}" in sys.modules:
            yield str(name)
