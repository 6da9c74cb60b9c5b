"""Postfix's own commands on one instance's hold queue: list, show, release, delete. Needs root, as postsuper(1) does.

Release is ``postsuper -H`` and then ``postqueue -i``: -H keeps the queue id and repeats no check, and without -i the
message would wait for the next queue run. ``postsuper -r`` is never used: it gives the message a new id and runs
header_checks again, which would hold it again.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holdgate import maillog
from holdgate.phrases import reason_of

# Short and long queue ids, as postsuper(1) accepts them. Nothing else is ever passed to a command line.
_QUEUE_ID = re.compile(r"[0-9A-Za-z]{4,32}", re.ASCII)

# What postcat -e prints before the records, with the queue id, and the records and headings that follow.
_PLACE = re.compile(r"\*\*\* ENVELOPE RECORDS hold/(?:.*/)?([0-9A-Za-z]+) \*\*\*", re.ASCII)
_RECORD = re.compile(r"|\*\*\* [A-Z ]+ hold/\S+ \*\*\*|[a-z_ ]+: .*", re.ASCII)

# An address without quotes (RFC 5321, Dot-string), which postcat and postqueue print alike.
_PLAIN = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]+@[\w.-]+", re.ASCII)

# Time limit for one command, in seconds. postqueue lists 10,000 messages in about one.
_TIMEOUT = 60


class PostfixError(Exception):
    """A Postfix command failed; the argument is its output."""


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """One message in the hold queue, as ``postqueue -j`` prints it. `arrival_time` is in seconds since the epoch."""

    queue_id: str
    arrival_time: int
    size: int
    sender: str
    recipients: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of master.cf. `chroot` is its fifth column ("-" is no since Postfix 3.0), `settings` its -o options."""

    name: str
    type: str
    chroot: bool
    command: str
    settings: dict[str, str]

    def __str__(self) -> str:
        """Return "name/type", as postconf(1) writes it."""
        return f"{self.name}/{self.type}"


class Postfix:
    """One Postfix instance, named by its configuration directory."""

    def __init__(self, config_directory: Path) -> None:
        self._config = ["-c", str(config_directory.resolve())]

    def held(self) -> list[HeldMessage]:
        """List the hold queue. A message that moves during the listing may be missing or listed twice."""
        rows = (_row(line) for line in self._run("postqueue", "-j").splitlines() if line)
        return [message for message in rows if message is not None]

    def held_alone(self, queue_id: str) -> HeldMessage | None:
        """Return a held message in the form of `held`, from its file alone; None if that is not certain.

        postcat(1) prints the arrival time as local time: here UTC, if Postfix `keeps_zone`.
        """
        output = self._run("postcat", "-qe", _checked(queue_id), environment={"TZ": "UTC", "LC_ALL": "C"})
        return _message(queue_id, output)

    def keeps_zone(self) -> bool:
        """Return whether Postfix's commands keep the time zone of their caller."""
        return "TZ=" not in self.setting("import_environment")

    def hold_directory(self) -> Path:
        """Return the directory of the hold queue. It contains files, or directories of files (`hash_queue_names`)."""
        return Path(self.setting("queue_directory")) / "hold"

    def show(self, queue_id: str, *, header_only: bool) -> bytes:
        """Return a queued message, or only its header, with the line ends of the queue file (LF)."""
        return self._run("postcat", "-qh" if header_only else "-qbh", _checked(queue_id))

    def envelope(self, queue_id: str) -> bytes:
        """Return a message's envelope (postcat -e): lines "name: value" and "named_attribute: name=value"."""
        return self._run("postcat", "-qe", _checked(queue_id))

    def release(self, *queue_ids: str) -> None:
        """Release held messages from the hold queue under the same queue ids. No check is repeated.

        They are sent with the next queue run; see `flush`. A message that is not held is skipped.
        """
        self._run("postsuper", *(word for queue_id in queue_ids for word in ("-H", _checked(queue_id))))

    def flush(self, queue_id: str) -> None:
        """Have a message delivered now instead of with the next queue run."""
        self._run("postqueue", "-i", _checked(queue_id))

    def delete(self, *queue_ids: str) -> None:
        """Delete held messages, in the hold queue only. Postfix notifies no one."""
        self._run("postsuper", *(word for queue_id in queue_ids for word in ("-d", _checked(queue_id))), "hold")

    def setting(self, name: str) -> str:
        """Return one main.cf setting with its default and its macros expanded, as ``postconf -xh`` prints it."""
        return self._run("postconf", "-xh", name).decode().strip()

    def raw_setting(self, name: str) -> str:
        """Return one main.cf setting with its default, without expanding macros."""
        return self._run("postconf", "-h", name).decode().strip()

    def defaults(self) -> dict[str, str]:
        """Return every setting of this Postfix version, with its default."""
        lines = self._run("postconf", "-d").decode().splitlines()
        return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}

    def given(self) -> dict[str, str]:
        """Return the settings in main.cf, with unexpanded values (``postconf -n``)."""
        lines = self._run("postconf", "-n").decode().splitlines()
        return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}

    def unset(self, name: str) -> None:
        """Remove one setting from main.cf, so that its default applies."""
        self._run("postconf", "-X", name)

    def set(self, values: Mapping[str, str]) -> None:
        """Set some main.cf settings, at least one, in one write. The instance is not reloaded."""
        self._run("postconf", "-e", *(f"{name}={value}" for name, value in values.items()))

    def set_service(self, service: str, line: str) -> None:
        """Set one service of master.cf, named as "name/type"."""
        self._run("postconf", "-M", f"{service}={line}")

    def remove_service(self, service: str) -> None:
        """Remove one service, named as "name/type", from master.cf."""
        self._run("postconf", "-MX", service)

    def services(self) -> list[Service]:
        """Return the services of master.cf, with macros of their settings expanded."""
        settings: dict[str, dict[str, str]] = {}
        for line in self._run("postconf", "-Px").decode().splitlines():
            place, _, value = line.partition("=")
            service, _, name = place.strip().rpartition("/")
            settings.setdefault(service, {})[name] = value.strip()
        services = []
        for line in self._run("postconf", "-M").decode().splitlines():
            name, kind, _, _, chroot, _, _, command = line.split()[:8]
            services.append(Service(name, kind, chroot == "y", command, settings.get(f"{name}/{kind}", {})))
        return services

    def _run(self, program: str, *arguments: str, environment: dict[str, str] | None = None) -> bytes:
        command = [program, *self._config, *arguments]
        variables = None if environment is None else os.environ | environment
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False, env=variables)
        except OSError as error:
            raise PostfixError(f"{program}: {reason_of(error)}") from error
        except subprocess.TimeoutExpired as error:
            raise PostfixError(f"{program}: no result within {_TIMEOUT} s") from error
        if done.returncode != 0:
            reported = done.stderr.decode(errors="replace").strip().splitlines()
            raise PostfixError(f"{program} {arguments[0]}: {reported[-1] if reported else f'exit {done.returncode}'}")
        return done.stdout


def seconds_of(value: str) -> float:
    """Convert a Postfix time such as 300s or 5m to seconds; without a unit it is in seconds (postconf(5))."""
    match = re.fullmatch(r"(\d+)([smhdw]?)", value)
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return int(match[1]) * units[match[2]] if match else 0.0


def _row(line: bytes) -> HeldMessage | None:
    """Return the held message in a line of ``postqueue -j``; None for a message of another queue, or an invalid line.

    One unreadable line must not hide the other messages.
    """
    try:
        row = json.loads(line.decode("utf-8", "replace"))
        if row["queue_name"] != "hold":
            return None
        return HeldMessage(
            queue_id=row["queue_id"],
            arrival_time=row["arrival_time"],
            size=row["message_size"],
            sender="" if row["sender"] == "MAILER-DAEMON" else row["sender"],
            recipients=[recipient["address"] for recipient in row["recipients"]],
        )
    except (ValueError, KeyError, TypeError):
        maillog.failed(stage="listing", error="postqueue -j: a line that is not as postqueue(1) says")
        return None


def _message(queue_id: str, output: bytes) -> HeldMessage | None:
    """Return the held message in postcat(1)'s output for its envelope, None if a line is unexpected or repeated."""
    first, *lines = output.decode("utf-8", "replace").split("\n")
    place = _PLACE.fullmatch(first)
    if place is None or place[1] != queue_id:
        return None
    once: dict[str, list[str]] = {"message_size": [], "message_arrival_time": [], "sender": []}
    recipients = []
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "recipient":
            recipients.append(value)
        elif name in once:
            once[name].append(value)
        elif _RECORD.fullmatch(line) is None:
            return None
    try:
        (size,), (arrived,), (sender,) = once.values()
        moment = datetime.strptime(arrived, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        bytes_of_data, _, count, *_ = map(int, size.split())
    except ValueError:
        return None
    # postcat prints others without their quotes. They can contain a line break, after which they could name more.
    if count != len(recipients) or not all(map(_PLAIN.fullmatch, [*recipients, *filter(None, [sender])])):
        return None
    return HeldMessage(queue_id, int(moment.timestamp()), bytes_of_data, sender, recipients)


def _checked(queue_id: str) -> str:
    if _QUEUE_ID.fullmatch(queue_id) is None:
        raise PostfixError("not a queue id")
    return queue_id
