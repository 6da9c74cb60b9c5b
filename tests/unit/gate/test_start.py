"""The milter starts only with readable policies and confined workers; otherwise it logs the reason and exits."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdgate import daemon
from holdgate.quarantine.store import migrate
from holdgate.seal import add_key

pytestmark = pytest.mark.slow(seconds=1)

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


def start(config: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command, "--config", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env=os.environ | {"JOURNAL_STREAM": "", "PYTHONPATH": f"{TESTS.parent}/milter:{TESTS}"},
    )


def test_an_error_in_the_policies_ends_the_milter_with_ex_config_and_a_log_line(config: Path) -> None:
    policies = config.parent / "policies.toml"
    policies.write_text("[[policy", encoding="utf-8")
    config.write_text(config.read_text().replace(f"{TESTS.parent}/etc/policies.toml", str(policies)), encoding="utf-8")
    done = start(config, "holdgate.gate.main")
    assert done.returncode == daemon.EX_CONFIG
    (line,) = done.stderr.splitlines()
    assert f"failed: stage=config error={policies}: not valid TOML" in line


@pytest.mark.parametrize(
    ("refused", "output"),
    [
        ("landlock_restrict_self", "workers cannot be confined: landlock: Operation not permitted"),
        ("seccomp", "workers cannot be confined: seccomp: "),
        ("kill landlock_restrict_self", "ended before its first message, while it confined itself"),
    ],
)
def test_the_milter_exits_with_a_reason_if_its_workers_cannot_be_confined(
    config: Path, refused: str, output: str
) -> None:
    done = start(config, "tests.support.refusal", refused, "holdgate.gate.main")
    assert done.returncode == daemon.EX_OSERR
    (line,) = done.stderr.splitlines()
    assert "failed: stage=start" in line
    assert output in line
    assert not (config.parent / "milter.sock").exists()
