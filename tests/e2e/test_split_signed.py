"""OpenDKIM after Holdgate signs both parts of a split message: the one sent at once, and the held copy."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.conftest import running_site
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from support.neighbours import valid_signers
from testbed import letters
from testbed.site import Site

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
INTERNAL, OUTSIDE = "carol@corp.example", "bob@partner.example"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    subprocess.run(["opendkim-genkey", "-D", directory, "-d", "corp.example", "-s", "opendkim"], check=True)
    return directory


@pytest.fixture(scope="module")
def site(keys: Path) -> Iterator[Site]:
    extra = '\n[moderation]\nmoderators = ["boss@corp.example"]\n'
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
            config = Path(running.postfix.config)
            with (config / "main.cf").open("a", encoding="utf-8") as main:
                main.write(f"\nsmtpd_milters = {ours} unix:{signer}\n")
            master = config / "master.cf"
            milters = f"syslog_name=postfix/holdgate-split\n    -o smtpd_milters=unix:{signer}\n"
            found = re.subn(
                r"syslog_name=postfix/holdgate-split\n +-o smtpd_milters=\n",
                milters,
                master.read_text(encoding="utf-8"),
            )
            assert found[1] == 1
            master.write_text(found[0], encoding="utf-8")
            running.postfix.reload()
            yield running
        finally:
            process.terminate()
            process.wait()


def test_both_parts_are_signed(site: Site, keys: Path) -> None:
    site.submit(letters.number_in_text().as_bytes(), letters.SENDER, INTERNAL, OUTSIDE)
    (first,) = site.wait_for(lambda: site.world.to(INTERNAL), "the colleague's delivery")

    def held() -> Incident | None:
        return next((one for one in site.store.incidents([State.HELD]) if one.recipients == [OUTSIDE]), None)

    incident = site.wait_for(held, "the copy to be held")
    assert incident is not None
    assert site.command("release", incident.id).returncode == 0
    (second,) = site.wait_for(lambda: site.world.to(OUTSIDE), "the copy")
    record = "".join(re.findall(r'"([^"]*)"', (keys / "opendkim.txt").read_text()))
    published = {b"opendkim._domainkey.corp.example.": record.encode()}
    for delivery in (first, second):
        assert delivery.content.count(b"DKIM-Signature:") == 1
        assert valid_signers(delivery.content, published) == {"opendkim"}
