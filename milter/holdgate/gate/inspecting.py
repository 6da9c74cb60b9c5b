"""Has a message inspected: by the pool, by the pool for images if a policy needs them, and by what was learned."""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from holdgate import metrics
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.gate import timing
from holdgate.gate.service import ConfigSnapshot
from holdgate.machines.traffic import MachineMail
from holdgate.scan.pool import Pool


def inspect(
    snapshot: ConfigSnapshot,
    envelope: Envelope,
    message: int | bytes,
    *,
    machine: MachineMail | None,
    is_plain: bool,
    now: datetime,
) -> Inspection:
    """Inspect a message, given as bytes or by its descriptor, and set the risks in its envelope.

    `machine` is the account whose mail it is, if a program sent it; `is_plain` is true if it seems to be plain text
    only. Raises ScanError if no worker becomes free in time, and UnansweredError.
    """
    links, values = machine is not None, snapshot.recipients.reads_values

    def ask(pool: Pool, **of_pool: Any) -> Inspection:
        return pool.inspect(
            message,
            queue_id=envelope.queue_id,
            subject=envelope.subject,
            header_from=envelope.header_from,
            message_id=envelope.message_id,
            who=(envelope.auth_user, "") if envelope.auth_user else (envelope.client_address, envelope.sender),
            links=links,
            values=values,
            **of_pool,
        )

    begun = time.perf_counter()
    with metrics.SCANS.track_inprogress():
        inspection = ask(snapshot.pool, is_plain=is_plain)
    timing.measure(inspection, time.perf_counter() - begun)
    if inspection.pictures_unread and snapshot.ocr_pool is not None and _wants_ocr(snapshot, envelope, now):
        with metrics.OCR_SECONDS.time():
            inspection = ask(snapshot.ocr_pool)
    for finding in inspection.findings:
        if finding.confidence != "low":
            metrics.FINDINGS.labels(finding.identifier).inc(finding.count)
    envelope.risks = snapshot.recipients.risks(envelope, inspection, now)
    if machine is not None:
        found = (*machine.evaluate(envelope, inspection), *envelope.risks.found)
        envelope.risks = replace(envelope.risks, found=found)
    return inspection


def _wants_ocr(snapshot: ConfigSnapshot, envelope: Envelope, now: datetime) -> bool:
    return snapshot.settings.ocr.mode == "on" or snapshot.policies.wants_ocr(envelope, now)
