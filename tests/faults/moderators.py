"""Moderators who decide by page, reply and command, sometimes two at the same time; undecided requests expire."""

import random
import re
import threading
from collections.abc import Sequence
from email.message import EmailMessage

import httpx2

from holdgate.configfile import ConfigError
from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from testbed.next_hop import Delivery
from testbed.site import Site
from tests.e2e.desk import link_in, parsed, press, reply, text_of
from tests.faults.ledger import Ledger

MODERATORS = ("boss@corp.example", "second@corp.example")


# Errors of a decision on a site that is down, is suspended, or has an error in a file.
_NOT_DECIDED = (OSError, DatabaseError, ConfigError, httpx2.HTTPError, AssertionError, moderation.RefusedError)


class Moderators:
    """A thread that decides until it is stopped."""

    def __init__(self, site: Site, ledger: Ledger, seed: int, pause: float) -> None:
        self._site, self._ledger, self._pause = site, ledger, pause
        self._rng = random.Random(f"{seed} deciders")
        self._requests: dict[tuple[str, str], EmailMessage] = {}
        self._read = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.count = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current decision."""
        self._stop.set()
        self._thread.join(240)

    def _run(self) -> None:
        while not self._stop.wait(self._rng.random() * self._pause):
            try:
                self._read_mail()
                waiting = [one for one in self._site.store.incidents([State.HELD], limit=200) if one.asked_at]
                if waiting:
                    self._decide(self._rng.choice(waiting))
            except _NOT_DECIDED:
                continue  # the site is down or suspended: no decision was confirmed

    def _read_mail(self) -> None:
        """Read the mail to the moderators since the last call."""
        arrived = self._site.next_hop.deliveries[self._read :]
        self._read += len(arrived)
        self._note(arrived)

    def _note(self, arrived: Sequence[Delivery]) -> None:
        for delivery in arrived:
            for person in set(delivery.recipients) & set(MODERATORS):
                message = parsed(delivery)
                named = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){2}", text_of(message))
                if message["Reply-To"] and named:
                    self._requests[named[0], person] = message

    def _decide(self, incident: Incident) -> None:
        choice = self._rng.choice([Answer.APPROVE, Answer.APPROVE, Answer.REJECT])
        other = self._rng.choice([Answer.APPROVE, Answer.REJECT])
        first, second = self._rng.sample(MODERATORS, 2)
        way = self._rng.choice(["page", "page", "reply", "command", "console"])
        people = [threading.Thread(target=self._by, args=[way, incident, choice, first], daemon=True)]
        if self._rng.random() < 0.2:
            people.append(threading.Thread(target=self._by, args=["page", incident, other, second], daemon=True))
        for person in people:
            person.start()
        for person in people:
            person.join(120)

    def _by(self, way: str, incident: Incident, choice: Answer, person: str) -> None:
        self.count += 1
        try:
            if getattr(self, f"_{way}")(incident, choice, person):
                self._ledger.confirmed(incident.id, "approved" if choice is Answer.APPROVE else "rejected")
        except _NOT_DECIDED:
            return  # no decision was confirmed

    def _request(self, incident: Incident, person: str) -> EmailMessage:
        try:
            return self._requests[incident.id, person]
        except KeyError:
            raise ConnectionError("no request has come yet") from None

    def _page(self, incident: Incident, choice: Answer, person: str) -> bool:
        answer = press(link_in(self._request(incident, person)), decision=str(choice), comment="")
        word = "approved" if choice is Answer.APPROVE else "rejected"
        return answer.status_code == 200 and f"{person} {word} the message" in answer.text

    def _reply(self, incident: Incident, choice: Answer, person: str) -> bool:
        reply(self._site, person, self._request(incident, person), str(choice).capitalize())
        return False  # an answer comes by mail, later

    def _command(self, incident: Incident, choice: Answer, _person: str) -> bool:
        word = "release" if choice is Answer.APPROVE else "reject"
        return self._site.command(word, incident.id).returncode == 0

    def _console(self, incident: Incident, choice: Answer, _person: str) -> bool:
        """Run the command's function in this process, because the command takes a second to start."""
        moderation.override(Desk(self._site.store, self._site.settings), incident, choice, Actor("root", "command"))
        return True
