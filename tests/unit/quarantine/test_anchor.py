"""Heads are found in logs: compressed, cut, or of another store."""

import gzip
import json
import os
from pathlib import Path

import pytest

from holdgate.quarantine import anchor
from holdgate.quarantine.anchor import AnchorError

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


def test_a_log_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 1000)[:-10])
    (tmp_path / "plain.gz").write_bytes(b"not compressed")
    for name in ("missing.log", "cut.gz", "plain.gz"):
        with pytest.raises(AnchorError, match=name):
            list(anchor.of_log(STORE, tmp_path / name))


def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a journalctl of our own in the way."""
    program = tmp_path / "journalctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def test_the_journal_is_asked_for_the_desks_lines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"__REALTIME_TIMESTAMP": "1795867200000000", "HOLDGATE_HASH": HASH}
    journalctl(tmp_path, monkeypatch, f"echo \"$@\" > {tmp_path}/asked; echo '{json.dumps(entry)}'")
    (one,) = anchor.of_journal(STORE, None)
    assert (one.hash, one.source) == (HASH, "the head that the journal has of 2026-11-28 12:00:00 UTC")
    asked = (tmp_path / "asked").read_text()
    assert f"_SYSTEMD_UNIT=holdgate-desk.service HOLDGATE_EVENT=audit-head HOLDGATE_STORE={STORE}" in asked


def test_a_journal_that_does_not_answer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journalctl(tmp_path, monkeypatch, "echo 'insufficient permissions' >&2; exit 1")
    with pytest.raises(AnchorError, match="insufficient permissions"):
        list(anchor.of_journal(STORE, None))


def test_without_a_journal_there_is_nothing_to_compare_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(anchor.of_journal(STORE, None)) == []
