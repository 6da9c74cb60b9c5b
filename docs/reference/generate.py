"""Writes the reference pages that come from the code: settings, metrics, commands, formats, confinement.

Run it from the checkout's root: ``.venv/bin/python docs/reference/generate.py``. A test fails while a page is stale.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from datetime import time, timedelta
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
from holdgate.notation import format_duration
from holdgate.policy import actions, verdict
from holdgate.policy.model import Exemption, Policy, PolicyFile
from holdgate.policy.terms import Attachment, Conditions, MachineLimits, Need, RecipientRisk, TimeWindow
from holdgate.quarantine.eventnames import EARLIER, EventName

_HERE = Path(__file__).parent
_NOTE = "<!-- Written by docs/reference/generate.py from the code: change it there. -->\n"


def config() -> str:
    """Return the page of settings."""
    lines = [
        "# Settings",
        "",
        "This page lists all settings of `/etc/holdgate/holdgate.toml` with their defaults. The file needs only the",
        "settings that differ from the default; an empty file is valid. Durations are written `30s`, `10m`, `12h`,",
        "`2d`; sizes `512K`, `25M`, `1G` (powers of 1024); addresses `host:port`. A key that is not listed here is an",
        "error. `holdgate check` reads the file and names every problem. [What to run after a",
        "change](../howto/install.md#change-settings-later).",
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
        "This page lists the keys of the policies file (`policy.file` of the [settings](config.md), by default",
        "`/etc/holdgate/policies.toml`). The [cookbook](../howto/cookbook.md) has complete files.",
        "",
        "| command | what it does |",
        "|---|---|",
        "| `holdgate policy test` | shows which policy decides on a message |",
        "| `holdgate policy replay` | shows what a changed file would have done with the recorded incidents |",
        "| `holdgate check` | lists errors, and policies that no message reaches |",
        "| `holdgate reload` | activates a change |",
        "",
        "A reload refuses a file with an error, without a policy, or without its end, and the earlier policies stay",
        "active. If policies are missing after a reload, the log names them (`policies-gone`). Replace the file in",
        "one step (`install`, `mv`, or an editor that does so): a reload during a copy would read half of it.",
        "",
        "## How a message is decided",
        "",
        "| step | what happens |",
        "|---|---|",
        *_verdict_rows(),
        "",
        "| action | the message is |",
        "|---|---|",
        *(f"| `{one.name}` | {one.summary} |" for one in actions.REGISTRY.ordered() if one.for_policies),
        "",
        "Patterns can contain `*`, `?` and `[…]`. Upper and lower case are equal. A pattern of addresses without `@`",
        "is a domain; `<>` is the null sender. Instead of a pattern, you can name a Postfix table (`ldap:/etc/…`,",
        "`pgsql:…`, `hash:…`, `pcre:…`). Holdgate looks up the address, its domain and its `mailbox@` with",
        "`postmap -q`, as in access(5). The condition is true if the table has an entry, whatever its value. If a",
        "table cannot be queried, the message is deferred. The group `holdgate` must have access, and a table on",
        "another machine needs a line in a drop-in of the milter's unit: see",
        "[tables and databases elsewhere](../howto/install.md#tables-and-databases-elsewhere).",
        "",
    ]
    lines += _model_table("Top level", PolicyFile, ("policy", "exemption", "end"))
    lines += _model_table("`[[policy]]`", Policy, tuple(Conditions.model_fields))
    lines[-1:] = [*(row for one in actions.REGISTRY.ordered() for row in _rows(one, f"For `{one.name}`: ")), ""]
    lines += _model_table("Conditions of `[[policy]]`", Conditions, ())
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
    """Yield a row for each key. Its description begins with `about`."""
    for name, field in model.model_fields.items():
        if name in left_out:
            continue
        default = "must be given" if field.is_required() else _toml(field.default)
        yield f"| `{field.alias or name}` | {default} | {about}{(field.description or '').replace('|', '&#124;')} |"


def _toml(value: object) -> str:
    if isinstance(value, frozenset):
        return "every day"
    if value is None:
        return "unset"
    if value in ([], {}, ""):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, time):
        return f"`{value:%H:%M}`"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    return f"`{value}`"


def metrics_page() -> str:
    """Return the page of metrics."""
    lines = [
        "# Metrics",
        "",
        "This page lists the metrics of each daemon. In addition, each one has the process and Python metrics of",
        "prometheus-client. Their addresses are `[metrics]` of the [settings](config.md).",
        "[Monitor](../howto/monitor.md) has alerts and a dashboard. Label values come from fixed lists and the names",
        "of nodes: no address, subject or id is ever a label.",
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
    lines = ["# Commands", "", "This page has the output of `--help` of each command.", ""]
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
        "This page lists each kind of document that Holdgate distinguishes: its name in policies and logs, the library",
        "that reads it, and what is not read. Holdgate recognises the kind by the content, never by the name or the",
        "declared type. If something in a part is not read, the part is `limited` or `failed`",
        "([extraction](../explanation/extraction.md)).",
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
        "This page lists what each process can do, as the package sets it up; `holdgate check --confinement` prints",
        "the same. Everything else is denied by the process's unit (`systemd/`), by the rights of its user, or by",
        "[the sandbox](../explanation/sandbox.md). `~` removes a group of system calls (systemd.exec(5)). Sockets",
        "have the names of their [settings](config.md). No process can gain privileges (`NoNewPrivileges=yes`), write",
        "a core file (`LimitCORE=0`), or make memory executable (`MemoryDenyWriteExecute=yes`).",
        'With `[scan] socket = ""`,',
        "there is no scan service: zygote and workers are children of milter and desk, and have their users.",
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


def history_page() -> str:
    """Return the page of the events in an incident's history."""
    lines = [
        "# History of an incident",
        "",
        "This page lists the events in the history of an incident. `holdgate show ID` and the [API](api.md) print the",
        "event, the person or daemon (`actor`), how it was done (`method`), and a note. A change of the",
        "[state](../glossary.md#states-of-an-incident) is an event with the name of the new state.",
        "",
        "The audit trail stores the name in the second column, and `holdgate audit export` prints it: it is part of",
        "the hash chain, so it is never changed. Versions up to 1.2 stored some events by another name.",
        "",
        "| event | in the audit trail | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{one.code}` | `{one}` | {one.meaning} |" for one in EventName]
    lines += ["", "| in the audit trail up to version 1.2 | event |", "|---|---|"]
    lines += [f"| `{name}` | `{one.code}` |" for name, one in EARLIER.items()]
    return "\n".join([*lines, ""])


PAGES: dict[str, Callable[[], str]] = {
    "confinement.md": confinement_page,
    "config.md": config,
    "policies.md": policies,
    "metrics.md": metrics_page,
    "commands.md": commands,
    "formats.md": formats,
    "history.md": history_page,
}


def stale() -> list[str]:
    """Return the names of the pages that differ from the code."""
    return [name for name, page in PAGES.items() if not _is_current(_HERE / name, page)]


def _is_current(path: Path, page: Callable[[], str]) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == _NOTE + page()


if __name__ == "__main__":
    for name, page in PAGES.items():
        (_HERE / name).write_text(_NOTE + page(), encoding="utf-8")
