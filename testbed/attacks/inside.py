"""Attacks from inside: a person writes to the database, runs code in a worker, or has an account on the machine."""

import os
import resource
import signal
import smtplib
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, migrate, open_store
from holdgate.scan import sandbox
from testbed import sample_mail
from testbed.attacks.attempt import Attempt
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

STORE, WORKER, ACCOUNT = "change of the database", "code in a worker", "account on the machine"


def attempts(root: bool) -> Iterator[Attempt]:
    """Yield every attempt from inside; `root` is true if the attack can run as another user."""
    for name, change in _CHANGES.items():
        yield Attempt(STORE, name, _noticed(change))
    for name, act in _ACTS.items():
        yield Attempt(WORKER, name, _denied(act))
    if root:
        yield Attempt(ACCOUNT, "a message through the listener of our own notices", _notice_listener)


# -- the database -------------------------------------------------------------------------------------------------


def _drop(connection: sqlite3.Connection) -> None:
    triggers = connection.execute("select name from sqlite_master where type = 'trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f"drop trigger {name}")


def _do(*statements: str, without_triggers: bool = True) -> Callable[[sqlite3.Connection], None]:
    def change(connection: sqlite3.Connection) -> None:
        if without_triggers:
            _drop(connection)
        for statement in statements:
            connection.execute(statement)

    return change


def _written(old: str, new: str) -> Callable[[sqlite3.Connection], None]:
    """Change the definition of the table of requests, in SQLite's table of tables."""

    def change(connection: sqlite3.Connection) -> None:
        connection.execute("pragma writable_schema = on")
        statement = "update sqlite_master set sql = replace(sql, ?, ?) where name = 'requests'"
        assert connection.execute(statement, (old, new)).rowcount == 1
        connection.commit()
        connection.execute("pragma writable_schema = reset")

    return change


_CHANGES: dict[str, Callable[[sqlite3.Connection], None]] = {
    "who decided": _do("update incidents set decided_by = 'scapegoat@corp.example'", without_triggers=False),
    "the state": _do("update incidents set state = 'released'", without_triggers=False),
    "the sender": _do("update incidents set sender = 'other@corp.example'", without_triggers=False),
    "the findings": _do("update incidents set findings = '[]'", without_triggers=False),
    "who wrote an event": _do("update events set who = 'other@corp.example' where number = 3"),
    "an event taken out": _do("delete from events where number = 3"),
    "the newest events cut off": _do(
        "delete from events where number > 6",
        "update chains set hash = (select hash from events where number = 6), count = 6",
    ),
    "triggers dropped": _drop,
    "a trigger that approves": _do(
        "create trigger more after insert on requests begin update requests set answer = 'approve'; end",
        without_triggers=False,
    ),
    "requests that are born approved": _written("answer VARCHAR(16)", "answer VARCHAR(16) DEFAULT 'approve'"),
    "rejections that the table refuses": _written(
        "answer VARCHAR(16)", "answer VARCHAR(16) CHECK (answer <> 'reject')"
    ),
    "people who are compared without case": _written("moderator VARCHAR(320)", "moderator VARCHAR(320) COLLATE NOCASE"),
    "a request that nobody sent": _do(
        "insert into requests (incident_id, moderator, level, role, instead_of, asked_at, deadline_at, answer) "
        "select id, 'other@corp.example', 0, 'moderator', '', created_at, created_at, 'approve' from incidents",
        without_triggers=False,
    ),
    "a note emptied as if it was erased": _do(
        "update incidents set erased_at = created_at", "update events set note = '', salt = ''", without_triggers=False
    ),
    "an incident taken out with its events": _do(
        "delete from events where incident_id = (select min(id) from incidents)",
        "delete from incidents where id = (select min(id) from incidents)",
    ),
    "two events exchanged": _do(
        "update events set number = 99 where number = 4",
        "update events set number = 4 where number = 5",
        "update events set number = 5 where number = 99",
    ),
}


def _noticed(change: Callable[[sqlite3.Connection], None]) -> Callable[[Site], str]:
    """Return whether `audit verify` misses a change; the head was kept elsewhere before, as the desk does."""

    def evaluate(_site: Site) -> str:
        with tempfile.TemporaryDirectory(prefix="holdgate-attack-") as name:
            path = Path(name) / "holdgate.db"
            store = _history(path)
            head = store.audit.heads()[""]
            if problem := store.audit.verify(head).problem:
                return f"noticed before anything was changed: {problem}"
            with sqlite3.connect(path) as connection:
                try:
                    change(connection)
                except sqlite3.DatabaseError:
                    return ""  # a trigger refused it
            connection.close()
            problem = store.audit.verify(head).problem
            store.close()
            return "" if problem else "not noticed"

    return evaluate


def _history(path: Path) -> Store:
    migrate(f"sqlite:///{path}")
    store = open_store(f"sqlite:///{path}")
    actor = Actor("holdgate-queue", "queue")
    for number in range(3):
        incident = Incident(
            queue_id=f"4{number}",
            sender=sample_mail.SENDER,
            recipients=[sample_mail.RECIPIENT],
            policy="p",
            findings=[{"a": 1}],
        )
        store.record(incident, actor)
        held = store.change(incident, State.HELD, actor, held_at=datetime.now(UTC))
        store.change(
            held, State.REJECTED, Actor("boss@corp.example", "page"), note="no", decided_by="boss@corp.example"
        )
    return store


# -- a worker -----------------------------------------------------------------------------------------------------


_ACTS: dict[str, Callable[[], object]] = {
    "read a file": lambda: Path("/etc/passwd").read_bytes(),
    "write a file": lambda: Path("/tmp/holdgate-attack").write_bytes(b"x"),
    "list a directory": lambda: os.listdir("/"),  # noqa: PTH208 - the call itself is what is tried
    "open a connection": lambda: socket.create_connection((LOOPBACK, 25), 1),
    "open a unix socket": lambda: socket.socket(socket.AF_UNIX),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "start a process": lambda: os.fork() or os._exit(0),
    "signal another process": lambda: os.kill(os.getppid(), 0),
    "become another user": lambda: os.setuid(65_534),
    "lift its limits": lambda: resource.setrlimit(resource.RLIMIT_NPROC, (9, 9)),
    "read its parent's memory": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read the environment": lambda: os.environ["HOLDGATE_ATTACK"],
}


def _denied(act: Callable[[], object]) -> Callable[[Site], str]:
    def evaluate(_site: Site) -> str:
        sandbox.preload()
        os.environ["HOLDGATE_ATTACK"] = "a secret of the service"
        child = os.fork()
        if child == 0:
            code = 1
            try:
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                sandbox.confine(sandbox.WorkerLimits(address_space=1 << 40))
                code = 2
                act()
                code = 0
            except BaseException:
                code = 3 if code == 2 else 1
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return "" if os.WTERMSIG(status) == signal.SIGSYS else f"ended by signal {os.WTERMSIG(status)}"
        return {0: "done", 1: "not confined: nothing was tried", 3: ""}.get(os.WEXITSTATUS(status), "ended otherwise")

    return evaluate


# -- an account ---------------------------------------------------------------------------------------------------


def _notice_listener(site: Site) -> str:
    """Submit a number, as another user, to the listener for notices, which does not inspect mail."""
    recipient = "listener@partner.example"

    def send() -> None:
        relay = site.settings.desk.notice_relay
        family = socket.AF_UNIX if isinstance(relay, Path) else socket.AF_INET
        with socket.socket(family) as listener, smtplib.SMTP() as connection:
            listener.settimeout(PATIENCE)
            listener.connect(str(relay) if isinstance(relay, Path) else relay)
            connection.sock = listener
            connection.getreply()
            connection.sendmail(sample_mail.SENDER, [recipient], sample_mail.number_in_text().as_bytes())

    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(65_534, 65_534, 65_534)
            os.setresuid(65_534, 65_534, 65_534)
            send()
            code = 0
        except (OSError, smtplib.SMTPException):
            code = 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if (ended := os.waitstatus_to_exitcode(status)) != 0:
        return "" if ended == 2 else "not made to its end"

    def known() -> bool:
        return bool(site.next_hop.to(recipient)) or any(recipient in one.recipients for one in site.store.incidents())

    site.wait_for(known, "the outcome of a message through the notice listener")
    return "delivered without being inspected" if site.next_hop.to(recipient) else ""
