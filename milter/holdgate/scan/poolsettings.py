"""What a pool's workers load, and their time limits, from settings and policies."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from holdgate.config import ExtractSettings, OcrSettings, Settings


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """What the workers load, and their time limits in seconds.

    `service` is the socket of the scan service, or None if the pool starts its zygote itself. `retire_after` is how
    many messages of plain text one process reads; with 1, each has its own process, as all other messages have. With
    `reads_separately`, processes without rules read small messages, and reusable processes search the text. This needs
    a second zygote, and makes each such message much cheaper.
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
    reads_separately: bool = False

    @classmethod
    def of(cls, settings: Settings, profiles: tuple[str, ...], *, daemon: bool = False) -> "PoolSettings":
        """Return the values from the settings file; `profiles` are those that the policies use.

        A `daemon` uses the scan service if there is one; a command never does.
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
        """Return a copy for workers that also read images."""
        return replace(
            self,
            workers=settings.workers,
            ocr_languages=tuple(settings.languages),
            ocr_seconds=settings.time_limit.total_seconds(),
        )
