"""What a pool's workers load, and how long they may take, as settings and policies say it."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from holdgate.config import ExtractSettings, OcrSettings, Settings


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """What the workers load and how long they may take. Times in seconds.

    `service` is the socket of the scan service, None where the pool starts its zygote itself. `retire_after` is how
    many messages of plain text one process reads; with 1 it is as with all other messages: each has its own process.
    `reads_apart` has small messages read by processes without rules, and searched by those that stay for plain text:
    it takes a second zygote, and makes each such message much cheaper.
    """

    rules: Path
    local_rules: Path | None = None
    profiles: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    readers_directory: Path = ExtractSettings().directory
    workers: int = 1
    time_limit: float = 30.0
    wait_limit: float = 60.0
    retire_after: int = 1
    ocr_languages: tuple[str, ...] = ()
    ocr_seconds: float = 0.0
    service: Path | None = None
    reads_apart: bool = False

    @classmethod
    def of(cls, settings: Settings, profiles: tuple[str, ...], *, daemon: bool = False) -> "PoolSettings":
        """Return what the settings file says; `profiles` are those that the policies ask for.

        A `daemon` uses the scan service where there is one, a command never does.
        """
        scan = settings.scan
        return cls(
            rules=settings.rules.shipped(),
            local_rules=settings.rules.local_directory,
            profiles=profiles,
            readers=tuple(settings.extract.readers),
            readers_directory=settings.extract.directory,
            workers=scan.workers or len(os.sched_getaffinity(0)),
            time_limit=scan.time_limit.total_seconds(),
            wait_limit=scan.wait_limit.total_seconds(),
            retire_after=scan.retire_after,
            service=scan.service() if daemon else None,
        )

    def with_ocr(self, settings: OcrSettings) -> "PoolSettings":
        """Return the same for workers that read pictures too."""
        return replace(
            self,
            workers=settings.workers,
            ocr_languages=tuple(settings.languages),
            ocr_seconds=settings.time_limit.total_seconds(),
        )
