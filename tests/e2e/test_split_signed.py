"""OpenDKIM after Holdgate signs both parts of a split message: one when it is sent at once, the copy at its release."""

import re
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.desk import moderation
from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.preview import Previewer
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from holdgate.queue.postfix import Postfix
from holdgate.queue.wishes import read_envelope
from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.support.other_services import valid_signers

pytestmark = pytest.mark.skipif(shutil.which("opendkim") is None, reason="needs Debian's opendkim and opendkim-tools")

POLICIES = """\
internal_domains = ["corp.example"]

[[policy]]
name = "pii-outbound"
direction = "outbound"
profile = { dlp-pii = "low" }
action = "quarantine"
split = true
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    subprocess.run(["opendkim-genkey", "-D", directory, "-d", "corp.example", "-s", "opendkim"], check=True)
    return directory


@pytest.fixture(scope="module")
def site(keys: Path) -> Iterator[Site]:
    extra = '\n[moderation]\nmoderators = ["boss@corp.example"]\nchanges = ["without-recipients"]\n'
    with running_site(policies=POLICIES, extra=extra) as running:
        # Postfix is in the group of this directory.
        signer = running.directory / "run/milter/opendkim.sock"
        settings = keys / "opendkim.conf"
        settings.write_text(
            f"Mode s\nDomain corp.example\nSelector opendkim\nKeyFile {keys}/opendkim.private\n"
            f"Canonicalization relaxed/simple\nSocket local:{signer}\nUMask 007\nRequireSafeKeys no\n"
        )
        process = subprocess.Popen(["opendkim", "-f", "-x", settings])
        try:
            running.wait_for(signer.exists, "OpenDKIM to listen")
            ours = f"unix:{running.directory}/run/milter/milter.sock"
            with (running.postfix.config / "main.cf").open("a", encoding="utf-8") as main:
                main.write(f"\nsmtpd_milters = {ours} unix:{signer}\n")
            has_signer(running, "split", signer)
            yield running
        finally:
            process.terminate()
            process.wait()


def has_signer(site: Site, listener: str, signer: Path | None) -> None:
    """Give a listener of Holdgate's, "split" or "change", the signer, or none."""
    master = site.postfix.config / "master.cf"
    found = re.subn(
        rf"(syslog_name=postfix/holdgate-{listener}\n +-o smtpd_milters=).*\n",
        rf"\g<1>{'' if signer is None else f'unix:{signer}'}\n",
        master.read_text(encoding="utf-8"),
    )
    assert found[1] == 1
    site.postfix.rewrite("master.cf", found[0])


@pytest.fixture
def signs_at_release(site: Site) -> Iterator[None]:
    """What `holdgate attach` makes of a site with `desk.change_relay`."""
    signer = site.directory / "run/milter/opendkim.sock"
    has_signer(site, "change", signer)
    has_signer(site, "split", None)
    yield
    has_signer(site, "change", None)
    has_signer(site, "split", signer)


def submit(site: Site, name: str, options: tuple[str, ...] = ()) -> Incident:
    """Submit to a colleague and to two outsiders; return the incident of the copy, when it is held."""
    inside, outside = f"{name}@corp.example", f"{name}@partner.example"
    letter = sample_mail.number_in_text()
    letter["X-Mark"] = name
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
        connection.ehlo()
        assert connection.mail(sample_mail.SENDER, options)[0] == 250
        assert connection.rcpt(inside)[0] == 250
        assert connection.rcpt(outside, ["NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;orig+2B{outside}"])[0] == 250
        assert connection.rcpt(f"second-{outside}", ["NOTIFY=NEVER"])[0] == 250
        assert connection.data(letter.as_bytes())[0] == 250

    def held() -> Incident | None:
        return next((one for one in site.store.incidents([State.HELD]) if outside in one.recipients), None)

    incident = site.wait_for(held, "the copy to be held")
    assert incident is not None
    return incident


def delivered(site: Site, name: str) -> tuple[bytes, bytes]:
    """Return the message that the colleague received and those that the external recipients received."""
    inside, outside = f"{name}@corp.example", f"{name}@partner.example"
    site.wait_for(lambda: site.next_hop.to(inside) and site.next_hop.to(outside), "both parts")
    (first,), (second,) = site.next_hop.to(inside), site.next_hop.to(outside)
    assert sorted(second.recipients) == sorted([outside, f"second-{outside}"])
    assert second.sender == sample_mail.SENDER
    return first.content, second.content


def require_signatures(keys: Path, *contents: bytes) -> list[int]:
    """Verify that each message has one signature, which is valid; return the times that they name."""
    record = "".join(re.findall(r'"([^"]*)"', (keys / "opendkim.txt").read_text()))
    published = {b"opendkim._domainkey.corp.example.": record.encode()}
    times = []
    for content in contents:
        assert content.count(b"DKIM-Signature:") == 1
        assert valid_signers(content, published) == {"opendkim"}
        field = content.partition(b"DKIM-Signature:")[2].partition(b"\r\n\r\n")[0]
        times += [int(one) for one in re.findall(rb"[;\s]t=(\d+);", field)]
    assert len(times) == len(contents)
    return times


def next_second(site: Site) -> int:
    """Wait until a signature made now names a later time than one made before; return it. It is in full seconds."""
    before = int(time.time())
    site.wait_for(lambda: int(time.time()) > before, "the next second")
    return int(time.time())


def test_both_parts_are_signed_if_copies_are_signed_at_hold(site: Site, keys: Path) -> None:
    incident = submit(site, "held")
    assert site.command("release", incident.id).returncode == 0
    require_signatures(keys, *delivered(site, "held"))
    found = site.store.incident(incident.id)
    assert found is not None
    assert found.change is None


def test_a_copy_is_signed_at_its_release(site: Site, keys: Path, signs_at_release: None) -> None:
    incident = submit(site, "release", ("RET=HDRS", "ENVID=env-1+2B25", "BODY=8BITMIME"))
    held = site.postfix.show(incident.queue_id).decode()
    assert "DKIM-Signature" not in held
    approved = next_second(site)
    assert site.command("release", incident.id).returncode == 0
    first, second = delivered(site, "release")
    (at_once, later) = require_signatures(keys, first, second)
    assert at_once < approved <= later
    assert first.partition(b"\r\nFrom:")[2] == second.partition(b"\r\nFrom:")[2]
    assert b"X-Holdgate" not in second
    site.wait_for(lambda: not site.postfix.held_ids(), "the hold queue to be empty")
    events = [one.event for one in site.store.history(incident.id)]
    assert "signing_requested" in events
    assert site.command("show", incident.id).stdout.count("changes") == 0


def test_the_released_copy_keeps_the_dsn_options(site: Site, signs_at_release: None) -> None:
    incident = submit(site, "dsn", ("RET=HDRS", "ENVID=env-1+2B25", "BODY=8BITMIME"))
    assert incident.arrival_time is not None
    queue = QueueClient(site.settings.queue.socket)
    before = queue.envelope(incident.queue_id, incident.arrival_time)
    assert before is not None
    site.next_hop.defers = True
    try:
        assert site.command("release", incident.id).returncode == 0
        found = site.wait_for(lambda: released(site, incident), "the release")
        assert found.change is not None
        queue_id = found.change["queue_id"]
        after = Postfix(site.postfix.config).envelope(queue_id)
    finally:
        site.next_hop.defers = False
        Postfix(site.postfix.config).flush(queue_id)
    assert read_envelope(after) == read_envelope(before)
    assert read_envelope(after).is_8bit
    delivered(site, "dsn")


def approve(site: Site, incident: Incident) -> None:
    """Approve without waiting for the release."""
    moderation.override(Desk(site.store, site.settings), incident, Answer.APPROVE, Actor("test", "test"))


def released(site: Site, incident: Incident) -> Incident | None:
    found = site.store.incident(incident.id)
    return found if found is not None and found.state is State.RELEASED else None


def test_a_copy_signed_at_hold_and_release_has_one_signature(site: Site, keys: Path) -> None:
    """The signer sees copies at both moments: `holdgate attach` was not run again."""
    signer = site.directory / "run/milter/opendkim.sock"
    has_signer(site, "change", signer)
    try:
        incident = submit(site, "twice")
        assert "DKIM-Signature" in site.postfix.show(incident.queue_id).decode()
        approved = next_second(site)
        assert site.command("release", incident.id).returncode == 0
        (_, later) = require_signatures(keys, *delivered(site, "twice"))
        assert later >= approved
    finally:
        has_signer(site, "change", None)


@pytest.mark.parametrize("daemon", ["desk", "queue"])
def test_a_daemon_killed_after_the_approval_loses_nothing(
    site: Site, keys: Path, daemon: str, signs_at_release: None
) -> None:
    incident = submit(site, f"killed-{daemon}")
    site.kill_daemon(daemon)
    try:
        approve(site, incident)
        if daemon == "desk":
            site.wait_for(lambda: site.store.outbox.awaits_change(incident.id), "the copy to be due")
            assert incident.queue_id in site.postfix.held_ids()
    finally:
        site.start_daemon(daemon)
    require_signatures(keys, *delivered(site, f"killed-{daemon}"))
    site.wait_for(lambda: not site.postfix.held_ids(), "the hold queue to be empty")


def test_a_desk_that_died_after_postfix_accepted_the_copy_sends_it_once(
    site: Site, keys: Path, signs_at_release: None
) -> None:
    incident = submit(site, "died")
    site.stop_daemon("desk")
    try:
        approve(site, incident)
        site.wait_for(lambda: site.store.outbox.awaits_change(incident.id), "the copy to be due")
        site.stop_daemon("queue")
        site.start_daemon("queue")
        decided = site.store.incident(incident.id)
        assert decided is not None
        desk, queue = Desk(site.store, site.settings), QueueClient(site.settings.queue.socket)
        previewer = Previewer(site.settings, queue)
        content, envelope = previewer.held(decided), previewer.envelope(decided)
        previewer.held = lambda incident: content  # type: ignore[method-assign]
        previewer.envelope = lambda incident: envelope  # type: ignore[method-assign]
        for _ in range(2):
            assert Changer(desk, previewer).submit(decided, 0, lambda: None)
    finally:
        site.start_daemon("desk")
    require_signatures(keys, *delivered(site, "died"))
    site.wait_for(lambda: not site.postfix.held_ids(), "the second copy to be deleted")
    assert len(site.next_hop.to("died@partner.example")) == 1


def hold_whole(site: Site, name: str) -> Incident:
    """Submit to two outsiders; return the incident of the message, which is held itself and was signed."""
    letter = sample_mail.number_in_text()
    letter["DKIM-Signature"] = "v=1; a=rsa-sha256; d=program.example; s=none; h=from; bh=AAAA; b=AAAA"
    names = [f"{name}@partner.example", f"other-{name}@partner.example"]
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
        assert connection.sendmail(sample_mail.SENDER, names, letter.as_bytes()) == {}

    def held() -> Incident | None:
        return next((one for one in site.store.incidents([State.HELD]) if names[0] in one.recipients), None)

    incident = site.wait_for(held, "the message to be held")
    assert incident is not None
    return incident


def leave_out(site: Site, name: str) -> tuple[bytes, int]:
    """Release a held message to one of two recipients; return the delivered message and the time of the release."""
    incident = hold_whole(site, name)
    approved = next_second(site)
    assert site.command("release", incident.id, "--not-to", f"other-{name}@partner.example").returncode == 0
    site.wait_for(lambda: site.next_hop.to(f"{name}@partner.example"), "the message")
    (sent,) = site.next_hop.to(f"{name}@partner.example")
    assert sent.recipients == [f"{name}@partner.example"]
    site.wait_for(lambda: not site.postfix.held_ids(), "the hold queue to be empty")
    assert site.next_hop.to(f"other-{name}@partner.example") == []
    return sent.content, approved


def without_program_signature(content: bytes) -> bytes:
    """Return a message without the signature that its program sent with it, which is kept."""
    theirs = re.compile(rb"^DKIM-Signature:\s+v=1; a=rsa-sha256; d=program\.example;.*\r\n", re.MULTILINE)
    assert len(theirs.findall(content)) == 1
    return theirs.sub(b"", content)


def test_a_message_without_some_recipients_is_signed_at_its_release(
    site: Site, keys: Path, signs_at_release: None
) -> None:
    content, approved = leave_out(site, "left")
    (later,) = require_signatures(keys, without_program_signature(content))
    assert later >= approved


def test_the_first_signature_stays_valid_if_the_release_does_not_sign(site: Site, keys: Path) -> None:
    content, approved = leave_out(site, "kept")
    (earlier,) = require_signatures(keys, without_program_signature(content))
    assert earlier < approved
