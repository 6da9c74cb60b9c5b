"""`holdgate attach` and `detach`: show the changes to Postfix's settings, ask for confirmation, and make them."""

import argparse
import os
import sys

from holdgate.cli.output import colour, print_error, print_result, wants_json
from holdgate.configfile import load_settings
from holdgate.policy.model import policies_of
from holdgate.policy.review import holding
from holdgate.queue import attach
from holdgate.queue.attach import AttachError, Plan
from holdgate.queue.postfix import PostfixError

_DONE, _DECLINED, _TROUBLE = 0, 1, 2


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the two subcommands."""
    attaching = commands.add_parser(
        "attach",
        help="add Holdgate to Postfix's settings",
        description="Shows the exact changes, asks for confirmation, makes them, and reloads Postfix, which "
        "checks them. "
        "Exit code 0: attached; 1: declined; 2: an error.",
    )
    detaching = commands.add_parser(
        "detach",
        help="remove Holdgate from Postfix's settings",
        description="Restores main.cf and master.cf as they were before attach. If a file was changed since, only "
        "Holdgate's part is removed. Held mail stays held. Exit code 0: detached; 1: declined; 2: an error.",
    )
    attaching.add_argument(
        "--scanner-only",
        action="store_true",
        help="write no header checks and no listener: another system, such as Exchange or Gmail, holds marked mail",
    )
    for command, run in ((attaching, _attach), (detaching, _detach)):
        command.add_argument("--yes", action="store_true", help="make the changes without confirmation")
        command.add_argument("--dry-run", action="store_true", help="show the changes, and make none")
        command.add_argument("--quiet", action="store_true", help="print only problems")
        command.set_defaults(run=run)


def _attach(arguments: argparse.Namespace) -> int:
    try:
        settings = load_settings(arguments.config)
        if arguments.scanner_only and (held := holding(policies_of(settings.policy))):
            raise AttachError(
                f"{settings.policy.file}: {held} holds mail on this machine; set another action, such as tag, or run "
                "attach without --scanner-only"
            )
        plan = attach.plan_attach(settings, scanner_only=arguments.scanner_only)
        if not _agreed(plan, arguments, "attached already"):
            _report(arguments, plan, done=False)
            return _DONE if arguments.dry_run or not plan.difference else _DECLINED
        attach.save_state(plan)
        attach.apply(plan)
    except (AttachError, PostfixError, OSError) as error:
        return _report_error(arguments, error)
    _print(arguments, "Attached. Send a test message to yourself, then run: holdgate check")
    return _report(arguments, plan, done=True)


def _detach(arguments: argparse.Namespace) -> int:
    try:
        plan = attach.plan_detach(load_settings(arguments.config))
        if not _agreed(plan, arguments, "not attached"):
            _report(arguments, plan, done=False)
            return _DONE if arguments.dry_run or not plan.difference else _DECLINED
        attach.apply(plan)
        attach.delete_state(plan.config)
    except (AttachError, PostfixError, OSError) as error:
        return _report_error(arguments, error)
    _print(
        arguments,
        'Detached. Held mail stays in the hold queue: "postqueue -p" lists it, "postsuper -H ID" releases a message.',
    )
    return _report(arguments, plan, done=True)


def _agreed(plan: Plan, arguments: argparse.Namespace, nothing: str) -> bool:
    """Show the plan and return whether to carry it out."""
    for remark in plan.remarks:
        _print(arguments, f"warning: {remark}")
    if not plan.difference:
        _print(arguments, f"{plan.config}: {nothing}; nothing to change")
        return False
    _print(arguments, "\n".join(map(coloured, plan.difference.split("\n"))))
    if arguments.dry_run:
        return False
    if os.geteuid() != 0:
        raise AttachError(f"only root can change {plan.config}; run the command with sudo")
    if arguments.yes:
        return True
    if wants_json(arguments) or not sys.stdin.isatty():
        raise AttachError(
            "standard input is not a terminal, so the changes cannot be confirmed; review them above, then run the "
            "command with --yes"
        )
    return input("Make these changes and reload Postfix? [y/N] ").strip().lower() in ("y", "yes")


def coloured(line: str) -> str:
    """Return a line of a difference in the colour of its kind, on a terminal."""
    return colour("green", line) if line.startswith("+") else colour("red", line) if line.startswith("-") else line


def _print(arguments: argparse.Namespace, text: str) -> None:
    if not arguments.quiet and not wants_json(arguments):
        print(text)


def _report(arguments: argparse.Namespace, plan: Plan, *, done: bool) -> int:
    """With `--json`, print what was or would be changed."""
    if wants_json(arguments):
        print_result(arguments, "", config=plan.config, done=done, difference=plan.difference, warnings=plan.remarks)
    return _DONE


def _report_error(arguments: argparse.Namespace, error: Exception) -> int:
    print_error(arguments, str(error))
    return _TROUBLE
