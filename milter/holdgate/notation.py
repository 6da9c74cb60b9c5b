"""The notations of durations, sizes, addresses and networks in settings and policies, and their conversion."""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from holdgate.mistakes import written

_DURATION_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION_NAMES = {
    "ms": r"ms|milliseconds?",
    "s": r"s|secs?|seconds?",
    "m": r"m|mins?|minutes?",
    "h": r"h|hrs?|hours?",
    "d": r"d|days?",
    "w": r"w|weeks?",
}
_DURATION_PART = re.compile(
    rf"(\d+) *(?:{'|'.join(f'(?P<{unit}>{names})' for unit, names in _DURATION_NAMES.items())})(?![a-z]) *",
    re.ASCII | re.IGNORECASE,
)
_DURATION_FORM = 'write a number and its unit (ms, s, m, h, d or w), as in "30s", "2d" or "1h 30m"'
# Longest duration that a setting can have; timedelta cannot represent arbitrarily long ones.
_LONGEST = timedelta(days=36500)
# A name of a host, or an IPv4 address. An IPv6 address is recognised by its colons.
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?")
_ADDRESS_FORM = 'write host:port, as in "127.0.0.1:9851"'
_RELAY_FORM = 'write "unix:/path", or host:port as in "127.0.0.1:10026"'
_NETWORK_FORM = "write 192.0.2.0/24 or 2001:db8::/32"
# Postfix's notation of a server, as in "smtp:[host]:10026", and that of its milters.
_IN_POSTFIX = re.compile(r"(?:[a-z][a-z0-9_-]*:)?\[?([^\[\]]+?)\]?:(\d+)")
_SIZE_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_SIZE = re.compile(r"(\d{1,15}) ?([KMG]?)(?:i?B|(?:(?<=K)ilo|(?<=M)ega|(?<=G)iga)?bytes?)?", re.ASCII | re.IGNORECASE)


def parse_duration(value: object) -> object:
    """Convert "500ms", "30s", "10 minutes", "1h 30m" or "2 days" to a timedelta; a timedelta is not changed."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float):
        raise ValueError(f"{written(value)} has no unit; {_DURATION_FORM}")
    if not isinstance(value, str):
        raise ValueError(f"{written(value)} is no duration; {_DURATION_FORM}")
    text, seconds, place = value.strip(), 0.0, 0
    while match := _DURATION_PART.match(text, place):
        seconds += int(match[1][:12]) * _DURATION_UNITS[match.lastgroup or "s"]
        place = match.end()
    if not text or place < len(text):
        raise ValueError(f"{written(value)} is no duration; {_DURATION_FORM}")
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{written(value)} is longer than a hundred years; {_DURATION_FORM}")
    return timedelta(seconds=seconds)


def _some_time(value: timedelta) -> timedelta:
    if not value:
        raise ValueError('"0s" is no time; write a longer one, as in "30s"')
    return value


def format_duration(value: timedelta) -> str:
    """Return a duration in the settings' notation: an integer in the largest unit. Inverse of parse_duration."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        scale = round(_DURATION_UNITS[unit] * 1000)
        if milliseconds and milliseconds % scale == 0:
            return f"{milliseconds // scale}{unit}"
    return f"{milliseconds}ms"


def parse_size(value: object) -> object:
    """Convert "512K", "25M", "25 MB" or "1G" (powers of 1024) to bytes; other types are left to the validator."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f'{written(value)} is no size; write a number of bytes, or one with K, M or G, as in "25M"')
    return int(match[1]) * _SIZE_UNITS[match[2].upper()]


def format_size(value: int) -> str:
    """Return a size in the settings' notation. Inverse of parse_size."""
    for unit in ("G", "M", "K"):
        if value and value % _SIZE_UNITS[unit] == 0:
            return f"{value // _SIZE_UNITS[unit]}{unit}"
    return str(value)


def _parse_network(value: object) -> object:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{written(value)} is no network; {_NETWORK_FORM}")
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        try:
            meant = f"did you mean {ipaddress.ip_network(value.strip(), strict=False)}?"
        except ValueError:
            meant = _NETWORK_FORM
        raise ValueError(f"{written(value)} is no network; {meant}") from error


def parse_address(value: str, form: str = _ADDRESS_FORM) -> tuple[str, int]:
    """Split "host:port" or "[2001:db8::1]:port" into host and port. Raises ValueError, which states the right form."""
    host, _, port = value.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not _is_host(host) or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"{written(value)} is no address; {form}{_meant_address(value)}")
    return host, int(port)


def _is_host(text: str) -> bool:
    if ":" not in text:
        return _HOST.fullmatch(text) is not None
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _meant_address(value: str) -> str:
    """Return the address that was probably meant by one in Postfix's notation, as a question."""
    match = _IN_POSTFIX.fullmatch(value.strip())
    if match is None or not _is_host(match[1]):
        return ""
    return f'; did you mean "{format_address((match[1], int(match[2][:5])))}"?'


def _parse_address(value: object) -> object:
    return parse_address(value) if isinstance(value, str) else value


def format_address(value: tuple[str, int]) -> str:
    """Return host and port in the settings' notation. Inverse of parse_address."""
    host, port = value
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_relay(value: object) -> object:
    if isinstance(value, str) and value.startswith("unix:/"):
        return Path(value.removeprefix("unix:"))
    if isinstance(value, str):
        return parse_address(value, _RELAY_FORM)
    if isinstance(value, Path | tuple):
        return value
    raise ValueError(f"{written(value)} is no address; {_RELAY_FORM}")


def _parse_socket(value: object) -> object:
    if isinstance(value, str):
        if not value.startswith("unix:/"):
            raise ValueError(f'{written(value)} is no unix socket; write "unix:" and an absolute path')
        return Path(value.removeprefix("unix:"))
    return value


def format_relay(value: tuple[str, int] | Path) -> str:
    """Return the address of an SMTP server in the settings' notation."""
    return f"unix:{value}" if isinstance(value, Path) else format_address(value)


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


# A list of strings; a single string can be written without brackets.
OneOrMany = Annotated[list[str], BeforeValidator(_one_or_many)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
# A duration that must not be zero.
SomeTime = Annotated[
    timedelta, BeforeValidator(parse_duration), AfterValidator(_some_time), PlainSerializer(format_duration)
]
Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size), Field(ge=0)]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_parse_network), PlainSerializer(str)
]
Address = Annotated[tuple[str, int], BeforeValidator(_parse_address), PlainSerializer(format_address)]
# An SMTP server: "host:port", or "unix:/path".
Relay = Annotated[tuple[str, int] | Path, BeforeValidator(_parse_relay), PlainSerializer(format_relay)]
UnixSocket = Annotated[Path, BeforeValidator(_parse_socket), PlainSerializer(format_relay)]
