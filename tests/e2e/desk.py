"""Shared by the tests of the desk: submit, wait for the request, read it, answer it by mail or in a browser."""

import re
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import httpx2

from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.scheduler import Scheduler
from holdgate.desk.templates import Templates
from holdgate.desk.tokens import Key
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from testbed import sample_mail
from testbed.next_hop import Delivery
from testbed.ports import PATIENCE
from testbed.site import Site


def submit(site: Site, sender: str, recipient: str, subject: str = "New colleague") -> Incident:
    """Send a message that is held, and return its incident once requests have been sent."""
    letter = sample_mail.number_in_text()
    for name, value in (("From", f"<{sender}>"), ("To", f"<{recipient}>"), ("Subject", subject)):
        letter.replace_header(name, value)
    site.submit(letter.as_bytes(), sender, recipient)

    def asked() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if recipient in one.recipients and one.asked_at), None)

    incident = site.wait_for(asked, f"people to be asked about the message to {recipient}")
    assert incident is not None
    return incident


def mail_about(site: Site, person: str, incident: Incident, words: str = "") -> EmailMessage:
    """Return the newest mail to a person about an incident that contains these words, once there is one."""

    def find() -> EmailMessage | None:
        for delivery in reversed(site.next_hop.to(person)):
            message = parsed(delivery)
            if incident.id in text_of(message) and words in str(message["Subject"]) + text_of(message):
                return message
        return None

    message = site.wait_for(find, f"mail to {person} about {incident.id} with {words!r}")
    assert message is not None
    return message


def parsed(delivery: Delivery) -> EmailMessage:
    message = message_from_bytes(delivery.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return "" if body is None else str(body.get_content()).replace("\r\n", "\n")


def link_in(message: EmailMessage) -> str:
    found = re.search(r"^ +(http://\S+/t/\S+)$", text_of(message), re.MULTILINE)
    assert found
    return found[1]


def envelope_sender(site: Site, person: str, message: EmailMessage) -> str:
    """Return the address to which a returned or automatically answered mail goes."""
    return next(d.sender for d in site.next_hop.to(person) if parsed(d)["Message-ID"] == message["Message-ID"])


def reply(site: Site, person: str, request: EmailMessage, text: str) -> None:
    """Answer a request as a mail program does."""
    answer = EmailMessage()
    answer["From"] = f"Somebody <{person}>"
    answer["To"] = request["Reply-To"]
    answer["Subject"] = "Re: " + request["Subject"]
    answer["In-Reply-To"] = request["Message-ID"].strip()
    quoted = "".join(f"> {line}\n" for line in text_of(request).splitlines())
    answer.set_content(f"{text}\n\nOn Monday Holdgate wrote:\n{quoted}")
    site.submit(answer.as_bytes(), person, str(request["Reply-To"]))


def press(link: str, **values: str) -> httpx2.Response:
    """Open a link and send the form on its page with these values, as a browser without scripts would."""
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        page = client.get(link)
        form = re.search(
            r'<form method="post" action="([^"]+)">\s*<input type="hidden" name="stamp" value="(\w+)"', page.text
        )
        assert form, page.text
        origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
        return client.post(f"{origin}{form[1]}", data={"stamp": form[2], **values}, headers={"Origin": origin})


def closed(site: Site, incident: Incident, state: State) -> Incident:
    """Wait until an incident is closed, and return it."""

    def find() -> Incident | None:
        found = site.store.incident(incident.id)
        return found if found is not None and found.closed_at is not None else None

    found = site.wait_for(find, f"{incident.id} to be closed")
    assert found is not None
    assert found.state is state, site.store.history(incident.id)
    return found


def pass_at(site: Site, now: datetime) -> None:
    """Run a pass of the desk in this process at `now`; the daemon is stopped, so the test controls the clock."""
    desk = Desk(site.store, site.settings, Key.load(site.settings.desk.token_key))
    previewer = Previewer(site.settings, QueueClient(site.settings.queue.socket))
    composer = Composer(desk, Templates(site.settings.desk.templates, desk.zone), previewer)
    try:
        Scheduler(desk, composer, previewer).run_once(now)
    finally:
        previewer.close()


def events(site: Site, incident: Incident) -> list[str]:
    return [event.event for event in site.store.history(incident.id)]
