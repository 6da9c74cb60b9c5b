"""Holdgate's entries in Postfix's settings, with the real postconf on a separate configuration."""

from pathlib import Path

import pytest

from holdgate.config import Settings
from holdgate.queue.postfix import Postfix, Service
from holdgate.queue.presence import (
    bypass_paths,
    change_listener,
    is_open_to_all,
    listener_name,
    notice_listener,
    wants_listener,
)

MAIN = """\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
signer = inet:localhost:8891
"""
MASTER = """\
smtp inet n - y - - smtpd
cleanup unix n - n - 0 cleanup
127.0.0.1:10027 inet n - n - - smtpd
  -o smtpd_milters=
  -o receive_override_options=no_milters
"""
OURS = "/etc/holdgate/postfix"


def settings(config: Path, relay: str = "127.0.0.1:10027") -> Settings:
    return Settings.model_validate({"queue": {"postfix_config": config}, "desk": {"notice_relay": relay}})


def remarks(config: Path, more: str = "", main: str = "") -> list[str]:
    (config / "main.cf").write_text(MAIN + main)
    (config / "master.cf").write_text(MASTER + more)
    return list(bypass_paths(settings(config), Postfix(config)))


def test_the_listener_for_our_notices_is_no_way_past_us(tmp_path: Path) -> None:
    assert remarks(tmp_path) == []


@pytest.mark.parametrize("holds", [True, False])
def test_the_listener_for_changed_messages_is_no_way_past_us_where_it_holds_all(tmp_path: Path, holds: bool) -> None:
    shipped = (Path(__file__).parents[3] / "postfix/change.cf").read_text(encoding="utf-8")
    (tmp_path / "main.cf").write_text(MAIN)
    (tmp_path / "master.cf").write_text(MASTER + (shipped if holds else shipped.replace("static:HOLD", "static:OK")))
    relays = {"notice_relay": "127.0.0.1:10027", "change_relay": "unix:/var/spool/postfix/public/holdgate-change"}
    ours = Settings.model_validate({"queue": {"postfix_config": tmp_path}, "desk": relays})
    postfix = Postfix(tmp_path)
    assert [one.name for one in change_listener(postfix.services(), ours)] == (
        ["holdgate-change", "holdgate-change-cleanup"] if holds else []
    )
    assert bool(list(bypass_paths(ours, postfix))) is not holds


@pytest.mark.parametrize(
    ("more", "output"),
    [
        (
            "587 inet n - n - - smtpd\n  -o smtpd_milters=$signer\n",
            "587/inet has milters of its own (-o smtpd_milters=inet:localhost:8891)",
        ),
        (
            "587 inet n - n - - smtpd -o { smtpd_milters = { inet:x:1, default_action=accept }, inet:x:2 }\n",
            "587/inet has milters of its own (-o smtpd_milters={ inet:x:1, default_action=accept }, inet:x:2)",
        ),
        ("587 inet n - n - - smtpd -o smtpd_milters=\n", "587/inet has milters of its own (-o smtpd_milters=)"),
        (
            "own unix n - n - 0 cleanup -o non_smtpd_milters=\n",
            "own/unix has milters of its own (-o non_smtpd_milters=)",
        ),
        ("587 inet n - n - - smtpd -o receive_override_options=no_milters\n", "587/inet says no_milters"),
        ("587 inet n - n - - smtpd -o smtpd_proxy_filter=[::1]:26\n", "587/inet has an smtpd_proxy_filter"),
        (
            "own unix n - n - 0 cleanup -o milter_header_checks=\n",
            "own/unix has header checks of its own (-o milter_header_checks=)",
        ),
        (
            f"out unix - - n - - smtp -o smtp_header_checks=regexp:{OURS}/smtp_header_checks.old\n",
            f"out/unix has header checks of its own (-o smtp_header_checks=regexp:{OURS}/smtp_header_checks.old)",
        ),
    ],
)
def test_a_service_with_settings_of_its_own_is_named(tmp_path: Path, more: str, output: str) -> None:
    (remark,) = remarks(tmp_path, more)
    assert remark.startswith(f"master.cf: {output}")


@pytest.mark.parametrize(
    "more",
    [
        "587 inet n - n - - smtpd -o syslog_name=postfix/submission -o milter_macro_daemon_name=ORIGINATING\n",
        "587 inet n - n - - smtpd -o { smtpd_milters = { unix:holdgate/milter.sock, protocol=6 }, $signer }\n",
        f"own unix n - n - 0 cleanup -o milter_header_checks=regexp:/a,regexp:{OURS}/milter_header_checks\n",
        # a program that has no such setting
        "out unix - - n - - smtp -o smtpd_milters=\n",
    ],
)
def test_a_service_that_has_us_is_not_named(tmp_path: Path, more: str) -> None:
    assert remarks(tmp_path, more) == []


@pytest.mark.parametrize("setting", ["content_filter = x:[127.0.0.1]:1", "smtpd_proxy_filter = 127.0.0.1:1"])
def test_a_filter_for_all_is_named(tmp_path: Path, setting: str) -> None:
    (remark,) = remarks(tmp_path, main=f"{setting}\n")
    assert remark.startswith(f"main.cf: {setting.partition(' ')[0]}: ")


def test_services_are_read_with_their_settings(tmp_path: Path) -> None:
    remarks(tmp_path)
    assert Postfix(tmp_path).services() == [
        Service("smtp", "inet", True, "smtpd", {}),
        Service("cleanup", "unix", False, "cleanup", {}),
        Service(
            "127.0.0.1:10027", "inet", False, "smtpd", {"smtpd_milters": "", "receive_override_options": "no_milters"}
        ),
    ]


@pytest.mark.parametrize(
    ("relay", "name", "is_it"),
    [
        ("127.0.0.1:10027", "127.0.0.1:10027", True),
        ("127.0.0.1:10027", "localhost:10027", True),
        ("127.0.0.1:10027", "10027", True),
        ("localhost:10027", "127.0.0.1:10027", True),
        ("[::1]:10027", "[::1]:10027", True),
        ("127.0.0.1:10027", "127.0.0.1:10028", False),
        ("127.0.0.1:10027", "192.0.2.1:10027", False),
        ("192.0.2.1:10027", "127.0.0.1:10027", False),
    ],
)
def test_the_listener_is_known_by_any_of_its_names(relay: str, name: str, is_it: bool) -> None:
    service = Service(name, "inet", False, "smtpd", {})
    other = Service(name, "unix", False, "smtpd", {})
    assert notice_listener([other, service], settings(Path("/etc/postfix"), relay)) == (service if is_it else None)


@pytest.mark.parametrize(
    ("relay", "name", "is_local"),
    [
        ("127.0.0.1:10027", "127.0.0.1:10027", True),
        ("[::1]:10027", "[::1]:10027", True),
        ("relay.corp.example:25", "relay.corp.example:25", False),
    ],
)
def test_only_this_machine_needs_a_listener(relay: str, name: str, is_local: bool) -> None:
    site = settings(Path("/etc/postfix"), relay)
    assert listener_name(site) == name
    assert wants_listener(site) == is_local


def test_a_socket_is_known_by_its_name() -> None:
    site = settings(Path("/etc/postfix"), "unix:/var/spool/postfix/public/holdgate-notice")
    ours = Service("holdgate-notice", "unix", False, "smtpd", {})
    others = [
        Service("holdgate-notice", "inet", False, "smtpd", {}),
        Service("holdgate-notice", "unix", False, "lmtp", {}),
    ]
    assert (listener_name(site), wants_listener(site), is_open_to_all(site)) == ("holdgate-notice", True, False)
    assert notice_listener([*others, ours], site) == ours
    assert notice_listener(others, site) is None
