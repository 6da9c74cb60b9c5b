"""`holdgate check`, `reload` and `status` on a running site: no problem at first, then each fault is named."""

import json
from pathlib import Path

from testbed.ports import wait_for
from testbed.site import Site

_SHIPPED = Path(__file__).parents[2] / "etc/policies.toml"
_OWN = 'internal_domains = ["corp.example"]'
SITE = {
    "policies": _SHIPPED.read_text(encoding="utf-8").replace("internal_domains = []", _OWN),
    # Nothing is delivered here, so the canary has to go out.
    "extra": '\n[canary]\nrecipient = "canary@partner.example"\n',
}


def test_a_running_site_has_no_problem(site: Site) -> None:
    done = site.command("check")
    assert (done.returncode, done.stdout) == (0, "holdgate check: no problem found\n")


def test_a_stopped_daemon_gives_a_warning(site: Site) -> None:
    site.stop_daemon("desk")
    try:
        done = site.command("check")
    finally:
        site.start_daemon("desk")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("warning: holdgate-desk does not run; ")


def test_a_stopped_postfix_is_named(site: Site) -> None:
    assert "does not run" not in site.command("status").stdout
    site.postfix.stop()
    try:
        done, shown = site.command("check"), site.command("status")
    finally:
        site.postfix.start()
    assert (
        "warning: Postfix does not run, so no mail is accepted or sent; start it: systemctl start postfix"
        in done.stdout
    )
    assert shown.returncode == 1
    assert "NOT OK  does not run, so no mail is accepted or sent; start it: systemctl start postfix" in shown.stdout


def test_a_reload_succeeds_with_valid_policies_and_fails_with_invalid_ones(site: Site) -> None:
    good = site.policies.read_text(encoding="utf-8")
    try:
        bad = good.replace('action = "quarantine"', 'action = "hold"')
        site.policies.write_text(bad, encoding="utf-8")
        refused = site.command("reload")
        assert refused.returncode == 2
        assert 'action: "hold" is not allowed' in refused.stderr
        assert 'did you mean "quarantine"?' in refused.stderr
        # A reload that was requested without a check before.
        site.reload(bad)
        wait_for(lambda: "refused its files" in site.command("status").stdout, "status names the mistake")
        assert 'action: "hold" is not allowed' in site.command("status").stdout
    finally:
        site.policies.write_text(good, encoding="utf-8")
    done = site.command("reload", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"policies": 1, "restart": []}), done.stderr
    assert "refused its files" not in site.command("status").stdout


def test_a_reload_without_a_milter_is_an_error(site: Site) -> None:
    site.kill_daemon("milter")
    try:
        done = site.command("reload")
    finally:
        site.start_daemon("milter")
    assert done.returncode == 2
    assert "holdgate-milter does not run; start it" in done.stderr
