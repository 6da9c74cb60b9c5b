"""Reads the mail that comes back from moderators: a decision, an automatic reply, or a request that was not delivered.

Nothing here decides: `read` says what a mail is, `mailbox` acts on it. The text of a mail is looked at only for its
first word and the comment, up to the place where the quoted request begins.
"""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from email.utils import getaddresses
from enum import StrEnum
from html.parser import HTMLParser

from holdgate import headers
from holdgate.desk.moderation import clean_comment
from holdgate.quarantine.incident import Answer

# How much of a mail is read, in bytes: decisions stand at the top.
_READ_LIMIT = 256 * 1024

_WORDS = {
    "approve": Answer.APPROVE,
    "approved": Answer.APPROVE,
    "freigeben": Answer.APPROVE,
    "freigegeben": Answer.APPROVE,
    "reject": Answer.REJECT,
    "rejected": Answer.REJECT,
    "ablehnen": Answer.REJECT,
    "abgelehnt": Answer.REJECT,
}
_FIRST_WORD = re.compile(r"""\W*?([^\W\d_]+)[*_"'”»]*[.,;:!]*(?=\s|$)""")

# Where the quoted request begins, or a signature: what follows is not the moderator's new text.
_QUOTE = re.compile(
    r"""(?mx)
    ^[>|] | ^--[ ]?$ | ^_{8,} | ^-{2,}.*\b(?:original|ursprüngliche|forwarded|weitergeleitete)\b
    | ^(?:from|von|de|sent|gesendet)[ \t]*: | ^\*(?:from|von):\*
    | ^(?:on|am|le|il|el)\b[^\n]{0,200}(?:\n[^\n]{0,200})?(?:wrote|schrieb|écrit|scritto|escribió)[^\n]{0,100}:[ \t]*$
    """,
    re.IGNORECASE,
)

# Subjects of autoresponders that know nothing of RFC 3834.
_AUTO_SUBJECT = re.compile(
    r"(?:auto(?:matic)?[ -]?(?:reply|response)|autoreply|out of (?:the )?office|automatische antwort|abwesenheit"
    r"|abwesend|réponse automatique|risposta automatica)",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """What a mail is."""

    DECISION = "decision"
    UNCLEAR = "unclear"  # a person's mail without a word that decides
    AUTOMATIC = "automatic"  # an out-of-office reply
    BOUNCE = "bounce"
    DELAYED = "delayed"  # a delivery report that is not final, or good news


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail that was read. `senders` are the addresses of its From header, `references` the mail it answers."""

    kind: Kind
    senders: list[str]
    references: list[str]
    choice: Answer | None = None
    comment: str = ""


def read(content: bytes, envelope_sender: str) -> Reply:
    """Read a mail as it came in by LMTP. Raises nothing, whatever it contains."""
    message = BytesParser(policy=default.clone(raise_on_defect=False)).parsebytes(content[:_READ_LIMIT])
    assert isinstance(message, EmailMessage)
    senders = [address.lower() for _, address in getaddresses(_header(message, "From")) if address]
    references = re.findall(
        r"<[^<>\s]{1,250}>", " ".join(_header(message, "In-Reply-To") + _header(message, "References"))
    )
    kind = _kind(message, envelope_sender)
    if kind is not None:
        return Reply(kind, senders, references)
    choice, comment = decision(_text(message))
    return Reply(Kind.UNCLEAR if choice is None else Kind.DECISION, senders, references, choice, comment)


def decision(text: str) -> tuple[Answer | None, str]:
    """Return what the new text of a reply decides, by its first word, and the rest of it as the comment."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", " ").lstrip("﻿ \t\n")
    quoted = _QUOTE.search(text)
    new = text[: quoted.start()] if quoted else text
    word = _FIRST_WORD.match(new)
    if word is None or word[1].lower() not in _WORDS:
        return None, ""
    return _WORDS[word[1].lower()], clean_comment(new[word.end() :].lstrip(" \t–—-:;,"))


def _kind(message: EmailMessage, envelope_sender: str) -> Kind | None:
    """Say what a mail is by its header; None for one that a person wrote."""
    if message.get_content_type() == "multipart/report":
        return Kind.BOUNCE if _failed(message) else Kind.DELAYED
    automatic = any(value.split(";")[0].strip().lower() != "no" for value in _header(message, "Auto-Submitted"))
    # RFC 3834, section 5, and what the programs before it wrote.
    automatic = automatic or any(
        word.strip().lower() in ("bulk", "junk", "list", "auto_reply") for word in _header(message, "Precedence")
    )
    automatic = automatic or any(_header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response"))
    automatic = automatic or any(_AUTO_SUBJECT.match(_decoded(subject)) for subject in _header(message, "Subject"))
    if automatic:
        return Kind.AUTOMATIC
    return Kind.BOUNCE if not envelope_sender else None


def _failed(message: EmailMessage) -> bool:
    """Say whether a report (RFC 3464) is of a delivery that failed, as one without readable fields may be."""
    if "delivery-status" not in str(message.get_param("report-type", "delivery-status")).lower():
        return False
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            actions = re.findall(r"(?im)^action[ \t]*:[ \t]*(\w+)", part.as_string())
            return not actions or any(action.lower() == "failed" for action in actions)
    return True


def _header(message: EmailMessage, name: str) -> list[str]:
    """Return all values of a header field, unfolded and not decoded: an address is not one that a name decodes to."""
    return [" ".join(str(value).split()) for key, value in message.raw_items() if key.lower() == name.lower()]


def _decoded(value: str) -> str:
    """Return what a header field's value says: encoded words (RFC 2047) and bytes that are UTF-8 decoded."""
    return headers.decode(value.encode(errors="surrogateescape")).strip()


def _text(message: EmailMessage) -> str:
    """Return the first text of a mail that is not attached, from HTML where there is no plain one."""
    for subtype in ("plain", "html"):
        for part in message.walk():
            if part.get_content_type() == f"text/{subtype}" and part.get_content_disposition() != "attachment":
                payload = part.get_payload(decode=True)
                text = _decode(payload if isinstance(payload, bytes) else b"", part.get_content_charset() or "utf-8")
                return text if subtype == "plain" else _plain(text)
    return ""


def _decode(payload: bytes, charset: str) -> str:
    try:
        return payload.decode(charset, "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def _plain(html: str) -> str:
    reader = _HtmlText()
    reader.feed(html)
    reader.close()
    lines = ("".join(reader.pieces)).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines)


class _HtmlText(HTMLParser):
    """Takes the text out of a reply's HTML, up to the quoted request."""

    _BREAKS = frozenset({"p", "div", "br", "li", "tr", "table", "h1", "h2", "h3", "hr"})
    _HIDDEN = frozenset({"style", "script", "title", "head"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0
        self._quoted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break lines where a block begins; stop at the quotation."""
        names = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        if tag == "blockquote" or re.search(r"gmail_quote|divRplyFwdMsg|appendonsend|moz-cite-prefix", names):
            self._quoted = True
        if tag in self._HIDDEN:
            self._hidden += 1
        if tag in self._BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End what was hidden."""
        if tag in self._HIDDEN and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        """Keep the text that is shown."""
        if not self._hidden and not self._quoted:
            self.pieces.append(data.replace("\n", " "))
