"""Whose mail a reply is: a moderator's own, from an alias of theirs, or from somebody who may answer in their place.

Gate and desk ask the same question: the gate before it lets a reply pass, the desk before it decides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import getaddresses

from holdgate.config import ReplySettings
from holdgate.tables import Tables

# Bounce address tags (draft-levine-smtp-batv and its forerunners): prvs=TAG=local, prvs=local/TAG, btv1==TAG==local.
_TAGGED = re.compile(r"(?:prvs=[0-9a-z]{4,20}=|btv1==[0-9a-z]{4,40}==|msprvs1=[0-9a-z]{4,40}=)([^=@]+)", re.IGNORECASE)
_TAGGED_BEHIND = re.compile(r"prvs=([^=/@]+)/[0-9a-z]{4,20}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers for a moderator: themselves or a delegate, and the names that prove it."""

    address: str
    names: frozenset[str]


def plain(address: str) -> str:
    """Return an address in lower case without angle brackets and without a BATV tag, which names no other mailbox."""
    address = address.strip().removeprefix("<").removesuffix(">").lower()
    local, separator, domain = address.rpartition("@")
    match = _TAGGED.fullmatch(local) or _TAGGED_BEHIND.fullmatch(local)
    return f"{match[1]}{separator}{domain}" if match else address


class Persons:
    """Aliases and delegates as the settings name them. Each question may raise TableError."""

    def __init__(self, settings: ReplySettings, tables: Tables) -> None:
        self._same_person = _table(settings.same_person)
        self._delegates = _table(settings.delegates)
        self._tables = tables

    def own_address(self, name: str) -> str:
        """Return the address of the person behind an alias or SMTP AUTH name; the name itself where none is known."""
        address = plain(name)
        found = self._addresses(self._same_person, address)
        return found[0] if found else address

    def may_write(self, moderator: str, sender: str) -> bool:
        """Say whether mail of this envelope sender may be an answer to a request."""
        return self._place(moderator, sender) is not None

    def answerer(self, moderator: str, sender: str, header_senders: Sequence[str]) -> Answerer | None:
        """Return who answers, by envelope sender and From header; None where one of them is somebody else."""
        if len(header_senders) != 1:
            return None
        by_envelope, by_header = self._place(moderator, sender), self._place(moderator, header_senders[0])
        if by_envelope is None or by_header is None:
            return None
        # A delegate who writes in the moderator's name is named by the envelope.
        acting = by_envelope if by_envelope != moderator else by_header
        if by_header not in (moderator, acting):
            return None
        return Answerer(acting, frozenset({acting, plain(sender) if by_envelope == acting else acting}))

    def _place(self, moderator: str, address: str) -> str | None:
        """Return in whose name an address answers: the moderator's, a delegate's, or None."""
        given = plain(address)
        own = self.own_address(given)
        if moderator in (given, own) or (self._same_person and own == self.own_address(moderator)):
            return moderator
        delegates = self._addresses(self._delegates, moderator)
        return next((one for one in (given, own) if one in delegates), None)

    def _addresses(self, table: str, key: str) -> list[str]:
        answer = (self._tables.lookup(table, key) or "") if table else ""
        return [plain(address) for _, address in getaddresses([answer]) if "@" in address]


def _table(setting: str) -> str:
    return f"texthash:{setting}" if setting.startswith("/") else setting
