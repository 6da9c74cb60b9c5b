"""Steps that the walks of the demo share: run a command, look into a mailbox, read a notice."""

from email.message import Message

from holdgate.quarantine.incident import Incident
from testbed import letters
from testbed.site import Site
from testbed.world import Delivery


class DemoError(Exception):
    """A step that should have been seen was not; the argument is one sentence for the person who started the demo."""


def plain(notice: Message) -> str:
    """Return the text for people of a notice: its first part in plain text."""
    (first, *_) = (part for part in notice.walk() if part.get_content_type() == "text/plain")
    content = first.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(first.get_content_charset("ascii"))


def delivered(site: Site, incident: Incident) -> Delivery | None:
    """Return the delivery of an incident's message, None while there is none."""
    return next((d for d in site.world.to(letters.RECIPIENT) if d.message["Message-ID"] == incident.message_id), None)


def command(site: Site, *words: str) -> None:
    """Run a command of `holdgate`, and print it with its output. Raises DemoError where it fails."""
    print(f"    $ holdgate {' '.join(word if ' ' not in word else repr(word) for word in words)}")
    done = site.command(*words)
    for line in (done.stdout + done.stderr).splitlines():
        print(f"    {line}")
    if done.returncode != 0:
        raise DemoError(f"holdgate {words[0]} ended with {done.returncode}")
