"""The address of the milter as libmilter writes it (Holdgate's settings) and as Postfix does (lists of milters)."""

import re
from pathlib import Path

# A socket's path, or host and port.
Place = Path | tuple[str, int]

_LIBMILTER_INET = re.compile(r"inet6?:(\d+)@(.+)")
_POSTFIX_INET = re.compile(r"inet:(.+):(\d+)")
# A milter that listens on all addresses is reached on the loopback address.
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_LOOPBACK = {"127.0.0.1", "::1"}


def place_of(socket: str) -> Place:
    """Read Holdgate's setting `milter.socket`: "unix:/path" or "inet:PORT@HOST" (libmilter, smfi_setconn)."""
    if match := _LIBMILTER_INET.fullmatch(socket):
        return match[2].strip("[]"), int(match[1])
    return Path(socket.removeprefix("unix:"))


def in_postfix(socket: str, queue_directory: Path) -> str:
    """Return `milter.socket` as Postfix's smtpd_milters has it: "unix:path" or "inet:host:port" (postconf(5))."""
    place = place_of(socket)
    if isinstance(place, Path):
        # The working directory of Postfix's processes is the queue directory, with or without chroot.
        below = place.is_relative_to(queue_directory)
        return f"unix:{place.relative_to(queue_directory) if below else place}"
    host, port = _LOOPBACK_OF.get(place[0], place[0]), place[1]
    return f"inet:[{host}]:{port}" if ":" in host else f"inet:{host}:{port}"


def is_holdgate_milter(entry: str, socket: str, queue_directory: Path) -> bool:
    """Return whether an entry of Postfix's list is the milter at `socket`. Macros are expanded; braces are allowed."""
    address = re.split(r"[\s,{}]+", entry.lstrip("{ \t"), maxsplit=1)[0]
    return _read(address, queue_directory) == _read(in_postfix(socket, queue_directory), queue_directory)


def _read(address: str, queue_directory: Path) -> Place | None:
    """Read an address in Postfix's notation. Two notations of one address are equal; None if it is not an address."""
    if match := _POSTFIX_INET.fullmatch(address):
        host = match[1].strip("[]").lower()
        return "localhost" if host in _LOOPBACK else host, int(match[2])
    kind, _, path = address.partition(":")
    return queue_directory / path if kind in ("unix", "local") and path else None
