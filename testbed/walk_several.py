"""The walk with several mail servers: a message held at each, read and decided on at two desks behind one address."""

import html
import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE, wait_for
from testbed.several import Node, Several
from testbed.walk import DemoError, command, delivered, plain

NAMES = tuple(f"mx{number}.corp.example" for number in range(1, 6))

_FORM = re.compile(r'<form method="post" action="([^"]+)">\s*<input type="hidden" name="stamp" value="(\w+)"')


def walk(several: Several) -> None:
    """Run all steps, and raise DemoError if one has an unexpected result."""
    nodes, desks = several.nodes, several.nodes[:2]
    print(f"\n{len(nodes)} mail servers share one store. Each gets a message, and holds it in its own queue:\n")
    kinds = [sample_mail.number_in_text, sample_mail.card_in_document, sample_mail.card_in_zip]
    held = [_hold(several, node, kinds[number % len(kinds)]().as_bytes()) for number, node in enumerate(nodes)]
    for incident in held:
        print(f"  {incident.id} at {incident.node}: “{incident.subject}”")
    print()
    command(nodes[-1], "nodes")
    first, last = held[0], held[-1]
    print(f"\nA moderator opens {several.url}. The message {last.id} is at {last.node}; either desk shows its text:\n")
    link = wait_for(lambda: _link(several, last), "the request about it")
    for number, desk in enumerate(desks, 1):
        _check_text(_visit(_at(desk, link), f"/incidents/{last.id}/text"), last)
        print(f"    desk {number}, on {desk.settings.node.name}: shown, with all matches masked")
    _check_text(_visit(link, f"/incidents/{last.id}/text"), last)
    print(f"\nThey approve {first.id} at the second desk:\n")
    link = wait_for(lambda: _link(several, first), "the request about it")
    _decide(_at(desks[1], link), first, decision="approve", comment="The personnel office needs it.")
    wait_for(lambda: delivered(nodes[0], first), "the approved message to reach its recipient")
    if sum(delivered(node, first) is not None for node in nodes) != 1:
        raise DemoError("the approved message was delivered more than once")
    print(f"    → released by {first.node}: {sample_mail.RECIPIENT} has it, once")
    print(f"\nand reject {last.id} at the first desk:\n")
    link = wait_for(lambda: _link(several, last), "the request about it")
    _decide(_at(desks[0], link), last, decision="reject", comment="Please use the portal for this.")
    subject, where = wait_for(lambda: _notice(several, last), f"{sample_mail.SENDER} to be told") or ("", "")
    wait_for(lambda: _is(nodes[0], last, State.RETURNED), "the queue file to be deleted")
    if any(delivered(node, last) for node in nodes):
        raise DemoError("a message that was rejected was delivered")
    print(f"    → {sample_mail.SENDER} has it back from the desk on {where}: “{subject}”\n")
    command(nodes[0], "audit", "verify")
    print("\nThis is the end of the demonstration.")


def _hold(several: Several, node: Node, content: bytes) -> Incident:
    known = {one.id for one in node.store.incidents()}
    node.submit(content, sample_mail.SENDER, sample_mail.RECIPIENT)

    def found() -> Incident | None:
        new = [one for one in node.store.incidents([State.HELD]) if one.id not in known]
        return new[0] if new else None

    incident = wait_for(found, f"the message to be held at {node.settings.node.name}")
    if incident is None or incident.node != node.settings.node.name:
        raise DemoError(f"a message that was sent to {node.settings.node.name} was not held there")
    return incident


def _link(several: Several, incident: Incident) -> str:
    """Return the link of the request about an incident, whichever desk sent it."""
    for node in several.nodes:
        for delivery in node.next_hop.to(sample_mail.MODERATOR):
            text = plain(delivery.message)
            if incident.id in text and (link := re.search(r"http://\S+/t/\S+", text)):
                return link[0]
    return ""


def _at(desk: Node, link: str) -> str:
    """Return a link with the address of one desk, without the load balancer."""
    return f"http://{LOOPBACK}:{desk.web_port}{urllib.parse.urlsplit(link).path}"


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))


def _visit(link: str, path: str) -> str:
    """Open a link, then another page of the same desk; return that page."""
    opener, parts = _opener(), urllib.parse.urlsplit(link)
    with opener.open(link, timeout=PATIENCE):
        pass
    with opener.open(f"{parts.scheme}://{parts.netloc}{path}", timeout=PATIENCE) as page:
        return str(page.read().decode())


def _check_text(page: str, incident: Incident) -> None:
    if "<pre>" not in page:
        raise DemoError(f"a desk did not show the message of {incident.node}")
    if any(number in page for number in (sample_mail.CARD, sample_mail.SSN)):
        raise DemoError("a page shows a number")


def _decide(link: str, incident: Incident, **values: str) -> None:
    """Open a link, and submit the form on its page."""
    opener, parts = _opener(), urllib.parse.urlsplit(link)
    with opener.open(link, timeout=PATIENCE) as page:
        form = _FORM.search(page.read().decode())
    if form is None:
        raise DemoError(f"the page about {incident.id} has no form")
    content = urllib.parse.urlencode({"stamp": form[2], **values}).encode()
    address = f"{parts.scheme}://{parts.netloc}{html.unescape(form[1])}"
    with opener.open(address, data=content, timeout=PATIENCE) as page:
        title = re.search(r"<h1[^>]*>(.*?)</h1>", page.read().decode(), re.DOTALL)
    print(f"    “{html.unescape(title[1]) if title else ''}” (desk on port {parts.port})")


def _notice(several: Several, incident: Incident) -> tuple[str, str] | None:
    """Return the subject of the notice to an incident's sender, and the node whose desk sent it."""
    for node in several.nodes:
        for delivery in node.next_hop.to(sample_mail.SENDER):
            if incident.id in plain(delivery.message):
                return str(delivery.message["Subject"]), node.settings.node.name
    return None


def _is(node: Node, incident: Incident, state: State) -> bool:
    found = node.store.incident(incident.id)
    return found is not None and found.state is state
