"""Asks Postfix's lookup tables, of any type, through postmap(1): a site's LDAP or SQL needs no second configuration.

Answers are kept: the same few addresses are asked about again and again, and each question is a process. Those of a
table in a file are kept until the file changes, others for a minute.
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

_TABLE = re.compile(r"[a-z]+:\S.*")
_TIMEOUT = 20
_KEEP = 60.0
# How long a table that could not be asked is not asked again, in seconds.
_REST = 15.0
_MOST = 100_000
# Types of tables that are a file, and what is added to its name.
_FILES = {
    **{"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"},
    **dict.fromkeys(("texthash", "pcre", "regexp", "cidr"), ""),
}
_OF_MAIN_CF = re.compile(r"(?m)^postmap: warning: \S+/(?:main|master)\.cf,? .*$\n?")
_IN_MAIN_CF = ("inline", "static")
_PATTERNS = ("pcre", "regexp", "cidr", "static", "tcp", "socketmap", "pipemap", "unionmap")


# What a file's times, size and number are; () of what never changes.
_State = tuple[int, ...] | None


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


def remedy_of(table: str) -> str:
    """Return what to do about a table that cannot be asked: by its type, and by whether its files are there."""
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
    """Split a list setting at commas and spaces, but not within braces, which may stand in each other (postconf(5))."""
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
    """Return where the brace at `position` is closed; itself where it is not."""
    depth = 0
    for place in range(position, len(value)):
        depth += {"{": 1, "}": -1}.get(value[place], 0)
        if not depth:
            return place
    return position


def says(answer: str | None, action: str) -> bool:
    """Say whether a table's answer is this action of header_checks(5), in either case, whatever text follows.

    `action` may have its argument, as in "FILTER crypt:[gateway.corp.example]".
    """
    wanted = action.casefold().split()
    return (answer or "").casefold().split()[: len(wanted)] == wanted


def is_pattern(table: str) -> bool:
    """Say whether a table is asked for whole addresses alone, never for a mailbox or a domain (ADDRESS_REWRITING)."""
    return table.removeprefix("proxy:").partition(":")[0] in _PATTERNS


def postconf(config: Path, *arguments: str) -> list[str]:
    """Return what postconf(1) prints of an instance, by lines. Raises OSError and SubprocessError."""
    command = ["postconf", "-c", str(config), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=True, text=True, errors="replace")
    return done.stdout.splitlines()


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
        self._answers: dict[tuple[str, str], tuple[float, _State, str | None]] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def lookup(self, table: str, key: str) -> str | None:
        """Return what `table` ("ldap:/etc/…", "pcre:…") says of `key`, or None. Raises TableError."""
        if not _is_key(key):
            return None
        state = _state_of(table)
        known, answer = self._kept(table, key, state)
        if not known:
            answer = self._ask(table, key)
            self._keep(table, {key: answer}, state)
        return answer

    def lookup_many(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        """Return what `table` says of those of `keys` that it knows, by one question. Raises TableError.

        A table that could not be asked is not asked again for a while: who comes next does not wait for it too.
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
        """Return whether an answer is known still, and it."""
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
        done = self._postmap(table, key, b"")
        # postmap(1) ends with 1 when the key is not there, and when the table is not; then it says why.
        return done.decode(errors="replace").rstrip("\n") if done is not None else None

    def _ask_many(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        output = self._postmap(table, "-", "".join(f"{key}\n" for key in keys).encode(errors="replace"))
        lines = (output or b"").decode(errors="replace").splitlines()
        return {key: answer for key, tab, answer in (line.partition("\t") for line in lines) if tab}

    def _postmap(self, table: str, key: str, keys: bytes) -> bytes | None:
        # proxymap(8) serves Postfix's own processes alone; the table behind it answers the same.
        command = ["postmap", "-c", self._config, "-q", key, table.removeprefix("proxy:")]
        try:
            done = subprocess.run(command, input=keys, capture_output=True, timeout=_TIMEOUT, check=False, **self._user)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TableError(f"{table}: {type(error).__name__}") from error
        # What it says of other lines of main.cf is for another place (`postfix check`).
        output = _OF_MAIN_CF.sub("", done.stderr.decode(errors="replace")).strip()
        if done.returncode == 0:
            return done.stdout
        if done.returncode == 1 and not output:
            return None
        raise TableError(f"{table}: {output.splitlines()[-1] if output else f'postmap ended with {done.returncode}'}")


def _is_key(key: str) -> bool:
    # "-" would have postmap(1) read keys from its standard input; a key with a line break is none.
    return bool(key) and key != "-" and key.isprintable()


def _state_of(table: str) -> _State:
    """Return what changes when a table does, None where that cannot be seen from outside."""
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
