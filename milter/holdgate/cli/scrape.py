"""Reads what a daemon of this machine says of itself on its address for Prometheus."""

import urllib.error
import urllib.request

_TIMEOUT = 5


def scrape(address: tuple[str, int]) -> str | None:
    """Return a daemon's metrics in Prometheus's text format, None where it does not answer."""
    host, port = address
    try:
        with urllib.request.urlopen(
            f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics", timeout=_TIMEOUT
        ) as answer:
            return str(answer.read().decode())
    except (OSError, ValueError, urllib.error.URLError):
        return None


def value(text: str, name: str) -> float | None:
    """Return one sample; `name` has its labels as they are written, as in `x_total{outcome="done"}`."""
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")), None)
