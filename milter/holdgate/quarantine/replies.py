"""What the gate must know to let a moderator's reply pass, and what it tells the desk about it.

The desk writes the digest of each reply address that it mails; the gate, which has no key, finds the request by it. The
gate writes down which client and SMTP AUTH user sent a reply, under a random word that the reply carries to the desk.
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

# Postfix keeps mail to a desk that is down for five days (maximal_queue_lifetime).
_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Witness:
    """What the gate saw of a reply: the request it answers, and who sent it, "" where that is unknown."""

    request: int
    sender: str
    login: str
    client: str


class Replies:
    """Reply addresses and witnesses. `reader` is `engine` with transactions that only read."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def announce(self, token: str, request: int) -> None:
        """Note that replies to a request come to an address with this token. May be called again."""
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(reply_addresses).values(digest=_digest(token), request=request))
        except IntegrityError:
            pass  # noted before

    def request(self, token: str) -> Request | None:
        """Return the request that a token was announced for, or None."""
        query = (
            select(requests)
            .join(reply_addresses, reply_addresses.c.request == requests.c.number)
            .where(reply_addresses.c.digest == _digest(token))
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else request_of(row)

    def testify(self, witness: Witness) -> str:
        """Write down what the gate saw; return the word by which `witness` finds it."""
        word = secrets.token_hex(16)
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(expired(witnesses, now))
            values = {"sender": witness.sender, "login": witness.login, "client": witness.client}
            connection.execute(
                insert(witnesses).values(
                    digest=_digest(word), request=witness.request, used=False, expires_at=now + _LIFETIME, **values
                )
            )
        return word

    def witness(self, word: str) -> Witness | None:
        """Return what the gate saw, None for a word that is wrong, too old or used."""
        query = select(witnesses).where(
            witnesses.c.digest == _digest(word), witnesses.c.used.is_(False), witnesses.c.expires_at > datetime.now(UTC)
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Witness(row.request, row.sender, row.login, row.client)

    def use(self, word: str) -> None:
        """Note that a reply has been taken: its word is good for no other."""
        with self._engine.begin() as connection:
            connection.execute(update(witnesses).where(witnesses.c.digest == _digest(word)).values(used=True))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.lower().encode(errors="replace")).hexdigest()
