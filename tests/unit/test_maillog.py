"""The log: each event is one line of bounded length, for all values."""

import errno
import logging
import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from holdgate import maillog

LONGEST = 200


@pytest.mark.parametrize(("length", "kept"), [(0, 0), (199, 199), (200, 200), (201, 200), (100_000, 200)])
def test_a_value_has_at_most_200_characters(length: int, kept: int) -> None:
    assert maillog.quote("x" * length) == "x" * kept


@given(st.text(max_size=300))
@example("a\r\nb\x1b[31m\u202e\u2028\x00")
def test_a_value_is_printable_and_keeps_its_positions(value: str) -> None:
    output = maillog.quote(value)
    assert output.isprintable()
    assert len(output) == min(len(value), LONGEST)
    assert all(one in (given_, "?") for one, given_ in zip(output, value, strict=False))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queue_id=st.text(max_size=300), why=st.text(max_size=5_000), client=st.text(max_size=5_000))
def test_an_event_is_one_line_of_bounded_length(
    caplog: pytest.LogCaptureFixture, queue_id: str, why: str, client: str
) -> None:
    caplog.clear()
    with caplog.at_level(logging.INFO, "holdgate"):
        maillog.seal_ignored(queue_id, why=why, client=client)
    (record,) = caplog.records
    line = record.getMessage()
    assert line.isprintable()
    assert len(line) <= 3 * LONGEST + len(": seal-ignored: why= client=")
    assert all(len(value) <= LONGEST for value in record.fields.values())  # type: ignore[attr-defined]


def test_the_queue_id_comes_first_and_empty_values_are_omitted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "holdgate"):
        maillog.skipped("4abc", sender="anna@corp.example", by="")
    assert caplog.records[-1].getMessage() == "4abc: skipped: from=<anna@corp.example>"


def test_an_exception_is_named_without_its_text() -> None:
    try:
        raise ValueError("her social security number is 536-90-4399")
    except ValueError as error:
        output = maillog.describe(error)
    assert output.startswith("ValueError at test_maillog.py:")
    assert "536" not in output


def test_an_exception_has_the_code_of_the_system_or_of_the_database() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "536-90-4399")
    assert maillog.describe(full) == "OSError ENOSPC"
    assert maillog.describe(ConnectionRefusedError(errno.ECONNREFUSED, "x")) == "ConnectionRefusedError ECONNREFUSED"
    wrapped = RuntimeError("536-90-4399")
    wrapped.__cause__ = KeyError("x")
    wrapped.__cause__.__cause__ = full
    assert maillog.describe(wrapped) == "RuntimeError ENOSPC"
    wrapped.__cause__ = wrapped
    assert maillog.describe(wrapped) == "RuntimeError"
    with closing(sqlite3.connect(":memory:")) as store:
        store.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as caught:
            store.executescript("CREATE TABLE a (b); CREATE TABLE c (d); CREATE TABLE e (f);")
    assert maillog.describe(caught.value).startswith("OperationalError SQLITE_FULL at ")
    assert maillog.describe(OSError("no code: 536-90-4399")) == "OSError"


def test_a_number_in_a_value_is_masked_but_holdgate_ids_are_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "holdgate"):
        maillog.skipped("4abc", sender="4111111111111111@corp.example", by="seal")
        maillog.never_held("4abc", incident="7K3M-Q9TX-2ABC")
    assert "from=<************1111@corp.example>" in caplog.text
    assert "incident=7K3M-Q9TX-2ABC" in caplog.text
