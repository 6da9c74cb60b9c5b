"""Names the mail server that this machine's daemons serve, and the machine itself."""

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

# A copied virtual machine has the same id, but not the same boot.
_IDENTITY = (Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id"))


@dataclass(frozen=True, slots=True)
class Machine:
    """Who serves a node: `holder` tells two machines apart, `name` is what an administrator knows it by.

    `address` is where desks of other nodes read its held messages, "" where they cannot.
    """

    holder: str
    name: str
    version: str
    address: str = ""


def name_of(settings: Settings) -> str:
    """Return the node's name: `[node] name`, else Postfix's myhostname.

    A store that other machines share needs one: raises ConfigError where Postfix does not say its name. Else it is "".
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
    """Return a digest of the files by which this node decides: its policies and its local rules.

    Nodes that share a store should have the same. A file that cannot be read counts as empty.
    """
    digest = sha256()
    local = settings.rules.local_directory
    files = [(path.relative_to(local), path) for path in sorted(local.rglob("*.toml"))]
    for name, path in (("policies", settings.policy.file), *files):
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def machine_of(settings: Settings) -> Machine:
    """Return this machine, as it serves the Postfix instance of the settings since it was started."""
    parts = [str(settings.queue.postfix_config.absolute())]
    for path in _IDENTITY:
        try:
            parts.append(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            parts.append("")
    holder = sha256("\0".join(parts).encode()).hexdigest()[:32]
    return Machine(holder, socket.gethostname(), __version__, _address_of(settings))


def _address_of(settings: Settings) -> str:
    """Return where other nodes reach this one; "" where they cannot, or no name says where."""
    node = settings.node
    if node.listen is None:
        return ""
    host, port = node.address or node.listen
    if host in ("0.0.0.0", "::"):
        host = name_of(settings)
    return format_address((host, port)) if host else ""
