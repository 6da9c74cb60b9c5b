"""Tokens: short strings in links and reply addresses that nobody can create without the desk's key.

A token names an incident and a request, and proves both by an HMAC that also covers its purpose, the moderator and the
deadline. It fits into the local part of an address (64 characters, RFC 5321, 4.5.3.1.1) and is case-insensitive.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from holdgate import keyfile, maillog, metrics
from holdgate.phrases import failure_of
from holdgate.quarantine.incident import Request

LINK, REPLY, BOUNCE, WITHDRAW, ANSWER, RELEASE, ASK = "a", "r", "b", "w", "q", "s", "c"

_KEY_SIZE = keyfile.SIZE
# 128 bits of the HMAC: 26 characters of base 32. RFC 2104, section 5, allows half of the hash and at least 80 bits.
_MAC_SIZE = 16
_TOKEN = re.compile(r"([a-z])-([0-9a-z]{12})-(0|[1-9]\d{0,11})-([a-z2-7]{26})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claim:
    """The unproven content of a token: its purpose, an incident's id, and a request's number (0: none)."""

    purpose: str
    incident_id: str
    number: int
    mac: str


@dataclass(frozen=True, slots=True)
class Key:
    """The key that signs, and the older keys that still verify earlier signatures.

    Keys from a file are replaced as soon as the file changes. While the file cannot be read, the last keys are used.
    """

    secret: bytes = field(repr=False)
    older: tuple[bytes, ...] = field(default=(), repr=False)
    _file: "_File | None" = field(default=None, repr=False, compare=False)

    @classmethod
    def random(cls) -> "Key":
        """Return a new random key."""
        return cls(secrets.token_bytes(_KEY_SIZE))

    @classmethod
    def load(cls, path: Path) -> "Key":
        """Read the keys of a file (see keyfile.py); creates it if it does not exist.

        Raises OSError, and ValueError for a file of another form.
        """
        keyfile.create(path)
        file = _File(path)
        first, *older = file.keys
        return cls(first, tuple(older), file)

    def known(self) -> tuple[bytes, ...]:
        """Return all keys, the signing key first."""
        return (self.secret, *self.older) if self._file is None else self._file.now()

    def token(self, purpose: str, incident_id: str, number: int, person: str, deadline: datetime) -> str:
        """Return the token for one purpose, incident, request, person and deadline (timezone-aware)."""
        mac = _mac(self.known()[0], purpose, incident_id, number, person, deadline)
        return f"{purpose}-{incident_id.replace('-', '').lower()}-{number}-{mac}"

    def proves(self, claim: Claim, person: str, deadline: datetime) -> bool:
        """Return whether a claim was signed with a known key for this person and deadline, in constant time."""
        macs = [
            _mac(secret, claim.purpose, claim.incident_id, claim.number, person, deadline) for secret in self.known()
        ]
        return any(hmac.compare_digest(mac, claim.mac) for mac in macs)

    def seal(self, purpose: str, content: dict[str, Any]) -> str:
        """Return `content` as a string that `unseal` accepts only for the same purpose; it is signed, not encrypted."""
        body = base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()
        return f"{body}.{_hmac(self.known()[0], 'seal', purpose, body).hex()}"

    def unseal(self, purpose: str, sealed: str) -> dict[str, Any] | None:
        """Return the content given to `seal`, or None for any other string."""
        body, _, mac = sealed.rpartition(".")
        known = [_hmac(secret, "seal", purpose, body).hex().encode() for secret in self.known()]
        if not any(hmac.compare_digest(one, mac.encode(errors="replace")) for one in known):
            return None
        content = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        assert isinstance(content, dict)
        return content

    def stamp(self, *fields: str) -> str:
        """Return a proof that Holdgate issued a form, for these fields only."""
        return _hmac(self.known()[0], "stamp", *fields).hex()

    def stamped(self, stamp: str, *fields: str) -> bool:
        """Return whether `stamp` is the proof for these fields, in constant time."""
        known = [_hmac(secret, "stamp", *fields).hex().encode() for secret in self.known()]
        return any(hmac.compare_digest(one, stamp.encode(errors="replace")) for one in known)

    def number(self, *fields: str) -> str:
        """Return two digits for these fields."""
        return _digits(self.known()[0], fields)

    def has_number(self, number: str, *fields: str) -> bool:
        """Return whether `number` is the one for these fields."""
        return any(hmac.compare_digest(_digits(secret, fields), number) for secret in self.known() if number.isascii())


class _File:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = keyfile.state(path)
        self.keys = tuple(one.secret for one in keyfile.read(path))

    def now(self) -> tuple[bytes, ...]:
        """Return the current keys."""
        try:
            state = keyfile.state(self._path)
            if state != self._seen:
                self.keys = tuple(one.secret for one in keyfile.read(self._path))
                self._seen = state
        except (OSError, ValueError) as error:
            metrics.ERRORS.labels("keys").inc()
            maillog.failed(stage="keys", error=failure_of(error))
        return self.keys


def _mac(secret: bytes, purpose: str, incident_id: str, number: int, person: str, deadline: datetime) -> str:
    until = str(round(deadline.timestamp() * 1_000_000))
    mac = _hmac(secret, "token", purpose, incident_id, str(number), person.lower(), until)[:_MAC_SIZE]
    return base64.b32encode(mac).decode().rstrip("=").lower()


def _hmac(secret: bytes, *fields: str) -> bytes:
    # JSON separates the fields: different lists of strings never give the same bytes.
    return hmac.digest(secret, json.dumps(fields).encode(), hashlib.sha256)


def _digits(secret: bytes, fields: tuple[str, ...]) -> str:
    return str(10 + int.from_bytes(_hmac(secret, "number", *fields)) % 90)


def is_for(key: Key, claim: Claim, request: Request) -> bool:
    """Return whether a claim proves that this request was sent to its moderator."""
    return claim.incident_id == request.incident_id and key.proves(claim, request.moderator, request.deadline_at)


def parse(token: str) -> Claim | None:
    """Read a token in any case; None for another form. This proves nothing yet."""
    match = _TOKEN.fullmatch(token.lower()) if len(token) <= 64 and token.isascii() else None
    if match is None:
        return None
    letters = match[2].upper()
    return Claim(match[1], f"{letters[:4]}-{letters[4:8]}-{letters[8:]}", int(match[3]), match[4])
