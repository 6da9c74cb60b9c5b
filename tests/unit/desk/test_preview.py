"""Why a held message cannot be shown: each reason has its words in each language."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from holdgate.config import Settings
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.templates import Templates
from holdgate.quarantine.incident import Incident
from holdgate.queue.client import QueueClient, QueueError
from holdgate.scan.pool import ScanError


class FakeQueue(QueueClient):
    """A queue agent that has one message, has none, or does not answer."""

    def __init__(self, content: bytes | None, error: Exception | None = None) -> None:
        self._content, self._error = content, error

    def show(self, *_: Any, **__: Any) -> bytes | None:
        if self._error is not None:
            raise self._error
        return self._content


class BrokenPool:
    """Workers that read nothing."""

    def preview(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise ScanError("lost")


@pytest.mark.parametrize(
    ("queue", "why"),
    [
        (FakeQueue(None, QueueError("no answer")), "agent"),
        (FakeQueue(None), "gone"),
        (FakeQueue(b"Subject: x\n\ny\n"), "text"),
    ],
)
def test_each_reason_has_its_words(monkeypatch: pytest.MonkeyPatch, queue: FakeQueue, why: str) -> None:
    previewer = Previewer(Settings(), queue)
    monkeypatch.setattr(previewer, "_started", BrokenPool)
    incident = Incident(queue_id="4a", sender="", recipients=[], policy="p", arrival_time=1)
    with pytest.raises(UnreadableError) as raised:
        previewer.read(incident)
    assert raised.value.why == why
    templates = Templates(Path("/nonexistent"), UTC)
    for language in templates.languages:
        assert why in templates.words(language)["unreadable"]
    # A log gets a sentence, and the request is written without the message's text.
    assert " " in str(raised.value)
    assert previewer.describe(incident) == {"subject": "", "attachments": []}
