"""Reads mail to the reply address: a decision, an automatic reply, or a bounced request.

Nothing here decides: `read` determines what a mail is, `mailbox` acts on it. Only the header is parsed here, at most
`HEADER_LIMIT` bytes; `scan.letter` reads the body, in a worker of the desk.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum
from functools import partial
from typing import Any

from holdgate import headers
from holdgate.desk import automatic, exclusion
from holdgate.desk.decision import Decision, begins_with_word, decide
from holdgate.desk.moderation import clean_comment
from holdgate.desk.quotation import NewText, split
from holdgate.desk.vocabulary import fold
from holdgate.quarantine.incident import Answer

# Maximum size of a header, in bytes and lines; a field's value is cut at the same number of bytes. Postfix allows
# 102,400
# bytes (header_size_limit), and people's mail has some 10,000.
HEADER_LIMIT = 64 * 1024
_LINES = 1000
_VALUE = 4096
_FIELDS = 20

LetterReader = Callable[[bytes], dict[str, Any]]
Exclude = Callable[[str], tuple[list[str], str] | None]


def read_here(content: bytes) -> dict[str, Any]:
    """Read a mail in this process. The desk has a worker do it, so that it never loads what reads mail (25 MB)."""
    from holdgate.scan.letter import read_letter

    return read_letter(content)


class Kind(StrEnum):
    """The kind of a mail."""

    DECISION = "decision"
    UNCLEAR = "unclear"  # a person's mail without a decision word
    AUTOMATIC = "automatic"  # an out-of-office reply
    BOUNCE = "bounce"
    DELAYED = "delayed"  # a delivery report that is not final, or reports success


@dataclass(frozen=True, slots=True)
class Reply:
    """A parsed mail. `senders` are the addresses of its From header, `references` the Message-IDs that it answers.

    `excluded` are recipients who are left out, `change` is the kind of change or class with which a moderator
    approves. `comment_doubtful` is true if a comment was left out because another person may have written it.
    `incidents` are ids anywhere in the text.
    """

    kind: Kind
    senders: list[str]
    references: list[str]
    choice: Answer | None = None
    comment: str = ""
    comment_doubtful: bool = False
    incidents: Collection[str] = ()
    excluded: Sequence[str] = ()
    change: str = ""


@dataclass(frozen=True, slots=True)
class _ParsedDecision:
    """The decision in a text, with the fields of `Reply`."""

    choice: Answer | None = None
    comment: str = ""
    doubtful: bool = False
    excluded: Sequence[str] = ()
    change: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a mail, as far as it is read."""

    message: Message = field(repr=False)

    @classmethod
    def of(cls, content: bytes) -> "Header":
        """Parse the header of a mail. Raises no exception."""
        end = re.search(rb"\r?\n\r?\n", content[:HEADER_LIMIT])
        block = content[: end.start() if end else HEADER_LIMIT]
        lines = block.split(b"\n", _LINES)[:_LINES]
        return cls(BytesHeaderParser(policy=compat32).parsebytes(b"\n".join(lines) + b"\n\n"))

    def values(self, name: str) -> list[str]:
        """Return a field's values, topmost first, unfolded, not decoded: a decoded name can look like an address."""
        found = [str(value) for key, value in self.message.raw_items() if key.lower() == name.lower()][:_FIELDS]
        return [" ".join(value[:_VALUE].split()) for value in found]

    @property
    def senders(self) -> list[str]:
        """The addresses of the From header, in lower case."""
        return [address.lower() for address in headers.addresses(self.values("From"))]

    @property
    def references(self) -> list[str]:
        """The Message-IDs that the mail answers, with angle brackets."""
        return re.findall(r"<[^<>\s]{1,250}>", " ".join(self.values("In-Reply-To") + self.values("References")))

    @property
    def subject(self) -> str:
        """The decoded subject: encoded words (RFC 2047) and bytes that are UTF-8."""
        return headers.decode(next(iter(self.values("Subject")), "").encode(errors="surrogateescape")).strip()


def read(
    content: bytes,
    envelope_sender: str,
    marks: Collection[str] = (),
    letter: LetterReader = read_here,
    recipients: Sequence[str] = (),
    *,
    numbered: bool = True,
) -> Reply:
    """Read a mail that arrived by LMTP.

    `marks` are strings that only the answered request contains, `recipients` those who can be left out, and `numbered`
    is whether the request numbers them. `letter` reads the body; no other exceptions than its own are raised.
    """
    header = Header.of(content)
    senders, references = header.senders, header.references
    parsed = letter(content)
    if parsed["report"]:
        return Reply(Kind.BOUNCE if parsed["report"] == "failed" else Kind.DELAYED, senders, references)
    if automatic.is_automatic(header.values, header.subject):
        return Reply(Kind.AUTOMATIC, senders, references)
    if not envelope_sender:
        # Some autoresponders use the null sender too; they answer a mail, and write in their owner's name.
        answers = (references or automatic.suppresses_answers(header.values)) and not automatic.is_daemon(senders)
        return Reply(Kind.AUTOMATIC if answers else Kind.BOUNCE, senders, references)
    exclude = partial(exclusion.excluded, recipients=recipients, numbered=numbered, own=senders)
    result = _decision_of(parsed, marks, exclude)
    if result.choice is None and automatic.suppresses_answers(header.values):
        return Reply(Kind.AUTOMATIC, senders, references)
    kind = Kind.UNCLEAR if result.choice is None else Kind.DECISION
    return Reply(
        kind,
        senders,
        references,
        result.choice,
        result.comment,
        result.doubtful,
        parsed["incidents"],
        result.excluded,
        result.change,
    )


def decision(text: str) -> tuple[Answer | None, str]:
    """Return the decision in the text of a reply, and the comment; a comment with a doubtful end is left out."""
    result = _read_text(text, (), lambda _: None)
    return result.choice, result.comment


def _decision_of(parsed: dict[str, Any], marks: Collection[str], exclude: Exclude) -> _ParsedDecision:
    """Read the plain text of a mail, or its HTML if the plain text is blank or only refers to the HTML."""
    plain, html = str(parsed["plain"]), str(parsed["html"])
    struck = begins_with_word(str(parsed["struck"]))
    if struck:
        return _ParsedDecision()
    if not plain.strip() or (html.strip() and _is_stub(plain, marks)):
        return _read_text(html, marks, exclude)
    result = _read_text(plain, marks, exclude)
    other = _read_text(html, marks, exclude) if html.strip() else _ParsedDecision()
    # Two texts with different decisions decide nothing.
    same = (other.choice, other.excluded, other.change) == (result.choice, result.excluded, result.change)
    return result if same or other.choice is None else _ParsedDecision()


def _is_stub(plain: str, marks: Collection[str]) -> bool:
    """Return whether a plain text has no content of its own, or only states that the mail is HTML."""
    new = split(plain, marks).text
    return not new or (len(new) < 600 and "html" in fold(new) and not begins_with_word(new))


def _read_text(text: str, marks: Collection[str], exclude: Exclude) -> _ParsedDecision:
    new = split(text, marks)
    excluded: tuple[str, ...] = ()
    if (found_in_all := exclude(new.text)) is not None:
        # `own` is the beginning of the complete text, so the same lines are removed from both.
        own = exclude(new.own)
        excluded, new = tuple(found_in_all[0]), NewText(found_in_all[1], own[1] if own else "", new.doubtful)
    found: Decision = decide(new.text)
    if found.choice is None:
        return _ParsedDecision()
    # Text after the part that is certainly the person's own is used for the decision only.
    kept = len(found.rest) - (len(new.text) - len(new.own))
    comment = clean_comment(found.rest[:kept] if kept > 0 else "")
    left_out = new.doubtful and bool(clean_comment(found.rest))
    return _ParsedDecision(found.choice, "" if new.doubtful else comment, left_out, excluded, found.change)
