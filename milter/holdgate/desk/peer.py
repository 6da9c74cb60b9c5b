"""Says which local user is at the other end of a loopback connection, by the kernel's table of TCP sockets (proc(5)).

The LMTP listener is a port, and any local user can connect to it: only Postfix's user, root and our own may deliver.
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


def may_deliver(peer: Any, own: tuple[str, int], postfix_config: Path) -> bool:
    """Say whether the peer of an LMTP connection to the address `own` may deliver.

    One on another machine may, for the address that we listen on was chosen for that; one on this machine by its user.
    Where the kernel does not show us other users (a user namespace), nothing can be said against it.
    """
    try:
        address = ipaddress.ip_address(peer[0])
    except (ValueError, TypeError, IndexError):
        return False
    if not address.is_loopback or not _shows_users():
        return True
    uid = user_of((str(address), int(peer[1])), own[1])
    return uid in {0, os.geteuid(), _mail_owner(postfix_config)}


def user_of(peer: tuple[str, int], port: int) -> int | None:
    """Return the user id that owns the peer's end of a connection to our `port`, None where there is no such line."""
    address = ipaddress.ip_address(peer[0])
    ends = {(_encoded(address), peer[1])}
    if address.version == 4:
        ends.add((_encoded(ipaddress.ip_address(f"::ffff:{address}")), peer[1]))
    for table in _TABLES.values():
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            local, remote = words[1].split(":"), words[2].split(":")
            if (local[0], int(local[1], 16)) in ends and int(remote[1], 16) == port:
                return int(words[7])
    return None


def _encoded(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return an address as the table writes it: words of 32 bits in the machine's byte order."""
    packed = address.packed
    words = [packed[place : place + 4] for place in range(0, len(packed), 4)]
    swapped = (word[::-1] for word in words) if sys.byteorder == "little" else iter(words)
    return b"".join(swapped).hex().upper()


def _shows_users() -> bool:
    """Say whether all users of the machine have their ids here: the map of the first user namespace is the identity."""
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
