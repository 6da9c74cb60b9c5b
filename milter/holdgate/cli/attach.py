"""`holdgate attach` and `detach`: show what would change in Postfix's settings, ask, and do it."""

import argparse
import os
import sys

from holdgate.configfile import load_settings
from holdgate.queue import attach
from holdgate.queue.attach import AttachError, Plan
from holdgate.queue.postfix import PostfixError

_DONE, _DECLINED, _TROUBLE = 0, 1, 2


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the two subcommands."""
    attaching = commands.add_parser(
        "attach",
        help="put Holdgate into Postfix's settings",
        description="Shows the exact changes, asks, makes them, has Postfix check them, and reloads Postfix. "
        "Exit code 0: attached; 1: declined; 2: it cannot be done.",
    )
    detaching = commands.add_parser(
        "detach",
        help="take Holdgate out of Postfix's settings",
        description="Brings main.cf and master.cf back to what they were before attach, or, where somebody changed "
        "them since, takes out our part alone. Held mail stays held. Exit code 0: detached; 1: declined; 2: it cannot "
        "be done.",
    )
    for command, run in ((attaching, _attach), (detaching, _detach)):
        command.add_argument("--yes", action="store_true", help="do not ask")
        command.add_argument("--dry-run", action="store_true", help="show the changes and stop")
        command.add_argument("--quiet", action="store_true", help="print nothing but problems")
        command.set_defaults(run=run)


def _attach(arguments: argparse.Namespace) -> int:
    try:
        plan = attach.plan_attach(load_settings(arguments.config))
        if not _agreed(plan, arguments, "attached already"):
            return _DONE if arguments.dry_run or not plan.difference else _DECLINED
        attach.remember(plan)
        attach.apply(plan)
    except (AttachError, PostfixError, OSError) as error:
        return _say_trouble(error)
    _say(arguments, 'Attached. Send yourself a test message; "holdgate check" looks at the whole.')
    return _DONE


def _detach(arguments: argparse.Namespace) -> int:
    try:
        plan = attach.plan_detach(load_settings(arguments.config))
        if not _agreed(plan, arguments, "not attached"):
            return _DONE if arguments.dry_run or not plan.difference else _DECLINED
        attach.apply(plan)
        attach.forget(plan.config)
    except (AttachError, PostfixError, OSError) as error:
        return _say_trouble(error)
    _say(arguments, 'Detached. What is held stays in the hold queue: "postqueue -p", and "postsuper -H ID" lets it go.')
    return _DONE


def _agreed(plan: Plan, arguments: argparse.Namespace, nothing: str) -> bool:
    """Show the plan and say whether it is to be carried out."""
    for remark in plan.remarks:
        _say(arguments, f"Note: {remark}")
    if not plan.difference:
        _say(arguments, f"{plan.config}: {nothing}; nothing to change")
        return False
    _say(arguments, plan.difference)
    if arguments.dry_run:
        return False
    if os.geteuid() != 0:
        raise AttachError(f"only root may change {plan.config}: run it with sudo")
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        raise AttachError("nobody can be asked here: look at the changes above, and run it with --yes")
    return input("Make these changes and reload Postfix? [y/N] ").strip().lower() in ("y", "yes")


def _say(arguments: argparse.Namespace, text: str) -> None:
    if not arguments.quiet:
        print(text)


def _say_trouble(error: Exception) -> int:
    print(f"holdgate: {error}", file=sys.stderr)
    return _TROUBLE
