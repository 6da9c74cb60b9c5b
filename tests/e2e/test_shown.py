"""No number in any place of a message appears in store, log, page, API, command output or mail of Holdgate."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import httpx2
import pytest

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed.ports import PATIENCE
from testbed.site import Site
from tests.e2e.desk import link_in, mail_about, pass_at, press
from tests.support.planted_message import SENDER, Planted, compose

BOSS, SECOND = "boss@corp.example", "second@corp.example"
TOKEN = "planted"
SITE = {
    "extra": f"""
[moderation]
moderators = ["{BOSS}", "{SECOND}"]
fallback = ["desk@corp.example"]
notify_sender_on_hold = true
notify_sender_on_approval = true
reminders = ["1h"]
return_original = false

[[desk.api_tokens]]
name = "reader"
sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
""",
    "policies": """
[[policy]]
name = "told"
sender = "alert@corp.example"
action = "alert"
notify = ["audit@corp.example"]
found = [{id = "payment-card"}]

[[policy]]
name = "held"
action = "quarantine"
found = [{id = "payment-card"}]
""",
}


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def incidents(site: Site, planted: Planted) -> list[Incident]:
    """Four messages with the same content: one causes an alert, one is approved, one is rejected, one expires."""
    content, recipient = compose(planted)
    site.submit(content, "alert@corp.example", recipient)
    for _ in range(3):
        site.submit(content, SENDER, recipient)

    def asked() -> list[Incident] | None:
        waiting = [one for one in site.store.incidents([State.HELD]) if one.asked_at]
        return waiting if len(waiting) == 3 else None

    found = site.wait_for(asked, "people to be asked about three messages")
    assert found is not None
    return found


def test_no_output_shows_an_unmasked_number(site: Site, planted: Planted, incidents: list[Incident]) -> None:
    assert len(planted.numbers) >= 58
    shown = dict(_pages(site, incidents[0]))
    press(link_in(mail_about(site, BOSS, incidents[0])), decision="approve", comment="Fine")
    press(link_in(mail_about(site, BOSS, incidents[1])), decision="reject", comment="No")
    site.wait_for(lambda: len(site.store.incidents([State.RELEASED, State.RETURNED])) == 2, "both to be closed")
    site.stop_daemon("desk")
    deadline = incidents[2].deadline_at
    assert deadline is not None
    pass_at(site, deadline - timedelta(minutes=30))
    pass_at(site, deadline + timedelta(minutes=1))
    site.wait_for(lambda: len(site.store.incidents([State.RETURNED])) == 2, "the third to expire")
    shown |= dict(_commands(site, incidents[0]))
    shown |= {f"log of {name}": site.log(name) for name in ("milter", "queue", "desk")}
    shown |= {f"metrics of {name}": site.metrics(name) for name in ("milter", "queue")}
    shown["store"] = "\n".join(rows(site.directory / "holdgate.db"))
    shown |= dict(mails(site))
    assert {name: readable for name, text in shown.items() if (readable := planted.readable(text))} == {}
    kinds = {name.partition(":")[0] for name in shown}
    assert {f"mail to {who}" for who in (BOSS, SECOND, SENDER, "audit@corp.example")} <= kinds


def _pages(site: Site, incident: Incident) -> Iterator[tuple[str, str]]:
    link = link_in(mail_about(site, BOSS, incident))
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        yield "page", client.get(link).text
        yield "page with text", client.get(f"{site.settings.desk.public_url}/incidents/{incident.id}/text").text
    with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=PATIENCE) as client:
        base = f"{site.settings.desk.public_url}/api/v1/incidents"
        for url in (base, f"{base}/{incident.id}"):
            answer = client.get(url)
            assert answer.status_code == 200
            yield url, json.dumps(answer.json(), ensure_ascii=False)


def _commands(site: Site, incident: Incident) -> Iterator[tuple[str, str]]:
    for words in (
        ("list",),
        ("list", "--json"),
        ("show", incident.id),
        ("show", incident.id, "--json"),
        ("status",),
        ("audit", "export"),
        ("policy", "replay"),
    ):
        done = site.command(*words)
        yield " ".join(words), done.stdout + done.stderr


def rows(path: Path) -> Iterator[str]:
    with sqlite3.connect(path) as connection:
        yield from connection.iterdump()


def mails(site: Site) -> Iterator[tuple[str, str]]:
    """Yield Holdgate's own mail, without the parts that it returns of the message."""
    for number, delivery in enumerate(site.next_hop.deliveries):
        message = message_from_bytes(delivery.content, policy=policy.default)
        if message["Message-ID"] is None or "holdgate" not in str(message["From"]):
            continue
        output = [f"{delivery.sender} {delivery.recipients}", *(f"{name}: {value}" for name, value in message.items())]
        for part in message.walk():
            if part.get_content_type() in ("text/plain", "text/html"):
                output.append(str(part.get_content()))
            elif part.get_content_type().endswith("delivery-status"):
                output.append(str(part))
        yield f"mail to {delivery.recipients[0]}: {number}", "\n".join(output)
