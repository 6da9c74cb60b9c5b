"""Every name that an operator, a rule file or a program uses is explained on its page."""

import json
import re
from collections.abc import Collection
from pathlib import Path

import pytest

import holdgate.desk.web
from holdgate.desk.moderation import Why
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.states import State
from testbed import interfaces

ROOT = Path(__file__).parents[2]
API = json.loads((Path(holdgate.desk.web.__file__).parent / "openapi.json").read_text(encoding="utf-8"))


def keys(names: set[str]) -> set[str]:
    """Return the keys without their tables."""
    return {name.rpartition(".")[2] for name in names}


def api_errors() -> set[str]:
    conflicts = [
        one for path in API["paths"].values() for step in path.values() for one in [step["responses"].get("409")] if one
    ]
    schemas = [one["content"]["application/json"]["schema"] for one in conflicts]
    return {name for schema in schemas for name in schema["properties"]["error"]["enum"]}


PROMISED: dict[str, tuple[Collection[str], list[str]]] = {
    "log events": (interfaces.log_events() | set(State) - {State.PENDING, State.RECORDED}, ["docs/reference/log.md"]),
    "settings": (keys(interfaces.settings()), ["docs/reference/config.md", "docs/reference/api.md"]),
    "rule keys": (keys(interfaces.rule_keys()), ["rules/README.md"]),
    "policy keys": (keys(interfaces.policy_keys()), ["docs/reference/policies.md", "docs/reference/config.md"]),
    "metrics": (interfaces.metric_names(), ["docs/reference/metrics.md"]),
    "states": (set(State), ["docs/glossary.md"]),
    "events of the history": ({one.code for one in EventName}, ["docs/reference/history.md"]),
    "API errors": (api_errors(), ["docs/reference/api.md"]),
    "API fields": ({"requested_at", "decision_method", "actor", "method", "out_of_office"}, ["docs/reference/api.md"]),
}


@pytest.mark.parametrize("kind", PROMISED)
def test_every_name_is_explained(kind: str) -> None:
    names, pages = PROMISED[kind]
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in pages)
    assert len(names) > 4
    assert not {str(name) for name in names if not _explained(str(name), text)}


def _explained(name: str, text: str) -> bool:
    """Whether a page has a name as code, or at the beginning of a line of a TOML block."""
    return (
        re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`|^\[*{re.escape(name)}\b", text, re.MULTILINE)
        is not None
    )


def test_the_api_description_lists_its_errors() -> None:
    assert api_errors() >= set(Why)
