"""Columns that a preview adds to an incident, and why a held message cannot be shown, in each language."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdgate.config import Settings
from holdgate.desk import preview
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.templates import Templates
from holdgate.quarantine.incident import Incident
from holdgate.queue.client import QueueClient, QueueError
from holdgate.scan.pool import PoolSettings, ScanError
from holdgate.scan.shapes import ChangeReport


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

    def __init__(self, _settings: PoolSettings) -> None: ...

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
def test_each_reason_has_its_text(monkeypatch: pytest.MonkeyPatch, queue: FakeQueue, why: str) -> None:
    previewer = Previewer(Settings(), queue)
    monkeypatch.setattr(preview, "Pool", BrokenPool)
    incident = Incident(queue_id="4a", sender="", recipients=[], policy="p", arrival_time=1)
    with pytest.raises(UnreadableError) as raised:
        previewer.read(incident)
    assert raised.value.why == why
    templates = Templates(Path("/nonexistent"), UTC)
    for language in templates.languages:
        assert why in templates.words(language)["unreadable"]
    # A log gets a sentence.
    assert " " in str(raised.value)


def test_an_idle_worker_is_stopped_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    class Counted(BrokenPool):
        made = closed = 0

        def __init__(self, _settings: PoolSettings) -> None:
            Counted.made += 1

        def close(self) -> None:
            Counted.closed += 1

        def letter(self, content: bytes) -> dict[str, Any]:
            # It does not end under a question, however long that takes.
            clock.now += 2 * preview.IDLE
            assert previewer.stop_if_idle(datetime.now(UTC))
            assert Counted.closed == Counted.made - 1
            return {}

    clock = Clock()
    monkeypatch.setattr(preview, "Pool", Counted)
    monkeypatch.setattr(preview, "time", clock)
    previewer = Previewer(Settings(), FakeQueue(None))
    assert previewer.stop_if_idle(datetime.now(UTC))
    previewer.letter(b"")
    for seconds, closed in ((0.0, 0), (preview.IDLE - 1, 0), (1.0, 1), (preview.IDLE, 1)):
        clock.now += seconds
        assert previewer.stop_if_idle(datetime.now(UTC))
        assert Counted.closed == closed
    previewer.letter(b"")
    assert Counted.made == 2


@pytest.mark.parametrize(("mode", "languages"), [("off", ()), ("policies", ("eng",)), ("on", ("eng",))])
def test_only_redacted_messages_and_pages_that_ask_for_it_are_read_with_ocr(
    monkeypatch: pytest.MonkeyPatch, mode: str, languages: tuple[str, ...]
) -> None:
    """A page that is only read, and a moderator's mail, do not wait for OCR."""
    asked: list[tuple[str, tuple[str, ...], int]] = []
    closed: list[tuple[str, ...]] = []

    class Noting(BrokenPool):
        def __init__(self, settings: PoolSettings) -> None:
            self.settings = settings

        def note(self, what: str) -> None:
            asked.append((what, self.settings.ocr_languages, self.settings.workers))

        def preview(self, *_: Any, **__: Any) -> dict[str, Any]:
            self.note("show")
            return {}

        def change(self, *_: Any, redact: bool, **__: Any) -> tuple[ChangeReport, bytes]:
            self.note("redact" if redact else "change")
            return ChangeReport(), b""

        def letter(self, _content: bytes) -> dict[str, Any]:
            self.note("letter")
            return {}

        def close(self) -> None:
            closed.append(self.settings.ocr_languages)

    monkeypatch.setattr(preview, "Pool", Noting)
    settings = Settings.model_validate({"ocr": {"mode": mode, "languages": ["eng"], "workers": 3}})
    previewer = Previewer(settings, FakeQueue(None))
    previewer.show(b"")
    previewer.change(b"", ["1"], "")
    previewer.letter(b"")
    previewer.change(b"", (), "", redact=True)
    previewer.show(b"", ocr=True)
    assert asked == [
        ("show", (), 1),
        ("change", (), 1),
        ("letter", (), 1),
        ("redact", languages, 1),
        ("show", languages, 1),
    ]
    assert previewer.reads_images is bool(languages)
    previewer.close()
    assert closed == ([(), languages] if languages else [()])


SHOWN = {
    "subject": "Figures\n of ***-**-*399",
    "attachments": [{"name": "a.pdf", "kind": "application/pdf", "size": 5}],
    "findings": [{"identifier": "us-ssn", "masked": ["***-**-*399"]}],
}
RECORD = {"attachments": [{"name": "report.zip › a.pdf", "kind": "pdf", "size": 9}]}


class Reader(Previewer):
    """A previewer whose message is read elsewhere, or cannot be."""

    def __init__(self, trouble: UnreadableError | None = None) -> None:
        super().__init__(Settings(), QueueClient(Path("/nonexistent")))
        self.trouble = trouble
        self.reads = 0

    def read(self, incident: Incident, *, reveal: int = 0, ocr: bool = False) -> dict[str, Any]:
        self.reads += 1
        if self.trouble is not None:
            raise self.trouble
        return SHOWN


def incident(policy: str, **values: Any) -> Incident:
    return Incident(
        queue_id="4a",
        sender="a@corp.example",
        recipients=["b@partner.example"],
        policy=policy,
        arrival_time=1,
        **values,
    )


@pytest.mark.parametrize("policy", ["adopted", "mark Quarantine"])
def test_an_uninspected_message_is_described(policy: str) -> None:
    assert Reader().describe(incident(policy, subject="Fig")) == SHOWN | {"subject": "Figures of ***-**-*399"}


@pytest.mark.parametrize(
    "recorded",
    [
        incident("p", subject="Figures", **RECORD),
        # The milter found nothing in it, or could not read it: that is a record too.
        incident("p", subject="Figures"),
        incident("p", status="failed", reason="took too long"),
        incident("marked", subject="Figures"),
        # Adopted and described, vanished, and held again.
        incident("adopted", **RECORD),
        incident("adopted", findings=SHOWN["findings"]),
    ],
)
def test_an_existing_record_is_not_changed(recorded: Incident) -> None:
    reader = Reader()
    assert reader.describe(recorded) == {}
    assert reader.reads == 0


def test_a_message_that_cannot_be_read_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    adopted = incident("adopted", subject="Room 12")
    assert Reader(UnreadableError("agent", "the queue agent does not answer")).describe(adopted) == {}
    assert f"failed: stage=preview error={adopted.id}: the queue agent does not answer" in caplog.text
