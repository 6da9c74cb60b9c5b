"""A site's own values that never count: the company's IBAN in every footer, the numbers of its switchboard.

`never-count.toml` in the administrator's rules directory contains them as hashes (HMAC-SHA-256, RFC 2104) with the key
in `never-count.key` next to it. Without a key, values of most kinds could be guessed from the file. Ranges of numbers
are in clear text. A table is the source text of a Postfix table (postmap(1)), with a value and its meaning per line;
its values are hashed when they are read.
"""

import hashlib
import hmac
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from holdgate.detect import tomlfile
from holdgate.detect.match import Match
from holdgate.detect.tomlfile import RuleError, Strict
from holdgate.phrases import reason_of

FILE: Final = "never-count.toml"
KEY_FILE: Final = "never-count.key"
LEAST_KEY: Final = 32
MOST_VALUES: Final = 100_000
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_RANGE: Final = re.compile(r"([+\d ()./]*\d)\s*(?:\.\.|–|\bto\b)\s*([+\d ()./]*\d)")


class _Values(Strict):
    """Values of some identifiers, which can be written with * as in profiles."""

    identifiers: tuple[str, ...] = Field(min_length=1)
    hashed: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    table: str = ""

    @field_validator("hashed")
    @classmethod
    def _hashes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_HASH.fullmatch, value)):
            raise ValueError("is no hash of 64 hexadecimal digits, as holdgate rules never prints them")
        return value

    @field_validator("ranges")
    @classmethod
    def _ranges(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for written in value:
            _bounds(written)
        return value


class _File(Strict):
    never: tuple[_Values, ...] = ()


class Never:
    """The matches that never count."""

    def __init__(
        self, key: bytes = b"", lists: tuple[tuple[tuple[str, ...], frozenset[str], list[str]], ...] = ()
    ) -> None:
        self._key = key
        self._lists = lists

    def __bool__(self) -> bool:
        """Whether there is any such value."""
        return bool(self._lists)

    def holds(self, match: Match) -> bool:
        """Whether a match's value never counts."""
        hashed = ""
        for identifiers, hashes, ranges in self._lists:
            if not any(fnmatchcase(match.identifier, pattern) for pattern in identifiers):
                continue
            if hashes:
                hashed = hashed or hash_value(self._key, match.value)
                if hashed in hashes:
                    return True
            if any(_within(match.value, written) for written in ranges):
                return True
        return False


def hash_value(key: bytes, value: str) -> str:
    """Return the hash of a value, independent of its separators and the case of its letters."""
    return hmac.new(key, _compact(value).encode(), hashlib.sha256).hexdigest()


def read_key(directory: Path) -> bytes:
    """Return the key of the values. Raises RuleError if it cannot be read or is too short."""
    path = directory / KEY_FILE
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise RuleError(
            path, 1, f"cannot be read: {reason_of(error)}; to create it, run: holdgate rules never"
        ) from None
    except ValueError:
        raise RuleError(path, 1, "is not hexadecimal; remove it, and run: holdgate rules never") from None
    if len(key) < LEAST_KEY:
        raise RuleError(path, 1, f"has fewer than {LEAST_KEY} bytes; remove it, and run: holdgate rules never")
    return key


def read(directory: Path | None) -> Never:
    """Return the values under an administrator's rules directory. Raises RuleError for errors in the file."""
    if directory is None or not (directory / FILE).exists():
        return Never()
    path = directory / FILE
    lists = tomlfile.read(path, _File).never
    key = read_key(directory) if any(values.hashed or values.table for values in lists) else b""
    return Never(
        key,
        tuple(
            (values.identifiers, frozenset(values.hashed) | _table(path, key, values.table), list(values.ranges))
            for values in lists
        ),
    )


def _table(path: Path, key: bytes, name: str) -> frozenset[str]:
    """Return the hashes of the keys of a table's source text; lines that begin with # are comments."""
    if not name:
        return frozenset()
    table = path.parent / name
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "unreadable") if isinstance(error, OSError) else "not UTF-8"
        raise RuleError(table, 1, reason) from None
    values = [line.split(maxsplit=1)[0] for line in lines if line.strip() and line[0] not in "# \t"]
    if len(values) > MOST_VALUES:
        raise RuleError(table, MOST_VALUES, f"has more than {MOST_VALUES} values; remove some")
    return frozenset(hash_value(key, value) for value in values)


def _compact(value: str) -> str:
    return "".join(filter(str.isalnum, value)).upper()


def _bounds(written: str) -> tuple[str, str]:
    """Return the digits of both ends of a range. Raises ValueError if it is not a range."""
    found = _RANGE.fullmatch(written.strip())
    first, last = (_compact(end) for end in found.groups()) if found is not None else ("", "")
    if not first or len(first) != len(last) or first > last:
        raise ValueError(f'range "{written}" is not "FIRST .. LAST", of as many digits each, the smaller first')
    return first, last


def _within(value: str, written: str) -> bool:
    first, last = _bounds(written)
    digits = _compact(value)
    return len(digits) == len(first) and digits.isdecimal() and first <= digits <= last
