"""The compared milters: none, a minimal one in C, a minimal one in pymilter, and builds of Holdgate."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdgate.quarantine.store import migrate
from holdgate.seal import add_key
from testbed.ports import free_port, is_listening, wait_for

_HERE = Path(__file__).parent
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Filter:
    """A running milter: its address for Postfix ("" for none), and its process."""

    name: str
    address: str
    pid: int = 0


class NotHereError(Exception):
    """This milter is not installed; the text names the missing part."""


@contextmanager
def started(name: str, directory: Path, *command: str, environment: dict[str, str] | None = None) -> Iterator[Filter]:
    """Run a milter whose command ends with its address, until the context ends."""
    socket = directory / "s" / f"{name}.sock"
    socket.parent.mkdir(exist_ok=True)
    socket.parent.chmod(0o1777)
    with (directory / f"{name}.log").open("wb") as log:
        words = [word.format(socket=f"unix:{socket}") for word in command]
        process = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | (environment or {}))
        try:
            wait_for(lambda: socket.exists() or process.poll() is not None, f"{name} to listen")
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended: {Path(log.name).read_text(errors='replace')[-500:]}")
            # Postfix runs as another user.
            socket.chmod(0o666)
            yield Filter(name, f"unix:{socket}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def cmilter(directory: Path) -> Iterator[Filter]:
    """Compile and run a minimal milter in C. Raises NotHereError without a compiler or libmilter-dev."""
    program = directory / "cmilter"
    command = ["cc", "-O2", "-o", str(program), str(_HERE / "cmilter.c"), "-lmilter", "-lpthread"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotHereError("cmilter: apt install gcc libmilter-dev") from error
    with started("cmilter", directory, str(program), "{socket}") as running:
        yield running


@contextmanager
def pytrivial(directory: Path) -> Iterator[Filter]:
    """Run a minimal milter in pymilter."""
    with started("pytrivial", directory, sys.executable, str(_HERE / "pytrivial.py"), "{socket}") as running:
        yield running


_SETTINGS = """\
user = "root"
[milter]
socket = "unix:{socket}"
spool_directory = "{directory}/spool"
[policy]
file = "{directory}/policies.toml"
[seal]
keys = "{directory}/seal.keys"
[rules]
directory = "{root}/rules"
local_directory = "{directory}/rules.d"
[store]
url = "sqlite:///{directory}/holdgate.db"
[queue]
postfix_config = "{postfix}"
[metrics]
milter = "127.0.0.1:{metrics}"
"""


@contextmanager
def ours(name: str, root: Path, path: str, directory: Path, postfix: Path) -> Iterator[Filter]:
    """Run Holdgate's milter of the checkout `root`, with `path` as PYTHONPATH."""
    home = directory / name
    for folder in ("spool", "rules.d"):
        (home / folder).mkdir(parents=True)
    shutil.copy(root / "etc/policies.toml", home / "policies.toml")
    socket = directory / "s" / f"{name}.sock"
    settings = _SETTINGS.format(directory=home, socket=socket, root=root, postfix=postfix, metrics=free_port())
    (home / "holdgate.toml").write_text(settings)
    environment = {"PYTHONPATH": path, "JOURNAL_STREAM": ""}
    if root == _ROOT:
        migrate(f"sqlite:///{home}/holdgate.db")
        add_key(home / "seal.keys", keep=timedelta(days=1), group_id=os.getgid(), now=datetime.now(UTC))
    else:  # another version may have another store
        for words in (["migrate"], ["seal", "new-key"]):
            command = [sys.executable, "-m", "holdgate.cli.main", "-c", str(home / "holdgate.toml"), *words]
            subprocess.run(command, check=True, env=os.environ | environment, capture_output=True)
    command = [sys.executable, "-m", "holdgate.gate.main", "-c", str(home / "holdgate.toml")]
    with started(name, directory, *command, environment=environment) as running:
        yield running


@contextmanager
def sink(directory: Path) -> Iterator[tuple[int, int]]:
    """Run Postfix's smtp-sink(1), which accepts and discards all mail; yield its port and its process."""
    port = free_port()
    with ExitStack() as stack:
        log = stack.enter_context((directory / "sink.log").open("wb"))
        command = ["smtp-sink", "-u", "postfix", f"127.0.0.1:{port}", "1000"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        wait_for(lambda: is_listening(port), "the sink to listen")
        yield port, process.pid
