"""script/audit reports known vulnerabilities, and never success for a release that it could not look up."""

import json
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GOOD = {"name": "jinja2", "version": "3.1.6", "vulns": []}
BAD = {
    "name": "example",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["1.1"], "aliases": [], "description": "x"}],
}
SKIPPED = {"name": "aiosmtpd", "skip_reason": "Dependency not found on PyPI and could not be audited: aiosmtpd (1.4.6)"}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    loader = SourceFileLoader("script_audit", str(ROOT / "script/audit"))
    spec = spec_from_loader("script_audit", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["script_audit"] = module
    sys.path.insert(0, str(ROOT / "script"))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("dependencies", "asked", "vulnerable", "unknown", "code"),
    [
        ([GOOD], 1, [], 0, 0),
        ([GOOD, BAD], 2, ["example 1.0: PYSEC-0000-1, fixed in 1.1"], 0, 1),
        ([GOOD, SKIPPED], 1, [], 1, 2),
        ([BAD, SKIPPED], 1, ["example 1.0: PYSEC-0000-1, fixed in 1.1"], 1, 1),
        ([], 0, [], 1, 2),
        (None, 0, [], 1, 2),
    ],
)
def test_the_exit_code_shows_the_result_of_the_audit(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    dependencies: list[dict[str, Any]] | None,
    asked: int,
    vulnerable: list[str],
    unknown: int,
    code: int,
) -> None:
    output = "" if dependencies is None else json.dumps({"dependencies": dependencies, "fixes": []})
    report = audit.read(output, "ERROR: no network\n")
    assert (report.asked, report.vulnerable, len(report.unknown)) == (asked, vulnerable, unknown)

    def run(command: list[Any], **_: Any) -> SimpleNamespace:
        return SimpleNamespace(returncode=0, stdout="" if "install" in command else output, stderr="no network")

    monkeypatch.setattr(audit.subprocess, "run", run)
    monkeypatch.setattr(audit.venv, "create", lambda *_, **__: None)
    assert audit.main([str(ROOT / "requirements/package.txt")]) == code


def test_the_audit_exits_with_2_without_pip_audit(audit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stdout="", stderr="no"))
    assert audit.main([]) == 2
