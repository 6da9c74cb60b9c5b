"""The canary with a desk that works or fails at each step, on a clock that only the canary's waits advance."""

import smtplib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdgate.config import CanarySettings
from holdgate.desk import asking, canary, post, sending
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.templates import Templates
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from tests.unit.desk.conftest import Hold, MakeDesk

RECIPIENT = "canary@partner.example"
QUEUE = Actor("holdgate-queue", "queue")


class Site:
    """Everything else on the path of the canary's message: it acts in each pause of the canary."""

    def __init__(self, desk: Desk, hold: Hold, state: Path) -> None:
        settings = CanarySettings(recipient=RECIPIENT, step_timeout="10s", state=state)
        self.desk = Desk(desk.store, desk.settings.model_copy(update={"canary": settings}))
        previewer = Previewer(self.desk.settings, QueueClient(Path("/nonexistent")))
        self.composer = Composer(self.desk, Templates(Path("/nonexistent"), self.desk.zone), previewer)
        self.hold = hold
        self.seconds = 0.0
        self.mailed: list[str] = []
        self.does: set[str] = {"hold", "ask", "send", "release"}
        self.refusal = 0

    def submit(self, settings: CanarySettings, message_id: str) -> None:
        if "hold" in self.does:
            self.hold(self.desk, asked=False, sender="", recipients=[RECIPIENT], message_id=message_id)
        if "record" in self.does:
            # A policy that observes: the milter records it, and it is never held.
            incident = Incident(
                queue_id="4a",
                sender="",
                recipients=[RECIPIENT],
                policy="p",
                subject="",
                created_at=datetime.now(UTC),
                state=State.RECORDED,
                message_id=message_id,
            )
            self.desk.store.record(incident, Actor("holdgate-milter", "milter"))

    def submit_one(self, content: bytes, recipient: str, relay: tuple[str, int], sender: str = "") -> None:
        if self.refusal:
            raise smtplib.SMTPRecipientsRefused({recipient: (self.refusal, b"no")})
        self.mailed.append(recipient)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += 1
        store, now = self.desk.store, datetime.now(UTC) + timedelta(seconds=self.seconds)
        for incident in store.agenda.awaiting_request() if "ask" in self.does else []:
            asking.ask(self.desk, incident, now)
        if "send" in self.does:
            sending.Sender(self.desk, self.composer, reports=False).send_due(now)
        for incident in store.incidents([State.APPROVED]) if "release" in self.does else []:
            store.change(incident, State.RELEASED, QUEUE)

    def state(self) -> State:
        (incident,) = self.desk.store.incidents()
        return incident.state


@pytest.fixture
def site(make_desk: MakeDesk, hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(make_desk(), hold, tmp_path / "canary")
    monkeypatch.setattr(canary, "_submit", site.submit)
    monkeypatch.setattr(canary, "time", site)
    monkeypatch.setattr(post, "submit_one", site.submit_one)
    return site


def test_the_canary_succeeds_if_every_step_works(site: Site, tmp_path: Path) -> None:
    done = canary.run(site.desk)
    assert (done.state, done.decided_by) == (State.RELEASED, "holdgate-canary")
    # The request and the decision.
    assert site.mailed == [RECIPIENT] * 2
    assert canary.last_success(tmp_path / "canary") > 0


@pytest.mark.parametrize(
    ("missing", "output", "state"),
    [
        ("ask", "no moderator was asked", State.HELD),
        ("send", "its request was not sent", State.HELD),
        ("release", "approved, but not released", State.APPROVED),
    ],
)
def test_a_missing_step_is_named(site: Site, tmp_path: Path, missing: str, output: str, state: State) -> None:
    site.does.remove(missing)
    with pytest.raises(canary.CanaryError, match=output):
        canary.run(site.desk)
    # It approves no message for which no moderator was asked.
    assert site.state() is state
    assert canary.last_success(tmp_path / "canary") == 0


def test_a_canary_that_is_not_held_is_reported(site: Site) -> None:
    site.does.remove("hold")
    with pytest.raises(canary.CanaryError, match="was not held within"):
        canary.run(site.desk)


def test_a_canary_under_an_observing_policy_is_recorded_and_stores_no_time(site: Site, tmp_path: Path) -> None:
    site.does = {"record"}
    assert canary.run(site.desk, observing=True).state is State.RECORDED
    assert canary.last_success(tmp_path / "canary") == 0
    site.does = set()
    with pytest.raises(canary.CanaryError, match="no incident was recorded"):
        canary.run(site.desk, observing=True)


@pytest.mark.parametrize("code", [450, 550])
def test_a_canary_request_that_postfix_rejects_is_a_failure_and_asks_no_person(site: Site, code: int) -> None:
    site.refusal = code
    with pytest.raises(canary.CanaryError, match="its request was not sent"):
        canary.run(site.desk)
    assert site.state() is State.HELD
    (incident,) = site.desk.store.incidents()
    assert [one.moderator for one in site.desk.store.requests.of(incident.id)] == [RECIPIENT]


def test_a_canary_request_that_bounced_does_not_count_as_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def returned(content: bytes, recipient: str, relay: tuple[str, int], sender: str = "") -> None:
        (incident,) = site.desk.store.incidents()
        (request,) = site.desk.store.requests.of(incident.id)
        asking.reassign(site.desk, request, Answer.BOUNCED, "returned")

    monkeypatch.setattr(post, "submit_one", returned)
    with pytest.raises(canary.CanaryError, match="its request was not sent"):
        canary.run(site.desk)
    assert site.state() is State.HELD
