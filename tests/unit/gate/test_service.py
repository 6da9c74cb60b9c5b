"""A snapshot loads completely or not at all; in the latter case everything that it started is ended."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar, cast

import pytest
from prometheus_client import REGISTRY

from holdgate.config import Settings
from holdgate.configfile import ConfigError
from holdgate.gate import service
from holdgate.quarantine.store import Store
from holdgate.scan.pool import PoolSettings, ScanError
from holdgate.seal import add_key


class ReplacementPool:
    """Replaces a pool; pools for OCR can refuse to start."""

    made: ClassVar[list["ReplacementPool"]] = []
    is_broken = False

    def __init__(self, settings: PoolSettings) -> None:
        self.is_for_ocr = bool(settings.ocr_languages)
        self.reads_separately = settings.reads_separately
        self.is_closed = False
        if self.is_for_ocr and self.is_broken:
            raise ScanError("tesseract has no language deu")
        self.made.append(self)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    policies = tmp_path / "policies.toml"
    policies.write_text('[[policy]]\nname = "all"\naction = "allow"\nheader = {"X-Project" = "*secret*"}\n')
    keys = tmp_path / "seal.keys"
    add_key(keys, keep=timedelta(days=1), group_id=-1, now=datetime.now(UTC))
    monkeypatch.setattr(service, "Pool", ReplacementPool)
    monkeypatch.setattr(ReplacementPool, "made", [])
    return Settings.model_validate({"policy": {"file": policies}, "seal": {"keys": keys}, "ocr": {"mode": "on"}})


def test_the_first_pool_is_closed_if_the_ocr_pool_cannot_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReplacementPool, "is_broken", True)
    with pytest.raises(ScanError, match="no language deu"):
        service._read(settings, cast(Store, object()))
    (pool,) = ReplacementPool.made
    assert pool.is_closed


def test_both_pools_are_closed_with_their_snapshot(settings: Settings) -> None:
    snapshot = service._read(settings, cast(Store, object()))
    assert [pool.is_for_ocr for pool in ReplacementPool.made] == [False, True]
    assert [pool.reads_separately for pool in ReplacementPool.made] == [True, False]
    assert not any(pool.is_closed for pool in ReplacementPool.made)
    del snapshot
    assert all(pool.is_closed for pool in ReplacementPool.made)


def test_the_snapshot_lists_the_header_fields_that_sessions_keep(settings: Settings) -> None:
    snapshot = service._read(settings, cast(Store, object()))
    assert snapshot.condition_fields == {"x-project"}
    assert {"x-project", "subject", "content-type", "x-holdgate-seal"} <= snapshot.kept
    assert "x-netskope-action" in snapshot.holdgate_fields


def _service(settings: Settings, tmp_path: Path) -> service.Service:
    config = tmp_path / "holdgate.toml"
    config.write_text(
        f'[policy]\nfile = "{settings.policy.file}"\n[seal]\nkeys = "{settings.seal.keys}"\n[ocr]\nmode = "on"\n'
    )
    return service.Service(config, settings, cast(Store, object()))


def test_stopping_saves_pending_relations_and_closes_workers_and_store(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = _service(settings, tmp_path)
    ended: list[str] = []
    monkeypatch.setattr(type(serving.snapshot.recipients), "close", lambda _self, seconds: ended.append("learned"))
    monkeypatch.setattr(serving, "store", SimpleNamespace(close=lambda: ended.append("store")))
    serving.close()
    assert ended == ["learned", "store"]
    assert all(pool.is_closed for pool in ReplacementPool.made)


def test_the_time_and_result_of_a_reload_are_metrics(settings: Settings, tmp_path: Path) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    done, failed = (value("holdgate_config_reloads_total", outcome=one) for one in ("done", "failed"))
    begun = time.time()
    serving = _service(settings, tmp_path)
    assert value("holdgate_config_last_reload_successful") == 1
    assert value("holdgate_config_last_reload_success_timestamp_seconds") >= begun
    settings.policy.file.write_text("")
    assert not serving.reload()
    assert value("holdgate_config_last_reload_successful") == 0
    assert value("holdgate_config_reloads_total", outcome="done") == done + 1
    assert value("holdgate_config_reloads_total", outcome="failed") == failed + 1


def test_a_reload_replaces_the_snapshot_and_logs_the_removed_policies(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serving = _service(settings, tmp_path)
    before = serving.snapshot
    settings.policy.file.write_text('[[policy]]\nname = "none"\naction = "block"\nsender = ["x@corp.example"]\n')
    with caplog.at_level("INFO", "holdgate"):
        assert serving.reload()
    assert serving.snapshot is not before
    assert [policy.name for policy in serving.snapshot.policies.file.policy] == ["none"]
    assert "policies-gone: count=1 names=all" in caplog.text


@pytest.mark.parametrize(
    "broken", ["settings", "policies", "empty policies", "cut policies", "keys", "workers", "other"]
)
def test_a_failed_reload_keeps_the_old_snapshot(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    serving = _service(settings, tmp_path)
    before = serving.snapshot
    match broken:
        case "settings":
            (tmp_path / "holdgate.toml").write_text("[policy]\nfiles = 1\n")
        case "policies":
            settings.policy.file.write_text('[[policy]]\nname = "all"\naction = "alow"\n')
        case "empty policies":
            settings.policy.file.write_text("")
        case "cut policies":
            settings.policy.file.write_text('ends = true\n[[policy]]\nname = "all"\naction = "allow"\n')
        case "keys":
            settings.seal.keys.write_text("x")
        case "workers":
            monkeypatch.setattr(ReplacementPool, "is_broken", True)
        case _:
            monkeypatch.setattr(service, "policies_of", lambda _: 1 / 0)
    assert not serving.reload()
    assert serving.snapshot is before
    assert not any(pool.is_closed for pool in ReplacementPool.made[:2])


def test_only_one_pool_is_started_without_ocr(settings: Settings) -> None:
    off = settings.model_copy(update={"ocr": settings.ocr.model_copy(update={"mode": "off"})})
    snapshot = service._read(off, cast(Store, object()))
    assert [pool.is_for_ocr for pool in ReplacementPool.made] == [False]
    assert snapshot.ocr_pool is None


@pytest.mark.parametrize("mode", ["on", "off"])
def test_the_pools_are_closed_if_a_later_step_of_loading_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    def refuse(*_: object) -> None:
        raise ConfigError(["machines.accounts: no such table"])

    monkeypatch.setattr(service, "machine_traffic", refuse)
    ocr = settings.ocr.model_copy(update={"mode": mode})
    with pytest.raises(ConfigError, match=r"machines\.accounts"):
        service._read(settings.model_copy(update={"ocr": ocr}), cast(Store, object()))
    assert [pool.is_for_ocr for pool in ReplacementPool.made] == ([False, True] if mode == "on" else [False])
    assert all(pool.is_closed for pool in ReplacementPool.made)
