"""Holdgate's entries in Postfix's settings, with the real postconf on a separate configuration."""

from pathlib import Path

import pytest

from holdgate.config import Settings
from holdgate.queue.postfix import Postfix, Service
from holdgate.queue.presence import (
    bypass_paths,
    change_listener,
    content_filters,
    has_change_milters,
    inspected_twice,
    is_open_to_all,
    listener_name,
    milters_after_holdgate,
    misplaced_socket,
    notice_listener,
    replace_listener,
    split_listener,
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


def test_the_notice_listener_is_not_a_bypass(tmp_path: Path) -> None:
    assert remarks(tmp_path) == []


@pytest.mark.parametrize("holds", [True, False])
def test_the_listener_for_changed_messages_is_not_a_bypass_if_it_holds_all(tmp_path: Path, holds: bool) -> None:
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
            "587/inet has separate milters (-o smtpd_milters=inet:localhost:8891)",
        ),
        (
            "587 inet n - n - - smtpd -o { smtpd_milters = { inet:x:1, default_action=accept }, inet:x:2 }\n",
            "587/inet has separate milters (-o smtpd_milters={ inet:x:1, default_action=accept }, inet:x:2)",
        ),
        ("587 inet n - n - - smtpd -o smtpd_milters=\n", "587/inet has separate milters (-o smtpd_milters=)"),
        (
            "own unix n - n - 0 cleanup -o non_smtpd_milters=\n",
            "own/unix has separate milters (-o non_smtpd_milters=)",
        ),
        ("587 inet n - n - - smtpd -o receive_override_options=no_milters\n", "587/inet has no_milters"),
        (
            "587 inet n - n - - smtpd -o smtpd_milter_maps=static:DISABLE\n",
            "587/inet has a separate table: smtpd_milter_maps: it has precedence over smtpd_milters",
        ),
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
def test_a_service_that_overrides_the_milters_is_named(tmp_path: Path, more: str, output: str) -> None:
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
def test_a_service_with_holdgate_is_not_named(tmp_path: Path, more: str) -> None:
    assert remarks(tmp_path, more) == []


@pytest.mark.parametrize(
    "setting",
    ["content_filter = x:[127.0.0.1]:1", "smtpd_proxy_filter = 127.0.0.1:1", "smtpd_milter_maps = static:DISABLE"],
)
def test_a_content_filter_for_all_mail_is_named(tmp_path: Path, setting: str) -> None:
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
    ("relay", "name", "is_listener"),
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
def test_the_listener_is_recognised_by_any_of_its_names(relay: str, name: str, is_listener: bool) -> None:
    service = Service(name, "inet", False, "smtpd", {})
    other = Service(name, "unix", False, "smtpd", {})
    assert notice_listener([other, service], settings(Path("/etc/postfix"), relay)) == (
        service if is_listener else None
    )


@pytest.mark.parametrize(
    ("relay", "name", "is_local"),
    [
        ("127.0.0.1:10027", "127.0.0.1:10027", True),
        ("[::1]:10027", "[::1]:10027", True),
        ("relay.corp.example:25", "relay.corp.example:25", False),
    ],
)
def test_a_listener_is_needed_only_for_a_relay_on_this_machine(relay: str, name: str, is_local: bool) -> None:
    site = settings(Path("/etc/postfix"), relay)
    assert listener_name(site) == name
    assert wants_listener(site) == is_local


def test_a_unix_socket_is_recognised_by_its_name() -> None:
    site = settings(Path("/etc/postfix"), "unix:/var/spool/postfix/public/holdgate-notice")
    ours = Service("holdgate-notice", "unix", False, "smtpd", {})
    others = [
        Service("holdgate-notice", "inet", False, "smtpd", {}),
        Service("holdgate-notice", "unix", False, "lmtp", {}),
    ]
    assert (listener_name(site), wants_listener(site), is_open_to_all(site)) == ("holdgate-notice", True, False)
    assert notice_listener([*others, ours], site) == ours
    assert notice_listener(others, site) is None


# -- settings of a site, without Postfix's commands ---------------------------------------------------------------


class Site(Postfix):
    """Settings of main.cf and services of master.cf, as `Postfix` returns them."""

    def __init__(self, *services: Service, **main: str) -> None:
        self._services = list(services)
        self._main = {"queue_directory": "/var/spool/postfix"} | main

    def services(self) -> list[Service]:
        return self._services

    def setting(self, name: str) -> str:
        return self._main.get(name, "")


HERE = "unix:holdgate/milter.sock"
SITE = settings(Path("/etc/postfix"))


def smtpd(name: str, kind: str = "inet", **options: str) -> Service:
    return Service(name, kind, False, "smtpd", options)


NOTICES = smtpd("127.0.0.1:10027", smtpd_milters="", receive_override_options="no_milters")
RETURN = smtpd("127.0.0.1:10025", content_filter="")
SUBMISSION = smtpd("587", content_filter="smtp-amavis:[127.0.0.1]:10024")


@pytest.mark.parametrize(
    ("services", "main", "found"),
    [
        # A filter for all mail, and the listener to which it returns mail, which passes it to the milter again.
        ((RETURN,), {"content_filter": "x:1", "smtpd_milters": HERE}, ["127.0.0.1:10025/inet"]),
        ((smtpd("localhost:10025"), SUBMISSION), {"smtpd_milters": HERE}, ["localhost:10025/inet"]),
        ((smtpd("[::1]:10025"), SUBMISSION), {"smtpd_milters": HERE}, ["[::1]:10025/inet"]),
        ((smtpd("192.0.2.9:10025", content_filter=""),), {"content_filter": "x:1", "smtpd_milters": HERE}, ["192.0"]),
        ((RETURN,), {"content_filter": "x:1", "smtpd_milters": f"inet:x:1, {HERE}"}, ["127.0.0.1:10025/inet"]),
        ((smtpd("127.0.0.1:10025", smtpd_milters=HERE), SUBMISSION), {}, ["127.0.0.1:10025/inet"]),
        # No filter, or mail that is not inspected when it returns.
        ((RETURN,), {"smtpd_milters": HERE}, []),
        ((RETURN,), {"content_filter": "x:1", "smtpd_milters": "inet:x:1"}, []),
        ((smtpd("127.0.0.1:10025", smtpd_milters=""), SUBMISSION), {"smtpd_milters": HERE}, []),
        (
            (smtpd("127.0.0.1:10025", receive_override_options="no_address_mappings,no_milters"), SUBMISSION),
            {"smtpd_milters": HERE},
            [],
        ),
        # Listeners to which no filter returns mail: one for clients, one with a separate filter, others.
        ((smtpd("587"), smtpd("25")), {"content_filter": "x:1", "smtpd_milters": HERE}, []),
        ((smtpd("127.0.0.1:587", content_filter="x:1"),), {"content_filter": "x:1", "smtpd_milters": HERE}, []),
        ((smtpd("127.0.0.1:10027"),), {"content_filter": "x:1", "smtpd_milters": HERE}, []),
        ((smtpd("127.0.0.1:10025", kind="unix"),), {"content_filter": "x:1", "smtpd_milters": HERE}, []),
        ((Service("127.0.0.1:10025", "inet", False, "qmqpd", {}), SUBMISSION), {"smtpd_milters": HERE}, []),
    ],
)
def test_a_filter_that_returns_mail_to_the_milter_is_named_with_the_remedy(
    services: tuple[Service, ...], main: dict[str, str], found: list[str]
) -> None:
    named = list(inspected_twice(SITE, Site(*services, **main)))
    assert len(named) == len(found)
    for line, listener in zip(named, found, strict=True):
        assert line.startswith(listener)
        assert line.endswith("add to it: -o receive_override_options=no_milters")


def test_only_content_filters_of_inspected_mail_are_returned() -> None:
    pickup = Service("pickup", "unix", False, "pickup", {"content_filter": "x:1"})
    other = Service("cleanup", "unix", False, "cleanup", {"content_filter": "x:1"})
    site = Site(SUBMISSION, RETURN, pickup, other, content_filter="x:1")
    assert content_filters(site.services(), site) == [
        "main.cf: content_filter",
        "master.cf: 587/inet: content_filter",
        "master.cf: pickup/unix: content_filter",
    ]
    assert content_filters([RETURN, other], Site(RETURN, other)) == []


def test_a_listener_for_a_content_filter_without_the_milter_is_not_a_bypass() -> None:
    """Its mail was inspected before it went to the filter. Without a filter it is a bypass."""
    back = smtpd("127.0.0.1:10025", content_filter="", smtpd_milters="", receive_override_options="no_milters")
    assert list(bypass_paths(SITE, Site(NOTICES, back, content_filter="x:1", smtpd_milters=HERE))) == []
    remarks = list(bypass_paths(SITE, Site(NOTICES, back, smtpd_milters=HERE)))
    assert [one.partition("/inet ")[2].split()[1] for one in remarks] == ["separate", "no_milters:"]
    # A filter without a listener for its mail is named: people could get two requests.
    (remark,) = bypass_paths(SITE, Site(NOTICES, content_filter="x:1", smtpd_milters=HERE))
    assert remark.startswith("main.cf: content_filter: mail that this filter returns is inspected a second time")


def test_every_other_postfix_instance_is_named() -> None:
    site = Site(NOTICES, multi_instance_directories="/etc/postfix-in, /etc/postfix-out")
    assert [one.partition(":")[0] for one in bypass_paths(SITE, site)] == ["/etc/postfix-in", "/etc/postfix-out"]


def test_pickup_must_check_the_header_of_requeued_mail() -> None:
    pickup = Service("pickup", "unix", False, "pickup", {"receive_override_options": "no_header_body_checks"})
    (remark,) = bypass_paths(SITE, Site(NOTICES, pickup))
    assert remark.startswith("master.cf: pickup/unix has no_header_body_checks: held mail that is requeued")
    others = [
        Service("pickup", "unix", False, "pickup", {"receive_override_options": "no_address_mappings"}),
        smtpd("587", receive_override_options="no_header_body_checks"),
    ]
    assert list(bypass_paths(SITE, Site(NOTICES, *others))) == []


@pytest.mark.parametrize(
    ("milters", "after"),
    [
        (f"{HERE}, inet:localhost:8891", "inet:localhost:8891"),
        (f"inet:x:1, {HERE} inet:x:2,inet:x:3", "inet:x:2,inet:x:3"),
        (f"{{ {HERE}, protocol=6 }}, {{ inet:x:2, default_action = accept }}", "{inet:x:2,default_action=accept}"),
        (f"{HERE}, inet:x:1, {HERE}, inet:x:2", "inet:x:2"),
        (f"inet:x:1, {HERE}", ""),
        ("inet:x:1, inet:x:2", ""),
        ("", ""),
    ],
)
def test_the_milters_after_holdgate_are_returned_as_one_word(milters: str, after: str) -> None:
    assert milters_after_holdgate(milters, SITE, Site()) == after


def test_a_listener_socket_must_be_where_postfix_creates_it() -> None:
    site = Site()
    assert misplaced_socket(("127.0.0.1", 10027), site) == ""
    assert misplaced_socket(Path("/var/spool/postfix/public/x"), site) == ""
    assert misplaced_socket(Path("/run/holdgate/../x"), site) == "/var/spool/postfix/public/x"


HOLDS = {"smtpd_recipient_restrictions": "check_client_access,static:HOLD,permit"}


def test_the_other_listeners_are_recognised_by_name_type_and_program() -> None:
    tables = {
        "milter": {"split_relay": "unix:/var/spool/postfix/public/a"},
        "desk": {"change_relay": "unix:/var/spool/postfix/public/a", "replacement_relay": "unix:/var/spool/postfix/a"},
    }
    site = Settings.model_validate(tables)
    others = [smtpd("b", "unix", **HOLDS), smtpd("a", "inet", **HOLDS), Service("a", "unix", False, "lmtp", HOLDS)]
    ours = smtpd("a", "unix", **HOLDS)
    for find in (split_listener, replace_listener):
        assert find([*others, ours], site) == ours
        assert find(others, site) is None
    assert change_listener([*others, ours], site) == [ours]
    assert change_listener(others, site) == []
    # A listener that does not hold all mail would deliver messages without an approval.
    assert replace_listener([smtpd("a", "unix")], site) is None
    assert change_listener([smtpd("a", "unix")], site) == []
    # Without the setting there is none.
    assert replace_listener([ours], Settings()) is None
    assert change_listener([ours], Settings()) == []


def test_the_listener_for_changed_messages_includes_its_cleanup_service() -> None:
    site = Settings.model_validate({"desk": {"change_relay": "unix:/var/spool/postfix/public/a"}})
    ours = smtpd("a", "unix", cleanup_service_name="own", **HOLDS)
    cleanup = Service("own", "unix", False, "cleanup", {})
    others = [Service("own", "unix", False, "smtpd", {}), Service("cleanup", "unix", False, "cleanup", {})]
    assert change_listener([*others, ours, cleanup], site) == [ours, cleanup]
    assert not has_change_milters([ours], site)
    assert has_change_milters([smtpd("a", "unix", smtpd_milters="inet:x:1", **HOLDS)], site)
    assert not has_change_milters([], site)


@pytest.mark.parametrize(
    ("relay", "is_open"), [("127.0.0.1:25", True), ("relay.corp.example:25", False), ("unix:/run/x", False)]
)
def test_a_local_tcp_port_is_open_to_all_users(relay: str, is_open: bool) -> None:
    assert is_open_to_all(settings(Path("/etc/postfix"), relay)) is is_open
