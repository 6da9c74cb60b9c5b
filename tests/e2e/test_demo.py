"""The demo prints the actual outcomes."""

import tempfile
from pathlib import Path

import pytest

from testbed import demo
from testbed.ports import free_port


def test_the_demo_shows_each_decision(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="holdgate-demo-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)  # Postfix's processes are not root.
        monkeypatch.setattr(demo, "_DIRECTORY", Path(directory) / "demo")
        monkeypatch.setattr("sys.argv", ["demo", "--once", "--port", str(free_port())])
        demo.main()
    output = capsys.readouterr().out
    approved, rejected = output.index("“Approved: Booking form”"), output.index("“Rejected: New colleague”")
    assert approved < output.index("and rejects ") < rejected
    assert "The travel office needs it." in output[approved:rejected]
    assert "Please use the personnel portal for this." in output[rejected:]
    assert "This is the end of the demonstration." in output


def test_the_demo_with_several_servers_decides_at_each_desk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="holdgate-demo-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        monkeypatch.setattr(demo, "_DIRECTORY", Path(directory) / "demo")
        # Three ports in a row, which no other test gets before a hundred others.
        first, _, _ = (free_port() for _ in range(3))
        monkeypatch.setattr("sys.argv", ["demo", "--once", "--nodes", "3", "--port", str(first)])
        demo.main()
    output = capsys.readouterr().out
    for name in ("mx1", "mx2", "mx3"):
        assert f"at {name}.corp.example: “" in output
    assert "desk 1, on mx1.corp.example: shown" in output
    assert "desk 2, on mx2.corp.example: shown" in output
    assert "released by mx1.corp.example" in output
    assert "has it back from the desk on mx" in output
    assert "This is the end of the demonstration." in output
