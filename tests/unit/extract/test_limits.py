"""Each limit on the cost of reading: input at the limit is read, input beyond it is never complete."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.extract.part import Extraction, Status
from tests.support.limit_inputs import LimitInput, limit_inputs, messages, multiparts


def extract(data: bytes, file_name: str, limits: Limits) -> Extraction:
    return extract_file(file_name, data, limits) if file_name else extract_message(data, limits)


@pytest.mark.parametrize("case", list(limit_inputs()), ids=str)
def test_input_at_a_limit_is_read_and_input_over_it_is_not(case: LimitInput) -> None:
    within = extract(case.within, case.file_name, case.limits)
    assert within.status is Status.COMPLETE, within.reason
    beyond = extract(case.beyond, case.file_name, case.limits)
    reasons = "; ".join(part.reason for part in beyond.parts)
    assert beyond.status is not Status.COMPLETE
    assert case.reason in reasons
    # The limit is the cause, not the file.
    assert extract(case.beyond, case.file_name, Limits()).status is Status.COMPLETE or "actual size" in case.name


@pytest.mark.parametrize("file_name", ["a.html", "a.csv", "a.zip", "a.xml", "a.ics"])
def test_a_part_without_time_is_not_complete(file_name: str) -> None:
    (data,) = {case.within for case in limit_inputs() if case.name == "ratio of a zip"}
    texts = {"a.zip": data, "a.xml": b"<?xml version='1.0'?><a>words</a>", "a.ics": b"BEGIN:VCALENDAR\r\nSUMMARY:a\r\n"}
    extraction = extract_file(file_name, texts.get(file_name, b"<p>a,b</p>\n" * 9), Limits(part_seconds=-1.0))
    assert extraction.status is Status.LIMITED
    assert extraction.reason.endswith("time limit")


@contextmanager
def short_stack(frames: int = 120) -> Iterator[None]:
    """Leave Python so many frames of stack, so that a reader that calls itself for each level runs out of them."""
    depth, frame = 0, sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        depth += 1
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


LEVELS = 150
NESTED = {
    "a.html": b"<html>" + b"<div>" * LEVELS + b"words",
    "a.xml": b"<?xml version='1.0'?>" + b"<a>" * LEVELS + b"words" + b"</a>" * LEVELS,
    "a.rtf": b"{\\rtf1 " + b"{" * LEVELS + b"words" + b"}" * LEVELS + b"}",
    "a.ics": b"BEGIN:VCALENDAR\r\n" * LEVELS + b"SUMMARY:words\r\n" + b"END:VCALENDAR\r\n" * LEVELS,
}


@pytest.mark.parametrize("file_name", NESTED)
def test_nested_levels_of_a_document_use_no_stack(file_name: str) -> None:
    extract_file(file_name, NESTED[file_name])  # late imports and compilations happen before the stack is short
    with short_stack():
        extraction = extract_file(file_name, NESTED[file_name])
    assert extraction.status is Status.COMPLETE, extraction.reason
    assert "words" in "".join(part.text for part in extraction.parts)


@pytest.mark.parametrize("frames", range(45, 120, 6))
@pytest.mark.parametrize("make", [multiparts, messages])
def test_message_levels_that_exceed_the_stack_are_reported(make: Callable[[int], bytes], frames: int) -> None:
    data = make(60)
    extract_message(data)  # late imports and compilations happen before the stack is short
    with short_stack(frames):
        extraction = extract_message(data, Limits(mime_depth=1_000))
    assert extraction.status is not Status.COMPLETE
    assert extraction.reason
