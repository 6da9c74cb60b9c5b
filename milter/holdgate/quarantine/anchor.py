"""Where the heads of the audit trail are kept outside the database: the journal, other logs, and Holdgate's file.

The desk writes them (desk/anchoring.py); `holdgate audit verify` reads them.
"""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from holdgate.atomic import replace_file
from holdgate.phrases import reason_of

UNIT = "holdgate-desk.service"
"""The unit whose lines in the journal count: lines of other units and users prove nothing."""

_JOURNAL_TIMEOUT = 600
# The form in which maillog.audit_head writes it.
_LINE = re.compile(r"audit-head: store=([0-9a-f]{12}) count=(\d+) hash=([0-9a-f]{64})\b(?: chain=(\S+))?")


class AnchorError(Exception):
    """A place where heads are kept cannot be read; the argument states which and why."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The hash of an event that was once the newest of a chain; `source` describes where it was found."""

    hash: str
    source: str
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A line of Holdgate's file: the newest event of a chain, and the number of the chain's events up to it."""

    number: int
    count: int
    hash: str
    chain: str = ""


def store_name(url: str) -> str:
    """Return the name of a store in the log, as a machine can have several: 12 hexadecimal digits."""
    return sha256(url.encode()).hexdigest()[:12]


def of_journal(store: str, since: datetime | None) -> Iterator[Anchor]:
    """Yield what this machine's desk wrote to the journal; nothing without a journal. Raises AnchorError."""
    if shutil.which("journalctl") is None:
        return
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", f"_SYSTEMD_UNIT={UNIT}"]
    command += ["HOLDGATE_EVENT=audit-head", f"HOLDGATE_STORE={store}"]
    if since is not None:
        command.append(f"--since=@{since.timestamp():.0f}")
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_JOURNAL_TIMEOUT, text=True)
    except OSError as error:
        raise AnchorError(f"the journal: journalctl: {reason_of(error)}") from error
    except subprocess.TimeoutExpired as error:
        raise AnchorError(f"the journal: journalctl: no answer within {_JOURNAL_TIMEOUT} s") from error
    if done.returncode != 0:
        raise AnchorError(f"the journal: journalctl: {done.stderr.strip()[:200]}")
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1_000_000, UTC)
        source = f"the head that the journal has of {at:%Y-%m-%d %H:%M:%S} UTC"
        yield Anchor(str(entry["HOLDGATE_HASH"]), source, str(entry.get("HOLDGATE_CHAIN", "")))


def of_file(store: str, path: Path) -> Iterator[Anchor]:
    """Yield the contents of Holdgate's file. Raises AnchorError."""
    for kept in read(path, store):
        yield Anchor(kept.hash, f"the head of {kept.count} events in {path}", kept.chain)


def of_log(store: str, path: Path) -> Iterator[Anchor]:
    """Yield the heads in a log file, also in one that logrotate(8) compressed. Raises AnchorError."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                found = _LINE.search(line.decode(errors="replace"))
                if found and found[1] == store:
                    yield Anchor(found[3], f"the head of {found[2]} events in {path}", found[4] or "")
    except (OSError, EOFError) as error:
        raise AnchorError(f"{path}: {reason_of(error)}") from error


def read(path: Path, store: str) -> list[Kept]:
    """Return what `write` wrote to Holdgate's file for this store, or what an earlier version with one chain wrote.

    Raises AnchorError for a file with other contents.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise AnchorError(f"{path}: not text; restore or remove it") from error
    except OSError as error:
        raise AnchorError(f"{path}: {reason_of(error)}") from error
    words = [line.split(maxsplit=4) for line in lines]
    if not words or any(len(one) < 4 or not (one[1].isdecimal() and one[2].isdecimal()) for one in words):
        raise AnchorError(f"{path}: not a store with the number, count and hash of an event; restore or remove it")
    return [Kept(int(one[1]), int(one[2]), one[3], "".join(one[4:])) for one in words if one[0] == store]


def write(path: Path, store: str, heads: Iterable[Kept]) -> None:
    """Write the newest heads to Holdgate's file, replacing the earlier ones. Raises OSError."""
    lines = (f"{store} {one.number} {one.count} {one.hash} {one.chain}".rstrip() + "\n" for one in heads)
    replace_file(path, "".join(lines).encode(), mode=0o640)
