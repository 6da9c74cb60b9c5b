"""Steps of the demo's walks: run a command, read a mailbox, read a notice."""

from email.message import Message

from holdgate.quarantine.incident import Incident
from testbed import sample_mail
from testbed.next_hop import Delivery
from testbed.site import Site


class DemoError(Exception):
    """An expected step did not happen; the argument is one sentence for the person who started the demo."""


def plain(notice: Message) -> str:
    """Return a notice's text for people: its first plain text part."""
    (first, *_) = (part for part in notice.walk() if part.get_content_type() == "text/plain")
    content = first.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(first.get_content_charset("ascii"))


def delivered(site: Site, incident: Incident) -> Delivery | None:
    """Return the delivery of an incident's message, or None if there is none yet."""
    return next(
        (d for d in site.next_hop.to(sample_mail.RECIPIENT) if d.message["Message-ID"] == incident.message_id), None
    )


def command(site: Site, *words: str) -> None:
    """Run a command of `holdgate`, and print it with its output. Raises DemoError if it fails."""
    print(f"    $ holdgate {' '.join(word if ' ' not in word else repr(word) for word in words)}")
    done = site.command(*words)
    for line in (done.stdout + done.stderr).splitlines():
        print(f"    {line}")
    if done.returncode != 0:
        raise DemoError(f"holdgate {words[0]} ended with {done.returncode}")
