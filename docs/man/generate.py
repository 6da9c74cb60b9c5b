"""Writes the man pages from the code: the commands from their parsers, the settings from their declarations.

That of the policies is the reference page in troff, so docs/reference/generate.py runs first.

Run it from the checkout's root: ``.venv/bin/python docs/man/generate.py``. A test fails while a page is stale.
"""

import argparse
import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

import holdgate.desk.main
import holdgate.gate.main
import holdgate.queue.main
import holdgate.scan.main
from holdgate import __version__
from holdgate.cli.main import build_parser
from holdgate.config import PolicySettings, Section, Settings
from holdgate.configfile import DEFAULT_PATH

_HERE = Path(__file__).parent
_REFERENCE = _HERE.parent / "reference/policies.md"
_SHIPPED_POLICIES = _HERE.parents[1] / "etc/policies.toml"
_NOTE = r".\" Written by docs/man/generate.py from the code: change it there."

_FILES = {
    "/etc/holdgate/holdgate.toml": "The settings, see holdgate.toml(5).",
    "/etc/holdgate/policies.toml": "The policies: who may send what to whom, see policies.toml(5).",
    "/etc/holdgate/rules.d/": "Rules of your own.",
    "/etc/holdgate/postfix/": "Postfix tables that hold what the milter marks, and take our headers off again.",
    "/etc/holdgate/credentials/": "Secrets for the daemons, as systemd hands them over (LoadCredential=).",
    "/var/lib/holdgate/": "The store.",
    "/var/spool/postfix/holdgate/milter.sock": "Where the milter listens.",
    "/run/holdgate/queue.sock": "Where the queue agent listens.",
    "/run/holdgate/scan/scan.sock": "Where the scan service listens.",
}
_SIGNALS = {
    "holdgate-milter": {
        "SIGUSR1": "Read settings, policies, rules and keys again; with a mistake in them, the old ones stay active. "
        "systemctl reload holdgate-milter sends it.",
        "SIGTERM": "End normally. Messages under way are deferred.",
    },
    "holdgate-queue": {"SIGTERM": "End normally. Held mail stays held."},
    "holdgate-scan": {"SIGTERM": "End normally, with all workers. The daemons connect again after the next start."},
    "holdgate-desk": {"SIGTERM": "End normally. What is outbox is sent after the next start."},
}


def _escape(text: str) -> str:
    """Make text safe for troff: its escape character, and the characters that begin a request."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("’", "'")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def _plain(text: str) -> str:
    """Remove the markup of docstrings and descriptions."""
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
    return text.replace("`", "").strip()


def _page(name: str, section: int, short: str, body: list[str]) -> str:
    title = f'.TH {name.upper()} {section} "" "Holdgate {__version__}" "Holdgate"'
    lines = [_NOTE, title, ".SH NAME", f"{_escape(name)} \\- {_escape(short)}", *body]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        yield _escape(_plain(" ".join(paragraph.split())))


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, meaning in terms.items():
        yield ".TP"
        yield rf"\fB{_escape(term)}\fR"
        yield _escape(_plain(meaning))


def _see_also(*pages: str) -> list[str]:
    """List other pages, each on a separate line: .BR puts no space between its arguments."""
    references = [f".BR {_escape(page).replace('(', ' (')}" for page in pages]
    return [".SH SEE ALSO", *(f"{reference}," for reference in references[:-1]), references[-1]]


def command() -> str:
    """Return holdgate(8): every subcommand with its arguments."""
    parser = build_parser()
    body = [
        ".SH SYNOPSIS",
        r"\fBholdgate\fR [\fB\-c\fR \fIFILE\fR] \fICOMMAND\fR [\fIargument\fR ...]",
        ".SH DESCRIPTION",
        _escape(
            "Holdgate inspects the mail that leaves through Postfix. Mail with personal data waits in Postfix's hold "
            "queue until a moderator approves it, rejects it, or its deadline passes. This command looks at what "
            "waits, decides, tries rules out, and looks after the installation."
        ),
        ".SH OPTIONS",
        *_terms(_arguments(parser)),
        ".SH COMMANDS",
    ]
    for child in _children(parser):
        body += [f".SS {_escape(_usage(child))}", *_paragraphs(_what(parser, child)), *_terms(_arguments(child))]
    body += [".SH FILES", *_terms(_FILES)]
    daemons = ("holdgate-milter(8)", "holdgate-scan(8)", "holdgate-queue(8)", "holdgate-desk(8)")
    body += _see_also("holdgate.toml(5)", "policies.toml(5)", *daemons, "postsuper(1)")
    return _page("holdgate", 8, "data loss prevention for outgoing mail, with approval by a moderator", body)


def _children(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in dict.fromkeys(action.choices.values()):
                if not any(isinstance(inner, argparse._SubParsersAction) for inner in child._actions):
                    yield child
                yield from _children(child)


def _what(parser: argparse.ArgumentParser, child: argparse.ArgumentParser) -> str:
    """Return the summary of a command in its parent, and its own description."""
    helps = [
        choice.help or ""
        for holder in (parser, *_holders(parser))
        for action in holder._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
        if action.choices.get(choice.dest) is child
    ]
    first = helps[0] if helps else ""
    sentence = first[:1].upper() + first[1:] + "." if first else ""
    return "\n\n".join(text for text in (sentence, child.description or "") if text) or child.prog


def _holders(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in dict.fromkeys(action.choices.values()):
                yield child
                yield from _holders(child)


def _usage(parser: argparse.ArgumentParser) -> str:
    """Return a command and its arguments. What argparse prints differs between versions of Python.

    From 3.14 on it has colours if standard output is a terminal, and joins options with arguments that exclude them.
    """
    options, words = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        value = action.metavar or (f"{{{','.join(action.choices)}}}" if action.choices else "")
        if action.option_strings:
            takes = "" if action.nargs == 0 else f" {value or action.dest.upper()}"
            options.append(
                f"{action.option_strings[0]}{takes}" if action.required else f"[{action.option_strings[0]}{takes}]"
            )
        else:
            value = str(value or action.dest)
            words.append({"?": f"[{value}]", "+": f"{value} [{value} ...]"}.get(str(action.nargs), value))
    return " ".join([parser.prog, *options, *words]).removeprefix("holdgate ")


def _arguments(parser: argparse.ArgumentParser) -> dict[str, str]:
    terms = {}
    formatter = argparse.HelpFormatter(parser.prog)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        terms[_invocation(action)] = formatter._expand_help(action) if action.help else ""
    return {term: meaning or "See above." for term, meaning in terms.items()}


def _invocation(action: argparse.Action) -> str:
    """Return an argument in the manual's form, because that of argparse differs between versions."""
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    takes = [] if action.nargs == 0 else [f"{{{','.join(action.choices)}}}" if action.choices else str(value)]
    return " ".join([", ".join(action.option_strings), *takes]).strip()


def _daemon(name: str, module: object) -> str:
    text = inspect.getdoc(module) or ""
    first, _, rest = text.partition("\n\n")
    short = _plain(" ".join(first.split()).partition(": ")[2]).rstrip(".")
    options = {
        "-c FILE, --config FILE": f"Settings file (default: {DEFAULT_PATH}).",
        "-v, --verbose": "Log more.",
        "--version": "Print the version and end.",
    }
    codes = {
        "0": "Ended normally.",
        "71": "Something it needs cannot be had: the store, a socket, a port. systemd tries again.",
        "78": "A mistake in the settings or the policies. systemd does not try again before somebody fixes it.",
    }
    body = [
        ".SH SYNOPSIS",
        rf"\fB/opt/holdgate/bin/{_escape(name)}\fR [\fB\-c\fR \fIFILE\fR] [\fB\-v\fR]",
        ".SH DESCRIPTION",
        *list(_paragraphs(f"It {short}.\n\n{rest}"))[1:],
        ".PP",
        _escape(f"systemd starts it as {name}.service, a part of holdgate.target."),
        ".SH OPTIONS",
        *_terms(options),
        ".SH SIGNALS",
        *_terms(_SIGNALS[name]),
        ".SH EXIT STATUS",
        *_terms(codes),
        ".SH FILES",
        *_terms(_FILES),
        *_see_also("holdgate(8)", "holdgate.toml(5)", "policies.toml(5)"),
    ]
    return _page(name, 8, short, body)


def settings() -> str:
    """Return holdgate.toml(5): every setting with its default."""
    body = [
        ".SH SYNOPSIS",
        rf"\fB{_escape(str(DEFAULT_PATH))}\fR",
        ".SH DESCRIPTION",
        _escape(
            "The settings of Holdgate, in TOML. A file needs only what differs from the defaults; an empty one is "
            "valid. Durations are written 30s, 10m, 12h, 2d; sizes 512K, 25M, 1G (powers of 1024); addresses "
            "host:port. A key that is not listed here is an error. holdgate check reads the file and names every "
            "problem."
        ),
        ".SH SETTINGS",
    ]
    for name, field in Settings.model_fields.items():
        if not _section(field):
            body += _terms({name: f"{field.description} Default: {json.dumps(field.default)}."})
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            body += [f".SH [{name}]", _escape(_plain((section.__doc__ or "").splitlines()[0])), *_settings(section)]
    body += _see_also("holdgate(8)", "policies.toml(5)")
    return _page("holdgate.toml", 5, "settings of Holdgate", body)


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _settings(section: type[Section]) -> Iterator[str]:
    defaults = section().model_dump(mode="json")
    for name, field in section.model_fields.items():
        default = "unset" if defaults[name] is None else json.dumps(defaults[name])
        yield from _terms({name: f"{field.description or ''} Default: {default}."})


def policies() -> str:
    """Return policies.toml(5): every key of the policies file, and how the verdict is reached."""
    text = _REFERENCE.read_text(encoding="utf-8")
    body = [".SH SYNOPSIS", rf"\fB{PolicySettings().file}\fR", ".SH DESCRIPTION"]
    for block in text.partition("\n# Policies\n")[2].strip().split("\n\n"):
        if block.startswith("## "):
            body.append(f".SH {_escape(_plain(block.removeprefix('## ')))}")
        elif block.startswith("| "):
            body += _terms(dict(_rows(block)))
        else:
            body += _paragraphs(block)
    body += [".SH EXAMPLES", "The file that is shipped:", ".PP", ".nf"]
    body += [*_escape(_SHIPPED_POLICIES.read_text(encoding="utf-8")).splitlines(), ".fi"]
    body += _see_also("holdgate(8)", "holdgate.toml(5)", "postmap(1)", "access(5)")
    return _page("policies.toml", 5, "who may send what to whom", body)


def _rows(table: str) -> Iterator[tuple[str, str]]:
    """Yield the rows of a Markdown table of two columns, or of three with the default in the middle."""
    for line in table.splitlines()[2:]:
        term, *default, meaning = (cell.strip().replace("&#124;", "|") for cell in line.strip("|").split("|"))
        output = ["Must be given." if value == "must be given" else f"Default: {value}." for value in default]
        yield _plain(term), " ".join([meaning, *output])


PAGES: dict[str, Callable[[], str]] = {
    "holdgate.8": command,
    "holdgate-milter.8": lambda: _daemon("holdgate-milter", holdgate.gate.main),
    "holdgate-queue.8": lambda: _daemon("holdgate-queue", holdgate.queue.main),
    "holdgate-desk.8": lambda: _daemon("holdgate-desk", holdgate.desk.main),
    "holdgate-scan.8": lambda: _daemon("holdgate-scan", holdgate.scan.main),
    "holdgate.toml.5": settings,
    "policies.toml.5": policies,
}


def stale() -> list[str]:
    """Return the names of the pages that differ from the code."""
    return [name for name, page in PAGES.items() if not _is_current(_HERE / name, page)]


def _is_current(path: Path, page: Callable[[], str]) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    for name, page in PAGES.items():
        (_HERE / name).write_text(page(), encoding="utf-8")
