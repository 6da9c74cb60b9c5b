"""Alert rules and dashboard: checked by promtool, and all metrics and pages that they name exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from holdgate import metrics

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "docs/monitoring"
EVERY = {value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)}


def series() -> set[str]:
    """Return the names of Holdgate's metrics in Prometheus."""
    names = set()
    for metric in EVERY:
        suffixes: tuple[str, ...] = ("_total",) if isinstance(metric, Counter) else ("",)
        if isinstance(metric, Histogram):
            suffixes = ("_bucket", "_sum", "_count")
        names |= {metric._name + suffix for suffix in suffixes}
    return names


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        pytest.fail("promtool is missing: install Debian's package prometheus, as script/test does")
    done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_promtool_accepts_the_rules_and_their_tests_pass() -> None:
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")
    promtool("check", "config", "prometheus.yml")


def test_every_alert_is_tested_and_explained() -> None:
    alerts = re.findall(r"- alert: (\w+)", (MONITORING / "alerts.yml").read_text(encoding="utf-8"))
    tests = (MONITORING / "alerts_test.yml").read_text(encoding="utf-8")
    page = (ROOT / "docs/howto/monitor.md").read_text(encoding="utf-8")
    assert alerts
    # promtool passes the test that an alert does not fire for a name that no rule has.
    assert set(re.findall(r"alertname: (.+)", tests)) == set(alerts)
    for alert in alerts:
        assert f"`{alert}`" in page, alert


@pytest.mark.parametrize("name", ["alerts.yml", "alerts_test.yml", "grafana.json"])
def test_only_existing_metrics_are_queried(name: str) -> None:
    used = set(re.findall(r"\bholdgate_[a-z_]+", (MONITORING / name).read_text(encoding="utf-8")))
    assert used <= series()


def test_the_dashboard_shows_every_metric() -> None:
    text = (MONITORING / "grafana.json").read_text(encoding="utf-8")
    assert {panel["type"] for panel in json.loads(text)["panels"]}
    missing = [metric._name for metric in EVERY - {metrics.BUILD, metrics.CONFIG_RELOADS} if metric._name not in text]
    assert missing == []
