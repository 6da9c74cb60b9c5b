"""The page of a sender who was asked: access, the effect of each form, and pages that the link does not open."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import unquote

import pytest

from holdgate.desk import numbers, tokens
from holdgate.desk.context import Desk
from holdgate.desk.preview import UnreadableError
from holdgate.quarantine.incident import Incident, Notice, Request
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_pages import BOSS, SITE, Browser, FakePreviewer, forms

ANNA = "anna@corp.example"
BOB, TWIN = "bob@partner.example", "bob@partner-group.example"
RISK = {"kind": "lookalike", "recipient": TWIN, "similar": BOB, "count": 214, "whose": "sender"}
WHY = "bob@partner-group.example: you have written to bob@partner.example 214×, never here."
ENVELOPE = "".join(f"original_recipient: {one}\nrecipient: {one}\n" for one in (BOB, TWIN)).encode()


def make(make_desk: MakeDesk, rules: str = "", **desk: Any) -> Desk:
    policies = f'[[policy]]\nname = "ask"\naction = "ask-sender"\n{rules}\n'
    made = make_desk(policies=policies, desk={"change_relay": "127.0.0.1:3", **desk})
    assert isinstance(made, Desk)
    return made


def held(hold: Hold, desk: Desk, **values: Any) -> Incident:
    given = {"policy": "ask", "action": "ask-sender", "recipients": [BOB, TWIN], "recipient_risks": [RISK]}
    incident = hold(desk, **(given | values))
    assert isinstance(incident, Incident)
    return incident


def request_of(desk: Desk, incident: Incident) -> Request:
    return next(one for one in desk.store.requests.of(incident.id) if one.is_of_sender)


def opened(desk: Desk, incident: Incident, purpose: str = tokens.ASK) -> tuple[Browser, Any]:
    browser = Browser(desk)
    return browser, browser.get(browser.composer.link(request_of(desk, incident), purpose))


def state_of(desk: Desk, incident: Incident) -> State:
    found = desk.store.incident(incident.id)
    assert found is not None
    return found.state


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a held message in the hold queue."""
    monkeypatch.setattr(FakePreviewer, "held", lambda *_: b"Subject: Figures\n\nText\n")
    monkeypatch.setattr(FakePreviewer, "envelope", lambda *_: ENVELOPE)


def test_the_page_marks_the_unusual_recipient_and_preselects_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    _, page = opened(desk, incident)
    assert str(page.url) == f"{SITE}/ask/{incident.id}"
    assert page.text.count(WHY) == 2
    (form,) = [one for one in forms(page.text) if one["action"] == f"/ask/{incident.id}"]
    assert set(form["default"]) == {"stamp", "reason"}


INCOMPLETE: list[dict[str, Any]] = [
    {},
    {"answer": "all"},
    {"confirm": "yes"},
    {"answer": "some", "not": "2"},
    {"answer": "some", "confirm": "yes"},
    {"answer": "some", "confirm": "yes", "not": "3"},
    {"answer": "some", "confirm": "yes", "not": ["1", "2"]},
    {"answer": "some", "confirm": "yes", "not": "²"},
    {"answer": "everything", "confirm": "yes"},
    {"answer": "all", "confirm": "yes", "not": "2"},
    {"answer": "all", "confirm": "yes", "reason": "x" * 5000},
]


def test_a_form_that_is_not_complete_decides_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, page = opened(desk, incident)
    for given in INCOMPLETE:
        answer = browser.submit(page, incident.id, **given)
        assert answer.status_code == 422, given
        assert "Nothing was done." in answer.text, given
        assert state_of(desk, incident) is State.HELD, given


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ({"ask_number": True}, {"answer": "some", "confirm": "yes"}),
        ({}, {"answer": "some"}),
        ({}, {"answer": "all", "confirm": "yes"}),
    ],
)
def test_a_form_that_decides_nothing_keeps_the_excluded_recipients(
    make_desk: MakeDesk, hold: Hold, settings: dict[str, Any], given: dict[str, Any]
) -> None:
    desk = make(make_desk, **settings)
    incident = held(hold, desk)
    browser, page = opened(desk, incident)
    again = browser.submit(page, incident.id, **given, **{"not": "2"})
    assert again.status_code == 422
    (form,) = [one for one in forms(again.text) if one["action"] == f"/ask/{incident.id}"]
    assert (form["default"].get("answer"), form["default"].get("not")) == ("some", "2")


def test_a_form_without_a_stamp_or_link_is_refused(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, _ = opened(desk, incident)
    whole = {"answer": "all", "confirm": "yes"}
    assert browser.client.post(f"/ask/{incident.id}", data=whole).status_code == 403
    assert Browser(desk).get(f"/ask/{incident.id}").status_code == 403
    assert browser.get(f"/ask/{held(hold, desk).id}").status_code == 403
    assert state_of(desk, incident) is State.HELD


@pytest.mark.parametrize(
    ("given", "state", "text"),
    [
        ({"answer": "all"}, State.APPROVED, "released the message"),
        ({"answer": "some", "not": "2"}, State.APPROVED, "but not to all of its recipients"),
        ({"answer": "none", "not": "2"}, State.REJECTED, "withdrew the message"),
    ],
)
def test_a_choice_decides_once(make_desk: MakeDesk, hold: Hold, given: dict[str, str], state: State, text: str) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, page = opened(desk, incident)
    done = browser.submit(page, incident.id, confirm="yes", **given)
    assert text in done.text
    assert state_of(desk, incident) is state
    # A double click shows the outcome; another choice is refused.
    for repeated in (given, {"answer": "all"}, {"answer": "some", "not": "1"}, {"answer": "none"}):
        again = browser.submit(page, incident.id, confirm="yes", **repeated)
        is_same = repeated == given or repeated["answer"] == given["answer"] == "none"
        assert (text in again.text, "Your answer changed nothing." in again.text) == (True, not is_same), repeated
    _, late = opened(desk, incident)
    assert text in late.text


def test_the_link_gives_no_access_to_pages_of_moderators(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, _ = opened(desk, incident)
    for page in ("", "/text", "/change"):
        assert str(browser.get(f"/incidents/{incident.id}{page}").url).endswith("/sign-in")
    assert opened(desk, incident, tokens.LINK)[1].status_code == 404
    other = held(hold, desk, profiles={"a": "critical"})
    moderator = Browser(desk)
    (request,) = desk.store.requests.of(other.id)
    assert request.moderator == BOSS
    assert moderator.get(moderator.composer.link(request, tokens.ASK)).status_code == 404


def test_a_required_reason_can_be_one_of_the_configured_ones(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, 'ask_reason = "send"\nmoderation = { reasons = ["Contract"] }')
    incident = held(hold, desk)
    browser, page = opened(desk, incident)
    assert "Give a reason." in browser.submit(page, incident.id, answer="all", confirm="yes").text
    browser.submit(page, incident.id, answer="all", confirm="yes", choice="Contract")
    found = desk.store.incident(incident.id)
    assert found is not None
    assert (found.state, found.comment) == (State.APPROVED, "Contract")


def test_over_a_limit_the_answer_is_passed_to_the_moderators(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, 'ask_beyond = "both"')
    incident = held(hold, desk, profiles={"a": "critical"})
    browser, page = opened(desk, incident)
    assert "Another person has to approve this message" in page.text
    assert 'value="some"' not in page.text
    assert browser.submit(page, incident.id, answer="some", confirm="yes", **{"not": "2"}).status_code == 422
    done = browser.submit(page, incident.id, answer="all", confirm="yes", reason="I know <b>them</b>")
    assert "Your answer was passed to the moderators." in done.text
    assert state_of(desk, incident) is State.HELD
    moderator = Browser(desk)
    assert "I know &lt;b&gt;them&lt;/b&gt;" in moderator.get(moderator.link(incident)).text
    assert "Your answer was passed to the moderators." in opened(desk, incident)[1].text


def test_an_exclusion_that_is_impossible_or_unreadable_decides_nothing(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    browser, page = opened(desk, incident)
    whole = {"answer": "some", "confirm": "yes", "not": "2"}
    monkeypatch.setattr(FakePreviewer, "envelope", lambda *_: b"recipient: bob@partner.example\n")
    assert "These recipients cannot be left out." in browser.submit(page, incident.id, **whole).text

    def away(*_: object) -> bytes:
        raise UnreadableError("agent", "the queue agent does not answer")

    monkeypatch.setattr(FakePreviewer, "held", away)
    refused = browser.submit(page, incident.id, **whole)
    assert (refused.status_code, "the queue agent does not answer" in refused.text) == (503, True)
    assert state_of(desk, incident) is State.HELD


@pytest.mark.parametrize(("relay", "recipients"), [(None, [BOB, TWIN]), ("127.0.0.1:3", [TWIN])])
def test_the_choice_of_recipients_is_not_offered_if_none_can_be_excluded(
    make_desk: MakeDesk, hold: Hold, relay: str | None, recipients: list[str]
) -> None:
    desk = make(make_desk, change_relay=relay)
    incident = held(hold, desk, recipients=recipients)
    assert 'value="some"' not in opened(desk, incident)[1].text


def test_the_page_asks_for_the_number_of_the_mail(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, ask_number=True)
    incident = held(hold, desk)
    browser, page = opened(desk, incident)
    whole = {"answer": "all", "confirm": "yes"}
    assert "Type the number that the mail shows" in browser.submit(page, incident.id, **whole).text
    assert state_of(desk, incident) is State.HELD
    number = numbers.number_of(desk, incident, ANNA)
    browser.submit(page, incident.id, number=number, **whole)
    assert state_of(desk, incident) is State.APPROVED


@pytest.mark.parametrize("kind", ["request", "reminder"])
def test_the_mail_is_in_the_sender_s_language_and_has_each_way_to_answer(
    make_desk: MakeDesk, hold: Hold, kind: str
) -> None:
    desk = make(make_desk, languages=f"inline:{{{ANNA}=de}}")
    incident = held(hold, desk)
    browser = Browser(desk)
    notice = Notice(1, incident.id, kind, ANNA, 0, request=request_of(desk, incident).number)
    content = browser.composer.compose(incident, notice, datetime.now(UTC)).content
    message = message_from_bytes(content, policy=default)
    assert str(message["Subject"]).endswith("Bitte vor dem Senden prüfen: Figures")
    plain, html = (
        next(part.get_content() for part in message.walk() if part.get_content_type() == kind_of_text)
        for kind_of_text in ("text/plain", "text/html")
    )
    assert f"1. {BOB}\r\n" in plain
    assert f"2. {TWIN}: " in plain
    assert "214×" in plain
    assert f">1. {BOB}<br>2. " in html
    assert not re.search(r"<li>\d", html)  # a bullet before the number
    found = [unquote(body) for body in re.findall(r"mailto:[^\"]*body=([^\"]*)", html)]
    assert found == ["FREIGEBEN\r\n\r\n", "NICHT AN 2\r\n\r\n", "ABLEHNEN\r\n\r\n"]
    assert "+r-" in str(message["Reply-To"])


def test_the_page_tells_an_owner_for_which_application_they_are_asked(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, 'ask_owners = "inline:{erp@corp.example=owner@corp.example}"')
    incident = held(hold, desk, sender="erp@corp.example")
    _, page = opened(desk, incident)
    assert "You are asked as the owner of erp@corp.example." in page.text
