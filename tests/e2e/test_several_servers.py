"""Three mail servers, each with its own Postfix, on one PostgreSQL: decisions at any desk, each carried out once."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from e2e.conftest import running_site
from e2e.desk import closed, events, link_in, parsed, press, submit, text_of
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import letters
from testbed.ports import PATIENCE
from testbed.postgres import PostgresServer
from testbed.site import Site

NAMES = ("mx1.corp.example", "mx2.corp.example", "mx3.corp.example")
BOSS = "boss@corp.example"


class Node(Site):
    """One of several servers: the key behind links is the same at each desk."""

    key: Path | None = None

    def prepare(self) -> None:
        super().prepare()
        if self.key is not None and self.key.exists():
            shutil.copy(self.key, self.settings.desk.token_key)


@pytest.fixture(scope="module")
def nodes(postgres: PostgresServer) -> Iterator[list[Site]]:
    url = postgres.new_database()
    with ExitStack() as stack:
        sites: list[Site] = []
        for name in NAMES:
            extra = f'[node]\nname = "{name}"\n[moderation]\nmoderators = ["{BOSS}"]\n'
            sites.append(stack.enter_context(running_site(Node, store_url=url, extra=extra)))
            Node.key = sites[0].settings.desk.token_key
        yield sites
        Node.key = None


def request_about(sites: list[Site], incident: Incident) -> str:
    """Return the link of the request about an incident, whichever desk has sent it."""

    def find() -> str:
        for site in sites:
            for delivery in site.world.to(BOSS):
                if incident.id in (text := text_of(parsed(delivery))) and "/t/" in text:
                    return link_in(parsed(delivery))
        return ""

    return sites[0].wait_for(find, f"the request about {incident.id}")


def at(site: Site, link: str) -> str:
    """Return a link as another desk has it: a load balancer would choose the desk."""
    return f"{site.settings.desk.public_url}{urlsplit(link).path}"


def asked_once(sites: list[Site], incident: Incident) -> bool:
    texts = [text_of(parsed(delivery)) for site in sites for delivery in site.world.to(BOSS)]
    return len([text for text in texts if incident.id in text and "/t/" in text]) == 1


def test_a_message_is_decided_on_at_another_desk_than_its_own(nodes: list[Site]) -> None:
    recipient = "approved@partner.example"
    incident = submit(nodes[0], "anna@corp.example", recipient)
    assert incident.node == NAMES[0]
    # The link may be from the desk of any node; a load balancer chose the second one.
    link = at(nodes[1], request_about(nodes, incident))
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        assert "Approve" in client.get(link).text
        page = client.get(f"{nodes[1].settings.desk.public_url}/incidents/{incident.id}/text")
        assert f"it is on the mail server {NAMES[0]}" in page.text
    press(link, decision="approve")
    closed(nodes[2], incident, State.RELEASED)
    nodes[0].wait_for(lambda: nodes[0].world.to(recipient), "delivery")
    assert [len(site.world.to(recipient)) for site in nodes] == [1, 0, 0]
    assert asked_once(nodes, incident)
    assert events(nodes[2], incident).count("asked") == 1


def test_what_returns_a_message_comes_from_its_own_node(nodes: list[Site]) -> None:
    incident = submit(nodes[2], "anna@corp.example", "rejected@partner.example")
    assert nodes[0].command("reject", incident.id, "--comment", "Not this one").returncode == 0
    closed(nodes[1], incident, State.RETURNED)
    reports = [[d for d in site.world.to("anna@corp.example") if b"Not this one" in d.content] for site in nodes]
    assert [len(found) for found in reports] == [0, 0, 1]
    assert parsed(reports[2][0]).get_content_type() == "multipart/report"
    assert not any(site.world.to("rejected@partner.example") for site in nodes)


def test_each_node_is_listed_and_the_trail_of_all_verifies(nodes: list[Site]) -> None:
    assert nodes[1].store.audit.verify().problem == ""
    listed = nodes[2].command("nodes")
    assert listed.returncode == 0, listed.stdout
    assert all(f"{name} " in listed.stdout for name in NAMES)


def test_a_node_that_was_away_carries_out_what_was_decided(nodes: list[Site]) -> None:
    site = nodes[1]
    incident = submit(site, "anna@corp.example", "away@partner.example")
    site.kill_daemon("queue")
    site.kill_daemon("desk")
    link = request_about(nodes, incident)
    press(at(nodes[0], link), decision="approve")
    found = nodes[0].store.incident(incident.id)
    assert found is not None
    assert found.state is State.APPROVED
    for name in ("queue", "desk"):
        site.start_daemon(name)
    closed(nodes[0], incident, State.RELEASED)
    site.wait_for(lambda: site.world.to("away@partner.example"), "delivery")


def test_a_second_server_of_the_same_name_does_not_start(
    nodes: list[Site], postgres: PostgresServer, new_site: Callable[..., Site]
) -> None:
    extra = f'[node]\nname = "{NAMES[0]}"\n'
    with pytest.raises(RuntimeError, match=r"is used by the machine"):
        new_site(store_url=nodes[0].settings.store.url, extra=extra)
    # The first one goes on.
    nodes[0].submit(letters.number_in_text().as_bytes(), letters.SENDER, "goes-on@partner.example")
    nodes[0].wait_for(
        lambda: [one for one in nodes[0].store.incidents([State.HELD]) if "goes-on@partner.example" in one.recipients],
        "the message to be held",
    )
