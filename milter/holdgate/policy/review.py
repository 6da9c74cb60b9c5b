"""Finds valid entries of a policies file that are probably errors: unreachable policies, expired exemptions."""

from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from holdgate.policy.action import Handling
from holdgate.policy.conditions import is_plain
from holdgate.policy.model import Exemption, Policy, PolicyFile
from holdgate.policy.patterns import address_mistake, domain_mistake, header_mistake, user_mistake
from holdgate.policy.terms import Conditions, Need
from holdgate.tables import is_table

_CONFIDENCES = ("low", "medium", "high")


def review(policies: PolicyFile, today: date) -> list[str]:
    """Return one line for each finding, with the remedy."""
    problems = [
        f'policy "{policy.name}": no message reaches it, because "{earlier}" before it matches them all; '
        "change their order"
        for policy, earlier in _shadowed(policies)
    ]
    problems += (
        f'policy "{policy.name}": expired on {policy.expires}, so no message reaches it; renew it or remove it'
        for policy in policies.policy
        if policy.expires is not None and policy.expires < today
    )
    problems += _unsatisfiable(policies)
    for number, exemption in enumerate(policies.exemption, 1):
        if exemption.expires < today:
            problems.append(f"exemption {number}: expired on {exemption.expires}; renew it or remove it")
    problems += (
        f"internal_domains: {reported}" for one in policies.internal_domains if (reported := domain_mistake(one))
    )
    problems += _patterns(policies)
    if any(policy.direction != "any" for policy in policies.policy) and not policies.internal_domains:
        problems.append("internal_domains: is empty, so every recipient is treated as external; list your domains")
    return problems


def _unsatisfiable(policies: PolicyFile) -> Iterator[str]:
    """Yield the policies whose conditions on findings contradict each other."""
    for policy in policies.policy:
        for need in policy.found:
            if is_plain(need.id) and policy.only and not any(fnmatchcase(need.id, one) for one in policy.only):
                yield (
                    f'policy "{policy.name}": only: "{need.id}" must be found and is not among them: no '
                    "message reaches it; add it there"
                )
            for other in policy.not_found:
                if fnmatchcase(need.id, other.id) and _implies(need, other):
                    yield (
                        f'policy "{policy.name}": not_found: "{other.id}" excludes "{need.id}", which must be found: '
                        "no message reaches it; remove one of them"
                    )


def _implies(need: Need, other: Need) -> bool:
    """Return whether `need` implies `other`, if both were for the same identifier."""
    return need.count >= other.count and _CONFIDENCES.index(need.confidence) >= _CONFIDENCES.index(other.confidence)


def _patterns(policies: PolicyFile) -> Iterator[str]:
    """Yield patterns of addresses, and addresses, that are probably errors."""
    entries: list[tuple[str, Policy | Exemption]] = [(f'policy "{policy.name}"', policy) for policy in policies.policy]
    entries += [(f"exemption {number}", exemption) for number, exemption in enumerate(policies.exemption, 1)]
    for place, entry in entries:
        for key in ("sender", "not_sender", "recipient", "not_recipient"):
            for pattern in getattr(entry, key, ()):
                if reported := address_mistake(pattern):
                    yield f"{place}: {key}: {reported}"
        for pattern in entry.auth_user:
            if reported := user_mistake(pattern):
                yield f"{place}: auth_user: {reported}"
        for name in entry.header if isinstance(entry, Policy) else ():
            if reported := header_mistake(name):
                yield f"{place}: header: {reported}"
        for address in entry.action.alerted() if isinstance(entry, Policy) else ():
            if not is_plain(address) or address.count("@") != 1 or address_mistake(address):
                yield f'{place}: notify: "{address}" is no address of a person; write one, as in "anna@corp.example"'


def holding(policies: PolicyFile) -> str:
    """Return what holds mail on this machine, 'policy "a"' or 'uninspected'; "" if nothing does.

    `uninspected` does not count if policies have the condition `inspection`.
    """
    held = next((policy.name for policy in policies.policy if policy.action.handling is Handling.HOLD), "")
    if held:
        return f'policy "{held}"'
    covered = {status for policy in policies.policy for status in policy.inspection}
    holds = policies.uninspected.handling is Handling.HOLD and not {"limited", "failed"} <= covered
    return f'uninspected = "{policies.uninspected}"' if holds else ""


def hardly_meant(policies: PolicyFile) -> Iterator[str]:
    """Yield text patterns that match one exact text, although part of it was probably meant, and the like."""
    for domain in policies.internal_domains:
        own = domain.removeprefix("*@").removeprefix("*.")
        if domain.endswith(f"*.{own}") and not {own, f"*@{own}"} & set(policies.internal_domains):
            yield (
                f'internal_domains: "{domain}" matches only subdomains of {own}, so mail to {own} itself is '
                f'outbound; add "{own}" if it is yours'
            )
    for policy in policies.policy:
        for pattern in policy.subject:
            if is_plain(pattern):
                yield (
                    f'policy "{policy.name}": subject: "{pattern}" matches only exactly this subject; '
                    f'did you mean "*{pattern}*"?'
                )
        for name in policy.attachment.name if policy.attachment is not None else ():
            if is_plain(name) and (name.startswith(".") or "." not in name):
                meant = f"*.{name.lstrip('.')}"
                yield (
                    f'policy "{policy.name}": attachment.name: "{name}" matches only a file with exactly this name; '
                    f'did you mean "{meant}"?'
                )


def weaker_than_uninspected(policies: PolicyFile) -> list[str]:
    """Return one line for each policy that leaves incompletely inspected mail to `uninspected`, which is stricter."""
    return [
        f'policy "{policy.name}": its action "{policy.action}" is for fully inspected mail; other mail gets '
        f'uninspected = "{policies.uninspected}", which is stricter. To change this, give the policy the '
        "condition inspection"
        for policy in policies.policy
        if policy.mode == "enforce" and not policy.inspection and policy.action.rank() < policies.uninspected.rank()
    ]


def _shadowed(policies: PolicyFile) -> list[tuple[Policy, str]]:
    """Return the policies that get no mail because an enforced one before them matches all of it, without exemption."""
    found = []
    for number, policy in enumerate(policies.policy):
        conditions = _given(policy)
        for earlier in policies.policy[:number]:
            before = _given(earlier)
            if any(earlier.name in one.policy and policy.name not in one.policy for one in policies.exemption):
                continue
            if earlier.mode == "enforce" and all(
                name in conditions and _covers(name, value, conditions[name]) for name, value in before.items()
            ):
                found.append((policy, earlier.name))
                break
    return found


def _covers(name: str, earlier: Any, later: Any) -> bool:
    """Return whether all mail that matches `later` also matches `earlier`; False if that is not obvious."""
    if name in ("sender", "recipient"):
        return all(any(_covers_pattern(before, pattern) for before in earlier) for pattern in later)
    if name in ("auth_user", "client", "inspection"):
        return set(later) <= set(earlier)
    if name in ("not_sender", "not_recipient"):
        return set(earlier) <= set(later)
    if name == "profile":
        return all(profile in earlier and earlier[profile].rank <= least.rank for profile, least in later.items())
    if name == "larger_than":
        return bool(earlier <= later)
    return bool(earlier == later)


def _covers_pattern(before: str, pattern: str) -> bool:
    """Return whether an address pattern matches every address that another one matches."""
    before, pattern = before.casefold().removeprefix("*@"), pattern.casefold().removeprefix("*@")
    if before in ("*", pattern):
        return before == pattern or not is_table(pattern)
    return is_plain(before) and "@" not in before and is_plain(pattern) and pattern.endswith(f"@{before}")


def _given(policy: Policy) -> dict[str, Any]:
    return {
        name: getattr(policy, name)
        for name in policy.model_fields_set & Conditions.model_fields.keys()
        if getattr(policy, name) != type(policy).model_fields[name].default
    }
