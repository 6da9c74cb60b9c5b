"""A message changed in a worker: attachments by number, name or all; matches masked; and the report about it."""

import json
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.extract.part import Part, Status
from holdgate.rewrite.finder import Finder
from holdgate.scan import answer, changing
from holdgate.scan.changing import changed
from holdgate.scan.inspect import Inspector
from holdgate.scan.redactor import Redactor

SSN = "536-90-4399"


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector.with_profile("dlp-pii"), ("dlp-pii",), Limits())


def message(*files: tuple[str, str], text: str = f"Her social security number is {SSN}.") -> bytes:
    made = EmailMessage()
    made["Subject"] = f"About {SSN}"
    made.set_content(text)
    for name, content in files:
        made.add_attachment(content.encode(), maintype="text", subtype="plain", filename=name)
    return made.as_bytes()


def texts(content: bytes) -> list[str]:
    """The texts of a message and of its attachments."""
    parts = [part for part in message_from_bytes(content, policy=default).walk() if not part.is_multipart()]
    return [part.get_content().strip() for part in parts]


def job(*without: str, redact: bool = False) -> dict[str, Any]:
    return {"do": "change", "without": list(without), "note": "removed: {name}", "redact": redact}


def test_an_attachment_is_removed_and_the_report_lists_all(inspector: Inspector) -> None:
    frame = changed(inspector, message(("a.txt", "one"), (f"{SSN}.txt", "two")), job("1"))
    report, content = answer.change(frame)
    assert [(one.number, one.name, one.kind, one.size) for one in report.attachments] == [
        (1, "a.txt", "text/plain", 3),
        (2, "***-**-*399.txt", "text/plain", 3),
    ]
    assert (report.removed, report.signatures, report.refused) == ([1], [], None)
    assert texts(content)[1:] == ["removed: a.txt", "two"]
    assert SSN in texts(content)[0], "only what is asked for is changed"


def test_a_refusal_has_the_masked_part_name_and_no_message(inspector: Inspector) -> None:
    report, content = answer.change(changed(inspector, message(("a.txt", "one")), job(f"{SSN}.txt")))
    assert content == b""
    assert report.refused is not None
    assert (report.refused.part, report.refused.why) == ("***-**-*399.txt", "no such attachment")


def test_matches_and_their_repetitions_elsewhere_are_masked(inspector: Inspector) -> None:
    frame = changed(inspector, message(("a.txt", f"again {SSN} and more")), job(redact=True))
    report, content = answer.change(frame)
    assert report.refused is None
    assert SSN.encode() not in content
    assert texts(content)[1:] == ["again ***-**-**** and more"]


def test_a_signature_that_becomes_invalid_is_reported(inspector: Inspector) -> None:
    signed = b"DKIM-Signature: v=1; d=corp.example\n" + message(("a.txt", "one"))
    report, _ = answer.change(changed(inspector, signed, job("*")))
    assert (report.signatures, report.removed) == (["DKIM"], [1])


def test_the_report_is_one_line_of_utf_8(inspector: Inspector) -> None:
    frame = changed(inspector, message(("größe.txt", "one")), job("1"))
    line, _, _ = frame.partition(b"\n")
    assert "größe.txt".encode() in line
    assert json.loads(line)["removed"] == [1]


# -- results of the search functions -----------------------------------------------------------------------------------


def finder(inspector: Inspector, *parts: Part) -> Finder:
    matches = [inspector.find(part.text, part.places) for part in parts]
    return changing._finder(inspector, Redactor(inspector.find, parts, matches), list(parts), matches)


BODY = Part("message body", "text", f"her SSN: {SSN}")


def test_a_known_value_is_found_anywhere_and_a_match_only_with_evidence(inspector: Inspector) -> None:
    found = finder(inspector, BODY)
    assert list(found.known) == [SSN]
    assert list(found.values(f"x {SSN} y")) == [(2, 13)]
    assert list(found.values("her SSN: 219-09-9999")) == []
    (span,) = found.spans("her SSN: 536-22-8726")
    assert span == (9, 20)
    assert list(found.spans(f"x {SSN} y")) == [(2, 13)]


def test_a_file_is_checked_for_completeness_and_for_matches(inspector: Inspector) -> None:
    found = finder(inspector, BODY)
    assert found.check("a.txt", b"nothing here") == (True, False)
    assert found.check("a.txt", f"x {SSN}".encode()) == (True, True)
    assert found.check("a.txt", b"her SSN: 536-22-8726") == (True, True)
    is_whole, is_found = found.check("a.zip", b"PK\x03\x04 broken")
    assert (is_whole, is_found) == (False, False)


@pytest.mark.parametrize(
    ("parts", "seen"),
    [
        ([("a.txt", "none", Status.COMPLETE)], {"a.txt": (True, False)}),
        ([("a.txt", f"x {SSN}", Status.COMPLETE)], {"a.txt": (True, True)}),
        ([("a.txt", "none", Status.LIMITED)], {"a.txt": (False, False)}),
        (
            [("a.zip", "", Status.COMPLETE), ("a.zip › b.txt", f"x {SSN}", Status.COMPLETE)],
            {"a.zip": (True, True), "b.txt": (True, True)},
        ),
        (
            [("a.txt", f"x {SSN}", Status.COMPLETE), ("a.txt", "none", Status.FAILED)],
            {"a.txt": (False, True)},
        ),
        (
            [("a.txt", "none", Status.FAILED), ("a.txt", f"x {SSN}", Status.COMPLETE)],
            {"a.txt": (False, True)},
        ),
        (
            [("a.txt", "none", Status.COMPLETE), ("a.txt", "none", Status.COMPLETE)],
            {"a.txt": (True, False)},
        ),
    ],
    ids=["nothing", "value", "limited", "inside", "failed twin", "failed first", "twins"],
)
def test_the_finder_knows_each_attachment_by_its_name(
    inspector: Inspector, parts: list[tuple[str, str, Status]], seen: dict[str, tuple[bool, bool]]
) -> None:
    made = [Part(name, "text", text, status=status) for name, text, status in parts]
    found = finder(inspector, BODY, *made)
    assert {name: was for name, was in found.seen.items() if name != BODY.name} == seen
    assert found.seen[BODY.name] == (True, True)


def test_a_number_in_another_spelling_is_a_known_value(inspector: Inspector) -> None:
    found = finder(inspector, BODY)
    assert list(found.values("x 536904399 y")) == list(found.spans("x 536904399 y")) != []
