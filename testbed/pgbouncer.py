"""A private PgBouncer in front of a private PostgreSQL, which gives each transaction any free connection."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from holdgate.daemon import die_with_parent
from testbed.ports import wait_for

# PgBouncer refuses to run as root.
_UNPRIVILEGED = "postgres"
_PORT = 6432


class PgBouncer:
    """One pooler for the database of a URL, with a socket in its own directory; `url` uses it."""

    def __init__(self, url: str, *, connections: int) -> None:
        server = make_url(url)
        self.directory = Path(tempfile.mkdtemp(prefix="holdgate-pooler-"))
        self.directory.chmod(0o711)
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self.url = f"postgresql://holdgate@/{server.database}?host={self.directory}&port={_PORT}"
        (self.directory / "users.txt").write_text('"holdgate" ""\n')
        self._database, self._connections = server.database, connections
        self.lead_to(Path(str(server.query["host"])))
        if self._user:
            for path in (self.directory, *self.directory.iterdir()):
                shutil.chown(path, self._user)

    def lead_to(self, host: Path) -> None:
        """Write the settings for a server with its socket in a directory; they count from the next start on."""
        (self.directory / "pgbouncer.ini").write_text(
            f"[databases]\n{self._database} = host={host} user=holdgate\n"
            f"[pgbouncer]\nlisten_port = {_PORT}\nlisten_addr =\nunix_socket_dir = {self.directory}\n"
            f"auth_type = trust\nauth_file = {self.directory}/users.txt\npool_mode = transaction\n"
            f"default_pool_size = {self._connections}\nlogfile = {self.directory}/log\n"
        )

    def start(self) -> None:
        """Start it; return when it listens."""
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self._process = subprocess.Popen(
            [program, "-q", self.directory / "pgbouncer.ini"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
            cwd=self.directory,
            preexec_fn=die_with_parent,
        )
        wait_for((self.directory / f".s.PGSQL.{_PORT}").exists, "PgBouncer to listen")

    def kill(self) -> None:
        """Kill it, and with it every connection through it."""
        self._process.kill()
        self._process.wait(20)
        (self.directory / f".s.PGSQL.{_PORT}").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop it and remove its files."""
        self.kill()
        shutil.rmtree(self.directory)
