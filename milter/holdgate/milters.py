"""Where our milter listens, as libmilter writes it (our settings) and as Postfix does (its lists of milters)."""

import re
from pathlib import Path

# A socket's path, or host and port.
Place = Path | tuple[str, int]

_LIBMILTER_INET = re.compile(r"inet6?:(\d+)@(.+)")
_POSTFIX_INET = re.compile(r"inet:(.+):(\d+)")
# Who listens on all addresses of this machine is asked for on its loopback.
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_LOOPBACK = {"127.0.0.1", "::1"}


def place_of(socket: str) -> Place:
    """Read `milter.socket` of our settings: "unix:/path" or "inet:PORT@HOST" (libmilter, smfi_setconn)."""
    if match := _LIBMILTER_INET.fullmatch(socket):
        return match[2].strip("[]"), int(match[1])
    return Path(socket.removeprefix("unix:"))


def in_postfix(socket: str, queue_directory: Path) -> str:
    """Write `milter.socket` as Postfix's smtpd_milters does: "unix:path" or "inet:host:port" (postconf(5))."""
    place = place_of(socket)
    if isinstance(place, Path):
        # Postfix's processes stand in the queue directory, whether it is their root (chroot) or not.
        below = place.is_relative_to(queue_directory)
        return f"unix:{place.relative_to(queue_directory) if below else place}"
    host, port = _LOOPBACK_OF.get(place[0], place[0]), place[1]
    return f"inet:[{host}]:{port}" if ":" in host else f"inet:{host}:{port}"


def is_ours(entry: str, socket: str, queue_directory: Path) -> bool:
    """Say whether an entry of such a list, in braces or not, its macros expanded, is the milter at `socket`."""
    address = re.split(r"[\s,{}]+", entry.lstrip("{ \t"), maxsplit=1)[0]
    return _read(address, queue_directory) == _read(in_postfix(socket, queue_directory), queue_directory)


def _read(address: str, queue_directory: Path) -> Place | None:
    """Read an address of Postfix's, so that two ways to write one place are equal; None where it is none."""
    if match := _POSTFIX_INET.fullmatch(address):
        host = match[1].strip("[]").lower()
        return "localhost" if host in _LOOPBACK else host, int(match[2])
    kind, _, path = address.partition(":")
    return queue_directory / path if kind in ("unix", "local") and path else None
