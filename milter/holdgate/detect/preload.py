"""Loads what validators otherwise load on first use, because a confined worker cannot open files."""

import sys
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import stdnum.numdb

from holdgate.detect.numbertables import CompactTable


def preload() -> None:
    """Load the tables of phonenumbers and of the stdnum modules in use; call it after the detectors are made."""
    for name, path in _number_tables():
        if not isinstance(stdnum.numdb._open_databases.get(name), CompactTable):
            # `stdnum.numdb.get` reads a line in twice the time. It looks here for a table that was read. Some modules,
            # such as that of IBANs, keep one: these are small.
            with path.open(encoding="utf-8") as lines:
                stdnum.numdb._open_databases[name] = CompactTable(stdnum.numdb.read(lines).prefixes)
    phonenumbers.PhoneMetadata.load_all()


def _number_tables() -> Iterator[tuple[str, Path]]:
    """Yield name and file of each table of stdnum's imported modules: "cn/loc" for stdnum.cn, "isbn" for isbn."""
    root = Path(stdnum.numdb.__file__).parent
    for path in sorted(root.rglob("*.dat")):
        name = path.relative_to(root).with_suffix("")
        owner = name.parent if name.parent.name else name
        if f"stdnum.{'.'.join(owner.parts)}" in sys.modules:
            yield str(name), path
