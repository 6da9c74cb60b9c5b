"""Trusted headers: seals, loops through a second MTA, trusted scanners, and the three deployment modes."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdgate import headers
from holdgate.quarantine.states import State
from holdgate.seal import SEALED_FIELDS, BodyHash, HeaderHash, Key, Sealed, Sealer, load_keys
from testbed import sample_mail
from testbed.ports import free_port
from testbed.postfix import PostfixInstance
from testbed.site import Site
from tests.e2e.conftest import running_site

NewSite = Callable[..., Site]
SENDER, RECIPIENT = sample_mail.SENDER, sample_mail.RECIPIENT

# Scanner: inspect, mark, and send to a system that acts on the headers. Nothing is held here.
SCANNER = """
[[policy]]
name = "pii-outbound"
profile = { dlp-pii = "low" }
action = "tag"
headers = { X-Netskope-Action = "Quarantine" }
"""
KEEP = {"smtp_header_checks": ""}


@pytest.fixture
def loop(new_site: NewSite, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """A site that sends all mail to a second MTA, which sends it back to the site, which sends it to the next hop."""
    instances: list[PostfixInstance] = []

    def start(**options: object) -> Site:
        return_port, second_port = free_port(), free_port()

        class Returning(Site):
            def prepare(self) -> None:
                super().prepare()
                self._services = (
                    f"127.0.0.1:{return_port} inet n - n - - smtpd\n"
                    f"    -o syslog_name=postfix/return -o content_filter=smtp:[127.0.0.1]:{self.next_hop.port}\n"
                )
                self._changes = {
                    **KEEP,
                    "milter_header_checks": "",
                    "relayhost": f"[127.0.0.1]:{second_port}",
                    **self._changes,
                }

        site = new_site(kind=Returning, **options)
        second = PostfixInstance(site.directory / "second", smtp_port=second_port, relay_port=return_port, milter="")
        second.write(smtp_header_checks="", milter_header_checks="", myhostname="other.partner.example")
        instances.append(second)
        second.start()
        return site

    yield start
    for instance in instances:
        instance.stop()


def sealed_as_by_site(site: Site, message: bytes, sealer: Sealer, at: datetime, recipient: str = RECIPIENT) -> bytes:
    """Return the message with the seal that `sealer` would have given it at that time."""
    header, _, body = message.partition(b"\r\n\r\n")
    fields = {
        name: b" " + re.search(rb"(?im)^" + name.encode() + rb": *(.*)\r$", header + b"\r\n")[1]  # type: ignore[index]
        for name in SEALED_FIELDS
    }
    digest = BodyHash()
    digest.update(body)
    whole = HeaderHash()
    for field in re.finditer(rb"(\S+):((?:.*\n)(?:[ \t].*\n)*)", (header + b"\r\n").replace(b"\r\n", b"\n")):
        whole.update(field[1], field[2])
    value = sealer.seal(Sealed(SENDER, (recipient,), fields, digest.digest(), whole.digest()), at)
    return f"{headers.SEAL}: {value}\r\n{headers.INSPECTED}: true\r\n".encode() + message


# -- the loop ---------------------------------------------------------------------------------------------------------


def test_a_loop_through_a_second_mta_ends_after_one_inspection(loop: Callable[..., Site]) -> None:
    site = loop(policies=SCANNER)
    site.submit(sample_mail.number_in_text().as_bytes(), SENDER, RECIPIENT)
    site.wait_for(lambda: site.next_hop.to(RECIPIENT), "the message to come through the loop")
    log = site.log("milter")
    assert log.count(": inspected: ") == 1
    assert log.count(": skipped: ") == 1
    assert 'holdgate_seals_total{status="valid"} 1.0' in site.metrics("milter")
    (delivery,) = site.next_hop.to(RECIPIENT)
    assert delivery.message.get_all(headers.INSPECTED) == ["true"]
    assert delivery.message.get_all(headers.SEAL) is None


# -- seals that must not count ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trusting() -> Iterator[Site]:
    with running_site() as site:
        yield site


def submit_and_expect_inspection(site: Site, content: bytes, why: str, recipient: str = RECIPIENT) -> None:
    before = len(site.store.incidents())
    site.submit(content, SENDER, recipient)
    site.wait_for(lambda: len(site.store.incidents()) == before + 1, "the message to be inspected and held")
    assert f"seal-ignored: why={why}" in site.log("milter") or not why


def test_a_valid_seal_is_accepted_once(trusting: Site) -> None:
    sealer = Sealer(load_keys(trusting.settings.seal.keys), timedelta(hours=1))
    content = sealed_as_by_site(trusting, sample_mail.number_in_text().as_bytes(), sealer, datetime.now(UTC))
    trusting.submit(content, SENDER, RECIPIENT)
    trusting.wait_for(lambda: trusting.next_hop.to(RECIPIENT), "the sealed message to pass")
    submit_and_expect_inspection(trusting, content, "replayed")


def test_an_inspected_header_without_a_seal_is_not_trusted(trusting: Site) -> None:
    forged = b"X-Netskope-Inspected: true\r\n" + sample_mail.number_in_text().as_bytes()
    submit_and_expect_inspection(trusting, forged, "")


def test_a_seal_copied_from_another_message_is_ignored(trusting: Site) -> None:
    sealer = Sealer(load_keys(trusting.settings.seal.keys), timedelta(hours=1))
    good = sealed_as_by_site(trusting, sample_mail.clean().as_bytes(), sealer, datetime.now(UTC))
    seal = good.split(b"\r\n", 1)[0]
    submit_and_expect_inspection(trusting, seal + b"\r\n" + sample_mail.number_in_text().as_bytes(), "altered")


@pytest.mark.parametrize(
    "change",
    [
        (b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: base64"),
        (b'Content-Type: text/plain; charset="utf-8"', b'Content-Type: text/plain; charset="utf-7"'),
        (b"Subject: ", b"Subject: a second\r\nSubject: "),
        (b"Subject: ", b"X-Note: a field of its own\r\nSubject: "),
    ],
)
def test_a_seal_on_a_body_with_another_encoding_is_ignored(trusting: Site, change: tuple[bytes, bytes]) -> None:
    sealer = Sealer(load_keys(trusting.settings.seal.keys), timedelta(hours=1))
    good = sealed_as_by_site(trusting, sample_mail.number_in_text().as_bytes(), sealer, datetime.now(UTC))
    assert change[0] in good
    before = trusting.log("milter").count("seal-ignored: why=altered")
    trusting.submit(good.replace(*change), SENDER, RECIPIENT)
    assert trusting.log("milter").count("seal-ignored: why=altered") == before + 1


def test_a_seal_for_another_recipient_is_ignored(trusting: Site) -> None:
    sealer = Sealer(load_keys(trusting.settings.seal.keys), timedelta(hours=1))
    message = sample_mail.number_in_text().as_bytes()
    content = sealed_as_by_site(trusting, message, sealer, datetime.now(UTC), "colleague@corp.example")
    submit_and_expect_inspection(trusting, content, "altered", "rival@partner.example")


def test_an_expired_seal_is_ignored(trusting: Site) -> None:
    sealer = Sealer(load_keys(trusting.settings.seal.keys), timedelta(hours=1))
    then = datetime.now(UTC) - timedelta(days=30)
    content = sealed_as_by_site(trusting, sample_mail.number_in_text().as_bytes(), sealer, then)
    submit_and_expect_inspection(trusting, content, "stale")


def test_a_seal_with_an_unknown_key_is_ignored(trusting: Site, tmp_path: Path) -> None:
    foreign = Sealer([Key("abcdefgh", datetime.now(UTC), b"k" * 32)], timedelta(hours=1))
    content = sealed_as_by_site(trusting, sample_mail.number_in_text().as_bytes(), foreign, datetime.now(UTC))
    submit_and_expect_inspection(trusting, content, "unknown-key")


def test_a_new_key_seals_and_the_old_one_still_verifies(trusting: Site) -> None:
    old = Sealer(load_keys(trusting.settings.seal.keys), timedelta(hours=1))
    assert trusting.command("seal", "new-key").returncode == 0
    trusting.reload(trusting.policies.read_text())
    trusting.wait_for(lambda: "reloaded" in trusting.log("milter"), "the reload")
    content = sealed_as_by_site(
        trusting, sample_mail.number_in_text().as_bytes(), old, datetime.now(UTC), "rotated@partner.example"
    )
    trusting.submit(content, SENDER, "rotated@partner.example")
    trusting.wait_for(
        lambda: trusting.next_hop.to("rotated@partner.example"), "the message with the older seal to pass"
    )
    trusting_log = trusting.log("milter")
    for key in load_keys(trusting.settings.seal.keys):
        assert key.secret.hex() not in trusting_log


# -- scanner and desk -------------------------------------------------------------------------------------------------


def test_the_scanner_mode_marks_and_delivers(new_site: NewSite) -> None:
    """The next hop sees the header that Netskope's instructions name."""
    site = new_site(policies=SCANNER, changes={**KEEP, "milter_header_checks": ""})
    site.submit(sample_mail.number_in_text().as_bytes(), SENDER, RECIPIENT)
    site.submit(sample_mail.clean().as_bytes(), SENDER, "clean@partner.example")
    site.wait_for(lambda: len(site.next_hop.deliveries) == 2, "both to pass")
    marked, clean = site.next_hop.to(RECIPIENT)[0].message, site.next_hop.to("clean@partner.example")[0].message
    assert (marked[headers.INSPECTED], marked[headers.ACTION]) == ("true", "Quarantine")
    assert (clean[headers.INSPECTED], clean[headers.ACTION]) == ("true", None)
    assert site.postfix.held_ids() == []


@pytest.mark.parametrize(
    ("mark", "is_held"),
    [
        (b"X-Netskope-Inspected: true\r\nX-Netskope-Action: Quarantine\r\n", True),
        (b"x-panw-action: quarantine\r\n", True),
        (b"X-Netskope-Inspected: true\r\n", False),
        (b"X-Netskope-Inspected: true\r\nX-Panw-Action: monitor\r\n", False),
    ],
)
def test_the_desk_mode_trusts_a_listed_scanner(desk: Site, mark: bytes, is_held: bool) -> None:
    recipient = f"desk{abs(hash(mark)) % 10**6}@partner.example"
    desk.submit(mark + sample_mail.number_in_text().as_bytes(), SENDER, recipient)
    if is_held:
        desk.wait_for(
            lambda: any(recipient in i.recipients for i in desk.store.incidents([State.HELD])), "the message to be held"
        )
        incident = next(i for i in desk.store.incidents([State.HELD]) if recipient in i.recipients)
        assert incident.policy.startswith("mark X-")
        assert desk.command("release", incident.id).returncode == 0
    desk.wait_for(lambda: desk.next_hop.to(recipient), "delivery")
    assert desk.next_hop.to(recipient)[0].message[headers.ACTION] is None


def test_the_desk_mode_inspects_mail_that_the_scanner_did_not(desk: Site) -> None:
    desk.submit(sample_mail.number_in_text().as_bytes(), SENDER, "unmarked@partner.example")
    desk.wait_for(
        lambda: any("unmarked@partner.example" in i.recipients for i in desk.store.incidents([State.HELD])), "held"
    )


@pytest.fixture(scope="module")
def desk() -> Iterator[Site]:
    with running_site(policy_extra='trusted_scanners = ["127.0.0.1/32"]\n') as site:
        yield site
