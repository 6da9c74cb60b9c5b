"""The modules and limits of workers, as configured."""

import os
from pathlib import Path

from holdgate.config import Settings
from holdgate.scan.poolsettings import PoolSettings

TABLES = {
    "scan": {
        "socket": "/run/x/scan.sock",
        "workers": 3,
        "time_limit": "20s",
        "wait_limit": "2m",
        "retire_after": 50,
    },
    "extract": {"readers": ["corp_reader"], "directory": "/srv/readers"},
    "rules": {"directory": "/srv/rules", "local_directory": "/srv/rules.d"},
    "ocr": {"mode": "on", "workers": 2, "languages": ["eng", "fra"], "time_limit": "90s"},
}


def test_each_setting_is_copied_to_its_field() -> None:
    made = PoolSettings.of(Settings.model_validate(TABLES), ("pii",), daemon=True)
    assert made == PoolSettings(
        rules=Path("/srv/rules"),
        local_rules=Path("/srv/rules.d"),
        profiles=("pii",),
        readers=("corp_reader",),
        readers_directory=Path("/srv/readers"),
        workers=3,
        time_limit=20.0,
        wait_limit=120.0,
        retire_after=50,
        service=Path("/run/x/scan.sock"),
    )
    assert (made.ocr_languages, made.ocr_seconds, made.reads_separately) == ((), 0.0, False)


def test_a_command_starts_its_workers_itself() -> None:
    assert PoolSettings.of(Settings.model_validate(TABLES), ()).service is None


def test_the_default_is_one_worker_for_each_processor() -> None:
    assert PoolSettings.of(Settings(), ()).workers == len(os.sched_getaffinity(0))


def test_workers_for_ocr_have_their_own_number_languages_and_time() -> None:
    settings = Settings.model_validate(TABLES)
    usual = PoolSettings.of(settings, ("pii",), daemon=True)
    ocr = usual.with_ocr(settings.ocr)
    assert (ocr.workers, ocr.ocr_languages, ocr.ocr_seconds) == (2, ("eng", "fra"), 90.0)
    assert (ocr.time_limit, ocr.profiles, ocr.service) == (usual.time_limit, usual.profiles, usual.service)
