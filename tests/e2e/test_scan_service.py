"""A site whose workers run as another user: inspection, and the failure of each part."""

import smtplib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import wait_for
from testbed.site import Site
from tests.support.scanning import below, is_running

SITE = {"scan_user": "nobody", "extra": "\n[scan]\nworkers = 1\n"}

# How long the milter waits for a service that is restarted, in seconds, less what may pass before it begins to wait.
_PATIENCE = 8.0


def submit(site: Site, recipient: str) -> None:
    site.submit(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, recipient)


def is_held(site: Site, recipient: str) -> bool:
    return any(recipient in one.recipients for one in site.store.incidents({State.HELD}))


def zygotes(site: Site) -> list[int]:
    return below(site.pid("scan"))


def kill_service(site: Site) -> None:
    """Kill the service, and wait for its zygotes and workers to end: until then one of them may read a message."""
    ended = [*zygotes(site), *(worker for zygote in zygotes(site) for worker in below(zygote))]
    site.kill_daemon("scan")
    wait_for(lambda: not any(is_running(pid) for pid in ended), "zygotes and workers to end")


def test_mail_is_read_only_by_processes_of_the_scan_user(site: Site) -> None:
    submit(site, "first@partner.example")
    site.wait_for(lambda: is_held(site, "first@partner.example"), "the message to be held")
    assert zygotes(site)
    assert not [pid for pid in below(site.pid("milter")) if "zygote" in Path(f"/proc/{pid}/cmdline").read_text()]
    for zygote in zygotes(site):
        assert below(zygote)
        for pid in (site.pid("scan"), zygote, *below(zygote)):
            # Theirs are closed to other processes, so that /proc names root as the owner.
            uid = Path(f"/proc/{pid}/status").read_text().partition("Uid:")[2].split()[0]
            assert int(uid) == 65_534


def test_status_and_check_report_the_scan_service(site: Site) -> None:
    assert "holdgate-scan   ok      up" in site.command("status").stdout
    assert "scan" not in site.command("check").stdout


def test_mail_waits_for_a_restarting_service_and_is_deferred_while_it_is_down(site: Site) -> None:
    kill_service(site)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(site, "second@partner.example")
    assert refused.value.smtp_code == 451
    assert not is_held(site, "second@partner.example")
    assert site.next_hop.to("second@partner.example") == []
    assert "tempfail: stage=gate error=ScanError" in site.log("milter")
    assert "no process listens on" in site.command("status").stdout
    site.start_daemon("scan")
    submit(site, "second@partner.example")
    site.wait_for(lambda: is_held(site, "second@partner.example"), "the message to be held")

    kill_service(site)
    with ThreadPoolExecutor(1) as client:
        begun = time.monotonic()
        submitting = client.submit(submit, site, "third@partner.example")
        site.start_daemon("scan")
        started_after = time.monotonic() - begun
        error = submitting.exception()
    if error is not None:  # on a busy machine a start may take longer than a message waits for it
        assert isinstance(error, smtplib.SMTPDataError)
        assert error.smtp_code == 451
        assert started_after > _PATIENCE
        submit(site, "third@partner.example")
    site.wait_for(lambda: is_held(site, "third@partner.example"), "the message to be held")


def test_the_workers_of_a_killed_daemon_are_ended(site: Site) -> None:
    before = zygotes(site)
    workers = [worker for zygote in before for worker in below(zygote)]
    assert workers
    site.kill_daemon("milter")
    site.wait_for(lambda: not any(is_running(pid) for pid in (*before, *workers)), "zygotes and workers to end")
    site.start_daemon("milter")
    submit(site, "fourth@partner.example")
    site.wait_for(lambda: is_held(site, "fourth@partner.example"), "the message to be held")
