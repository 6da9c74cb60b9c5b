"""Asks Postfix's lookup tables, of any type, through postmap(1): a site's LDAP or SQL needs no second configuration.

Answers are kept for a minute: the same few addresses are asked about again and again, and each question is a process.
"""

import os
import pwd
import re
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

_TABLE = re.compile(r"[a-z]+:\S.*")
_TIMEOUT = 20
_KEEP = 60.0
_MOST = 10_000


class _User(TypedDict, total=False):
    """What subprocess.run calls another user."""

    user: int
    group: int
    extra_groups: list[int]


class TableError(Exception):
    """A table cannot be asked; the argument names it and says what postmap(1) said."""


def is_table(name: str) -> bool:
    """Say whether `name` is written as a Postfix table: a type, a colon, and where it is."""
    return _TABLE.fullmatch(name) is not None


def split_list(value: str) -> list[str]:
    """Split a list setting at commas and spaces, but not within braces (postconf(5))."""
    return re.findall(r"(?:\{[^{}]*\}|[^\s,{}]|[{}])+", value)


def says(answer: str | None, action: str) -> bool:
    """Say whether a table's answer is this action of header_checks(5), in either case, whatever text follows.

    `action` may have its argument, as in "FILTER crypt:[gateway.corp.example]".
    """
    wanted = action.casefold().split()
    return (answer or "").casefold().split()[: len(wanted)] == wanted


class Tables:
    """Lookups with the configuration of one Postfix instance. May be used by many threads."""

    def __init__(self, config_directory: Path, *, user: str = "") -> None:
        """Ask with this configuration, and as `user`, who may not read all that root can. Only root can do that."""
        self._config = str(config_directory)
        self._user: _User = {}
        if user:
            entry = pwd.getpwnam(user)
            groups = os.getgrouplist(user, entry.pw_gid)
            self._user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
        self._answers: dict[tuple[str, str], tuple[float, str | None]] = {}
        self._lock = threading.Lock()

    def lookup(self, table: str, key: str) -> str | None:
        """Return what `table` ("ldap:/etc/…", "pcre:…") says of `key`, or None. Raises TableError."""
        # "-" would have postmap(1) read keys from its standard input; a key with a line break is none.
        if not key or key == "-" or not key.isprintable():
            return None
        now = time.monotonic()
        with self._lock:
            known = self._answers.get((table, key))
        if known is not None and known[0] > now:
            return known[1]
        answer = self._ask(table, key)
        with self._lock:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[table, key] = (now + _KEEP, answer)
        return answer

    def first_answer(self, tables: Iterable[str], key: str) -> str | None:
        """Return what the first of these tables that knows `key` says, as Postfix goes by it. Raises TableError."""
        answers = (self.lookup(table, key) for table in tables)
        return next((answer for answer in answers if answer is not None), None)

    def lookup_address(self, table: str, address: str) -> str | None:
        """Look an address up as access(5) does: whole, then its domain, then its mailbox with an "@"."""
        mailbox, _, domain = address.rpartition("@")
        for key in (address, domain, f"{mailbox}@" if mailbox else ""):
            answer = self.lookup(table, key.lower()) if key else None
            if answer is not None:
                return answer
        return None

    def _ask(self, table: str, key: str) -> str | None:
        # proxymap(8) serves Postfix's own processes alone; the table behind it answers the same.
        command = ["postmap", "-c", self._config, "-q", key, table.removeprefix("proxy:")]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False, **self._user)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TableError(f"{table}: {type(error).__name__}") from error
        said = done.stderr.decode(errors="replace").strip()
        # postmap(1) ends with 1 when the key is not there, and when the table is not; then it says why.
        if done.returncode == 0:
            return done.stdout.decode(errors="replace").rstrip("\n")
        if done.returncode == 1 and not said:
            return None
        raise TableError(f"{table}: {said.splitlines()[-1] if said else f'postmap ended with {done.returncode}'}")
