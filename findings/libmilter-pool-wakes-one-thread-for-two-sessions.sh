#!/usr/bin/env bash
# libmilter 8.17.1 (Debian 12, package libmilter1.0.1 8.17.1.9-2+deb12u2, built with its pool of threads), pymilter 1.0.5:
# a milter does not serve each session in a thread of its own. When two sessions send a command at the same moment, libmilter
# may wake one idle thread for both, for it counts a thread as idle until it runs. The second session then waits until some
# thread has finished a callback, although libmilter would start threads without a limit. So one short message waits as
# long as another sender's slow one takes; more processors make it rarer, not impossible.
#
# Here each end of message waits until all six sessions are in that callback, for three seconds at most.
#
# Seen: some end of message was not called while five others were in the callback
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg -s libmilter-dev gcc python3-dev >/dev/null # apt install libmilter-dev gcc python3-dev python3-venv
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pymilter==1.0.5
cat >"$work/meeting.py" <<'PYTHON'
import os
import sys
import threading

import Milter

SESSIONS = int(sys.argv[2])
together = threading.Barrier(SESSIONS)


class Meeting(Milter.Base):
    @Milter.noreply
    def envrcpt(self, name, *words):
        os.write(1, b"r")
        return Milter.CONTINUE

    def eom(self):
        try:
            together.wait(3)
        except threading.BrokenBarrierError:
            return Milter.TEMPFAIL
        return Milter.ACCEPT


# On one processor two commands are seen before the thread that the first one woke runs.
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
Milter.factory = Meeting
Milter.runmilter("meeting", f"unix:{sys.argv[1]}", 60)
PYTHON
"$work/venv/bin/python" - "$work" <<'PYTHON' | tee "$work/seen"
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

SESSIONS, ROUNDS = 6, 30
work = Path(sys.argv[1])


def packet(data):
    return struct.pack("!I", len(data)) + data


def answer(connection):
    (length,) = struct.unpack("!I", connection.recv(4, socket.MSG_WAITALL))
    return connection.recv(length, socket.MSG_WAITALL)[:1]


def connected():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(work / "socket"))
    connection.sendall(packet(struct.pack("!cIII", b"O", 6, 0x1FF, 0x1FFFFF)))
    answer(connection)
    return connection


def rests(pid):
    """Whether all threads of the milter sleep (proc_pid_stat(5))."""
    return all(
        path.read_text().rpartition(")")[2].split()[0] == "S" for path in Path(f"/proc/{pid}/task").glob("*/stat")
    )


def together():
    """Whether all sessions of one round, each with a milter of its own age, were in the callback at once."""
    (work / "socket").unlink(missing_ok=True)
    milter = subprocess.Popen(
        [sys.executable, str(work / "meeting.py"), str(work / "socket"), str(SESSIONS)], stdout=subprocess.PIPE
    )
    try:
        while not (work / "socket").exists():
            time.sleep(0.01)
        connections = [connected() for _ in range(SESSIONS)]
        for connection in connections:
            connection.sendall(packet(b"M<a@corp.example>\0") + packet(b"R<b@partner.example>\0"))
        milter.stdout.read(SESSIONS)
        while not rests(milter.pid):
            time.sleep(0.01)
        # What arrives while a process is stopped is what it sees at the same moment.
        milter.send_signal(signal.SIGSTOP)
        for connection in connections:
            connection.sendall(packet(b"E"))
        milter.send_signal(signal.SIGCONT)
        return [answer(connection) for connection in connections] == [b"a"] * SESSIONS
    finally:
        milter.kill()
        milter.wait()


if all(together() for _ in range(ROUNDS)):
    print("all sessions were served at once, each time")
else:
    print("some end of message was not called while five others were in the callback")
PYTHON
diff "$work/seen" - <<'SEEN'
some end of message was not called while five others were in the callback
SEEN
