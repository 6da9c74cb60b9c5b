"""The extraction: damaged files, each read in a separate process; a hang or a crash is a finding.

A finding is a file that raises, kills its process or takes more than ten seconds. It is identified by file,
round and seed, from which it can be made again; `--keep` saves the damaged files.
"""

import argparse
import os
import resource
import signal
import time
from itertools import count
from pathlib import Path

from holdgate.extract.extractor import extract_file, extract_message
from tests.support.evasion import evasions
from tests.support.mutation import mutants
from tests.support.samples import samples

ROOT = Path(__file__).parents[2]
SECONDS_EACH = 12
MEMORY = 2 << 30


def starting_points(files: list[Path]) -> dict[str, bytes]:
    if files:
        return {path.name: path.read_bytes() for path in files if path.is_file()}
    documents = {path.name: path.read_bytes() for path in sorted((ROOT / "tests" / "data" / "documents").iterdir())}
    messages = {
        f"evasion {number}": message for number, (_, message) in enumerate(evasions(b"The word is Rosenquist."))
    }
    return samples() | documents | dict(list(messages.items())[::9])


def read(name: str, data: bytes) -> str:
    """Read a file in a child process; return how that ended, "" if normally."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(SECONDS_EACH)
        code = 1
        try:
            extract_message(data) if name.startswith("evasion") else extract_file(name, data)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "raised" if os.WEXITSTATUS(status) else ""


def main(arguments: list[str]) -> int:
    """Read damaged files until the time is over; return 1 if there was a finding."""
    options = argparse.ArgumentParser(
        prog="script/fuzz extract", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--rounds", type=int, default=0, help="stop after so many damaged copies of each file")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path)
    options.add_argument("files", nargs="*", type=Path)
    given = options.parse_args(arguments)
    end = time.monotonic() + 60 * given.minutes
    sources = {name: mutants(data, given.seed) for name, data in starting_points(given.files).items()}
    tried = findings = 0
    for round_number in count(1):
        for name, source in sources.items():
            if 0 < given.rounds < round_number or (not given.rounds and time.monotonic() > end):
                print(f"{tried} files read, {findings} findings, seed {given.seed}")
                return 1 if findings else 0
            mutant = next(source)
            tried += 1
            if ending := read(name, mutant):
                findings += 1
                print(f"{ending}: {name}, round {round_number}, seed {given.seed}", flush=True)
                if given.keep:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    (given.keep / f"{ending}-{given.seed}-{round_number}-{name}").write_bytes(mutant)
    return 1
