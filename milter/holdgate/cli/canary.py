"""`holdgate canary`: sends a marked message the whole way; a timer runs it, and a metric says when it worked."""

import argparse
import sys

from holdgate.config import load_settings
from holdgate.desk import canary
from holdgate.desk.context import Desk
from holdgate.quarantine.store import open_store


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    one = commands.add_parser(
        "canary",
        help="send a message through the whole way: held, requested, approved, released",
        description="Sends a message with published test numbers, sees that it is held and that its approval is "
        "requested, approves it, and sees that it leaves the queue. [canary] in holdgate.toml says whom it goes to. "
        "Exit code 0: it came through; 2: not.",
    )
    one.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    try:
        incident = canary.run(Desk(open_store(settings.store.url), settings))
    except (canary.CanaryError, OSError) as error:
        print(f"holdgate canary: {error}", file=sys.stderr)
        return 2
    print(f"holdgate canary: {incident.id} was held, approved and released")
    return 0
