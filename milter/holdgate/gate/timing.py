"""Measures how long the stages of an inspection take."""

from holdgate import metrics
from holdgate.findings import Inspection


def measure(inspection: Inspection, seconds: float) -> None:
    """Divide the time of an inspection among its stages; a failed inspection counts as waiting only."""
    inside, reading = inspection.elapsed_ms / 1000, inspection.extract_ms / 1000
    if inspection.status == "failed":
        inside = reading = 0.0
    metrics.SCAN_SECONDS.labels("wait").observe(max(seconds - inside, 0))
    metrics.SCAN_SECONDS.labels("extract").observe(reading)
    metrics.SCAN_SECONDS.labels("detect").observe(max(inside - reading, 0))
