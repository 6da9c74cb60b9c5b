"""A form that did nothing is shown again with the visitor's input, and with nothing else."""

import re
from html import unescape

import pytest

from holdgate.desk import tokens
from holdgate.desk.web import listing
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_pages import Browser, forms, signed_in

TYPED = '\nBecause <b>they</b> asked\nfor it & "more"'


def entered(page: str, name: str) -> str:
    """Return the content of a text field, as a browser reads it: without the first line end."""
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


@pytest.mark.parametrize(("purpose", "page_name"), [(tokens.RELEASE, "release"), (tokens.ANSWER, "reason")])
def test_a_form_shown_again_keeps_the_reason_of_a_sender(
    make_desk: MakeDesk, hold: Hold, purpose: str, page_name: str
) -> None:
    desk = make_desk(self_release=True, reasons=["Contract", "Other <reason>"])
    incident = hold(desk, policy="all")
    browser = Browser(desk)
    page = browser.get(f"/t/{desk.key.token(purpose, incident.id, 0, incident.sender, incident.created_at)}")
    assert entered(page.text, "reason") == ""
    again = browser.submit(page, incident.id, reason=TYPED, choice="Other <reason>")
    assert again.status_code == 422
    assert entered(again.text, "reason") == TYPED
    assert re.findall(r'value="([^"]*)" checked', again.text) == ["Other &lt;reason&gt;"]
    assert entered(browser.get(f"/{page_name}/{incident.id}").text, "reason") == ""
    assert "<b>they" not in again.text


@pytest.mark.parametrize("name", ["note", "question"])
def test_a_form_shown_again_keeps_the_question_or_note_of_a_moderator(
    make_desk: MakeDesk, hold: Hold, name: str
) -> None:
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    action = "/forward" if name == "note" else "/ask"
    again = browser.submit(page, action, to='peer@"corp.example', **{name: TYPED})
    assert again.status_code == 422
    assert entered(again.text, name) == TYPED
    assert 'value="peer@&#34;corp.example"' in again.text
    done = browser.submit(again, action, to="peer@corp.example", confirm="yes", **{name: "Please"})
    assert done.status_code == 200
    assert "</textarea>" not in done.text or entered(done.text, "question") == ""


def test_a_list_form_shown_again_keeps_the_ticked_incidents(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    desk = make_desk()
    incidents = [hold(desk, subject=f"Figures {number}") for number in range(5)]
    hold(desk, subject="Other")
    browser = signed_in(desk, monkeypatch)
    first = browser.get("/incidents?words=figures")
    following = re.search(r'href="(\?[^"]*after=[^"]*)"', first.text)
    assert following is not None
    page = browser.get(f"/incidents{unescape(following[1])}")
    shown = [one for one in incidents if one.subject in page.text]
    form = next(one for one in forms(page.text) if "words=figures" in one["action"] and one["method"] == "post")

    again = browser.submit(page, form["action"], incident=[shown[1].id], decision="later", comment=TYPED)
    assert again.status_code == 422
    assert re.findall(r'value="([^"]*)" id="[^"]*" checked', again.text) == [shown[1].id]
    assert entered(again.text, "comment") == TYPED
    assert [one["default"]["decision"] for one in forms(again.text) if "decision" in one["default"]] == ["later"]
    assert [one for one in incidents if one.subject in again.text] == shown

    none = browser.submit(again, form["action"], decision="reject", comment="x")
    assert none.status_code == 422
    assert " checked aria-label" not in none.text
    assert [one["default"]["decision"] for one in forms(none.text) if "decision" in one["default"]] == ["reject"]
    assert {desk.store.incident(one.id).state for one in incidents} == {State.HELD}

    done = browser.submit(none, form["action"], incident=[shown[0].id], decision="reject", comment="x")
    assert done.status_code == 200
    assert "Other" not in done.text
    assert shown[0].subject not in done.text
    assert shown[1].subject in done.text
    assert entered(done.text, "comment") == ""
    assert " checked aria-label" not in done.text


def test_the_list_shows_the_remaining_incidents_after_the_last_page_was_decided(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    desk = make_desk()
    incidents = [hold(desk, subject=f"Figures {number}") for number in range(3)]
    browser = signed_in(desk, monkeypatch)
    following = re.search(r'href="(\?[^"]*after=[^"]*)"', browser.get("/incidents").text)
    assert following is not None
    page = browser.get(f"/incidents{unescape(following[1])}")
    (last,) = [one for one in incidents if one.subject in page.text]
    action = next(one["action"] for one in forms(page.text) if "after=" in one["action"])
    done = browser.submit(page, action, incident=[last.id], decision="approve")
    assert [one.subject in done.text for one in incidents] == [one != last for one in incidents]


@pytest.mark.parametrize("form", ["forward", "ask", "later"])
def test_the_form_with_a_missing_value_is_shown_open(make_desk: MakeDesk, hold: Hold, form: str) -> None:
    desk = make_desk()
    browser = Browser(desk)
    page = browser.get(browser.link(hold(desk)))
    assert "<details open>" not in page.text
    again = browser.submit(page, f"/{form}")
    assert again.status_code == 422
    (opened,) = re.findall(r"<details open>.*?</details>", again.text, re.DOTALL)
    assert f'/{form}"' in opened


@pytest.mark.parametrize(("decision", "title"), [("approve", "You approved this."), ("reject", "You rejected this.")])
def test_a_double_click_counts_as_one_answer(make_desk: MakeDesk, hold: Hold, decision: str, title: str) -> None:
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    done = browser.submit(page, "/decision", decision=decision, comment="Fine")
    again = browser.submit(page, "/decision", decision=decision, comment="Fine")
    for shown in (done, again):
        assert shown.status_code == 200
        assert f"<h1>{title}</h1>" in shown.text
        assert "changed nothing" not in shown.text
    # Near misses: another answer, another comment, and the answer of another person.
    other = {"approve": "reject", "reject": "approve"}[decision]
    assert "changed nothing" in browser.submit(page, "/decision", decision=other, comment="Fine").text
    assert "changed nothing" in browser.submit(page, "/decision", decision=decision, comment="Wait").text
    assert len([one for one in desk.store.history(incident.id) if one.event in ("approved", "rejected")]) == 1


def test_the_same_answer_of_another_person_is_attributed_to_them(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=["boss@corp.example", "law@corp.example"])
    incident = hold(desk)
    first, second = Browser(desk), Browser(desk)
    pages = [
        browser.get(browser.link(incident, who))
        for browser, who in ((first, "boss@corp.example"), (second, "law@corp.example"))
    ]
    first.submit(pages[0], "/decision", decision="approve")
    late = second.submit(pages[1], "/decision", decision="approve")
    assert "Your answer changed nothing. boss@corp.example approved the message." in late.text


def test_a_match_is_not_chosen_and_justified_twice(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    browser.get(browser.link(incident))
    page = browser.get(f"/incidents/{incident.id}/text")
    assert " selected" not in page.text
    without_match = browser.submit(page, "/text", match="", reason=' to see "whose" <it> is')
    assert without_match.status_code == 422
    assert 'value=" to see &#34;whose&#34; &lt;it&gt; is"' in without_match.text
    without_reason = browser.submit(page, "/text", match="1", reason="")
    assert without_reason.status_code == 422
    assert re.findall(r'<option value="(\w*)" selected', without_reason.text) == ["1"]
    done = browser.submit(without_reason, "/text", match="1", reason="to see whose it is")
    assert done.status_code == 200
    assert "to see whose it is" not in done.text
    assert " selected" not in done.text


def test_a_sender_who_forgot_the_number_decides_once(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk={"ask_number": True})
    incident = hold(desk)
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    for decision in ("approve", "reject"):
        again = browser.submit(page, "/decision", decision=decision, comment=TYPED)
        assert again.status_code == 422
        assert [one["default"]["decision"] for one in forms(again.text) if "decision" in one["default"]] == [decision]
        assert entered(again.text, "comment") == TYPED
    # Near misses: no choice, another form of the page, and the page as it is opened.
    none = browser.submit(page, "/decision", decision="later")
    other = browser.submit(page, "/forward", to="peer@corp.example")
    for shown in (none, other, browser.get(f"/incidents/{incident.id}")):
        assert [one["default"]["decision"] for one in forms(shown.text) if "decision" in one["default"]] == ["later"]
    assert desk.store.incident(incident.id).state is State.HELD


def test_an_address_that_is_none_is_not_typed_twice(make_desk: MakeDesk) -> None:
    browser = Browser(make_desk())
    page = browser.get("/sign-in")
    assert 'name="address" value=""' in page.text
    again = browser.submit(page, "/sign-in", address='boss"corp.example')
    assert again.status_code == 422
    assert 'value="boss&#34;corp.example"' in again.text
