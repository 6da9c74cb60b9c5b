"""Every metric with its help sentence; each daemon serves its own over HTTP for Prometheus.

Labels come from closed lists. No address, subject or id ever becomes one.
"""

from prometheus_client import Counter, Gauge, Histogram, start_http_server

MESSAGES = Counter(
    "holdgate_messages",
    "Messages answered at end of message, by reply and inspection status.",
    ["action", "status"],
)
SCAN_SECONDS = Histogram(
    "holdgate_scan_seconds",
    "Time from the end of a message to the inspection's outcome, in seconds.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FINDINGS = Counter("holdgate_findings", "Findings of medium confidence or above, by identifier.", ["identifier"])
ERRORS = Counter("holdgate_errors", "Failures that ended in a deferral or a retry, by stage.", ["stage"])
WORKER_RESTARTS = Counter("holdgate_worker_restarts", "Scan workers replaced, by reason.", ["reason"])
OUTSIDE_HEADERS = Counter("holdgate_outside_headers", "Messages that came in with headers only we write.")
SEALS = Counter("holdgate_seals", "Seals that came in, by whether and why not they were believed.", ["status"])
CONFIG_RELOADS = Counter("holdgate_config_reloads", "Times settings and policies were read, by outcome.", ["outcome"])
CONFIG_CURRENT = Gauge(
    "holdgate_config_current", "1 while the settings in force are those that were read last, else 0."
)
CONFIG_LOADED = Gauge("holdgate_config_loaded_timestamp_seconds", "When the settings in force were read.")
HELD_MESSAGES = Gauge("holdgate_held_messages", "Messages in the hold queue that wait for us.")
HELD_OLDEST_AGE = Gauge(
    "holdgate_held_oldest_age_seconds", "Age of the oldest of them, in seconds; 0 if there is none."
)
FOREIGN_HELD = Gauge(
    "holdgate_foreign_held_messages", "Messages in the hold queue that are not ours and are left alone."
)
RECONCILED = Counter(
    "holdgate_reconcile_differences",
    "Differences found between hold queue and store, by kind.",
    ["kind"],
)
OUTCOMES = Counter("holdgate_outcomes", "Incidents closed, by final state.", ["state"])
NOTICES = Counter("holdgate_notices", "Notices by kind and outcome.", ["kind", "outcome"])


def serve(address: tuple[str, int]) -> None:
    """Serve the metrics on host and port from a thread. Raises OSError where the port is taken."""
    host, port = address
    start_http_server(port, host)
