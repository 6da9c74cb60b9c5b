"""The work of a process that has no rules: it reads a message and hands its text on to one that searches it.

A process for one message costs what it copies of the process it is forked from. Rules are most of that: this one does
without, and the text goes to a process that stays, as plain text does.
"""

import time
from typing import Any

from pydantic_core import PydanticSerializationError

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.scan.shapes import BEYOND, READING, Reading
from holdgate.scan.worker import TRIAL

# A process that stays keeps the memory that its largest text took: a larger one is searched where it was read.
_LARGEST = 2**21


class ReadingOnly:
    """Reads one message."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def may_stay(self, job: dict[str, Any]) -> bool:
        """Say no: any parser may have run."""
        return False

    def do(self, job: dict[str, Any], content: bytes) -> bytes:
        """Read a message, or a file where the job has a name, and return what can be handed on: else `BEYOND`."""
        if job["do"] == "trial":
            extract_message(TRIAL, self._limits)
            return b"{}"
        begun = time.perf_counter()
        name = job["name"]
        extraction = (
            extract_message(content, self._limits) if name is None else extract_file(name, content, self._limits)
        )
        if sum(len(part.text) for part in extraction.parts) > _LARGEST:
            return BEYOND
        reading = Reading(extraction, round((time.perf_counter() - begun) * 1000, 3))
        try:
            return READING.dump_json(reading)
        except PydanticSerializationError:  # half a surrogate pair
            return BEYOND
