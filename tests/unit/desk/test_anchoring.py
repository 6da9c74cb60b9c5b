"""The trail's head outside the database follows the trail, and is kept if the trail loses it."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from holdgate import metrics
from holdgate.config import Settings
from holdgate.desk.anchoring import Anchoring
from holdgate.desk.context import Desk
from holdgate.quarantine import anchor, structure
from holdgate.quarantine.store import StoreError
from tests.unit.desk.conftest import NOW, QUEUE, Hold, MakeDesk


@pytest.fixture
def desk(make_desk: MakeDesk, tmp_path: Path) -> Desk:
    made = make_desk()
    store = {"url": f"sqlite:///{tmp_path}/holdgate.db", "audit_head": str(tmp_path / "audit.head")}
    settings = Settings.model_validate({**made.settings.model_dump(exclude={"store"}), "store": store})
    return Desk(made.store, settings)


def kept(desk: Desk) -> list[str]:
    settings = desk.settings.store
    return [one.hash for one in anchor.of_file(anchor.store_name(settings.url), settings.audit_head)]


def cut(tmp_path: Path) -> None:
    """Remove the newest event, as a person with write access to the database can."""
    engine = create_engine(f"sqlite:///{tmp_path}/holdgate.db")
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER events_stay"))
        connection.execute(text("DELETE FROM events WHERE number = (SELECT MAX(number) FROM events)"))
        connection.execute(
            text(
                "UPDATE chains SET count = count - 1, "
                "hash = (SELECT hash FROM events WHERE number = (SELECT MAX(number) FROM events))"
            )
        )
        connection.execute(text(structure.SQLITE["events_stay"]))
    engine.dispose()


def test_the_head_follows_the_trail(desk: Desk, hold: Hold, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "holdgate")
    anchoring = Anchoring(desk)
    anchoring.run_once(NOW)
    assert kept(desk) == []
    incident = hold(desk)
    anchoring.run_once(NOW)
    first = desk.store.audit.heads()[""]
    assert kept(desk) == [first]
    desk.store.add_event(incident.id, "release begun", QUEUE)
    anchoring.run_once(NOW + timedelta(seconds=1))
    second = desk.store.audit.heads()[""]
    assert kept(desk) == [second]
    assert (first in caplog.text, second in caplog.text) == (True, False)
    anchoring.close()
    assert second in caplog.text


def test_a_head_is_kept_only_when_its_event_is_on_disk(
    desk: Desk, hold: Hold, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise a crash of the machine looks like a deleted event."""

    def fails() -> None:
        raise StoreError("OSError")

    hold(desk)
    with monkeypatch.context() as patched:
        patched.setattr(desk.store, "sync", fails)
        assert Anchoring(desk).run_once(NOW)
    assert kept(desk) == []
    assert "failed: stage=audit" in caplog.text
    Anchoring(desk).run_once(NOW)
    assert kept(desk) == [desk.store.audit.heads()[""]]


def test_a_head_missing_from_the_trail_is_kept_and_reported(
    desk: Desk, hold: Hold, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    incident = hold(desk)
    anchoring = Anchoring(desk)
    anchoring.run_once(NOW)
    good = kept(desk)
    cut(tmp_path)
    desk.store.add_event(incident.id, "release begun", QUEUE)
    for one in (anchoring, Anchoring(desk)):  # the same desk, and one that was started later
        one.run_once(NOW + timedelta(minutes=2))
        assert kept(desk) == good
        assert metrics.AUDIT_BROKEN._value.get() == 1
        assert f"audit-broken: store={anchor.store_name(desk.settings.store.url)}" in caplog.text
        caplog.clear()
    anchors = list(anchor.of_file(anchor.store_name(desk.settings.store.url), desk.settings.store.audit_head))
    assert "is not in the chain" in desk.store.audit.verify(anchors=anchors).problem


def test_a_file_of_another_store_is_replaced(desk: Desk, hold: Hold) -> None:
    anchor.write(desk.settings.store.audit_head, "0" * 12, [anchor.Kept(5, 5, "f" * 64)])
    hold(desk)
    Anchoring(desk).run_once(NOW)
    assert kept(desk) == [desk.store.audit.heads()[""]]


@pytest.mark.parametrize("content", ["", "x", f"{'0' * 12} a 5 {'f' * 64}", "\xff\xfe"])
def test_a_file_with_unknown_content_is_reported_and_not_changed(
    desk: Desk, hold: Hold, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = desk.settings.store.audit_head
    path.write_text(content, encoding="latin-1")
    hold(desk)
    Anchoring(desk).run_once(NOW)
    assert path.read_text(encoding="latin-1") == content
    assert "stage=audit" in caplog.text


def test_a_failed_write_keeps_the_existing_file(desk: Desk, hold: Hold, tmp_path: Path) -> None:
    hold(desk)
    anchoring = Anchoring(desk)
    anchoring._path = tmp_path / "missing" / "audit.head"
    anchoring.run_once(NOW)
    anchoring._path = desk.settings.store.audit_head
    anchoring.run_once(NOW)
    assert kept(desk) == [desk.store.audit.heads()[""]]
    assert [path.name for path in tmp_path.glob(".audit*")] == []
