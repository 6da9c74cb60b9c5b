"""`holdgate store`: copies the store into another database."""

import argparse
import time

from holdgate.cli.output import print_result, progress
from holdgate.config import url_mistake
from holdgate.configfile import ConfigError
from holdgate.phrases import counted
from holdgate.quarantine.copying import copy


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    store = commands.add_parser("store", help="copy the store into another database")
    steps = store.add_subparsers(dest="step", required=True, metavar="STEP")
    copying = steps.add_parser(
        "copy",
        help="copy all incidents, requests, notices, seals and the audit trail, from SQLite to PostgreSQL or back",
        description="Copies a store into an empty database and verifies the copy: the number of rows, the audit trail, "
        "and the rows that it binds. Stop all daemons first. No daemon opens a copy that is not complete. If the "
        "command is interrupted, run it again: it continues. Run it as the user that owns the store.",
    )
    copying.add_argument("source", metavar="FROM", help="URL of the store, as in store.url")
    copying.add_argument("target", metavar="TO", help="URL of an empty database; a file of SQLite's is created")
    copying.set_defaults(run=_copy)


def _copy(arguments: argparse.Namespace) -> int:
    for name, url in (("FROM", arguments.source), ("TO", arguments.target)):
        if reported := url_mistake(url):
            raise ConfigError([f"{name}: {reported}"])
    began, rows = time.monotonic(), 0
    for step in progress(copy(arguments.source, arguments.target), "copying"):
        rows = step.total
    seconds = time.monotonic() - began
    message = (
        f"copied and verified {counted(rows, 'row')} in {seconds:.0f} s; set [store] url to the copy, and start the "
        "daemons"
    )
    print_result(arguments, message, rows=rows, seconds=round(seconds, 1))
    return 0
