"""The seal: the only proof by which Holdgate recognises a message that it has already inspected.

``X-Holdgate-Seal: v=2; k=KEY; t=SECONDS; r=TAGS; s=MAC``. The MAC (HMAC-SHA256, RFC 2104) covers the time, the envelope
sender, the header fields except those that mail servers add, the body's hash and the tags. A tag is a short MAC of one
recipient. So a seal is valid for one message from one sender, for its original recipients or some of them, for a
limited time, and once for each recipient.
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

# Fields that mail servers add at the top of the header (RFC 5321, 4.4; RFC 8601; RFC 8617; RFC 6376), or that an MTA
# moves from there into the header. A message that returns has more of them.
_ADDED_ON_THE_WAY = frozenset(
    b"received return-path delivered-to x-original-to authentication-results received-spf dkim-signature arc-seal "
    b"arc-message-signature arc-authentication-results".split()
)

# A message with more recipients is not sealed, so that its header stays short; if it returns, it is inspected again.
_MOST_RECIPIENTS = 50
_TAG_BYTES = 6
_CLOCKS_DIFFER = timedelta(minutes=5)
_FORM = re.compile(r"v=2; k=([0-9a-z]{8}); t=(\d{1,12}); r=([A-Za-z0-9_-]{0,400}); s=([A-Za-z0-9_-]{43})")
_KEY_ID = re.compile(r"[0-9a-z]{8}")


class SealStatus(StrEnum):
    """The result of checking a seal on a received message."""

    VALID = "valid"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown-key"
    STALE = "stale"
    ALTERED = "altered"
    REPLAYED = "replayed"


class KeyFileError(Exception):
    """The key file cannot be used; the argument states why, without a key."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One secret. The newest key signs; all keys in the file verify."""

    id: str
    created: datetime
    secret: bytes


class BodyHash:
    """SHA-256 of a body that arrives in pieces, without empty lines at its end, which mail servers add and remove."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._kept = self._hash.copy()

    def update(self, chunk: bytes) -> None:
        """Add the next piece."""
        content = chunk.rstrip(b"\r\n")
        if content:
            self._hash.update(content)
            self._kept = self._hash.copy()
        self._hash.update(chunk[len(content) :])

    def digest(self) -> bytes:
        """Return the hash of the pieces so far."""
        return self._kept.digest()


class HeaderHash:
    """SHA-256 of all header fields in their order, except those that mail servers add.

    Folding and spacing of a value are ignored because servers change them; so is the case of a name.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, name: bytes, value: bytes) -> None:
        """Add the next field."""
        name = name.strip().lower()
        if name not in _ADDED_ON_THE_WAY:
            content = b" ".join(value.split())
            self._hash.update(b"%d %d " % (len(name), len(content)) + name + content)

    def copy(self) -> "HeaderHash":
        """Return a copy that has the same fields."""
        copy = HeaderHash()
        copy._hash = self._hash.copy()
        return copy

    def digest(self) -> bytes:
        """Return the hash of the fields so far."""
        return self._hash.digest()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal covers. `fields` are raw values of SEALED_FIELDS by lower-case name (see `raw`).

    `body` is the digest of a BodyHash, `header` that of a HeaderHash over all fields except those that only Holdgate
    writes.
    """

    sender: str
    recipients: tuple[str, ...]
    fields: Mapping[str, bytes]
    body: bytes
    header: bytes = b""


def raw(values: Sequence[bytes]) -> bytes:
    """Join the values of all fields with one name, so that adding a second copy of a field is a change."""
    return b"\0".join(values)


class Sealer:
    """Creates and checks seals with the keys of one file."""

    def __init__(self, keys: Iterable[Key], lifetime: timedelta) -> None:
        self._keys = {key.id: key for key in keys}
        self._signing = max(self._keys.values(), key=lambda key: key.created, default=None)
        self._lifetime = lifetime

    def seal(self, message: Sealed, now: datetime) -> str:
        """Return the header's value, or "" if there is no key or there are too many recipients."""
        key = self._signing
        if key is None or len(message.recipients) > _MOST_RECIPIENTS:
            return ""
        at = str(int(now.timestamp()))
        tags = b"".join(sorted({_tag(key, at, recipient) for recipient in message.recipients}))
        encoded = _encode(tags)
        return f"v=2; k={key.id}; t={at}; r={encoded}; s={_encode(_mac(key, at, encoded, message))}"

    def verify(self, value: str, message: Sealed, now: datetime) -> SealStatus:
        """Return whether a seal is valid for a message now. The store detects REPLAYED (see `digests`)."""
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
        """Return a digest of this seal's use for each recipient, and how long the store must remember them."""
        names = [hashlib.sha256(f"{value.strip()}\0{recipient}".encode()).hexdigest() for recipient in set(recipients)]
        return names, self._lifetime + 2 * _CLOCKS_DIFFER


def _mac(key: Key, at: str, tags: str, message: Sealed) -> bytes:
    fields = (b" ".join(message.fields.get(name, b"").split()) for name in SEALED_FIELDS)
    parts = (b"holdgate-seal-2", at.encode(), tags.encode(), message.sender.encode(), *fields)
    parts += (message.header, message.body)
    # Each part is preceded by its length, so that no byte can move from one part to the next.
    return hmac.digest(key.secret, b"".join(len(part).to_bytes(8) + part for part in parts), "sha256")


def _tag(key: Key, at: str, recipient: str) -> bytes:
    return hmac.digest(key.secret, f"holdgate-recipient-1\0{at}\0{recipient}".encode(), "sha256")[:_TAG_BYTES]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def load_keys(path: Path) -> list[Key]:
    """Read the key file; a file that does not exist has no keys. Raises KeyFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeyFileError(
            f"{path}: cannot be read: {error.strerror}; let the milter's user read it, or run the command as root"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o027:
            raise KeyFileError(f"{path}: all users can read or change it; run: chmod 0640 {path}")
        try:
            entries = tomllib.load(file)["key"]
            keys = [Key(entry["id"], entry["created"], bytes.fromhex(entry["secret"])) for entry in entries]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
            raise KeyFileError(
                f"{path}: is not a file of keys; restore it, or remove it and run: holdgate seal new-key"
            ) from None
    for key in keys:
        if not _KEY_ID.fullmatch(key.id) or len(key.secret) < 32 or key.created.tzinfo is None:
            raise KeyFileError(
                f"{path}: a key needs an id of 8 characters, a time with zone and 32 bytes; restore the file"
            )
    return keys


def add_key(path: Path, *, keep: timedelta, group_id: int, now: datetime) -> str:
    """Add a new key, remove keys older than `keep`, and return the new key's id. The file is replaced atomically.

    Raises KeyFileError and OSError.
    """
    keys = [key for key in load_keys(path) if now - key.created <= keep]
    fresh = Key("".join(secrets.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(8)), now, os.urandom(32))
    text = "# Keys of the seal, made by `holdgate seal new-key`. Whoever reads this can forge seals.\n"
    for key in (fresh, *keys):
        text += f'\n[[key]]\nid = "{key.id}"\ncreated = {key.created.isoformat()}\nsecret = "{key.secret.hex()}"\n'
    replace_file(path, text.encode("ascii"), mode=0o640, gid=group_id)
    return fresh.id
