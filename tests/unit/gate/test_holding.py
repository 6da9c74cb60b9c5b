"""Whether the milter requests quarantine itself, with the real postconf and postmap on a separate configuration."""

import os
import time
from pathlib import Path

import pytest

from holdgate.gate import holding
from holdgate.gate.holding import needs_milter_quarantine
from holdgate.tables import postconf

SOCKET = "unix:/var/spool/postfix/holdgate/milter.sock"
OURS = "{ unix:holdgate/milter.sock, default_action=tempfail }"
SIGNER = "inet:127.0.0.1:8891"
HEADER = ("X-Netskope-Action", "Quarantine")
MASTER = "smtp inet n - n - - smtpd\ncleanup unix n - n - 0 cleanup\n"
CHECKS = Path(__file__).parents[3] / "postfix/milter_header_checks"


def asks(
    directory: Path,
    milters: str,
    checks: str,
    header: tuple[str, str] = HEADER,
    more: str = "",
    master: str = MASTER,
    socket: str = SOCKET,
) -> bool:
    (directory / "master.cf").write_text(master)
    (directory / "main.cf").write_text(
        "compatibility_level = 3.6\nqueue_directory = /var/spool/postfix\n"
        f"smtpd_milters = {milters}\nmilter_header_checks = {checks}\n{more}"
    )
    # Postfix waits until a file is two seconds old, because an editor may not be done.
    before = time.time() - 10
    for name in ("main.cf", "master.cf"):
        os.utime(directory / name, (before, before))
    return needs_milter_quarantine(directory, socket, header)


def test_no_milter_quarantine_is_requested_if_a_signing_milter_follows(tmp_path: Path) -> None:
    assert not asks(tmp_path, f"{OURS}, {SIGNER}", f"regexp:{CHECKS}")
    assert not asks(tmp_path, f"{SOCKET} {SIGNER}", f"regexp:{CHECKS}")


def test_a_tcp_socket_is_recognised_in_postfix_notation(tmp_path: Path) -> None:
    more = f"smtpd_milters = {{ inet:localhost:8895, default_action=tempfail }}, {SIGNER}\n"
    assert not asks(tmp_path, "", f"regexp:{CHECKS}", more=more, socket="inet:8895@127.0.0.1")
    assert asks(tmp_path, "", f"regexp:{CHECKS}", more=more, socket="inet:8896@127.0.0.1")


def test_non_smtpd_milters_may_list_the_signer_without_holdgate(tmp_path: Path) -> None:
    assert not asks(tmp_path, OURS, f"regexp:{CHECKS}", more=f"non_smtpd_milters = {OURS}, {SIGNER}\n")


@pytest.mark.parametrize("milters", [OURS, f"{SIGNER}, {OURS}", SIGNER, f"unix:other/milter.sock, {SIGNER}", ""])
def test_quarantine_is_requested_if_no_milter_follows(tmp_path: Path, milters: str) -> None:
    assert asks(tmp_path, milters, f"regexp:{CHECKS}")


@pytest.mark.parametrize(
    "checks",
    [
        "",
        "regexp:/nonexistent/table",
        f"static:{{PREPEND X-Other: 1}}, regexp:{CHECKS}",
        "static:HOLDING",
        "static:WARN",
    ],
)
def test_quarantine_is_requested_if_the_header_checks_do_not_hold(tmp_path: Path, checks: str) -> None:
    assert asks(tmp_path, f"{OURS}, {SIGNER}", checks)


@pytest.mark.parametrize(
    "option",
    [
        "-o milter_header_checks=",
        "-o milter_header_checks=$header_checks",
        "-o { milter_header_checks = regexp:/etc/postfix/own }",
    ],
)
def test_quarantine_is_requested_if_a_service_overrides_the_header_checks(tmp_path: Path, option: str) -> None:
    assert asks(tmp_path, f"{OURS}, {SIGNER}", f"regexp:{CHECKS}", master=f"{MASTER}  {option}\n")
    assert not asks(tmp_path, f"{OURS}, {SIGNER}", f"regexp:{CHECKS}", master=f"{MASTER}  -o header_checks=\n")


def test_quarantine_is_requested_for_a_header_that_the_table_does_not_match(tmp_path: Path) -> None:
    assert asks(tmp_path, f"{OURS}, {SIGNER}", f"regexp:{CHECKS}", ("X-Other-Action", "Quarantine"))
    assert asks(tmp_path, f"{OURS}, {SIGNER}", f"regexp:{CHECKS}", ("X-Netskope-Action", "Block"))


def test_a_site_table_before_the_holdgate_table_changes_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("/^X-Spam: yes/ HOLD\n")
    assert not asks(tmp_path, f"{OURS}, {SIGNER}", f"regexp:{other}, regexp:{CHECKS}")


def test_a_table_may_return_hold_in_lower_case(tmp_path: Path) -> None:
    assert not asks(tmp_path, f"{OURS}, {SIGNER}", "static:{hold seen}")
    assert asks(tmp_path, f"{OURS}, {SIGNER}", "static:{holding}")


def test_quarantine_is_requested_if_postfix_has_no_configuration(tmp_path: Path) -> None:
    assert needs_milter_quarantine(tmp_path / "nothing", SOCKET, HEADER)


def test_postconf_runs_again_only_after_a_file_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "checks"
    table.write_text(CHECKS.read_text())
    assert not asks(tmp_path, f"{OURS}, {SIGNER}", f"regexp:{table}")
    asked: list[str] = []
    run = postconf

    def counting(config: Path, *arguments: str) -> list[str]:
        asked.append(arguments[0])
        return run(config, *arguments)

    monkeypatch.setattr(holding, "postconf", counting)
    assert not needs_milter_quarantine(tmp_path, SOCKET, HEADER)
    assert asked == []
    table.write_text("/^X-Other:/ HOLD\n")
    assert needs_milter_quarantine(tmp_path, SOCKET, HEADER)
    assert asked == []
    assert asks(tmp_path, f"{OURS}", f"regexp:{table}")
    assert asked == ["-xh", "-P"]
