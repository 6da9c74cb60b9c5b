"""Which mail is not inspected again: mail with Holdgate's valid seal, and mail from a trusted scanner.

A bare ``X-Netskope-Inspected: true`` is trusted only from a trusted scanner, because a sender could write it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from holdgate import headers, maillog, metrics
from holdgate.envelope import Envelope
from holdgate.gate.service import ConfigSnapshot, Service
from holdgate.policy.conditions import client_matcher
from holdgate.seal import Sealed, SealStatus

Fields = Mapping[str, Sequence[bytes]]

_SEAL = headers.SEAL.lower()
_INSPECTED = headers.INSPECTED.lower()


def is_sealed(
    service: Service, snapshot: ConfigSnapshot, fields: Fields, sealed: Sealed, envelope: Envelope, now: datetime
) -> bool:
    """Return whether the message has a Holdgate seal that is valid for it and unused. Raises StoreError."""
    values = fields.get(_SEAL, ())
    if not values:
        return False
    value = values[0].decode("ascii", "replace")
    status = snapshot.sealer.verify(value, sealed, now) if len(values) == 1 else SealStatus.MALFORMED
    if status is SealStatus.VALID:
        digests, remember = snapshot.sealer.digests(value, envelope.recipients)
        if not service.store.seals.use(digests, now + remember):
            status = SealStatus.REPLAYED
    metrics.SEALS.labels(status).inc()
    if status is not SealStatus.VALID:
        maillog.seal_ignored(envelope.queue_id, why=status, client=envelope.client_address)
    return status is SealStatus.VALID


def was_inspected_before(snapshot: ConfigSnapshot, fields: Fields, envelope: Envelope) -> bool:
    """Return whether a trusted scanner sent this message and marked it as inspected."""
    scanners = snapshot.settings.policy.trusted_scanners
    if not scanners or not client_matcher(scanners)(envelope.client_address):
        return False
    stated = [value.strip().lower() for value in fields.get(_INSPECTED, ())]
    return stated == [b"true"] or bool(trusted_scanner_header(snapshot, fields))


def trusted_scanner_header(snapshot: ConfigSnapshot, fields: Fields) -> str:
    """Return the name of the header with which a trusted scanner requests a hold, "" if there is none."""
    for name, pattern in snapshot.settings.policy.trusted_scanner_headers.items():
        for value in fields.get(name.lower(), ()):
            if fnmatchcase(headers.decode(value).casefold(), pattern.casefold()):
                return name
    return ""
