"""Log lines in the journal's own form, read back as the journal reads them."""

import json
import logging
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate import maillog
from holdgate.journal import JournalHandler, encode


def decode(datagram: bytes) -> dict[str, str]:
    """Read a datagram by the Native Journal Protocol."""
    fields = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + size], rest[8 + size + 1 :]
        fields[name.decode()] = value.decode()
        datagram = rest
    return fields


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), st.text(), min_size=1))
def test_any_value_is_read_back(fields: dict[str, str]) -> None:
    assert decode(encode(fields)) == fields


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[tuple[socket.socket, Path]]:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        yield listener, path


@pytest.fixture
def handler(journal: tuple[socket.socket, Path]) -> Iterator[JournalHandler]:
    handler = JournalHandler("holdgate-queue", journal[1])
    log = logging.getLogger("holdgate")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)
    handler.close()


@pytest.mark.usefixtures("handler")
def test_an_event_has_fields_in_addition_to_its_line(journal: tuple[socket.socket, Path]) -> None:
    maillog.incident_changed("4abc", incident="AAAA", old="held", new="approved", who="ann\x1b@x", method="command")
    fields = decode(journal[0].recv(65536))
    assert fields["MESSAGE"] == "4abc: approved: incident=AAAA was=held by=ann?@x method=command"
    assert fields["PRIORITY"] == "6"
    assert fields["SYSLOG_IDENTIFIER"] == "holdgate-queue"
    assert fields["SYSLOG_FACILITY"] == "2"
    ours = {name: value for name, value in fields.items() if name.startswith("HOLDGATE_")}
    assert ours == {
        "HOLDGATE_EVENT": "approved",
        "HOLDGATE_QUEUE_ID": "4abc",
        "HOLDGATE_INCIDENT": "AAAA",
        "HOLDGATE_WAS": "held",
        "HOLDGATE_BY": "ann?@x",
        "HOLDGATE_METHOD": "command",
    }
    assert json.dumps(fields).isprintable()


@pytest.mark.usefixtures("handler")
def test_failures_are_errors_and_have_no_queue_id(journal: tuple[socket.socket, Path]) -> None:
    maillog.failed(stage="start", error="no store")
    fields = decode(journal[0].recv(65536))
    assert fields["PRIORITY"] == "3"
    assert fields["HOLDGATE_STAGE"] == "start"
    assert "HOLDGATE_QUEUE_ID" not in fields


@pytest.mark.usefixtures("handler")
def test_a_restarted_journal_is_used_again(journal: tuple[socket.socket, Path]) -> None:
    listener, path = journal
    listener.close()
    path.unlink()
    maillog.stopped()  # the event is lost, without an error
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
        again.bind(str(path))
        again.settimeout(10)
        maillog.failed(stage="start", error="no store")
        assert decode(again.recv(65536))["HOLDGATE_EVENT"] == "failed"
