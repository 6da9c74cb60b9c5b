"""Heads are found in logs: compressed, cut, or of another store."""

import errno
import gzip
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdgate.quarantine import anchor
from holdgate.quarantine.anchor import AnchorError, Kept

STORE = anchor.store_name("sqlite:////var/lib/holdgate/holdgate.db")
HASH = "ab" * 32
LINES = (
    f"Nov 28 12:00:00 mx holdgate-desk[12]: INFO: audit-head: store={STORE} count=7 hash={HASH}\n"
    f"Nov 28 12:00:00 mx holdgate-desk[12]: INFO: audit-head: store={'0' * 12} count=9 hash={'cd' * 32}\n"
    f"Nov 28 12:00:01 mx holdgate-desk[12]: INFO: audit-head: store={STORE} count=8 hash={'ef' * 20}\n"
    "Nov 28 12:00:02 mx postfix/smtpd[13]: connect from \udcff\n"
)


@pytest.mark.parametrize("compressed", [False, True])
def test_heads_of_this_store_are_read_from_a_log(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / ("mail.log.2.gz" if compressed else "mail.log")
    content = LINES.encode(errors="surrogateescape")
    path.write_bytes(gzip.compress(content) if compressed else content)
    (one,) = anchor.of_log(STORE, path)
    assert (one.hash, one.source) == (HASH, f"the head of 7 events in {path}")


def test_a_log_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 1000)[:-10])
    (tmp_path / "plain.gz").write_bytes(b"not compressed")
    for name in ("missing.log", "cut.gz", "plain.gz"):
        with pytest.raises(AnchorError, match=name):
            list(anchor.of_log(STORE, tmp_path / name))


def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Replace journalctl with a script."""
    program = tmp_path / "journalctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def test_the_journal_is_queried_only_for_lines_of_the_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"__REALTIME_TIMESTAMP": "1795867200000000", "HOLDGATE_HASH": HASH}
    journalctl(tmp_path, monkeypatch, f"echo \"$@\" > {tmp_path}/asked; echo '{json.dumps(entry)}'")
    (one,) = anchor.of_journal(STORE, None)
    assert (one.hash, one.source) == (HASH, "the head that the journal has of 2026-11-28 12:00:00 UTC")
    asked = (tmp_path / "asked").read_text()
    assert f"_SYSTEMD_UNIT=holdgate-desk.service HOLDGATE_EVENT=audit-head HOLDGATE_STORE={STORE}" in asked


def test_an_error_of_journalctl_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journalctl(tmp_path, monkeypatch, "echo 'insufficient permissions' >&2; exit 1")
    with pytest.raises(AnchorError, match="insufficient permissions"):
        list(anchor.of_journal(STORE, None))


def test_no_heads_are_returned_without_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(anchor.of_journal(STORE, None)) == []


def test_the_journal_is_queried_from_a_given_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journalctl(tmp_path, monkeypatch, f'echo "$@" >> {tmp_path}/asked')
    assert list(anchor.of_journal(STORE, None)) == []
    assert list(anchor.of_journal(STORE, datetime(2026, 11, 28, 12, 0, 0, 400_000, tzinfo=UTC))) == []
    first, second = (tmp_path / "asked").read_text().splitlines()
    assert "--since" not in first
    assert second == f"{first} --since=@1795867200"


def test_heads_from_the_journal_have_their_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        {"__REALTIME_TIMESTAMP": "1795867200999999", "HOLDGATE_HASH": HASH, "HOLDGATE_CHAIN": "mx1 milter"},
        {"__REALTIME_TIMESTAMP": "1795867201000000", "HOLDGATE_HASH": "cd" * 32},
    ]
    journalctl(tmp_path, monkeypatch, "\n".join(f"echo '{json.dumps(entry)}'" for entry in entries))
    found = list(anchor.of_journal(STORE, None))
    assert [(one.hash, one.chain) for one in found] == [(HASH, "mx1 milter"), ("cd" * 32, "")]
    assert [one.source[-12:] for one in found] == ["12:00:00 UTC", "12:00:01 UTC"]


def test_the_error_text_of_journalctl_is_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journalctl(tmp_path, monkeypatch, f"echo ' {'x' * 300}' >&2; exit 1")
    with pytest.raises(AnchorError) as caught:
        list(anchor.of_journal(STORE, None))
    assert str(caught.value) == f"the journal: journalctl: {'x' * 200}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (subprocess.TimeoutExpired(["journalctl", "--quiet"], 600), "no answer within 600 s"),
        (PermissionError(errno.EACCES, "Permission denied", "/usr/bin/journalctl"), "Permission denied"),
    ],
)
def test_a_journal_that_cannot_be_queried_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    asked: list[dict[str, Any]] = []

    def fails(*_: object, **options: Any) -> None:
        asked.append(options)
        raise error

    journalctl(tmp_path, monkeypatch, "")
    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(AnchorError, match=f"journalctl: {reason}$"):
        list(anchor.of_journal(STORE, None))
    assert asked[0]["timeout"] == 600


def test_only_the_same_store_reads_the_heads_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "head"
    heads = [Kept(7, 5, HASH), Kept(9, 2, "cd" * 32, "mx1 milter")]
    anchor.write(path, STORE, heads)
    assert path.stat().st_mode & 0o777 == 0o640
    assert anchor.read(path, STORE) == heads
    assert anchor.read(path, "0" * 12) == []
    assert [(one.hash, one.source, one.chain) for one in anchor.of_file(STORE, path)] == [
        (HASH, f"the head of 5 events in {path}", ""),
        ("cd" * 32, f"the head of 2 events in {path}", "mx1 milter"),
    ]
    anchor.write(path, STORE, heads[:1])
    assert anchor.read(path, STORE) == heads[:1]


def test_no_heads_are_returned_without_the_file(tmp_path: Path) -> None:
    assert anchor.read(tmp_path / "head", STORE) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\n",
        b"one 1 2\n",
        b"one x 2 hash\n",
        b"one 1 x hash\n",
        b"one 1 2 hash\none 1 2\n",
        b"one -1 2 hash\n",
    ],
    ids=["empty", "no text", "three words", "no number", "no count", "second line", "negative"],
)
def test_a_file_with_invalid_content_is_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "head").write_bytes(content)
    with pytest.raises(AnchorError, match=str(tmp_path)):
        anchor.read(tmp_path / "head", STORE)
    (tmp_path / "head").write_bytes(b"one 1 2 hash\n")
    assert anchor.read(tmp_path / "head", "one") == [Kept(1, 2, "hash")]


def test_stores_have_different_names() -> None:
    assert len(STORE) == 12
    assert anchor.store_name("sqlite:////var/lib/holdgate/other.db") != STORE


def test_heads_from_a_log_have_their_chain(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    line = f"audit-head: store={STORE} count=7 hash={HASH}"
    path.write_text(f"{line} chain=mx1/milter more\n{line}0\n{line}\n")
    assert [one.chain for one in anchor.of_log(STORE, path)] == ["mx1/milter", ""]
