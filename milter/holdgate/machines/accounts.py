"""Which messages come from a program: looks up the login and the client's address in the table `machines.accounts`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdgate.envelope import Envelope
from holdgate.tables import Tables, is_pattern

# Table types that are built from a text file of keys and values.
_TEXTS = ("texthash", "hash", "btree", "lmdb", "cdb", "cidr")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a program: the key of the table that matched, and its value, which is the owner."""

    name: str
    owner: str


class Accounts:
    """Looks up accounts in one table."""

    def __init__(self, table: str, tables: Tables) -> None:
        self._table = table
        self._tables = tables

    def of(self, envelope: Envelope) -> Account | None:
        """Return the account that sent a message, or None for a person's message. Raises TableError."""
        for key in self._keys(envelope):
            owner = self._tables.lookup(self._table, key)
            if owner is not None:
                return Account(key, owner.strip())
        return None

    def _keys(self, envelope: Envelope) -> Iterator[str]:
        """Yield the login, the client's address and, as access(5) does, the networks that contain it."""
        if envelope.auth_user:
            yield envelope.auth_user.lower()
        address = envelope.client_address.lower()
        if not address:
            return
        yield address
        if is_pattern(self._table):
            return
        between = ":" if ":" in address else "."
        while between in address:
            address = address.rpartition(between)[0]
            yield address


def listed(table: str) -> list[Account]:
    """Return the accounts in a table's file, as postmap(1) reads it. Raises OSError; ValueError if it is not a file."""
    kind, _, place = table.partition(":")
    if kind not in _TEXTS:
        raise ValueError("cannot be listed, because it is not a file of lines; name one account instead")
    logical: list[str] = []
    for line in Path(place).read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and logical:
            logical[-1] += line
        else:
            logical.append(line)
    pairs = (line.split(None, 1) for line in logical)
    return [Account(pair[0].lower(), pair[1].strip() if len(pair) > 1 else "") for pair in pairs]
