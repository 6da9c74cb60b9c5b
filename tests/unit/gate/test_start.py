"""The milter starts only with workers that hold: where they cannot be confined it says so and ends."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdgate import daemon
from holdgate.quarantine.store import migrate
from holdgate.seal import add_key

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "holdgate.toml"
    url = f"sqlite:///{tmp_path}/holdgate.db"
    path.write_text(
        f"""
user = "root"
milter.socket = "unix:{tmp_path}/milter.sock"
policy.file = "{TESTS.parent}/etc/policies.toml"
seal.keys = "{tmp_path}/seal.keys"
store.url = "{url}"
metrics.milter = "127.0.0.1:0"
"""
    )
    migrate(url)
    add_key(tmp_path / "seal.keys", keep=timedelta(days=1), group_id=os.getgid(), now=datetime.now(UTC))
    return path


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("landlock_restrict_self", "workers cannot be confined: landlock: Operation not permitted"),
        ("seccomp", "workers cannot be confined: seccomp: "),
        ("kill landlock_restrict_self", "a worker died before its first message"),
    ],
)
def test_a_milter_whose_workers_cannot_be_confined_ends_and_says_why(config: Path, refused: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "support.refusal", refused, "holdgate.gate.main", "--config", config],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"JOURNAL_STREAM": "", "PYTHONPATH": f"{TESTS.parent}/milter:{TESTS}"},
    )
    assert done.returncode == daemon.EX_OSERR
    (line,) = done.stderr.splitlines()
    assert "failed: stage=start" in line
    assert said in line
    assert not (config.parent / "milter.sock").exists()
