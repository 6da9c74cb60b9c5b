"""Monitoring of a site: a real Prometheus, the canary, the log, and the status command."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE, free_port, is_listening
from testbed.site import Site
from tests.e2e.desk import events

NewSite = Callable[..., Site]


@pytest.fixture
def prometheus(site: Site, tmp_path: Path) -> Iterator[Callable[[str], list[Any]]]:
    """Debian's Prometheus, scraping the site once a second; gives the results of a query."""
    targets = [f"{host}:{port}" for host, port in vars(site.settings.metrics).values()]
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: holdgate\n    static_configs:\n"
        f"      - targets: {json.dumps(targets)}\n"
    )
    port = free_port()
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--log.level=error",
        ],
        stdout=subprocess.DEVNULL,
    )

    def query(expression: str) -> list[Any]:
        url = f"http://{LOOPBACK}:{port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            result = json.load(answer)["data"]["result"]
        assert isinstance(result, list)
        return result

    try:
        site.wait_for(lambda: is_listening(port) and _is_ready(port), "Prometheus to be ready")
        yield query
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _is_ready(port: int) -> bool:
    """Whether Prometheus answers queries: while it reads its storage it listens already, and answers 503."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/-/ready", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


def test_prometheus_scrapes_all_daemons(site: Site, prometheus: Callable[[str], list[Any]]) -> None:
    site.wait_for(lambda: len(prometheus('up{job="holdgate"} == 1')) == 3, "three targets to be up")
    recipient = "scraped@partner.example"
    site.submit(sample_mail.letter("Scraped", f"SSN {sample_mail.SSN}").as_bytes(), sample_mail.SENDER, recipient)
    site.wait_for(lambda: prometheus('holdgate_messages_total{action="quarantine"} >= 1'), "the message to be counted")
    site.wait_for(lambda: prometheus("holdgate_held_messages >= 1"), "the held message to be counted")
    stages = {row["metric"]["stage"] for row in prometheus("holdgate_scan_seconds_count")}
    assert stages == {"wait", "extract", "detect"}
    assert len(prometheus("holdgate_build_info")) == 3


def held(site: Site, recipient: str) -> list[str]:
    waiting = site.store.incidents({State.HELD})
    return [incident.id for incident in waiting if recipient in incident.recipients]


def test_decisions_are_counted_by_outcome_and_method(site: Site) -> None:
    def counted(name: str) -> float:
        values = [line.split()[-1] for line in site.metrics("queue").splitlines() if line.startswith(name + " ")]
        return float(values[0]) if values else 0

    def is_one_more(name: str) -> bool:
        return counted(name) == before[name] + 1

    rejected, timed = 'holdgate_decisions_total{method="command",outcome="rejected"}', "holdgate_decision_seconds_count"
    before = {name: counted(name) for name in (rejected, timed)}
    recipient = "counted@partner.example"
    site.submit(sample_mail.letter("Counted", f"SSN {sample_mail.SSN}").as_bytes(), sample_mail.SENDER, recipient)
    (incident,) = site.wait_for(lambda: held(site, recipient), "the message to be held")
    assert site.command("reject", incident, "--comment", "no").returncode == 0
    # The command waits for the store, which the agent writes before it counts.
    for name in before:
        site.wait_for(partial(is_one_more, name), f"{name} to be one more")


def test_the_canary_goes_through_all_steps(new_site: NewSite, tmp_path: Path) -> None:
    port = free_port()
    site = new_site(smtp_port=port, extra=_canary(port, tmp_path))
    began = time.time()
    done = site.command("canary")
    assert done.returncode == 0, done.stderr
    assert "was held, approved and released" in done.stdout
    site.wait_for(
        lambda: len(site.next_hop.to("canary@partner.example")) == 3, "the request, the message, and what was decided"
    )
    (incident,) = site.store.incidents()
    # Nothing is decided before the request is out.
    assert events(site, incident)[:5] == ["recorded", "held", "asked", "notice sent", "approved"]
    output = next(line for line in site.metrics("desk").splitlines() if line.startswith("holdgate_canary_success"))
    # It is written with ten digits, in full seconds.
    assert began - 1 <= float(output.split()[1]) <= time.time() + 1
    status = site.command("status").stdout
    assert re.search(r"last success \d+ min ago", status)
    assert "1 released" in status


def test_a_canary_that_is_not_held_is_reported(new_site: NewSite, tmp_path: Path) -> None:
    port = free_port()
    site = new_site(smtp_port=port, extra=_canary(port, tmp_path, "2s"), changes={"smtpd_milters": ""})
    done = site.command("canary")
    assert done.returncode == 2
    assert "was not held within" in done.stderr
    assert "holdgate_canary_success_timestamp_seconds 0.0" in site.metrics("desk")


def _canary(port: int, directory: Path, patience: str = "60s") -> str:
    return (
        f'\n[canary]\nsubmit = "127.0.0.1:{port}"\nrecipient = "canary@partner.example"\nstep_timeout = "{patience}"\n'
        f'state = "{directory}/canary"\n'
    )


def test_status_names_stopped_daemons(new_site: NewSite) -> None:
    site = new_site()
    well = site.command("status")
    assert well.returncode == 0, well.stdout
    site.kill_daemon("desk")
    down = site.command("status")
    assert down.returncode == 1
    (line,) = [line for line in down.stdout.splitlines() if "NOT OK" in line]
    assert "holdgate-desk" in line


def test_no_log_line_contains_a_match(site: Site) -> None:
    """Planted in every place of a message: text, subject, name, file name, document, archive."""
    recipient = "quiet@partner.example"
    text = f"Her number is {sample_mail.SSN}, card {sample_mail.CARD}."
    letter = sample_mail.letter(f"For {sample_mail.SSN}", text, recipient=recipient)
    letter.replace_header("From", f'"{sample_mail.SSN}" <{sample_mail.SENDER}>')
    letter["X-Note"] = sample_mail.CARD
    letter.add_attachment(
        sample_mail.document(), maintype="application", subtype="zip", filename=f"{sample_mail.CARD}.docx"
    )
    for message in (letter, sample_mail.card_in_zip()):
        site.submit(message.as_bytes(), sample_mail.SENDER, recipient)
    site.wait_for(lambda: len(held(site, recipient)) == 2, "both to be held")
    first, second = held(site, recipient)
    site.command("release", first)
    site.command("reject", second, "--comment", "no")
    logs = "".join(site.log(name) for name in ("milter", "queue", "desk"))
    assert "findings=" in logs
    for secret in (sample_mail.SSN, sample_mail.CARD):
        assert secret not in logs
        assert secret.replace("-", "").replace(" ", "") not in logs
