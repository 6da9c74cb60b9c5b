"""Attacks by persons without the right to decide: scanners that follow links, forged replies, forms of other sites,
programs without a token, and a daemon that exceeds its rights at the queue agent."""

import json
import os
import pwd
import re
import smtplib
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from itertools import count

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.attacks.attempt import Attempt
from testbed.next_hop import Delivery
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

LINKS, REPLIES, REQUESTS, AGENT = "link or form", "forged reply", "API request", "request to the queue agent"

BOSS = "boss@corp.example"


def attempts(root: bool) -> Iterator[Attempt]:
    """Yield every attempt to decide without the right. Each is about its own held message, which must stay held.

    `root` is true if the attack can run as another user.
    """
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"):
        yield _attempt(LINKS, f"{method} of every link in the request", _still_held, _follow(method))
    yield _attempt(LINKS, "form without the page's stamp", _still_held, _form({"decision": "approve"}))
    yield _attempt(LINKS, "form with a made-up stamp", _still_held, _form({"decision": "approve", "stamp": "a" * 64}))
    elsewhere = "https://partner.example"
    yield _attempt(LINKS, "form from another site", _still_held, _form({"decision": "approve"}, elsewhere))
    yield _attempt(LINKS, "link with another incident's id", _still_held, _other_link)
    for name, sender, how in (
        ("forged From, by the addresses in Postfix's log", BOSS, _from_log),
        ("a stranger, by the addresses in Postfix's log", "thief@partner.example", _from_log),
        ("forged From, no token", BOSS, _plain),
        ("forged From, made-up token", BOSS, _made_up),
        ("forged From, the request's Message-ID as reference", BOSS, _references),
    ):
        yield _attempt(REPLIES, name, _still_held, how(sender))
    for name, token in (("no token", ""), ("a wrong token", "Bearer secret"), ("a link's token", "link")):
        yield _attempt(REQUESTS, f"{name}: decide", _still_held, _api("POST", "/decision", token))
        yield _attempt(REQUESTS, f"{name}: read", _refused, _api("GET", "", token))
    if root:
        for do in ("list", "show", "headers", "release", "delete"):
            yield _attempt(AGENT, f"{do}, by another user", _still_held, _agent(do))


_Try = Callable[[Site, Incident, Delivery], str]
_Evaluate = Callable[[Site, Incident, str], str]
_numbers = count()


def _attempt(kind: str, name: str, evaluate: _Evaluate, attack: _Try) -> Attempt:
    recipient = f"waiting{next(_numbers)}@partner.example"

    def prepare(site: Site) -> None:
        letter = sample_mail.number_in_text()
        letter.replace_header("To", f"<{recipient}>")
        site.submit(letter.as_bytes(), sample_mail.SENDER, recipient)

    def asked(site: Site) -> tuple[Incident, Delivery] | None:
        found = [one for one in site.store.incidents() if recipient in one.recipients and one.asked_at]
        requests = [one for one in site.next_hop.to(BOSS) if found and found[0].id.encode() in one.content]
        return (found[0], requests[0]) if requests else None

    def judged(site: Site) -> str:
        ready = site.wait_for(lambda: asked(site), f"the request about the message to {recipient}")
        assert ready is not None
        return evaluate(site, ready[0], attack(site, *ready))

    return Attempt(kind, name, judged, prepare)


def _still_held(site: Site, incident: Incident, output: str) -> str:
    """Return the outcome for a message that must be held; otherwise the result that the attack itself reports."""
    now = site.store.incident(incident.id)
    assert now is not None
    if now.state is not State.HELD:
        return f"{now.state} by {now.decided_by}"
    if incident.queue_id not in site.postfix.held_ids():
        return "out of the hold queue"
    return output


def _refused(_site: Site, _incident: Incident, output: str) -> str:
    return output


# -- links and forms ----------------------------------------------------------------------------------------------


def _links(request: Delivery) -> list[str]:
    message = message_from_bytes(request.content, policy=policy.default)
    text = "".join(str(part.get_content()) for part in message.walk() if part.get_content_maintype() == "text")
    return sorted(set(re.findall(r"http://[^\s\"<>]+/t/[\w-]+", text)))


def _open(method: str, url: str, data: bytes | None = None, **fields: str) -> tuple[int, str]:
    request = urllib.request.Request(
        url, data, {name.replace("_", "-"): value for name, value in fields.items()}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def _follow(method: str) -> _Try:
    def attack(_site: Site, _incident: Incident, request: Delivery) -> str:
        links = _links(request)
        for link in links:
            for query in ("", "?decision=approve", "?approve=1"):
                _open(method, link + query, b"decision=approve" if method in ("POST", "PUT") else None)
        return "" if links else "no link was found: nothing was tried"

    return attack


def _form(values: dict[str, str], origin: str = "") -> _Try:
    def attack(site: Site, incident: Incident, _request: Delivery) -> str:
        place = f"http://{LOOPBACK}:{site.web_port}"
        data = urllib.parse.urlencode(values).encode()
        for path in (f"/incidents/{incident.id}/decision", "/incidents"):
            _open("POST", place + path, data, Origin=origin or place)
        return ""

    return attack


def _other_link(site: Site, incident: Incident, request: Delivery) -> str:
    for link in _links(request):
        changed = link.replace(incident.id.replace("-", "").lower(), "7k3mq9tx2abc")
        if changed == link:
            return "the link does not name the incident: nothing was tried"
        status, _ = _open("GET", changed)
        if status == 200:
            return "a link for another incident opens"
    return ""


# -- replies ------------------------------------------------------------------------------------------------------


_letters = count()


def _reply(site: Site, sender: str, recipient: str, fields: str = "") -> str:
    """Send an approving reply, and wait until it was read, refused or held itself."""
    named = f"attack-{next(_letters)}@partner.example"
    head = f"From: {sender}\r\nTo: {recipient}\r\nSubject: Re: request\r\nMessage-ID: <{named}>\r\n"
    try:
        site.submit(f"{head}{fields}\r\napprove\r\n".encode(), sender, recipient)
    except smtplib.SMTPException:
        return ""  # it was refused, so it decides nothing

    def is_read() -> bool:
        log = site.postfix.log.read_text(encoding="utf-8", errors="replace")
        found = re.search(rf"(\w+): message-id=<{re.escape(named)}>", log)
        if found is None:
            return False
        return (
            found[1] in site.postfix.held_ids()
            or re.search(rf"{found[1]}: to=.*status=(sent|bounced)", log) is not None
        )

    site.wait_for(is_read, f"the reply {named} to be read")
    return ""


def _from_log(sender: str) -> _Try:
    def attack(site: Site, incident: Incident, _request: Delivery) -> str:
        log = site.postfix.log.read_text(encoding="utf-8", errors="replace")
        name = incident.id.replace("-", "").lower()
        addresses = sorted(set(re.findall(rf"holdgate\+[a-z]-{name}[0-9a-z-]+@approve\.corp\.example", log)))
        for address in addresses:
            _reply(site, sender, address)
        return ""

    return attack


def _plain(sender: str) -> _Try:
    return lambda site, incident, _: _reply(site, sender, "holdgate@approve.corp.example", f"X-Note: {incident.id}\r\n")


def _made_up(sender: str) -> _Try:
    def attack(site: Site, incident: Incident, _request: Delivery) -> str:
        name = incident.id.replace("-", "").lower()
        address = f"holdgate+r-{name}-1-{'a' * 26}@approve.corp.example"
        return _reply(site, sender, address)

    return attack


def _references(sender: str) -> _Try:
    def attack(site: Site, _incident: Incident, request: Delivery) -> str:
        named = message_from_bytes(request.content)["Message-ID"]
        fields = f"In-Reply-To: {named}\r\nReferences: {named}\r\n"
        return _reply(site, sender, "holdgate@approve.corp.example", fields)

    return attack


# -- programs -----------------------------------------------------------------------------------------------------


def _api(method: str, rest: str, token: str) -> _Try:
    def attack(site: Site, incident: Incident, request: Delivery) -> str:
        given = f"Bearer {_links(request)[0].rpartition('/')[2]}" if token == "link" else token
        url = f"http://{LOOPBACK}:{site.web_port}/api/v1/incidents/{incident.id}{rest}"
        data = json.dumps({"decision": "approve"}).encode() if method == "POST" else None
        status, output = _open(method, url, data, Authorization=given, Content_Type="application/json")
        return "" if status in (401, 403) else f"answered {status}: {output[:60]}"

    return attack


def _agent(do: str) -> _Try:
    """Send a request as a user without rights; the socket's permissions are opened, so that the agent decides."""

    def attack(site: Site, incident: Incident, _request: Delivery) -> str:
        path = site.settings.queue.socket
        mode = path.stat().st_mode
        path.chmod(0o666)
        path.parent.chmod(0o755)
        key = [incident.queue_id, incident.arrival_time]
        asked = {"do": do, "queue_id": key[0], "arrival_time": key[1], "messages": [key]}
        try:
            output = _as_nobody(lambda: _say(str(path), json.dumps(asked).encode() + b"\n"))
        finally:
            path.chmod(mode & 0o777)
        return "" if b"not allowed" in output else f"answered {output[:80]!r}"

    return attack


def _say(path: str, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(path)
        connection.sendall(line)
        return connection.recv(4096)


def _as_nobody(ask: Callable[[], bytes]) -> bytes:
    nobody = pwd.getpwnam("nobody")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(*[nobody.pw_gid] * 3)
            os.setresuid(*[nobody.pw_uid] * 3)
            os.write(writing, ask())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        output = pipe.read()
    os.waitpid(child, 0)
    return output
