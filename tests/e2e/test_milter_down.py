"""With `milter_default_action = quarantine` and the milter down, Postfix holds uninspected mail; moderators decide."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.site import Site

from .conftest import running_site

BOSS = "boss@corp.example"
OPTIONS: dict[str, Any] = {
    "changes": {"milter_default_action": "quarantine"},
    "queue_extra": "adopt_uninspected = true\n",
    "extra": f'\n[moderation]\nmoderators = ["{BOSS}"]\n',
}


@pytest.fixture(scope="module")
def down() -> Iterator[Site]:
    """A site whose milter is down."""
    with running_site(**OPTIONS) as site:
        site.kill_daemon("milter")
        yield site


def is_asked(site: Site, incident: Incident) -> bool:
    return any(incident.id.encode() in mail.content for mail in site.next_hop.to(BOSS))


def held(site: Site, recipient: str) -> Incident:
    def asked() -> list[Incident]:
        return [one for one in site.store.incidents([State.HELD]) if one.asked_at and recipient in one.recipients]

    site.wait_for(asked, f"people to be asked about the message to {recipient}")
    (incident,) = asked()
    return incident


def test_uninspected_mail_is_held_requested_and_released(down: Site) -> None:
    down.submit(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, "smtp@partner.example")
    down.postfix.sendmail(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, "sendmail@partner.example")
    for recipient in ("smtp@partner.example", "sendmail@partner.example"):
        incident = held(down, recipient)
        assert (incident.policy, incident.status) == ("adopted", "failed")
        assert incident.reason == "not inspected, it did not come through the milter"
        down.wait_for(partial(is_asked, down, incident), "a request")
        assert not down.next_hop.to(recipient)
        assert "not inspected" in down.command("show", incident.id).stdout
        done = down.command("release", incident.id)
        assert done.returncode == 0, done.stderr
        down.wait_for(partial(down.next_hop.to, recipient), "delivery")


def test_uninspected_mail_can_be_rejected(down: Site) -> None:
    down.submit(sample_mail.number_in_text().as_bytes(), "carol@corp.example", "rejected@partner.example")
    assert down.command("reject", held(down, "rejected@partner.example").id, "--comment", "no").returncode == 0
    down.wait_for(lambda: down.next_hop.to("carol@corp.example"), "the sender to be told")
    down.wait_for(lambda: not down.postfix.held_ids(), "the queue file to go")
    assert not down.next_hop.to("rejected@partner.example")


def test_uninspected_mail_expires(new_site: Callable[..., Site]) -> None:
    site = new_site(**OPTIONS | {"extra": '\n[moderation]\ndeadline = "1s"\n'})
    site.kill_daemon("milter")
    site.submit(sample_mail.clean().as_bytes(), sample_mail.SENDER, sample_mail.RECIPIENT)
    site.wait_for(lambda: site.store.count() == {State.RETURNED: 1}, "the message to go back")
    site.wait_for(lambda: site.next_hop.to(sample_mail.SENDER), "the sender to be told")
    assert not site.next_hop.to(sample_mail.RECIPIENT)


def test_a_message_that_an_administrator_holds_is_not_managed(new_site: Callable[..., Site]) -> None:
    restrictions = f"check_sender_access inline:{{{{{sample_mail.SENDER}=HOLD}}}}"
    site = new_site(**OPTIONS | {"changes": OPTIONS["changes"] | {"smtpd_sender_restrictions": restrictions}})
    site.submit(sample_mail.clean().as_bytes(), sample_mail.SENDER, sample_mail.RECIPIENT)
    site.wait_for(lambda: "holdgate_unmanaged_held_messages 1.0" in site.metrics("queue"), "it to be counted")
    assert site.store.incidents() == []
