"""Finds where the new text of a reply ends and the quoted message, a signature or a footer begins.

Mail programs write these in as many ways as there are languages. Most are recognised by their form: marked lines,
header
blocks, "On … wrote:" with a date or an address before a colon, lines of dashes. The words of the languages are in
``words/quotations.toml``. If text looks similar but is not certain, the end is doubtful.

There are two different ends. A decision is read from everything that the person wrote, including a postscript or text
between quoted lines (`postscript`), because it may contain a condition. A comment is only the text that is certainly
theirs: it ends before a possible signature (`signature`).
"""

import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from holdgate.desk import postscript, signature
from holdgate.desk.decision import begins_with_word, closes, normal
from holdgate.desk.vocabulary import fold

_FILE = Path(__file__).with_name("words") / "quotations.toml"

# RFC 3676, 4.3, and the lines that programs draw.
_SIGNATURE = re.compile(r"\s*(?:--|__)\s*$")
_RULE = re.compile(r"\s*(?:[-_=*~—–─━#]\s?){5,}\s*$")
# "-----Original Message-----", "----- Weitergeleitet von … -----" in any language.
# The second and third forms have only dashes. No run is read twice, which would take quadratic time.
_BETWEEN_DASHES = re.compile(
    r"\s*+(?:[-_=*]{3,}+\s*+\S.{0,120}?[-_=*]{3,}+|[-_=*]{7,}+|[-_=*]{4,}+\s++[-_=*]{3,}+)\s*+$"
)
_LABEL = re.compile(r"\s*+[*_|]{0,3}\s*+([^\s:：*_][^:：\n]{0,28}?)\s*+[*_]{0,3}+\s*+[:：]\s*[*_]{0,3}(?:\s|$|(?=\S))")
# The end of an address's local part is enough: from each of its characters, a long word would take quadratic time.
_ADDRESS = re.compile(r"[^\s<>@:]@[^\s<>@]+\.[^\s<>@]")
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.hH]\d{2}\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|年|월|月")
_LETTERS = re.compile(r"[^\W\d_]{4}")
_PHONE = re.compile(r"(?:\+|\b0|\()\d[\d\s()./-]{6,}\d")
_CONTACT = re.compile(
    r"\b(?:tel|phone|fon|mobil|mobile|cell|fax|téléphone|teléfono|telefono|telefoon)\b\s*[.:]?|www\.|https?://"
    r"|\b(?:gmbh|ltd|inc|s\.?a\.?r\.?l|b\.v|sp\. z o\.o|s\.p\.a|lda)\b",
    re.IGNORECASE,
)
# Line ends for `normal`. In a quoted line they do not begin a line of the person's own.
_BREAKS = re.compile(r"[\u2028\u2029\x0b\x0c\x85]|\r(?!$)")
_ATTRIBUTION_LINES = 4
_ATTRIBUTION_LENGTH = 500


@dataclass(frozen=True, slots=True)
class NewText:
    """What the person wrote. `own` is the beginning of `text`, from which a comment may be taken.

    `doubtful`: it is uncertain whether some of `own`, or of the text after it, is the person's.
    """

    text: str
    own: str
    doubtful: bool = False


def split(text: str, marks: Collection[str] = ()) -> NewText:
    """Return the new text of a reply. `marks` are strings that only the answered mail contains, such as an id."""
    text = re.sub(
        r"(?m)^.*$", lambda match: _BREAKS.sub(" ", match[0]) if postscript.MARKED.match(match[0]) else match[0], text
    )
    lines = normal(text).lstrip(" \n").split("\n")
    folded_marks = [fold(mark) for mark in marks if len(mark) > 5]
    end = next((number for number in range(len(lines)) if _ends(lines, number)), len(lines))
    new = lines[:end]
    if any(mark in fold(line) for line in new for mark in folded_marks):
        # A quotation without an introduction: only the text above the first blank line is certainly new.
        first = next((number for number, line in enumerate(new) if not line.strip()), len(new))
        above = "\n".join(line for line in new[:first] if not any(mark in fold(line) for mark in folded_marks)).strip()
        return NewText(above, above, doubtful=True)
    body = "\n".join(new).strip()
    kept = "\n".join(new[: next((number for number in range(2, end) if _is_footer(new, number)), end)]).strip()
    later = [one for one in postscript.find(lines, end, _never_ends_quotation) if not _is_notice(one)]
    if not kept:
        return NewText("", "")
    own, doubtful = signature.cut(_without_introduction(kept) if end < len(lines) else kept)
    return NewText("\n\n".join([kept, *later]), own, doubtful or bool(later) or _looks_appended(body))


def _ends(lines: Sequence[str], number: int) -> bool:
    """Return whether the new text ends before a line."""
    line = lines[number]
    if not line.strip():
        return False
    if postscript.MARKED.match(line) or _SIGNATURE.match(line) or _RULE.match(line) or _BETWEEN_DASHES.match(line):
        return True
    if _is_device(line) or (number > 0 and closes(line)):
        return True
    return _is_header_block(lines, number) or _is_attribution(lines, number)


def _without_introduction(text: str) -> str:
    """Remove a last line like "Begin forwarded message:" directly above a quotation."""
    above, _, last = text.rpartition("\n")
    return above.rstrip() if last.rstrip().endswith((":", "：")) and above else text


def _never_ends_quotation(lines: Sequence[str], number: int) -> bool:
    """Return whether everything below a line is quoted, because no mark shows where the quotation ends."""
    if _RULE.match(lines[number]) or _BETWEEN_DASHES.match(lines[number]) or _is_header_block(lines, number):
        return True
    after = [line for line in lines[number + 1 : number + 2 + _ATTRIBUTION_LINES] if line.strip()]
    return _is_attribution(lines, number) and not any(postscript.MARKED.match(line) for line in after)


def _is_device(line: str) -> bool:
    folded = fold(line).strip(" *_[(")
    return len(folded) < 120 and folded.startswith(_words().devices)


def _is_header_block(lines: Sequence[str], number: int) -> bool:
    """Return whether a block like "From: … / Sent: … / To: …" begins, in any language."""
    block = [line for line in lines[number : number + 12] if line.strip()][:6]
    labels: list[str] = []
    if begins_with_word(lines[number]):
        return False
    for line in block:
        match = _LABEL.match(line)
        if match is None:
            break
        labels.append(" ".join(fold(match[1]).split()))
    if not labels:
        return False
    words = _words()
    known = sum(label in words.labels or label in words.senders for label in labels)
    evidence = any(_ADDRESS.search(line) or _DATE.search(line) for line in block[: len(labels)])
    if labels[0] in words.senders and (known >= 2 or _ADDRESS.search(block[0])):
        return True
    if known >= 2 and evidence:
        return labels[0] in words.labels
    together = all(line.strip() for line in lines[number : number + 3])
    return len(labels) >= 3 and together and evidence and bool(_ADDRESS.search("\n".join(block[: len(labels)])))


def _is_attribution(lines: Sequence[str], number: int) -> bool:
    """Return whether "On … somebody wrote:" begins, even if it is wrapped into several lines."""
    joined = ""
    if begins_with_word(lines[number]):
        return False
    for count in range(_ATTRIBUTION_LINES):
        if number + count >= len(lines):
            return False
        line = lines[number + count].strip()
        if not line or (joined and postscript.MARKED.match(line)):
            return False
        joined = f"{joined} {line}".strip()
        if len(joined) > _ATTRIBUTION_LENGTH:
            return False
        if joined.endswith((":", "：")) or (joined.endswith((">", "]")) and _ADDRESS.search(joined)):
            break
    else:
        return False
    if count and not (_DATE.search(lines[number]) or _ADDRESS.search(lines[number])):
        return False
    folded = f" {fold(joined)}"
    below = lines[number + count + 1].strip() if number + count + 1 < len(lines) else ""
    if _ADDRESS.search(joined) and _DATE.search(below) and not _LETTERS.search(below):  # Notes: the date is below
        return True
    dated, addressed = bool(_DATE.search(joined)), bool(_ADDRESS.search(joined))
    after = next((line for line in lines[number + count + 1 :] if line.strip()), "")
    if any(f" {word}" in folded for word in _words().wrote_latin) or any(
        word in folded for word in _words().wrote_other
    ):
        return dated or addressed or bool(postscript.MARKED.match(after))
    if dated and addressed:
        return True
    return (dated or addressed) and joined.endswith((":", "：")) and bool(postscript.MARKED.match(after) or not after)


def _is_footer(lines: Sequence[str], number: int) -> bool:
    """Return whether a paragraph begins a company's notice: by its first words and by another of its words."""
    if lines[number - 1].strip() or not lines[number].strip():
        return False
    end = next((later for later in range(number, len(lines)) if not lines[later].strip()), len(lines))
    paragraph = fold(" ".join(" ".join(lines[number:end]).split()))
    words = _words()
    known = sum(word in paragraph for word in words.disclaimers)
    if known >= 2 and len(paragraph) > 100:
        return True
    return known > 0 and len(paragraph) > 60 and paragraph.lstrip("*_ -").startswith(words.footers)


def _is_notice(paragraph: str) -> bool:
    """Return whether a paragraph below a quotation is a footer: a company's notice, or text that a phone adds."""
    folded = fold(paragraph)
    return _is_device(paragraph.split("\n")[0]) or any(word in folded for word in _words().disclaimers)


def _looks_appended(body: str) -> bool:
    """Return whether the end of a text may be a signature or a footer without an introduction."""
    _, _, later = body.partition("\n")
    folded = fold(body)
    if any(word in folded for word in _words().disclaimers):
        return True
    lines = [line for line in later.split("\n") if line.strip()]
    if any(_PHONE.search(line) or _CONTACT.search(line) or _ADDRESS.search(line) for line in lines):
        return True
    labelled = [line for line in lines if _LABEL.match(line) and (_DATE.search(line) or _ADDRESS.search(line))]
    return bool(labelled) or len(lines) > 25


@dataclass(frozen=True, slots=True)
class _Words:
    senders: frozenset[str]
    labels: frozenset[str]
    wrote_latin: tuple[str, ...]
    wrote_other: tuple[str, ...]
    devices: tuple[str, ...]
    disclaimers: tuple[str, ...]
    footers: tuple[str, ...]


@cache
def _words() -> _Words:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    wrote = [" ".join(fold(word).split()) for word in table["wrote"]]
    return _Words(
        senders=frozenset(" ".join(fold(word).split()).strip(" :") for word in table["from"]),
        labels=frozenset(" ".join(fold(word).split()) for word in table["labels"]),
        wrote_latin=tuple(word for word in wrote if word.isascii()),
        wrote_other=tuple(word for word in wrote if not word.isascii()),
        devices=tuple(fold(word).strip() for word in table["devices"]),
        disclaimers=tuple(fold(word) for word in table["disclaimers"]),
        footers=tuple(fold(word) for word in table["footers"]),
    )
