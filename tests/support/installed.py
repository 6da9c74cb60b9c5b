"""The installed package on a booted mail server: functions that send, hold and approve messages."""

import itertools
import random
import re
from pathlib import Path

from tests.support.machine import Machine

# python-stdnum's sample number and a card of payment providers' documentation.
SECRET = "536-90-4399"
CARD = "4111 1111 1111 1111"
_numbers = itertools.count()


def hold(machine: Machine) -> tuple[str, str]:
    """Send a message that must be held; return its incident and a word that only this message has."""
    before = set(machine.held())
    word = f"letter{next(_numbers)}x{random.randrange(10**6)}"
    machine.send(f"{word} her social security number is {SECRET}")
    machine.wait_for(lambda: set(machine.held()) - before, "the message to be held")
    (incident,) = set(machine.held()) - before
    assert word not in machine.mailbox("bob")
    return incident, word


def approve(machine: Machine, incident: str, word: str) -> None:
    machine.run("holdgate", "release", incident)
    machine.wait_for(lambda: word in machine.mailbox("bob"), "the delivery")


def stop(machine: Machine) -> None:
    """Stop all daemons with the documented command, which returns after all of them have ended."""
    page = (Path(__file__).parents[2] / "docs/howto/backup.md").read_text(encoding="utf-8")
    (command,) = set(re.findall(r"(?m)^systemctl stop .+$", page))
    machine.run("sh", "-c", command)
    daemons = [f"holdgate-{name}" for name in ("milter", "queue", "desk", "scan")]
    states = machine.run("systemctl", "is-active", *daemons, check=False).stdout.split()
    assert set(states) == {"inactive"}, dict(zip(daemons, states, strict=True))


def active(machine: Machine, unit: str) -> bool:
    return machine.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active"


def checked(machine: Machine) -> list[str]:
    """Return the lines of a complete `holdgate check`."""
    done = machine.run("holdgate", "check", check=False)
    assert (done.returncode, done.stderr) in ((0, ""), (2, "")), done.stderr
    assert done.stdout
    return done.stdout.splitlines()


def postfix_files(machine: Machine) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (machine.root / "etc/postfix").glob("ma*.cf")}
