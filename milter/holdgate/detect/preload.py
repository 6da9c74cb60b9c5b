"""Loads what validators otherwise load on first use: a confined worker can open no file any more."""

import sys
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import stdnum.numdb


def preload() -> None:
    """Load the tables of phonenumbers and of those stdnum modules that are in use: make the detectors before."""
    phonenumbers.PhoneMetadata.load_all()
    for name in _number_tables():
        stdnum.numdb.get(name)


def _number_tables() -> Iterator[str]:
    """Name the tables that belong to stdnum's imported modules: "cn/loc" to stdnum.cn, "isbn" to stdnum.isbn."""
    root = Path(stdnum.numdb.__file__).parent
    for path in sorted(root.rglob("*.dat")):
        name = path.relative_to(root).with_suffix("")
        owner = name.parent if name.parent.name else name
        if f"stdnum.{'.'.join(owner.parts)}" in sys.modules:
            yield str(name)
