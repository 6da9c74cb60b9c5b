"""Decides whether a reply's sender can answer for a moderator: as the moderator, from an alias, or as a delegate.

The milter checks this before it accepts a reply without inspection, the desk before it records a decision.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from holdgate.config import ReplySettings
from holdgate.headers import addresses
from holdgate.tables import Tables

# Bounce address tags (draft-levine-smtp-batv and earlier forms): prvs=TAG=local, prvs=local/TAG, btv1==TAG==local.
_TAGGED = re.compile(r"(?:prvs=[0-9a-z]{4,20}=|btv1==[0-9a-z]{4,40}==|msprvs1=[0-9a-z]{4,40}=)([^=@]+)", re.IGNORECASE)
_TAGGED_BEHIND = re.compile(r"prvs=([^=/@]+)/[0-9a-z]{4,20}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answerer:
    """The person who answers for a moderator, the moderator or a delegate, and the names that prove it."""

    address: str
    names: frozenset[str]


def plain(address: str) -> str:
    """Return an address in lower case without angle brackets and without a BATV tag, which names the same mailbox."""
    address = address.strip().removeprefix("<").removesuffix(">").lower()
    local, separator, domain = address.rpartition("@")
    match = _TAGGED.fullmatch(local) or _TAGGED_BEHIND.fullmatch(local)
    return f"{match[1]}{separator}{domain}" if match else address


class Persons:
    """Aliases and delegates from the settings. Each method can raise TableError."""

    def __init__(self, settings: ReplySettings, tables: Tables) -> None:
        self._same_person = _table(settings.same_person)
        self._delegates = _table(settings.delegates)
        self._tables = tables

    def own_address(self, name: str) -> str:
        """Return the address of the person with this alias or SMTP AUTH name, or the name itself if it is unknown."""
        address = plain(name)
        found = self._addresses(self._same_person, address)
        return found[0] if found else address

    def may_write(self, moderator: str, sender: str) -> bool:
        """Return whether mail with this envelope sender can be a reply to a request."""
        return self._place(moderator, sender) is not None

    def answerer(self, moderator: str, sender: str, header_senders: Sequence[str]) -> Answerer | None:
        """Return who answers, by envelope sender and From header; None if one of them is another person."""
        if len(header_senders) != 1:
            return None
        by_envelope, by_header = self._place(moderator, sender), self._place(moderator, header_senders[0])
        if by_envelope is None or by_header is None:
            return None
        # For a delegate who writes in the moderator's name, the envelope sender identifies the delegate.
        acting = by_envelope if by_envelope != moderator else by_header
        if by_header not in (moderator, acting):
            return None
        return Answerer(acting, frozenset({acting, plain(sender) if by_envelope == acting else acting}))

    def _place(self, moderator: str, address: str) -> str | None:
        """Return the person in whose name an address answers: the moderator or a delegate, or None."""
        given = plain(address)
        own = self.own_address(given)
        if moderator in (given, own) or (self._same_person and own == self.own_address(moderator)):
            return moderator
        delegates = self._addresses(self._delegates, moderator)
        return next((one for one in (given, own) if one in delegates), None)

    def _addresses(self, table: str, key: str) -> list[str]:
        answer = (self._tables.lookup(table, key) or "") if table else ""
        return [plain(address) for address in addresses([answer])]


def _table(setting: str) -> str:
    return f"texthash:{setting}" if setting.startswith("/") else setting
