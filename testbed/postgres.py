"""A private PostgreSQL server: data and unix socket in its own directory, no port, next to any other server."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from holdgate.daemon import die_with_parent
from testbed.ports import wait_for

# initdb and postgres refuse to run as root; Debian's package makes this user.
_UNPRIVILEGED = "postgres"

PASSWORD = "between-us"

# Which user can connect as which role, as in docs/howto/postgresql.md; one role with a password; and standbys.
_HBA = "local all keeper scram-sha-256\nlocal all all peer map=holdgate\nlocal replication holdgate peer map=holdgate\n"


class PostgresError(Exception):
    """The server could not be set up or started."""


class PostgresServer:
    """One server with a role "holdgate", to which its starter connects by their system user, and a role "keeper".

    By default it has its own directory, which is removed with it. Its log is there too, unless `log` names another
    place.
    `settings` are those of postgresql.conf.
    """

    def __init__(self, directory: Path | None = None, *, log: Path | None = None, **settings: str) -> None:
        self.directory = directory or Path(tempfile.mkdtemp(prefix="holdgate-postgres-"))
        self._log = log or self.directory / "server.log"
        self._settings = settings
        # Whether commits are synced to the disk: slower, and only useful if a disk is lost.
        self._syncs = directory is not None
        self.directory.mkdir(exist_ok=True)
        self._data = self.directory / "data"
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Create the server's data and start it; return when it answers."""
        if self._user:
            try:
                shutil.chown(self.directory, self._user)
            except LookupError:
                raise PostgresError(f"PostgreSQL is not installed: there is no user {self._user}") from None
        self.directory.chmod(0o711)
        self._run("initdb", "-D", self._data, "-U", "holdgate", "-E", "UTF8", "--locale=C.UTF-8", "-A", "peer", "-N")
        (self._data / "pg_hba.conf").write_text(_HBA)
        people = {pwd.getpwuid(os.geteuid()).pw_name, "holdgate", _UNPRIVILEGED}
        (self._data / "pg_ident.conf").write_text("".join(f"holdgate {person} holdgate\n" for person in people))
        self._serve()
        self.sql(f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'")

    def standby(self, through: Path | None = None) -> "PostgresServer":
        """Return a started synchronous standby: from now on a commit is confirmed after the standby has written it.

        It connects to this server's socket, or to one in the directory `through`.
        """
        made = PostgresServer()
        made._syncs = self._syncs
        if self._user:
            shutil.chown(made.directory, self._user)
        made.directory.chmod(0o711)
        reach = f"host={through or self.directory} user=holdgate application_name=standby"
        self._run("pg_basebackup", "-D", made._data, "-d", reach, "-R", "-c", "fast")
        made._serve()
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        self.sql("SELECT pg_reload_conf()")
        wait_for(
            lambda: self.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1",
            "the standby",
        )
        return made

    def promote(self) -> None:
        """Have a standby accept writes, and return when it does."""
        self.sql("SELECT pg_promote()")

    def restart(self) -> None:
        """Stop the server, and with it every connection, and start it again."""
        self.end()
        self._serve()

    def stop(self) -> None:
        """Stop the server and remove all of it."""
        if self._process is not None:
            self.end()
        shutil.rmtree(self.directory)

    def kill(self) -> None:
        """Kill the server with all its processes, as the kernel would."""
        assert self._process is not None
        self._signal_all(signal.SIGKILL)
        self._process.wait(20)

    def resume(self) -> None:
        """Start the server again, if it has ended."""
        if self._process is None or self._process.poll() is not None:
            self._serve()

    def _serve(self) -> None:
        settings = self._settings | {
            "listen_addresses": "",
            "unix_socket_directories": self.directory,
            "fsync": "on" if self._syncs else "off",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", self._data, *(f"--{name}={value}" for name, value in settings.items())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self.directory,
                preexec_fn=die_with_parent,
            )
        wait_for(self._answers, "PostgreSQL to answer")

    def _signal_all(self, number: int) -> None:
        """Send a signal to the server and to each of its processes, for sessions and its own work."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = [self._process.pid]
        with suppress(OSError):
            pids += map(int, children.read_text().split())
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self) -> None:
        """End the server, and with it every connection."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)  # the fast one of its three shutdown modes
        self._process.wait(20)

    def new_database(self, owner: str = "holdgate", template: str = "template0") -> str:
        """Create a database, empty or a copy of one without sessions, and return the URL by which `owner` connects.

        The server refuses to copy a database with a session in it, also one of its own (autovacuum, 25.1.6), which on
        a busy machine does not end within its 5 s. There are none in template0, nor in one of `close_database`.
        """
        name = f"store{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}")
        return f"postgresql://{owner}@/{name}?host={self.directory}"

    def close_database(self, url: str) -> None:
        """Refuse all new connections to a database, so that it can always be copied."""
        self.sql(f"ALTER DATABASE {_database_of(url)} ALLOW_CONNECTIONS false")

    def replace(self, url: str) -> None:
        """Drop the database of a URL, even if it is in use, and create an empty one with its name."""
        name = _database_of(url)
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {name} OWNER holdgate TEMPLATE template0")

    def end_connections(self) -> None:
        """End every connection to a database of these tests, as an administrator does (pg_terminate_backend)."""
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def freeze(self) -> None:
        """Freeze the server and all its processes: connections stay, and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def unfreeze(self) -> None:
        """Continue a frozen server."""
        self._signal_all(signal.SIGCONT)

    def sql(self, statement: str) -> None:
        """Run one statement as the superuser."""
        self.value(statement)

    def value(self, statement: str) -> str:
        """Run one statement as the superuser, and return its value."""
        reach = ["-h", str(self.directory), "-U", "holdgate", "-d", "postgres"]
        command = [str(_program("psql")), "-qXAt", *reach, "-c", statement]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise PostgresError(f"PostgreSQL ended at start: {self._log.read_text(errors='replace')[-500:]}")
        done = subprocess.run([_program("pg_isready"), "-q", "-h", self.directory], capture_output=True, check=False)
        return done.returncode == 0

    def _run(self, name: str, *arguments: str | Path) -> None:
        command = [_program(name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, user=self._user, cwd=self.directory)
        if done.returncode != 0:
            raise PostgresError(f"{name}: {done.stderr.strip()}")


@contextmanager
def primary_and_standby() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """Start a server and its synchronous standby, and stop both at the end."""
    primary = PostgresServer()
    primary.start()
    try:
        standby = primary.standby()
        try:
            yield primary, standby
        finally:
            standby.stop()
    finally:
        primary.stop()


def _database_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _program(name: str) -> Path:
    """Return one of the server's programs, in the newest installed version."""
    found = list(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        raise PostgresError(f"PostgreSQL is not installed: there is no {name} below /usr/lib/postgresql")
    return max(found, key=lambda path: int(path.parts[4]))
