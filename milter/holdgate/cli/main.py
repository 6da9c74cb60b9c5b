"""`holdgate`: the administrator's command. It parses the command line and calls the module of the subcommand."""

import argparse
import contextlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from holdgate import __version__, maillog
from holdgate.cli import (
    attach,
    audit,
    canary,
    check,
    completion,
    incidents,
    machines,
    nodes,
    policy,
    relations,
    reload,
    rules,
    scan,
    seal,
    settings,
    setup,
    status,
    store,
    token_key,
)
from holdgate.cli.output import print_error, print_result, wants_json
from holdgate.cli.parsing import CommandParser
from holdgate.config import Settings
from holdgate.configfile import DEFAULT_PATH, ConfigError, load_settings
from holdgate.node import name_of
from holdgate.quarantine.database import DatabaseError, driver_message
from holdgate.quarantine.store import StoreError, migrate, open_store
from holdgate.renamed import POLICIES, RULES, SETTINGS, rename
from holdgate.scan.pool import ScanError

# Exit code of a command that failed; 1 is for findings (see `holdgate scan`).
_TROUBLE = 2
_AS_ROOT = "run the command as root or as Holdgate's user"
# Errors of SQLite and PostgreSQL, and of the system, for a user who has no access.
_DENIED = re.compile("readonly database|unable to open database|permission denied|authentication failed", re.IGNORECASE)
_FULL = re.compile("disk is full|no space left", re.IGNORECASE)


def build_parser() -> argparse.ArgumentParser:
    """Return the complete command line parser; the reference page is generated from it."""
    parser = CommandParser(
        prog="holdgate", description="Data loss prevention for outgoing mail, with approval by a moderator."
    )
    parser.add_argument(
        "-c", "--config", metavar="FILE", type=Path, default=DEFAULT_PATH, help="settings file (default: %(default)s)"
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for family in (
        *(
            setup,
            incidents,
            scan,
            rules,
            policy,
            relations,
            machines,
            seal,
            token_key,
            audit,
            check,
            status,
            nodes,
            store,
            attach,
            canary,
            reload,
            settings,
            completion,
        ),
    ):
        family.add_commands(commands)
    step = commands.add_parser("migrate", help="create the store, or migrate it to this version")
    step.set_defaults(run=_migrate)
    step = commands.add_parser(
        "migrate-settings",
        help="rename settings and keys of an earlier version in settings, policies and rules",
        description="Renames settings in the settings file, their counterparts in [policy.moderation] of the policies "
        "file, and keys in the files of rules.local_directory that have a new name since an earlier version. Prints "
        "each change; comments and order stay. The package runs it at upgrades.",
    )
    step.set_defaults(run=_migrate_settings)
    commands.choices["completion"].set_defaults(run=_complete)
    for command in commands.choices.values():
        _offer_json(command)
    return parser


def _offer_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json` to each command that does not define it."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for steps in below:
        for one in steps.choices.values():
            _offer_json(one)
    if not below and "--json" not in parser._option_string_actions:
        parser.add_argument("--json", action="store_true", help="print one JSON object")


def _migrate(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    before, after = migrate(settings.store.url)
    _introduce(settings)
    done = f"migrated the store from schema {before} to {after}"
    if before is None:
        done = f"created the store, with schema {after}"
    elif before == after:
        done = f"the store already has this version's schema ({after}); nothing was changed"
    print_result(arguments, done, migrated=True, before=before, schema=after)
    return 0


def _introduce(settings: Settings) -> None:
    """Register the first node in the store; it owns the incidents that were recorded before nodes existed."""
    with contextlib.suppress(ConfigError):  # a Postfix that is not configured yet has no name
        if name := name_of(settings):
            opened = open_store(settings.store.url)
            opened.nodes.introduce(name)
            opened.close()


def _complete(arguments: argparse.Namespace) -> int:
    written = completion.script(build_parser(), arguments.shell)
    print_result(arguments, written.rstrip("\n"), shell=arguments.shell, script=written)
    return 0


def _migrate_settings(arguments: argparse.Namespace) -> int:
    changed = rename(arguments.config, SETTINGS)
    settings = load_settings(arguments.config)
    if settings.policy.file.exists():
        changed += rename(settings.policy.file, POLICIES)
    directory = settings.rules.local_directory
    for path in sorted(directory.rglob("*.toml")) if directory else ():
        changed += rename(path, RULES)
    if changed or wants_json(arguments):
        print_result(arguments, "\n".join(changed), changed=changed)
    return 0


def main(words: Sequence[str] | None = None) -> None:
    """Run one subcommand and exit with its code."""
    arguments = build_parser().parse_args(words)
    maillog.configure("holdgate", daemon=False)
    try:
        sys.exit(arguments.run(arguments))
    except (ConfigError, ScanError) as error:
        _fail(arguments, str(error))
    except StoreError as error:
        _fail(arguments, _with_remedy(str(error)))
    except DatabaseError as error:
        # The exception's text repeats the statement with its values; the driver's text states the cause.
        _fail(arguments, _with_remedy(f"the store: {driver_message(error)}"))
    except BrokenPipeError:
        # The reader of the output has closed it: "holdgate list | head".
        sys.stderr.close()
        sys.exit(_TROUBLE)


def _with_remedy(problem: str) -> str:
    if _FULL.search(problem):
        return f"{problem}; free space on its disk, which holdgate check names"
    return f"{problem}; {_AS_ROOT}" if _DENIED.search(problem) else problem


def _fail(arguments: argparse.Namespace, message: str) -> NoReturn:
    """Print the error on standard error, and as JSON with `--json`, and exit."""
    print_error(arguments, message)
    sys.exit(_TROUBLE)


if __name__ == "__main__":
    main()
