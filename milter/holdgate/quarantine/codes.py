"""The codes by which people sign in to the page, kept in the store: each desk knows those that another one mailed.

A code itself is not there, only a proof that the desk makes of it with its own key. So neither who reads the store nor
who writes in it can sign in. Times are those of the database's clock.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from holdgate.quarantine.database import clock, expired, is_shared
from holdgate.quarantine.schema import sign_in_codes

LIFETIME = timedelta(minutes=10)
"""How long a code is good."""

ATTEMPTS = 5
"""How often a code may be tried."""

# Attempts for one address by one client, and mails to one address, in `LIFETIME`: nobody's mailbox is flooded, and a
# stranger who asks for somebody's codes uses up their own attempts alone. Attempts altogether: the table is bounded.
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

    When strangers have made us mail an address all codes that it gets in a while, an attempt of another client is good
    with any of these: they are in the mailbox of the person that it is about.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, code: SignInCode, client: str) -> bool:
        """Add an attempt of a client; say whether its code is to be mailed."""
        table = sign_in_codes.c
        with self._engine.begin() as connection:
            if is_shared(self._engine):
                # Of an address one is added at a time, so that nobody gets more mails than the bound says.
                connection.execute(select(func.pg_advisory_xact_lock(_number(code.address))))
            now = clock(connection)
            connection.execute(expired(sign_in_codes, now))
            same = connection.execute(select(sign_in_codes).where(table.address == code.address)).all()
            if sum(one.client == client for one in same) >= _EACH:
                return False
            if connection.execute(select(func.count()).select_from(sign_in_codes)).scalar_one() >= _ALL:
                oldest = select(table.name).order_by(table.expires_at, table.name).limit(1)
                connection.execute(delete(sign_in_codes).where(table.name.in_(oldest.scalar_subquery())))
            is_mailed = sum(bool(one.proof) for one in same) < _MAILS_EACH
            values = {"name": code.name, "address": code.address, "client": client, "attempts": 0}
            values |= {"proof": code.proof if is_mailed else "", "expires_at": now + LIFETIME}
            connection.execute(insert(sign_in_codes).values(**values))
        return is_mailed

    def take(self, name: str, proves: Callable[[SignInCode], bool]) -> str:
        """Return the address that an attempt signs in, "" where no code that it may use `proves` right.

        A code is good once, and an attempt ends after some wrong ones.
        """
        table = sign_in_codes.c
        with self._engine.begin() as connection:
            mine = (table.name == name) & (table.expires_at > clock(connection))
            tried = update(sign_in_codes).where(mine).values(attempts=table.attempts + 1)
            if connection.execute(tried).rowcount != 1:
                return ""
            waiting = connection.execute(select(sign_in_codes).where(table.name == name)).one()
            fitting = [waiting] if waiting.proof else self._of(connection, waiting)
            right = [one.name for one in fitting if proves(SignInCode(one.name, one.address, one.proof))]
            if right:
                # Of two who use a code at once, one finds it.
                used = connection.execute(delete(sign_in_codes).where(table.name.in_(right))).rowcount
                connection.execute(delete(sign_in_codes).where(table.name == name))
                return str(waiting.address) if used else ""
            if waiting.attempts >= ATTEMPTS:
                connection.execute(delete(sign_in_codes).where(table.name == name))
        return ""

    def _of(self, connection: Connection, waiting: Row[tuple[str, ...]]) -> list[Row[tuple[str, ...]]]:
        table = sign_in_codes.c
        same = (table.address == waiting.address) & (table.proof != "") & (table.expires_at > clock(connection))
        return list(connection.execute(select(sign_in_codes).where(same)))


def _number(address: str) -> int:
    """Return the number of the lock for an address."""
    digest = hashlib.sha256(b"sign-in\0" + address.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
