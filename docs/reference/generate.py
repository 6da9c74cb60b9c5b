"""Writes the reference pages that come from the code: settings, metrics, commands, formats, confinement.

Run it from the checkout's root: ``.venv/bin/python docs/reference/generate.py``. A test fails while a page is stale.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path

from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from holdgate import metrics
from holdgate.cli import confinement
from holdgate.cli.main import build_parser
from holdgate.config import ApiToken, Section, Settings
from holdgate.extract.format import MESSAGE
from holdgate.extract.formats import REGISTRY
from holdgate.policy import actions, verdict
from holdgate.policy.model import Exemption, Policy, PolicyFile
from holdgate.policy.terms import Attachment, MachineLimits, Need, RecipientRisk, TimeWindow

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
    lines += _model_table("`[[desk.api_tokens]]`", ApiToken, ())
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
        shown = "unset" if default is None else f"`{json.dumps(default)}`"
        yield f"| `{name}` | {shown} | {(field.description or '').replace('|', '&#124;')} |"
    yield ""


def policies() -> str:
    """Return the page of the policies file."""
    lines = [
        "# Policies",
        "",
        "The policies file (`policy.file` of the [settings](config.md), by default `/etc/holdgate/policies.toml`), key",
        "by key. `etc/policies.toml` is the one that is shipped. `holdgate policy test` says which policy decides on",
        "a message, `holdgate policy replay` what a changed file would have done, and `holdgate check` finds policies",
        "that no message reaches. `holdgate reload` returns when a change counts; a file with a mistake is",
        "refused and the old one stays. So is a file without a policy, and one that was cut. Replace the file in one",
        "step (`install`, `mv`, an editor that does): a reload in the middle of a copy must not find half of it. Where",
        "a reload leaves policies out, the log names them (`policies-gone`).",
        "",
        "## How the verdict comes about",
        "",
        "| step | what happens |",
        "|---|---|",
        *_verdict_rows(),
        "",
        "| action | what becomes of the message |",
        "|---|---|",
        *(f"| `{one.name}` | {one.summary} |" for one in actions.REGISTRY.ordered() if one.for_policies),
        "",
        "Patterns know `*`, `?` and `[…]` and no difference between upper and lower case. A pattern of addresses",
        "without `@` is a domain; `<>` is the null sender. Where a pattern is expected a Postfix table may stand",
        "(`ldap:/etc/…`, `pgsql:…`, `hash:…`, `pcre:…`): it is asked through `postmap -q` for the address, its domain",
        "and its `mailbox@` as access(5) does, and matches when it has an entry. When a table cannot be asked, the",
        "message is deferred. The group `holdgate` must have access, and a table on another machine needs a line",
        "in a drop-in of the milter's unit: see how to [install](../howto/install.md#tables-and-databases-elsewhere).",
        "",
    ]
    lines += _model_table("Top level", PolicyFile, ("policy", "exemption", "end"))
    lines += _model_table("`[[policy]]`", Policy, ())
    lines[-1:] = [*(row for one in actions.REGISTRY.ordered() for row in _rows(one, f"For `{one.name}`: ")), ""]
    lines += _model_table("`during` and `not_during`", TimeWindow, ())
    lines += _model_table("`attachment`", Attachment, ())
    lines += _model_table("`recipient_risk`", RecipientRisk, ())
    lines += _model_table("`machine`", MachineLimits, ())
    lines += _model_table("`found` and `not_found`", Need, ())
    lines += _model_table("`[[exemption]]`", Exemption, ())
    return "\n".join(lines)


def _verdict_rows() -> Iterator[str]:
    """Yield the rows of the table in the docstring of `policy.verdict`."""
    rows: list[list[str]] = []
    for line in (verdict.__doc__ or "").splitlines():
        if line.startswith(("=", "step ")) or not line.strip():
            continue
        cells = re.split(r" {2,}", line, maxsplit=1)
        if line.startswith(" ") and rows:
            rows[-1][1] += " " + line.strip()
        elif line[0].isdigit():
            rows.append([cells[0], cells[1]])
    for step, text in rows:
        yield f"| {step} | {text} |"


def _model_table(title: str, model: type[BaseModel], left_out: tuple[str, ...]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield (model.__doc__ or "").splitlines()[0]
    yield ""
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    yield from _rows(model, "", left_out)
    yield ""


def _rows(model: type[BaseModel], about: str, left_out: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a row for each key; its description begins with `about`."""
    for name, field in model.model_fields.items():
        if name in left_out:
            continue
        default = "must be given" if field.is_required() else f"`{_toml(field.default)}`"
        yield f"| `{field.alias or name}` | {default} | {about}{(field.description or '').replace('|', '&#124;')} |"


def _toml(value: object) -> str:
    if isinstance(value, frozenset):
        return "every day"
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return str(value).replace("[]", "none").replace("{}", "none") or "none"


def metrics_page() -> str:
    """Return the page of metrics."""
    lines = [
        "# Metrics",
        "",
        "What each daemon tells Prometheus, beside the process and Python figures of prometheus-client. Where it",
        "listens is `[metrics]` of the [settings](config.md). Labels come from closed lists: no address, subject or id",
        "is ever one.",
        "",
        "| metric | by | type | labels | meaning |",
        "|---|---|---|---|---|",
    ]
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            name = value._name + ("_total" if isinstance(value, Counter) else "")
            kind = "counter" if isinstance(value, Counter) else "histogram" if isinstance(value, Histogram) else "gauge"
            labels = ", ".join(f"`{label}`" for label in value._labelnames)
            by = ", ".join(name for name, table in metrics.DAEMONS.items() if value in table).replace("holdgate-", "")
            lines.append(f"| `{name}` | {by} | {kind} | {labels} | {value._documentation} |")
    return "\n".join([*lines, ""])


def commands() -> str:
    """Return the page of commands."""
    parser = build_parser()
    lines = ["# Commands", "", "Each command tells the same with `--help`.", ""]
    for child in (parser, *_children(parser)):
        lines += _command(child)
    return "\n".join(lines)


def _children(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in dict.fromkeys(action.choices.values()):
                yield child
                yield from _children(child)


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield one command's section. Not format_help(): its form differs between Python versions."""
    yield f"## {parser.prog}"
    yield ""
    if parser.description:
        yield " ".join(parser.description.split())
        yield ""
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            rows += [(f"`{one.dest}`", one.help or "") for one in action._choices_actions]
        elif not isinstance(action, argparse._HelpAction):
            rows.append((_shape(action), (action.help or "") % {"default": action.default, "prog": parser.prog}))
    if rows:
        yield "| word | meaning |"
        yield "|---|---|"
        for shape, output in rows:
            yield f"| {shape} | {' '.join(output.split()).replace('|', '&#124;')} |"
        yield ""


def _shape(action: argparse.Action) -> str:
    value = action.metavar or ("\\|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return f"`{value}`" + (" …" if action.nargs == "+" else "")
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} `{value}`"


def formats() -> str:
    """Return the page of the formats that are read."""
    lines = [
        "# Formats",
        "",
        "Each kind of document that Holdgate distinguishes: its name in policies and logs, what reads it, and what",
        "stays unread. The content decides the kind, never the name or the declared type. Unread content makes the",
        "part `limited` or `failed` ([extraction](../explanation/extraction.md)).",
        "",
        "| kind | formats | read by | not read |",
        "|---|---|---|---|",
        f"| `{MESSAGE}` | RFC 5322 messages | Holdgate | |",
    ]
    for one in REGISTRY.formats.values():
        lines.append(f"| `{one.kind}` | {one.holds} | {one.read_by} | {one.unread or ''} |".replace("  |", " |"))
    return "\n".join([*lines, ""])


def confinement_page() -> str:
    """Return the page of each process's confinement."""
    lines = [
        "# Confinement",
        "",
        "What each process may still do, as the package sets it up; `holdgate check --confinement` prints the same.",
        "Everything else is denied by the process's unit (`systemd/`), by the rights of its user, or by",
        "[the sandbox](../explanation/sandbox.md). `~` removes a group of system calls (systemd.exec(5));",
        "sockets are named by their [settings](config.md). No process gains privileges (`NoNewPrivileges=yes`), leaves",
        "a core file (`LimitCORE=0`), or makes memory executable (`MemoryDenyWriteExecute=yes`). With",
        '`[scan] socket = ""` there is no scan service: zygote and workers are children of milter and desk, as their',
        "users.",
        "",
    ]
    lines += [f"- **{one.name}** (`{one.unit}.service`): {one.does}" for one in confinement.PROCESSES]
    lines += ["", *_markdown(confinement.rows()), ""]
    return "\n".join(lines)


def _markdown(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    head = next(rows)
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


PAGES: dict[str, Callable[[], str]] = {
    "confinement.md": confinement_page,
    "config.md": config,
    "policies.md": policies,
    "metrics.md": metrics_page,
    "commands.md": commands,
    "formats.md": formats,
}


def stale() -> list[str]:
    """Return the names of the pages that differ from the code."""
    return [name for name, page in PAGES.items() if not _is_current(_HERE / name, page)]


def _is_current(path: Path, page: Callable[[], str]) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == _NOTE + page()


if __name__ == "__main__":
    for name, page in PAGES.items():
        (_HERE / name).write_text(_NOTE + page(), encoding="utf-8")
