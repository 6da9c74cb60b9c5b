"""A session with its service, in process: real policies and seals; pool and store are controlled by the test."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from holdgate.config import Settings
from holdgate.findings import Inspection
from holdgate.gate import split
from holdgate.gate.service import ConfigSnapshot, Service
from holdgate.gate.session import Session
from holdgate.policy.model import PolicyFile
from holdgate.policy.verdict import PolicySet
from holdgate.quarantine.incident import Incident, NewNotice
from holdgate.scan.pool import Pool
from holdgate.seal import Key, Sealer
from holdgate.tables import Tables

KEY = Key("k0000001", datetime(2026, 1, 1, tzinfo=UTC), b"x" * 32)
HOLD_ALL = {"policy": [{"name": "all", "action": "quarantine"}]}
ALLOW_ALL = {"policy": [{"name": "all", "action": "allow"}]}


@pytest.fixture(autouse=True)
def _threads_of_copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the threads that store copies with each test; those of the milter end with its process."""
    sizes = split._LATER._max_workers, split._SYNCS._max_workers
    with ThreadPoolExecutor(sizes[0], "copies") as later, ThreadPoolExecutor(sizes[1], "syncs") as syncs:
        monkeypatch.setattr(split, "_LATER", later)
        monkeypatch.setattr(split, "_SYNCS", syncs)
        yield


@dataclass
class FakePool:
    """Returns the same result for every inspection, and keeps its input."""

    inspection: Inspection = field(default_factory=Inspection)
    read: list[bytes] = field(default_factory=list)
    error: Exception | None = None
    is_closed: bool = False

    def inspect(self, message: int | bytes, **_words: Any) -> Inspection:
        if self.error is not None:
            raise self.error
        self.read.append(message if isinstance(message, bytes) else Path(f"/proc/self/fd/{message}").read_bytes())
        return self.inspection

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeStore:
    """Keeps incidents and used seals; can fail."""

    incidents: list[Incident] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    outbox: list[NewNotice] = field(default_factory=list)
    error: Exception | None = None

    @property
    def seals(self) -> "FakeStore":
        return self

    def record(self, incident: Incident, *_: Any, outbox: Iterable[NewNotice] = (), **__: Any) -> None:
        if self.error is not None:
            raise self.error
        self.incidents.append(incident)
        self.outbox += outbox

    def use(self, digests: Iterable[str], _until: datetime) -> bool:
        fresh = self.used.isdisjoint(digests)
        self.used.update(digests)
        return fresh


@dataclass
class FakeService:
    """The data that a session gets from the service."""

    snapshot: ConfigSnapshot
    store: FakeStore
    pool: FakePool

    def session(self) -> Session:
        return Session(cast(Service, self))


NewService = Callable[..., FakeService]


@pytest.fixture
def new_service(tmp_path: Path) -> NewService:
    """Return a function that makes a service of policies (as a table of TOML), `[milter]` and `[policy]` settings."""

    def make(
        policies: dict[str, Any] = ALLOW_ALL,
        *,
        inspection: Inspection | None = None,
        milter: dict[str, Any] | None = None,
        **policy: Any,
    ) -> FakeService:
        settings = Settings.model_validate(
            {"milter": {"spool_directory": tmp_path, **(milter or {})}, "policy": policy}
        )
        pool = FakePool(inspection or Inspection())
        snapshot = ConfigSnapshot(
            settings,
            PolicySet(PolicyFile.model_validate(policies), Tables(tmp_path)),
            Sealer([KEY], timedelta(hours=1)),
            cast(Pool, pool),
            None,
        )
        return FakeService(snapshot, cast(Any, FakeStore()), pool)

    return make
