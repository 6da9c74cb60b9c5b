"""Mail of a program with a real Postfix: the first mail to a recipient is held, approved, and then known."""

import hashlib
from pathlib import Path

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import mail_about, text_of

SENDER, BOB = sample_mail.SENDER, "bob@partner.example"
LINK = "See https://files.test.example/x for the figures.\n"
POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "agents"
action = "quarantine"
direction = "outbound"
machine = { first = true, links = "new", messages = 50 }
"""


def submit(site: Site, recipient: str, text: str = "", **fields: str) -> None:
    message = sample_mail.clean()
    if text:
        message.set_content(text)
    for name, value in fields.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    site.submit(message.as_bytes(), SENDER, recipient)


def held(site: Site, recipient: str) -> Incident:
    def find() -> list[Incident]:
        return [one for one in site.store.incidents([State.HELD]) if recipient in one.recipients]

    return site.wait_for(find, f"a held message to {recipient}")[0]


def arrived(site: Site, recipient: str, count: int) -> None:
    site.wait_for(lambda: len(site.next_hop.to(recipient)) >= count, f"{count} messages to {recipient}")


def test_the_first_message_is_held_and_the_next_is_not(tmp_path: Path) -> None:
    accounts = tmp_path / "machines"
    accounts.write_text("127.0.0.1 owner@corp.example\n")
    extra = f'[machines]\nmode = "on"\naccounts = "texthash:{accounts}"\ntime_limit = "60s"\n'
    extra += f'[relations]\nkey = "{tmp_path}/relations.key"\n'
    extra += '[moderation]\nmoderators = ["boss@corp.example"]\nclasses = true\n'
    with running_site(policies=POLICIES, extra=extra) as site:
        submit(site, BOB)
        incident = held(site, BOB)
        assert [one["kind"] for one in incident.recipient_risks or ()] == ["machine-first"]
        asked = text_of(mail_about(site, "boss@corp.example", incident))
        assert f"127.0.0.1: first mail to {BOB}." in " ".join(asked.split())
        assert len(site.next_hop.to(BOB)) == 0

        token = site.command("machines", "token", "127.0.0.1").stdout.strip()
        bearer = site.store.machine_tokens.bearer(hashlib.sha256(token.encode()).hexdigest())
        assert bearer is not None
        assert [one.id for one in site.store.machine_tokens.messages(bearer.account, 10)] == [incident.id]

        assert site.command("release", incident.id).returncode == 0
        arrived(site, BOB, 1)
        submit(site, BOB)
        arrived(site, BOB, 2)

        # A link that was never sent, to a recipient who is known: rejected, and never learned.
        for _ in range(2):
            submit(site, BOB, LINK)
            incident = held(site, BOB)
            assert [(one["kind"], one["similar"]) for one in incident.recipient_risks or ()] == [
                ("machine-link", "files.test.example")
            ]
            assert site.command("reject", incident.id).returncode == 0
            site.wait_for(lambda: not site.store.incidents([State.HELD]), "the message to be rejected")
        assert len(site.next_hop.to(BOB)) == 2
        assert "recipients:  1 known" in site.command("machines", "report", "127.0.0.1").stdout

        # A class is allowed with an approval: answers in the thread pass, until that is revoked.
        carl, thread = "carl@client.example", "<thread@corp.example>"
        submit(site, carl, Message_ID=thread)
        incident = held(site, carl)
        assert site.command("release", incident.id, "--allow", "thread").returncode == 0
        arrived(site, carl, 1)
        submit(site, carl, LINK, References=thread)
        arrived(site, carl, 2)
        allowed = site.command("machines", "allowances").stdout
        assert f"1  127.0.0.1: answers in a thread to {carl} until 20" in allowed
        assert site.command("machines", "allowances", "--revoke", "1").returncode == 0
        submit(site, carl, "See https://other.test.example/x\n", References=thread)
        held(site, carl)
        events = [event.event for event in site.store.history(incident.id)]
        assert events.count("class allowed") == events.count("class revoked") == 1
