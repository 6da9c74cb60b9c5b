"""No content of a message appears on the sender's page, in changes, the API for programs, or reports."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed.ports import PATIENCE
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import link_in, mail_about
from tests.e2e.test_shown import mails, rows
from tests.support.planted_message import SENDER, Planted, compose

BOSS, OWNER = "boss@corp.example", "owner@corp.example"
POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "asked"
sender = "asked@corp.example"
action = "ask-sender"
ask_severity = "critical"
found = [{id = "payment-card"}]

[[policy]]
name = "programs"
action = "quarantine"
machine = { first = true, links = "new", attachments = "new" }

[[policy]]
name = "held"
action = "quarantine"
found = [{id = "payment-card"}]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    accounts = tmp_path / "machines"
    accounts.write_text(f"127.0.0.1 {OWNER}\n")
    extra = f'[machines]\nmode = "on"\naccounts = "texthash:{accounts}"\ntime_limit = "60s"\n'
    extra += f'[relations]\nmode = "on"\nkey = "{tmp_path}/relations.key"\n'
    extra += f'[moderation]\nmoderators = ["{BOSS}"]\nclasses = true\nchanges = ["redact", "without-attachments"]\n'
    with running_site(policies=POLICIES, extra=extra) as running:
        yield running


def held(site: Site, sender: str) -> Incident:
    def asked() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if one.sender == sender and one.asked_at), None)

    found = site.wait_for(asked, f"somebody to be asked about the message from {sender}")
    assert found is not None
    return found


def test_no_further_output_shows_an_unmasked_number(site: Site) -> None:
    planted = Planted()
    content, recipient = compose(planted)
    for sender in ("asked@corp.example", SENDER):
        site.submit(content, sender, recipient)
    own, other = held(site, "asked@corp.example"), held(site, SENDER)
    assert other.policy == "programs"
    shown = dict(_pages(site, own, other)) | dict(_commands(site, own, other))
    shown |= {f"log of {name}": site.log(name) for name in ("milter", "queue", "desk")}
    shown |= {f"metrics of {name}": site.metrics(name) for name in ("milter", "queue", "desk")}
    shown["store"] = "\n".join(rows(site.directory / "holdgate.db"))
    shown |= dict(mails(site))
    assert {name: readable for name, text in shown.items() if (readable := planted.readable(text))} == {}


def _pages(site: Site, own: Incident, other: Incident) -> Iterator[tuple[str, str]]:
    base = site.settings.desk.public_url
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        page = client.get(link_in(mail_about(site, OWNER, own)))
        assert "/ask/" in str(page.url)
        yield "the owner's page", page.text
        yield "page of a moderator", client.get(link_in(mail_about(site, BOSS, other))).text
        for query in ("", "?redacted=yes", "?without=1", "?without=1&without=2&redacted=yes"):
            yield f"changes{query}", client.get(f"{base}/incidents/{other.id}/change{query}").text
    token = site.command("machines", "token", "127.0.0.1").stdout.strip()
    with httpx2.Client(headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as client:
        for path in ("", f"/{own.id}", f"/{other.id}"):
            answer = client.get(f"{base}/machine/v1/messages{path}")
            assert answer.status_code == 200
            yield f"machine interface {path}", answer.text


def _commands(site: Site, own: Incident, other: Incident) -> Iterator[tuple[str, str]]:
    for words in (
        ("show", own.id),
        ("show", other.id, "--json"),
        ("status", "--json"),
        ("machines", "list"),
        ("machines", "report", "127.0.0.1"),
        ("machines", "allowances"),
        ("relations", "report"),
    ):
        done = site.command(*words)
        yield " ".join(words), done.stdout + done.stderr
