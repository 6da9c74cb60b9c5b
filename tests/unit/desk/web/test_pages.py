"""The page in process: links, decisions, sign-in, lists, revealed matches, and a crawler, which can do nothing."""

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from holdgate.desk import moderation, post, tokens, trial
from holdgate.desk.channel import REGISTRY, Channel, Letter, Shows
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.templates import Templates
from holdgate.desk.web.incidents import IMAGE_NOT_READ
from holdgate.desk.web.server import build
from holdgate.desk.web.session import SENDER_PAGES
from holdgate.extract.ocr import NOT_READ
from holdgate.quarantine.incident import Actor, Answer, Incident, Notice
from holdgate.quarantine.schema import sign_in_codes
from holdgate.quarantine.states import State
from holdgate.queue.wishes import Wishes
from tests.support.desks import templates_of
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS = "boss@corp.example"
SITE = "https://approve.corp.example"
SECRET, MASKED = "078-05-1120", "***-**-*120"


class FakePreviewer(Previewer):
    """Shows one text with one match."""

    def __init__(self) -> None:
        self.broken = ""
        self.reads_images = False
        self.asked_for: list[tuple[int, bool]] = []

    def wishes(self, _incident: Incident) -> Wishes:
        return Wishes()

    def read(self, incident: Incident, *, reveal: int = 0, ocr: bool = False) -> dict[str, Any]:
        self.asked_for.append((reveal, ocr))
        if self.broken:
            raise UnreadableError(self.broken, "what a log says")
        match = {
            "number": 1,
            "identifier": "us-ssn",
            "revealed": reveal == 1,
            "text": SECRET if reveal == 1 else MASKED,
        }
        hostile = "<script>alert(1)</script>\u202e\r\nline two "
        text = {"number": 0, "identifier": "", "revealed": False, "text": hostile}
        part = {"name": "message body", "status": "complete", "reason": "", "cut": True, "segments": [text, match]}
        scan = part | {"name": "scan.png", "status": "limited", "reason": "image not read", "segments": []}
        if ocr:
            scan |= {"status": "complete", "reason": "", "segments": [text | {"text": "Invoice 4711"}]}
        parts = [part, scan] if self.reads_images else [part]
        return {"status": "limited", "reason": "x.zip: too large", "parts": parts, "attachments": [], "findings": []}


class Browser:
    """A visitor with cookies."""

    def __init__(
        self,
        desk: Desk,
        client: tuple[str, int] = ("testclient", 50000),
        app: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        templates = templates_of(desk)
        self.previewer = FakePreviewer()
        self.desk = desk
        self.composer = Composer(desk, templates, self.previewer)
        self.app = app or build(desk, templates, self.previewer, self.composer)
        self.client = TestClient(
            self.app, base_url=SITE, raise_server_exceptions=False, headers=dict(headers or {}), client=client
        )

    def link(self, incident: Incident, who: str = BOSS) -> str:
        request = moderation.request_of(self.desk, incident, who)
        assert request is not None
        return self.composer.link(request, tokens.LINK)

    def get(self, url: str) -> Any:
        return self.client.get(url)

    def submit(self, page: Any, action: str, **values: Any) -> Any:
        """Send the form of a page whose action ends so, with its hidden fields."""
        form = next(f for f in forms(page.text) if f["action"].endswith(action) and f["method"] == "post")
        return self.client.post(form["action"], data=form["hidden"] | values)


def code_in(content: bytes) -> str:
    """Return the code that a mail gives for signing in."""
    found = re.search(rb"sign in is ([2-9A-Z]{5}-[2-9A-Z]{5})", content)
    assert found is not None
    return found[1].decode()


def forms(html: str) -> list[dict[str, Any]]:
    """Return the forms of a page with the values that a browser sends by default."""
    found: list[dict[str, Any]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "form":
                found.append(
                    {"action": given.get("action") or "", "method": given.get("method"), "hidden": {}, "default": {}}
                )
            elif tag in ("input", "textarea", "select", "button") and found and given.get("name"):
                kind, name, value = given.get("type"), str(given["name"]), given.get("value") or ""
                if kind == "hidden":
                    found[-1]["hidden"][name] = value
                if kind not in ("radio", "checkbox") or "checked" in given:
                    found[-1]["default"][name] = value

    Reader().feed(html)
    return found


def test_a_link_sets_a_cookie_for_its_incident_and_redirects_without_the_token(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident, other = hold(desk), hold(desk)
    browser = Browser(desk)
    link = browser.link(incident)
    first = browser.client.get(link, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, f"/incidents/{incident.id}")
    assert first.headers["referrer-policy"] == "no-referrer"
    cookie = first.headers["set-cookie"]
    for output in (f"Path=/incidents/{incident.id}", "HttpOnly", "SameSite=lax", "Secure"):
        assert output in cookie
    page = browser.get(f"{SITE}/incidents/{incident.id}")
    assert page.status_code == 200
    assert link.rsplit("/", 1)[1] not in page.text
    # It is valid only for this incident.
    assert str(browser.get(f"{SITE}/incidents/{other.id}").url) == f"{SITE}/sign-in"
    assert str(browser.get(f"{SITE}/incidents").url) == f"{SITE}/sign-in"


def test_every_answer_carries_the_security_headers(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    for url in (browser.link(incident), "/sign-in", "/nothing", "/api/v1/incidents", "/t/x"):
        headers = browser.get(url).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] in ("same-origin", "no-referrer")


def test_no_page_loads_external_content_or_runs_a_script(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    for page in (browser.get(browser.link(incident)), browser.get(f"/incidents/{incident.id}/text")):
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert re.findall(r'(?:src|href)="(?!/)[^"#]', page.text) == []


def test_a_decision_is_taken_shown_and_recorded(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    done = browser.submit(page, "/decision", decision="approve", comment="Fine")
    assert done.status_code == 200
    assert "boss@corp.example approved the message." in done.text
    stored = desk.store.incident(incident.id)
    assert (stored.state, stored.decided_how, stored.comment) == (State.APPROVED, "page", "Fine")
    events = [(event.event, event.who, event.origin) for event in desk.store.history(incident.id)]
    assert ("opened", BOSS, "testclient") in events
    assert events[-1] == ("approved", BOSS, "testclient")
    # The link now shows the outcome, and a second click changes nothing.
    again = browser.submit(page, "/decision", decision="reject")
    assert "Your answer changed nothing. boss@corp.example approved the message." in again.text
    assert "boss@corp.example approved the message." in Browser(desk).get(browser.link(incident)).text


@pytest.mark.parametrize(
    ("language", "before", "answered", "decided"),
    [
        (
            "en",
            "Your answer changed nothing. ",
            "Your approval is recorded. Others have to approve as well.",
            "law@corp.example rejected the message. It is not delivered. It is returned to its sender, unless they requested no report.",  # noqa: E501
        ),
        (
            "de",
            "Ihre Antwort hat nichts geändert. ",
            "Ihre Zustimmung ist vermerkt. Andere müssen noch zustimmen.",
            "law@corp.example hat die Nachricht abgelehnt. Sie wird nicht zugestellt und geht an den Absender zurück, außer wenn er keinen Bericht wünscht.",  # noqa: E501
        ),
    ],
)
def test_the_page_shows_the_actual_decision_after_a_late_answer(
    make_desk: MakeDesk, hold: Hold, language: str, before: str, answered: str, decided: str
) -> None:
    desk = make_desk(levels=[[BOSS, "law@corp.example"]], approvals=2)
    incident = hold(desk)
    browser = Browser(desk, headers={"Accept-Language": language})
    page = browser.get(browser.link(incident))
    assert f"<p>{answered}</p>" in browser.submit(page, "/decision", decision="approve").text
    assert f"<p>{before}{answered}</p>" in browser.submit(page, "/decision", decision="reject").text
    (_, other) = desk.store.requests.of(incident.id)
    moderation.answer(desk, other, Answer.REJECT, Actor(other.moderator, "page"))
    assert f"<p>{before}{decided}</p>" in browser.submit(page, "/decision", decision="approve").text
    assert f"<p>{decided}</p>" in browser.get(f"/incidents/{incident.id}").text


def test_opening_is_recorded_once(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    for _ in range(3):
        browser.get(browser.link(incident))
    assert [event.event for event in browser.desk.store.history(incident.id)].count("opened") == 1


def test_the_default_of_the_form_decides_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    page = browser.get(browser.link(incident))
    answer = browser.submit(page, "/decision", decision="later", comment="kept <b>\r\nwith its lines")
    assert answer.status_code == 422
    assert "Nothing was decided." in answer.text
    assert ">\nkept &lt;b&gt; \nwith its lines</textarea>" in answer.text
    assert browser.submit(page, "/decision", comment="x" * 5000).status_code == 422
    assert browser.submit(page, "/decision", decision="approve", comment="x" * 5000).status_code == 422
    assert browser.desk.store.incident(incident.id).state is State.HELD


def test_a_form_without_a_stamp_or_from_another_site_is_refused(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    page = browser.get(browser.link(incident))
    stamp = forms(page.text)[0]["hidden"]["stamp"]
    url = f"/incidents/{incident.id}/decision"
    wanted = {"decision": "approve", "stamp": stamp}
    post_ = browser.client.post
    assert post_(url, data={"decision": "approve"}).status_code == 403
    assert post_(url, data=wanted | {"stamp": stamp[::-1]}).status_code == 403
    assert post_(url, data=wanted, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert post_(url, data=wanted, headers={"Origin": "null"}).status_code == 403
    assert post_(url, data=wanted, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert post_(url, content=b"x" * 70_000).status_code == 413
    assert Browser(browser.desk).client.post(url, data=wanted, follow_redirects=False).status_code == 303
    assert browser.desk.store.incident(incident.id).state is State.HELD
    assert post_(url, data=wanted, headers={"Origin": SITE}).status_code == 200
    assert browser.desk.store.incident(incident.id).state is State.APPROVED


def test_all_invalid_links_get_the_same_response(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident, other = hold(browser.desk), hold(browser.desk)
    good = browser.link(incident).rsplit("/", 1)[1]
    theirs = browser.link(other).rsplit("/", 1)[1]
    wrong = [
        good[:-1],
        good[:-1] + "2",
        good[:-26] + theirs[-26:],
        "w" + good[1:],
        "r" + good[1:],
        "x",
        "%00",
        "a" * 5000,
    ]
    wrong.append(f"a-000000000000-1-{good[-26:]}")
    wrong.append(re.sub(r"-(\d+)-", "-999999-", good))
    shapes = {(a.status_code, a.text, a.headers.get("set-cookie")) for a in (browser.get(f"/t/{one}") for one in wrong)}
    assert len(shapes) == 1
    ((status, text, cookie),) = shapes
    assert (status, cookie) == (404, None)
    assert "This link does not work" in text


@pytest.mark.parametrize("host", ["approve.corp.example", "phishing.example", "127.0.0.1:8010"])
def test_an_address_with_a_final_slash_redirects_nowhere(make_desk: MakeDesk, hold: Hold, host: str) -> None:
    """It redirected to the Host header, by http where a proxy ends TLS: the token of the link was sent in clear."""
    desk = make_desk()
    browser = Browser(desk)
    link = browser.link(hold(desk))
    for path in ("/incidents/", "/sign-in/", "/style.css/", "//phishing.example/incidents/"):
        answer = browser.client.get(path, headers={"Host": host}, follow_redirects=False)
        assert (answer.status_code, "location" in answer.headers) == (404, False), path
    for address in (link, f"{link}/"):
        opened = browser.client.get(address, headers={"Host": host}, follow_redirects=False)
        assert opened.headers["location"].startswith("/incidents/")


def test_a_method_that_an_address_does_not_accept_gets_those_that_it_accepts(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = browser.client.request(method, f"/incidents/{incident.id}/decision", params={"decision": "approve"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), method
    overridden = browser.client.get(
        f"/incidents/{incident.id}", headers={"X-HTTP-Method-Override": "POST"}, params={"_method": "POST"}
    )
    assert overridden.status_code == 200
    for path in ("/api/v1/incidents", "/machine/v1/messages"):
        answer = browser.client.put(path)
        assert (answer.status_code, {*answer.headers["allow"].split(", ")}) == (405, {"GET", "HEAD"}), path
        assert answer.json()["error"].startswith("this address does not accept PUT")
    assert browser.client.get("/api/v1/nothing").json()["error"].startswith("no such address")
    assert desk.store.incident(incident.id).state is State.HELD


def test_a_link_after_its_deadline_shows_the_outcome(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk, now=datetime.now(UTC) - timedelta(days=3))
    page = browser.get(browser.link(incident))
    assert "The time for a decision is over" in page.text
    assert "<form" not in page.text
    current = browser.desk.store.incident(incident.id)
    assert current is not None
    moderation.expire(browser.desk, current)
    assert "The message was not decided before the deadline." in browser.get(browser.link(incident)).text


def test_the_page_shows_the_first_of_two_required_approvals(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=[BOSS, "second@corp.example"], approvals=2)
    incident = hold(desk)
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    assert "2 people must approve." in page.text
    assert "Others have to approve as well" in browser.submit(page, "/decision", decision="approve").text
    second = Browser(desk)
    assert "Approved so far by: boss@corp.example" in second.get(second.link(incident, "second@corp.example")).text


def test_a_crawler_that_follows_links_and_sends_forms_decides_nothing(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(self_release=True)
    monkeypatch.setattr(post, "submit_one", lambda *_: None)
    incident = hold(desk, policy="all")
    browser = Browser(desk)
    sender = [
        f"{SITE}/t/{desk.key.token(purpose, incident.id, 0, incident.sender, incident.created_at)}"
        for purpose in SENDER_PAGES
    ]
    before = [event.event for event in desk.store.history(incident.id)]
    for start in (browser.link(incident), *sender):
        seen: set[str] = set()
        todo = [start]
        while todo:
            url = todo.pop()
            if url in seen or urlsplit(url).netloc != urlsplit(SITE).netloc:
                continue
            seen.add(url)
            page = browser.get(url)
            todo += [urljoin(str(page.url), link) for link in re.findall(r'href="([^"]+)"', page.text)]
            for form in forms(page.text):
                send = browser.client.get if form["method"] == "get" else browser.client.post
                send(form["action"], **{"params" if form["method"] == "get" else "data": form["default"]})
            # A ruder one ticks and chooses the first it finds.
            for form in forms(page.text):
                first = re.search(r'type="radio" name="decision" value="(\w+)"', page.text)
                if form["method"] == "post" and first:
                    browser.client.post(form["action"], data=form["default"] | {"decision": first[1]})
        assert len(seen) >= 3 or start in sender
    assert desk.store.incident(incident.id).state is State.HELD
    after = [event.event for event in desk.store.history(incident.id)]
    assert [event for event in after if event not in before] == ["opened"]


def test_a_match_is_revealed_with_a_reason_and_recorded_first(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    browser.get(browser.link(incident))
    url = f"/incidents/{incident.id}/text"
    page = browser.get(url)
    assert MASKED in page.text
    assert SECRET not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;  \nline two " in page.text
    for incomplete in ({"match": "", "reason": "x"}, {"match": "1", "reason": " "}, {"match": "²", "reason": "x"}):
        refused = browser.submit(page, "/text", **incomplete)
        assert refused.status_code == 422
        assert SECRET not in refused.text
    assert "revealed" not in [event.event for event in browser.desk.store.history(incident.id)]
    assert SECRET in browser.submit(page, "/text", match="1", reason="to see whose it is").text
    last = browser.desk.store.history(incident.id)[-1]
    assert (last.event, last.who, last.note) == ("revealed", BOSS, "match 1: to see whose it is")
    assert SECRET not in repr(browser.desk.store.history(incident.id))


def test_text_in_images_is_read_on_request_and_matches_keep_their_numbers(make_desk: MakeDesk, hold: Hold) -> None:
    assert IMAGE_NOT_READ == NOT_READ
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    browser.get(browser.link(incident))
    address, offer = f"/incidents/{incident.id}/text", "Read the text in images too"
    assert offer not in browser.get(f"{address}?images=yes").text  # OCR is off
    browser.previewer.reads_images = True
    quick = browser.get(address)
    assert (offer in quick.text, "Invoice 4711" in quick.text) == (True, False)
    assert "could not be read completely" in quick.text
    assert "No text." not in quick.text
    (link,) = re.findall(rf'href="({address}[^"]*)"', quick.text)
    slow = browser.get(link)
    assert (offer in slow.text, "Invoice 4711" in slow.text) == (False, True)
    again = browser.submit(slow, "/text", match="1")
    assert (again.status_code, "Invoice 4711" in again.text) == (422, True)
    assert SECRET in browser.submit(again, "/text", match="1", reason="a call").text
    assert SECRET in browser.submit(quick, "/text", match="1", reason="a call").text
    assert browser.previewer.asked_for == [(0, False), (0, False), (0, True), (0, True), (1, True), (1, False)]


def test_a_moderator_who_is_no_longer_asked_sees_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(levels=[[BOSS, "second@corp.example"], ["law@corp.example"]])
    incident = hold(desk)
    browser = Browser(desk)
    browser.get(browser.link(incident))
    (_, second) = desk.store.requests.of(incident.id)
    moderation.answer(desk, second, Answer.APPROVE, Actor(second.moderator, "page"))
    stamp = desk.key.stamp(BOSS, f"reveal {incident.id}")
    own = f"/incidents/{incident.id}"
    revealing = browser.client.post(f"{own}/text", data={"stamp": stamp, "match": "1", "reason": "x"})
    for page in (browser.get(f"{own}/text"), revealing, browser.get(own), browser.get(f"{own}/change")):
        assert "The request is no longer yours" in page.text
        assert SECRET not in page.text
        assert MASKED not in page.text
    assert "revealed" not in [event.event for event in desk.store.history(incident.id)]


def test_a_policy_can_forbid_revealing(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk(reveal=False))
    incident = hold(browser.desk)
    browser.get(browser.link(incident))
    url = f"/incidents/{incident.id}/text"
    assert forms(browser.get(url).text) == []
    stamp = browser.desk.key.stamp(BOSS, f"reveal {incident.id}")
    answer = browser.client.post(url, data={"stamp": stamp, "match": "1", "reason": "x"})
    assert answer.status_code == 422
    assert SECRET not in answer.text


def test_the_page_reports_a_message_that_cannot_be_shown(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    browser.get(browser.link(incident))
    for why, en, de in (
        ("agent", "the queue agent does not answer.", "Die Warteschlange ist nicht zu erreichen."),
        ("gone", "it is not in the queue any more.", "Sie ist nicht mehr in der Warteschlange."),
        ("text", "its text could not be read.", "Ihr Text war nicht zu lesen."),
    ):
        browser.previewer.broken = why
        for language, begins, output in (("en", "The message", en), ("de", "Die Nachricht", de)):
            page = browser.client.get(f"/incidents/{incident.id}/text", headers={"Accept-Language": language})
            assert page.status_code == 503
            assert re.search(rf'role="alert">{begins} [\w ]+: {re.escape(output)}</p>', page.text)
            assert "what a log says" not in page.text
    moderation.override(browser.desk, incident, Answer.REJECT, Actor("root", "command"))
    browser.previewer.broken = ""
    assert MASKED not in browser.get(f"/incidents/{incident.id}/text").text


# -- signed in ----------------------------------------------------------------------------------------------------


def signed_in(desk: Desk, monkeypatch: pytest.MonkeyPatch, who: str = BOSS) -> Browser:
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    browser = Browser(desk)
    page = browser.client.post("/sign-in", data={"address": f" {who.upper()} "})
    code = re.search(rb"Your code to sign in is ([2-9A-Z]{5}-[2-9A-Z]{5})", mailed[0])
    assert code
    assert browser.submit(page, "/code", code="00000-00000").status_code == 422
    done = browser.submit(page, "/code", code=code[1].decode().lower().replace("-", " "))
    assert str(done.url) == f"{SITE}/incidents"
    # A code is good once.
    assert browser.submit(page, "/code", code=code[1].decode()).status_code == 422
    return browser


def test_the_list_after_sign_in_shows_open_requests_and_decides_several(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    one, two, three = (hold(desk, subject=f"Subject {number}") for number in range(3))
    browser = signed_in(desk, monkeypatch)
    page = browser.get("/incidents")
    assert [f"Subject {number}" in page.text for number in range(3)] == [True] * 3
    assert browser.submit(page, "/incidents", decision="approve").status_code == 422
    assert browser.submit(page, "/incidents", incident=[one.id]).status_code == 422
    moderation.override(desk, two, Answer.REJECT, Actor("root", "command"))
    done = browser.submit(page, "/incidents", incident=[one.id, two.id, "AAAA"], decision="approve", comment="All fine")
    assert (
        "Answers recorded: 1. Not recorded, because the deadline has passed or the request is no longer yours: 2."
        in done.text
    )
    assert desk.store.incident(one.id).comment == "All fine"
    assert desk.store.incident(three.id).state is State.HELD
    history = browser.get("/incidents?show=all")
    assert "Subject 0" in history.text
    assert "You approved" in history.text
    held = browser.client.cookies["holdgate"]
    assert str(browser.submit(history, "/sign-out").url) == f"{SITE}/sign-in"
    assert str(browser.get("/incidents").url) == f"{SITE}/sign-in"
    # The session is over on the server too, at each desk: who kept the cookie is not let in.
    again = Browser(Desk(desk.store, desk.settings, desk.key))
    again.client.cookies.set("holdgate", held)
    assert str(again.get("/incidents").url) == f"{SITE}/sign-in"


FILTERED: list[tuple[str, set[str]]] = [
    ("words=figures", {"Figures"}),
    ("words=FIG+partner", {"Figures"}),
    ("words=100%25", {"100% of it"}),
    ("words=%25", {"100% of it"}),
    ("policy=cards", {"100% of it"}),
    ("policy=none", set()),
    ("state=held", {"Figures", "100% of it"}),
    ("state=released", set()),
    ("since=2020-01-01", {"Figures", "100% of it"}),
    ("since=2999-01-01", set()),
    ("since=nonsense&page=0&state=nonsense", {"Figures", "100% of it"}),
    ("page=99999999999999999999", {"Figures", "100% of it"}),
    ("after=nonsense", {"Figures", "100% of it"}),
    ("after=9999-12-31T23:59:59-23:00_A", {"Figures", "100% of it"}),
    ("page=2&after=2999-01-01T00:00:00%2B00:00_A", set()),
]


def test_the_list_can_be_filtered(make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk()
    hold(desk, subject="Figures")
    hold(desk, subject="100% of it", policy="cards", recipients=["x@y.example"])
    browser = signed_in(desk, monkeypatch)
    wrong = {}
    for query, found in FILTERED:
        page = browser.get(f"/incidents?{query}")
        shown = {subject for subject in ("Figures", "100% of it") if f"<strong>{subject}" in page.text}
        if page.status_code != 200 or shown != found:
            wrong[query] = (page.status_code, shown)
    assert wrong == {}


@pytest.mark.parametrize("show", ["waiting", "all"])
def test_a_long_list_has_pages_and_a_count_up_to_a_limit(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch, show: str
) -> None:
    for place in ("holdgate.desk.web.listing", "holdgate.desk.web.pages", "holdgate.quarantine.requests"):
        monkeypatch.setattr(f"{place}.COUNTED", 3)
    monkeypatch.setattr("holdgate.desk.web.listing.PAGE_SIZE", 2)
    desk = make_desk()
    subjects = {hold(desk, subject=f"Number {number}").subject for number in range(5)}
    browser = signed_in(desk, monkeypatch)
    address, seen, pages = f"/incidents?show={show}", list[str](), 0
    while address:
        page = browser.get(address)
        assert page.status_code == 200
        assert "3+" in page.text
        seen += re.findall(r"<strong>(Number \d)", page.text)
        pages += 1
        links = [html.unescape(link) for link in re.findall(r'href="(\?[^"]*)"', page.text)]
        address = next((f"/incidents{link}" for link in links if "after=" in link), "")
        assert [link for link in links if "after=" not in link] == [link for link in links[:1] if pages > 1]
    assert pages == 3
    assert sorted(seen) == sorted(subjects)


def test_a_moderator_sees_only_incidents_they_were_asked_about(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(moderators=[BOSS])
    mine = hold(desk)
    desk.settings.moderation.moderators[:] = ["other@corp.example"]
    theirs = hold(desk, subject="Not for the boss")
    browser = signed_in(desk, monkeypatch)
    assert "Not for the boss" not in browser.get("/incidents?show=all").text
    for url in (f"/incidents/{theirs.id}", f"/incidents/{theirs.id}/text", "/incidents/AAAA-AAAA-AAAA"):
        assert browser.get(url).status_code == 403
    assert browser.get(f"/incidents/{mine.id.lower()}").status_code == 200


def test_an_unknown_address_gets_the_same_page_and_no_mail(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    hold(desk)
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    known = Browser(desk).client.post("/sign-in", data={"address": BOSS})
    count = len(mailed)
    unknown = Browser(desk).client.post("/sign-in", data={"address": "x@elsewhere.example"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert (count, len(mailed)) == (1, 1)
    assert Browser(desk).client.post("/sign-in", data={"address": "nonsense"}).status_code == 422


def test_the_number_of_codes_is_limited_and_a_code_allows_five_attempts(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    hold(desk)
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    fresh = Browser(desk)
    page = fresh.client.post("/sign-in", data={"address": BOSS})
    code = code_in(mailed[-1])
    for _ in range(5):
        assert fresh.submit(page, "/code", code="x").status_code == 422
    assert fresh.submit(page, "/code", code=code).status_code == 422
    browser = Browser(desk)
    pages = [browser.client.post("/sign-in", data={"address": BOSS}) for _ in range(6)]
    assert len(mailed) == 3
    assert all(page.status_code == 200 for page in pages)


def test_requests_for_codes_by_others_do_not_lock_out_the_owner(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    hold(desk)
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    app = Browser(desk).app
    for number in range(8):  # many machines, and none of them has the mailbox
        outsider = Browser(desk, client=(f"198.51.100.{number}", 1), app=app)
        for _ in range(4):
            page = outsider.client.post("/sign-in", data={"address": BOSS})
        assert outsider.submit(page, "/code", code="00000000").status_code == 422
    assert len(mailed) == 9
    owner = Browser(desk, client=("192.0.2.9", 1), app=app)
    page = owner.client.post("/sign-in", data={"address": BOSS})
    code = code_in(mailed[-1])
    assert str(owner.submit(page, "/code", code=code).url) == f"{SITE}/incidents"


def test_a_person_behind_a_shared_client_address_can_still_sign_in(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are behind one NAT, or a proxy that the desk does not know. The other person uses up every limit."""
    desk = make_desk()
    hold(desk)
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    app = Browser(desk).app
    for _ in range(4):
        outsider = Browser(desk, app=app)
        page = outsider.client.post("/sign-in", data={"address": BOSS})
        for _ in range(7):
            assert outsider.submit(page, "/code", code="00000").status_code == 422
    assert len(mailed) == 3  # no more, however often the outsider fails
    owner = Browser(desk, app=app)
    page = owner.client.post("/sign-in", data={"address": BOSS})
    assert len(mailed) == 3
    code = code_in(mailed[-1])
    assert str(owner.submit(page, "/code", code=code).url) == f"{SITE}/incidents"
    assert owner.submit(page, "/code", code=code).status_code == 422


def test_a_code_is_valid_only_for_its_person(make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(moderators=[BOSS, "carol@corp.example"])
    hold(desk)
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    carol, browser = Browser(desk), Browser(desk)
    carol.client.post("/sign-in", data={"address": "carol@corp.example"})
    code = code_in(mailed[-1])
    for _ in range(4):  # the last one gets no mail
        page = browser.client.post("/sign-in", data={"address": BOSS})
        assert browser.submit(page, "/code", code=code).status_code == 422


def test_each_step_of_a_sign_in_can_use_another_desk(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    incident = hold(desk)
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    browsers = [Browser(one) for one in (desk, Desk(desk.store, desk.settings, desk.key))]
    # One browser, whose cookies go to whichever desk the load balancer chooses.
    first, second = (browser.client for browser in browsers)
    second._cookies = first._cookies
    page = first.post("/sign-in", data={"address": BOSS})
    code = code_in(mailed[-1])
    assert browsers[1].submit(page, "/code", code="00000000").status_code == 422
    assert str(browsers[1].submit(page, "/code", code=code).url) == f"{SITE}/incidents"
    page = first.get(f"/incidents/{incident.id}")
    assert browsers[1].submit(page, "/decision", decision="approve").status_code == 200
    assert desk.store.incident(incident.id).state is State.APPROVED
    held = first.cookies["holdgate"]
    browsers[1].submit(first.get("/incidents"), "/sign-out")
    first.cookies.set("holdgate", held)
    assert str(first.get("/incidents").url) == f"{SITE}/sign-in"


def test_write_access_to_the_store_does_not_allow_a_sign_in(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(moderators=[BOSS, "carol@corp.example"])
    hold(desk)
    mailed: list[bytes] = []
    monkeypatch.setattr(post, "submit_one", lambda content, *_: mailed.append(content))
    browser = Browser(desk)
    page = browser.client.post("/sign-in", data={"address": "carol@corp.example"})
    code = code_in(mailed[-1])
    with desk.store._engine.begin() as connection:
        (row,) = connection.execute(select(sign_in_codes)).all()
        assert code not in str(row)
        connection.execute(update(sign_in_codes).values(address=BOSS))
    assert browser.submit(page, "/code", code=code).status_code == 422


def test_only_a_trusted_proxy_can_sign_a_user_in(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk={"user_header": "X-Remote-User", "trusted_proxies": ["192.0.2.0/24"]})
    hold(desk)
    templates = templates_of(desk)
    app = build(desk, templates, FakePreviewer(), Composer(desk, templates, FakePreviewer()))
    sso = {"X-Remote-User": "Boss@corp.example", "X-Forwarded-For": "203.0.113.9, 198.51.100.4"}
    trusted = TestClient(app, base_url=SITE, client=("192.0.2.1", 5000), headers=sso)
    page = trusted.get("/incidents")
    assert "Signed in as boss@corp.example" in page.text
    found = re.search(r'href="(/incidents/[^"]+)"', page.text)
    assert found is not None
    page = trusted.get(found[1])
    form = forms(page.text)[0]
    trusted.post(form["action"], data=form["hidden"] | {"decision": "reject"})
    (incident,) = desk.store.incidents()
    assert desk.store.history(incident.id)[-1].origin == "198.51.100.4"
    outsider = TestClient(app, base_url=SITE, client=("198.51.100.4", 5000), headers=sso)
    assert str(outsider.get("/incidents").url) == f"{SITE}/sign-in"


def test_two_user_headers_are_refused(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk={"user_header": "X-Remote-User", "trusted_proxies": ["192.0.2.0/24"]})
    hold(desk)
    app = Browser(desk).app
    proxy = TestClient(app, base_url=SITE, client=("192.0.2.1", 5000))
    forged = [("X-Remote-User", "boss@corp.example"), ("x-remote-user", "anna@corp.example")]
    assert proxy.get("/incidents", headers=forged).status_code == 400
    assert proxy.get("/incidents", headers={"X-Remote-User": "boss@corp.example, x@corp.example"}).status_code == 400
    assert "Signed in as boss" in proxy.get("/incidents", headers=forged[:1]).text
    # From an address that is no trusted proxy, the field is ignored.
    outsider = TestClient(app, base_url=SITE, client=("198.51.100.4", 5000))
    assert str(outsider.get("/incidents", headers=forged).url) == f"{SITE}/sign-in"


def test_a_proxy_needs_its_secret(make_desk: MakeDesk, hold: Hold, tmp_path: Path) -> None:
    secret = tmp_path / "proxy.secret"
    secret.write_text("s" * 32 + "\n")
    proxies = {"user_header": "X-Remote-User", "trusted_proxies": ["192.0.2.0/24"], "proxy_secret": str(secret)}
    desk = make_desk(desk=proxies)
    hold(desk)
    proxy = TestClient(Browser(desk).app, base_url=SITE, client=("192.0.2.1", 5000))
    named = {"X-Remote-User": "boss@corp.example"}
    for given in ({}, {"X-Holdgate-Proxy": "x" * 32}, {"X-Holdgate-Proxy": ""}):
        assert str(proxy.get("/incidents", headers=named | given).url) == f"{SITE}/sign-in"
    assert "Signed in as boss" in proxy.get("/incidents", headers=named | {"X-Holdgate-Proxy": "s" * 32}).text
    secret.write_text("short")
    with pytest.raises(ValueError, match="at least 32 characters"):
        Browser(desk)


# -- the sender, languages, trouble -------------------------------------------------------------------------------


def test_the_sender_withdraws_their_message_after_ticking_the_box(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    token = browser.desk.key.token(tokens.WITHDRAW, incident.id, 0, incident.sender, incident.created_at)
    page = browser.get(f"/t/{token}")
    assert "Nothing was done." in browser.submit(page, incident.id).text
    assert browser.desk.store.incident(incident.id).state is State.HELD
    assert Browser(browser.desk).get(f"/withdraw/{incident.id}").status_code == 403
    # The link opens only this page.
    assert str(browser.get(f"/incidents/{incident.id}").url) == f"{SITE}/sign-in"
    assert "The sender withdrew the message." in browser.submit(page, incident.id, confirm="yes").text
    assert browser.desk.store.incident(incident.id).decided_how == "withdrawal"
    assert "The sender withdrew the message." in browser.get(f"/t/{token}").text


@pytest.mark.parametrize("purpose", [tokens.WITHDRAW, tokens.RELEASE])
@pytest.mark.parametrize("first", ["the sender", "a moderator"])
def test_a_sender_who_clicks_again_or_too_late_changes_nothing(
    make_desk: MakeDesk, hold: Hold, purpose: str, first: str
) -> None:
    browser = Browser(make_desk(self_release=True))
    desk = browser.desk
    incident = hold(desk, policy="all")
    page = browser.get(f"/t/{desk.key.token(purpose, incident.id, 0, incident.sender, incident.created_at)}")
    if first == "a moderator":
        answer = Answer.APPROVE if purpose == tokens.WITHDRAW else Answer.REJECT
        request = moderation.request_of(desk, incident, "boss@corp.example")
        assert request is not None
        moderation.answer(desk, request, answer, Actor("boss@corp.example", "page"))
    else:
        browser.submit(page, incident.id, confirm="yes", reason="They asked for it")
    before, events = desk.store.incident(incident.id), len(desk.store.history(incident.id))
    mails = len(desk.store.outbox.due(datetime.now(UTC)))
    assert before.state in (State.APPROVED, State.REJECTED)
    for _ in range(2):
        again = browser.submit(page, incident.id, confirm="yes", reason="again").text
        assert ("Your answer changed nothing." in again) is (first == "a moderator")
    assert desk.store.incident(incident.id) == before
    assert len(desk.store.history(incident.id)) == events
    assert len(desk.store.outbox.due(datetime.now(UTC))) == mails


def test_texts_of_the_site_are_shown_in_the_language_of_the_person(make_desk: MakeDesk, hold: Hold) -> None:
    described = 'description = { en = "Card numbers need approval", de = "Kartennummern brauchen eine Freigabe" }'
    reason = {"en": "They asked for it", "de": "Sie haben danach gefragt"}
    policies = f'[[policy]]\nname = "all"\naction = "quarantine"\n{described}\n'
    desk = make_desk(self_release=True, reasons=[reason], policies=policies)
    incident = hold(desk, policy="all")
    token = desk.key.token(tokens.RELEASE, incident.id, 0, incident.sender, incident.created_at)
    german, french = (Browser(desk, headers={"Accept-Language": one}) for one in ("de", "fr"))
    page = german.get(f"/t/{token}")
    assert "Kartennummern brauchen eine Freigabe" in page.text
    assert "Sie haben danach gefragt" in page.text
    assert "They asked for it" not in page.text
    other = french.get(f"/t/{token}")
    assert "Card numbers need approval" in other.text
    assert "They asked for it" in other.text
    german.submit(page, incident.id, choice="Sie haben danach gefragt", confirm="yes")
    decided = desk.store.incident(incident.id)
    assert (decided.state, decided.comment) == (State.APPROVED, "They asked for it")


def test_the_sender_releases_with_a_reason_and_a_ticked_box(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk(self_release=True, reasons=["Contract", "They asked <for> it"]))
    incident = hold(browser.desk, policy="all")
    token = browser.desk.key.token(tokens.RELEASE, incident.id, 0, incident.sender, incident.created_at)
    page = browser.get(f"/t/{token}")
    assert "Send this message without an approval?" in page.text
    assert "They asked &lt;for&gt; it" in page.text
    for incomplete in ({"confirm": "yes"}, {"choice": "Contract"}, {"choice": "made up", "confirm": "yes"}):
        refused = browser.submit(page, incident.id, **incomplete)
        assert refused.status_code == 422
        assert "Give a reason and tick the box first." in refused.text
    unsigned = {"confirm": "yes", "choice": "Contract"}
    assert browser.client.post(f"/release/{incident.id}", data=unsigned).status_code == 403
    assert Browser(browser.desk).get(f"/release/{incident.id}").status_code == 403
    assert browser.desk.store.incident(incident.id).state is State.HELD
    # The link opens only this page, and links to other pages do not open it.
    assert browser.get(f"/withdraw/{incident.id}").status_code == 403
    other = Browser(browser.desk)
    for purpose in (tokens.WITHDRAW, tokens.ANSWER):
        other.get(f"/t/{other.desk.key.token(purpose, incident.id, 0, incident.sender, incident.created_at)}")
    assert other.get(f"/release/{incident.id}").status_code == 403
    done = browser.submit(page, incident.id, choice="Contract", reason="of May", confirm="yes")
    assert "Its sender, anna@corp.example, released the message." in done.text
    decided = browser.desk.store.incident(incident.id)
    assert (decided.state, decided.decided_how, decided.comment) == (State.APPROVED, "self-release", "Contract\nof May")
    assert "released the message" in browser.submit(page, incident.id, reason="twice", confirm="yes").text


def test_a_message_that_its_sender_must_not_release_has_no_button(make_desk: MakeDesk, hold: Hold) -> None:
    browser = Browser(make_desk(self_release=True))
    incident = hold(browser.desk, policy="all", profiles={"a": "critical"})
    page = browser.get(
        f"/t/{browser.desk.key.token(tokens.RELEASE, incident.id, 0, incident.sender, incident.created_at)}"
    )
    assert "too sensitive: another person has to approve" in page.text
    assert [form for form in forms(page.text) if form["method"] == "post"] == []
    # A form that a browser has kept from before the limit does not help.
    stamp = browser.desk.key.stamp(incident.sender, f"release {incident.id}")
    sent = {"stamp": stamp, "reason": "why", "confirm": "yes"}
    assert "too sensitive" in browser.client.post(f"/release/{incident.id}", data=sent).text
    assert browser.desk.store.incident(incident.id).state is State.HELD


def test_pages_use_the_language_of_the_browser(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    german = Browser(desk, headers={"Accept-Language": "sv, de-AT;q=0.9, en;q=0.1"})
    assert '<html lang="de">' in german.get(german.link(incident)).text
    french = Browser(desk, headers={"Accept-Language": "fr"})
    assert '<html lang="fr">' in french.get(french.link(incident)).text
    swedish = Browser(desk, headers={"Accept-Language": "sv"})
    assert '<html lang="en">' in swedish.get(swedish.link(incident)).text


def test_hostile_text_does_not_damage_a_page(make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk()
    hostile = "<script>x</script>\"'{{1234*1000}}\u202e\x1b\r\n" + "A" * 10_000
    incident = hold(
        desk,
        subject=hostile,
        sender="<b>\u202e@corp.example",
        header_from=hostile,
        recipients=[hostile],
        policy="<i>",
        findings=[
            {"identifier": "<u>", "confidence": "low", "count": 1, "unique": 1, "parts": [hostile], "masked": [hostile]}
        ],
    )
    browser = signed_in(desk, monkeypatch)
    for url in (f"/incidents/{incident.id}", "/incidents", "/incidents?words=" + "%3Cscript%3E%22" * 20):
        text = browser.get(url).text
        for markup in ("<script", "<b>", "<i>", "<u>", "1234000", "\u202e", "\x1b"):
            assert markup not in text
        assert len(text) < 100_000


def test_an_internal_error_is_shown_without_details(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(make_desk())
    incident = hold(browser.desk)
    link = browser.link(incident)
    monkeypatch.setattr(browser.desk.store.requests, "by_number", lambda _: 1 / 0)
    page = browser.get(link)
    assert page.status_code == 500
    assert "No decision was recorded" in page.text
    assert "ZeroDivisionError" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_an_internal_error_of_the_api_is_json(make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk()
    browser = Browser(desk)

    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(desk.store.machine_tokens, "bearer", fail)
    answer = browser.client.get("/machine/v1/messages", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, [*answer.json()]) == (500, ["error"])
    assert SECRET not in answer.text


def test_custom_templates_are_used_and_a_broken_one_is_not(make_desk: MakeDesk, hold: Hold, tmp_path: Path) -> None:
    own = tmp_path / "templates"
    (own / "pages").mkdir(parents=True)
    (own / "en").mkdir()
    (own / "en" / "words.toml").write_text('desk = "House of mail"\n')
    (own / "pages" / "sign_in.html").write_text('{% extends "pages/base.html" %}{% block content %}Hello{% endblock %}')
    desk = make_desk()
    page = Browser(desk).get("/sign-in")
    assert "Hello" in page.text
    assert "House of mail" in page.text
    for broken in (b"{{ nothing.of.the.kind }}", b"{{ 1 / 0 }}", b"{% if %}", b"{{ w.desk | nonsense }}", b"\xff"):
        (own / "pages" / "sign_in.html").write_bytes(broken)
        assert "Your mail address" in Browser(desk).get("/sign-in").text


def test_invalid_custom_words_are_not_used(make_desk: MakeDesk, hold: Hold, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "en"
    own.mkdir(parents=True)
    (own / "words.toml").write_text('link_wrong = "Ask {nobody}."\nstates = "none"\ntitle_sign_in = "Enter"\n')
    desk = make_desk()
    assert "It is incomplete, too old, or was not made for you." in Browser(desk).get("/t/x").text
    assert "<h1>Enter</h1>" in Browser(desk).get("/sign-in").text


class Chat(Channel):
    """A channel that may show everything."""

    name: ClassVar[str] = "chat"
    shows: ClassVar[Shows] = Shows.MASKED

    def deliver(self, recipient: str, letter: Letter) -> None:
        raise NotImplementedError


def test_the_trial_values_of_holdgate_check_equal_those_of_real_mail_and_pages(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[tuple[str, str], set[str]] = {}

    def noting(method: Any) -> Any:
        def note(self: Templates, name: str, language: str, **values: Any) -> Any:
            assert seen.setdefault((method.__name__, name), set(values)) == set(values)
            return method(self, name, language, **values)

        return note

    monkeypatch.setattr(Templates, "mail", noting(Templates.mail))
    monkeypatch.setattr(Templates, "page", noting(Templates.page))
    monkeypatch.setattr(FakePreviewer, "original", lambda *_: b"Subject: Figures\n\nText\n")
    monkeypatch.setitem(REGISTRY.channels, "chat", Chat)
    asking = '[[policy]]\nname = "ask"\naction = "ask-sender"\n'
    desk = make_desk(policies=asking)
    incident = hold(desk)
    browser = signed_in(desk, monkeypatch)
    for kind in trial.MAIL.keys() - {"ask", "code", "short"} | {"reminder"}:
        browser.composer.compose(incident, Notice(1, incident.id, kind, BOSS, 0, request=1), datetime.now(UTC))
    asked = hold(desk, policy="ask", action="ask-sender")
    browser.composer.compose(asked, Notice(2, asked.id, "request", asked.sender, 0, request=2), datetime.now(UTC))
    request = desk.store.requests.by_number(2)
    assert request is not None
    Browser(desk).get(browser.composer.link(request, tokens.ASK))
    by_chat = Notice(1, incident.id, "request", BOSS, 0, request=1, channel="chat")
    browser.composer.compose(incident, by_chat, datetime.now(UTC))
    withdraw = desk.key.token(tokens.WITHDRAW, incident.id, 0, incident.sender, incident.created_at)
    for url in ("/incidents", f"/t/{withdraw}", browser.link(incident), f"/incidents/{incident.id}/text", "/none"):
        browser.get(url)
    Browser(desk).get("/sign-in")
    tried = {"mail": trial.MAIL, "page": trial.PAGES}
    assert seen == {(kind, name): set(values[name]) for kind, values in tried.items() for name in values}


def test_a_moderator_can_forward_ask_and_postpone(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    for action, values in (
        ("/forward", {"to": "peer@corp.example"}),
        ("/forward", {"confirm": "yes"}),
        ("/ask", {"question": "Why?"}),
        ("/ask", {"confirm": "yes"}),
        ("/later", {}),
        ("/later", {"at": "nonsense"}),
        ("/later", {"at": "2026-11-24T09:00:00"}),
        # The same moments in UTC are before the first and after the last year.
        ("/later", {"at": "0001-01-01T00:00:00+14:00"}),
        ("/later", {"at": "9999-12-31T23:59:59-14:00"}),
    ):
        answer = browser.submit(page, action, **values)
        assert answer.status_code == 422
        assert "Nothing was done." in answer.text
    assert [event.event for event in desk.store.history(incident.id)][-1] == "opened"
    at = re.findall(r'name="at" value="([^"]+)"', page.text)[-1]
    assert "You will be reminded then." in browser.submit(page, "/later", at=at).text
    asked = browser.submit(page, "/ask", question="Why <b>?", confirm="yes")
    assert "Why &lt;b&gt;?" in asked.text
    assert browser.submit(page, "/forward", to="x@partner.example", confirm="yes").status_code == 422
    moved = browser.submit(page, "/forward", to="peer@corp.example", note="Yours", confirm="yes")
    assert "The request is no longer yours" in moved.text
    theirs = Browser(desk)
    text = theirs.get(theirs.link(incident, "peer@corp.example")).text
    assert "boss@corp.example has forwarded this question to you." in text
    assert "Yours" in text


def test_the_sender_answers_through_a_link_that_allows_nothing_else(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    token = desk.key.token(tokens.ANSWER, incident.id, 0, incident.sender, incident.created_at)
    browser = Browser(desk)
    page = browser.get(f"/t/{token}")
    assert page.status_code == 200
    for wrong in ({}, {"reason": "x"}, {"confirm": "yes"}, {"reason": "   ", "confirm": "yes"}):
        assert browser.submit(page, incident.id, **wrong).status_code == 422
    assert (
        "Your answer was passed to the moderators."
        in browser.submit(page, incident.id, reason="It is ours", confirm="yes").text
    )
    assert [one.note for one in desk.conversation.reasons(incident)] == ["It is ours"]
    # It is no key to the moderator's page, nor to incoming the message back.
    assert str(browser.get(f"/incidents/{incident.id}").url).endswith("/sign-in")
    assert browser.get(f"/withdraw/{incident.id}").status_code == 403
    moderator = Browser(desk)
    assert "It is ours" in moderator.get(moderator.link(incident)).text
    withdraw = desk.key.token(tokens.WITHDRAW, incident.id, 0, incident.sender, incident.created_at)
    other = Browser(desk)
    other.get(f"/t/{withdraw}")
    assert other.get(f"/reason/{incident.id}").status_code == 403


def test_the_page_after_a_decision_shows_the_open_requests(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    first, second = hold(desk, subject="First"), hold(desk, subject="Second")
    by_link = Browser(desk)
    done = by_link.submit(by_link.get(by_link.link(first)), "/decision", decision="reject").text
    assert "You rejected this." in done
    assert "1 more is waiting for you" in done
    assert "Second" not in done
    browser = signed_in(desk, monkeypatch)
    seen = browser.get(f"/incidents/{first.id}").text
    assert f'href="/incidents/{second.id}"' in seen
    assert "Second" in seen


def test_the_language_follows_the_table_for_the_person(make_desk: MakeDesk, hold: Hold, tmp_path: Path) -> None:
    (tmp_path / "languages").write_text("boss@corp.example de\n")
    desk = make_desk(desk={"languages": f"texthash:{tmp_path / 'languages'}"}, language="fr")
    assert desk.language("boss@corp.example", asked=["es"]) == "de"
    assert desk.language("anna@corp.example", asked=["xx", "es"]) == "es"
    assert desk.language("anna@corp.example") == "fr"
    assert make_desk(language="xx").language("anna@corp.example") == "en"


def test_an_approval_may_allow_a_class_of_a_program_s_mail(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(classes=True, classes_days=7)
    incident, other, third = hold(desk), hold(desk), hold(desk)
    for one in (incident, third):
        desk.store.machines.note(one.id, 1, 5, [11], [], 1_700_000_000)
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    assert re.findall(r'name="allow" value="(\w*)"', page.text) == ["", "thread", "1", "7"]
    # Opening the page allows nothing, and neither does a value that it does not offer, or a rejection.
    assert browser.submit(page, "/decision", decision="approve", allow="30").status_code == 422
    assert browser.submit(page, "/decision", decision="approve", allow="x").status_code == 422
    assert desk.store.allowances.active(datetime.now(UTC)) == []
    assert browser.submit(page, "/decision", decision="approve", allow="7").status_code == 200
    (allowed,) = desk.store.allowances.active(datetime.now(UTC))
    assert (allowed.incident_id, allowed.is_thread, allowed.who) == (incident.id, False, BOSS)
    assert 'name="allow"' not in browser.get(browser.link(other)).text
    browser.submit(browser.get(browser.link(third)), "/decision", decision="reject", allow="thread")
    assert len(desk.store.allowances.active(datetime.now(UTC))) == 1
