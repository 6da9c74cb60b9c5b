"""What `holdgate check` reports if servers share a store: certificates, and whether the others answer."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.node import name_of
from holdgate.phrases import reason_of
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.nodes import Node
from holdgate.quarantine.store import Store, StoreError, open_store
from holdgate.queue.client import QueueError
from holdgate.queue.mutual import NodeCertificate, fingerprints_of
from holdgate.queue.remote import NodeReader

_SOON = timedelta(days=30)
_RENEW = "to renew it, run: holdgate nodes certificate"


def problems(path: Path, settings: Settings) -> Iterator[str]:
    """Yield what prevents this node from reading at the others, and the others from reading here."""
    certificate = NodeCertificate.of(settings, lambda _: False)
    if certificate is None:
        return
    from holdgate.cli import authority

    try:
        found = authority.look(certificate.authority, certificate.certificate, certificate.private_key)
        certificate.server()
    except (OSError, ValueError, TypeError) as error:
        yield (
            f"{path}: [node] certificate: the files cannot be used: {_reason(error)}; to create them, "
            "run: holdgate nodes certificate"
        )
        return
    where = f"{path}: [node] certificate: {certificate.certificate}"
    if found.problem:
        yield f"{where} {found.problem}; copy the three files of one folder that holdgate nodes certificate created"
    if found.ends_at <= datetime.now(UTC):
        yield f"{where} expired on {found.ends_at:%Y-%m-%d}; {_RENEW}"
    try:
        name = name_of(settings)
    except ConfigError:
        return  # reported by another check
    if name not in found.names:
        yield (
            f"{where} is for {', '.join(found.names) or 'no node'}, but this node is {name}, so other "
            f"nodes refuse it; {_RENEW}"
        )
    if certificate.private_key.stat().st_mode & 0o007:
        yield (
            f"{path}: [node] private_key: all users can read {certificate.private_key}; run: chmod 640 "
            f"{certificate.private_key}"
        )


def remarks(settings: Settings) -> Iterator[str]:
    """Yield what will prevent it in the future, and which nodes do not answer now."""
    if not settings.store.is_shared:
        if settings.node.listen is not None:
            yield (
                "[node] listen: only one node uses a store in SQLite, so no other node connects; remove "
                "it, or use PostgreSQL"
            )
        return
    try:
        store = open_store(settings.store.url)
    except StoreError:
        return  # reported by another check
    with closing(store), suppress(DatabaseError):
        yield from _remarks(settings, store)


def _reason(error: Exception) -> str:
    named = getattr(error, "filename", None)
    return f"{named}: {reason_of(error)}" if named else reason_of(error)


def _remarks(settings: Settings, store: Store) -> Iterator[str]:
    """Yield the same, with the store. Raises DatabaseError."""
    others = _others(settings, store)
    certificate = NodeCertificate.of(settings, store.certificates.is_revoked)
    if certificate is None:
        if others:
            names = ", ".join(one.name for one in others)
            yield (
                f"[node] certificate: not set, so this desk cannot show or return messages of {names}; run: holdgate "
                "nodes certificate"
            )
        return
    from holdgate.cli import authority

    try:
        found = authority.look(certificate.authority, certificate.certificate, certificate.private_key)
        is_revoked = any(map(certificate.is_revoked, fingerprints_of(certificate.certificate)))
    except (OSError, ValueError, TypeError):
        return  # reported as a problem
    if is_revoked:
        yield f"[node] certificate: {certificate.certificate} is revoked, so other nodes refuse it; {_RENEW}"
        return
    now = datetime.now(UTC)
    if now < found.ends_at <= now + _SOON:
        yield f"[node] certificate: {certificate.certificate} expires on {found.ends_at:%Y-%m-%d}; {_RENEW}"
    for one in others:
        if not one.address:
            yield f"node {one.name} has no [node] listen, so only its own desk can show and return its messages"
            continue
        try:
            # The message does not exist: any answer shows that the connection works, including that to its queue agent.
            NodeReader(one.name, one.address, certificate).show("0", 0, header_only=True)
        except QueueError as error:
            yield f"[node] {error}"


def _others(settings: Settings, store: Store) -> list[Node]:
    """Return the other nodes in use. Raises DatabaseError."""
    try:
        name = name_of(settings)
    except ConfigError:
        return []
    return [one for one in store.nodes.all() if one.name != name and one.retired_at is None and not one.is_silent]
