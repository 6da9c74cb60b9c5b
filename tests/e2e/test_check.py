"""`holdgate check` on a site that runs: all is well, and what is broken then is named."""

from pathlib import Path

from testbed.site import Site

_SHIPPED = Path(__file__).parents[2] / "etc/policies.toml"
_OWN = 'internal_domains = ["corp.example"]'
SITE = {
    "policies": _SHIPPED.read_text(encoding="utf-8").replace("internal_domains = []", _OWN),
    # Nothing is delivered here, so the canary has to go out.
    "extra": '\n[canary]\nrecipient = "canary@partner.example"\n',
}


def test_a_site_that_runs_has_no_problem(site: Site) -> None:
    done = site.command("check")
    assert (done.returncode, done.stdout) == (0, "holdgate check: no problem found\n")


def test_a_daemon_that_does_not_run_is_remarked(site: Site) -> None:
    site.stop_daemon("desk")
    try:
        done = site.command("check")
    finally:
        site.start_daemon("desk")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("warning: holdgate-desk does not run; ")
