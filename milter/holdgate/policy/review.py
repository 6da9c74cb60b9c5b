"""Finds what a policies file may say but hardly means: policies no message reaches, exemptions that are over."""

from datetime import date
from typing import Any

from holdgate.policy.conditions import is_plain
from holdgate.policy.model import Policy, PolicyFile
from holdgate.tables import is_table

_NOT_CONDITIONS = {"name", "description", "action", "mode", "headers", "transport", "notify", "ocr", "moderation"}


def review(policies: PolicyFile, today: date) -> list[str]:
    """Return one line for each such thing, with the remedy."""
    problems = [
        f'policy "{policy.name}": no message reaches it, "{earlier}" before it takes them all; change their order'
        for policy, earlier in _shadowed(policies)
    ]
    for number, exemption in enumerate(policies.exemption, 1):
        if exemption.expires < today:
            problems.append(f"exemption {number}: expired on {exemption.expires}; renew it or take it out")
    if any(policy.direction != "any" for policy in policies.policy) and not policies.internal_domains:
        problems.append("internal_domains: empty, so every recipient counts as outside; list your domains")
    return problems


def weaker_than_uninspected(policies: PolicyFile) -> list[str]:
    """Return one line for each policy that does not decide on mail that was not read whole, `uninspected` does."""
    return [
        f'policy "{policy.name}": its action "{policy.action}" is for mail that was read whole; the rest of it gets '
        f'uninspected = "{policies.uninspected}", which is stricter. Where that is not meant, give the policy the '
        "condition inspection"
        for policy in policies.policy
        if policy.mode == "enforce" and not policy.inspection and policy.action.rank < policies.uninspected.rank
    ]


def _shadowed(policies: PolicyFile) -> list[tuple[Policy, str]]:
    """Return the policies behind an enforced one that takes all their mail, and that no exemption lifts for them."""
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
    """Say whether all mail for which `later` is true has `earlier` true as well; False where that is not plain."""
    if name in ("sender", "recipient"):
        return all(any(_takes_all_of(before, pattern) for before in earlier) for pattern in later)
    if name in ("auth_user", "client", "inspection"):
        return set(later) <= set(earlier)
    if name in ("not_sender", "not_recipient"):
        return set(earlier) <= set(later)
    if name == "profile":
        return all(profile in earlier and earlier[profile].rank <= least.rank for profile, least in later.items())
    if name == "larger_than":
        return bool(earlier <= later)
    return bool(earlier == later)


def _takes_all_of(before: str, pattern: str) -> bool:
    """Say whether an address pattern takes every address that another one takes."""
    before, pattern = before.casefold().removeprefix("*@"), pattern.casefold().removeprefix("*@")
    if before in ("*", pattern):
        return before == pattern or not is_table(pattern)
    return is_plain(before) and "@" not in before and is_plain(pattern) and pattern.endswith(f"@{before}")


def _given(policy: Policy) -> dict[str, Any]:
    return {
        name: getattr(policy, name)
        for name in policy.model_fields_set - _NOT_CONDITIONS
        if getattr(policy, name) != type(policy).model_fields[name].default
    }
