"""A program's account with a separate store and a clock that the test sets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdgate.config import MachineSettings
from holdgate.envelope import Envelope
from holdgate.findings import Attachment, Inspection
from holdgate.machines.accounts import Accounts
from holdgate.machines.traffic import MachineMail, Traffic
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.relations.keys import Hasher
from holdgate.risks import Risk
from holdgate.tables import TableError, Tables

BOB, CARL = "bob@partner.example", "carl@client.example"
ACTOR = Actor("test", "test")
WAYS = {
    "approve": (State.HELD, State.APPROVED, State.RELEASED),
    "reject": (State.HELD, State.REJECTED, State.RETURNED),
    "expire": (State.HELD, State.EXPIRED, State.RETURNED),
    "lose": (State.VANISHED,),
}


class FakeTables(Tables):
    """One table in memory."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))
        self.broken = False

    def lookup(self, table: str, key: str) -> str | None:
        if self.broken:
            raise TableError(f"{table}: no such file")
        return {"billing": "owner@corp.example", "192.0.2": "ops@corp.example", "2001:db8": ""}.get(key)


@dataclass
class Agent:
    """The account "billing". Each message takes a second of its clock."""

    store: Store
    seconds: float = 1_700_000_000.0
    mode: str = "on"
    is_over: Callable[[Risk], bool] | None = lambda _: True
    tables: FakeTables = field(default_factory=FakeTables)
    limit: str = "60s"

    def __post_init__(self) -> None:
        self.traffic = self.traffic_of(self.store)

    def traffic_of(self, store: Store) -> Traffic:
        settings = MachineSettings.model_validate(
            {"mode": self.mode, "accounts": "texthash:/machines", "time_limit": self.limit}
        )
        accounts = Accounts(settings.accounts, self.tables)
        hasher = Hasher(b"k" * 32)
        return Traffic(settings, accounts, hasher, store, is_over=self.is_over, now=lambda: self.seconds)

    def mail(self, user: str = "billing") -> MachineMail:
        found = self.traffic.of(Envelope(auth_user=user))
        assert found is not None
        return found

    def evaluate(
        self, *to: str, hosts: tuple[str, ...] = (), files: tuple[str, ...] = (), user: str = "billing"
    ) -> tuple[MachineMail, tuple[Risk, ...]]:
        self.seconds += 1
        mail = self.mail(user)
        attachments = [Attachment(name, "pdf", 1) for name in files]
        inspection = Inspection(hosts=list(hosts), attachments=attachments)
        return mail, mail.evaluate(Envelope(recipients=list(to), auth_user=user), inspection)

    def new(self, *to: str, hosts: tuple[str, ...] = (), files: tuple[str, ...] = ()) -> set[str]:
        """Return the new contents of a message, without counting it."""
        return {one.kind for one in self.evaluate(*to, hosts=hosts, files=files)[1]} - {"machine-messages"}

    def send(self, *to: str, hosts: tuple[str, ...] = (), files: tuple[str, ...] = ()) -> None:
        """Send a message that is accepted."""
        mail, _ = self.evaluate(*to, hosts=hosts, files=files)
        mail.learn(to)

    def hold(self, *to: str, hosts: tuple[str, ...] = (), files: tuple[str, ...] = (), end: str = "") -> Incident:
        """Have a message held, and close its incident."""
        mail, _ = self.evaluate(*to, hosts=hosts, files=files)
        incident = Incident("4gXvQb1Rz2z5", "agent@corp.example", list(to), "first-mail", auth_user="billing")
        mail.note(incident.id, "<1@corp.example>", to)
        self.store.record(incident, ACTOR)
        for state in WAYS.get(end, ()):
            incident = self.store.change(incident, state, ACTOR, closed_at=datetime.now(UTC))
        return incident


@pytest.fixture
def agent(store_url: str) -> Iterator[Agent]:
    store = open_store(store_url)
    made = Agent(store)
    yield made
    made.traffic.close()
    store.close()
