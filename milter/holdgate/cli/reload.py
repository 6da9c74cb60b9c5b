"""`holdgate reload`: has the milter reload its files, and returns afterwards, with an error if it rejected them.

The package's unit runs it for `systemctl reload holdgate-milter`, so that this fails too if the policies are rejected.
"""

import argparse
import contextlib
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from holdgate.cli.output import print_error, print_result
from holdgate.cli.parsing import whole_number
from holdgate.cli.scrape import scrape, value
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.detect import Detector, RuleError
from holdgate.milters import place_of
from holdgate.phrases import counted
from holdgate.policy.model import policies_of
from holdgate.seal import KeyFileError, load_keys

_DONE, _REFUSED = 0, 2
_TIMEOUT = 60
_PAUSE = 0.1
_UNIT = "holdgate-milter"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    reloading = commands.add_parser(
        "reload",
        help="make the milter reload settings, policies, rules and keys, and wait until they are active",
        description="Checks the files, makes holdgate-milter reload them, and returns when they are active. "
        "Exit code 0: "
        "they are active; 2: they have an error and the earlier ones stay active, or the milter did not answer.",
    )
    reloading.add_argument(
        "--timeout",
        type=whole_number(1, 3600),
        default=_TIMEOUT,
        metavar="SECONDS",
        help="how long to wait for the milter (default: %(default)s)",
    )
    reloading.add_argument(
        "--pid",
        type=whole_number(1, 2**22),
        default=0,
        metavar="NUMBER",
        help="process id of the milter (default: the process that listens on its socket)",
    )
    reloading.set_defaults(run=_run)


def mistakes(path: Path) -> list[str]:
    """Return the errors in the files that the milter reads, one line each."""
    try:
        settings = load_settings(path)
    except ConfigError as error:
        return error.problems
    return [*_in_policies(settings), *_elsewhere(settings)]


def _in_policies(settings: Settings) -> Iterator[str]:
    try:
        policies_of(settings.policy)
    except ConfigError as error:
        yield from error.problems


def _elsewhere(settings: Settings) -> Iterator[str]:
    try:
        load_keys(settings.seal.keys)
    except KeyFileError as error:
        yield str(error)
    try:
        Detector.from_rules(settings.rules.shipped(), local_dir=settings.rules.local_directory)
    except (RuleError, OSError) as error:
        yield str(error)


def _run(arguments: argparse.Namespace) -> int:
    if wrong := mistakes(arguments.config):
        # The milter rejects them too. Its log, its metric, the alert and `holdgate status` then report it.
        with contextlib.suppress(ConfigError, OSError):
            if pid := arguments.pid or _pid_of_milter(load_settings(arguments.config)):
                os.kill(pid, signal.SIGUSR1)
        return _fail(arguments, [*wrong, "the milter keeps its earlier settings and policies"])
    settings = load_settings(arguments.config)
    before = scrape(settings.metrics.milter)
    pid = arguments.pid or _pid_of_milter(settings)
    if before is None or not pid:
        return _fail(arguments, [f"{_UNIT} does not run; start it: systemctl start {_UNIT}"])
    try:
        os.kill(pid, signal.SIGUSR1)
    except PermissionError:
        return _fail(arguments, [f"process {pid} of {_UNIT} accepts no signal from this user; run the command as root"])
    except ProcessLookupError:
        return _fail(arguments, [f"{_UNIT} has just ended; see: systemctl status {_UNIT}"])
    return _wait(arguments, settings, before)


def _wait(arguments: argparse.Namespace, settings: Settings, before: str) -> int:
    """Wait until the milter has reloaded its files, as its metrics show."""
    deadline = time.monotonic() + arguments.timeout
    while time.monotonic() < deadline:
        now = scrape(settings.metrics.milter) or before
        if _count(now, "failed") > _count(before, "failed"):
            reasons = mistakes(arguments.config) or [f"the reason is in the log: journalctl -u {_UNIT} -n 20"]
            return _fail(arguments, [*reasons, f"{_UNIT} refused its files, and keeps the earlier ones"])
        if _count(now, "done") > _count(before, "done"):
            number = len(policies_of(settings.policy).policy)
            text = f"{counted(number, 'policy', 'policies')} active"
            older = list(_older(settings, arguments.config))
            lines = [text, *(f"{name} has older settings: systemctl restart {name}" for name in older)]
            print_result(arguments, "\n".join(lines), policies=number, restart=older)
            return _DONE
        time.sleep(_PAUSE)
    problem = (
        f"{_UNIT} has not reloaded its files within {arguments.timeout} s, so the earlier ones may still be "
        "active; see: "
        f"journalctl -u {_UNIT}, or wait longer with --timeout"
    )
    return _fail(arguments, [problem])


def _count(text: str, outcome: str) -> float:
    return value(text, f'holdgate_config_reloads_total{{outcome="{outcome}"}}') or 0.0


def _older(settings: Settings, path: Path) -> Iterator[str]:
    """Yield the daemons that read the settings only at their start, if that was before the file changed."""
    changed = path.stat().st_mtime
    for name, address in (("holdgate-queue", settings.metrics.queue), ("holdgate-desk", settings.metrics.desk)):
        started = value(scrape(address) or "", "process_start_time_seconds")
        if started is not None and started < changed:
            yield name


def _fail(arguments: argparse.Namespace, problems: list[str]) -> int:
    print_error(arguments, "\n".join(problems), command="holdgate reload")
    return _REFUSED


def _pid_of_milter(settings: Settings) -> int:
    """Return the process that listens on the milter's socket, or else the unit's; 0 if there is none."""
    place = place_of(settings.milter.socket)
    if isinstance(place, Path):
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(place))
            except OSError:
                return 0
            # struct ucred of the process that called listen(2): pid, uid, gid (unix(7), SO_PEERCRED).
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[0])
    command = ["systemctl", "show", "--property=MainPID", "--value", _UNIT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return int(done.stdout) if done.stdout.strip().isdecimal() else 0
