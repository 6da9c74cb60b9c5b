"""A program sends an amended message in place of a held one, with a real Postfix: exactly one of the two is sent."""

import re
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.desk.preview import Previewer
from holdgate.desk.replacing import Replacer
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.replacements import REPLACEMENT
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import closed, events, link_in, mail_about, press, reply

SENDER, BOSS = "billing@corp.example", "boss@corp.example"
POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "agents"
action = "quarantine"
direction = "outbound"
subject = "Draft*"
machine = { messages = 1 }
[[policy]]
name = "asks"
action = "ask-sender"
direction = "outbound"
subject = "Ask*"
[[policy]]
name = "refused"
action = "block"
direction = "outbound"
subject = "Never*"
[[policy]]
name = "first"
action = "quarantine"
direction = "outbound"
subject = "First*"
machine = { links = "new" }
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("machines")
    accounts = place / "machines"
    accounts.write_text("127.0.0.1 owner@corp.example\n")
    extra = f'[machines]\nmode = "on"\naccounts = "texthash:{accounts}"\ntime_limit = "60s"\n'
    extra += f'[relations]\nkey = "{place}/relations.key"\n[moderation]\nmoderators = ["{BOSS}"]\n'
    with running_site(policies=POLICIES, extra=extra) as running:
        # The first message of the hour passes; each further one waits.
        running.submit(letter("warm-up", "Draft 0").as_bytes(), SENDER, "warm-up@partner.example")
        yield running


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return site.command("machines", "token", "127.0.0.1").stdout.strip()


def letter(name: str, subject: str, text: str = "Dear Bob,\n\n.a line with a dot\nGrüße\n") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, f"{name}@partner.example", subject
    message["Date"] = "Mon, 23 Nov 2026 12:00:00 +0000"
    message["Message-ID"] = f"<{name}-{subject.split()[0].lower()}@corp.example>"
    message.set_content(text, cte="8bit")
    return message


def to(name: str) -> list[str]:
    return [f"{name}@partner.example", f"{name}-2@partner.example"]


def submit(site: Site, name: str) -> Incident:
    """Have a message of the program held, to two recipients with DSN parameters."""
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
        connection.ehlo()
        connection.mail(SENDER, ["RET=HDRS", f"ENVID={name}", "BODY=8BITMIME"])
        for address in to(name):
            connection.rcpt(address, ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;first-{address}"])
        code, answer = connection.data(letter(name, f"Draft {name}").as_bytes())
        assert code == 250, answer

    def held() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if to(name)[0] in one.recipients and one.asked_at), None)

    incident = site.wait_for(held, f"the message to {name} to be held")
    assert incident is not None
    return incident


def replace(
    site: Site, token: str, incident: Incident, content: bytes, key: str = "1", *recipients: str
) -> httpx2.Response:
    address = f"{site.settings.desk.public_url}/machine/v1/messages/{incident.id}/replacement"
    fields = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822", "Idempotency-Key": key}
    with httpx2.Client(timeout=PATIENCE) as client:
        return client.post(address, params={"recipient": list(recipients)}, content=content, headers=fields)


def empty(site: Site) -> None:
    site.wait_for(lambda: not site.postfix.held_ids(), "the hold queue to be empty")


def check_amended_delivery(site: Site, name: str, addresses: list[str] | None = None) -> None:
    """Check that they got the amended message once, with its DSN parameters, and that no one got the held one."""
    empty(site)
    wanted = to(name) if addresses is None else addresses
    for address in wanted:
        site.wait_for(partial(site.next_hop.to, address), f"delivery to {address}")
        (delivery,) = site.next_hop.to(address)
        assert delivery.sender == SENDER
        fields, separator, rest = delivery.content.partition(b"From: ")
        assert separator + rest == letter(name, f"Final {name}").as_bytes().replace(b"\n", b"\r\n")
        names = {one.partition(b":")[0] for one in re.split(rb"\r\n(?=\S)", fields.rstrip(b"\r\n"))}
        assert names <= {b"Received", b"X-Holdgate-Seal"}
    for address in set(to(name)) - set(wanted):
        assert site.next_hop.to(address) == []

    def reports() -> list[bytes]:
        envelope = f"Original-Envelope-Id: {name}".encode()
        return [one.content for one in site.next_hop.to(SENDER) if envelope in one.content]

    report = site.wait_for(reports, "the report that was asked for")[0]
    assert f"Original-Recipient: rfc822;first-{wanted[0]}".encode() in report


def test_the_amended_message_is_sent_and_the_held_one_is_not(site: Site, token: str) -> None:
    incident = submit(site, "plain")
    final = letter("plain", "Final plain").as_bytes()
    first = replace(site, token, incident, final)
    assert first.status_code == 200, first.text
    body = first.json()
    assert (body["status"], body["replaced_by"]["id"]) == ("withdrawn", None)
    for _ in range(2):  # the same request again sends nothing and gets the same response
        again = replace(site, token, incident, final)
        assert (again.status_code, again.json()["replaced_by"]) == (200, body["replaced_by"])
    found = closed(site, incident, State.RETURNED)
    assert (found.decided_by, found.decided_how) == ("127.0.0.1", REPLACEMENT)
    check_amended_delivery(site, "plain")
    mail_about(site, BOSS, incident, "withdrew the message")
    other = replace(site, token, incident, final + b"x")
    assert other.status_code == 409


def test_recipients_can_be_removed_but_not_added(site: Site, token: str) -> None:
    incident = submit(site, "fewer")
    final = letter("fewer", "Final fewer").as_bytes()
    more = replace(site, token, incident, final, "1", to("fewer")[0], "eve@partner.example")
    assert (more.status_code, "recipients must be among" in more.text) == (422, True)
    assert replace(site, token, incident, final, "2", to("fewer")[0]).status_code == 200
    check_amended_delivery(site, "fewer", to("fewer")[:1])
    assert site.next_hop.to("eve@partner.example") == []


def test_an_amended_message_is_held_by_the_same_policies(site: Site, token: str) -> None:
    incident = submit(site, "again")
    draft = letter("again", "Draft again 2").as_bytes()
    assert replace(site, token, incident, draft).status_code == 200
    closed(site, incident, State.RETURNED)

    def new() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if to("again")[0] in one.recipients and one.asked_at), None)

    second = site.wait_for(new, "the amended message to be held")
    assert second is not None
    address = f"{site.settings.desk.public_url}/machine/v1/messages/{incident.id}"
    with httpx2.Client(timeout=PATIENCE, headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.get(address).json()["replaced_by"]["id"] == second.id
    assert site.next_hop.to(to("again")[0]) == []
    assert site.command("release", second.id).returncode == 0
    closed(site, second, State.RELEASED)
    site.wait_for(lambda: site.next_hop.to(to("again")[0]), "delivery")
    assert len(site.next_hop.to(to("again")[0])) == 1
    # If an operator holds a message again, a new decision is needed: it is not released automatically.
    empty(site)


def test_an_amended_message_that_a_policy_blocks_leaves_the_held_one_unchanged(site: Site, token: str) -> None:
    incident = submit(site, "refused")
    answer = replace(site, token, incident, letter("refused", "Never this").as_bytes())
    assert (answer.status_code, "550" in answer.text) == (422, True)
    assert replace(site, token, incident, letter("refused", "Final refused").as_bytes(), "2").status_code == 200
    check_amended_delivery(site, "refused")


def test_only_one_of_moderator_and_program_decides(site: Site, token: str) -> None:
    incident = submit(site, "race")
    desk = Desk(site.store, site.settings)
    start, outcomes = threading.Barrier(2), dict[str, Any]()

    def program() -> None:
        start.wait()
        outcomes["program"] = replace(site, token, incident, letter("race", "Final race").as_bytes()).status_code

    def moderator() -> None:
        start.wait()
        try:
            moderation.override(desk, incident, Answer.APPROVE, Actor(BOSS, "command"))
            outcomes["moderator"] = True
        except moderation.RefusedError:
            outcomes["moderator"] = False

    threads = [threading.Thread(target=one) for one in (program, moderator)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (outcomes["program"], outcomes["moderator"]) in [(200, False), (409, True)]
    empty(site)
    closed(site, incident, State.RELEASED if outcomes["moderator"] else State.RETURNED)
    site.wait_for(lambda: site.next_hop.to(to("race")[0]), "delivery")
    (delivery,) = site.next_hop.to(to("race")[0])
    assert (b"Draft race" if outcomes["moderator"] else b"Final race") in delivery.content


class Killed(BaseException):
    """The desk ends here."""


def killed_after(site: Site, incident: Incident, step: str, content: bytes) -> None:
    """Have a desk in this process take a request, and end right after a step."""
    desk = Desk(site.store, site.settings)
    previewer = Previewer(site.settings, QueueClient(site.settings.queue.socket))
    replacements = desk.store.replacements
    original = getattr(replacements, step)

    def die(*arguments: Any) -> None:
        if step == "begin":
            original(*arguments)
        raise Killed

    setattr(replacements, step, die)
    try:
        with pytest.raises(Killed):
            Replacer(desk, previewer).replace(incident, content, [], "1", Actor("127.0.0.1", REPLACEMENT))
    finally:
        delattr(replacements, step)
        previewer.close()


@pytest.mark.parametrize("step", ["begin", "accepted"])
def test_a_killed_desk_sends_the_amended_message_once(site: Site, token: str, step: str) -> None:
    name = f"killed-{step}"
    incident = submit(site, name)
    final = letter(name, f"Final {name}").as_bytes()
    site.stop_daemon("desk")
    killed_after(site, incident, step, final)
    if step == "begin":  # Postfix has nothing: the held message waits as before
        assert site.postfix.held_ids() == [incident.queue_id]
    site.start_daemon("desk")
    if step == "accepted":  # Postfix has accepted it: the desk continues without the program
        closed(site, incident, State.RETURNED)
    assert replace(site, token, incident, final).status_code == 200
    closed(site, incident, State.RETURNED)
    check_amended_delivery(site, name)


def test_a_second_submission_is_deleted(site: Site, token: str) -> None:
    incident = submit(site, "twice")
    final = letter("twice", "Final twice").as_bytes()
    site.stop_daemon("queue")
    site.start_daemon("queue")
    site.stop_daemon("desk")
    killed_after(site, incident, "accepted", final)
    # The queue agent has not seen it when the program asks again: Postfix gets a second one.
    replacements = site.store.replacements
    before = replacements.of([incident.id])[incident.id]
    program = Actor("127.0.0.1", REPLACEMENT)
    again = replacements.begin(incident.id, before.key, before.digest, program, before.submitted_at)
    if not again.queue_id:
        killed_after(site, incident, "accepted", final)
        site.wait_for(lambda: "replacement-deleted" in site.log("queue"), "the first one to be deleted")
    site.start_daemon("desk")
    closed(site, incident, State.RETURNED)
    check_amended_delivery(site, "twice")


def test_a_killed_queue_agent_completes_the_replacement_after_its_restart(site: Site, token: str) -> None:
    incident = submit(site, "agent")
    assert replace(site, token, incident, letter("agent", "Final agent").as_bytes()).status_code == 200
    site.kill_daemon("queue")
    site.start_daemon("queue")
    closed(site, incident, State.RETURNED)
    check_amended_delivery(site, "agent")


def test_the_message_stays_held_while_the_listener_is_down(site: Site, token: str) -> None:
    incident = submit(site, "away")
    final = letter("away", "Final away").as_bytes()
    text = (site.postfix.config / "master.cf").read_text()
    site.postfix.rewrite("master.cf", re.sub(r"(?m)^holdgate-replace unix.*\n(?: .*\n)+", "", text))
    try:
        answer = replace(site, token, incident, final)
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert site.postfix.held_ids() == [incident.queue_id]
    finally:
        site.postfix.rewrite("master.cf", text)
    assert replace(site, token, incident, final).status_code == 200
    check_amended_delivery(site, "away")


def test_a_withdrawn_message_can_be_sent_again_by_smtp(site: Site, token: str) -> None:
    incident = submit(site, "withdrawn")
    address = f"{site.settings.desk.public_url}/machine/v1/messages/{incident.id}/withdrawal"
    with httpx2.Client(timeout=PATIENCE, headers={"Authorization": f"Bearer {token}"}) as client:
        for _ in range(2):
            answer = client.post(address)
            assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
    closed(site, incident, State.RETURNED)
    empty(site)
    assert not [one for name in to("withdrawn") for one in site.next_hop.to(name)]
    assert mail_about(site, SENDER, incident)
    site.submit(letter("withdrawn", "Final withdrawn").as_bytes(), SENDER, to("withdrawn")[0])
    site.wait_for(lambda: site.next_hop.to(to("withdrawn")[0]), "delivery")
    assert b"Final withdrawn" in site.next_hop.to(to("withdrawn")[0])[0].content


@pytest.mark.parametrize("daemon", ["desk", "queue"])
def test_a_withdrawal_survives_a_crash(site: Site, token: str, daemon: str) -> None:
    incident = submit(site, f"withdrawn-{daemon}")
    address = f"{site.settings.desk.public_url}/machine/v1/messages/{incident.id}/withdrawal"
    with httpx2.Client(timeout=PATIENCE, headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.post(address).status_code == 200
    site.kill_daemon(daemon)
    site.start_daemon(daemon)
    closed(site, incident, State.RETURNED)
    empty(site)
    assert not [one for name in to(f"withdrawn-{daemon}") for one in site.next_hop.to(name)]
    assert events(site, incident).count("rejected") == 1


def test_a_message_that_was_released_cannot_be_withdrawn(site: Site, token: str) -> None:
    incident = submit(site, "late")
    assert site.command("release", incident.id).returncode == 0
    address = f"{site.settings.desk.public_url}/machine/v1/messages/{incident.id}/withdrawal"
    with httpx2.Client(timeout=PATIENCE, headers={"Authorization": f"Bearer {token}"}) as client:
        answer = client.post(address)
    assert (answer.status_code, answer.json()["error"]) == (409, "decided")
    closed(site, incident, State.RELEASED)
    site.wait_for(lambda: len(site.next_hop.to(to("late")[0])) == 1, "delivery")


def test_no_message_can_be_replaced_without_a_token(site: Site, token: str, tmp_path: Path) -> None:
    incident = submit(site, "forged")
    assert replace(site, "wrong", incident, letter("forged", "Final forged").as_bytes()).status_code == 401
    # The field alone proves nothing: it is removed as all of Holdgate's, and the message is one as any other.
    forged = letter("forged", "Final forged")
    forged["X-Holdgate-Replaces"] = f"{incident.id} {'0' * 32}-00000000"
    site.submit(forged.as_bytes(), SENDER, "outside@partner.example")
    site.wait_for(lambda: site.next_hop.to("outside@partner.example"), "delivery")
    assert site.postfix.held_ids() == [incident.queue_id]
    assert site.command("reject", incident.id).returncode == 0
    empty(site)


@pytest.mark.parametrize("by", ["page", "mail"])
def test_the_owner_of_the_account_is_asked(site: Site, token: str, by: str) -> None:
    recipient = f"owned-{by}@partner.example"
    site.submit(letter(f"owned-{by}", "Ask me").as_bytes(), SENDER, recipient)

    def held() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if recipient in one.recipients and one.asked_at), None)

    incident = site.wait_for(held, "the owner to be asked")
    assert incident is not None
    request = mail_about(site, "owner@corp.example", incident, "Please check")
    if by == "page":
        press(link_in(request), answer="all", confirm="yes")
    else:
        reply(site, "owner@corp.example", request, "APPROVE")
    found = closed(site, incident, State.RELEASED)
    assert (found.decided_by, found.decided_how) == ("owner@corp.example", "owner")
    site.wait_for(lambda: len(site.next_hop.to(recipient)) == 1, "delivery")
