"""Each daemon serves its own metrics, and every metric is served by a daemon."""

import subprocess
import sys

import pytest
from prometheus_client.metrics import MetricWrapperBase

from holdgate import metrics

EVERY = {name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}

_SCRAPE = """
import sys, urllib.request
from holdgate import metrics
from testbed.ports import free_port
port = free_port()
metrics.serve(sys.argv[1], ("127.0.0.1", port))
print(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
"""


def test_every_metric_is_served_by_a_daemon() -> None:
    served = {id(metric) for table in metrics.DAEMONS.values() for metric in table}
    assert [name for name, metric in EVERY.items() if id(metric) not in served] == []


@pytest.mark.parametrize("daemon", metrics.DAEMONS)
def test_a_daemon_serves_only_its_own_metrics(daemon: str) -> None:
    # In a separate process: a port that is served stays open.
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin"}
    text = subprocess.check_output([sys.executable, "-c", _SCRAPE, daemon], text=True, env=environment)
    output = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP holdgate_")}
    output = {name.removesuffix("_total") for name in output if not name.endswith("_created")}
    assert output == {metric._name for metric in metrics.DAEMONS[daemon]}
    assert "process_resident_memory_bytes" in text
    assert 'holdgate_build_info{python="' in text
