"""How durations, sizes, addresses and networks are written in settings and policies, and what they become."""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

_DURATION_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def parse_duration(value: object) -> object:
    """Turn "500ms", "30s", "10m", "12h" or "2d" into a timedelta; leave any other type to the validator."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+) ?(ms|s|m|h|d)", value.strip())
    if match is None:
        raise ValueError('write a duration as a number and ms, s, m, h or d, as in "30s" or "2d"')
    return timedelta(seconds=int(match[1]) * _DURATION_UNITS[match[2]])


def format_duration(value: timedelta) -> str:
    """Write a duration as the settings do, in the largest unit that holds it whole: the inverse of parse_duration."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        scale = round(_DURATION_UNITS[unit] * 1000)
        if milliseconds and milliseconds % scale == 0:
            return f"{milliseconds // scale}{unit}"
    return f"{milliseconds}ms"


def parse_size(value: object) -> object:
    """Turn "512K", "25M" or "1G" (powers of 1024) into bytes; leave any other type to the validator."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+) ?([KMG]?)", value.strip())
    if match is None:
        raise ValueError('write a size as a number of bytes or with K, M or G, as in "25M"')
    return int(match[1]) * _SIZE_UNITS[match[2]]


def format_size(value: int) -> str:
    """Write a size as the settings do: the inverse of parse_size."""
    for unit in ("G", "M", "K"):
        if value and value % _SIZE_UNITS[unit] == 0:
            return f"{value // _SIZE_UNITS[unit]}{unit}"
    return str(value)


def _parse_network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f'"{value}" is no network; write 192.0.2.0/24 or 2001:db8::/32') from error


def _parse_address(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, separator, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError('write an address as host:port, as in "127.0.0.1:9851"')
    return host, int(port)


def _format_address(value: tuple[str, int]) -> str:
    host, port = value
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_relay(value: object) -> object:
    if isinstance(value, str) and value.startswith("unix:/"):
        return Path(value.removeprefix("unix:"))
    return _parse_address(value)


def format_relay(value: tuple[str, int] | Path) -> str:
    """Write where an SMTP server listens as the settings do."""
    return f"unix:{value}" if isinstance(value, Path) else _format_address(value)


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size), Field(ge=0)]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_parse_network), PlainSerializer(str)
]
Address = Annotated[tuple[str, int], BeforeValidator(_parse_address), PlainSerializer(_format_address)]
# An SMTP server: "host:port", or "unix:/path".
Relay = Annotated[tuple[str, int] | Path, BeforeValidator(_parse_relay), PlainSerializer(format_relay)]
