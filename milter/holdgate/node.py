"""Identifies the mail server (node) that this machine's daemons serve, and the machine itself."""

import socket
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from holdgate import __version__
from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.notation import format_address
from holdgate.tables import postconf

# A cloned virtual machine has the same machine id, but a different boot id.
_IDENTITY = (Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id"))

# Suffixes of rules and dictionaries (detect/loader.py).
_RULES = (".toml", ".txt")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that serves a node: `holder` identifies it, `name` is the name that an administrator knows.

    `address` is where desks of other nodes read its held messages, or "" if they cannot.
    """

    holder: str
    name: str
    version: str
    address: str = ""


def name_of(settings: Settings) -> str:
    """Return the node's name: `[node] name`, else Postfix's myhostname.

    A store that several machines share needs a name: raises ConfigError if Postfix does not report one. Otherwise it is
    "".
    """
    if settings.node.name:
        return settings.node.name
    try:
        found = "".join(postconf(settings.queue.postfix_config, "-xh", "myhostname")).strip()
    except (OSError, subprocess.SubprocessError):
        found = ""
    if not found and settings.store.is_shared:
        raise ConfigError(
            [f'[node] name: Postfix ({settings.queue.postfix_config}) does not return myhostname; set name = "NAME"']
        )
    return found


def rules_of(settings: Settings) -> str:
    """Return a digest of the files that define this node's decisions: its policies, its local rules and dictionaries.

    Nodes that share a store should have the same digest. An unreadable file counts as empty.
    """
    digest = sha256()
    local = settings.rules.local_directory
    found = sorted(path for path in local.rglob("*") if path.suffix in _RULES)
    files = [(path.relative_to(local), path) for path in found]
    for name, path in (("policies", settings.policy.file), *files):
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        # A file's name can have bytes that are not UTF-8.
        digest.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape") + content)
    return digest.hexdigest()


def machine_of(settings: Settings) -> Machine:
    """Return this machine: its holder differs for each boot and each Postfix instance."""
    parts = [str(settings.queue.postfix_config.absolute())]
    for path in _IDENTITY:
        try:
            parts.append(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            parts.append("")
    holder = sha256("\0".join(parts).encode()).hexdigest()[:32]
    return Machine(holder, socket.gethostname(), __version__, _address_of(settings))


def _address_of(settings: Settings) -> str:
    """Return where other nodes can reach this one, or "" if they cannot or if its host name is unknown."""
    node = settings.node
    if node.listen is None:
        return ""
    host, port = node.address or node.listen
    if host in ("0.0.0.0", "::"):
        host = name_of(settings)
    return format_address((host, port)) if host else ""
