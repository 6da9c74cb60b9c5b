"""The codes by which people sign in to the page, kept in the store, so that each desk knows those of the others.

The store does not have the code, only a proof that the desk makes of it with its key. So neither read nor write access
to the store is enough to sign in. Times are those of the database's clock. Only a mailed code has a row, so that
requests for codes cannot fill the table.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, delete, func, insert, select, update

from holdgate.quarantine.database import clock, expired, is_shared
from holdgate.quarantine.schema import sign_in_codes

LIFETIME = timedelta(minutes=10)
"""How long a code is valid."""

ATTEMPTS = 5
"""How often the browser that requested a code can try it."""

# Limits of mails to one address, per client and altogether, in `LIFETIME`, so that no mailbox is flooded; and of codes
# altogether, so that the table is limited.
_EACH = 3
_MAILS_EACH = 9
_ALL = 10_000


@dataclass(frozen=True, slots=True)
class SignInCode:
    """An attempt to sign in: its name in the store, the address that wants to sign in, and the proof of the code."""

    name: str
    address: str
    proof: str


class SignInCodes:
    """Writes and reads the codes. Thread-safe.

    If another person, even behind the same address, has used up the mails to an address, a further attempt accepts any
    of these codes, which are in the right person's mailbox. The number of such tries is not limited, because a stranger
    could use them up: codes are too long to be guessed.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, code: SignInCode, client: str) -> bool:
        """Add a code that a client requests; return whether to mail it. A code that is not mailed is not added."""
        table = sign_in_codes.c
        with self._engine.begin() as connection:
            if is_shared(self._engine):
                # Codes for an address are added one at a time, so that the limit of mails is exact.
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

    def redeem(self, name: str, address: str, proves: Callable[[SignInCode], bool]) -> bool:
        """Return whether an attempt signs this address in: `proves` must be true for a code that the attempt can use.

        That is the code that was mailed for it, for some tries; if none was, any code that was mailed to the address. A
        code is valid once.
        """
        table = sign_in_codes.c
        with self._engine.begin() as connection:
            usable = (table.address == address) & (table.expires_at > clock(connection)) & (table.proof != "")
            tried = update(sign_in_codes).where(usable & (table.name == name)).values(attempts=table.attempts + 1)
            if connection.execute(tried).rowcount:
                usable &= (table.name == name) & (table.attempts <= ATTEMPTS)
            found = connection.execute(select(table.name, table.proof).where(usable)).all()
            right = [one.name for one in found if proves(SignInCode(one.name, address, one.proof))]
            # If two attempts use a code at the same time, only one of them deletes it.
            return bool(right) and connection.execute(delete(sign_in_codes).where(table.name.in_(right))).rowcount > 0


def _number(address: str) -> int:
    """Return the number of the lock for an address."""
    digest = hashlib.sha256(b"sign-in\0" + address.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
