"""Approval with changes on a real Postfix: the sent message, the sender's notice, and a crash at each step."""

import io
import re
import smtplib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import httpx2
import pytest

from holdgate.desk import moderation
from holdgate.desk.changing import Changer, RequestedChanges
from holdgate.desk.context import Desk
from holdgate.desk.preview import Previewer
from holdgate.extract.extractor import extract_file
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from testbed import sample_mail
from testbed.next_hop import NextHop
from testbed.ports import PATIENCE
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import closed, events, link_in, mail_about, parsed, text_of
from tests.support.pdf_writer import simple_pdf

ANNA, BOSS = "anna@corp.example", "boss@corp.example"

EXTRA = f"""
[moderation]
managers = "inline:{{{ANNA}={BOSS}}}"
changes = ["redact", "without-attachments", "encrypt", "without-recipients"]
encrypt_through = "smtp:[127.0.0.1]:%s"
"""


@pytest.fixture(scope="module")
def site(gateway: NextHop) -> Iterator[Site]:
    with running_site(extra=EXTRA % gateway.port) as running:
        yield running


def submit(site: Site, recipient: str, *, signed: bool = False, options: tuple[str, ...] = ()) -> Incident:
    """Submit a message with two attachments, one of which has a number in it."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = ANNA, recipient, "Report"
    letter["Message-ID"] = f"<{recipient}>"
    if signed:
        letter["DKIM-Signature"] = "v=1; a=rsa-sha256; d=corp.example; s=x; h=from; bh=AA==; b=AA=="
    letter.set_content("See the report.\n")
    letter.add_attachment(f"SSN: {sample_mail.SSN}\n", filename="numbers.txt")
    letter.add_attachment("nothing\n", filename="harmless.txt")
    site.submit(letter.as_bytes(), ANNA, recipient, options=options)

    def asked() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if recipient in one.recipients and one.asked_at), None)

    incident = site.wait_for(asked, f"people to be asked about the message to {recipient}")
    assert incident is not None
    return incident


def test_a_message_is_sent_without_an_attachment(site: Site) -> None:
    incident = submit(site, "without@partner.example", signed=True)
    done = site.command("release", incident.id, "--without", "NUMBERS.TXT", "--comment", "Fine without")
    assert done.returncode == 0, done.stderr + site.log("desk") + site.log("queue")
    found = closed(site, incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.next_hop.to("without@partner.example"), "delivery")
    message = parsed(delivery)
    assert sample_mail.SSN not in delivery.content.decode()
    assert not [name for name in message if name.lower().startswith(("x-holdgate", "x-netskope", "dkim"))]
    assert [part.get_filename() for part in message.iter_attachments()] == [None, "harmless.txt"]
    note = next(message.iter_attachments()).get_content()
    assert 'The attachment "numbers.txt" was removed' in note
    assert incident.id in note
    assert delivery.sender == ANNA
    assert site.postfix.held_ids() == []
    assert found.change is not None
    assert found.change["signatures"] == ["DKIM"]
    chosen = next(one for one in site.store.history(incident.id) if one.event == "changes chosen")
    assert found.change["original"] in chosen.note
    assert found.change["sent"] in chosen.note
    notice = text_of(mail_about(site, ANNA, incident, "Approved"))
    assert "numbers.txt" in notice
    assert "DKIM" in notice


def options_page(client: httpx2.Client, site: Site, incident: Incident, **chosen: str) -> httpx2.Response:
    client.get(link_in(mail_about(site, BOSS, incident)))
    return client.get(f"http://127.0.0.1:{site.web_port}/incidents/{incident.id}/change", params=chosen)


def confirm(client: httpx2.Client, page: httpx2.Response, **values: str) -> httpx2.Response:
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text.rpartition("<form")[2]))
    origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
    return client.post(str(page.url).partition("?")[0], data={**hidden, **values}, headers={"Origin": origin})


def state_of(site: Site, incident: Incident) -> State:
    found = site.store.incident(incident.id)
    assert found is not None
    return found.state


def decide_without_the_first(site: Site, incident: Incident) -> None:
    desk = Desk(site.store, site.settings)
    previewer = Previewer(site.settings, QueueClient(site.settings.queue.socket))
    try:
        prepared = Changer(desk, previewer).prepare(incident, RequestedChanges(["1"]))
    finally:
        previewer.close()
    moderation.override(desk, incident, Answer.APPROVE, Actor("test", "test"), change=prepared.change)


def test_the_page_shows_what_will_be_sent_and_only_a_confirmed_form_decides(site: Site) -> None:
    incident = submit(site, "page@partner.example")
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        options = options_page(client, site, incident)
        assert "numbers.txt" in options.text
        assert "Yes, I checked" not in options.text
        page = options_page(client, site, incident, without="1")
        assert sample_mail.SSN not in page.text
        assert "numbers.txt&#34; was removed" in page.text
        assert state_of(site, incident) is State.HELD
        assert "tick the box first" in confirm(client, page).text
        assert "would be different now" in confirm(client, page, without="2", confirm="yes").text
        assert state_of(site, incident) is State.HELD
        assert "approved the message with changes" in confirm(client, page, confirm="yes", comment="Fine").text
        assert "with changes" in confirm(client, page, confirm="yes").text
    closed(site, incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.next_hop.to("page@partner.example"), "delivery")
    assert sample_mail.SSN not in delivery.content.decode()


def test_an_encrypted_message_is_sent_through_its_transport(site: Site, gateway: NextHop) -> None:
    incident = submit(site, "encrypted@partner.example", options=("RET=HDRS", "ENVID=a+2Bb"))
    done = site.command("release", incident.id, "--encrypted")
    assert done.returncode == 0, done.stderr
    closed(site, incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: gateway.to("encrypted@partner.example"), "the gateway to get it")
    assert sample_mail.SSN in delivery.content.decode()
    assert not site.next_hop.to("encrypted@partner.example")
    assert "It is sent encrypted." in text_of(mail_about(site, ANNA, incident, "Approved"))


def test_a_desk_that_died_after_postfix_accepted_the_message_sends_it_once(site: Site) -> None:
    incident = submit(site, "twice@partner.example")
    site.stop_daemon("desk")
    try:
        decide_without_the_first(site, incident)
        # The desk submits, is killed before it has recorded that, and submits again.
        desk = Desk(site.store, site.settings)
        previewer = Previewer(site.settings, QueueClient(site.settings.queue.socket))
        try:
            decided = site.store.incident(incident.id)
            assert decided is not None
            site.stop_daemon("queue")
            site.start_daemon("queue")
            content, envelope = previewer.held(decided), previewer.envelope(decided)
            previewer.held = lambda incident: content  # type: ignore[method-assign]
            previewer.envelope = lambda incident: envelope  # type: ignore[method-assign]
            for _ in range(2):
                assert Changer(desk, previewer).submit(decided, 0, lambda: None)
        finally:
            previewer.close()
        closed(site, incident, State.RELEASED)
    finally:
        site.start_daemon("desk")
    site.wait_for(lambda: site.next_hop.to("twice@partner.example"), "delivery")
    site.wait_for(lambda: not site.postfix.held_ids(), "the second copy to be deleted")
    assert len(site.next_hop.to("twice@partner.example")) == 1
    assert "duplicate-deleted" in site.log("queue")


def test_the_original_stays_held_while_the_listener_is_down(site: Site) -> None:
    incident = submit(site, "away@partner.example")
    text = (site.postfix.config / "master.cf").read_text()
    site.postfix.rewrite("master.cf", re.sub(r"(?m)^holdgate-change unix.*\n(?: .*\n)+", "", text))
    try:
        decide_without_the_first(site, incident)
        site.wait_for(lambda: "notice_deferred" in events(site, incident), "a failed attempt")
        assert incident.queue_id in site.postfix.held_ids()
    finally:
        site.postfix.rewrite("master.cf", text)
    closed(site, incident, State.RELEASED)
    site.wait_for(lambda: site.next_hop.to("away@partner.example"), "delivery")
    assert len(site.next_hop.to("away@partner.example")) == 1


def test_a_missing_attachment_changes_nothing(site: Site) -> None:
    incident = submit(site, "refused@partner.example")
    done = site.command("release", incident.id, "--without", "other.pdf")
    assert (done.returncode, "There is no such attachment" in done.stderr) == (2, True)
    assert state_of(site, incident) is State.HELD


def test_a_redacted_message_is_sent_with_all_matches_masked(site: Site) -> None:
    letter = sample_mail.card_in_document()
    letter.replace_header("From", ANNA)
    letter.replace_header("To", "redacted@partner.example")
    letter.replace_header("Subject", f"Her number is SSN {sample_mail.SSN}")
    page = f"The social security number is SSN {sample_mail.SSN} here."
    letter.add_attachment(simple_pdf(page), maintype="application", subtype="pdf", filename="page.pdf")
    site.submit(letter.as_bytes(), ANNA, "redacted@partner.example")

    def asked() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if "redacted@partner.example" in one.recipients and one.asked_at), None)

    incident = site.wait_for(asked, "people to be asked")
    assert incident is not None
    done = site.command("release", incident.id, "--redacted")
    assert done.returncode == 0, done.stderr
    closed(site, incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.next_hop.to("redacted@partner.example"), "delivery")
    message = parsed(delivery)
    assert sample_mail.SSN not in str(message["Subject"])
    attached, paper = message.iter_attachments()
    text = "".join(one.text for one in extract_file("page.pdf", paper.get_content()).parts)
    assert "social security" in text
    assert sample_mail.SSN not in text
    with zipfile.ZipFile(io.BytesIO(attached.get_content())) as archive:
        text = "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    assert "\N{FULL BLOCK}" in text
    assert not re.search(r"4111[ -]?1111[ -]?1111[ -]?1111", re.sub(r"<[^>]*>", "", text))
    assert "masked" in text_of(mail_about(site, ANNA, incident, "Approved"))


# -- excluded recipients ---------------------------------------------------------------------------------------

LIST = "list@corp.example"


@pytest.fixture
def has_list(site: Site) -> Iterator[None]:
    """Have this server expand a list, whose members are addressed themselves too."""
    text = (site.postfix.config / "main.cf").read_text(encoding="utf-8")
    targets = "member@partner.example, keep@partner.example, gone@partner.example"
    site.postfix.rewrite("main.cf", f"{text}\nvirtual_alias_maps = inline:{{{{ {LIST} = {targets} }}}}\n")
    yield
    site.postfix.rewrite("main.cf", text)


def submit_to(site: Site, *recipients: str) -> Incident:
    """Submit a message with a number, in one transaction; return its incident when people have been asked."""
    letter = sample_mail.number_in_text()
    letter.replace_header("From", ANNA)
    with smtplib.SMTP("127.0.0.1", site.postfix.smtp_port, timeout=PATIENCE) as connection:
        assert connection.sendmail(ANNA, list(recipients), letter.as_bytes()) == {}

    def asked() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if recipients[0] in one.recipients and one.asked_at), None)

    incident = site.wait_for(asked, "people to be asked")
    assert incident is not None
    return incident


def reached(next_hop: NextHop) -> list[str]:
    """Return the recipients of all deliveries, as often as they got one."""
    return sorted(one for delivery in next_hop.deliveries for one in delivery.recipients)


def test_a_message_can_be_redacted_encrypted_and_sent_without_a_recipient(
    site: Site, gateway: NextHop, has_list: None
) -> None:
    """An excluded recipient gets nothing in another spelling, if named twice, or as a member of a list."""
    before, encrypted = reached(site.next_hop), reached(gateway)
    names = ["keep@partner.example", "GONE@Partner.Example", "gone@partner.example", "gone@partner.example", LIST]
    incident = submit_to(site, *names)
    done = site.command("release", incident.id, "--redacted", "--encrypted", "--not-to", "Gone@PARTNER.example")
    assert done.returncode == 0, done.stderr
    found = closed(site, incident, State.RELEASED)
    assert found.change is not None
    assert found.change["kinds"] == ["redact", "encrypt", "without-recipients"]
    site.wait_for(lambda: incident.queue_id not in site.postfix.held_ids(), "the original to be deleted")
    site.wait_for(lambda: gateway.to("member@partner.example"), "the gateway to get it")
    new = [one for one in reached(gateway) if one not in encrypted]
    assert sorted(set(new)) == ["keep@partner.example", "member@partner.example"]
    assert not any("gone" in one.lower() for one in reached(gateway) + reached(site.next_hop))
    for delivery in gateway.to("keep@partner.example") + gateway.to("member@partner.example"):
        assert sample_mail.SSN not in delivery.content.decode()
    assert [one for one in reached(site.next_hop) if "partner" in one] == [one for one in before if "partner" in one]


def test_an_alias_is_excluded_with_its_targets_except_separately_named_ones(site: Site, has_list: None) -> None:
    incident = submit_to(site, "keep@partner.example", LIST)
    assert site.command("release", incident.id, "--not-to", LIST).returncode == 0
    closed(site, incident, State.RELEASED)
    site.wait_for(lambda: site.next_hop.to("keep@partner.example"), "delivery")
    site.wait_for(lambda: incident.queue_id not in site.postfix.held_ids(), "the original to be deleted")
    assert not site.next_hop.to("member@partner.example")


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        (["all-a@partner.example", "all-b@partner.example"], ["all-a@partner.example", "ALL-B@partner.example"]),
        (["same@partner.example", "SAME@partner.example"], ["same@partner.example"]),
    ],
)
def test_at_least_one_recipient_must_remain(site: Site, names: list[str], left_out: list[str]) -> None:
    incident = submit_to(site, *names)
    done = site.command("release", incident.id, *(word for one in left_out for word in ("--not-to", one)))
    assert (done.returncode, "cannot be left out" in done.stderr) == (2, True), done.stderr
    assert state_of(site, incident) is State.HELD
    assert site.command("reject", incident.id).returncode == 0
    closed(site, incident, State.RETURNED)


def test_only_one_of_two_simultaneous_decisions_counts(site: Site) -> None:
    incident = submit_to(site, "one@partner.example", "two@partner.example")
    choices = [["--not-to", "one@partner.example"], ["--not-to", "two@partner.example"], ["--redacted"], []]
    with ThreadPoolExecutor(len(choices)) as threads:
        done = list(threads.map(lambda choice: site.command("release", incident.id, *choice), choices))
    assert [one.returncode for one in done].count(0) == 1, [one.stderr for one in done]
    (chosen,) = [choice for choice, one in zip(choices, done, strict=True) if one.returncode == 0]
    found = closed(site, incident, State.RELEASED)
    kept = sorted({"one@partner.example", "two@partner.example"} - set(chosen))
    site.wait_for(lambda: site.next_hop.to(kept[0]), "delivery")
    site.wait_for(lambda: incident.queue_id not in site.postfix.held_ids(), "the original to be deleted")
    assert [one for one in reached(site.next_hop) if one in ("one@partner.example", "two@partner.example")] == kept
    assert ((found.change or {}).get("recipients") or []) == [one for one in chosen if "@" in one]
