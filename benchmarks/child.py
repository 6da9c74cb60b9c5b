"""Runs inside one build of Holdgate and serves the requests of benchmarks, one JSON object per line.

A request is ``{"do": "extract" | "detect" | "inspect" | "peak", "path": …, "rounds": N}``. The answer has ``seconds``,
the least processor time of a round, and as ``result`` the build's findings. For "peak", that is the peak memory in KiB
of a process that is forked, as a worker is, reads the file and searches it. It uses only what older builds have too.
"""

import functools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdgate.detect import Detector
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.extract.part import Extraction
from holdgate.extract.preload import preload


def _extract(path: Path, data: bytes) -> Extraction:
    return extract_message(data) if path.suffix == ".eml" else extract_file(path.name, data)


def _parts(extraction: Extraction) -> dict[str, Any]:
    """Return all that was read, in a form to compare."""
    return {
        "status": [str(extraction.status), extraction.reason],
        "signals": sorted(extraction.signals),
        "parts": [
            [part.name, part.reader, str(part.status), part.reason, part.text, part.places] for part in extraction.parts
        ],
    }


def _found(detector: Detector, text: str, places: list[tuple[int, str]]) -> list[Any]:
    scan = detector.scan(text, places)
    return [scan.limited, [[repr(field) for field in match] for match in scan.matches]]


def _best(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    best, result = float("inf"), None
    for _ in range(rounds):
        started = time.process_time()
        result = work()
        best = min(best, time.process_time() - started)
    return best, result


@functools.cache
def _load() -> None:
    """Load the modules that a zygote has loaded when it forks a worker."""
    preload()


def _peak(path: Path, data: bytes, detector: Detector) -> int:
    """Return the peak memory in KiB of a forked process that reads a file and searches it."""
    _load()
    process = os.fork()
    if not process:
        try:
            for part in _extract(path, data).parts:
                detector.scan(part.text, part.places)
        finally:
            os._exit(0)
    return os.wait4(process, 0)[2].ru_maxrss


def _answer(request: dict[str, Any], detector: Detector) -> dict[str, Any]:
    path, rounds = Path(request["path"]), int(request.get("rounds", 1))
    data = path.read_bytes()
    if request["do"] == "extract":
        seconds, extraction = _best(lambda: _extract(path, data), rounds)
        return {"seconds": seconds, "result": _parts(extraction)}
    if request["do"] == "peak":
        return {"seconds": 0.0, "result": _peak(path, data, detector)}
    if request["do"] == "detect":
        text = data.decode("utf-8", "surrogateescape")
        seconds, found = _best(lambda: _found(detector, text, []), rounds)
        return {"seconds": seconds, "result": found}
    seconds, extraction = _best(lambda: _extract(path, data), 1)
    result = _parts(extraction)
    result["findings"] = [_found(detector, part.text, part.places) for part in extraction.parts]
    return {"seconds": seconds, "result": result}


def main() -> None:
    """Answer until the input ends."""
    detector = Detector.from_rules(Path(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), detector)), flush=True)


if __name__ == "__main__":
    main()
