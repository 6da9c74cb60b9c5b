"""The hashes of the audit trail: what an event's hash covers, and the digests for its note and rows."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping

GENESIS = "0" * 64
"""The previous hash of the first event."""

_NAMES = ("incident_id", "event", "who", "how", "origin", "note_digest")
# Fields that events did not have before schema 0004.
_NAMES_SINCE_0004 = ("number", "rows_digest")
# Fields that are not hashed in the first chain, because older versions did not have them (chains.py).
_NAMES_OF_CHAINS = ("chain", "seen")


def note_digest(salt: str, note: str) -> str:
    """Return the digest of a note in the chain."""
    return _salted(salt, note)


def rows_digest(salt: str, content: str) -> str:
    """Return the digest of an incident's rows (see binding.py) after an event."""
    return _salted(f"rows {salt}", content)


def link(previous: str, at: datetime, values: Mapping[str, Any] | RowMapping) -> str:
    """Return the hash of an event that follows the one with the hash `previous`; `at` is timezone-aware.

    An event without a digest of its incident's rows is of schema 0003 or earlier, and hashed as it was then.
    """
    names: tuple[str, ...] = (*_NAMES, *_NAMES_SINCE_0004) if values.get("rows_digest") else _NAMES
    if values.get("chain") or values.get("seen"):
        names += _NAMES_OF_CHAINS
    content = json.dumps([previous, _moment(at), *(values[name] for name in names)])
    return hashlib.sha256(content.encode()).hexdigest()


def hashed_around(at: datetime, values: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the text that `link` hashes for an event in a named chain: before, between and after two unknown values.

    These are the hash of the event before it, and its number.
    """
    first = json.dumps([_moment(at), *(values[name] for name in _NAMES)])
    last = json.dumps([values[name] for name in (*_NAMES_SINCE_0004[1:], *_NAMES_OF_CHAINS)])
    return '["', f'", {first[1:-1]}, ', f", {last[1:]}"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _salted(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt}\0{text}".encode(errors="surrogatepass")).hexdigest()
