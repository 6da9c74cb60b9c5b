"""The script of a program with a real Postfix: none of its 30 planted mistakes leaves, and few other messages wait.

All 500 messages come within an hour, so the ones that are too many come last.
"""

from pathlib import Path

import pytest

from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import settle
from testbed import sample_mail
from testbed.site import Site
from tests.data.agent import ALLOWED, BURST, DAY, Sending, script
from tests.e2e.conftest import running_site

SENDER = sample_mail.SENDER
BOSS = Actor("boss@corp.example", "command")
POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "agents"
action = "quarantine"
direction = "outbound"
machine = {{ first = true, links = "new", attachments = "new", messages = {messages} }}
"""


def content_of(one: Sending, number: int) -> bytes:
    links = "\n".join(f"See https://{host}/{number}" for host in one.hosts)
    message = sample_mail.letter(f"Invoice {number}", f"{links}\n", recipient=one.to)
    message.add_attachment("The invoice.\n", filename=f"{one.file.partition('.')[0]}.txt")
    return message.as_bytes()


@pytest.mark.slow
def test_no_mistake_is_sent_and_few_correct_messages_are_held(tmp_path: Path) -> None:
    messages = script(5)
    burst = [one for one in messages if BURST <= one.at < BURST + 100]
    messages = [one for one in messages if one not in burst] + burst
    limit = len(messages) - (len(burst) - ALLOWED)
    accounts = tmp_path / "machines"
    accounts.write_text("127.0.0.1 owner@corp.example\n")
    extra = f'[machines]\nmode = "on"\naccounts = "texthash:{accounts}"\ntime_limit = "60s"\n'
    extra += f'[relations]\nkey = "{tmp_path}/relations.key"\n'
    extra += '[moderation]\nmoderators = ["boss@corp.example"]\n'
    left: list[str] = []
    waited = after_first_day = expected = 0
    with running_site(policies=POLICIES.format(messages=limit), extra=extra) as site:
        for number, one in enumerate(messages):
            before = len(site.store.incidents())
            site.submit(content_of(one, number), SENDER, one.to)
            new = site.store.incidents()[before:]
            if one.mistake and not new:
                left.append(one.mistake)
            if not one.mistake:
                expected += 1
                after_first_day += one.at >= DAY
                waited += bool(new) and one.at >= DAY
                for incident in new:
                    release(site, incident)
        site.wait_for(lambda: sent(site) >= expected, "all correct messages to arrive")
        assert left == []
        site.wait_for(lambda: len(site.store.incidents([State.HELD])) == 30, "30 held messages")
        assert sent(site) == expected
    assert after_first_day > 400
    assert 0 < waited <= after_first_day * 0.05


def sent(site: Site) -> int:
    """Return how many messages of the program have arrived; requests to moderators have another sender."""
    return sum(one.sender == SENDER for one in site.next_hop.deliveries)


def release(site: Site, incident: Incident) -> None:
    def state() -> State:
        found = site.store.incident(incident.id)
        assert found is not None
        return found.state

    def approve() -> None:
        held = site.store.incident(incident.id)
        assert held is not None
        site.store.change(held, State.APPROVED, BOSS)

    site.wait_for(lambda: state() is State.HELD, "the message to be held")
    settle(approve)  # the desk sends requests at the same time
    site.wait_for(lambda: state() is State.RELEASED, "the message to be released")
