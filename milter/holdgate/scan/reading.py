"""The work of a process without rules: it reads a message and passes its text to a process that searches it.

A process for one message costs the memory that it copies from the process it is forked from. Most of that is rules.
This process has none; a reusable process searches the text, as it does for plain text.
"""

import time
from typing import Any

from pydantic_core import PydanticSerializationError

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.scan.shapes import NOT_FOR_THIS_WORKER, READING, Reading
from holdgate.scan.worker import TRIAL

# A reusable process keeps the memory of its largest text, so a larger text is searched in a process of its own.
_LARGEST = 2**21


class ReadingOnly:
    """Reads one message."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def is_reusable(self, job: dict[str, Any]) -> bool:
        """Return false: any parser may have run."""
        return False

    def do(self, job: dict[str, Any], content: bytes) -> bytes:
        """Read a message, or a file if the job has a name; return it for the search, else `NOT_FOR_THIS_WORKER`."""
        if job["do"] == "trial":
            extract_message(TRIAL, self._limits)
            return b"{}"
        begun = time.perf_counter()
        name = job["name"]
        extraction = (
            extract_message(content, self._limits) if name is None else extract_file(name, content, self._limits)
        )
        if sum(len(part.text) for part in extraction.parts) > _LARGEST:
            return NOT_FOR_THIS_WORKER
        reading = Reading(extraction, round((time.perf_counter() - begun) * 1000, 3))
        try:
            return READING.dump_json(reading)
        except PydanticSerializationError:  # a lone surrogate
            return NOT_FOR_THIS_WORKER
