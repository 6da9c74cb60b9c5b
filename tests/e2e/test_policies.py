"""Each action as the recipient sees it, policies by recipient, tables, reload."""

import smtplib
import threading
from collections.abc import Iterator
from email.message import Message
from functools import partial

import pytest

from holdgate import headers
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.next_hop import NextHop
from testbed.ports import PATIENCE, free_port
from testbed.site import Site
from tests.e2e.conftest import running_site

SENDER = sample_mail.SENDER
KEEP = {"smtp_header_checks": ""}  # keep Holdgate's headers, to see them at the recipient

POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "trial"
mode = "observe"
recipient = ["observed@partner.example", "watched@corp.example"]
profile = { dlp-pii = "low" }
action = "block"

[[policy]]
name = "no-cards"
recipient = "blocked@partner.example"
profile = { dlp-pii = "low" }
action = "block"

[[policy]]
name = "watched"
recipient = "alerted@partner.example"
action = "alert"
notify = "security@corp.example"

[[policy]]
name = "marked"
recipient = "tagged@partner.example"
action = "tag"
headers = { X-Class = "confidential", X-Netskope-Action = "Monitor" }

[[policy]]
name = "encrypted"
recipient = "encrypted@partner.example"
action = "encrypt"
transport = "smtp:[127.0.0.1]:%(gateway)s"

[[policy]]
name = "by-table"
recipient = "inline:{table@partner.example=x}"
action = "block"

[[policy]]
name = "pii-outbound"
direction = "outbound"
profile = { dlp-pii = "low" }
action = "quarantine"
"""


@pytest.fixture(scope="module")
def site(gateway: NextHop) -> Iterator[Site]:
    with running_site(policies=POLICIES % {"gateway": gateway.port}, changes=KEEP) as running:
        yield running


def submit(site: Site, *recipients: str, message: bytes | None = None) -> None:
    site.submit(message or sample_mail.number_in_text().as_bytes(), SENDER, *recipients)


def incident_for(site: Site, recipient: str) -> Incident:
    def find() -> list[Incident]:
        return [incident for incident in site.store.incidents() if recipient in incident.recipients]

    return site.wait_for(find, f"an incident for {recipient}")[-1]


def delivered(site: Site, recipient: str) -> Message:
    return site.wait_for(lambda: site.next_hop.to(recipient), f"delivery to {recipient}")[0].message


def test_allow_delivers_with_the_inspected_header(site: Site) -> None:
    submit(site, "colleague@corp.example")
    message = delivered(site, "colleague@corp.example")
    assert (message[headers.INSPECTED], message[headers.STATUS]) == ("true", "complete")
    assert message[headers.ACTION] is None
    assert message[headers.INCIDENT] is None


def test_block_rejects_with_only_the_incident_id(site: Site) -> None:
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(site, "blocked@partner.example")
    incident = incident_for(site, "blocked@partner.example")
    assert (refused.value.smtp_code, refused.value.smtp_error) == (
        550,
        f"5.7.1 Message refused by policy; incident {incident.id}".encode(),
    )
    assert (incident.state, incident.action, incident.policy) == (State.RECORDED, "block", "no-cards")


def test_block_bounces_mail_of_sendmail(site: Site) -> None:
    site.postfix.sendmail(sample_mail.number_in_text().as_bytes(), "cron@corp.example", "blocked@partner.example")
    site.wait_for(lambda: site.next_hop.to("cron@corp.example"), "the bounce")
    assert b"refused by policy" in site.next_hop.to("cron@corp.example")[0].content


def test_alert_delivers_and_notifies(site: Site) -> None:
    submit(site, "alerted@partner.example")
    message = delivered(site, "alerted@partner.example")
    incident = incident_for(site, "alerted@partner.example")
    assert (message[headers.ACTION], message[headers.INCIDENT]) == ("Alert", incident.id)
    assert incident.state is State.RECORDED
    notice = delivered(site, "security@corp.example")
    shown = sample_mail.readable(notice)
    assert incident.id in shown
    assert sample_mail.SSN not in shown


def test_tag_adds_any_header(site: Site) -> None:
    submit(site, "tagged@partner.example", message=b"X-Class: forged\r\n" + sample_mail.clean().as_bytes())
    message = delivered(site, "tagged@partner.example")
    assert message.get_all("X-Class") == ["forged", "confidential"]
    assert message.get_all("X-Netskope-Action") == ["Monitor"]


def test_encrypt_uses_the_named_transport(site: Site, gateway: NextHop) -> None:
    submit(site, "encrypted@partner.example")
    (delivery,) = site.wait_for(lambda: gateway.to("encrypted@partner.example"), "the gateway to get it")
    assert delivery.message["X-Netskope-Action"] == "Encrypt"
    assert site.next_hop.to("encrypted@partner.example") == []


def test_a_client_cannot_choose_a_transport(site: Site, gateway: NextHop) -> None:
    forged = f"X-Holdgate-Route: smtp:[127.0.0.1]:{gateway.port}\r\n".encode() + sample_mail.clean().as_bytes()
    submit(site, "router@partner.example", message=forged)
    assert delivered(site, "router@partner.example")["X-Holdgate-Route"] is None
    assert gateway.to("router@partner.example") == []


def test_quarantine_holds_the_message(site: Site) -> None:
    submit(site, "held@partner.example")
    site.wait_for(lambda: incident_for(site, "held@partner.example").state is State.HELD, "held")


def test_observe_records_and_changes_nothing(site: Site) -> None:
    submit(site, "watched@corp.example")
    message = delivered(site, "watched@corp.example")
    assert (message[headers.INCIDENT], message[headers.ACTION]) == (None, None)
    quiet = incident_for(site, "watched@corp.example")
    assert (quiet.state, quiet.action, quiet.policy) == (State.RECORDED, "allow", "trial")
    submit(site, "observed@partner.example")
    incident = incident_for(site, "observed@partner.example")
    assert (incident.action, incident.policy) == ("quarantine", "pii-outbound")
    assert "observed: trial" in site.store.history(incident.id)[0].note


def test_one_recipient_with_a_quarantine_holds_the_message_for_all(site: Site) -> None:
    submit(site, "friend@corp.example", "outside@partner.example")
    incident = incident_for(site, "friend@corp.example")
    site.wait_for(lambda: incident_for(site, "friend@corp.example").state is State.HELD, "held")
    assert incident.recipients == ["friend@corp.example", "outside@partner.example"]
    assert site.next_hop.to("friend@corp.example") == []


def test_a_postfix_table_can_select_the_policy(site: Site) -> None:
    with pytest.raises(smtplib.SMTPDataError, match=r"5\.7\.1"):
        submit(site, "table@partner.example", message=sample_mail.clean().as_bytes())


def test_policy_test_names_the_policy_and_the_reason(site: Site) -> None:
    path = site.directory / "message.eml"
    path.write_bytes(sample_mail.number_in_text().as_bytes())
    done = site.command(
        "policy",
        "test",
        "--from",
        SENDER,
        "--to",
        "bob@partner.example",
        "--to",
        "c@corp.example",
        "--message",
        str(path),
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(None, 1) for line in done.stdout.splitlines()]
    assert ["action:", "quarantine"] in lines
    assert ["policy:", "pii-outbound"] in lines
    assert ["recipient:", "c@corp.example: no policy"] in lines
    assert ["found:", "1× us-ssn (high): ***-**-*399"] in lines
    assert sample_mail.SSN not in done.stdout


def test_replay_lists_the_changed_verdicts(site: Site) -> None:
    submit(site, "replayed@partner.example")
    incident = incident_for(site, "replayed@partner.example")
    changed = site.directory / "changed.toml"
    changed.write_text(POLICIES.replace('action = "quarantine"', 'action = "block"') % {"gateway": 1})
    done = site.command("policy", "replay", "--policies", str(changed))
    assert done.returncode == 0, done.stderr
    assert f"{incident.id}  quarantine by pii-outbound → block by pii-outbound" in done.stdout
    same = site.command("policy", "replay")
    assert incident.id not in same.stdout


def test_a_reload_changes_policies_without_dropping_a_session(site: Site) -> None:
    """The old policies decide on a message that began under them, the new ones on the next one of the connection."""
    with smtplib.SMTP("127.0.0.1", site.postfix.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail(SENDER)
        client.rcpt("early@partner.example")
        client.putcmd("data")
        assert client.getreply()[0] == 354
        site.reload('[[policy]]\nname = "all"\naction = "block"\n')
        site.wait_for(lambda: "reloaded: policies=1" in site.log("milter"), "the reload")
        client.send(sample_mail.number_in_text().as_bytes() + b"\r\n.\r\n")
        assert client.getreply()[0] == 250
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.7\.1"):
            client.sendmail(SENDER, ["late@partner.example"], sample_mail.clean().as_bytes())
    assert incident_for(site, "early@partner.example").policy == "pii-outbound"
    site.reload(POLICIES % {"gateway": free_port()})
    site.wait_for(lambda: "reloaded: policies=7" in site.log("milter"), "the reload back")


def test_an_invalid_policies_file_keeps_the_old_one_active_and_is_reported(site: Site) -> None:
    site.reload('[[policy]]\nname = "broken"\naction = "blok"\n')
    site.wait_for(lambda: 'policy "broken": action' in site.log("milter"), "the complaint")
    assert "holdgate_config_last_reload_successful 0.0" in site.metrics("milter")
    assert 'holdgate_config_reloads_total{outcome="failed"} 1.0' in site.metrics("milter")
    submit(site, "still@partner.example")
    assert incident_for(site, "still@partner.example").policy == "pii-outbound"
    site.reload(POLICIES % {"gateway": free_port()})
    site.wait_for(lambda: "holdgate_config_last_reload_successful 1.0" in site.metrics("milter"), "the fixed file")


def test_reloads_under_load_lose_nothing(site: Site) -> None:
    stop = threading.Event()

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", site.postfix.smtp_port, timeout=PATIENCE) as client:
            for number in range(40):
                client.sendmail(SENDER, [f"busy{number}@corp.example"], sample_mail.clean().as_bytes())
        stop.set()

    sender = threading.Thread(target=send)
    sender.start()
    reloads = 0

    def has_reloaded(before: int) -> bool:
        return site.log("milter").count("reloaded") > before

    while not stop.is_set() and reloads < 5:
        before = site.log("milter").count("reloaded")
        site.reload(POLICIES % {"gateway": free_port()})
        site.wait_for(partial(has_reloaded, before), "a reload")
        reloads += 1
    sender.join()
    site.wait_for(lambda: all(site.next_hop.to(f"busy{n}@corp.example") for n in range(40)), "all of it to arrive")
    assert "tempfail: stage" not in site.log("milter")
