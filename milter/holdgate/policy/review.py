"""Finds what a policies file may say but hardly means: policies no message reaches, exemptions that are over."""

from datetime import date
from typing import Any

from holdgate.policy.model import Policy, PolicyFile

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


def _shadowed(policies: PolicyFile) -> list[tuple[Policy, str]]:
    """Return the policies behind an enforced one whose conditions are all among theirs."""
    found = []
    for number, policy in enumerate(policies.policy):
        conditions = _given(policy)
        for earlier in policies.policy[:number]:
            before = _given(earlier)
            if earlier.mode == "enforce" and all(conditions.get(name) == value for name, value in before.items()):
                found.append((policy, earlier.name))
                break
    return found


def _given(policy: Policy) -> dict[str, Any]:
    return {
        name: getattr(policy, name)
        for name in policy.model_fields_set - _NOT_CONDITIONS
        if getattr(policy, name) != type(policy).model_fields[name].default
    }
