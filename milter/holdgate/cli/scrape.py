"""Reads the metrics of a daemon on this machine from its address for Prometheus."""

import urllib.error
import urllib.request

_TIMEOUT = 5


def scrape(address: tuple[str, int]) -> str | None:
    """Return a daemon's metrics in Prometheus's text format, or None if it does not answer."""
    host, port = address
    try:
        with urllib.request.urlopen(
            f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics", timeout=_TIMEOUT
        ) as answer:
            return str(answer.read().decode())
    except (OSError, ValueError, urllib.error.URLError):
        return None


def value(text: str, name: str) -> float | None:
    """Return one sample; `name` includes its labels as written, such as `x_total{outcome="done"}`."""
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")), None)
