"""What a policy wants done with a message, from the weakest to the strictest."""

from enum import StrEnum


class Action(StrEnum):
    """The order is that of strictness: the message gets the strictest action of its recipients."""

    ALLOW = "allow"
    ALERT = "alert"
    TAG = "tag"
    ENCRYPT = "encrypt"
    QUARANTINE = "quarantine"
    BLOCK = "block"
    TEMPFAIL = "tempfail"

    @property
    def rank(self) -> int:
        """Place in the order, from 0."""
        return list(Action).index(self)
