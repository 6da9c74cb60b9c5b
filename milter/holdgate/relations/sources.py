"""Reads messages to learn from: mbox, Maildir, single files, and Postfix's log."""

import gzip
import mailbox
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path

from holdgate.envelope import Envelope
from holdgate.headers import AUTOMATIC, addresses, decode
from holdgate.phrases import reason_of

# Maximum size of a header in bytes: Postfix accepts no longer one (header_size_limit is 102,400 for each field).
_HEADER = 1 << 20
_MAILBOX_FIELDS = ("To", "Cc", "Bcc")
_SYSLOG = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ \S*postfix\S*/(?P<service>[a-z]+)\[\d+\]: "
    r"(?P<id>[0-9A-Za-z]{6,20}): (?P<rest>.*)"
)
_FROM = re.compile(r"from=<([^>]*)>")
_TO = re.compile(r"to=<([^>]*)>(?:, orig_to=<([^>]*)>)?")
# How many messages of a log are followed at a time; those that are never removed from the queue are forgotten.
_OPEN = 100_000


class SourceError(Exception):
    """A source cannot be read; the message names it."""


Found = tuple[Envelope, datetime]
"""A message with the time when it was sent."""


def read(path: Path, now: datetime) -> Iterator[Found]:
    """Yield the messages of a file or folder: a Maildir, an mbox, a log, or a folder of these. Raises SourceError."""
    try:
        if path.is_dir():
            yield from _folder(path, now)
        else:
            yield from _file(path, now)
    except OSError as error:
        raise SourceError(f"{error.filename or path}: cannot be read: {reason_of(error)}") from error


def _folder(path: Path, now: datetime) -> Iterator[Found]:
    if (path / "cur").is_dir() and (path / "new").is_dir():
        for place in ("cur", "new"):
            for file in sorted((path / place).iterdir()):
                if file.is_file():
                    yield from _message(file, now)
    for child in sorted(path.iterdir()):
        if child.is_dir() and child.name not in ("cur", "new", "tmp"):
            yield from _folder(child, now)
        elif child.is_file() and not (path / "cur").is_dir():
            yield from _file(child, now)


def _file(path: Path, now: datetime) -> Iterator[Found]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        begin = stream.read(4096)
    if begin.startswith(b"From "):
        with closing(mailbox.mbox(path, factory=None, create=False)) as box:
            for key in box.iterkeys():
                with box.get_file(key) as stream:
                    yield from _of_header(stream.read(_HEADER), now)
    elif any(_SYSLOG.match(line) for line in begin.decode("utf-8", "replace").splitlines()) or b"postfix" in begin:
        yield from _log(path, now)
    else:
        yield from _message(path, now)


def _message(path: Path, now: datetime) -> Iterator[Found]:
    with path.open("rb") as stream:
        yield from _of_header(stream.read(_HEADER), now)


def _of_header(content: bytes, now: datetime) -> Iterator[Found]:
    """Yield the message of a header; nothing if it has no sender, no recipient or no plausible date."""
    message = BytesHeaderParser(policy=compat32).parsebytes(re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0])
    senders = addresses([str(message.get("From", ""))])
    fields = [str(value) for name in _MAILBOX_FIELDS for value in message.get_all(name, [])]
    recipients = addresses(fields)
    moment = _date(str(message.get("Date", "")))
    if senders and recipients and moment is not None and moment <= now + timedelta(days=1):
        subject = decode(str(message.get("Subject", "")).encode("utf-8", "surrogateescape"))
        automatic = {name: [str(value) for value in message.get_all(name, [])] for name in AUTOMATIC}
        yield Envelope(sender=senders[0], recipients=recipients, subject=subject, headers=automatic), moment


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _log(path: Path, now: datetime) -> Iterator[Found]:
    """Yield the messages that Postfix's log reports as sent: for each queue id its sender and its recipients.

    Recipients of local deliveries (local, virtual, lmtp, pipe) are left out, because they are not external.
    """
    senders: dict[str, str] = {}
    with _lines(path) as lines:
        for line in lines:
            match = _SYSLOG.match(line)
            if match is None:
                continue
            queue_id, rest = match["id"], match["rest"]
            if match["service"] == "qmgr":
                if found := _FROM.match(rest):
                    if len(senders) >= _OPEN:
                        for old in list(islice(senders, _OPEN // 2)):
                            del senders[old]
                    senders[queue_id] = found[1]
                elif rest == "removed":
                    senders.pop(queue_id, None)
            elif match["service"] == "smtp" and "status=sent" in rest and (to := _TO.match(rest)):
                moment = _log_time(match["time"], now)
                if senders.get(queue_id) and moment is not None:
                    yield Envelope(sender=senders[queue_id], recipients=[to[2] or to[1]]), moment


class _lines:
    """The lines of a file, compressed or not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Iterator[str]:
        self._stream = gzip.open(self._path, "rb") if self._path.suffix == ".gz" else self._path.open("rb")
        return (line.decode("utf-8", "replace").rstrip("\n") for line in self._stream)

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _log_time(text: str, now: datetime) -> datetime | None:
    """Return the time of a line; without a year, it is the most recent such time."""
    try:
        if text[0].isdigit():
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        for year in (now.year, now.year - 1):
            moment = datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)
            if moment <= now + timedelta(days=1):
                return moment
    except ValueError:
        return None
    return None
