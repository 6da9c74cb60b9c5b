"""The time of an inspection is divided among its stages."""

from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from holdgate.findings import Inspection
from holdgate.gate.timing import measure

READ = Inspection(status="complete", reason="", elapsed_ms=300.0, extract_ms=200.0)


def sums() -> list[float]:
    return [
        REGISTRY.get_sample_value("holdgate_scan_seconds_sum", {"stage": stage}) or 0.0
        for stage in ("wait", "extract", "detect")
    ]


@pytest.mark.parametrize(
    ("inspection", "seconds", "stages"),
    [
        (READ, 0.5, (0.2, 0.2, 0.1)),
        (READ, 0.1, (0.0, 0.2, 0.1)),  # the worker's clock was ahead
        (replace(READ, extract_ms=400.0), 0.5, (0.2, 0.4, 0.0)),
        (replace(READ, status="failed"), 0.5, (0.5, 0.0, 0.0)),
    ],
)
def test_the_time_of_an_inspection_is_divided_among_its_stages(
    inspection: Inspection, seconds: float, stages: tuple[float, ...]
) -> None:
    before = sums()
    measure(inspection, seconds)
    assert [now - then for now, then in zip(sums(), before, strict=True)] == pytest.approx(stages)
