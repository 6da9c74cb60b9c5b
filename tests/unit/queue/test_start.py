"""`holdgate-queue` started by root: two processes, and the one that opens the store does not run as root."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdgate.cli.authority import Authority
from holdgate.quarantine.store import migrate
from holdgate.queue.client import QueueError
from holdgate.queue.mutual import NodeCertificate
from holdgate.queue.remote import NodeReader
from testbed.ports import PATIENCE, free_port, is_listening, wait_for

pytestmark = [
    pytest.mark.slow(seconds=1),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]

ROOT = Path(__file__).parents[3]
NOBODY = pwd.getpwnam("nobody")


def status(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {key: rest.split() for key, _, rest in (line.partition(":") for line in lines)}


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
    with started() as process:
        yield process


@contextlib.contextmanager
def started(more: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon, with further lines of settings, in which {directory} is replaced by its directory."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        url = f"sqlite:///{directory}/store/holdgate.db"
        (directory / "store").mkdir()
        migrate(url)
        for path in (directory / "store", *(directory / "store").iterdir()):
            shutil.chown(path, "nobody")
        (directory / "holdgate.toml").write_text(
            f'user = "nobody"\nstore.url = "{url}"\nqueue.socket = "{directory}/queue.sock"\n'
            f'queue.postfix_config = "{directory}"\nmetrics.queue = "127.0.0.1:0"\n' + more.replace("{directory}", name)
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "holdgate.queue.main", "--config", directory / "holdgate.toml"],
            env=os.environ | {"PYTHONPATH": f"{ROOT}/milter", "JOURNAL_STREAM": ""},
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def test_the_child_runs_as_another_user_and_cannot_become_root_again(running: subprocess.Popen[bytes]) -> None:
    def child() -> int:
        pids = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text(encoding="ascii").split()
        for pid in map(int, pids):
            with contextlib.suppress(FileNotFoundError):
                # Postfix's commands are children of the agent, too, and end.
                if status(pid)["Uid"] == [str(NOBODY.pw_uid)] * 4:
                    return pid
        return 0

    found = status(wait_for(child, "a child that is not root"))
    assert found["Gid"] == [str(NOBODY.pw_gid)] * 4
    assert set(found["Groups"]) == {str(group) for group in os.getgrouplist("nobody", NOBODY.pw_gid)}
    assert {found[name][0] for name in ("CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    limits = Path(f"/proc/{running.pid}/limits").read_text(encoding="ascii")
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


@pytest.fixture
def certificate() -> Iterator[tuple[str, NodeCertificate]]:
    """A node's certificate, and the lines of settings that name it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "node"
        now = datetime.now(UTC)
        Authority.open(Path(name) / "authority", now).write(folder, "mx1", now, timedelta(days=1))
        for path in (Path(name), folder, *folder.iterdir()):
            path.chmod(0o755)
        files = {
            "authority": folder / "authority.crt",
            "certificate": folder / "node.crt",
            "private_key": folder / "node.key",
        }
        lines = "".join(f'{key} = "{path}"\n' for key, path in files.items())
        yield lines, NodeCertificate(**files, is_revoked=lambda _: False)


def test_the_node_listener_runs_without_capabilities(certificate: tuple[str, NodeCertificate]) -> None:
    lines, files = certificate
    port = free_port()
    with started(f'[node]\nname = "mx1"\nlisten = "127.0.0.1:{port}"\n{lines}') as running:
        wait_for(lambda: is_listening(port), "the listener")
        # There is no Postfix: the error comes from the node's agent, so the request reached it.
        with pytest.raises(QueueError, match="node mx1: postconf"):
            NodeReader("mx1", f"127.0.0.1:{port}", files).show("4id", 100)

        def work() -> list[int]:
            return [pid for pid in children(running.pid) if status(pid)["Uid"] == [str(NOBODY.pw_uid)] * 4]

        wait_for(lambda: len(work()) == 2, "both children to give up root")
        assert {status(pid)["CapEff"][0] for pid in work()} == {"0" * 16}
        # When one ends, all end, and systemd restarts them.
        os.kill(work()[1], signal.SIGKILL)
        assert running.wait(PATIENCE) != 0
        assert not is_listening(port)


def test_an_unreadable_certificate_does_not_stop_the_daemon(certificate: tuple[str, NodeCertificate]) -> None:
    lines, files = certificate
    files.private_key.write_text("no key")
    port = free_port()
    with started(f'[node]\nname = "mx1"\nlisten = "127.0.0.1:{port}"\n{lines}') as running:
        wait_for(lambda: is_listening(port), "the listener")
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as peer:
            assert peer.recv(1) == b""
        assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0
