"""A moderator or sender who releases a message leaves recipients out: the page, the decision and the notices."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdgate.desk import tokens
from holdgate.desk.changing import CannotChangeError, Changer, RequestedChanges, offered
from holdgate.desk.context import Desk
from holdgate.desk.preview import UnreadableError
from holdgate.desk.web.api import _requested_changes
from holdgate.desk.web.change import _requested
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueError
from holdgate.risks import COLLEAGUES
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_forms_shown_again import entered
from tests.unit.desk.web.test_pages import Browser, FakePreviewer, forms

BOB, CAROL = "bob@partner.example", "carol@partner.example"
RISK = {
    "kind": "lookalike",
    "recipient": CAROL,
    "similar": "carol@partners.example",
    "count": 7,
    "whose": COLLEAGUES,
}
ENVELOPE = "".join(f"original_recipient: {one}\nrecipient: {one}\n" for one in (BOB, CAROL)).encode()
QUEUE = Actor("holdgate-queue", "queue")
HELD = b"X-Holdgate-Incident: x\nSubject: Figures\n\nText\n"


def make(make_desk: MakeDesk, **more: Any) -> Desk:
    made = make_desk(desk={"change_relay": "127.0.0.1:3"}, changes=["without-recipients"], **more)
    assert isinstance(made, Desk)
    return made


def held(hold: Hold, desk: Desk, **values: Any) -> Incident:
    incident = hold(desk, **({"recipients": [BOB, CAROL]} | values))
    assert isinstance(incident, Incident)
    return incident


def now(desk: Desk, incident: Incident) -> Incident:
    found = desk.store.incident(incident.id)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a held message in the hold queue, and a worker that shows it."""
    monkeypatch.setattr(FakePreviewer, "held", lambda *_: HELD)
    monkeypatch.setattr(FakePreviewer, "envelope", lambda *_: ENVELOPE)
    monkeypatch.setattr(FakePreviewer, "show", lambda self, _, **_more: self.read(None))


def opened(desk: Desk, incident: Incident, query: str = "") -> tuple[Browser, Any]:
    browser = Browser(desk)
    browser.get(browser.link(incident))
    return browser, browser.get(f"/incidents/{incident.id}/change{query}")


def test_the_page_shows_the_remaining_recipients_and_only_a_confirmed_form_decides(
    make_desk: MakeDesk, hold: Hold
) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, page = opened(desk, incident)
    assert page.text.count('name="not"') == 2
    assert "Yes, I checked" not in page.text
    browser, page = opened(desk, incident, "?not=2&confirm=yes")
    assert f'It is not sent to: <bdi dir="ltr">{CAROL}</bdi>' in page.text
    assert now(desk, incident).state is State.HELD
    assert "tick the box first" in browser.submit(page, "/change").text
    done = browser.submit(page, "/change", confirm="yes", comment="Only Bob")
    assert "approved the message, but not for all of its recipients" in done.text
    assert f'It is not sent to: <bdi dir="ltr">{CAROL}</bdi>' in done.text
    found = now(desk, incident)
    assert (found.state, found.decided_by) == (State.APPROVED, "boss@corp.example")
    assert found.change is not None
    assert (found.change["kinds"], found.change["recipients"]) == (["without-recipients"], [CAROL])
    chosen = next(one for one in desk.store.history(incident.id) if one.event == "changes chosen")
    assert CAROL in chosen.note
    assert chosen.who == "boss@corp.example"


def test_a_form_without_a_chosen_change_is_shown_again_with_a_hint(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    asked = "Nothing was chosen. Choose what to change first."
    assert [asked in opened(desk, incident, query)[1].text for query in ("", "?show=yes&not=2")] == [False, False]
    _, page = opened(desk, incident, "?show=yes")
    assert (page.status_code, asked in page.text) == (422, True)
    assert 'name="show" value="yes"' in page.text


def test_a_comment_is_kept_while_the_message_cannot_be_prepared(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form with the comment is not on a page without a prepared message: the comment was lost."""
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, page = opened(desk, incident, "?not=2")
    address, typed = f"/incidents/{incident.id}/change", "Only <b>Bob</b>\nneeds it"
    with monkeypatch.context() as broken:
        broken.setattr(FakePreviewer, "held", unreadable)
        lost = browser.submit(page, "/change", confirm="yes", comment=typed)
        assert (lost.status_code, "Approve the changed message" in lost.text) == (503, False)
        assert entered(lost.text, "comment") == typed
        assert "the queue agent does not answer" in lost.text
        assert "would be different now" not in lost.text
        (form,) = forms(lost.text)
        assert (form["action"], form["method"], form["hidden"]["show"]) == (address, "post", "yes")
        again = browser.client.post(address, data=form["hidden"] | {"not": "2", "comment": typed})
        assert entered(again.text, "comment") == typed
    shown = browser.client.post(address, data=form["hidden"] | {"not": "2", "comment": typed, "confirm": "yes"})
    assert (shown.status_code, entered(shown.text, "comment")) == (200, typed)
    assert [one["method"] for one in forms(shown.text)] == ["post", "post"]
    assert now(desk, incident).state is State.HELD
    nothing = browser.client.post(address, data=form["hidden"] | {"comment": typed})
    assert (nothing.status_code, entered(nothing.text, "comment")) == (422, typed)
    # The stamp that only shows does not decide.
    forged = browser.client.post(address, data={**form["hidden"], "show": "", "not": "2", "confirm": "yes"})
    assert forged.status_code == 403
    done = browser.client.post(address, data=forms(shown.text)[1]["hidden"] | {"comment": typed, "confirm": "yes"})
    assert done.status_code == 200
    assert (now(desk, incident).state, now(desk, incident).comment) == (State.APPROVED, typed)


def test_the_page_does_not_forget_attachments_while_the_message_is_unreadable(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said that the message had none, and the choice was lost."""
    desk = make_desk(desk={"change_relay": "127.0.0.1:3"}, changes=["without-attachments"])
    monkeypatch.setattr(FakePreviewer, "held", unreadable)
    _, page = opened(desk, held(hold, desk), "?without=2")
    assert (page.status_code, "has no attachments" in page.text) == (503, False)
    assert 'type="hidden" name="without" value="2"' in page.text


def unreadable(*_: Any) -> bytes:
    raise UnreadableError("agent", "the queue agent does not answer")


def test_other_moderators_are_notified_of_the_excluded_recipients(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, moderators=["boss@corp.example", "deputy@corp.example"])
    incident = held(hold, desk)
    browser, page = opened(desk, incident, "?not=2")
    browser.submit(page, "/change", confirm="yes")
    moment = datetime.now(UTC) + timedelta(minutes=1)
    notice = next(one for one in desk.store.outbox.due(moment) if one.kind == "decided")
    assert notice.recipient == "deputy@corp.example"
    text = str(browser.composer.compose(now(desk, incident), notice, moment))
    assert f"It is not sent to:\\r\\n\\r\\n  {CAROL}\\r\\n" in text


def test_the_only_recipient_cannot_be_excluded(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    changer = Changer(desk, Browser(desk).previewer)
    with pytest.raises(CannotChangeError, match="cannot be left out"):
        changer.prepare(held(hold, desk, recipients=[BOB]), RequestedChanges(excluded=[BOB]))


def test_the_sender_is_notified_of_the_excluded_recipients(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, page = opened(desk, incident, "?not=2")
    browser.submit(page, "/change", confirm="yes")
    done = now(desk, incident)
    desk.store.change(done, State.RELEASED, QUEUE)
    moment = datetime.now(UTC) + timedelta(minutes=1)
    notice = next(one for one in desk.store.outbox.due(moment) if one.kind == "approved")
    text = str(browser.composer.compose(now(desk, incident), notice, moment))
    assert notice.recipient == "anna@corp.example"
    before, _, after = text.partition("It is not sent to:")
    assert BOB in before
    assert CAROL not in before
    assert CAROL in after


@pytest.mark.parametrize("query", ["?not=1&not=2", "?not=1&not=2&confirm=yes"])
def test_at_least_one_recipient_must_remain(make_desk: MakeDesk, hold: Hold, query: str) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    _, page = opened(desk, incident, query)
    assert page.status_code == 422
    assert "These recipients cannot be left out." in page.text
    assert "Yes, I checked" not in page.text


def test_exclusion_is_not_offered_for_one_recipient_or_without_permission(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk, recipients=[BOB, BOB])
    assert offered(desk, incident) == []
    assert opened(desk, incident)[1].status_code == 403
    desk = make_desk(desk={"change_relay": "127.0.0.1:3"}, changes=["redact"])
    incident = held(hold, desk)
    browser = Browser(desk)
    with pytest.raises(CannotChangeError, match="does not allow"):
        Changer(desk, browser.previewer).prepare(incident, RequestedChanges(excluded=[BOB]))


@pytest.mark.parametrize("given", [["Carol@Partner.Example"], [CAROL], [CAROL, CAROL.upper()]])
def test_an_address_is_recognised_in_any_letter_case(make_desk: MakeDesk, hold: Hold, given: list[str]) -> None:
    desk = make(make_desk)
    changer = Changer(desk, Browser(desk).previewer)
    prepared = changer.prepare(held(hold, desk), RequestedChanges(excluded=given))
    assert prepared.change.recipients == [CAROL]
    assert prepared.content == b"Subject: Figures\n\nText\n"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["Carol@Elsewhere.example"], "^Carol@Elsewhere.example: This address is not a recipient"),
        ([CAROL, "x"], "^x: This address is not a recipient"),
        (["219-09-9999@partner.example"], "^[*-]+999@partner.example: This address is not"),
        ([""], "^This address is not a recipient"),
        ([BOB, CAROL], "^These recipients cannot be left out"),
    ],
)
def test_an_ambiguous_address_changes_nothing(make_desk: MakeDesk, hold: Hold, given: list[str], why: str) -> None:
    desk = make(make_desk)
    changer = Changer(desk, Browser(desk).previewer)
    with pytest.raises(CannotChangeError, match=why):
        changer.prepare(held(hold, desk), RequestedChanges(excluded=given))


def test_a_queue_agent_that_does_not_answer_decides_nothing(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)

    def fails(*_: object) -> bytes:
        raise QueueError("no answer")

    monkeypatch.setattr(FakePreviewer, "envelope", fails)
    with pytest.raises(UnreadableError):
        Changer(desk, Browser(desk).previewer).prepare(incident, RequestedChanges(excluded=[BOB]))
    _, page = opened(desk, incident, "?not=2")
    assert page.status_code == 503
    assert now(desk, incident).state is State.HELD


def test_the_page_describes_unusual_recipients_for_a_moderator(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    _, page = opened(desk, held(hold, desk, recipient_risks=[RISK]))
    assert f"{CAROL}: your organisation has written to carol@partners.example 7×, and the sender has" in page.text


@pytest.mark.parametrize(("count", "left"), [(100, 1), pytest.param(1000, 49, marks=pytest.mark.slow)])
def test_each_of_many_recipients_can_be_excluded(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch, count: int, left: int
) -> None:
    desk = make(make_desk)
    many = [f"r{number}@partner.example" for number in range(count)]
    envelope = "".join(f"original_recipient: {one}\nrecipient: {one}\n" for one in many).encode()
    monkeypatch.setattr(FakePreviewer, "envelope", lambda *_: envelope)
    incident = held(hold, desk, recipients=many)
    numbers = [str(number) for number in range(1, len(many) + 1 - left)]
    browser, page = opened(desk, incident, "?" + "&".join(f"not={one}" for one in numbers))
    browser.submit(page, "/change", confirm="yes", **{"not": numbers})
    change = now(desk, incident).change
    assert change is not None
    assert [one for one in many if one not in change["recipients"]] == many[-left:]


def test_all_of_many_attachments_can_be_removed() -> None:
    numbers = [str(number) for number in range(1, 301)]
    changes = _requested_changes({"without": numbers, "not_to": numbers})
    assert changes is not None
    assert (changes.without, changes.excluded) == (numbers, numbers)
    assert _requested(numbers, "", "").without == numbers
    assert _requested(["1", "x", "*", "²", "1"], "", "").without == ["1"]


# -- the sender who releases the message -----------------------------------------------------------------------------


def released_page(desk: Desk, incident: Incident) -> tuple[Browser, Any]:
    browser = Browser(desk)
    token = desk.key.token(tokens.RELEASE, incident.id, 0, incident.sender, incident.created_at)
    return browser, browser.get(f"/t/{token}")


def test_the_sender_can_release_a_message_without_some_recipients(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, self_release=True)
    incident = held(hold, desk, policy="all")
    browser, page = released_page(desk, incident)
    assert "except those that you tick" in page.text
    incomplete = browser.submit(page, incident.id, reason="Contract", **{"not": "2"})
    assert "tick the box first" in incomplete.text
    # The choice is kept, so that the next attempt does not send it to all.
    assert re.findall(r'name="not" value="(\d)"( checked)?', incomplete.text) == [("1", ""), ("2", " checked")]
    nobody = browser.submit(page, incident.id, reason="Contract", confirm="yes", **{"not": ["1", "2"]})
    assert "These recipients cannot be left out." in nobody.text
    assert now(desk, incident).state is State.HELD
    done = browser.submit(page, incident.id, reason="Contract", confirm="yes", **{"not": "2"})
    assert "sent the message, but not to all of its recipients" in done.text
    found = now(desk, incident)
    assert (found.state, found.decided_how, found.comment) == (State.APPROVED, "self-release", "Contract")
    assert found.change is not None
    assert found.change["recipients"] == [CAROL]


def test_the_sender_cannot_exclude_recipients_without_permission_of_the_policy(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk={"change_relay": "127.0.0.1:3"}, self_release=True)
    incident = held(hold, desk, policy="all")
    browser, page = released_page(desk, incident)
    assert 'name="not"' not in page.text
    forged = browser.submit(page, incident.id, reason="Contract", confirm="yes", **{"not": "2"})
    assert "does not allow this change" in forged.text
    assert now(desk, incident).state is State.HELD


def test_a_sender_over_a_limit_cannot_exclude_recipients(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, self_release=True)
    incident = held(hold, desk, policy="all", profiles={"a": "critical"})
    browser, page = released_page(desk, incident)
    assert 'name="not"' not in page.text
    stamp = desk.key.stamp(incident.sender, f"release {incident.id}")
    sent = {"stamp": stamp, "reason": "why", "confirm": "yes", "not": "2"}
    assert "too sensitive" in browser.client.post(f"/release/{incident.id}", data=sent).text
    assert now(desk, incident).state is State.HELD


@pytest.mark.parametrize(
    "given", [{"reason": "Contract"}, {"reason": "Contract", "confirm": "yes"}, {"confirm": "yes"}]
)
def test_a_form_that_decides_nothing_keeps_the_excluded_recipients(
    make_desk: MakeDesk, hold: Hold, given: dict[str, str]
) -> None:
    is_complete = len(given) == 2
    desk = make(
        lambda **more: make_desk(**more | {"desk": more["desk"] | {"ask_number": is_complete}}), self_release=True
    )
    incident = held(hold, desk, policy="all")
    browser, page = released_page(desk, incident)
    again = browser.submit(page, incident.id, **given, **{"not": "2"})
    assert again.status_code == 422
    (form,) = [one for one in forms(again.text) if one["action"].endswith(incident.id)]
    assert form["default"].get("not") == "2"


def test_the_sender_who_releases_a_message_does_not_see_hidden_names(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, self_release=True)
    _, page = released_page(desk, held(hold, desk, policy="all", recipient_risks=[RISK]))
    assert page.text.count("this resembles a name to which others in your organisation have written 7×") == 2
    assert "partners.example" not in page.text
