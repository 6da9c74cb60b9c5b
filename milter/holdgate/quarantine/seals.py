"""The used seals: each seal is valid for one message."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from holdgate.quarantine.database import StoreError, expired
from holdgate.quarantine.schema import used_seals


class UsedSeals:
    """Records the use of seals."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def use(self, digests: Collection[str], expires_at: datetime) -> bool:
        """Record the use of seals; return False, and record nothing, if one was already used.

        Raises StoreError.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(expired(used_seals, datetime.now(UTC)))
                connection.execute(
                    insert(used_seals), [{"digest": digest, "expires_at": expires_at} for digest in sorted(digests)]
                )
        except IntegrityError:
            return False
        except SQLAlchemyError as error:
            raise StoreError(type(error.__cause__ or error).__name__) from error
        return True
