"""A short run under faults, and the ledger's rules: its verdict on each outcome."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed.next_hop import Delivery
from testbed.ports import wait_for
from tests.faults import cleanup, disk, machine_faults, postgres_faults, several_nodes, site_faults
from tests.faults.duplicates import PostfixLog
from tests.faults.ledger import Ledger, Seen
from tests.faults.soak import Outcome, run
from tests.faults.target import Fault

ONE, TWO = "m0.0@partner.example", "m0.1@partner.example"


def incident(state: State) -> Incident:
    return Incident("4a", "m0@corp.example", [ONE], "p", state=state)


GOOD = [
    (False, True, Seen(Counter([ONE, TWO]))),
    (False, True, Seen(queued=True)),
    (False, True, Seen(Counter([ONE]), queued=True)),
    (False, False, Seen()),
    (False, None, Seen()),
    (False, None, Seen(Counter([ONE, TWO]))),
    (True, True, Seen(queued=True, incidents=[incident(State.HELD)], events={"held"})),
    (True, True, Seen(Counter([ONE, TWO]), incidents=[incident(State.RELEASED)], events={"approved"})),
    (True, True, Seen(returned=True, incidents=[incident(State.RETURNED)], events={"rejected"})),
]
BAD = [
    ("lost", False, True, Seen()),
    ("lost", False, True, Seen(Counter([ONE]))),
    ("lost", True, True, Seen(incidents=[incident(State.VANISHED)])),
    ("doubled", False, True, Seen(Counter([ONE, ONE, TWO]))),
    ("refused", False, False, Seen(Counter([ONE, TWO]))),
    ("refused", False, False, Seen(queued=True)),
    ("without an approval", True, True, Seen(Counter([ONE, TWO]), events={"held"})),
    ("without an approval", True, None, Seen(Counter([ONE]))),
    ("after a rejection", True, True, Seen(Counter([ONE, TWO]), returned=True, events={"approved", "rejected"})),
    ("delivered and returned", False, True, Seen(Counter([ONE, TWO]), returned=True)),
]


def output(held: bool, accepted: bool | None, seen: Seen, **changes: str) -> list[str]:
    ledger = Ledger()
    attempt = ledger.add("plain", held=held, recipients=2)
    attempt.accepted = accepted
    for name, value in changes.items():
        setattr(attempt, name, value)
    return list(ledger.violations({attempt.token: seen}))


@pytest.mark.parametrize(("held", "accepted", "seen"), GOOD)
def test_an_allowed_outcome_is_not_a_violation(held: bool, accepted: bool | None, seen: Seen) -> None:
    assert output(held, accepted, seen) == []


@pytest.mark.parametrize(("words", "held", "accepted", "seen"), BAD)
def test_a_forbidden_outcome_is_a_violation(words: str, held: bool, accepted: bool | None, seen: Seen) -> None:
    assert any(words in one for one in output(held, accepted, seen))


def test_an_action_of_an_operator_is_not_a_violation() -> None:
    assert output(True, True, Seen(Counter([ONE, TWO])), operator_action="released") == []
    assert output(True, True, Seen(), operator_action="deleted") == []
    assert output(True, True, Seen(incidents=[incident(State.RETURNED)]), sender="") == []


def test_a_confirmed_decision_is_in_the_history_unless_the_store_was_lost() -> None:
    ledger = Ledger()
    ledger.add("plain", held=True)
    one = incident(State.HELD)
    ledger.confirmed(one.id, "approved")
    assert list(ledger.violations({"m0": Seen(incidents=[one], events={"approved"})})) == []
    assert len(list(ledger.violations({"m0": Seen(incidents=[one], events={"held"})}))) == 1
    ledger.lose([one])
    assert list(ledger.violations({"m0": Seen(incidents=[one], events={"held"})})) == []


def test_a_decision_in_a_lost_store_counts_only_if_it_was_carried_out() -> None:
    for state, seen, wrong in [
        (State.RELEASED, Seen(Counter([ONE])), ""),
        (State.RETURNED, Seen(returned=True), ""),
        (State.RETURNED, Seen(Counter([ONE]), returned=True, events={"approved"}), "after a rejection"),
        (State.REJECTED, Seen(Counter([ONE]), returned=True, events={"approved"}), ""),
        (State.HELD, Seen(Counter([ONE])), "without an approval"),
    ]:
        ledger = Ledger()
        attempt = ledger.add("plain", held=True)
        attempt.accepted = True
        ledger.lose([incident(state)])
        output = list(ledger.violations({"m0": seen}))
        assert any(wrong in one for one in output) if wrong else output == []


def test_a_later_action_of_an_operator_does_not_hide_a_lost_decision() -> None:
    ledger = Ledger()
    attempt = ledger.add("plain", held=True)
    attempt.accepted = True
    seen = {attempt.token: Seen(Counter([ONE]), returned=True, events={"approved"})}
    ledger.lose([incident(State.EXPIRED)])
    ledger.record_operator_action([ONE], "deleted")
    assert list(ledger.violations(seen)) == []
    attempt.undecided = False
    assert len(list(ledger.violations(seen))) == 1


QUICK = [
    site_faults.kill,
    site_faults.freeze,
    site_faults.store_locked,
    site_faults.postfix_reload,
    site_faults.postfix_frozen,
    site_faults.postsuper("-r", ""),
    site_faults.relay_defers,
    site_faults.all_killed,
]


# A run takes a minute, but on a machine that does much else: then every part of it has to come to rest.
@pytest.mark.postfix
@pytest.mark.timeout(900)
def test_no_message_is_lost_or_duplicated_under_any_fault() -> None:
    short_run(QUICK)


@pytest.mark.postfix
@pytest.mark.postgresql
@pytest.mark.timeout(900)
def test_no_message_is_lost_or_duplicated_under_any_postgresql_fault() -> None:
    outcome = short_run([site_faults.store_locked, site_faults.store_lost], postgres=True)
    of_server = {one.__name__ for one in (*postgres_faults.FAULTS, site_faults.store_locked, site_faults.store_lost)}
    assert outcome.faults.keys() == of_server, "a fault that does nothing is none"


@pytest.mark.postfix
@pytest.mark.postgresql
@pytest.mark.timeout(900)
def test_several_nodes_neither_lose_nor_duplicate_messages_in_a_failover() -> None:
    """Each fault once, and one node cut off from the database for five seconds. The long run: script/test soak."""
    directory = Path(tempfile.mkdtemp(prefix="holdgate-several-"))
    try:
        outcome = several_nodes.run(directory, messages=60, seed=2911, cut=5.0, rest=0.5)
    finally:
        shutil.rmtree(directory)
    assert outcome.violations == [], "\n".join([*outcome.violations, *outcome.notes])
    assert outcome.faults["standby_promoted"] == 1
    assert outcome.faults.total() == 7
    assert outcome.accepted > 0
    assert outcome.decisions > 0


def short_run(faults: list[Fault], *, postgres: bool = False) -> Outcome:
    directory = Path(tempfile.mkdtemp(prefix="holdgate-faults-"))
    try:
        outcome = run(
            directory,
            seconds=15,
            seed=1,
            clients=6,
            faults=faults,
            deadline=15,
            postgres=postgres,
            each=True,
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    assert outcome.violations == []
    assert outcome.accepted > 20
    assert outcome.faults.total() > 3
    return outcome


LOG = """\
Nov 29 02:22:35 mail postfix/postsuper[1]: 4old: requeued
Nov 29 02:22:49 mail postfix/pickup[2]: 4one: uid=102 from=<m1@corp.example> orig_id=4old
Nov 29 02:22:52 mail postfix/pickup[3]: 4two: uid=102 from=<m1@corp.example> orig_id=4old
Nov 29 02:22:52 mail postfix/pickup[3]: 4three: uid=0 from=<m2@corp.example>
Nov 29 02:22:53 mail postfix/pickup[3]: 4four: uid=0 from=<m2@corp.example>
Nov 29 02:22:54 mail postfix/pickup[3]: 4five: uid=0 from=<m3@corp.example>
Nov 29 02:22:59 mail postfix/smtp[6]: warning: 4warned: trace service failure
Nov 29 02:22:59 mail postfix/smtp[6]: 4bare: to=<m4@partner.example>, status=deferred (4bare: trace service failed)
Nov 29 02:22:59 mail postfix/smtp[6]: 4sent: to=<m5@partner.example>, status=sent (250 trace service failed)
Nov 29 02:23:01 mail postfix/postsuper[4]: 4once: released from hold
Nov 29 02:23:01 mail postfix/postsuper[4]: 4again: released from hold
Nov 29 02:23:09 mail postfix/postsuper[5]: 4again: released from hold
Nov 29 02:23:01 mail postfix/postsuper[4]: 4byhand: released from hold
Nov 29 02:23:05 mail postfix/postsuper[4]: 4byhand: placed on hold
Nov 29 02:23:09 mail postfix/postsuper[5]: 4byhand: released from hold
"""


def copy(queue_id: str, at: float) -> Delivery:
    received = "Received: from [127.0.0.1] (unknown [127.0.0.1])\r\n\tby mail.corp.example (Postfix) with ESMTP id "
    return Delivery("m@corp.example", [ONE], f"{received}{queue_id};\r\n\tSun\r\nSubject: x\r\n".encode(), at)


@pytest.mark.parametrize(
    ("first", "second", "postfixs"),
    [
        ("4any", "4any", True),
        ("4once", "4once", True),
        ("4byhand", "4byhand", True),
        ("4one", "4two", True),
        ("4three", "4four", True),
        ("4again", "4again", False),
        ("4one", "4three", False),
        ("4four", "4five", False),
        ("4any", "4other", False),
    ],
)
def test_a_duplicate_is_attributed_to_postfix_if_the_log_shows_the_same_queue_file(
    first: str, second: str, postfixs: bool
) -> None:
    log = PostfixLog.read(LOG.splitlines())
    assert log.sent_twice(copy(first, 100), copy(second, 300), [200.0]) is postfixs
    assert not log.sent_twice(copy(first, 100), copy(second, 300), [])
    assert not log.sent_twice(copy(first, 100), copy(second, 300), [50.0, 301.0])


def test_a_message_back_in_the_hold_queue_after_a_power_cut_is_released_again() -> None:
    log = PostfixLog.read(LOG.splitlines())
    first, second = copy("4again", 100), copy("4again", 300)
    assert log.sent_twice(first, second, [200.0], [200.0])
    assert not log.sent_twice(first, second, [200.0], [301.0])


def test_a_delivery_that_postfix_could_not_record_is_repeated() -> None:
    log = PostfixLog.read(LOG.splitlines())
    assert log.sent_twice(copy("4bare", 100), copy("4bare", 300), [])
    assert log.sent_twice(copy("4warned", 100), copy("4warned", 300), [])
    assert not log.sent_twice(copy("4sent", 100), copy("4sent", 300), [])
    assert not log.sent_twice(copy("4bare", 100), copy("4warned", 300), [])


def test_a_duplicate_without_a_queue_id_is_attributed_to_holdgate() -> None:
    bare = Delivery("m@corp.example", [ONE], b"Subject: x\r\n\r\nid 4any;\r\n", 300.0)
    assert not PostfixLog().sent_twice(bare, bare, [290.0])


@pytest.mark.postfix
@pytest.mark.skipif(not disk.available(), reason="no loop device")
def test_a_disk_after_a_power_cut_has_only_synced_data(tmp_path: Path) -> None:
    one = disk.Disk(tmp_path / "image", tmp_path / "place", 16 * 2**20)
    try:
        one.sync()
        with (one.place / "synced").open("wb") as stream:
            stream.write(b"kept")
            stream.flush()
            os.fsync(stream.fileno())
            stream.write(b" and lost")
            stream.flush()
            (one.place / "unsynced").write_bytes(b"lost")
            one.cut()
            with pytest.raises(OSError, match="Input/output error"):
                (one.place / "later").write_bytes(b"")
        one.unmount()
        one.mount()
        assert [path.name for path in one.place.iterdir()] == ["synced"]
        assert (one.place / "synced").read_bytes() == b"kept"
        one.turn_read_only()
        with pytest.raises(OSError, match="Read-only"):
            (one.place / "later").write_bytes(b"")
    finally:
        one.remove()


@pytest.mark.postfix
@pytest.mark.skipif(not disk.available(), reason="no loop device")
def test_a_disk_that_was_full_stays_empty_when_power_is_cut(tmp_path: Path) -> None:
    one = disk.Disk(tmp_path / "image", tmp_path / "place", 16 * 2**20)
    try:
        one.fill()
        one.sync()  # as another process's fsync does
        one.empty()
        one.cut()
        one.unmount()
        one.mount()
        assert list(one.place.iterdir()) == []
    finally:
        one.remove()


def backing_files() -> list[str]:
    """Return the files of all loop devices."""
    found = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):
            found.append(path.read_text())
    return found


KILLED = """
import pathlib, sys, time
from tests.faults.cleanup import Cleanup
from tests.faults.disk import Disk
place = pathlib.Path(sys.argv[1])
after = Cleanup(place)
disks = [Disk(place / f"{name}.img", place / name, 16 * 2**20) for name in ("one", "two")]
disks[1].freeze()
print("made", flush=True)
time.sleep(600)
"""


@pytest.mark.postfix
@pytest.mark.skipif(not disk.available(), reason="no loop device")
def test_a_run_that_is_killed_leaves_no_mount_no_loop_device_and_no_process(tmp_path: Path) -> None:
    place = tmp_path / "killed"
    place.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", KILLED, str(place)], stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"made\n"
        assert len(cleanup.mounts(place)) == 2
        left = subprocess.Popen(["sleep", "600"], cwd=place / "one")
        run.kill()
    wait_for(lambda: not place.exists(), "all of it to be gone")
    assert cleanup.mounts(place) == []
    assert left.wait(20) == -signal.SIGKILL
    wait_for(lambda: not any(str(place) in name for name in backing_files()), "the loop devices to be free")


@pytest.mark.postfix
@pytest.mark.skipif(not disk.available(), reason="no loop device")
def test_a_successful_run_keeps_its_directory_but_no_mount(tmp_path: Path) -> None:
    after = cleanup.Cleanup(tmp_path)
    disk.Disk(tmp_path / "image", tmp_path / "place", 16 * 2**20)
    after.close()
    assert cleanup.mounts(tmp_path) == []
    assert (tmp_path / "image").exists()


def test_the_clock_of_a_process_can_be_moved_forward_and_back(tmp_path: Path) -> None:
    environment = machine_faults.clock_environment(tmp_path)
    if not environment:
        pytest.skip("no compiler")
    look = "import time; print(time.time()); input(); print(time.time(), time.time_ns() // 10**9); time.sleep(0.001)"
    with subprocess.Popen(
        [sys.executable, "-c", look],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        before = float(process.stdout.readline())
        machine_faults.set_clock(tmp_path, -3600)
        process.stdin.write("\n")
        process.stdin.flush()
        after = [float(word) for word in process.stdout.readline().split()]
        assert all(before - 3601 <= one < before - 3000 for one in after)
        assert process.wait() == 0
