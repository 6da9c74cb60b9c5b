"""The stable interfaces of a release: settings, keys of rules and policies, log events, metrics and migrations."""

import hashlib
import inspect
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel

from holdgate import __version__, maillog, metrics
from holdgate.config import Settings
from holdgate.detect.identifiers import Identifier, KeywordList
from holdgate.detect.profiles import Profile
from holdgate.policy.action import REGISTRY
from holdgate.policy.model import PolicyFile

ROOT = Path(__file__).resolve().parents[1]
RELEASED = ROOT / "tests/data/released.toml"
MIGRATIONS = ROOT / "milter/holdgate/quarantine/migrations/versions"
NAMES = ("log_events", "metrics", "policy_keys", "rule_keys")


def keys_of(model: type[BaseModel], table: str = "") -> set[str]:
    """Return the keys of a file as "TABLE.KEY", where TABLE is the name of the innermost table."""
    found = set()
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        found.add(f"{table}.{name}" if table else name)
        for inner in _types(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found |= keys_of(inner, name)
    return found


def _types(annotation: Any) -> list[Any]:
    """Return a type and its type arguments, at any depth."""
    inner = [one for argument in getattr(annotation, "__args__", ()) for one in _types(argument)]
    return [annotation, *inner]


def settings() -> set[str]:
    """Return the settings as "TABLE.KEY"."""
    return keys_of(Settings)


def rule_keys() -> set[str]:
    """Return the keys of identifiers, keyword lists and profiles."""
    return {key for model in (Identifier, KeywordList, Profile) for key in keys_of(model)}


def policy_keys() -> set[str]:
    """Return the keys of the policies file, including those of actions."""
    of_actions = {f"policy.{key}" for one in REGISTRY.ordered() for key in one.model_fields}
    return keys_of(PolicyFile) | of_actions


def log_events() -> set[str]:
    """Return the names of log events; a change of state is logged under the state's name."""
    return set(re.findall(r'_event\(\s*logging\.\w+,\s*[\w"]+,\s*"([\w-]+)"', inspect.getsource(maillog)))


def metric_names() -> set[str]:
    """Return the names of metrics as Prometheus has them."""
    found = set()
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            (family,) = one.describe()
            found.add(family.name + ("_total" if family.type == "counter" else ""))
    return found


def migrations() -> dict[str, str]:
    """Return the migration files with their SHA-256."""
    files = sorted(MIGRATIONS.glob("[0-9]*.py"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def current() -> dict[str, Any]:
    """Return the interfaces of this checkout, in the form of RELEASED."""
    values = Settings().model_dump(mode="json", exclude_none=True)
    without = settings() - keys_in(values)
    return {
        "version": __version__,
        "log_events": sorted(log_events()),
        "metrics": sorted(metric_names()),
        "policy_keys": sorted(policy_keys()),
        "rule_keys": sorted(rule_keys()),
        "settings_without_default": sorted(without),
        "migrations": migrations(),
        "settings": values,
    }


def keys_in(content: dict[str, Any]) -> set[str]:
    """Return the settings in a file's content, as "TABLE.KEY", and its tables."""
    tables = {name: table for name, table in content.items() if isinstance(table, dict)}
    return set(content) | {f"{name}.{key}" for name, table in tables.items() for key in table}


def released() -> dict[str, Any]:
    """Return the interfaces of the last release."""
    return tomllib.loads(RELEASED.read_text(encoding="utf-8"))


def toml(content: dict[str, Any], name: str = "") -> str:
    """Return tables as TOML: those of the first or second level with a header, deeper ones inline."""
    lines = []
    tables = []
    for key, value in content.items():
        if isinstance(value, dict) and value and name.count(".") == 0:
            inner = f"{name}.{_key(key)}" if name else _key(key)
            tables.append(f"\n[{inner}]\n{toml(value, inner)}")
        else:
            lines.append(f"{_key(key)} = {_value(value)}\n")
    return "".join(lines + tables)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list) and value and len(json.dumps(value)) > 100:
        return "[\n" + "".join(f"  {_value(one)},\n" for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
