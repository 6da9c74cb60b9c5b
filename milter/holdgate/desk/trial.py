"""Tests an administrator's words and templates with made-up values, so that `holdgate check` reports failures.

The values have the names that the composer and the pages use; a test compares the two. Each template is tested with an
incident that has all values and with one that has almost none; text under another condition is not reached.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from itertools import product
from pathlib import Path
from typing import Any

from holdgate.desk.changing import ChangePlan, Prepared, RequestedChanges
from holdgate.desk.classes import Offer
from holdgate.desk.templates import Templates
from holdgate.desk.web import labels
from holdgate.desk.web.session import Visitor
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Change, Event, Incident, Request
from holdgate.quarantine.requests import IncidentFilter
from holdgate.quarantine.states import State
from holdgate.scan.shapes import ChangeReport, Listed

_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_WHO = "moderator@corp.example"
FINDING = {
    "identifier": "iban",
    "confidence": "high",
    "count": 9,
    "unique": 9,
    "parts": ["a.pdf"] * 9,
    "masked": ["*"],
}
_FULL = Incident(
    queue_id="4XYZ",
    sender="sender@corp.example",
    recipients=["recipient@partner.example"] * 60,
    policy="p",
    state=State.HELD,
    created_at=_NOW,
    deadline_at=_NOW,
    decided_at=_NOW,
    decided_by=_WHO,
    decided_how="page",
    comment="one\ntwo",
    header_from="Somebody <somebody@corp.example>",
    subject="Figures",
    findings=[FINDING] * 9,
    attachments=[{"name": "a.pdf", "kind": "pdf", "size": 5000, "member": False}] * 60,
)
_BARE = Incident(queue_id="4XYZ", sender="", recipients=["recipient@partner.example"], policy="p", created_at=_NOW)
_REQUEST = Request(1, _FULL.id, _WHO, 0, "deputy", "away@corp.example", _NOW, _NOW, None, None, None)
_SEGMENTS = [
    {"number": number, "identifier": "iban", "revealed": bool(number), "text": "one\ntwo"} for number in range(2)
]
_PART = {"name": "a.pdf", "status": "limited", "reason": "too large", "cut": True, "segments": _SEGMENTS}
_SHOWN = {"status": "limited", "reason": "a.pdf: too large", "parts": [_PART], "attachments": [], "findings": []}

_CHANGE = Change(
    ["redact", "without-attachments"], "0", "1", "", [1], ["a.pdf"], "encrypt:", ["DKIM", "S/MIME"], ["x@x.example"]
)
_PLAN = ChangePlan(
    ChangeReport([Listed(1, "a.pdf", "application/pdf", 5000)], [1], ["DKIM"]),
    RequestedChanges(["1"], encrypted=True, redacted=True),
    _SHOWN,
    Prepared(b"", _CHANGE, ChangeReport()),
    "Text.",
    "a.pdf",
)

_INCIDENT = {
    "incident": _FULL,
    "change": _CHANGE,
    "subject": "Figures",
    "outcome": "The message waits for a decision.",
    "tells": True,
    "levels": 2,
    "approvals": 2,
    "rule": "Account numbers leave only with an approval.",
    "reasons": [Event(_NOW, EventName.SENDER_ANSWERED, "sender@corp.example", "page", "one\ntwo")],
    "question": "one\ntwo",
    "asked": _WHO,
    "number": "42",
}
_NOTICE = _INCIDENT | {
    "note": "",
    "request": None,
    "may_answer": True,
    "may_reply": True,
    "link": "https://approve.corp.example/t/x",
    "answer_link": "https://approve.corp.example/t/y",
    "release_link": "https://approve.corp.example/t/z",
}
MAIL: dict[str, Mapping[str, Any]] = {
    "request": _INCIDENT
    | {
        "request": _REQUEST,
        "reminder": False,
        "link": "https://x.example",
        "reply": "x@x.example",
        "mailto": {"approve": "mailto:x@x.example", "reject": "mailto:x@x.example"},
        "change_words": "APPROVE REDACTED, APPROVE ENCRYPTED",
        "may_exclude": True,
        "except_word": "NOT TO",
        "class_words": "APPROVE WITH ANSWERS (answers in this thread for 24 hours)",
        "forward_note": "one\ntwo",
    },
    "ask": _INCIDENT
    | {
        "request": _REQUEST,
        "reminder": False,
        "link": "https://x.example",
        "reply": "x@x.example",
        "recipients": ["1. recipient@partner.example"],
        "moderated": True,
        "may_exclude": True,
        "except_word": "NOT TO",
        "mailto": dict.fromkeys(("all", "some", "none"), "mailto:x@x.example"),
    },
    "short": _INCIDENT | {"request": _REQUEST, "reminder": False, "link": "https://x.example", "tells_content": True},
    "rejected": _INCIDENT,
    "expired": _INCIDENT,
    "alert": _NOTICE,
    "answer": _NOTICE | {"request": _REQUEST, "note": "unproven"},
    "approved": _NOTICE,
    "decided": _NOTICE | {"request": _REQUEST},
    "held": _NOTICE,
    "question": _NOTICE | {"request": _REQUEST},
    "said": _NOTICE | {"request": _REQUEST},
    "withdrawn": _NOTICE,
    "lost": _NOTICE,
    "code": {"code": "123456", "minutes": 10},
}

_ANY_PAGE = {
    "waiting": 3,
    "waiting_shown": "3",
    "base": "",
    "visitor": Visitor(_WHO, "code"),
    "stamp": lambda _purpose: "stamp",
} | {"asks_number": True, "typed": lambda _name: "text"}
PAGES: dict[str, Mapping[str, Any]] = {
    "ask": _ANY_PAGE
    | {
        "incident": _FULL,
        "request": _REQUEST,
        "rule": "Account numbers leave only with an approval.",
        "problem": "Text.",
        "unreadable": "agent",
        "done": False,
        "moderated": True,
        "may_exclude": True,
        "excluded": ["recipient@partner.example"],
        "reason_wanted": "send",
        "choices": [],
        "comment_length": 2000,
    },
    "code": _ANY_PAGE | {"problem": "code_wrong"},
    "incident": _ANY_PAGE
    | {
        "incident": _FULL,
        "request": _REQUEST,
        "levels": 2,
        "approvals": 2,
        "approved": [_WHO],
        "history": labels.history([Event(_NOW, EventName.APPROVAL, _WHO, "page", "note")]),
        "rule": "Account numbers leave only with an approval.",
        "tells": True,
        "talk": [
            Event(_NOW, name, _WHO, "page", "one\ntwo") for name in (EventName.SENDER_ASKED, EventName.SENDER_ANSWERED)
        ],
        "forward_note": "one\ntwo",
        "later": [_NOW],
        "notice": "You will be reminded then.",
        "away": "mx1.corp.example",
        "problem": "comment_too_long",
        "may_change": True,
        "classes": Offer(thread=True, days=30),
        "comment": "one\ntwo",
        "comment_length": 2000,
    },
    "list": _ANY_PAGE
    | {
        "incidents": [_FULL, _BARE],
        "wanted": IncidentFilter(waiting=True, words="words"),
        "since": "2026-01-01",
        "labels": {
            one.id: labels.Label("Waits for you", "-", "amber", "1 hour left", True, "text") for one in (_FULL, _BARE)
        },
        "digest": True,
        "all_states": list(State),
        "page": 2,
        "pages": 3,
        "pages_shown": "3",
        "count": 120,
        "count_shown": "120",
        "is_last": False,
        "query": {"words": "words"},
        "link_to": lambda number: f"?page={number}",
        "here": "?page=1",
        "ticked": {"AAAA-BBBB-CCCC"},
        "link_after": lambda: "?page=3&after=x",
        "problem": "nothing_chosen",
        "result": (1, 1),
    },
    "message": _ANY_PAGE
    | {"title": "Title", "message": "Text.", "incident": _FULL, "sign_in": True}
    | {"mood": "go", "others": 2, "others_shown": "2", "following": _FULL},
    "withdraw": _ANY_PAGE | {"incident": _FULL, "problem": "withdraw_unticked"},
    "sign_in": _ANY_PAGE,
    "text": _ANY_PAGE
    | {
        "incident": _FULL,
        "request": _REQUEST,
        "shown": _SHOWN,
        "unreadable": "",
        "problem": "reveal_incomplete",
        "may_reveal": True,
        "images": True,
        "may_read_images": True,
    },
}
# Templates that are neither an incident's notice nor a moderator's page.
MORE_MAIL: dict[str, Mapping[str, Any]] = {
    "digest": {
        "waiting": [_FULL] * 21,
        "decided": [(_FULL, "Done.")] * 21,
        "moderator": True,
        "link": "https://x.example",
    },
}
MORE_PAGES: dict[str, Mapping[str, Any]] = {
    "change": _ANY_PAGE
    | {
        "incident": _FULL,
        "request": _REQUEST,
        "plan": _PLAN,
        "may_remove": True,
        "may_encrypt": True,
        "may_redact": True,
        "may_exclude": True,
    }
    | {"comment_length": 2000, "comment": "one\ntwo"},
    "reason": _ANY_PAGE
    | {"incident": _FULL, "question": "one\ntwo", "problem": "Text.", "done": False, "comment_length": 2000}
    | {"choices": ["note"]},
    "release": _ANY_PAGE
    | {"incident": _FULL, "rule": "Account numbers leave only with an approval.", "problem": "Text."}
    | {"allowed": True, "choices": [], "comment_length": 2000}
    | {"may_exclude": True, "excluded": ["recipient@partner.example"], "unreadable": ""},
}
_LESS: Mapping[str, Any] = {
    "incident": _BARE,
    "change": None,
    "may_change": False,
    "images": False,
    "may_read_images": False,
    "comment": "",
    "classes": None,
    "may_encrypt": False,
    "may_redact": False,
    "may_exclude": False,
    "plan": ChangePlan(unreadable="gone"),
    "visitor": None,
    "link": "",
    "reply": "",
    "may_reply": False,
    "answer_link": "",
    "release_link": "",
    "allowed": False,
    "choices": [],
    "rule": "",
    "reasons": [],
    "question": "",
    "asked": "",
    "number": "",
    "asks_number": False,
    "typed": lambda _name: "",
    "forward_note": "",
    "talk": [],
    "later": [],
    "following": None,
    "tells": False,
    "moderator": False,
    "done": True,
    "note": "unclear",
    "problem": "",
    "reminder": True,
    "shown": None,
    "unreadable": "gone",
}


def problems(directory: Path, zone: tzinfo) -> list[str]:
    """Return the errors in the files in `directory`, one line for each file and failure, beginning with its path."""
    reported: list[str] = []
    templates = Templates(directory, zone, reported.append)
    for language, less in product(templates.languages, (False, True)):
        for name, values in (MAIL | MORE_MAIL).items():
            templates.mail(name, language, **_with(values, less))
        for name, values in (PAGES | MORE_PAGES).items():
            templates.page(name, language, **_with(values, less))
    return [f"{directory}/{problem}" for problem in dict.fromkeys(reported)]


def _with(values: Mapping[str, Any], less: bool) -> dict[str, Any]:
    return {name: _LESS[name] if less and name in _LESS else value for name, value in values.items()}
