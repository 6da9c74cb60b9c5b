"""Finds the few policies that a message can match, so that a thousand policies cost hardly more than ten.

Each policy is indexed by one of its conditions that can be looked up: an address or a domain, a user, an identifier, a
profile. A policy without such a condition is always a candidate. `conditions` decides whether a candidate matches.
"""

from collections.abc import Iterable, Iterator, Sequence

from holdgate.envelope import Envelope
from holdgate.findings import Inspection, Severity
from holdgate.policy.conditions import is_plain, outcomes
from holdgate.policy.terms import Conditions

# The kind of value ("sender", "profile", …), and the value.
_Key = tuple[str, str]


class Candidates:
    """Policies (or exemptions) indexed by what a matching message must have; each is named by its place in the list."""

    def __init__(self, conditions: Sequence[Conditions]) -> None:
        self._always: list[int] = []
        self._filed: dict[_Key, list[int]] = {}
        for place, one in enumerate(conditions):
            keys = _keys(one)
            if not keys:
                self._always.append(place)
            for key in keys:
                self._filed.setdefault(key, []).append(place)

    def of(self, envelope: Envelope, inspection: Inspection, recipients: Sequence[str] | None = None) -> list[int]:
        """Return the places of all that could match the message for some recipient, in order.

        `recipients` are the addresses to evaluate, if they differ from those of the envelope.
        """
        judged = envelope.recipients if recipients is None else recipients
        found = {place for key in _asked(envelope, inspection, judged) for place in self._filed.get(key, ())}
        return sorted(found.union(self._always)) if found else self._always


def _keys(conditions: Conditions) -> list[_Key]:
    """Return keys of which a matching message has at least one; none if nothing can be looked up."""
    for name, patterns in (("recipient", conditions.recipient), ("sender", conditions.sender)):
        keys = [_address_key(pattern.casefold()) for pattern in patterns]
        if keys and None not in keys:
            return [(name, key) for key in keys if key is not None]
    if conditions.auth_user and all(map(is_plain, conditions.auth_user)):
        return [("user", user.casefold()) for user in conditions.auth_user]
    plain = next((need.id for need in conditions.found if is_plain(need.id)), None)
    if plain is not None:
        return [("found", plain)]
    if conditions.inspection:
        return [("inspection", outcome) for outcome in conditions.inspection]
    return [("profile", f"{name} {least}") for name, least in conditions.profile.items()]


def _address_key(pattern: str) -> str | None:
    """Return "a@b" for one address, "@b" for all of a domain, and None for a pattern that cannot be looked up."""
    if pattern == "<>":
        return ""
    domain = pattern.removeprefix("*@")
    if "@" not in domain and is_plain(domain):
        return f"@{domain}"
    return pattern if is_plain(pattern) else None


def _asked(envelope: Envelope, inspection: Inspection, recipients: Sequence[str]) -> Iterator[_Key]:
    """Yield all keys of a message."""
    yield from (("sender", key) for key in _address_keys(envelope.sender))
    # A message without recipients is evaluated as one to the null address.
    for recipient in recipients or [""]:
        yield from (("recipient", key) for key in _address_keys(recipient))
    if envelope.auth_user:
        yield "user", envelope.auth_user.casefold()
    yield from (("found", finding.identifier) for finding in inspection.findings)
    yield from (("inspection", outcome) for outcome in outcomes(inspection))
    for name, reached in inspection.profiles.items():
        yield from (("profile", f"{name} {least}") for least in Severity if least.rank <= Severity(reached).rank)


def _address_keys(address: str) -> Iterable[str]:
    folded = address.casefold()
    _, at, domain = folded.rpartition("@")
    return (folded, f"@{domain}") if at else (folded,)
