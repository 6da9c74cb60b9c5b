"""Reads a moderator's reply by mail: its text as plain text, and the kind of report, if it is one.

A worker does this, so that the desk never parses MIME or HTML from outside. Attached messages are not read, because
text that another person once wrote must not decide anything.
"""

import re
from collections import Counter
from dataclasses import asdict
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from html import unescape
from html.parser import HTMLParser
from typing import Any

from holdgate.extract.charset import codec_of
from holdgate.scan.shapes import TEXT_LIMIT, Letter

# How much of a mail is read, in bytes, parts and characters: decisions are at its beginning.
_READ_LIMIT = 256 * 1024
_PARTS = 200
_DEPTH = 20
# And how much of a field, in characters: its parameters are parsed in quadratic time.
_FIELD_LIMIT = 2_000

_QUOTES = re.compile(
    r"(?:^|\s|x_|-)(?:gmail_quote|gmail_attr|gmail_extra|divRplyFwdMsg|appendonsend|moz-cite-prefix"
    r"|OutlookMessageHeader|protonmail_quote|zmail_extra|tutanota_quote|mail-editor-reference-message-container"
    r"|ms-outlook-mobile-reference-message|reply-intro|reply_header|quoted_message|hm_quote|zwchr|isForwardContent|moz-forward-container"
    r"|WM_quote|gwmail_quote|x_divRplyFwdMsg|replySplit|cite)(?:\s|$|-)",
)
# Those of them that enclose the quotation: text after their end is the moderator's again.
_CONTAINERS = re.compile(
    r"(?:^|\s|x_)(?:gmail_quote|gmail_attr|gmail_extra|moz-cite-prefix|protonmail_quote|tutanota_quote|cite)(?:\s|$|-)"
)
# Yahoo's names have a prefix that differs. Each word is read once: from each "x_" in it, it would take quadratic time.
_YAHOO_QUOTES = re.compile(
    r"(?<!\w)(?:^|(?<=[\s-])|(?>\w*?x_))(?:\w*yQTDBase(?:\s|$|-)|(?=\w*+(?:\s|$|-))\w*yahoo_quoted)"
)
_YAHOO_CONTAINERS = re.compile(r"(?<!\w)(?:^|(?<=\s)|(?>\w*?x_))(?=\w*+(?:\s|$|-))\w*yahoo_quoted")
_SIGNATURES = re.compile(
    r"(?:^|\s|x_)(?:gmail_signature|moz-signature|ms-outlook-mobile-signature|Signature|AppleMailSignature|protonmail_signature_block"
    r"|signature|yahoo-signature|zm_signature|divtagdefaultsignature)(?:\s|$|-)",
)
_INCIDENT = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:;|$)|mso-hide\s*:\s*all", re.I
)
_STRUCK_STYLE = re.compile(r"line-through", re.I)
# The line that Outlook draws above the header of the quoted mail.
_DRAWN_STYLE = re.compile(r"border(?:-top)?\s*:\s*(?:solid|1\.?0?pt)([^;]*+)", re.I)
_DRAWN_COLOUR = re.compile(r"E1E1E1|B5C4DF|A0A0A0", re.I)


class _ShortFields(Compat32):
    """Cuts long fields."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return name and value of a field."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_FIELD_LIMIT]


def read_letter(data: bytes) -> dict[str, Any]:
    """Return a `Letter` as plain values for `json.dumps`. The only error that a mail can cause is RecursionError."""
    message = BytesParser(policy=_ShortFields()).parsebytes(data[:_READ_LIMIT])
    if message.get_content_type() == "multipart/report":
        return asdict(Letter("failed" if _failed(message) else "other"))
    plain, html = _body(message, [_PARTS], 0)
    shown = _HtmlText()
    if html:
        shown.read(html)
    lines = "".join(shown.pieces)[:TEXT_LIMIT].split("\n")
    return asdict(
        Letter(
            plain=plain[:TEXT_LIMIT],
            html="\n".join(" ".join(line.split()) for line in lines)[:TEXT_LIMIT],
            struck=" ".join("".join(shown.struck)[:TEXT_LIMIT].split()),
            incidents=sorted(set(_INCIDENT.findall(plain + " " + html)))[:50],
        )
    )


def _failed(message: Message) -> bool:
    """Return whether a report (RFC 3464) is about a failed delivery. One without readable fields counts as failed."""
    if "delivery-status" not in str(message.get_param("report-type", "delivery-status")).lower():
        return False
    for part in _children(message):
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            actions = re.findall(r"(?im)^action[ \t]{0,9}:[ \t]{0,9}(\w{1,20})", part.as_string()[:TEXT_LIMIT])
            return not actions or any(action.lower() == "failed" for action in actions)
    return True


def _body(part: Message, left: list[int], depth: int) -> tuple[str, str]:
    """Return the first text of a mail that is not attached, plain and as HTML; both of an alternative, "" for none."""
    left[0] -= 1
    if left[0] < 0 or depth > _DEPTH or part.get_content_disposition() == "attachment":
        return "", ""
    kind = part.get_content_type()
    if kind == "text/plain":
        return _text(part), ""
    if kind == "text/html":
        return "", _text(part)
    if not kind.startswith("multipart/"):
        return "", ""
    plain = html = ""
    for child in _children(part):
        more_plain, more_html = _body(child, left, depth + 1)
        if kind == "multipart/alternative":
            plain, html = plain or more_plain, html or more_html
        elif more_plain.strip() or more_html.strip():
            return more_plain, more_html
    return plain, html


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = part.get_content_charset() or "utf-8"
    try:
        text = data.decode(codec_of(charset) or "utf-8", "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "replace")
    return _unflowed(text) if str(part.get_param("format", "")).lower() == "flowed" else text


def _unflowed(text: str) -> str:
    """Join the lines of flowed text (RFC 3676, 4.2): those that end with a space, except "-- "."""
    return re.sub(r"(?m)^(?!>|-- ?\r?$)([^\r\n]*\S) \r?\n(?![>\r\n]|-- ?\r?$)", r"\1 ", text)


def _is_quoted(names: str) -> bool:
    return bool(_QUOTES.search(names) or _YAHOO_QUOTES.search(names))


def _is_container(names: str) -> bool:
    return bool(_CONTAINERS.search(names) or _YAHOO_CONTAINERS.search(names))


def _is_drawn(style: str) -> bool:
    return any(_DRAWN_COLOUR.search(found[1]) for found in _DRAWN_STYLE.finditer(style))


class _HtmlText(HTMLParser):
    """Extracts the text of a reply's HTML. A quotation is replaced by the mark ">", a signature by "-- "."""

    _BREAKS = frozenset({"p", "div", "br", "li", "tr", "table", "h1", "h2", "h3", "h4", "hr", "pre", "ul", "ol", "td"})
    _UNSEEN = frozenset({"style", "script", "title", "head", "template", "textarea", "select", "object"})
    _STRUCK = frozenset({"s", "del", "strike"})
    _VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "col", "area", "base", "embed", "source"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.struck: list[str] = []
        self._open: list[tuple[str, str]] = []
        # How many of the open elements are read in each way.
        self._ways: Counter[str] = Counter()
        self._ended = False

    def read(self, html: str) -> None:
        """Read a complete page. What follows an unfinished tag or comment is text."""
        self.feed(html)
        # `close` would search all of it again for the end of each tag that begins in it.
        if rest := self.rawdata:
            self.rawdata = ""
            self.handle_data(unescape(rest))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break lines at blocks; leave out a quotation, and everything below one without a recognisable end."""
        given = {name: value or "" for name, value in attrs}
        names = f"{given.get('class', '')} {given.get('id', '')}"
        style = given.get("style", "")
        if tag in self._BREAKS:
            self.pieces.append("\n")
        if tag == "p":
            self.pieces.append("\n")
        way = ""
        if tag in self._UNSEEN or "hidden" in given or _HIDDEN_STYLE.search(style):
            way = "hidden"
        elif tag == "blockquote" or _is_quoted(names) or _SIGNATURES.search(names) or _is_drawn(style):
            way = "signature" if _SIGNATURES.search(names) else "quoted"
            if not self._is_left_out():
                self.pieces.append("\n>\n" if way == "quoted" else "\n-- \n")
            if way == "quoted" and tag != "blockquote" and not _is_container(names):
                self._ended = True
        elif tag in self._STRUCK or _STRUCK_STYLE.search(style):
            way = "struck"
        if tag in self._VOID:
            return
        if len(self._open) > 500:
            self._ended = self._ended or way in ("quoted", "signature")
            return
        self._open.append((tag, way))
        self._ways[way] += 1

    def handle_endtag(self, tag: str) -> None:
        """End what was hidden, struck out, quoted or signed."""
        for place in range(len(self._open) - 1, max(len(self._open) - 60, -1), -1):
            if self._open[place][0] == tag:
                left_out = self._is_left_out()
                self._ways.subtract(way for _, way in self._open[place:])
                del self._open[place:]
                if left_out and not self._is_left_out():
                    self.pieces.append("\n\n")
                break
        if tag in self._BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep the text that is shown."""
        if not self._is_left_out():
            (self.struck if self._ways["struck"] else self.pieces).append(data.replace("\n", " "))

    def _is_left_out(self) -> bool:
        return self._ended or any(self._ways[way] for way in ("hidden", "quoted", "signature"))
