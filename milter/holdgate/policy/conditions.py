"""Conditions, compiled once at load: patterns become regular expressions, tables become lookups."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fnmatch import translate

from holdgate.envelope import Envelope
from holdgate.findings import Inspection, Severity
from holdgate.notation import Network
from holdgate.policy.terms import Attachment, Conditions, Need, TimeWindow
from holdgate.risks import Risks
from holdgate.tables import Tables, is_table

_CONFIDENCES = ("low", "medium", "high")
_WILDCARDS = frozenset("*?[")
_CONTAINS = re.compile(r"\*[^*?\[]*\*", re.DOTALL)

# Returns whether a text matches.
Matcher = Callable[[str], bool]


def is_plain(pattern: str) -> bool:
    """Return whether a pattern matches one text only: it has no wildcard and is not a Postfix table."""
    return not is_table(pattern) and _WILDCARDS.isdisjoint(pattern)


def text_matcher(patterns: Iterable[str]) -> Matcher:
    """Return a matcher for shell patterns, case-insensitive. Plain texts are compared without a regular expression."""
    folded = [pattern.casefold() for pattern in patterns]
    if _WILDCARDS.isdisjoint("".join(folded)):
        exact = frozenset(folded)
        return lambda text: text.casefold() in exact
    if len(folded) == 1 and _CONTAINS.fullmatch(folded[0]):
        part = folded[0][1:-1]
        return lambda text: part in text.casefold()
    joined = re.compile("|".join(translate(pattern) for pattern in folded), re.DOTALL)
    return lambda text: joined.match(text.casefold()) is not None


def address_matcher(patterns: Iterable[str], tables: Tables) -> Matcher:
    """Return a matcher for addresses: `anna@corp.example`, `*@corp.example`, `corp.example`, or Postfix tables.

    A domain matches all its addresses. A table matches when it has an entry for the address, its domain or its mailbox
    (access(5)); the entry's value does not matter. The matcher raises TableError.
    """
    asked = [pattern for pattern in patterns if is_table(pattern)]
    plain = [pattern for pattern in patterns if not is_table(pattern)]
    # The null sender is written as "<>".
    shell = text_matcher(
        "" if pattern == "<>" else pattern if "@" in pattern or pattern == "*" else f"*@{pattern}" for pattern in plain
    )
    return lambda address: shell(address) or any(tables.lookup_address(table, address) is not None for table in asked)


def inside_matcher(domains: Iterable[str], tables: Tables) -> Matcher:
    """Return a matcher for internal addresses. The matcher raises TableError.

    A domain with non-ASCII letters is internal only if it is listed exactly: with case ignored, some of these letters
    are equal to those of another domain (RFC 5895). An address literal is never internal.
    """
    listed = list(domains)
    matches = address_matcher(listed, tables)
    exact = frozenset(domain.removeprefix("*@").lower() for domain in listed)

    def is_inside(address: str) -> bool:
        domain = address.rpartition("@")[2]
        if not domain.isascii():
            return domain.lower() in exact
        return not domain.startswith("[") and matches(address)

    return is_inside


def client_matcher(networks: Iterable[Network]) -> Matcher:
    """Return a matcher for client addresses; a local submission, which has no IP address, matches nothing."""
    known = list(networks)

    def matches(address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in known)

    return matches


class Compiled:
    """The compiled conditions of one policy or exemption, on the message and on one recipient."""

    def __init__(self, conditions: Conditions, is_internal: Matcher, tables: Tables) -> None:
        self._conditions = conditions
        self._envelope = tuple(_envelope_checks(conditions, tables))
        self._content = tuple(_content_checks(conditions))
        self._direction = conditions.direction
        self._risks = tuple(one for one in (conditions.recipient_risk, conditions.machine) if one is not None)
        self._is_internal = is_internal
        self._recipient = tuple(_recipient_checks(conditions, tables))

    def fits_message(self, envelope: Envelope, inspection: Inspection, now: datetime) -> bool:
        """Return whether all conditions on the complete message are true. Raises TableError."""
        # A loop, not all(…): this runs for every candidate, and a generator costs more than most checks.
        for check in self._content:
            if not check(inspection):
                return False
        return self.fits_envelope(envelope, now)

    def fits_envelope(self, envelope: Envelope, now: datetime) -> bool:
        """Return whether all conditions that are known before the inspection are true. Raises TableError."""
        for check in self._envelope:  # noqa: SIM110
            if not check(envelope, now):
                return False
        return True

    def fits_recipient(self, recipient: str, is_inside: bool | None = None, risks: Risks | None = None) -> bool:
        """Return whether all conditions on this recipient are true; `is_inside`, if known, saves a lookup.

        Before `risks` have been evaluated, a condition on them counts as true. Raises TableError.
        """
        if risks is not None:
            for asked in self._risks:
                if not asked.is_among(risks, recipient.lower()):
                    return False
        if self._direction != "any":
            inside = self._is_internal(recipient) if is_inside is None else is_inside
            if inside != (self._direction == "internal"):
                return False
        return all(check(recipient) for check in self._recipient)


_EnvelopeCheck = Callable[[Envelope, datetime], bool]
_ContentCheck = Callable[[Inspection], bool]


def _recipient_checks(conditions: Conditions, tables: Tables) -> Iterable[Matcher]:
    if conditions.recipient:
        yield address_matcher(conditions.recipient, tables)
    if conditions.not_recipient:
        unwanted = address_matcher(conditions.not_recipient, tables)
        yield lambda recipient: not unwanted(recipient)


def _content_checks(conditions: Conditions) -> Iterable[_ContentCheck]:
    if conditions.inspection:
        wanted = set(conditions.inspection)
        yield lambda inspection: bool(wanted & outcomes(inspection))
    if conditions.profile:
        yield lambda inspection: _reaches(inspection, conditions.profile)
    yield from (_found_check(need) for need in conditions.found)
    yield from (_negated(_found_check(need)) for need in conditions.not_found)
    if conditions.only:
        yield _only_check(conditions.only)
    if conditions.attachment is not None:
        yield _attachment_check(conditions.attachment)


def _envelope_checks(conditions: Conditions, tables: Tables) -> Iterable[_EnvelopeCheck]:
    """Yield the checks, cheap ones first: a table is used only if everything else matches."""
    if conditions.expires is not None:
        last = conditions.expires
        yield lambda _envelope, now: now.astimezone(UTC).date() <= last
    if conditions.during is not None:
        window = conditions.during
        yield lambda _envelope, now: _is_during(window, now)
    if conditions.not_during is not None:
        pause = conditions.not_during
        yield lambda _envelope, now: not _is_during(pause, now)
    if conditions.larger_than:
        yield lambda envelope, _now: envelope.size > conditions.larger_than
    if conditions.subject:
        subject = text_matcher(conditions.subject)
        yield lambda envelope, _now: subject(envelope.subject)
    for name, pattern in conditions.header.items():
        yield _header_check(name.lower(), text_matcher([pattern]))
    if conditions.client:
        client = client_matcher(conditions.client)
        yield lambda envelope, _now: client(envelope.client_address)
    if conditions.auth_user:
        user = _user_matcher(conditions.auth_user, tables)
        yield lambda envelope, _now: bool(envelope.auth_user) and user(envelope.auth_user)
    if conditions.sender:
        sender = address_matcher(conditions.sender, tables)
        yield lambda envelope, _now: sender(envelope.sender)
    if conditions.not_sender:
        unwanted = address_matcher(conditions.not_sender, tables)
        yield lambda envelope, _now: not unwanted(envelope.sender)


def _user_matcher(patterns: Iterable[str], tables: Tables) -> Matcher:
    asked = [pattern for pattern in patterns if is_table(pattern)]
    shell = text_matcher(pattern for pattern in patterns if not is_table(pattern))
    return lambda user: shell(user) or any(tables.lookup(table, user) is not None for table in asked)


def _header_check(name: str, matches: Matcher) -> _EnvelopeCheck:
    return lambda envelope, _now: any(matches(value) for value in envelope.headers.get(name, ()))


def _attachment_check(wanted: Attachment) -> _ContentCheck:
    name = text_matcher(wanted.name or ["*"])
    kinds = {kind.lower() for kind in wanted.type}
    return lambda inspection: any(
        name(attachment.file_name)
        and (not kinds or attachment.kind in kinds)
        and attachment.size > wanted.larger_than
        and (wanted.inside or not attachment.member)
        for attachment in inspection.attachments
    )


def outcomes(inspection: Inspection) -> set[str]:
    """Return the values of the condition `inspection` that are true for an inspection."""
    return {inspection.status} | ({"encrypted"} if inspection.encrypted else set())


def _reaches(inspection: Inspection, wanted: dict[str, Severity]) -> bool:
    reached = ((inspection.profiles.get(name), least) for name, least in wanted.items())
    return any(found is not None and Severity(found).rank >= least.rank for found, least in reached)


def _found_check(need: Need) -> _ContentCheck:
    matches = re.compile(translate(need.id)).match
    wanted = need.id.__eq__ if is_plain(need.id) else lambda identifier: matches(identifier) is not None
    enough = frozenset(_CONFIDENCES[_CONFIDENCES.index(need.confidence) :])

    def is_found(inspection: Inspection) -> bool:
        found = 0
        for finding in inspection.findings:
            if wanted(finding.identifier) and finding.confidence in enough:
                found += finding.unique
        return found >= need.count

    return is_found


def _negated(check: _ContentCheck) -> _ContentCheck:
    return lambda inspection: not check(inspection)


def _only_check(patterns: Iterable[str]) -> _ContentCheck:
    known = text_matcher(patterns)
    return lambda inspection: all(known(finding.identifier) for finding in inspection.findings)


def _is_during(window: TimeWindow, now: datetime) -> bool:
    local = now.astimezone(window.zone)
    moment, begin, end = local.time(), window.begin, window.end
    midnight = end.hour == end.minute == 0
    if begin < end or midnight:
        return local.weekday() in window.days and begin <= moment and (midnight or moment < end)
    # A window past midnight: the time after midnight belongs to the day before.
    if moment >= begin:
        return local.weekday() in window.days
    return (local.weekday() - 1) % 7 in window.days and moment < end
