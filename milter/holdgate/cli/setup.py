"""`holdgate setup`: from an installed package to a test message that was held and released, with one confirmation.

It asks what it cannot determine, shows its changes to the settings, the policies and Postfix, makes them, and sends the
canary. Each step can be repeated: a second run with the same answers changes nothing, and checks again.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from holdgate.cli import attach as attaching
from holdgate.cli import canary, check, setup_answers, setup_files
from holdgate.cli.output import print_error, print_result, wants_json
from holdgate.cli.setup_files import Draft
from holdgate.config import Settings
from holdgate.configfile import load_settings
from holdgate.daemon import ids_of
from holdgate.policy.model import PolicyFile, policies_of
from holdgate.queue import attach
from holdgate.queue.attach import AttachError, Plan
from holdgate.queue.postfix import PostfixError

_DONE, _DECLINED, _TROUBLE = 0, 1, 2
UNITS = ("holdgate-scan", "holdgate-milter", "holdgate-queue", "holdgate-desk")
# Exists if systemd runs (sd_booted(3)).
_SYSTEMD = Path("/run/systemd/system")


class SetupError(Exception):
    """A step failed; the argument names it, what was done before it, and the remedy."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The pending changes: to files, and to Postfix's settings."""

    settings: Settings
    drafts: list[Draft]
    plan: Plan

    @property
    def changes(self) -> list[str]:
        """The differences to show."""
        return [text for text in (*(one.difference for one in self.drafts), self.plan.difference) if text]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    step = commands.add_parser(
        "setup",
        help="set up settings, policies, Postfix and daemons, and send a test message",
        description="Asks for your domains, the moderators, the address of the page and whether mail is held at once, "
        "with defaults from Postfix. Shows the changes to settings, policies and Postfix, asks for confirmation, makes "
        "them, starts the daemons, and sends a test message through all steps. A second run changes only what "
        "differs. Exit code 0: done; 1: declined; 2: an error, or the test message failed.",
    )
    step.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help="read the answers from this file (TOML) and ask no questions: see docs/howto/install.md",
    )
    step.add_argument("--yes", action="store_true", help="make the changes without confirmation")
    step.add_argument("--dry-run", action="store_true", help="show the changes, and make none")
    step.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        work = _prepare(arguments)
        _show(arguments, work)
        if arguments.dry_run:
            return _report(arguments, work, done=False)
        if os.geteuid() != 0:
            raise SetupError("only root can change these files; run the command with sudo")
        if work.changes and not _agreed(arguments):
            _report(arguments, work, done=False)
            return _DECLINED
        _carry_out(arguments, work)
    except (SetupError, AttachError, PostfixError, OSError) as error:
        print_error(arguments, str(error), command="holdgate setup")
        return _TROUBLE
    return _report(arguments, work, done=True)


def _prepare(arguments: argparse.Namespace) -> _Work:
    """Read the files, get the answers, and draft the changes. Raises ConfigError, SetupError, AttachError."""
    path = arguments.config
    settings = load_settings(path) if path.exists() else Settings()
    config = settings.queue.postfix_config
    if not all((config / name).exists() for name in ("main.cf", "master.cf")):
        raise SetupError(
            f"{config}: has no main.cf or no master.cf, so Postfix is not configured; run: dpkg-reconfigure "
            "postfix, choose "
            "how the machine sends mail, and run setup again"
        )
    policies = policies_of(settings.policy) if settings.policy.file.exists() else PolicyFile()
    defaults = setup_answers.defaults_of(settings, policies)
    if arguments.answers is not None:
        answers = setup_answers.read_answers(arguments.answers, defaults)
    elif wants_json(arguments) or not sys.stdin.isatty():
        raise SetupError(
            "standard input is not a terminal, so nothing can be asked; write the answers into a file, as "
            "/usr/share/doc/holdgate/examples/answers.toml shows, and name it with --answers"
        )
    else:
        answers = setup_answers.ask(defaults, _read_line, print)
    drafts = setup_files.draft(path, settings, policies, answers)
    settings = setup_files.settings_of(drafts)
    return _Work(settings, drafts, attach.plan_attach(settings))


def _read_line(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:
        raise SetupError("the input ended before the last answer; nothing was changed. Run setup again") from None


def _show(arguments: argparse.Namespace, work: _Work) -> None:
    if wants_json(arguments):
        return
    for remark in work.plan.remarks:
        print(f"warning: {remark}")
    for change in work.changes:
        print("\n".join(map(attaching.coloured, change.split("\n"))))
    if not work.changes:
        print("Settings, policies and Postfix already have these values; nothing to change.")


def _agreed(arguments: argparse.Namespace) -> bool:
    if arguments.yes or arguments.answers is not None:
        return True
    return input("Make these changes, start the daemons and reload Postfix? [y/N] ").strip().lower() in ("y", "yes")


def _carry_out(arguments: argparse.Namespace, work: _Work) -> None:
    """Write the files, start their daemons, configure Postfix, then check with a test message.

    Raises ConfigError, SetupError, AttachError, PostfixError, OSError. Completed steps are kept; the next run does not
    repeat them.
    """
    changed = [one for one in work.drafts if one.old != one.new]
    for one in changed:
        setup_files.write(one)
        _print_lines(arguments, f"{one.path}: written")
    if not _SYSTEMD.is_dir():
        _attach(arguments, work)
        _print_lines(arguments, "systemd does not run here; start the daemons, then run: holdgate canary")
        return
    _start(arguments, restart=bool(changed))
    _attach(arguments, work)
    _canary(arguments, work.settings)


def _start(arguments: argparse.Namespace, *, restart: bool) -> None:
    """Start the daemons, and wait until they are ready. Daemons that read the files at their start are restarted."""
    verb = "restart" if restart else "start"
    done = subprocess.run(["systemctl", verb, *UNITS], capture_output=True, text=True, errors="replace", check=False)
    states = [_state(unit) for unit in UNITS]
    if down := [unit for unit, state in zip(UNITS, states, strict=True) if state != "active"]:
        reason = done.stderr.strip().splitlines()[:1]
        raise SetupError(
            f"{', '.join(down)} did not start{f' ({reason[0]})' if reason else ''}; Postfix's settings were not "
            f"changed. See: journalctl -u {down[0]} -n 20; correct the error, and run setup again"
        )
    _print_lines(arguments, "The daemons run.")


def _state(unit: str) -> str:
    return subprocess.run(["systemctl", "is-active", unit], capture_output=True, text=True, check=False).stdout.strip()


def _attach(arguments: argparse.Namespace, work: _Work) -> None:
    if not work.plan.difference:
        return
    attach.save_state(work.plan)
    attach.apply(work.plan)
    _print_lines(arguments, "Attached to Postfix.")


def _canary(arguments: argparse.Namespace, settings: Settings) -> None:
    """Send the canary as the user who owns its files, and print the outcome."""
    if reasons := list(canary.remarks(settings)):
        raise SetupError(f"files are written and Postfix is attached, but no test message was sent: {reasons[0]}")
    observing = setup_answers.mode_of(policies_of(settings.policy)) == "observe"
    _print_lines(arguments, "Sending a test message through all steps …")
    uid, gid = ids_of(settings.user)
    command = [sys.executable, "-m", "holdgate.cli.main", "-c", str(arguments.config), "canary"]
    done = subprocess.run(
        [*command, *(["--observing"] if observing else [])],
        user=uid,
        group=gid,
        extra_groups=os.getgrouplist(settings.user, gid),
        umask=0o007,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise SetupError(
            f"files are written and Postfix is attached, but the test message failed: {reason[0]}; see: holdgate check"
        )
    _print_lines(arguments, done.stdout.strip())


def _report(arguments: argparse.Namespace, work: _Work, *, done: bool) -> int:
    """Print what remains to be done and, with `--json`, what was done."""
    problems = check.check(arguments.config).problems if done else []
    _print_lines(arguments, *(f"problem: {problem}" for problem in problems))
    if done:
        _print_lines(arguments, *_next_steps(work.settings))
    if wants_json(arguments):
        print_result(arguments, "", done=done, changed=bool(work.changes), differences=work.changes, problems=problems)
    return _DONE


def _next_steps(settings: Settings) -> list[str]:
    steps = ['Next: send a message that must be held; "holdgate list" shows it, "holdgate release ID" approves it.']
    if settings.desk.web_listen is None:
        steps.append(
            "Moderators can decide only by command. For the page, run setup again with its address; for "
            "replies by mail, "
            "see docs/howto/moderate.md."
        )
    return steps


def _print_lines(arguments: argparse.Namespace, *lines: str) -> None:
    if not wants_json(arguments):
        for line in lines:
            print(line, flush=True)
