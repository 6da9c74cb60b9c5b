"""What all sessions share: settings, policies, keys and workers, in one snapshot that a reload replaces.

A session uses the snapshot that is active when a message begins until the message ends. So old and new policies are
never mixed for one message. A reload that fails changes nothing.
"""

import threading
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from holdgate import headers, maillog, metrics
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.gate import edits
from holdgate.gate.recipients import Recipients
from holdgate.machines.accounts import Accounts
from holdgate.machines.traffic import THREAD_FIELDS, Traffic
from holdgate.policy.model import PolicyFile, policies_of
from holdgate.policy.routes import Routes
from holdgate.policy.verdict import PolicySet
from holdgate.quarantine.store import Store
from holdgate.relations.correspondence import hasher_of
from holdgate.risks import Risk
from holdgate.scan.pool import Pool, PoolSettings, ScanError
from holdgate.seal import SEALED_FIELDS, KeyFileError, Sealer, load_keys
from holdgate.tables import Tables

# How long a daemon that ends continues to learn from queued messages, in seconds.
_LEARNS = 3.0


@dataclass(frozen=True, slots=True, weakref_slot=True)
class ConfigSnapshot:
    """Everything that decides about a message. Its workers end when the last session that uses it has ended.

    The names of header fields are in lower case: `holdgate_fields` are those that only Holdgate writes on this site,
    `condition_fields` those that policies have conditions on, `kept` all whose values a session must keep.
    """

    settings: Settings
    policies: PolicySet
    sealer: Sealer
    pool: Pool
    ocr_pool: Pool | None
    recipients: Recipients = field(default_factory=Recipients)
    machines: Traffic | None = None
    holdgate_fields: frozenset[str] = field(init=False)
    condition_fields: frozenset[str] = field(init=False)
    kept: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        policy = self.settings.policy
        condition_fields = (
            _lower(name for one in self.policies.file.policy for name in one.header) | self.recipients.fields
        )
        if self.machines is not None:
            condition_fields |= THREAD_FIELDS
        read = _lower(
            (*SEALED_FIELDS, "Date", headers.SEAL, headers.INSPECTED, headers.REPLACES, *policy.trusted_scanner_headers)
        )
        for name, value in (
            ("holdgate_fields", _lower(edits.holdgate_fields(policy))),
            ("condition_fields", condition_fields),
            ("kept", read | condition_fields),
        ):
            object.__setattr__(self, name, value)


class Service:
    """Holds the active snapshot and the store. Its constructor raises ConfigError, KeyFileError and ScanError."""

    def __init__(self, config: Path, settings: Settings, store: Store) -> None:
        self._config = config
        self._lock = threading.Lock()
        self.store = store
        self.snapshot = _read(settings, store)
        self._note_success()

    def reload(self) -> bool:
        """Read settings, policies, rules and keys again; return whether they are now active.

        The milter's socket and user do not change before a restart.
        """
        with self._lock:
            before = self.snapshot.policies.file
            try:
                self.snapshot = _read(load_settings(self._config), self.store)
            except Exception as error:  # any exception: the daemon must still react to the next reload
                metrics.CONFIG_RELOADS.labels("failed").inc()
                metrics.CONFIG_LAST_RELOAD_SUCCESSFUL.set(0)
                expected = isinstance(error, ConfigError | KeyFileError | ScanError)
                for problem in str(error).splitlines() if expected else [maillog.describe(error)]:
                    maillog.failed(stage="reload", error=problem)
                return False
            self._note_success()
            after = {policy.name for policy in self.snapshot.policies.file.policy}
            maillog.reloaded(policies=len(after))
            gone = [policy.name for policy in before.policy if policy.name not in after]
            if gone:
                maillog.policies_gone(gone)
        return True

    def close(self) -> None:
        """End the workers, learn from queued messages, and close the store."""
        self.snapshot.recipients.close(_LEARNS)
        self.snapshot.pool.close()
        if self.snapshot.ocr_pool is not None:
            self.snapshot.ocr_pool.close()
        self.store.close()

    def _note_success(self) -> None:
        metrics.CONFIG_RELOADS.labels("done").inc()
        metrics.CONFIG_LAST_RELOAD_SUCCESSFUL.set(1)
        metrics.CONFIG_LAST_RELOAD_SUCCESS.set(time.time())


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _read(settings: Settings, store: Store) -> ConfigSnapshot:
    policies = policies_of(settings.policy)
    sealer = Sealer(load_keys(settings.seal.keys), settings.seal.lifetime)
    tables = Tables(settings.queue.postfix_config)
    policy_set = PolicySet(policies, tables, Routes.of(settings, tables))
    wanted = PoolSettings.of(settings, policies.profiles(), daemon=True)
    pool = Pool(replace(wanted, reads_separately=True))
    try:
        ocr_pool = None if settings.ocr.mode == "off" else Pool(wanted.with_ocr(settings.ocr))
    except ScanError:
        pool.close()
        raise
    try:
        recipients = Recipients.of(settings.relations, policy_set, store)
        machines = machine_traffic(settings, policies, tables, store)
    except ConfigError:
        for one in (pool, ocr_pool):
            if one is not None:
                one.close()
        raise
    snapshot = ConfigSnapshot(settings, policy_set, sealer, pool, ocr_pool, recipients, machines)
    weakref.finalize(snapshot, recipients.close)
    for one in (pool, ocr_pool):
        if one is not None:
            weakref.finalize(snapshot, one.close)
    if machines is not None:
        weakref.finalize(snapshot, machines.close)
    return snapshot


def machine_traffic(settings: Settings, policies: PolicyFile, tables: Tables, store: Store) -> Traffic | None:
    """Return the object that counts mail of programs, or None if it is switched off. Raises ConfigError."""
    if settings.machines.mode == "off":
        return None
    limits = policies.machines()

    def is_over(risk: Risk) -> bool:
        return any(one.is_over(risk) for one in limits)

    hasher = hasher_of(settings.relations)
    accounts = Accounts(settings.machines.accounts, tables)
    return Traffic(settings.machines, accounts, hasher, store, is_over=is_over if limits else None)
