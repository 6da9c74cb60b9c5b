"""Writes the reference pages that come from the code: settings, metrics, commands.

Run it from the checkout's root: ``.venv/bin/python docs/reference/generate.py``. A test fails while a page is stale.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic.fields import FieldInfo

from holdgate import metrics
from holdgate.cli.main import build_parser
from holdgate.config import Section, Settings

_HERE = Path(__file__).parent
_NOTE = "<!-- Written by docs/reference/generate.py from the code: change it there. -->\n"


def config() -> str:
    """Return the page of settings."""
    lines = [
        "# Settings",
        "",
        "All settings of `/etc/holdgate/holdgate.toml`, with their defaults. A file needs only what differs; an empty",
        "one is valid. Durations are written `30s`, `10m`, `12h`, `2d`; sizes `512K`, `25M`, `1G` (powers of 1024);",
        "addresses `host:port`. A key that is not listed here is an error. `holdgate check` reads the file and names",
        "every problem.",
        "",
    ]
    lines += _table("", Settings, {n: f for n, f in Settings.model_fields.items() if not _section(f)})
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            lines += _table(f"[{name}]", section, section.model_fields)
    return "\n".join(lines)


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _table(title: str, section: type[Section], fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield f"## `{title}`" if title else "## Top level"
    yield ""
    if title:
        yield f"{(section.__doc__ or '').splitlines()[0]}"
        yield ""
    defaults = section().model_dump(mode="json")
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name, field in fields.items():
        default = defaults[name]
        shown = "unset" if default is None else f"`{default!r}`".replace("'", '"')
        yield f"| `{name}` | {shown} | {(field.description or '').replace('|', '&#124;')} |"
    yield ""


def metrics_page() -> str:
    """Return the page of metrics."""
    lines = [
        "# Metrics",
        "",
        "What each daemon tells Prometheus, beside the process and Python figures of prometheus-client. Where it",
        "listens is `[metrics]` of the [settings](config.md). Labels come from closed lists: no address, subject or id",
        "is ever one.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            name = value._name + ("_total" if isinstance(value, Counter) else "")
            kind = "counter" if isinstance(value, Counter) else "histogram" if isinstance(value, Histogram) else "gauge"
            labels = ", ".join(f"`{label}`" for label in value._labelnames)
            lines.append(f"| `{name}` | {kind} | {labels} | {value._documentation} |")
    return "\n".join([*lines, ""])


def commands() -> str:
    """Return the page of commands."""
    parser = build_parser()
    lines = ["# Commands", "", "What `--help` says of each command, word for word.", ""]
    lines += ["## holdgate", "", "```", _help(parser), "```", ""]
    for name, child in _children(parser):
        lines += [f"## {name}", "", "```", _help(child), "```", ""]
    return "\n".join(lines)


def _children(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in dict.fromkeys(action.choices.values()):
                yield child.prog, child
                yield from _children(child)


def _help(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)
    return parser.format_help().rstrip()


PAGES: dict[str, Callable[[], str]] = {"config.md": config, "metrics.md": metrics_page, "commands.md": commands}


def stale() -> list[str]:
    """Return the names of the pages that are not what the code says."""
    return [name for name, page in PAGES.items() if not _is_current(_HERE / name, page)]


def _is_current(path: Path, page: Callable[[], str]) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == _NOTE + page()


if __name__ == "__main__":
    for name, page in PAGES.items():
        (_HERE / name).write_text(_NOTE + page(), encoding="utf-8")
