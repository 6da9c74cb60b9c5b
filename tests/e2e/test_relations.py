"""Relations with a real Postfix: learned from outgoing mail; then a look-alike address is held."""

import json
from pathlib import Path

import pytest

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import mail_about, text_of

SENDER = sample_mail.SENDER
EVE = "eve@client.example"
BOB, TWIN = "bob.smith@partner.example", "bob.smith@partner-group.example"
POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "wrong-recipient"
action = "quarantine"
direction = "outbound"
recipient_risk = { lookalike = true, twin = true }
"""


def submit(site: Site, recipient: str) -> None:
    site.submit(sample_mail.clean().as_bytes(), SENDER, recipient)


def held(site: Site, recipient: str) -> Incident:
    def find() -> list[Incident]:
        return [one for one in site.store.incidents([State.HELD]) if recipient in one.recipients]

    return site.wait_for(find, f"a held message to {recipient}")[0]


def learned(site: Site, count: int) -> None:
    site.wait_for(lambda: f"holdgate_relations_learned_total {count}.0" in site.metrics("milter"), f"{count} lessons")


def arrived(site: Site, recipient: str, count: int) -> None:
    site.wait_for(lambda: len(site.next_hop.to(recipient)) >= count, f"{count} messages to {recipient}")


def test_a_look_alike_is_held_and_a_known_recipient_is_not(tmp_path: Path) -> None:
    extra = f'[relations]\nmode = "on"\nkey = "{tmp_path}/relations.key"\ntime_limit = "60s"\n'
    extra += '[moderation]\nmoderators = ["boss@corp.example"]\n'
    with running_site(policies=POLICIES, extra=extra) as site:
        for count in range(1, 5):
            submit(site, BOB)
            arrived(site, BOB, count)
        learned(site, 4)

        tried = site.command("policy", "test", "--from", SENDER, "--to", TWIN).stdout
        assert f"unusual:    {TWIN}: the sender has written to {BOB} 4×, never here." in tried

        submit(site, TWIN)
        incident = held(site, TWIN)
        assert incident.policy == "wrong-recipient"
        assert "lookalike" in [one["kind"] for one in incident.recipient_risks or ()]
        asked = text_of(mail_about(site, "boss@corp.example", incident))
        assert f"the sender has written to {BOB} 4×, never here" in " ".join(asked.split())

        submit(site, BOB)
        arrived(site, BOB, 5)

        # The moderator releases it: from then on it is known.
        assert site.command("release", incident.id).returncode == 0
        arrived(site, TWIN, 1)

        assert site.command("relations", "forget", BOB).returncode == 0
        tried = site.command("policy", "test", "--from", SENDER, "--to", "bob.smith@partners.example").stdout
        assert BOB not in tried


def test_an_automatic_reply_is_not_learned_and_a_look_alike_of_the_site_domain_is_held(tmp_path: Path) -> None:
    extra = f'[relations]\nmode = "on"\nkey = "{tmp_path}/relations.key"\ntime_limit = "60s"\n'
    extra += '[moderation]\nmoderators = ["boss@corp.example"]\n'
    own_lookalike = "bob@c0rp.example"
    with running_site(policies=POLICIES, extra=extra) as site:
        answer = sample_mail.clean()
        answer["Auto-Submitted"] = "auto-replied"
        site.submit(answer.as_bytes(), SENDER, BOB)
        arrived(site, BOB, 1)
        submit(site, EVE)
        arrived(site, EVE, 1)
        learned(site, 1)
        known = json.loads(site.command("relations", "report", "--json").stdout)
        assert [(day["messages"], day["recipients"]) for day in known["days"]] == [(1, 1)]

        submit(site, own_lookalike)
        risks = held(site, own_lookalike).recipient_risks or ()
        assert ("lookalike", "corp.example", "own") in [(one["kind"], one["similar"], one["whose"]) for one in risks]


CONTENT_POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "wrong-client"
action = "quarantine"
direction = "outbound"
recipient_risk = { content = "unusual" }
"""
IBAN, DIGITS = "GB29 NWBK 6016 1331 9268 19", "60161331926819"


@pytest.mark.parametrize("one_by_one", [False, True], ids=["together", "one-by-one"])
def test_an_iban_known_from_one_domain_is_held_before_it_is_sent_to_another(
    tmp_path: Path, *, one_by_one: bool
) -> None:
    extra = f'[relations]\nmode = "on"\nkey = "{tmp_path}/relations.key"\ntime_limit = "60s"\n'
    extra += '[moderation]\nmoderators = ["boss@corp.example"]\n'
    # They are too short to be learned: only the number is.
    subjects = iter(("One", "Two", "Six", "Ten", "Now", "Mud", "Sky"))

    def send(recipient: str, text: str) -> None:
        site.submit(sample_mail.letter(next(subjects), text).as_bytes(), SENDER, recipient)

    with running_site(policies=CONTENT_POLICIES, extra=extra) as site:
        for count in range(1, 4):
            send(BOB, f"Please pay to IBAN {IBAN} today.")
            arrived(site, BOB, count)
            if one_by_one:  # each message is compared with the data learned from the one before
                learned(site, count)
        send(EVE, "See you on Friday.")
        arrived(site, EVE, 1)
        learned(site, 4)

        send(EVE, f"Please pay to IBAN {IBAN.replace(' ', '')} today.")
        incident = held(site, EVE)
        asked = " ".join(text_of(mail_about(site, "boss@corp.example", incident)).split())
        assert f"{EVE}: a number or name in this message (iban) has gone 3× to one other domain" in asked
        logs = "".join(map(site.log, site.daemons))
        for text in (asked, logs, site.command("show", incident.id, "--json").stdout):
            assert DIGITS not in text.replace(" ", "")

        # The moderator releases it: from then on the number belongs to neither of the two.
        assert site.command("release", incident.id).returncode == 0
        arrived(site, EVE, 2)
