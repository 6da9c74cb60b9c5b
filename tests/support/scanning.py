"""Starts `holdgate-scan` for tests: as another user if root runs them, because only then do the users differ."""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from holdgate.daemon import die_with_parent
from testbed.ports import wait_for

# Who the service changes to where it may.
USER = "nobody"
_CHECKOUT = Path(__file__).parents[2]
_SETTINGS = """\
user = "{own}"
scan_user = "{scan}"

[scan]
socket = "{directory}/scan.sock"

[store]
url = "postgresql://holdgate@{host}/holdgate"
"""
HOST = "store-of-the-site.corp.example"


class ScanDaemon:
    """One `holdgate-scan` with separate files. It can be killed, stopped and started again."""

    def __init__(self) -> None:
        # A socket's path has room for 108 bytes (unix(7)), too few for a directory of pytest's.
        self._directory = Path(tempfile.mkdtemp(prefix="holdgate-scan-"))
        self._directory.chmod(0o755)
        self.socket = self._directory / "scan.sock"
        self.log = self._directory / "log"
        own = subprocess.check_output(["id", "-un"], text=True).strip()
        scan = USER if os.geteuid() == 0 else own
        self.config = self._directory / "holdgate.toml"
        self.config.write_text(_SETTINGS.format(own=own, scan=scan, directory=self._directory, host=HOST))
        self.process = self.launch()
        self.wait_until_ready()

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start another process with the same settings."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "holdgate.scan.main", "--config", self.config],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=os.environ | {"JOURNAL_STREAM": "", "PYTHONPATH": str(_CHECKOUT / "milter")},
                preexec_fn=die_with_parent,
            )

    def wait_until_ready(self) -> None:
        """Wait until it listens."""
        wait_for(lambda: f"[{self.process.pid}]: started" in self.log.read_text(), "holdgate-scan to be ready")

    def kill(self) -> None:
        """Kill it as a crash would."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again after its end."""
        self.process = self.launch()
        self.wait_until_ready()

    def close(self) -> None:
        """Stop it and remove its files."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        self.process.wait()
        for path in self._directory.iterdir():
            path.unlink()
        self._directory.rmdir()


def below(pid: int) -> list[int]:
    """Return the children of a process (proc_pid_task_children(5)), none if it has ended."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_running(pid: int) -> bool:
    """Return whether a process runs and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
