"""`holdgate scan` and `extract`: what the milter would find in a file, and the text that it would search."""

import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from holdgate.cli.output import progress
from holdgate.config import Settings
from holdgate.configfile import DEFAULT_PATH, load_settings
from holdgate.findings import Inspection
from holdgate.policy.model import policies_of
from holdgate.scan.pool import Pool, PoolSettings

_CLEAN, _FOUND, _NOT_READ = 0, 1, 2
_DEFAULT_PROFILE = "dlp-pii"
_MESSAGE_SUFFIXES = {".eml", ".msg822", ".mime"}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the two subcommands."""
    scanning = commands.add_parser(
        "scan",
        help="show what would be found in messages or documents",
        description="Exit code 0: nothing found; 1: something found; 2: not fully inspected, or an error.",
    )
    scanning.add_argument(
        "files", nargs="+", metavar="FILE", help='a message (.eml), any document, or "-" for standard input'
    )
    scanning.add_argument("--json", action="store_true", help="print one JSON object per file, one per line")
    scanning.add_argument("--explain", action="store_true", help="show the reasons for each match")
    scanning.set_defaults(run=_scan)

    extracting = commands.add_parser("extract", help="print the text of each part, as detection sees it")
    extracting.add_argument(
        "files", nargs="+", metavar="FILE", help='a message (.eml), any document, or "-" for standard input'
    )
    extracting.add_argument("--json", action="store_true", help="print one JSON object per file, one per line")
    extracting.set_defaults(run=_extract)


def _scan(arguments: argparse.Namespace) -> int:
    worst = _CLEAN
    with _pool(arguments) as pool:

        def work(descriptor: int, name: str | None) -> tuple[Inspection, list[dict[str, str]]]:
            inspection = pool.inspect(descriptor, name=name)
            wanted = arguments.explain and inspection.findings
            return inspection, pool.explain(descriptor, name=name) if wanted else []

        for path, outcome in _each(arguments.files, work):
            result, reasons = outcome if isinstance(outcome, tuple) else (outcome, [])
            inspection = result if isinstance(result, Inspection) else Inspection(status="failed", reason=result)
            if inspection.status != "complete":
                worst = _NOT_READ
            elif inspection.findings:
                worst = max(worst, _FOUND)
            if arguments.json:
                explained = {"reasons": reasons} if arguments.explain else {}
                print(json.dumps({"path": path} | _plain(inspection) | explained), flush=True)
            else:
                _print_inspection(path, inspection)
                for reason in reasons:
                    place = f"{reason['part']}, {reason['place']}" if reason["place"] else reason["part"]
                    print(f"  {reason['why']}\n    in {place}")
    return worst


def _extract(arguments: argparse.Namespace) -> int:
    worst = _CLEAN
    with _pool(arguments) as pool:
        for path, result in _each(arguments.files, lambda fd, name: pool.extract(fd, name=name)):
            extraction: dict[str, Any] = (
                result if isinstance(result, dict) else {"status": "failed", "reason": result, "parts": []}
            )
            if extraction["status"] != "complete":
                worst = _NOT_READ
            if arguments.json:
                print(json.dumps({"path": path} | extraction), flush=True)
            else:
                _print_extraction(path, extraction)
    return worst


def _pool(arguments: argparse.Namespace) -> Pool:
    # If the usual settings file does not exist, the defaults are used: rules can be tested before an installation.
    if arguments.config == DEFAULT_PATH and not arguments.config.exists():
        return Pool(PoolSettings.of(Settings(), (_DEFAULT_PROFILE,)))
    settings = load_settings(arguments.config)
    return Pool(PoolSettings.of(settings, policies_of(settings.policy).profiles() or (_DEFAULT_PROFILE,)))


def _each(files: list[str], work: Any) -> Iterator[tuple[str, Any]]:
    """Give each file to the pool, several at a time, and yield path and outcome in the order of the arguments."""

    def one(path: str) -> Any:
        try:
            descriptor = _stdin() if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return "not a regular file"
            name = None if path == "-" or Path(path).suffix.lower() in _MESSAGE_SUFFIXES else Path(path).name
            return work(descriptor, name)
        finally:
            os.close(descriptor)

    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as threads:
        outcomes = zip(files, threads.map(one, files), strict=True)
        yield from progress(outcomes, "files read", len(files))


def _stdin() -> int:
    """Copy standard input into a memory file, because workers need its size and read from its start."""
    descriptor = os.memfd_create("stdin", os.MFD_CLOEXEC)
    while chunk := sys.stdin.buffer.read(2**20):
        os.write(descriptor, chunk)
    return descriptor


def _plain(inspection: Inspection) -> dict[str, Any]:
    """Return what is printed of an inspection; header values are not available here."""
    return {key: value for key, value in inspection.to_json().items() if key not in ("subject", "header_from")}


def _print_inspection(path: str, inspection: Inspection) -> None:
    print(f"{path}: {_status(inspection.status, inspection.reason)}")
    for finding in inspection.findings:
        print(f"  {finding.count}× {finding.identifier} ({finding.confidence}): {', '.join(finding.masked)}")
        print(f"    in {'; '.join(finding.parts)}")
    for name, severity in inspection.profiles.items():
        print(f"  profile {name}: {severity}")
    for signal in inspection.signals:
        print(f"  signal: {signal}")


def _print_extraction(path: str, extraction: dict[str, Any]) -> None:
    print(f"{path}: {_status(extraction['status'], extraction['reason'])}")
    for part in extraction["parts"]:
        print(f"--- {part['name']} ({part['reader']}): {_status(part['status'], part['reason'])}")
        print(part["text"])


def _status(status: str, reason: str) -> str:
    return f"{status}; {reason}" if reason else status
