"""What `holdgate check` reports about settings that have a valid form and cannot work."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from holdgate.config import ModerationSettings, Settings
from holdgate.configfile import ConfigError
from holdgate.milters import place_of
from holdgate.notation import format_address
from holdgate.policy.model import policies_of
from holdgate.policy.patterns import address_mistake, domain_mistake, header_mistake

# The longest path of a Unix socket in bytes (unix(7), sun_path, with its last byte 0).
_LONGEST_SOCKET = 107


def problems(path: Path, settings: Settings) -> Iterator[str]:
    """Yield the settings that cannot work, each with its remedy."""
    for place, file in _paths(settings):
        if not file.is_absolute() and file != Path():
            yield f'{path}: {place}: "{file}" is relative, and daemons run in another directory; write an absolute path'
    for place, socket in _sockets(settings):
        if len(bytes(socket)) > _LONGEST_SOCKET:
            yield f"{path}: {place}: the path of the socket is too long; write one of at most {_LONGEST_SOCKET} bytes"
    yield from (f"{path}: {problem}" for problem in _addresses(settings))
    yield from (f"{path}: {problem}" for problem in _names(settings))
    for place, rules in _moderation(path, settings):
        yield from (f"{place} changes: {problem}" for problem in _changes(settings, rules))


def _paths(table: BaseModel, place: str = "") -> Iterator[tuple[str, Path]]:
    """Yield each setting that is a path, with its place."""
    for key in type(table).model_fields:
        value = getattr(table, key)
        if isinstance(value, BaseModel):
            yield from _paths(value, f"[{key}] ")
        elif isinstance(value, Path):
            yield f"{place}{key}", value


def _sockets(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield the Unix sockets on which Holdgate listens."""
    milter, service = place_of(settings.milter.socket), settings.scan.service()
    if isinstance(milter, Path):
        yield "[milter] socket", milter
    yield "[queue] socket", settings.queue.socket
    if service is not None:
        yield "[scan] socket", service


def _addresses(settings: Settings) -> Iterator[str]:
    """Yield the addresses on which two daemons would listen."""
    milter = place_of(settings.milter.socket)
    listening = {
        "[milter] socket": None if isinstance(milter, Path) else milter,
        "[desk] web_listen": settings.desk.web_listen,
        "[desk] lmtp_listen": settings.desk.lmtp_listen,
        "[node] listen": settings.node.listen,
        "[metrics] milter": settings.metrics.milter,
        "[metrics] queue": settings.metrics.queue,
        "[metrics] desk": settings.metrics.desk,
    }
    places = defaultdict(list)
    for place, address in listening.items():
        if address is not None and address[1]:
            places[address].append(place)
    for address, (first, *others) in places.items():
        for other in others:
            yield f"{other}: {format_address(address)} is also the address of {first}; write another port"


def _names(settings: Settings) -> Iterator[str]:
    """Yield names of header fields, domains and addresses that match nothing."""
    for name in settings.policy.trusted_scanner_headers:
        if reported := header_mistake(name):
            yield f"[policy] trusted_scanner_headers: {reported}"
    if settings.replies.login_domain and (reported := domain_mistake(settings.replies.login_domain, wildcards=False)):
        yield f"[replies] login_domain: {reported}"
    for entry in settings.relations.except_for:
        plain = entry.removeprefix("*@")
        if reported := address_mistake(plain) if "@" in plain else domain_mistake(plain, wildcards=False):
            yield f"[relations] except_for: {reported}"
    recipient = settings.canary.recipient
    if reported := address_mistake(recipient) if "@" in recipient else f'"{recipient}" has no domain; write an address':
        yield f"[canary] recipient: {reported}"


def _moderation(path: Path, settings: Settings) -> Iterator[tuple[str, ModerationSettings]]:
    """Yield each set of moderation settings in the files, with its place."""
    yield f"{path}: [moderation]", settings.moderation
    try:
        policies = policies_of(settings.policy).policy
    except ConfigError:
        return  # reported by another check
    for policy in policies:
        if policy.moderation is not None and "changes" in policy.moderation.model_fields_set:
            place = f'{settings.policy.file}: policy "{policy.name}": moderation'
            yield place, policy.moderation_over(settings.moderation)


def _changes(settings: Settings, rules: ModerationSettings) -> Iterator[str]:
    """Yield why moderators are not offered changes that are set."""
    if not rules.changes:
        return
    if settings.desk.change_relay is None:
        yield "no change is offered, because desk.change_relay is not set; set it, as in postfix/change.cf"
    if rules.approvals > 1 or len(rules.chain) > 1:
        yield "no change is offered, because several approvals are needed; remove changes, or need one approval"
    if "encrypt" in rules.changes and not rules.encrypt_through:
        yield '"encrypt" is not offered, because encrypt_through is not set; set it to a transport of master.cf'
