"""`holdgate config`: prints the effective settings, all of them or those that a site changed."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from holdgate.cli.output import wants_json
from holdgate.configfile import load_settings


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    config = commands.add_parser("config", help="print the active settings")
    steps = config.add_subparsers(dest="step", required=True, metavar="STEP")
    show = steps.add_parser(
        "show",
        help="print all settings with their effective values",
        description="Reads the settings file and prints each setting with its effective value, in TOML.",
    )
    show.add_argument("--changed", action="store_true", help="only those that differ from the default")
    show.set_defaults(run=_show)


def _show(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    values = settings.model_dump(mode="json", exclude_defaults=arguments.changed)
    if wants_json(arguments):
        print(json.dumps(values))
    else:
        print("\n".join(to_toml(values)))
    return 0


def to_toml(values: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of plain settings as TOML: keys without a table first, then the tables.

    Unset values (None) are left out, because TOML cannot represent them.
    """
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    for key, value in values.items():
        if value is not None and key not in tables:
            yield f"{key} = {toml_value(value)}"
    for name, table in tables.items():
        if table:
            yield ""
            yield f"[{name}]"
        for key, value in table.items():
            if value is not None:
                yield f"{key} = {toml_value(value)}"


def toml_value(value: Any) -> str:
    """Return a value in TOML notation, on one line."""
    if isinstance(value, dict):
        pairs = (f"{toml_value(key)} = {toml_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    if isinstance(value, str):
        # TOML's basic strings accept JSON's escapes, but no lone surrogate, and DEL must be escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
