"""What the milter must know to accept a moderator's reply uninspected, and what it reports to the desk about it.

The desk stores the digest of each reply address that it mails. The milter, which has no key, finds the request by it.
The milter stores which client and SMTP AUTH user sent a reply, under a random word that the reply carries to the desk.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdgate.quarantine.database import expired
from holdgate.quarantine.incident import Request
from holdgate.quarantine.requests import request_of
from holdgate.quarantine.schema import reply_addresses, requests, witnesses

# Postfix keeps mail for a desk that is down for five days (maximal_queue_lifetime).
_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ReplyOrigin:
    """What the milter saw of a reply: the request that it answers, and who sent it, "" if that is unknown."""

    request: int
    sender: str
    login: str
    client: str


class Replies:
    """Reply addresses, and where replies came from. `reader` is `engine` with read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def announce(self, token: str, request: int) -> None:
        """Record that replies to a request use an address with this token. Can be called again."""
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(reply_addresses).values(digest=_digest(token), request=request))
        except IntegrityError:
            pass  # recorded before

    def request(self, token: str) -> Request | None:
        """Return the request for which a token was announced, or None."""
        query = (
            select(requests)
            .join(reply_addresses, reply_addresses.c.request == requests.c.number)
            .where(reply_addresses.c.digest == _digest(token))
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else request_of(row)

    def record_origin(self, origin: ReplyOrigin) -> str:
        """Store what the milter saw; return the word by which `origin` finds it."""
        word = secrets.token_hex(16)
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(expired(witnesses, now))
            values = {"sender": origin.sender, "login": origin.login, "client": origin.client}
            connection.execute(
                insert(witnesses).values(
                    digest=_digest(word), request=origin.request, used=False, expires_at=now + _LIFETIME, **values
                )
            )
        return word

    def origin(self, word: str) -> ReplyOrigin | None:
        """Return what the milter saw, None for a word that is wrong, too old or used."""
        query = select(witnesses).where(
            witnesses.c.digest == _digest(word), witnesses.c.used.is_(False), witnesses.c.expires_at > datetime.now(UTC)
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else ReplyOrigin(row.request, row.sender, row.login, row.client)

    def use(self, word: str) -> None:
        """Record that a reply was processed: its word is not valid for another."""
        with self._engine.begin() as connection:
            connection.execute(update(witnesses).where(witnesses.c.digest == _digest(word)).values(used=True))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.lower().encode(errors="replace")).hexdigest()
