"""A hold queue of two messages, one of them Holdgate's, in place of Postfix's commands."""

import contextlib
import threading
from pathlib import Path

from holdgate.queue.postfix import HeldMessage, Postfix, PostfixError

OURS = HeldMessage("4ours", 100, 10, "a@corp.example", ["b@partner.example"])
FOREIGN = HeldMessage("4foreign", 100, 10, "a@corp.example", ["b@partner.example"])


class HeldMail(Postfix):
    """Two held messages, each with an empty file, in place of Postfix's commands."""

    def __init__(self, hold: Path) -> None:
        self.hold = hold
        self.messages = [OURS, FOREIGN]
        self.ignores_release = False
        self.header = b"Subject: X-Holdgate-Incident: A\n"
        self.acts: list[tuple[str, ...]] = []
        self.flushed: list[str] = []
        self.damaged: set[str] = set()
        self.listings = 0
        self.meeting: threading.Barrier | None = None

    @property
    def messages(self) -> list[HeldMessage]:
        return self._messages

    @messages.setter
    def messages(self, messages: list[HeldMessage]) -> None:
        self._messages = messages
        names = {message.queue_id for message in messages}
        there = {path.name for path in self.hold.iterdir()}
        for name in there - names:
            (self.hold / name).unlink()
        for name in names - there:
            (self.hold / name).touch()

    def held(self) -> list[HeldMessage]:
        self.listings += 1
        return self.messages

    def hold_directory(self) -> Path:
        return self.hold

    def envelope(self, queue_id: str) -> bytes:
        return b"sender: a@corp.example\n"

    def show(self, queue_id: str, *, header_only: bool) -> bytes:
        if self.meeting is not None:
            with contextlib.suppress(threading.BrokenBarrierError):
                self.meeting.wait(0.2)
        if queue_id in self.damaged:
            raise PostfixError("postcat: damaged")
        header = b"x-holdgate-incident: A\n" if queue_id.startswith(OURS.queue_id) else self.header
        return header if header_only else header + b"\nbody\n"

    def release(self, *queue_ids: str) -> None:
        self.acts.append(queue_ids)
        if not self.ignores_release:
            self.messages = [message for message in self.messages if message.queue_id not in queue_ids]

    delete = release

    def flush(self, queue_id: str) -> None:
        self.flushed.append(queue_id)
        raise PostfixError("the mail system is down")
