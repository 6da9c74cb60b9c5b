"""The number in the mail: pages that require it, and programs without it."""

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from holdgate.desk import numbers, tokens
from holdgate.desk.numbers import MOST_WRONG, number_of
from holdgate.desk.tokens import Key
from holdgate.desk.web.session import SENDER_PAGES
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Incident, Notice
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_pages import BOSS, SECRET, SITE, Browser, forms

ASKS = {"ask_number": True}


def wrong(number: str) -> str:
    """Return another number than this one."""
    return "10" if number != "10" else "11"


def sender_link(browser: Browser, incident: Incident, purpose: str) -> str:
    key = browser.desk.key
    return f"{SITE}/t/{key.token(purpose, incident.id, 0, incident.sender, incident.created_at)}"


def test_a_number_has_two_digits_and_depends_on_incident_and_person() -> None:
    key = Key.random()
    found = {key.number(str(one), BOSS) for one in range(1_000)}
    assert all(re.fullmatch("[1-9][0-9]", one) for one in found)
    assert len(found) == 90
    number = key.number("A", BOSS)
    assert key.has_number(number, "A", BOSS)
    assert Key(b"x" * 32, (key.secret,)).has_number(number, "A", BOSS)
    assert not any(key.has_number(other, "A", BOSS) for other in ("", "٤٢", number + "0", wrong(number)))


def test_no_number_is_required_without_the_setting(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    assert 'name="number"' not in browser.get(browser.link(incident)).text
    assert number_of(browser.desk, incident, BOSS) == ""


def test_a_decision_needs_the_number_of_the_mail(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk(desk=ASKS))
    incident = hold(browser.desk)
    number = number_of(browser.desk, incident, BOSS)
    page = browser.get(browser.link(incident))
    assert 'name="number"' in page.text
    assert number not in re.findall(r"\b\d\d\b", re.sub(r"<footer.*", "", page.text, flags=re.S).partition("<h1>")[0])
    missing = browser.submit(page, "/decision", decision="approve", comment="kept")
    assert missing.status_code == 422
    assert "Type the number that the mail shows" in missing.text
    assert ">\nkept</textarea>" in missing.text
    other = browser.submit(page, "/decision", decision="approve", number=wrong(number))
    assert "That is not the number" in other.text
    assert browser.desk.store.incident(incident.id).state is State.HELD
    browser.submit(page, "/decision", decision="approve", number=f" {number} ")
    assert browser.desk.store.incident(incident.id).state is State.APPROVED
    events = [(one.event, one.who) for one in browser.desk.store.history(incident.id)]
    assert events.count((EventName.WRONG_NUMBER, BOSS)) == 1


def test_a_link_is_blocked_after_several_wrong_numbers_until_sign_in(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(make_desk(desk=ASKS))
    incident, other = hold(browser.desk), hold(browser.desk)
    number = number_of(browser.desk, incident, BOSS)
    page = browser.get(browser.link(incident))
    for _ in range(MOST_WRONG):
        browser.submit(page, "/decision", decision="reject", number=wrong(number))
    late = browser.submit(page, "/decision", decision="reject", number=number)
    assert "this link no longer decides anything" in late.text
    assert f"{SITE}/sign-in" in {urljoin(SITE, one) for one in re.findall(r'href="([^"]+)"', late.text)}
    assert browser.desk.store.incident(incident.id).state is State.HELD
    # Other messages, and other ways, are as before.
    elsewhere = Browser(browser.desk)
    elsewhere.submit(
        elsewhere.get(elsewhere.link(other)),
        "/decision",
        decision="reject",
        number=number_of(browser.desk, other, BOSS),
    )
    assert browser.desk.store.incident(other.id).state is State.REJECTED
    monkeypatch.setattr(
        "holdgate.desk.web.session.Sessions.visitor_of", lambda self, http, _incident: self.visitor(http)
    )
    proxied = make_desk(desk=ASKS | {"user_header": "X-User", "trusted_proxies": ["192.0.2.1"]})
    signed_in = Browser(proxied, client=("192.0.2.1", 1), headers={"X-User": BOSS})
    page = signed_in.get(f"/incidents/{incident.id}")
    assert 'name="number"' not in page.text
    signed_in.submit(page, "/decision", decision="reject")
    assert proxied.store.incident(incident.id).state is State.REJECTED


def test_forwarding_asking_and_revealing_need_the_number_but_postponing_does_not(
    make_desk: MakeDesk, hold: Hold
) -> None:
    browser = Browser(make_desk(desk=ASKS | {"own_domains": ["corp.example"]}))
    incident = hold(browser.desk)
    page = browser.get(browser.link(incident))
    for action, values in (
        ("/forward", {"to": "second@corp.example", "confirm": "yes"}),
        ("/ask", {"question": "Why?", "confirm": "yes"}),
    ):
        assert "Type the number" in browser.submit(page, action, **values).text
    text = browser.get(f"/incidents/{incident.id}/text")
    refused = browser.submit(text, "/text", match="1", reason="to see")
    assert "Type the number" in refused.text
    assert SECRET not in refused.text
    number = number_of(browser.desk, incident, BOSS)
    assert SECRET in browser.submit(text, "/text", match="1", reason="to see", number=number).text
    at = re.search(r'name="at" value="([^"]+)"', page.text)
    assert at is not None
    assert "You will be reminded then." in browser.submit(page, "/later", at=at[1]).text


def test_a_sender_needs_the_number_of_their_own_mail(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk(desk=ASKS))
    incident = hold(browser.desk)
    page = browser.get(sender_link(browser, incident, tokens.WITHDRAW))
    assert "Type the number" in browser.submit(page, f"/withdraw/{incident.id}", confirm="yes").text
    assert browser.desk.store.incident(incident.id).state is State.HELD
    browser.submit(
        page,
        f"/withdraw/{incident.id}",
        confirm="yes",
        number=number_of(browser.desk, incident, incident.sender),
    )
    assert browser.desk.store.incident(incident.id).state is State.REJECTED


@pytest.mark.parametrize("kind", ["request", "reminder", "said", "held", "question"])
def test_the_mail_shows_the_number_for_its_recipient(make_desk: MakeDesk, hold: Hold, kind: str) -> None:
    for asks in (False, True):
        browser = Browser(make_desk(desk={"ask_number": asks}))
        browser.previewer.original = lambda incident: b"Subject: s\n\nText\n"  # type: ignore[method-assign]
        incident = hold(browser.desk)
        (request,) = browser.desk.store.requests.of(incident.id)
        reader = incident.sender if kind in ("held", "question") else BOSS
        number = None if kind == "held" else request.number
        notice = Notice(1, incident.id, kind, reader, 0, request=number)
        letter = browser.composer.compose(incident, notice, incident.created_at)
        assert isinstance(letter.content, bytes)
        shown = re.findall(rb"ask(?:s)? for this number: (\d\d)\b", letter.content)
        assert bool(shown) is asks
        assert set(shown) <= {browser.desk.key.number(incident.id, reader).encode()}


def test_a_crawler_that_fills_in_everything_except_the_number_has_no_effect(make_desk: MakeDesk, hold: Hold) -> None:
    """It follows every link, ticks every box, makes each choice, writes into each field and presses each button."""
    browser = Browser(make_desk(desk=ASKS | {"own_domains": ["corp.example"]}, self_release=True))
    desk = browser.desk
    incident = hold(desk, policy="all")
    before = [one.event for one in desk.store.history(incident.id)]
    todo = [browser.link(incident), *(sender_link(browser, incident, purpose) for purpose in SENDER_PAGES)]
    seen: set[str] = set()
    while todo:
        url = todo.pop()
        if url in seen or urlsplit(url).netloc != urlsplit(SITE).netloc:
            continue
        seen.add(url)
        page = browser.get(url)
        todo += [urljoin(str(page.url), link) for link in re.findall(r'href="([^"]+)"', page.text)]
        for form in forms(page.text):
            if form["method"] == "post" and not form["action"].endswith(("/later", "/sign-in")):
                for choice in re.findall(r'type="radio" name="(?:decision|choice)" value="([^"]*)"', page.text) or [""]:
                    browser.client.post(form["action"], data=filled_in(page.text, form, choice))
    assert len(seen) > 5
    assert desk.store.incident(incident.id).state is State.HELD
    after = [one.event for one in desk.store.history(incident.id)]
    assert [event for event in after if event not in before] == ["opened"]


def filled_in(html: str, form: dict[str, Any], choice: str) -> dict[str, Any]:
    """Return the values that a crawler sends with a form: all fields of the page, of any form."""
    texts = dict.fromkeys(re.findall(r'<(?:textarea|select)[^>]* name="(\w+)"', html), "1")
    texts |= dict.fromkeys(re.findall(r'<input type="(?:text|email)"[^>]* name="(\w+)"', html), "second@corp.example")
    texts |= dict.fromkeys(re.findall(r'type="checkbox" name="(\w+)"', html), "yes")
    texts.pop("number", None)
    return {**texts, **form["default"], **form["hidden"], **texts, "decision": choice, "choice": choice}


def test_simultaneous_attempts_do_not_exceed_the_limit(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk=ASKS)
    incident = hold(desk)
    right = number_of(desk, incident, BOSS)
    tried = [one for one in map(str, range(10, 100)) if one != right]
    refused = [numbers.refusal(desk, incident, Actor(BOSS, "page"), one) for one in tried]
    assert refused.count(numbers.TOO_MANY) == len(tried) - MOST_WRONG
    assert numbers.refusal(desk, incident, Actor(BOSS, "page"), right) == numbers.TOO_MANY
    assert numbers.refusal(desk, incident, Actor("second@corp.example", "page"), "") != numbers.TOO_MANY
