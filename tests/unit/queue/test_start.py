"""`holdgate-queue` as root starts it: two processes, and the one that opens the store is not root."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.quarantine.store import migrate
from testbed.ports import PATIENCE, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]

ROOT = Path(__file__).parents[3]
NOBODY = pwd.getpwnam("nobody")


def status(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {key: rest.split() for key, _, rest in (line.partition(":") for line in lines)}


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
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
            f'queue.postfix_config = "{directory}"\nmetrics.queue = "127.0.0.1:0"\n'
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


def test_the_child_is_another_user_with_no_way_back(running: subprocess.Popen[bytes]) -> None:
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
