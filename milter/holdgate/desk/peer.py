"""Finds the local user at the other end of a loopback connection, in the kernel's table of TCP sockets (proc(5)).

The LMTP listener is a port, so any local user can connect to it. Only Postfix's user, root and the desk's user may
deliver.
"""

import ipaddress
import os
import pwd
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

_TABLES = {4: Path("/proc/self/net/tcp"), 6: Path("/proc/self/net/tcp6")}
_UID_MAP = Path("/proc/self/uid_map")


def may_deliver(peer: Any, own: Any, postfix_config: Path) -> bool:
    """Return whether the peer of an LMTP connection may deliver; `peer` and `own` are the addresses of its two ends.

    A peer on another machine may, because an administrator chose the listening address; on this machine, its user
    decides. If the kernel does not show other users (in a user namespace), every peer may deliver.
    """
    try:
        address = ipaddress.ip_address(peer[0])
        ends = (str(address), int(peer[1])), (str(ipaddress.ip_address(own[0])), int(own[1]))
    except (ValueError, TypeError, IndexError):
        return False
    if not address.is_loopback or not _shows_users():
        return True
    uid = user_of(*ends)
    return uid in {0, os.geteuid(), _mail_owner(postfix_config)}


def user_of(peer: tuple[str, int], own: tuple[str, int]) -> int | None:
    """Return the user id of the process at the peer's end of a connection to `own`, None if there is none.

    A closed end has no inode, and the kernel shows it as root's.
    """
    ends = {(local, remote) for local in _forms(peer) for remote in _forms(own)}
    for table in _TABLES.values():
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if (words[1], words[2]) in ends and words[9] != "0":
                return int(words[7])
    return None


def _forms(end: tuple[str, int]) -> list[str]:
    """Return an address and port in all forms that the tables can contain."""
    address = ipaddress.ip_address(end[0])
    same = [address] if address.version == 6 else [address, ipaddress.ip_address(f"::ffff:{address}")]
    return [f"{_encoded(one)}:{end[1]:04X}" for one in same]


def _encoded(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return an address in the table's form: words of 32 bits in the machine's byte order."""
    packed = address.packed
    words = [packed[place : place + 4] for place in range(0, len(packed), 4)]
    swapped = (word[::-1] for word in words) if sys.byteorder == "little" else iter(words)
    return b"".join(swapped).hex().upper()


def _shows_users() -> bool:
    """Return whether user ids are those of the machine: only the first user namespace maps each id to itself."""
    try:
        return re.fullmatch(r"\s*0\s+0\s+4294967295\s*", _UID_MAP.read_text(encoding="ascii")) is not None
    except OSError:
        return False


@cache
def _mail_owner(postfix_config: Path) -> int | None:
    command = ["postconf", "-c", str(postfix_config), "-h", "mail_owner"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False, text=True)
        name = done.stdout.strip() or "postfix"
    except (OSError, subprocess.TimeoutExpired):
        name = "postfix"
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
