"""Explains for people why a message was held: one sentence, the places in words, and what could not be read."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from holdgate.desk.language import names
from holdgate.desk.language import unusual as unusual_recipients
from holdgate.desk.language.catalogue import Catalogue, mark

_KINDS_NAMED = 3
_PLACE = re.compile(
    r", (?:page (?P<page>\d+)|slide (?P<slide>\d+)|row (?P<row>\d+)"
    r"|sheet (?P<sheet>[^,]{1,100})(?:, [A-Z]{1,3}(?P<line>\d+))?)(?:, [^,]*)?$"
)
_STEP = " › "
_HEADERS = ("headers", "technical headers")
# Explanations for reasons of `extract`, by a word in the reason.
REASONS = (
    ("encrypted", "it is encrypted"),
    ("damaged", "it is damaged"),
    ("not read", "a picture or an object in it could not be read"),
    ("too ", "it is too large or too deeply nested"),
    ("size", "it is too large or too deeply nested"),
    ("ratio", "it is too large or too deeply nested"),
    ("ambiguous", "it can be read in more than one way"),
)


def kinds(catalogue: Catalogue, findings: Sequence[dict[str, Any]], *, complete: bool) -> list[str]:
    """Return the names of the findings, the most certain first, then by number; each kind once."""
    totals: dict[str, int] = {}
    best: dict[str, int] = {}
    for finding in findings:
        name = finding["identifier"]
        totals[name] = totals.get(name, 0) + finding.get("unique", finding["count"])
        best[name] = max(best.get(name, 0), ("low", "medium", "high").index(finding["confidence"]))
    order = sorted(totals, key=lambda name: (-best[name], -totals[name], name))
    return [names.counted(catalogue, name, totals[name], at_least=not complete) for name in order]


def contents(catalogue: Catalogue, incident: Any) -> str:
    """Return the findings as a phrase: "2 US Social Security numbers and 1 payment card"; "" for none."""
    named = kinds(catalogue, incident.findings, complete=incident.status == "complete")
    more = len(named) - _KINDS_NAMED
    if more <= 0:
        return joined(catalogue, named)
    rest = catalogue.count("{count} more kind of personal data", "{count} more kinds of personal data", more)
    return joined(catalogue, [*named[:_KINDS_NAMED], rest.format(count=more)])


def sentence(catalogue: Catalogue, incident: Any, *, own: bool = False) -> str:
    """Return one sentence about why a message was held, and others about unusual things; `own`: for its sender."""
    found = contents(catalogue, incident)
    unusual = unusual_recipients.sentences(catalogue, incident.recipient_risks or (), own=own)
    if found:
        form = mark("Your message contains {found}.") if own else mark("This message contains {found}.")
        return " ".join([catalogue.text(form).format(found=found), *unusual])
    if incident.status != "complete":
        return " ".join([unread(catalogue, incident.reason), *unusual])
    if unusual:
        return " ".join(unusual)
    return catalogue.text("Another scanner asked for an approval.")


def unread(catalogue: Catalogue, reason: str) -> str:
    """Return what could not be read, and why: `reason` is that of `extract`, "PART: a few words"."""
    part, _, reported = reason.rpartition(": ")
    text = next((text for word, text in REASONS if word in reported), "")
    name = part.rpartition(_STEP)[2]
    if not text:
        return catalogue.text("It could not be read completely.")
    if not part or name.startswith("message body") or name in ("subject", *_HEADERS):
        return catalogue.text("It could not be read completely: {reason}.").format(reason=catalogue.text(text))
    form = catalogue.text("{file} could not be read completely: {reason}.")
    return form.format(file=name, reason=catalogue.text(text))


def place(catalogue: Catalogue, part: str) -> str:
    """Return a place in words: "In salaries.xlsx, sheet “March”, row 4"."""
    found = _PLACE.search(part)
    path = (part[: found.start()] if found else part).split(_STEP)
    if path[-1].startswith("message body") and len(path) > 1:
        path = path[:-1]
    inner = ""
    if found:
        inner = _within(catalogue, {name: value for name, value in found.groupdict().items() if value})
    elif len(path) == 1 and "," in path[0] and path[0].startswith(("message body", "headers", "technical headers")):
        path = [path[0].partition(",")[0]]
    if len(path) == 1 and path[0].startswith("message body"):
        return catalogue.text("In the text")
    if path[-1] == "subject":
        return catalogue.text("In the subject")
    if path[-1] in _HEADERS:
        return catalogue.text("In the header")
    if len(path) > 1:
        reported = catalogue.text("In {archive}, file {file}").format(archive=path[0], file=path[-1])
    else:
        reported = catalogue.text("In {file}").format(file=path[0])
    return f"{reported}, {inner}" if inner else reported


def places(catalogue: Catalogue, findings: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Return masked matches by place, in words; a place without matches is included."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        named = list(dict.fromkeys(place(catalogue, part) for part in finding["parts"]))
        for one in named:
            found.setdefault(one, [])
        if named:
            # It is not recorded which match is in which place: they are listed at the first place of their kind.
            found[named[0]] += [masked for masked in finding["masked"] if masked not in found[named[0]]]
    return found


def joined(catalogue: Catalogue, items: Sequence[str]) -> str:
    """Join a list as in a sentence: "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return catalogue.text("{first} and {last}").format(first=", ".join(items[:-1]), last=items[-1])


def _within(catalogue: Catalogue, where: dict[str, str]) -> str:
    if "sheet" in where and "line" in where:
        return catalogue.text("sheet “{sheet}”, row {row}").format(sheet=where["sheet"], row=where["line"])
    if "sheet" in where:
        return catalogue.text("sheet “{sheet}”").format(sheet=where["sheet"])
    for name, form in (
        ("page", mark("page {number}")),
        ("slide", mark("slide {number}")),
        ("row", mark("row {number}")),
    ):
        if name in where:
            return catalogue.text(form).format(number=where[name])
    return ""
