"""What `holdgate check` reports about people: senders and languages of notices, and who receives requests.

An address can be valid and still wrong: without a domain Postfix adds one, and an alias may lead out of the company.
"""

import difflib
import pwd
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC
from email.utils import parseaddr
from pathlib import Path

from holdgate.config import ModerationSettings, Settings
from holdgate.configfile import ConfigError
from holdgate.desk.moderators import MANAGER
from holdgate.desk.templates import Templates
from holdgate.mistakes import did_you_mean, written
from holdgate.notation import format_duration
from holdgate.policy.conditions import inside_matcher
from holdgate.policy.model import PolicyFile, policies_of
from holdgate.policy.patterns import address_mistake, domain_mistake
from holdgate.policy.routes import Routes
from holdgate.policy.site import read_site
from holdgate.tables import TableError, Tables, is_pattern

# Names that every mail system has (RFC 2142); Postfix's aliases decide who receives their mail.
_ROLES = frozenset({"postmaster", "root", "abuse", "security", "hostmaster", "webmaster"})
# How many aliases are reported, and how many entries of a table are followed.
_NAMED, _FOLLOWED = 10, 2000
_LISTABLE = ("hash", "btree", "lmdb", "cdb", "texthash", "sdbm", "dbm")


def problems(path: Path, settings: Settings) -> Iterator[str]:
    """Yield addresses and languages that cannot be used."""
    desk = settings.desk
    if reported := no_sender(desk.notice_from):
        yield f"{path}: [desk] notice_from: {reported}"
    for domain in desk.own_domains:
        if reported := domain_mistake(domain, wildcards=False):
            yield f"{path}: [desk] own_domains: {reported}"
    languages = Templates(desk.templates, UTC, lambda _problem: None).languages
    for place, rules in _moderation(path, settings):
        if "language" in rules.model_fields_set and rules.language not in languages:
            yield (
                f'{place} language: there are no templates in "{rules.language}", so mail is in English; write '
                f"one of {', '.join(languages)}, or add templates to {desk.templates / rules.language}"
                f"{did_you_mean(rules.language, languages)}"
            )
        for key, names in _named(rules):
            for name in names:
                if reported := no_person(name):
                    yield f"{place} {key}: {reported}"
        for entry in rules.forward_to:
            if reported := _no_forwarding(entry):
                yield f"{place} forward_to: {reported}"


def warnings(path: Path, settings: Settings) -> Iterator[str]:
    """Yield senders and moderators that may not be the intended ones, and aliases that lead outside."""
    policies = _policies(settings)
    origin = _origin(settings)
    if reported := _sender_doubt(settings, origin):
        yield f"{path}: [desk] notice_from: {reported}"
    for place, rules in _moderation(path, settings):
        for key, names in _named(rules):
            for name in names:
                if name != MANAGER and not no_person(name) and (reported := _doubt(name, settings, origin)):
                    yield f"{place} {key}: {reported}"
        deadline = (rules if "deadline" in rules.model_fields_set else settings.moderation).deadline
        for before in rules.reminders if "reminders" in rules.model_fields_set else ():
            if before >= deadline and not rules.working_days:
                yield (
                    f'{place} reminders: "{format_duration(before)}" before a deadline of '
                    f'"{format_duration(deadline)}" is never sent; write a shorter time'
                )
    if policies is not None and policies.internal_domains:
        try:
            yield from _leading_outside(path, settings, policies)
        except (OSError, subprocess.SubprocessError, TableError, KeyError):
            return  # reported as a problem elsewhere


def _moderation(path: Path, settings: Settings) -> Iterator[tuple[str, ModerationSettings]]:
    """Yield each set of moderation settings in the files, with its place."""
    yield f"{path}: [moderation]", settings.moderation
    policies = _policies(settings)
    for policy in policies.policy if policies is not None else ():
        if policy.moderation is not None:
            yield f'{settings.policy.file}: policy "{policy.name}": moderation', policy.moderation


def _policies(settings: Settings) -> PolicyFile | None:
    try:
        return policies_of(settings.policy)
    except ConfigError:
        return None


def named_people(path: Path, settings: Settings) -> set[str]:
    """Return all people who are named in the settings and policies, and the word for the manager if it is."""
    return {name for _place, rules in _moderation(path, settings) for _key, names in _named(rules) for name in names}


def _named(rules: ModerationSettings) -> Iterator[tuple[str, list[str]]]:
    """Yield the keys that name people, with their values, if a file sets them."""
    given = rules.model_fields_set
    if "moderators" in given:
        yield "moderators", rules.moderators
    if "levels" in given:
        yield "levels", [name for level in rules.levels for name in level]
    if "fallback" in given:
        yield "fallback", rules.fallback
    if "deputies" in given:
        yield "deputies", [*rules.deputies, *rules.deputies.values()]


def no_sender(value: str) -> str:
    """Return why a value cannot be the From header of notices, "" if it can."""
    if match := re.fullmatch(r"\s*([^<>@]*[^<>@\s])\s+([^<>@\s]+@[^<>@\s]+)\s*", value):
        return f'{written(value)} has no brackets around its address; did you mean "{match[1]} <{match[2]}>"?'
    sender = parseaddr(value)[1]
    if sender.count("@") != 1 or not all(sender.partition("@")[::2]):
        return f'{written(value)} has no address; write one, as in "Holdgate <holdgate@corp.example>"'
    return address_mistake(sender)


def no_person(name: str) -> str:
    """Return why a moderator can be no person: a misspelt "manager", or a pattern."""
    if name != MANAGER and "@" not in name and difflib.get_close_matches(name.casefold(), [MANAGER], cutoff=0.8):
        return f'"{name}" has no domain, and is not the word for the sender\'s manager; did you mean "{MANAGER}"?'
    if "*" in name or "?" in name:
        return f'"{name}" is a pattern; write the address of a person, or of a mailing list'
    return address_mistake(name) if "@" in name else ""


def _no_forwarding(entry: str) -> str:
    """Return why no address can be meant by an entry of `forward_to`: it has addresses, domains and `*@domain`."""
    entry = entry.removeprefix("*@")
    if entry.startswith("*."):
        return f'"{entry}" is no domain; write each of them, as in "{entry[2:]}"'
    is_address = entry.rpartition("@")[0] not in ("", "*")
    return address_mistake(entry) if is_address else domain_mistake(entry, wildcards=False)


def _doubt(name: str, settings: Settings, origin: str) -> str:
    """Return why a moderator may not be the intended person."""
    local, at, domain = name.rpartition("@")
    known = [own.lower() for own in settings.desk.own_domains if not domain_mistake(own, wildcards=False)]
    if not at:
        if name in _ROLES:
            return ""
        own = next(iter(known), origin or "corp.example")
        user = f'the user "{name}" of this machine' if _is_user(name) else f"{name}@{origin or 'its own name'}"
        return f'"{name}" has no domain, so Postfix delivers requests to {user}; did you mean "{name}@{own}"?'
    folded = domain.lower()
    if known and not any(folded == one or folded.endswith(f".{one}") for one in known):
        near = difflib.get_close_matches(folded, known, n=1, cutoff=0.8)
        meant = f'; did you mean "{local}@{near[0]}"?' if near else "; add the domain to own_domains if it is yours"
        listed = ", ".join(known)
        return f'"{name}" is in none of own_domains ({listed}), so requests for approval leave the company{meant}'
    return ""


def _sender_doubt(settings: Settings, origin: str) -> str:
    """Return why other servers may refuse notices, and replies may be lost: their sender has no valid domain."""
    address = parseaddr(settings.desk.notice_from)[1]
    local, at, domain = address.rpartition("@")
    if (
        not at
        or not domain
        or "." in domain
        or domain.startswith("[")
        or "notice_from" not in settings.desk.model_fields_set
    ):
        return ""
    own = [*settings.desk.own_domains, origin]
    near = difflib.get_close_matches(domain.lower(), [one.partition(".")[0] for one in own], n=1, cutoff=0.6)
    meant = next((one for one in own if "." in one and (not near or one.startswith(f"{near[0]}."))), "corp.example")
    return (
        f'the domain of "{address}" has no dot, so other mail servers reject notices, and replies do not arrive; '
        f'did you mean "{local}@{meant}"?'
    )


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _origin(settings: Settings) -> str:
    try:
        return read_site(settings.queue.postfix_config).words["myorigin"]
    except (OSError, subprocess.SubprocessError):
        return ""


# -- aliases ------------------------------------------------------------------------------------------------------


def _leading_outside(path: Path, settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Yield the moderators and the aliases of Postfix's tables whose mail leaves the company."""
    tables = Tables(settings.queue.postfix_config)
    routes, is_internal = Routes.of(settings, tables), inside_matcher(policies.internal_domains, tables)
    site = read_site(settings.queue.postfix_config)

    def outside(address: str) -> list[str]:
        ends = routes.route_of(address).ends
        return [end for end in ends[:50] if not is_internal(end) and end != address]

    for person in sorted(named_people(path, settings) - {MANAGER}):
        if is_internal(f"{person}@{site.words['myorigin']}" if "@" not in person else person) and (
            led := outside(person)
        ):
            yield (
                f"{path}: [moderation]: the moderator {person} is an alias for {_some(led)}, which is not "
                "in internal_domains: "
                "requests for approval leave the company; choose another moderator, or add the domain to "
                "internal_domains"
            )
    led_out = {}
    for name in ("virtual_alias_maps", "alias_maps"):
        if name == "alias_maps" and not site.lists["mydestination"]:
            continue
        for table in site.lists[name]:
            for key in _keys(settings, table)[:_FOLLOWED]:
                address = key if "@" in key else f"{key}@{site.words['myorigin']}"
                if not key.startswith("@") and is_internal(address) and (led := outside(address)):
                    led_out[address] = led
    if led_out:
        shown = "; ".join(f"{address} → {_some(led)}" for address, led in list(led_out.items())[:_NAMED])
        more = f"; and {len(led_out) - _NAMED} more" if len(led_out) > _NAMED else ""
        yield (
            f"{settings.queue.postfix_config / 'main.cf'}: aliases with external targets: {shown}{more}. "
            "Policies treat mail to "
            "them as outbound; if it should be internal, change the alias, or add the domain to internal_domains"
        )


def _some(addresses: list[str]) -> str:
    return ", ".join(addresses[:3]) + (f" and {len(addresses) - 3} more" if len(addresses) > 3 else "")


def _keys(settings: Settings, table: str) -> list[str]:
    """Return the keys of a table that postmap(1) can list; none for a table of patterns or on a server."""
    plain = table.removeprefix("proxy:")
    if is_pattern(table) or plain.partition(":")[0] not in _LISTABLE:
        return []
    command = ["postmap", "-c", str(settings.queue.postfix_config), "-s", plain]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False, text=True, errors="replace")
    keys = (line.partition("\t")[0].strip("\0 ").rstrip(":") for line in done.stdout.splitlines())
    return [key for key in keys if key]
