"""A message to its texts and leaves: subject, free-text headers, and each leaf decoded, with all names it goes by."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.feedparser import BytesFeedParser
from email.header import decode_header
from email.message import Message as StandardMessage
from email.policy import compat32

from holdgate.extract import charset
from holdgate.extract.budget import Budget, LimitReachedError
from holdgate.extract.reading import Document

_CHUNK = 1 << 16


@dataclass(slots=True)
class Leaf:
    """One leaf of the MIME tree, decoded; `names` are all file names that its headers give it."""

    document: Document
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Mail:
    """What a message says: decoded subject, other free text of its headers, leaves, and what stayed unread."""

    subject: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


# Headers whose values are addresses, routes, dates, tokens and types: written by programs or needed to deliver.
# All others, X-… and unknown ones with them, are free text that a person can fill, and are read.
_NOT_TEXT = re.compile(
    r"(?:resent-)?(?:from|sender|to|cc|bcc|reply-to|date|message-id)|return-path|received|delivered-to|envelope-to"
    r"|in-reply-to|references|mime-version|content-(?:type|transfer-encoding|disposition|id|length)|dkim-signature|arc-.*"
    r"|(?:x-google-)?dkim-.*|domainkey-.*|authentication-results|received-spf|x-(?:holdgate|netskope)-.*|thread-index|list-.*"
    r"|errors-to|precedence|auto-submitted|x-(?:originating-ip|received|mailer|priority|msmail-priority|mimeole|spam-.*"
    r"|virus-.*|ms-.*|exchange-.*|gm-.*|beenthere|mailman-version|original-to|envelope-.*)|user-agent|importance|priority"
    r"|disposition-notification-to|return-receipt-to|lines|status|x-status|x-uid|x-keywords|mail-followup-to|sensitivity"
    r"|accept-language|content-language|old-.*|delivery-date|list-id|x-list.*|feedback-id|x-loop|autocrypt",
    re.IGNORECASE,
)


def read_mail(data: bytes, budget: Budget) -> Mail:
    """Read an RFC 5322 message. Raises nothing for whatever bytes; what was not read is named in `unread`."""
    mail = Mail()
    try:
        root = _parse(data, budget)
    except LimitReachedError as error:
        mail.unread.append(str(error))
        return mail
    except RecursionError:
        mail.unread.append("nested too deeply")
        return mail
    _headers(root, mail)
    for part in root.walk():
        if not part.is_multipart():
            _leaf(part, mail)
    return mail


def _parse(data: bytes, budget: Budget) -> StandardMessage:
    parts = 0

    def new_part(**_: object) -> StandardMessage:
        nonlocal parts
        parts += 1
        budget.check_time()
        if parts > budget.limits.mime_parts:
            raise LimitReachedError("too many MIME parts")
        return StandardMessage(policy=compat32)

    parser: BytesFeedParser[StandardMessage] = BytesFeedParser(new_part, policy=compat32)
    for start in range(0, len(data), _CHUNK):
        parser.feed(data[start : start + _CHUNK])
    return parser.close()


def _headers(root: StandardMessage, mail: Mail) -> None:
    for name, value in root.raw_items():
        if name.lower() == "subject":
            mail.subject = "\n".join(filter(None, (mail.subject, decode_words(str(value)))))
        elif not _NOT_TEXT.fullmatch(name):
            mail.headers.append((name, decode_words(str(value))))


def _leaf(part: StandardMessage, mail: Mail) -> None:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    names = list(dict.fromkeys(_names(part)))
    document = Document(
        data=data,
        name=names[0] if names else "",
        declared_type=part.get_content_type(),
        charset=str(part.get_param("charset") or ""),
    )
    mail.leaves.append(Leaf(document, names))


def _names(part: StandardMessage) -> Iterator[str]:
    name = part.get_filename()
    if name:
        yield decode_words(name)


def decode_words(value: str) -> str:
    """Decode the encoded words (RFC 2047) of an unfolded or folded header value; bad ones stay as they are."""
    value = re.sub(r"\r?\n(?=[ \t])", "", value)
    if "=?" not in value:
        return charset.decode(value.encode("ascii", "surrogateescape")) if not value.isascii() else value
    try:
        return "".join(
            word if isinstance(word, str) else charset.decode(word, declared or "")
            for word, declared in decode_header(value)
        )
    except (ValueError, LookupError):
        return value
