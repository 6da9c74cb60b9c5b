"""A desk with made-up messages and no Postfix, for screenshots and for tests of the pages in a browser.

The content of messages is a fixed preview, with numbers masked as a scan worker masks them.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from holdgate.config import Settings
from holdgate.desk import asking, consult, moderation, tokens
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.templates import Templates
from holdgate.desk.web.server import WebServer
from holdgate.desk.web.session import Sessions
from holdgate.quarantine.incident import Actor, Answer, Incident, Notice
from holdgate.quarantine.requests import IncidentFilter
from holdgate.quarantine.states import State
from holdgate.quarantine.store import migrate, open_store
from holdgate.queue.wishes import Wishes
from holdgate.scan.shapes import ChangeReport, Listed
from testbed.ports import free_port

BOSS = "boss@corp.example"
_POLICY = """[[policy]]
name = "ssn"
description = "US Social Security numbers leave only with the manager's approval."
action = "quarantine"

[[policy]]
name = "recipient"
description = "Mail to an address that may be a mistake is checked by its sender."
action = "ask-sender"
ask_reason = "send"
"""
_PARTS: dict[str, Any] = {
    "status": "complete",
    "reason": "",
    "subject": "",
    "attachments": [],
    "findings": [],
    "parts": [
        {
            "name": "message body",
            "status": "complete",
            "reason": "",
            "cut": False,
            "segments": [
                {"text": "Dear colleagues,\n\nfor the insurance: her number is ", "number": 0},
                {"text": "***-**-*120", "number": 1, "identifier": "us-ssn", "revealed": False},
                {"text": ", and her husband's is ", "number": 0},
                {"text": "***-**-*999", "number": 2, "identifier": "us-ssn", "revealed": False},
                {"text": ". Please set up both.\n\nAnna", "number": 0},
            ],
        }
    ],
}

_SCAN: dict[str, Any] = {
    "name": "signed form.png",
    "status": "limited",
    "reason": "image not read",
    "cut": False,
    "segments": [],
}


class FixedPreviewer(Previewer):
    """Shows the same text for every message, with an image that only OCR reads."""

    reads_images = True

    def __init__(self) -> None:
        pass

    def read(self, incident: Incident, *, reveal: int = 0, ocr: bool = False) -> dict[str, Any]:
        """Return the fixed text."""
        read = {"status": "complete", "reason": "", "segments": [{"text": "Signed in Springfield", "number": 0}]}
        limited = {} if ocr else {"status": "limited", "reason": f"{_SCAN['name']}: {_SCAN['reason']}"}
        return _PARTS | limited | {"parts": [*_PARTS["parts"], _SCAN | (read if ocr else {})]}

    def show(self, content: bytes, *, reveal: int = 0, ocr: bool = False) -> dict[str, Any]:
        """Return the fixed text."""
        return _PARTS

    def change(
        self, content: bytes, without: Sequence[str], note: str, *, redact: bool = False
    ) -> tuple[ChangeReport, bytes]:
        """Return the same message, with a table that can be removed."""
        listed = [Listed(1, "new-employees-2026.xlsx", "application/xlsx", 74_000)]
        return ChangeReport(listed, [1] if without else [], ["DKIM"] if without else []), content

    def original(self, incident: Incident) -> bytes:
        """Return a message."""
        return b"Subject: New colleague\n\nText\n"

    def wishes(self, incident: Incident) -> Wishes:
        """Return no wishes."""
        return Wishes()


def _finding(identifier: str, count: int, parts: list[str], masked: list[str]) -> dict[str, Any]:
    counts = {"count": count, "unique": count}
    return {"identifier": identifier, "confidence": "high", **counts, "parts": parts, "masked": masked}


_SSN = _finding("us-ssn", 2, ["message body"], ["***-**-*120", "***-**-*999"])
_CARD = _finding("payment-card", 1, ["salaries.xlsx, sheet March, B4"], ["**** **** **** *111"])
_TABLE = [{"name": "salaries.xlsx", "kind": "ooxml", "size": 18_000, "member": False}]


@dataclass(slots=True)
class Showcase:
    """The running desk: `base` is the address of its page."""

    desk: Desk
    composer: Composer
    base: str
    incidents: dict[str, Incident]

    def link(self, name: str) -> str:
        """Return the moderator's link to a message."""
        request = moderation.request_of(self.desk, self.incidents[name], BOSS)
        assert request is not None
        return self.composer.link(request, tokens.LINK)

    def asked_link(self, name: str) -> str:
        """Return the link of a sender who was asked about a message."""
        asked = self.desk.store.requests.of(self.incidents[name].id)
        return self.composer.link(next(one for one in asked if one.is_of_sender), tokens.ASK)

    def sender_link(self, name: str, purpose: str) -> str:
        """Return the sender's link about a message."""
        incident = self.incidents[name]
        return f"{self.base}/t/" + self.desk.key.token(purpose, incident.id, 0, incident.sender, incident.created_at)

    def session(self) -> tuple[str, str]:
        """Return name and value of the cookie of a moderator who signed in."""
        from starlette.responses import Response

        response = Response()
        Sessions(self.desk).sign_in(response, BOSS)
        name, _, value = response.headers["set-cookie"].partition(";")[0].partition("=")
        return name, value

    def digest(self, now: datetime) -> bytes:
        """Return the moderator's daily summary."""
        waiting = self.desk.store.requests.page(BOSS, IncidentFilter(waiting=True), limit=50)
        decided = self.desk.store.requests.decided_since(BOSS, now - timedelta(days=1), limit=50)
        return self.composer.digest(BOSS, waiting, decided, is_moderator=True, now=now)

    def mail(self, name: str, kind: str, recipient: str, note: str = "") -> bytes:
        """Return a mail about a message in the form in which it is sent."""
        incident = self.desk.store.incident(self.incidents[name].id)
        assert incident is not None
        request = moderation.request_of(self.desk, incident, BOSS)
        number = None if request is None or recipient != BOSS else request.number
        if kind == "request" and request is None:
            number = next(one.number for one in self.desk.store.requests.of(incident.id))
        notice = Notice(1, incident.id, kind, recipient, 0, note, number)
        if kind == "question":
            notice = Notice(1, incident.id, kind, recipient, 0, note, request.number if request else None)
        return self.composer.compose(incident, notice, datetime.now(UTC)).content


def _hold(desk: Desk, subject: str, sender: str, name: str, hours: float, **values: Any) -> Incident:
    now = datetime.now(UTC)
    incident = Incident(
        queue_id="4a",
        sender=sender,
        header_from=f"{name} <{sender}>",
        policy=values.pop("policy", "ssn"),
        subject=subject,
        created_at=now - timedelta(hours=48 - hours),
        arrival_time=1000,
        **{"recipients": ["payroll@partner.example"], **values},
    )
    desk.store.record(incident, Actor("holdgate-milter", "milter"))
    incident = desk.store.change(incident, State.HELD, Actor("holdgate-queue", "queue"), held_at=incident.created_at)
    return asking.ask(desk, incident, now - timedelta(hours=48 - hours, minutes=-5))


@contextmanager
def showcase(language: str = "en", *, ask_number: bool = False) -> Iterator[Showcase]:
    """Run a desk in `language` with some messages until the context ends; `ask_number` is the setting of that name."""
    with tempfile.TemporaryDirectory(prefix="holdgate-showcase.") as directory:
        root = Path(directory)
        (root / "main.cf").touch()
        (root / "policies.toml").write_text(_POLICY)
        (root / "managers").write_text(f"anna.lindqvist@corp.example {BOSS}\n")
        base = f"http://127.0.0.1:{(port := free_port())}"
        settings = Settings.model_validate(
            {
                "queue": {"postfix_config": directory},
                "policy": {"file": str(root / "policies.toml")},
                "desk": {
                    "house": "Corp Example",
                    "notice_from": "Corp Example <holdgate@corp.example>",
                    "web_listen": f"127.0.0.1:{port}",
                    "public_url": base,
                    "lmtp_listen": "127.0.0.1:2",
                    "change_relay": "127.0.0.1:3",
                    "reply_address": "holdgate@reply.corp.example",
                    "templates": str(root / "templates"),
                    "time_zone": "Europe/Berlin",
                    "ask_number": ask_number,
                },
                "replies": {"proof": ["client"], "clients": ["127.0.0.1"]},
                "moderation": {
                    "moderators": [BOSS],
                    "fallback": ["desk@corp.example"],
                    "language": language,
                    "notify_sender_on_hold": True,
                    "changes": ["redact", "without-attachments", "encrypt"],
                    "encrypt_through": "encrypt:[gateway.corp.example]",
                    "classes": True,
                },
            }
        )
        migrate(f"sqlite:///{root}/holdgate.db")
        desk = Desk(open_store(f"sqlite:///{root}/holdgate.db"), settings)
        templates = Templates(settings.desk.templates, desk.zone, house=settings.desk.house)
        previewer = FixedPreviewer()
        composer = Composer(desk, templates, previewer)
        try:
            with WebServer(desk, templates, previewer, composer):
                yield Showcase(desk, composer, base, _fill(desk))
        finally:
            desk.store.close()


def _fill(desk: Desk) -> dict[str, Incident]:
    """Put messages in all states into the store, and return them by name."""
    anna, bert = ("anna.lindqvist@corp.example", "Anna Lindqvist"), ("bert.olsen@corp.example", "Bert Olsen")
    values: dict[str, Any] = {"findings": [_SSN, _CARD], "attachments": _TABLE}
    held = {
        "request": _hold(desk, "Contract and bank details of our new colleagues", *anna, 44.4, **values),
        "soon": _hold(
            desk,
            "Report of the third quarter",
            *bert,
            2.3,
            findings=[_finding("payment-card", 3, ["report.pdf, page 3"], ["**** **** **** *111"])],
            attachments=[{"name": "report.pdf", "kind": "pdf", "size": 1_400_000, "member": False}],
            recipients=["auditor@partner.example"],
        ),
        "many": _hold(
            desk,
            "Fwd: Updated list of all participants, hotel bookings, dietary needs and emergency contacts for the "
            "annual meeting of the northern region in March",
            "layla.alkhatib@corp.example",
            "ليلى عبد الرحمن الخطيب",
            27.2,
            findings=[
                _finding("us-ssn", 12, ["list.xlsx, sheet All, C9"], ["***-**-*120"]),
                _finding("payment-card", 4, ["message body"], ["**** **** **** *111"]),
                *(_finding(name, 3, ["list.xlsx, sheet All, D2"], ["***"]) for name in ("iban", "de-passport", "imei")),
            ],
            attachments=[{"name": f"list-{n}.xlsx", "kind": "ooxml", "size": 9_000, "member": False} for n in range(6)],
            recipients=[f"person{number}@partner.example" for number in range(40)],
        ),
        "later": _hold(desk, "Salary table", *anna, 32, findings=[_finding("iban", 1, ["message body"], ["DE** *1"])]),
        "approved": _hold(desk, "Offer 4711", *anna, 30, **values),
        "rejected": _hold(desk, "Guest list", *bert, 29, **values),
        "withdrawn": _hold(desk, "First draft", *anna, 28, **values),
    }
    boss = Actor(BOSS, "page")
    requests = {name: moderation.request_of(desk, incident, BOSS) for name, incident in held.items()}
    held["ask"] = _ask(desk, *anna)
    held["program"] = _program(desk)
    for name, request in requests.items():
        assert request is not None
        if name == "approved":
            moderation.answer(desk, request, Answer.APPROVE, boss)
        if name == "rejected":
            moderation.answer(desk, request, Answer.REJECT, boss, "Please send it without card numbers.")
        if name == "many":
            consult.ask_sender(desk, request, "Do they all need the list?", boss)
            answered = "Yes, the hotel wants one list."
            consult.answer_as_sender(desk, held[name], answered, Actor(held[name].sender, "page"))
        if name == "later":
            now = datetime.now(UTC)
            consult.defer(desk, request, consult.times_to_defer(desk, request, now)[-1], boss)
        if name == "request":
            reason = "Both are insured with us from 1 December. Payroll asked for it."
            consult.answer_as_sender(desk, held[name], reason, Actor(held[name].sender, "page"))
    moderation.withdraw(desk, held["withdrawn"], Actor(held["withdrawn"].sender, "withdrawal"))
    return held


def _program(desk: Desk) -> Incident:
    """Hold a message of a program; its approval can allow a class."""
    risk = {"kind": "machine-first", "recipient": "bob@partner.example", "similar": "", "count": 0, "whose": "billing"}
    values: dict[str, Any] = {"recipients": ["bob@partner.example"], "recipient_risks": [risk]}
    incident = _hold(desk, "Invoice 4711", "billing@corp.example", "Billing", 46, **values)
    desk.store.machines.note(incident.id, 1, 5, [2], [], 1_700_000_000)
    return incident


def _ask(desk: Desk, sender: str, name: str) -> Incident:
    """Hold a message and ask its sender."""
    risks = [
        {
            "kind": "lookalike",
            "recipient": "bob@partner-group.example",
            "similar": "bob@partner.example",
            "count": 214,
            "whose": "sender",
        },
        {"kind": "new", "recipient": "office@newcomer.example", "similar": "", "count": 0, "whose": ""},
    ]
    recipients = ["bob@partner-group.example", "carol@partner.example", "office@newcomer.example"]
    values: dict[str, Any] = {"recipients": recipients, "recipient_risks": risks, "action": "ask-sender"}
    return _hold(desk, "Prices for next year", sender, name, 47, policy="recipient", **values)
