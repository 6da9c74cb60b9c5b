"""Three mail servers, each with its own Postfix, on one PostgreSQL: any desk decides, and each decision runs once."""

import shutil
import smtplib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage, Message
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httpx2
import pytest

from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.node import Machine, machine_of
from holdgate.notation import format_address
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueError
from holdgate.queue.mutual import NodeCertificate
from holdgate.queue.remote import NodeReader
from testbed import sample_mail
from testbed.pgbouncer import PgBouncer
from testbed.ports import PATIENCE
from testbed.postgres import PostgresServer
from testbed.several import Node, certify, node_table
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import closed, events, link_in, parsed, press, submit, text_of

NAMES = ("mx1.corp.example", "mx2.corp.example", "mx3.corp.example")
BOSS = "boss@corp.example"


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture(scope="module")
def pooler(url: str) -> Iterator[PgBouncer]:
    """The proxy through which the third node reaches the database. If it stops, only that node is cut off."""
    made = PgBouncer(url, connections=8)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def nodes(url: str, pooler: PgBouncer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Site]]:
    certificates = tmp_path_factory.mktemp("authority")
    certify(certificates, NAMES)
    with ExitStack() as stack:
        sites: list[Site] = []
        for name, reach in zip(NAMES, (url, url, pooler.url), strict=True):
            extra = node_table(name, certificates / name) + f'[moderation]\nmoderators = ["{BOSS}"]\nreveal = true\n'
            extra += 'changes = ["without-attachments"]\n'
            key = sites[0].settings.desk.token_key if sites else None
            sites.append(stack.enter_context(running_site(Node, store_url=reach, extra=extra, key=key)))
        yield sites


def request_about(sites: list[Site], incident: Incident) -> str:
    """Return the link of the request about an incident, whichever desk has sent it."""

    def find() -> str:
        for site in sites:
            for delivery in site.next_hop.to(BOSS):
                if incident.id in (text := text_of(parsed(delivery))) and "/t/" in text:
                    return link_in(parsed(delivery))
        return ""

    return sites[0].wait_for(find, f"the request about {incident.id}")


def at(site: Site, link: str) -> str:
    """Return a link as another desk has it: a load balancer would choose the desk."""
    return f"{site.settings.desk.public_url}{urlsplit(link).path}"


def requests_about(sites: list[Site], incident: Incident) -> set[str]:
    """Return the Message-IDs of the requests about an incident."""
    mail = [parsed(delivery) for site in sites for delivery in site.next_hop.to(BOSS)]
    return {str(one["Message-ID"]) for one in mail if incident.id in (text := text_of(one)) and "/t/" in text}


def approve(site: Site, incident: Incident) -> Incident:
    """Approve a message at a desk, and wait for nothing."""
    return moderation.override(
        Desk(site.store, site.settings), incident, Answer.APPROVE, Actor("admin@corp.example", "command")
    )


def test_a_message_can_be_decided_at_the_desk_of_another_node(nodes: list[Site]) -> None:
    recipient = "approved@partner.example"
    incident = submit(nodes[0], "anna@corp.example", recipient)
    assert incident.node == NAMES[0]
    # The link may be from the desk of any node; a load balancer chose the second one.
    link = at(nodes[1], request_about(nodes, incident))
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        assert "Approve" in client.get(link).text
        page = client.get(f"{nodes[1].settings.desk.public_url}/incidents/{incident.id}/text")
        assert page.status_code == 200
        assert "social security number" in page.text
    press(link, decision="approve")
    closed(nodes[2], incident, State.RELEASED)
    nodes[0].wait_for(lambda: nodes[0].next_hop.to(recipient), "delivery")
    assert [len(site.next_hop.to(recipient)) for site in nodes] == [1, 0, 0]
    assert len(requests_about(nodes, incident)) == 1
    assert events(nodes[2], incident).count("asked") == 1


def test_the_desk_of_its_own_node_returns_a_message_first(nodes: list[Site]) -> None:
    incident = submit(nodes[2], "anna@corp.example", "rejected@partner.example")
    assert nodes[0].command("reject", incident.id, "--comment", "Not this one").returncode == 0
    closed(nodes[1], incident, State.RETURNED)
    reports = [[d for d in site.next_hop.to("anna@corp.example") if b"Not this one" in d.content] for site in nodes]
    assert [len(found) for found in reports] == [0, 0, 1]
    assert parsed(reports[2][0]).get_content_type() == "multipart/report"
    assert not any(site.next_hop.to("rejected@partner.example") for site in nodes)


def test_another_desk_returns_messages_of_a_node_without_desk(nodes: list[Site]) -> None:
    site = nodes[2]
    site.stop_daemon("desk")
    incident = submit(site, "anna@corp.example", "no-desk@partner.example")
    assert nodes[0].command("reject", incident.id, "--comment", "No desk there").returncode == 0
    closed(nodes[1], incident, State.RETURNED)

    def reports() -> list[list[Message]]:
        mail = [[parsed(one) for one in other.next_hop.to("anna@corp.example")] for other in nodes]
        return [[one for one in found if "No desk there" in text_of(one)] for found in mail]

    found = reports()
    assert [len(found[0]) + len(found[1]), len(found[2])] == [1, 0]
    (report,) = found[0] + found[1]
    assert report.get_content_type() == "multipart/report"
    original = cast(list[Message], report.get_payload())[-1]
    assert "social security number" in str(original)
    assert not any(other.next_hop.to("no-desk@partner.example") for other in nodes)
    site.start_daemon("desk")


def test_another_desk_submits_a_changed_message_of_a_node_without_desk(nodes: list[Site]) -> None:
    site, recipient = nodes[2], "changed@partner.example"
    site.stop_daemon("desk")
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "anna@corp.example", recipient, "Report"
    letter.set_content("See the report.\n")
    letter.add_attachment(f"SSN: {sample_mail.SSN}\n", filename="numbers.txt")
    site.submit(letter.as_bytes(), "anna@corp.example", recipient)

    def asked() -> Incident | None:
        waiting = nodes[0].store.incidents([State.HELD])
        return next((one for one in waiting if recipient in one.recipients and one.asked_at), None)

    incident = nodes[0].wait_for(asked, "people to be asked")
    assert incident is not None
    done = nodes[0].command("release", incident.id, "--without", "numbers.txt")
    assert done.returncode == 0, done.stderr
    closed(nodes[1], incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.next_hop.to(recipient), "delivery")
    assert sample_mail.SSN not in delivery.content.decode()
    assert b'filename="numbers.txt"' not in delivery.content
    assert not any(other.next_hop.to(recipient) for other in nodes[:2])
    assert "submitted-for-node" in site.log("queue")
    site.start_daemon("desk")


def test_check_connects_to_the_other_nodes(nodes: list[Site]) -> None:
    output = nodes[0].command("check").stdout
    assert "does not answer" not in output
    assert "[node]" not in output
    nodes[1].kill_daemon("queue")
    output = nodes[0].command("check").stdout
    assert f"[node] node {NAMES[1]} at 127.0.0.1:" in output
    nodes[1].start_daemon("queue")


def test_a_node_with_a_revoked_certificate_is_refused_until_it_has_a_new_one(nodes: list[Site]) -> None:
    folder = Path(str(nodes[1].settings.node.certificate)).parent
    stolen = Path(shutil.copytree(folder, folder.parent / "stolen"))
    address = nodes[0].settings.node.listen
    assert address is not None
    files = (stolen / "authority.crt", stolen / "node.crt", stolen / "node.key")
    attacker = NodeReader(NAMES[0], format_address(address), NodeCertificate(*files, lambda _: False))
    assert attacker.show("4none", 100) is None
    nodes[2].wait_for(
        lambda: nodes[2].command("nodes", "revoke", NAMES[1]).returncode == 0, "the certificate to be known"
    )
    with pytest.raises(QueueError, match="the certificate is revoked"):
        attacker.show("4none", 100)
    for site in (nodes[0], nodes[2]):
        assert f"node {NAMES[1]} at 127.0.0.1:" in (output := site.command("check").stdout)
        assert "the certificate is revoked" in output
    assert "is revoked, so other nodes refuse it" in nodes[1].command("check").stdout
    certify(folder.parent, [NAMES[1]])
    for site in nodes:
        output = site.command("check").stdout
        assert "revoked" not in output
        assert "does not answer" not in output
    with pytest.raises(QueueError, match="the certificate is revoked"):
        attacker.show("4none", 100)


def test_each_node_is_listed_and_the_trail_of_all_verifies(nodes: list[Site]) -> None:
    assert nodes[1].store.audit.verify().problem == ""
    listed = nodes[2].command("nodes")
    assert listed.returncode == 0, listed.stdout
    assert all(f"{name} " in listed.stdout for name in NAMES)


def test_a_node_that_was_down_carries_out_decisions_after_its_start(nodes: list[Site]) -> None:
    site = nodes[1]
    incident = submit(site, "anna@corp.example", "away@partner.example")
    site.kill_daemon("queue")
    site.kill_daemon("desk")
    link = at(nodes[0], request_about(nodes, incident))
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        client.get(link)
        page = client.get(f"{nodes[0].settings.desk.public_url}/incidents/{incident.id}/text")
        assert page.status_code == 503
        assert f"the mail server {NAMES[1]} does not answer" in page.text
    press(link, decision="approve")
    found = nodes[0].store.incident(incident.id)
    assert found is not None
    assert found.state is State.APPROVED
    for name in ("queue", "desk"):
        site.start_daemon(name)
    closed(nodes[0], incident, State.RELEASED)
    site.wait_for(lambda: site.next_hop.to("away@partner.example"), "delivery")


def test_a_node_without_its_database_defers_mail_that_it_would_hold(nodes: list[Site], pooler: PgBouncer) -> None:
    site, other = nodes[2], nodes[0]
    before = submit(site, "anna@corp.example", "before@partner.example")
    pooler.kill()
    try:
        cut_off(site, other, before)
    finally:
        pooler.start()
    closed(other, before, State.RELEASED)
    site.wait_for(lambda: site.next_hop.to("before@partner.example"), "delivery")
    submit(site, "anna@corp.example", "cut-off@partner.example")


def cut_off(site: Site, other: Site, before: Incident) -> None:
    held = sample_mail.number_in_text().as_bytes()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        site.submit(held, sample_mail.SENDER, "cut-off@partner.example")
    assert refused.value.smtp_code == 451
    site.submit(sample_mail.clean().as_bytes(), sample_mail.SENDER, "clean@partner.example")
    site.wait_for(lambda: site.next_hop.to("clean@partner.example"), "delivery of mail without findings")
    # The others go on, and decide for the one that is away.
    submit(other, "anna@corp.example", "others@partner.example")
    assert approve(other, before).state is State.APPROVED
    assert not site.next_hop.to("before@partner.example")


def test_a_milter_whose_machine_lost_its_name_defers_mail_that_it_would_hold(nodes: list[Site]) -> None:
    """Otherwise the machine that has the name now would look for the message in its own hold queue."""
    site, here, spare = nodes[1], machine_of(nodes[1].settings), Machine("f" * 32, "spare.corp.example", "1.1")
    held = sample_mail.number_in_text().as_bytes()
    site.kill_daemon("queue")
    site.store.nodes.release(NAMES[1], here)
    site.store.nodes.acquire(NAMES[1], spare)
    try:
        site.wait_for(lambda: is_deferred(site, held), "the milter to notice it")
        before = {one.id for one in site.store.incidents()}
        assert is_deferred(site, held)
        site.submit(sample_mail.clean().as_bytes(), sample_mail.SENDER, "nameless@partner.example")
        site.wait_for(lambda: site.next_hop.to("nameless@partner.example"), "delivery of mail without findings")
        assert {one.id for one in site.store.incidents()} == before
    finally:
        site.store.nodes.release(NAMES[1], spare)
        site.start_daemon("queue")
    submit(site, "anna@corp.example", "named-again@partner.example")


def is_deferred(site: Site, message: bytes) -> bool:
    try:
        site.submit(message, sample_mail.SENDER, "lost-name@partner.example")
    except smtplib.SMTPDataError as refused:
        return refused.smtp_code == 451
    return False


def test_killed_daemons_neither_lose_nor_duplicate_messages(nodes: list[Site], postgres: PostgresServer) -> None:
    recipients = {f"killed-{number}@partner.example": nodes[number % 3] for number in range(6)}
    for recipient, site in recipients.items():
        site.submit(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, recipient)

    def recorded() -> list[Incident]:
        found = [one for one in nodes[0].store.incidents() if one.recipients[0] in recipients]
        return found if len(found) == len(recipients) else []

    nodes[0].wait_for(recorded, "all messages to be recorded")
    nodes[0].kill_daemon("desk")
    nodes[1].kill_daemon("queue")
    nodes[0].start_daemon("desk")
    nodes[1].start_daemon("queue")

    def asked() -> list[Incident]:
        found = recorded()
        return found if all(one.asked_at for one in found) else []

    incidents = nodes[0].wait_for(asked, "people to be asked about all of them")
    for number, incident in enumerate(incidents):
        approve(nodes[number % 2], incident)
    postgres.kill()
    nodes[1].kill_daemon("desk")
    nodes[0].kill_daemon("queue")
    postgres.resume()
    nodes[1].start_daemon("desk")
    nodes[0].start_daemon("queue")
    for incident in incidents:
        closed(nodes[0], incident, State.RELEASED)
    for recipient, site in recipients.items():
        site.wait_for(partial(site.next_hop.to, recipient), "delivery")
        assert [len(one.next_hop.to(recipient)) for one in nodes] == [int(one is site) for one in nodes]
    for incident in incidents:
        assert events(nodes[0], incident).count("asked") == 1
        assert len(requests_about(nodes, incident)) <= 1  # none where it was decided first; twice with one Message-ID
    assert nodes[0].store.audit.verify().problem == ""


def test_a_second_server_with_the_same_name_does_not_start(
    nodes: list[Site], postgres: PostgresServer, new_site: Callable[..., Site]
) -> None:
    extra = f'[node]\nname = "{NAMES[0]}"\n'
    with pytest.raises(RuntimeError, match=r"is used by the machine"):
        new_site(store_url=nodes[0].settings.store.url, extra=extra)
    # The first node continues to work.
    nodes[0].submit(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, "goes-on@partner.example")
    nodes[0].wait_for(
        lambda: [one for one in nodes[0].store.incidents([State.HELD]) if "goes-on@partner.example" in one.recipients],
        "the message to be held",
    )
