"""Looks up keys in Postfix's tables of any type with postmap(1), so that LDAP or SQL is configured only once.

Results are cached, because the same few addresses are looked up often and each lookup starts a process. Results from a
table in a file are cached until the file changes, others for a minute.
"""

import os
import pwd
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from holdgate.phrases import failure_of

_TABLE = re.compile(r"[a-z]+:\S.*")
_TIMEOUT = 20
_KEEP = 60.0
# Pause in seconds before a table is used again after a failed lookup.
_REST = 15.0
_MOST = 100_000
# Table types that are files, and the suffix of the file's name.
_FILES = {
    **{"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"},
    **dict.fromkeys(("texthash", "pcre", "regexp", "cidr"), ""),
}
_OF_MAIN_CF = re.compile(r"(?m)^postmap: warning: \S+/(?:main|master)\.cf,? .*$\n?")
_IN_MAIN_CF = ("inline", "static")
_PATTERNS = ("pcre", "regexp", "cidr", "static", "tcp", "socketmap", "pipemap", "unionmap")


# Modification time, size and inode of a table's file; () for a table that never changes.
_State = tuple[int, ...] | None


class _User(TypedDict, total=False):
    """Arguments of subprocess.run that set another user."""

    user: int
    group: int
    extra_groups: list[int]


class TableError(Exception):
    """A lookup in a table failed; the argument has the table and the output of postmap(1)."""


def is_table(name: str) -> bool:
    """Return whether `name` is written as a Postfix table: a type, a colon, and a place."""
    return _TABLE.fullmatch(name) is not None


def remedy_of(table: str) -> str:
    """Return the remedy for a table whose lookups fail: by its type, and by whether its files exist."""
    kind, _, place = table.removeprefix("proxy:").partition(":")
    if kind == "proxy" or not place.startswith("/"):
        return "correct its name, or make the table (postmap)"
    source, compiled = Path(place), Path(place + _FILES.get(kind, ""))
    if not source.exists() and not compiled.exists():
        return f"there is no {place}: write it, or correct the name"
    if not compiled.exists():
        return f"run: postmap {kind}:{place}"
    return f"let the daemons' user read {compiled}, and see what is wrong: postmap -q postmaster {kind}:{place}"


def split_list(value: str) -> list[str]:
    """Split a list setting at commas and spaces, but not within braces, which can be nested (postconf(5))."""
    items, item, position = [], "", 0
    while position < len(value):
        letter = value[position]
        end = _closing(value, position) if letter == "{" else position
        if letter.isspace() or letter == ",":
            items.append(item)
            item = ""
        else:
            item += value[position : end + 1]
        position = end + 1
    return [one for one in (*items, item) if one]


def _closing(value: str, position: int) -> int:
    """Return where the brace at `position` is closed, or `position` itself if it is not."""
    depth = 0
    for place in range(position, len(value)):
        depth += {"{": 1, "}": -1}.get(value[place], 0)
        if not depth:
            return place
    return position


def is_action(answer: str | None, action: str) -> bool:
    """Return whether a lookup result is this action of header_checks(5), in any case, with or without more text.

    `action` can include its argument, as in "FILTER crypt:[gateway.corp.example]".
    """
    wanted = action.casefold().split()
    return (answer or "").casefold().split()[: len(wanted)] == wanted


def is_pattern(table: str) -> bool:
    """Return whether only full addresses are looked up in a table, never a mailbox or domain (ADDRESS_REWRITING)."""
    return table.removeprefix("proxy:").partition(":")[0] in _PATTERNS


def postconf(config: Path, *arguments: str) -> list[str]:
    """Return the output of postconf(1) for an instance, as lines. Raises OSError and SubprocessError."""
    command = ["postconf", "-c", str(config), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=True, text=True, errors="replace")
    return done.stdout.splitlines()


def state_of(config: Path) -> tuple[int, ...]:
    """Return values that change when main.cf or master.cf does."""
    found = []
    for name in ("main.cf", "master.cf"):
        try:
            status = (config / name).stat()
        except OSError:
            found.append(0)
        else:
            found += [status.st_mtime_ns, status.st_ino, status.st_size]
    return tuple(found)


class Tables:
    """Lookups with the configuration of one Postfix instance. Thread-safe."""

    def __init__(self, config_directory: Path, *, user: str = "") -> None:
        """Look up with this configuration, as `user`, who may be able to read less than root. Only root can set it."""
        self._config = str(config_directory)
        self._user: _User = {}
        if user:
            entry = pwd.getpwnam(user)
            groups = os.getgrouplist(user, entry.pw_gid)
            self._user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
        self._answers: dict[tuple[str, str], tuple[float, _State, str | None]] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def lookup(self, table: str, key: str) -> str | None:
        """Return the result for `key` in `table` ("ldap:/etc/…", "pcre:…"), or None. Raises TableError."""
        if not _is_key(key):
            return None
        state = _state_of(table)
        known, answer = self._kept(table, key, state)
        if not known:
            answer = self._ask(table, key)
            self._keep(table, {key: answer}, state)
        return answer

    def lookup_many(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        """Return the results for those of `keys` that are in `table`, with one query. Raises TableError.

        After a failed lookup the table is not used for a while, so that later callers do not wait for it too.
        """
        state = _state_of(table)
        found: dict[str, str | None] = {}
        missing: list[str] = []
        for key in dict.fromkeys(filter(_is_key, keys)):
            known, answer = self._kept(table, key, state)
            if known:
                found[key] = answer
            else:
                missing.append(key)
        if missing:
            with self._lock:
                until, output = self._failed.get(table, (0.0, ""))
            if time.monotonic() < until:
                raise TableError(output)
            try:
                answers = self._ask_many(table, missing)
            except TableError as error:
                with self._lock:
                    self._failed[table] = (time.monotonic() + _REST, str(error))
                raise
            asked = {key: answers.get(key) for key in missing}
            self._keep(table, asked, state)
            found |= asked
        return {key: answer for key, answer in found.items() if answer is not None}

    def _kept(self, table: str, key: str, state: _State) -> tuple[bool, str | None]:
        """Return whether a result is cached, and the result."""
        with self._lock:
            until, seen, answer = self._answers.get((table, key), (0.0, None, None))
        return (state == seen if state is not None else time.monotonic() < until), answer

    def _keep(self, table: str, answers: Mapping[str, str | None], state: _State) -> None:
        until = time.monotonic() + _KEEP
        with self._lock:
            if len(self._answers) + len(answers) > _MOST:
                self._answers.clear()
            for key, answer in answers.items():
                self._answers[table, key] = (until, state, answer)

    def first_answer(self, tables: Iterable[str], key: str) -> str | None:
        """Return the result of the first of these tables that contains `key`, as Postfix does. Raises TableError."""
        answers = (self.lookup(table, key) for table in tables)
        return next((answer for answer in answers if answer is not None), None)

    def lookup_address(self, table: str, address: str) -> str | None:
        """Look up an address as access(5) does: the full address, then its domain, then its mailbox with an "@"."""
        mailbox, _, domain = address.rpartition("@")
        for key in (address, domain, f"{mailbox}@" if mailbox else ""):
            answer = self.lookup(table, key.lower()) if key else None
            if answer is not None:
                return answer
        return None

    def _ask(self, table: str, key: str) -> str | None:
        done = self._postmap(table, key, b"")
        # postmap(1) exits with 1 if the key does not exist, and if the table does not exist; then it prints the reason.
        return done.decode(errors="replace").rstrip("\n") if done is not None else None

    def _ask_many(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        output = self._postmap(table, "-", "".join(f"{key}\n" for key in keys).encode(errors="replace"))
        lines = (output or b"").decode(errors="replace").splitlines()
        return {key: answer for key, tab, answer in (line.partition("\t") for line in lines) if tab}

    def _postmap(self, table: str, key: str, keys: bytes) -> bytes | None:
        # proxymap(8) serves only Postfix's processes; the table behind it gives the same results.
        command = ["postmap", "-c", self._config, "-q", key, table.removeprefix("proxy:")]
        try:
            done = subprocess.run(command, input=keys, capture_output=True, timeout=_TIMEOUT, check=False, **self._user)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TableError(f"{table}: {failure_of(error)}") from error
        # Messages about other lines of main.cf do not belong here (see `postfix check`).
        output = _OF_MAIN_CF.sub("", done.stderr.decode(errors="replace")).strip()
        if done.returncode == 0:
            return done.stdout
        if done.returncode == 1 and not output:
            return None
        raise TableError(f"{table}: {output.splitlines()[-1] if output else f'postmap ended with {done.returncode}'}")


def _is_key(key: str) -> bool:
    # "-" would have postmap(1) read keys from its standard input; a key cannot contain a line break.
    return bool(key) and key != "-" and key.isprintable()


def _state_of(table: str) -> _State:
    """Return what changes when a table changes, or None if that cannot be detected."""
    kind, _, place = table.removeprefix("proxy:").partition(":")
    if kind in _IN_MAIN_CF:
        return ()
    if kind not in _FILES:
        return None
    try:
        status = Path(place + _FILES[kind]).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
