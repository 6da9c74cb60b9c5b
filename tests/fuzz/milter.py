"""The milter session: callbacks in any order, any bytes, errors anywhere. No order delivers an uninspected message.

Postfix sends the steps of one connection in any order that SMTP allows; a broken peer in any order at all. A message is
accepted only by the response at its end, and only if it was inspected completely in this transaction.
"""

import tempfile
from pathlib import Path
from typing import Any, cast

import Milter
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from holdgate.config import Settings
from holdgate.findings import Inspection
from holdgate.gate import holding
from holdgate.gate.callbacks import Callbacks
from holdgate.gate.poolwaker import PoolWaker
from holdgate.gate.service import ConfigSnapshot
from holdgate.policy.model import PolicyFile
from holdgate.policy.verdict import PolicySet
from holdgate.scan.pool import Pool, ScanError
from holdgate.seal import Sealer
from holdgate.tables import Tables
from tests.fuzz.frame import Target
from tests.unit.gate.conftest import KEY, FakePool, FakeService, FakeStore
from tests.unit.gate.test_callbacks import Context

NAMES = st.sampled_from(["Subject", "From", "To", "X-Holdgate-Seal", "x-netskope-action", "X-Holdgate-Status", ""])
ADDRESSES = st.one_of(
    st.sampled_from(["<anna@corp.example>", "<>", "<bob@partner.example>", "bob", ""]), st.text(max_size=20)
)
VALUES = st.binary(max_size=200)
SECRET = b"her social security number is 536-90-4399"
POLICIES = {
    "uninspected": "quarantine",
    "policy": [{"name": "all", "profile": {"dlp-pii": "low"}, "action": "quarantine"}],
}


class Reader(FakePool):
    """Finds the number in its input, as the workers do."""

    def inspect(self, message: int | bytes, **words: Any) -> Inspection:
        super().inspect(message, **words)
        found = {"dlp-pii": "high"} if SECRET in self.read[-1] else {}
        return Inspection(status="complete", profiles=found)


class MilterSession(RuleBasedStateMachine):
    """Calls the steps in order, and records separately what the current message contains."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory(prefix="holdgate-fuzz-")
        directory = Path(self._directory.name)
        settings = Settings.model_validate({"milter": {"spool_directory": directory, "spool_memory": "1K"}})
        self.pool, self.store = Reader(), FakeStore()
        policies = PolicySet(PolicyFile.model_validate(POLICIES), Tables(directory))
        sealer = Sealer([KEY], settings.seal.lifetime)
        snapshot = ConfigSnapshot(settings, policies, sealer, cast(Pool, self.pool), None)
        self.service = FakeService(snapshot, self.store, self.pool)
        self._needs_milter_quarantine, holding.needs_milter_quarantine = (
            holding.needs_milter_quarantine,
            lambda *_: True,
        )
        self.connect_again()

    def teardown(self) -> None:
        self.callbacks.close()
        holding.needs_milter_quarantine = self._needs_milter_quarantine
        self._directory.cleanup()

    def connect_again(self) -> None:
        self.callbacks, self.context = Callbacks(self.service.session(), PoolWaker()), Context()
        self.callbacks._ctx = self.context
        self.callbacks._protocol = Milter.P_HDR_LEADSPC
        self.callbacks._actions = Milter.ADDHDRS | Milter.CHGHDRS | Milter.QUARANTINE
        self.has_secret = False

    def continues(self, answer: int) -> None:
        assert answer == Milter.CONTINUE

    @initialize()
    def begins(self) -> None:
        self.continues(self.callbacks.connect("client.corp.example", 2, ("192.0.2.1", 25)))

    @rule(address=st.one_of(st.none(), st.just(("192.0.2.1", 25)), st.text(max_size=9)), name=st.text(max_size=9))
    def connect(self, name: str, address: Any) -> None:
        self.continues(self.callbacks.connect(name, 2, address))

    @rule(address=ADDRESSES)
    def mail(self, address: str) -> None:
        self.continues(self.callbacks.envfrom(address, "SIZE=1"))
        self.has_secret = False

    @rule(address=ADDRESSES)
    def recipient(self, address: str) -> None:
        self.continues(self.callbacks.envrcpt(address))

    @rule(name=NAMES, value=VALUES)
    def header(self, name: str, value: bytes) -> None:
        self.continues(self.callbacks.header(name, value))

    @rule()
    def end_of_header(self) -> None:
        self.continues(self.callbacks.eoh())

    @rule(chunk=VALUES, secret=st.booleans(), times=st.sampled_from([1, 1, 20]))
    def body(self, chunk: bytes, secret: bool, times: int) -> None:
        self.continues(self.callbacks.body((chunk + SECRET if secret else chunk) * times))
        self.has_secret |= secret

    @rule()
    def broken_step(self) -> None:
        """A step with arguments that libmilter never passes: its message is deferred, with any steps after it."""
        self.continues(self.callbacks.body(cast(bytes, object())))
        answer = self.finish()
        assert answer == Milter.TEMPFAIL

    @rule(error=st.sampled_from([ScanError("no worker"), OSError("no space"), ValueError("odd")]), where=st.booleans())
    def fails_at_the_end(self, error: Exception, where: bool) -> None:
        self.mail("<anna@corp.example>")
        self.recipient("<bob@partner.example>")
        self.body(SECRET, True, 1)
        broken: Any = self.pool if where else self.store
        broken.error = error
        try:
            assert self.finish() == Milter.TEMPFAIL
        finally:
            broken.error = None

    @rule()
    def end_of_message(self) -> None:
        secret, incidents = self.has_secret, len(self.store.incidents)
        answer = self.finish()
        assert answer in (Milter.ACCEPT, Milter.CONTINUE, Milter.TEMPFAIL, Milter.REJECT)
        if secret and answer in (Milter.ACCEPT, Milter.CONTINUE):
            assert len(self.store.incidents) == incidents + 1, "a number passed without an incident"
            assert ("quarantine" in {name for name, *_ in self.context.changes}) or any(
                change[:2] == ("addheader", "X-Netskope-Action") for change in self.context.changes
            ), self.context.changes

    def finish(self) -> int:
        self.context.changes.clear()
        answer = self.callbacks.eom()
        self.has_secret = False
        return answer

    @rule()
    def abort(self) -> None:
        self.continues(self.callbacks.abort())
        self.has_secret = False

    @rule()
    def close(self) -> None:
        self.continues(self.callbacks.close())
        self.connect_again()


TARGET = Target("milter", "the milter session, callbacks in any order", lambda: MilterSession)
