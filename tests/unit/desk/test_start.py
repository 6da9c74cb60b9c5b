"""The desk starts only with readable policies, because they set how many people must approve."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdgate import daemon
from holdgate.quarantine.store import migrate

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("content", "output"), [("[[policy", "not valid TOML: "), (None, "cannot be read: No such file")]
)
def test_a_desk_without_valid_policies_exits_with_a_log_line(tmp_path: Path, content: str | None, output: str) -> None:
    config, policies, url = tmp_path / "holdgate.toml", tmp_path / "policies.toml", f"sqlite:///{tmp_path}/holdgate.db"
    config.write_text(
        f'user = "root"\npolicy.file = "{policies}"\nstore.url = "{url}"\nmetrics.desk = "127.0.0.1:0"\n'
        f'desk.token_key = "{tmp_path}/token.key"\n'
    )
    migrate(url)
    if content is not None:
        policies.write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "holdgate.desk.main", "--config", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env=os.environ | {"JOURNAL_STREAM": ""},
    )
    assert done.returncode == daemon.EX_CONFIG
    (line,) = done.stderr.splitlines()
    assert f"failed: stage=config error={policies}: {output}" in line
