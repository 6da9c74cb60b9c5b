"""The codes by which people sign in to the page, kept in the store: each desk knows those that another one mailed.

A code itself is not there, only a proof that the desk makes of it with its own key. So neither who reads the store nor
who writes in it can sign in. Times are those of the database's clock. Only what is mailed takes a row, so that nobody
fills the table by asking for codes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, delete, func, insert, select, update

from holdgate.quarantine.database import clock, expired, is_shared
from holdgate.quarantine.schema import sign_in_codes

LIFETIME = timedelta(minutes=10)
"""How long a code is good."""

ATTEMPTS = 5
"""How often the browser that asked for a code may try it."""

# Mails to one address that one client asks for, and altogether, in `LIFETIME`: nobody's mailbox is flooded. Codes
# altogether: the table is bounded.
_EACH = 3
_MAILS_EACH = 9
_ALL = 10_000


@dataclass(frozen=True, slots=True)
class SignInCode:
    """An attempt to sign in: its name in the store, who wants to sign in, and the proof of the code."""

    name: str
    address: str
    proof: str


class SignInCodes:
    """Writes and reads them. May be used by many threads.

    When somebody, also behind the same address, has made us mail an address all codes that it gets in a while, a
    further attempt is good with any of these: they are in the mailbox of the person that it is about. How often that
    may be tried is not bounded, or a stranger could use the attempts up: codes are too long to be guessed.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, code: SignInCode, client: str) -> bool:
        """Add a code that a client asks for; say whether it is to be mailed. What is not mailed is not added."""
        table = sign_in_codes.c
        with self._engine.begin() as connection:
            if is_shared(self._engine):
                # Of an address one is added at a time, so that nobody gets more mails than the bound says.
                connection.execute(select(func.pg_advisory_xact_lock(_number(code.address))))
            now = clock(connection)
            connection.execute(expired(sign_in_codes, now))
            same = connection.execute(select(table.client).where(table.address == code.address)).scalars().all()
            if len(same) >= _MAILS_EACH or same.count(client) >= _EACH:
                return False
            if connection.execute(select(func.count()).select_from(sign_in_codes)).scalar_one() >= _ALL:
                oldest = select(table.name).order_by(table.expires_at, table.name).limit(1)
                connection.execute(delete(sign_in_codes).where(table.name.in_(oldest.scalar_subquery())))
            values = {"name": code.name, "address": code.address, "client": client, "attempts": 0}
            connection.execute(insert(sign_in_codes).values(**values, proof=code.proof, expires_at=now + LIFETIME))
        return True

    def take(self, name: str, address: str, proves: Callable[[SignInCode], bool]) -> bool:
        """Say whether an attempt signs this address in: where a code that it may use `proves` right.

        That is the code that was mailed for it, some times; where none was, any that was mailed to the address. A code
        is good once.
        """
        table = sign_in_codes.c
        with self._engine.begin() as connection:
            usable = (table.address == address) & (table.expires_at > clock(connection)) & (table.proof != "")
            tried = update(sign_in_codes).where(usable & (table.name == name)).values(attempts=table.attempts + 1)
            if connection.execute(tried).rowcount:
                usable &= (table.name == name) & (table.attempts <= ATTEMPTS)
            found = connection.execute(select(table.name, table.proof).where(usable)).all()
            right = [one.name for one in found if proves(SignInCode(one.name, address, one.proof))]
            # Of two who use a code at once, one finds it.
            return bool(right) and connection.execute(delete(sign_in_codes).where(table.name.in_(right))).rowcount > 0


def _number(address: str) -> int:
    """Return the number of the lock for an address."""
    digest = hashlib.sha256(b"sign-in\0" + address.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
