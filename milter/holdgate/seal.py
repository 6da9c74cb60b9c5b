"""The seal: by it we know mail again that we have inspected, and nothing else is believed about that.

``X-Holdgate-Seal: v=2; k=KEY; t=SECONDS; r=TAGS; s=MAC``. The MAC (HMAC-SHA256, RFC 2104) covers time, envelope sender,
every header field but those that servers add on the way, the body's hash and the tags; a tag is a short MAC of one
recipient. So a seal fits one message, from one sender, to its first recipients or some of them, for a while, and is
believed once for each of them.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from holdgate.atomic import replace_file

# Header fields whose values the seal covers one by one, in lower case; HeaderHash covers them with all the others.
SEALED_FIELDS = ("from", "message-id", "subject", "content-type", "content-transfer-encoding")

# What servers put before a message on its way (RFC 5321, 4.4; RFC 8601; RFC 8617; RFC 6376), or an MTA from it into the
# message. A message that comes back has more of them.
_ADDED_ON_THE_WAY = frozenset(
    b"received return-path delivered-to x-original-to authentication-results received-spf dkim-signature arc-seal "
    b"arc-message-signature arc-authentication-results".split()
)

# A message to more recipients is not sealed: it would be inspected again, and its header stays short.
_MOST_RECIPIENTS = 50
_TAG_BYTES = 6
_CLOCKS_DIFFER = timedelta(minutes=5)
_FORM = re.compile(r"v=2; k=([0-9a-z]{8}); t=(\d{1,12}); r=([A-Za-z0-9_-]{0,400}); s=([A-Za-z0-9_-]{43})")
_KEY_ID = re.compile(r"[0-9a-z]{8}")


class SealStatus(StrEnum):
    """What became of a seal that came in."""

    VALID = "valid"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown-key"
    STALE = "stale"
    ALTERED = "altered"
    REPLAYED = "replayed"


class KeyFileError(Exception):
    """The file of keys cannot be used; the argument says why, without a key."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One secret. The newest signs; all that are in the file verify."""

    id: str
    created: datetime
    secret: bytes


class BodyHash:
    """SHA-256 of a body that comes in pieces, without the empty lines at its end, which mail servers add and drop."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._kept = self._hash.copy()

    def update(self, chunk: bytes) -> None:
        """Take the next piece."""
        content = chunk.rstrip(b"\r\n")
        if content:
            self._hash.update(content)
            self._kept = self._hash.copy()
        self._hash.update(chunk[len(content) :])

    def digest(self) -> bytes:
        """Return the hash of what came so far."""
        return self._kept.digest()


class HeaderHash:
    """SHA-256 of all header fields in their order, but for those that servers add on the way.

    How a value is folded and spaced does not count, for servers change it; nor does the case of a name.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, name: bytes, value: bytes) -> None:
        """Take the next field."""
        name = name.strip().lower()
        if name not in _ADDED_ON_THE_WAY:
            content = b" ".join(value.split())
            self._hash.update(b"%d %d " % (len(name), len(content)) + name + content)

    def copy(self) -> "HeaderHash":
        """Return one that has taken the same fields."""
        copy = HeaderHash()
        copy._hash = self._hash.copy()
        return copy

    def digest(self) -> bytes:
        """Return the hash of what came so far."""
        return self._hash.digest()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal speaks of. `fields` are raw values of SEALED_FIELDS by lower-case name (see `raw`).

    `body` is what a BodyHash, `header` what a HeaderHash says of all fields but those that only we write.
    """

    sender: str
    recipients: tuple[str, ...]
    fields: Mapping[str, bytes]
    body: bytes
    header: bytes = b""


def raw(values: Sequence[bytes]) -> bytes:
    """Return one field's values as one: a second copy of a field is a change as any other."""
    return b"\0".join(values)


class Sealer:
    """Writes and judges seals with the keys of one file."""

    def __init__(self, keys: Iterable[Key], lifetime: timedelta) -> None:
        self._keys = {key.id: key for key in keys}
        self._signing = max(self._keys.values(), key=lambda key: key.created, default=None)
        self._lifetime = lifetime

    def seal(self, message: Sealed, now: datetime) -> str:
        """Return the header's value, "" when there is no key or too many recipients."""
        key = self._signing
        if key is None or len(message.recipients) > _MOST_RECIPIENTS:
            return ""
        at = str(int(now.timestamp()))
        tags = b"".join(sorted({_tag(key, at, recipient) for recipient in message.recipients}))
        encoded = _encode(tags)
        return f"v=2; k={key.id}; t={at}; r={encoded}; s={_encode(_mac(key, at, encoded, message))}"

    def judge(self, value: str, message: Sealed, now: datetime) -> SealStatus:
        """Say whether a seal fits a message now; REPLAYED is for the store to say (see `digests`)."""
        match = _FORM.fullmatch(value.strip())
        if match is None:
            return SealStatus.MALFORMED
        key = self._keys.get(match[1])
        if key is None:
            return SealStatus.UNKNOWN_KEY
        if not hmac.compare_digest(_encode(_mac(key, match[2], match[3], message)), match[4]):
            return SealStatus.ALTERED
        age = now - datetime.fromtimestamp(int(match[2]), UTC)
        if not -_CLOCKS_DIFFER <= age <= self._lifetime:
            return SealStatus.STALE
        tags = base64.urlsafe_b64decode(match[3] + "=" * (-len(match[3]) % 4))
        known = {tags[place : place + _TAG_BYTES] for place in range(0, len(tags), _TAG_BYTES)}
        if not all(_tag(key, match[2], recipient) in known for recipient in message.recipients):
            return SealStatus.ALTERED
        return SealStatus.VALID

    def digests(self, value: str, recipients: Iterable[str]) -> tuple[list[str], timedelta]:
        """Return what names this seal's use for each recipient, and for how long that has to be remembered."""
        names = [hashlib.sha256(f"{value.strip()}\0{recipient}".encode()).hexdigest() for recipient in set(recipients)]
        return names, self._lifetime + 2 * _CLOCKS_DIFFER


def _mac(key: Key, at: str, tags: str, message: Sealed) -> bytes:
    fields = (b" ".join(message.fields.get(name, b"").split()) for name in SEALED_FIELDS)
    parts = (b"holdgate-seal-2", at.encode(), tags.encode(), message.sender.encode(), *fields)
    parts += (message.header, message.body)
    # Each part with its length in front, so that nothing can move from one to the next.
    return hmac.digest(key.secret, b"".join(len(part).to_bytes(8) + part for part in parts), "sha256")


def _tag(key: Key, at: str, recipient: str) -> bytes:
    return hmac.digest(key.secret, f"holdgate-recipient-1\0{at}\0{recipient}".encode(), "sha256")[:_TAG_BYTES]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def load_keys(path: Path) -> list[Key]:
    """Read the file of keys; an absent file holds none. Raises KeyFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o027:
            raise KeyFileError(f"{path}: others may read or change it: chmod 0640 {path}")
        try:
            entries = tomllib.load(file)["key"]
            keys = [Key(entry["id"], entry["created"], bytes.fromhex(entry["secret"])) for entry in entries]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
            raise KeyFileError(f'{path}: not a file of keys; make one with "holdgate seal new-key"') from None
    for key in keys:
        if not _KEY_ID.fullmatch(key.id) or len(key.secret) < 32 or key.created.tzinfo is None:
            raise KeyFileError(f"{path}: a key needs an id of 8 characters, a time with zone and 32 bytes")
    return keys


def add_key(path: Path, *, keep: timedelta, group_id: int, now: datetime) -> str:
    """Add a fresh key, drop those older than `keep`, and return its id. The file is replaced as a whole.

    Raises KeyFileError and OSError.
    """
    keys = [key for key in load_keys(path) if now - key.created <= keep]
    fresh = Key("".join(secrets.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(8)), now, os.urandom(32))
    text = "# Keys of the seal, made by `holdgate seal new-key`. Whoever reads this can forge seals.\n"
    for key in (fresh, *keys):
        text += f'\n[[key]]\nid = "{key.id}"\ncreated = {key.created.isoformat()}\nsecret = "{key.secret.hex()}"\n'
    replace_file(path, text.encode("ascii"), mode=0o640, gid=group_id)
    return fresh.id
