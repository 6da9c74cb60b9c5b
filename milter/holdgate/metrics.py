"""Every metric with its help text. Each daemon serves its metrics over HTTP for Prometheus.

Labels come from fixed lists and from the site's list of mail servers. No address, subject or id is ever a label.
"""

import platform
import socket
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    make_wsgi_app,
)
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.metrics import MetricWrapperBase

from holdgate import __version__

_FOREVER = 3600.0

MESSAGES = Counter(
    "holdgate_messages",
    "Messages for which the milter responded at their end, by action and inspection status.",
    ["action", "status"],
)
SPLITS = Counter(
    "holdgate_mixed_messages",
    "Messages that only some of the recipients must wait for, by outcome: split, or whole (all recipients wait).",
    ["outcome"],
)
SCAN_SECONDS = Histogram(
    "holdgate_scan_seconds",
    "Time from the end of a message to the result of its inspection, in seconds, by stage: wait (for a worker, and "
    "transfer to it and back), extract, detect.",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
SCANS = Gauge("holdgate_scans_in_progress", "Messages that a scan worker inspects, or that wait for one.")
OCR_SECONDS = Histogram(
    "holdgate_ocr_seconds",
    "Time of a second inspection, in which text in images is read too, in seconds.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
FINDINGS = Counter("holdgate_findings", "Findings of medium confidence or above, by identifier.", ["identifier"])
ERRORS = Counter(
    "holdgate_errors",
    "Internal failures, by stage; docs/howto/troubleshoot.md has a row for each.",
    ["stage"],
)
WORKER_RESTARTS = Counter(
    "holdgate_worker_restarts",
    "Scan workers that ended, by reason: crash, time limit, answer (one that no intact worker gives), or retired.",
    ["reason"],
)
WORKER_SECONDS = Counter(
    "holdgate_worker_seconds",
    "Time that workers spent on messages, in seconds, by kind: plain (text only), small, large, ocr.",
    ["kind"],
)
OUTSIDE_HEADERS = Counter("holdgate_outside_headers", "Messages that arrived with headers that only Holdgate writes.")
SEALS = Counter(
    "holdgate_seals", "Seals of received messages, by status: valid, or the reason why one was ignored.", ["status"]
)
CONFIG_RELOADS = Counter(
    "holdgate_config_reloads", "Reads of settings and policies, by outcome: done or failed.", ["outcome"]
)
CONFIG_LAST_RELOAD_SUCCESSFUL = Gauge(
    "holdgate_config_last_reload_successful", "0 if the last reload failed and earlier settings are active, else 1."
)
CONFIG_LAST_RELOAD_SUCCESS = Gauge(
    "holdgate_config_last_reload_success_timestamp_seconds", "Time at which the active settings were read."
)
RELATIONS_LEARNED = Counter("holdgate_relations_learned", "Messages from which Holdgate learned who writes to whom.")
RELATIONS_DROPPED = Counter(
    "holdgate_relations_dropped",
    "Messages from which no relations were learned, by reason: the queue was full, or an error. Mail is not affected.",
    ["reason"],
)
RELATIONS_COMPARED = Counter(
    "holdgate_relations_compared",
    "Messages compared with learned relations, by outcome: usual, unusual, or unknown because the store did "
    "not answer.",
    ["outcome"],
)
RELATIONS_RISKS = Counter(
    "holdgate_relations_risks",
    "Messages with an unusual recipient, by kind, even if no policy has this condition.",
    ["kind"],
)
RELATIONS_SECONDS = Histogram(
    "holdgate_relations_seconds",
    "Time to compare a message with learned relations, in seconds.",
    buckets=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1),
)
MACHINE_MESSAGES = Counter(
    "holdgate_machine_messages",
    "Messages of programs, by outcome: known, new (something in them was never sent before), or unknown because the "
    "store did not answer.",
    ["outcome"],
)
HELD_MESSAGES = Gauge("holdgate_held_messages", "Messages in the hold queue that Holdgate manages.")
HELD_OLDEST_AGE = Gauge(
    "holdgate_held_oldest_age_seconds", "Age of the oldest message that Holdgate holds, in seconds; 0 if there is none."
)
UNMANAGED_HELD = Gauge("holdgate_unmanaged_held_messages", "Messages in the hold queue that Holdgate does not manage.")
RECONCILED = Counter(
    "holdgate_reconcile_differences",
    "Differences found between hold queue and store, by kind.",
    ["kind"],
)
OUTCOMES = Counter("holdgate_outcomes", "Incidents that were closed, by final state.", ["state"])
NOTICES = Counter(
    "holdgate_notices",
    "Notices by kind and outcome: sent, failed (retried), refused (by Postfix, not retried), bounced (returned later).",
    ["kind", "outcome"],
)
TOO_FEW_APPROVERS = Counter(
    "holdgate_too_few_approvers",
    "Messages for which fewer people can approve than must approve; they are returned at their deadline.",
)
SENDER_QUESTIONS = Counter(
    "holdgate_sender_questions",
    "Messages held by ask-sender, by who was asked: sender, owner, or moderators because of a limit "
    "(per-day, severity, recipients, overrides, not-inspected) or because neither could be asked (nobody).",
    ["asked"],
)
DECISIONS = Counter(
    "holdgate_decisions",
    "Decisions that were carried out, by outcome (approved, rejected, expired) and by method (page, mail, command, …).",
    ["outcome", "method"],
)
DECISION_SECONDS = Histogram(
    "holdgate_decision_seconds",
    "Time from when a message was held to the decision on it, in seconds.",
    buckets=(60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 86400, 2 * 86400, 4 * 86400),
)
MACHINE_REQUESTS = Counter(
    "holdgate_machine_requests",
    "Requests of programs about their messages, by outcome: answered, or refused because of the token.",
    ["outcome"],
)
AUDIT_BROKEN = Gauge(
    "holdgate_audit_broken",
    "1 while an event that was once the newest of the audit trail is missing in the store, else 0.",
)
NODE_SILENT = Gauge(
    "holdgate_node_silent_seconds",
    "Time since the last contact of each mail server that shares a PostgreSQL store and is not retired, in seconds.",
    ["node"],
)
CANARY = Gauge(
    "holdgate_canary_success_timestamp_seconds",
    "Time at which the canary last passed all steps: held, requested, approved, released; 0 if it never did.",
)
BUILD = Gauge("holdgate_build_info", "Always 1; the labels have the running version.", ["version", "python"])

# What each daemon measures. A test finds a metric that is in none of these lists, because no daemon would serve it.
_ALL = (BUILD, ERRORS)
DAEMONS: dict[str, tuple[MetricWrapperBase, ...]] = {
    "holdgate-milter": (
        *_ALL,
        MESSAGES,
        SPLITS,
        SCAN_SECONDS,
        SCANS,
        OCR_SECONDS,
        FINDINGS,
        WORKER_RESTARTS,
        WORKER_SECONDS,
        OUTSIDE_HEADERS,
        SEALS,
        RELATIONS_LEARNED,
        RELATIONS_DROPPED,
        RELATIONS_COMPARED,
        RELATIONS_RISKS,
        RELATIONS_SECONDS,
        MACHINE_MESSAGES,
        CONFIG_RELOADS,
        CONFIG_LAST_RELOAD_SUCCESSFUL,
        CONFIG_LAST_RELOAD_SUCCESS,
    ),
    "holdgate-queue": (
        *_ALL,
        HELD_MESSAGES,
        HELD_OLDEST_AGE,
        UNMANAGED_HELD,
        RECONCILED,
        OUTCOMES,
        DECISIONS,
        DECISION_SECONDS,
    ),
    "holdgate-desk": (
        *_ALL,
        NOTICES,
        TOO_FEW_APPROVERS,
        MACHINE_REQUESTS,
        SENDER_QUESTIONS,
        WORKER_RESTARTS,
        WORKER_SECONDS,
        CANARY,
        AUDIT_BROKEN,
        NODE_SILENT,
    ),
}


def serve(daemon: str, address: tuple[str, int]) -> None:
    """Serve a daemon's metrics, and those of its process, on host and port from a thread.

    Raises OSError if the port is in use.
    """
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    for metric in DAEMONS[daemon]:
        registry.register(metric)
    BUILD.labels(__version__, platform.python_version()).set(1)
    host, port = address
    family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    kind = type("_Server", (ThreadingWSGIServer,), {"address_family": family})
    server: ThreadingWSGIServer = make_server(str(place[0]), port, make_wsgi_app(registry), kind, _Handler)
    # The thread wakes up for requests only, not twice a second to check for its end: it ends with the process.
    threading.Thread(target=server.serve_forever, args=[_FOREVER], name="metrics", daemon=True).start()


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Log no requests."""
