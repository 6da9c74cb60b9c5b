"""A form that did nothing is shown again with what the visitor typed, and with nothing else."""

import re
from html import unescape
from typing import Any

import pytest

from holdgate.desk import tokens
from tests.unit.desk.web.test_pages import Browser

TYPED = '\nBecause <b>they</b> asked\nfor it & "more"'


def entered(page: str, name: str) -> str:
    """Return the content of a text field, as a browser reads it: without the first line end."""
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


@pytest.mark.parametrize(("purpose", "page_name"), [(tokens.RELEASE, "release"), (tokens.ANSWER, "reason")])
def test_a_sender_does_not_type_the_reason_twice(make_desk: Any, hold: Any, purpose: str, page_name: str) -> None:
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
def test_a_moderator_does_not_type_a_question_or_a_note_twice(make_desk: Any, hold: Any, name: str) -> None:
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
