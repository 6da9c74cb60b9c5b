"""Attach to Postfix's settings and detach, with the real postconf on a separate configuration."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.config import Settings
from holdgate.queue import attach
from holdgate.queue.attach import AttachError
from holdgate.queue.detach import TOUCHED, VALUES
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.queue.presence import change_listener, own_listeners, replace_listener
from holdgate.tables import split_list

ENTRY = "{ unix:holdgate/milter.sock, default_action=tempfail, protocol=6, content_timeout=300s }"
MAIN = """\
# kept as it is, comments and all
compatibility_level = 3.6
queue_directory = /var/spool/postfix

smtpd_milters = inet:localhost:8891,
    inet:localhost:11332
milter_default_action = accept
header_checks = regexp:/etc/postfix/header_checks
"""
MASTER = """\
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_milters=inet:localhost:8891
cleanup   unix  n       -       y       -       0       cleanup
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "postfix"
    directory.mkdir()
    (directory / "main.cf").write_text(MAIN)
    (directory / "master.cf").write_text(MASTER)
    monkeypatch.setattr(attach, "STATE_DIRECTORY", tmp_path / "attached")
    monkeypatch.setattr(attach, "_postfix", lambda _config, _command: None)
    return directory


def settings(config: Path, **milter: str) -> Settings:
    return Settings.model_validate({"queue": {"postfix_config": config}, "milter": milter})


def by_tcp(config: Path) -> Settings:
    return Settings.model_validate({"queue": {"postfix_config": config}, "desk": {"notice_relay": "127.0.0.1:10027"}})


def run_attach(config: Path) -> None:
    plan = attach.plan_attach(settings(config))
    attach.save_state(plan)
    attach.apply(plan)


def run_detach(config: Path) -> None:
    attach.apply(attach.plan_detach(settings(config)))
    attach.delete_state(config)


def test_new_settings_are_added_in_the_order_of_the_pages(config: Path) -> None:
    """Of several settings at once, postconf(1) adds the new ones in another order each time."""
    (config / "main.cf").write_text("queue_directory = /var/spool/postfix\n")
    run_attach(config)
    names = [line.partition(" =")[0] for line in (config / "main.cf").read_text().splitlines()[1:]]
    assert names == [name for name in TOUCHED if name in names]
    assert len(names) > 8


def test_the_shipped_main_cf_lists_the_settings_that_attach_writes() -> None:
    shipped = Path(__file__).parents[3] / "postfix/main.cf"
    lines = [line.partition(" =") for line in shipped.read_text().splitlines() if not line.startswith("#")]
    values = {name: value.strip() for name, equals, value in lines if equals}
    assert {name: values[name] for name in VALUES} == VALUES


def test_holdgate_is_added_before_the_signer_and_other_entries_stay(config: Path) -> None:
    run_attach(config)
    postfix = Postfix(config)
    assert postfix.raw_setting("smtpd_milters") == f"{ENTRY}, inet:localhost:8891, inet:localhost:11332"
    assert postfix.raw_setting("non_smtpd_milters") == ENTRY
    assert postfix.raw_setting("milter_default_action") == "accept"
    assert postfix.raw_setting("milter_header_checks") == "regexp:/etc/holdgate/postfix/milter_header_checks"
    own = "regexp:/etc/postfix/header_checks"
    assert postfix.raw_setting("header_checks") == f"regexp:/etc/holdgate/postfix/header_checks, {own}"
    assert {postfix.raw_setting(name) for name in ("mime_header_checks", "nested_header_checks")} == {own}
    assert postfix.raw_setting("enable_long_queue_ids") == "yes"
    assert {"holdgate-notice", "holdgate-cleanup"} < {service.name for service in postfix.services()}
    assert attach.plan_attach(settings(config)).difference == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "US"),
        ("inet:localhost:8891", "US, inet:localhost:8891"),
        ("unix:/run/clamav/milter.sock inet:localhost:8891", "unix:/run/clamav/milter.sock, US, inet:localhost:8891"),
        ("unix:spamass/spamass.sock", "unix:spamass/spamass.sock, US"),
        ("$dkim", "US, $dkim"),
        ("{ inet:localhost:8891, default_action=accept }", "US, { inet:localhost:8891, default_action=accept }"),
    ],
)
def test_holdgate_comes_before_the_first_milter_that_may_sign(before: str, after: str) -> None:
    assert attach.with_milter(before, "US") == after


@given(st.lists(st.from_regex(r"(\{ [a-z:, =/.]{1,20} \}|[a-z:/.$]{1,20})", fullmatch=True), max_size=5))
def test_a_list_is_split_only_outside_braces(items: list[str]) -> None:
    assert split_list(", ".join(items)) == items


def test_non_smtpd_milters_that_refer_to_smtpd_milters_stay(config: Path) -> None:
    Postfix(config).set({"non_smtpd_milters": "$smtpd_milters"})
    run_attach(config)
    assert Postfix(config).raw_setting("non_smtpd_milters") == "$smtpd_milters"


def test_a_value_that_the_site_has_set_stays(config: Path) -> None:
    Postfix(config).set({"message_strip_characters": r"\200"})
    run_attach(config)
    assert Postfix(config).raw_setting("message_strip_characters") == r"\200"


def test_detach_restores_every_byte(config: Path) -> None:
    run_attach(config)
    run_detach(config)
    assert (config / "main.cf").read_text() == MAIN
    assert (config / "master.cf").read_text() == MASTER
    assert attach.plan_detach(settings(config)).difference == ""


def with_changes(config: Path) -> Settings:
    relay = "unix:/var/spool/postfix/public/holdgate-change"
    return Settings.model_validate({"queue": {"postfix_config": config}, "desk": {"change_relay": relay}})


def test_attach_adds_the_listener_for_changed_messages_and_detach_removes_it(config: Path) -> None:
    assert "holdgate-change" not in attach.plan_attach(settings(config)).difference
    plan = attach.plan_attach(with_changes(config))
    attach.save_state(plan)
    attach.apply(plan)
    assert attach.plan_attach(with_changes(config)).difference == ""
    shipped = Path(__file__).parents[3] / "postfix/change.cf"
    found = {one.name: one for one in Postfix(config).services()}
    (config / "shipped").mkdir()
    for name, text in (("main.cf", MAIN), ("master.cf", shipped.read_text())):
        (config / "shipped" / name).write_text(text)
    for service in Postfix(config / "shipped").services():
        wanted = dict(service.settings)
        if service.command == "smtpd":
            wanted["smtpd_milters"] = "inet:localhost:8891,inet:localhost:11332"
        assert found[service.name].settings == wanted
    (listener, _) = change_listener(found.values(), with_changes(config))
    assert listener.name == "holdgate-change"
    attach.apply(attach.plan_detach(with_changes(config)))
    assert (config / "master.cf").read_text() == MASTER


def test_a_listener_for_changed_messages_that_a_person_added_stays(config: Path) -> None:
    shipped = (Path(__file__).parents[3] / "postfix/change.cf").read_text()
    by_hand = shipped.replace("smtpd_milters=", "smtpd_milters=inet:localhost:8891")
    (config / "master.cf").write_text(MASTER + by_hand)
    plan = attach.plan_attach(with_changes(config))
    assert not [line for line in plan.difference.splitlines() if "holdgate-change" in line and line[0] in "+-"]


def split_milters(config: Path) -> str | None:
    found = {one.name: one for one in Postfix(config).services()}
    return found["holdgate-split"].settings.get("smtpd_milters")


def test_copies_are_signed_at_release_if_changed_messages_are_signed(config: Path) -> None:
    attach.apply(attach.plan_attach(settings(config)))
    assert split_milters(config) == "inet:localhost:8891,inet:localhost:11332"
    attach.apply(attach.plan_attach(with_changes(config)))
    assert split_milters(config) == ""
    assert attach.plan_attach(with_changes(config)).difference == ""


def test_copies_are_signed_when_held_if_no_milter_signs_changed_messages(config: Path) -> None:
    (config / "master.cf").write_text(MASTER + (Path(__file__).parents[3] / "postfix/change.cf").read_text())
    attach.apply(attach.plan_attach(with_changes(config)))
    assert split_milters(config) == "inet:localhost:8891,inet:localhost:11332"


def test_attach_adds_the_listener_for_amended_messages_and_detach_removes_it(config: Path) -> None:
    relay = "unix:/var/spool/postfix/public/holdgate-replace"
    wanted = Settings.model_validate({"queue": {"postfix_config": config}, "desk": {"replacement_relay": relay}})
    assert "holdgate-replace" not in attach.plan_attach(settings(config)).difference
    plan = attach.plan_attach(wanted)
    attach.save_state(plan)
    attach.apply(plan)
    assert attach.plan_attach(wanted).difference == ""
    (config / "shipped").mkdir()
    shipped = (Path(__file__).parents[3] / "postfix/replace.cf").read_text()
    for name, text in (("main.cf", MAIN), ("master.cf", shipped)):
        (config / "shipped" / name).write_text(text)
    (service,) = Postfix(config / "shipped").services()
    listener = replace_listener(Postfix(config).services(), wanted)
    assert listener is not None
    assert listener.settings == service.settings
    attach.apply(attach.plan_detach(wanted))
    assert (config / "master.cf").read_text() == MASTER


def test_detach_after_a_second_attach_restores_the_original_state(config: Path) -> None:
    run_attach(config)
    run_attach(config)
    run_detach(config)
    assert (config / "main.cf").read_text() == MAIN


def test_detach_removes_only_the_holdgate_part_of_a_changed_file(config: Path) -> None:
    run_attach(config)
    postfix = Postfix(config)
    postfix.set({"message_size_limit": "20480000"})
    postfix.set({"milter_header_checks": postfix.raw_setting("milter_header_checks") + ", regexp:/etc/postfix/own"})
    run_detach(config)
    assert postfix.raw_setting("message_size_limit") == "20480000"
    assert postfix.raw_setting("smtpd_milters") == "inet:localhost:8891, inet:localhost:11332"
    assert postfix.raw_setting("milter_header_checks") == "regexp:/etc/postfix/own"
    assert postfix.raw_setting("smtp_header_checks") == ""
    assert (config / "master.cf").read_text() == MASTER


def test_the_difference_shows_all_changes_before_they_are_made(config: Path) -> None:
    plan = attach.plan_attach(settings(config))
    assert (config / "main.cf").read_text() == MAIN, "a plan changes nothing"
    added = [line[1:] for line in plan.difference.splitlines() if line.startswith("+")]
    assert f"smtpd_milters = {ENTRY}, inet:localhost:8891, inet:localhost:11332" in added
    assert any(line.startswith("holdgate-notice unix") for line in added)
    assert not [line for line in plan.difference.splitlines() if line.startswith("-# ")]


def test_attach_names_the_settings_that_it_cannot_handle(config: Path) -> None:
    Postfix(config).set({"multi_instance_directories": "/etc/postfix-out"})
    Postfix(config).set({"content_filter": "smtp-amavis:[127.0.0.1]:10024"})
    remarks = " ".join(attach.plan_attach(settings(config)).remarks)
    for word in ("submission/inet", "/etc/postfix-out", "content_filter"):
        assert word in remarks


def test_a_socket_that_a_chrooted_smtpd_cannot_reach_is_refused(config: Path) -> None:
    with pytest.raises(AttachError, match="run chrooted"):
        attach.plan_attach(settings(config, socket="unix:/run/holdgate/milter.sock"))


def test_a_socket_outside_the_queue_directory_is_accepted_without_chroot(config: Path) -> None:
    (config / "master.cf").write_text(MASTER.replace(" y ", " n "))
    plan = attach.plan_attach(settings(config, socket="unix:/run/holdgate/milter.sock"))
    assert "{ unix:/run/holdgate/milter.sock, " in plan.difference


def test_a_tcp_socket_is_written_in_postfix_notation(config: Path) -> None:
    plan = attach.plan_attach(settings(config, socket="inet:8895@127.0.0.1"))
    assert "{ inet:127.0.0.1:8895, " in plan.difference
    attach.apply(plan)
    assert attach.plan_attach(settings(config, socket="inet:8895@127.0.0.1")).difference == ""


@pytest.mark.parametrize("name", ["10027", "localhost:10027"])
def test_a_listener_with_another_name_on_the_same_port_is_used(config: Path, name: str) -> None:
    """A second one on its port would keep Postfix from starting."""
    (config / "master.cf").write_text(f"{MASTER}{name} inet n - n - - smtpd\n")
    difference = attach.plan_attach(by_tcp(config)).difference
    assert not [line for line in difference.splitlines() if line.startswith(("+", "-")) and "10027" in line]


def test_the_listener_of_an_earlier_version_is_replaced(config: Path) -> None:
    old = "127.0.0.1:10027 inet n - n - - smtpd -o syslog_name=postfix/holdgate -o smtpd_milters=\n"
    (config / "master.cf").write_text(MASTER + old)
    for site, now in ((settings(config), "holdgate-notice/unix"), (by_tcp(config), "127.0.0.1:10027/inet")):
        attach.apply(attach.plan_attach(site))
        services = Postfix(config).services()
        (ours,) = own_listeners(services)
        assert str(ours) == now
        assert ours.settings["cleanup_service_name"] == "holdgate-cleanup"
        (cleanup,) = (one for one in services if one.name == "holdgate-cleanup")
        assert (cleanup.settings["always_bcc"], cleanup.settings["recipient_bcc_maps"]) == ("", "")
        assert attach.plan_attach(site).difference == ""


def test_a_site_map_with_a_similar_name_is_kept(config: Path) -> None:
    Postfix(config).set({"smtp_header_checks": "regexp:/etc/holdgate/postfix/smtp_header_checks.old"})
    run_attach(config)
    both = "regexp:/etc/holdgate/postfix/smtp_header_checks, regexp:/etc/holdgate/postfix/smtp_header_checks.old"
    assert Postfix(config).raw_setting("smtp_header_checks") == both


def test_attach_is_undone_if_postfix_check_fails(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_config: Path, command: str) -> Any:
        raise PostfixError(f"postfix {command}: no")

    monkeypatch.setattr(attach, "_postfix", refuse)
    plan = attach.plan_attach(settings(config))
    with pytest.raises(AttachError, match="it is undone"):
        attach.apply(plan)
    assert (config / "main.cf").read_text() == MAIN
    assert (config / "master.cf").read_text() == MASTER


@pytest.mark.parametrize(("runs", "commands"), [(True, ["check", "reload"]), (False, ["check"])])
def test_postfix_is_reloaded_only_if_it_runs_and_never_started(
    config: Path, monkeypatch: pytest.MonkeyPatch, runs: bool, commands: list[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(attach, "_postfix", lambda _config, command: asked.append(command))
    monkeypatch.setattr(attach, "is_running", lambda _config: runs)
    attach.apply(attach.plan_attach(settings(config)))
    assert asked == commands


def detach(config: Path) -> list[str]:
    """Detach, and return the remarks about remaining entries."""
    plan = attach.plan_detach(settings(config))
    attach.apply(plan)
    attach.delete_state(config)
    return plan.remarks


def given_settings(config: Path) -> dict[str, str]:
    return Postfix(config).given()


def test_detach_removes_everything_even_if_main_cf_changed_after_attach(config: Path) -> None:
    before, services = given_settings(config), [str(one) for one in Postfix(config).services()]
    run_attach(config)
    (config / "main.cf").write_text((config / "main.cf").read_text() + "mydestination = corp.example\n")
    (config / "master.cf").write_text((config / "master.cf").read_text() + "# a comment\n")
    assert detach(config) == []
    assert given_settings(config) == before | {"mydestination": "corp.example"}
    assert [str(one) for one in Postfix(config).services()] == services
    assert not attach.STATE_DIRECTORY.exists()


def test_a_second_attach_does_not_record_holdgate_settings_as_those_of_the_site(config: Path) -> None:
    before = given_settings(config)
    run_attach(config)
    Postfix(config).set({"mydestination": "corp.example"})
    Postfix(config).unset("smtp_header_checks")
    run_attach(config)
    assert "smtp_header_checks" in given_settings(config)
    assert detach(config) == []
    assert given_settings(config) == before | {"mydestination": "corp.example"}


def test_a_setting_that_a_person_changed_after_attach_stays(config: Path) -> None:
    run_attach(config)
    postfix = Postfix(config)
    postfix.set({"message_strip_characters": r"\0\r"})
    postfix.set({"smtpd_milters": f"{ENTRY}, inet:localhost:9999"})
    detach(config)
    now = given_settings(config)
    assert now["message_strip_characters"] == r"\0\r"
    assert now["smtpd_milters"] == "inet:localhost:9999"
    assert "enable_long_queue_ids" not in now


def test_a_setting_that_had_the_holdgate_value_before_attach_stays(config: Path) -> None:
    Postfix(config).set({"enable_long_queue_ids": "yes"})
    run_attach(config)
    Postfix(config).set({"mydestination": "corp.example"})
    detach(config)
    assert given_settings(config)["enable_long_queue_ids"] == "yes"


def test_detach_restores_the_earlier_value_of_a_setting(config: Path) -> None:
    Postfix(config).set({"enable_long_queue_ids": "no"})
    run_attach(config)
    assert given_settings(config)["enable_long_queue_ids"] == "yes"
    Postfix(config).set({"mydestination": "corp.example"})
    detach(config)
    assert given_settings(config)["enable_long_queue_ids"] == "no"


def test_detach_names_the_settings_whose_origin_is_unknown(config: Path) -> None:
    run_attach(config)
    attach.delete_state(config)
    postfix = Postfix(config)
    postfix.set_service("587/inet", f"587 inet n - n - - smtpd -o {{ smtpd_milters = {ENTRY} }}")
    remarks = detach(config)
    assert [line.partition(" = ")[0] for line in remarks[:1]] == ["main.cf: enable_long_queue_ids"]
    assert any("master.cf: 587/inet has -o smtpd_milters=" in line for line in remarks)
    assert not {"milter_header_checks", "smtp_header_checks"} & set(given_settings(config))


def test_a_scanner_only_attach_writes_no_header_checks_and_no_listener(config: Path) -> None:
    before = given_settings(config)
    plan = attach.plan_attach(settings(config), scanner_only=True)
    attach.save_state(plan)
    attach.apply(plan)
    now = given_settings(config)
    assert ENTRY in now["smtpd_milters"]
    assert set(now) - set(before) == {"non_smtpd_milters", *VALUES} & set(now)
    assert now["header_checks"] == before["header_checks"]
    assert not own_listeners(Postfix(config).services())
    detach(config)
    assert given_settings(config) == before


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo fine >&2; exit 0", ""),
        ("echo first >&2; echo 'fatal: bad line ' >&2; exit 1", "postfix check: fatal: bad line"),
        ("exit 3", "postfix check: exit 3"),
    ],
)
def test_an_error_of_postfix_check_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: str
) -> None:
    program = tmp_path / "postfix"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    if error:
        with pytest.raises(PostfixError) as caught:
            attach._postfix(Path("/etc/postfix-x"), "check")
        assert str(caught.value) == error
    else:
        attach._postfix(Path("/etc/postfix-x"), "check")
    assert (tmp_path / "asked").read_text() == "-c /etc/postfix-x check\n"


# -- contents of the plan -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scan", "ocr", "seconds"),
    [
        # At least as long as Postfix waits by default.
        ({"time_limit": "30s", "wait_limit": "120s"}, {}, 300),
        # A worker is waited for, two attempts are made, and a minute is left.
        ({"time_limit": "5m", "wait_limit": "1m"}, {}, 720),
        ({"time_limit": "5m", "wait_limit": "1m"}, {"mode": "off", "time_limit": "10m"}, 720),
        # With OCR the message may be inspected again in another pool, each attempt for so much longer.
        ({"time_limit": "5m", "wait_limit": "1m"}, {"mode": "policies", "time_limit": "100s"}, 1580),
    ],
)
def test_the_milter_timeout_of_postfix_exceeds_the_longest_inspection(
    config: Path, scan: dict[str, str], ocr: dict[str, str], seconds: int
) -> None:
    tables = {"queue": {"postfix_config": config}, "scan": scan, "ocr": ocr}
    entry = attach.milter_entry(Settings.model_validate(tables), Postfix(config))
    assert f" content_timeout={seconds}s " in entry


@pytest.mark.parametrize(
    ("listed", "after"),
    [
        (ENTRY, ENTRY.replace("300s", "540s")),
        # Only the time changes: the other options are the site's.
        (
            "{ unix:holdgate/milter.sock, content_timeout = 5m }",
            "{ unix:holdgate/milter.sock, content_timeout = 540s }",
        ),
        (ENTRY.replace("300s", "1h"), ENTRY.replace("300s", "1h")),
        (ENTRY.replace("300s", "480s"), ENTRY.replace("300s", "480s")),
        ("unix:holdgate/milter.sock", "unix:holdgate/milter.sock"),
        # Another milter with the same time.
        ("{ inet:localhost:11332, content_timeout=300s }", None),
    ],
)
def test_attach_again_gives_an_inspection_with_ocr_enough_time(config: Path, listed: str, after: str | None) -> None:
    Postfix(config).set({"smtpd_milters": f"{listed}, inet:localhost:8891"})
    tables = {"queue": {"postfix_config": config}, "ocr": {"mode": "on"}, "scan": {"wait_limit": "120s"}}
    plan = attach.plan_attach(Settings.model_validate(tables))
    attach.apply(plan)
    found = Postfix(config).raw_setting("smtpd_milters")
    own = after or f"{ENTRY.replace('300s', '540s')}, {listed}"
    assert found == f"{own}, inet:localhost:8891"
    assert attach.plan_attach(Settings.model_validate(tables)).difference == ""


def test_detach_restores_every_byte_after_the_time_was_raised(config: Path) -> None:
    run_attach(config)
    tables = {"queue": {"postfix_config": config}, "ocr": {"mode": "on"}, "scan": {"wait_limit": "120s"}}
    plan = attach.plan_attach(Settings.model_validate(tables))
    assert plan.difference != ""
    attach.save_state(plan)
    attach.apply(plan)
    run_detach(config)
    assert (config / "main.cf").read_text() == MAIN
    assert (config / "master.cf").read_text() == MASTER


def test_non_smtpd_milters_that_refer_with_braces_or_in_a_list_stay(config: Path) -> None:
    Postfix(config).set({"non_smtpd_milters": "inet:localhost:1, ${smtpd_milters}"})
    run_attach(config)
    assert Postfix(config).raw_setting("non_smtpd_milters") == "inet:localhost:1, ${smtpd_milters}"


def test_smtpd_milters_are_changed_even_if_they_refer_to_another_setting(config: Path) -> None:
    Postfix(config).set({"smtpd_milters": "$non_smtpd_milters, inet:localhost:8891"})
    Postfix(config).set({"non_smtpd_milters": "inet:localhost:11332"})
    run_attach(config)
    assert Postfix(config).raw_setting("smtpd_milters") == f"{ENTRY}, $non_smtpd_milters, inet:localhost:8891"


def test_checks_that_refer_to_header_checks_keep_only_the_table_of_the_site(config: Path) -> None:
    Postfix(config).set({"mime_header_checks": "${header_checks}"})
    Postfix(config).set({"nested_header_checks": "regexp:/etc/postfix/nested"})
    run_attach(config)
    assert Postfix(config).raw_setting("mime_header_checks") == "regexp:/etc/postfix/header_checks"
    assert Postfix(config).raw_setting("nested_header_checks") == "regexp:/etc/postfix/nested"


def test_detach_removes_header_checks_that_only_holdgate_had_set(config: Path) -> None:
    Postfix(config).unset("header_checks")
    before = given_settings(config)
    run_attach(config)
    now = given_settings(config)
    assert now["header_checks"] == "regexp:/etc/holdgate/postfix/header_checks"
    assert (now["mime_header_checks"], now["nested_header_checks"]) == ("", "")
    Postfix(config).set({"mydestination": "corp.example"})
    assert detach(config) == []
    assert given_settings(config) == before | {"mydestination": "corp.example"}


def test_a_setting_that_this_postfix_does_not_have_is_not_written(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = Postfix.defaults
    absent = "smtpd_forbid_bare_newline"
    monkeypatch.setattr(
        Postfix, "defaults", lambda self: {name: value for name, value in defaults(self).items() if name != absent}
    )
    difference = attach.plan_attach(settings(config)).difference
    assert "enable_long_queue_ids" in difference
    assert f"+{absent} =" not in difference


def test_a_relay_on_another_machine_needs_no_local_listener(config: Path) -> None:
    elsewhere = {"queue": {"postfix_config": config}, "desk": {"notice_relay": "relay.corp.example:25"}}
    difference = attach.plan_attach(Settings.model_validate(elsewhere)).difference
    assert "+holdgate-notice" not in difference
    assert "+holdgate-split " in difference


def test_a_listener_with_an_old_name_is_replaced_by_the_configured_one(config: Path) -> None:
    run_attach(config)
    attach.apply(attach.plan_attach(by_tcp(config)))
    assert [str(one) for one in own_listeners(Postfix(config).services())] == ["127.0.0.1:10027/inet"]
    relay = {"split_relay": "unix:/var/spool/postfix/public/other-split"}
    attach.apply(attach.plan_attach(settings(config, **relay)))
    logs = [one.settings.get("syslog_name") for one in Postfix(config).services()]
    names = [one.name for one in Postfix(config).services()]
    assert logs.count("postfix/holdgate-split") == 2  # smtpd and its cleanup
    assert "other-split" in names
    assert "holdgate-split" not in names


# -- saved state for detach ------------------------------------------------------------------------------------------


def test_only_root_can_read_the_saved_state(config: Path) -> None:
    run_attach(config)
    (kept,) = attach.STATE_DIRECTORY.iterdir()
    assert (attach.STATE_DIRECTORY.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o700, 0o600)


def test_two_instances_are_attached_and_detached_independently(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "postfix-out"
    other.mkdir()
    (other / "main.cf").write_text(MAIN.replace("8891", "8892"))
    (other / "master.cf").write_text(MASTER)
    run_attach(config)
    run_attach(other)
    run_detach(config)
    assert (config / "main.cf").read_text() == MAIN
    assert ENTRY in Postfix(other).raw_setting("smtpd_milters")
    run_detach(other)
    assert (other / "main.cf").read_text() == MAIN.replace("8891", "8892")
    assert not attach.STATE_DIRECTORY.exists()
    attach.delete_state(other)  # a second time


def test_detach_restores_every_byte_of_the_unchanged_file(config: Path) -> None:
    run_attach(config)
    Postfix(config).set({"mydestination": "corp.example"})
    run_detach(config)
    assert (config / "master.cf").read_text() == MASTER


def test_a_listener_that_existed_before_attach_stays_after_detach(config: Path) -> None:
    """An earlier version's listener: attach renews it, and detach does not take it away."""
    run_attach(config)
    attach.delete_state(config)
    run_attach(config)
    (config / "master.cf").write_text((config / "master.cf").read_text() + "# a comment\n")
    detach(config)
    assert [one.name for one in own_listeners(Postfix(config).services())] == ["holdgate-notice"]


def test_the_saved_state_of_an_earlier_version_can_be_read(config: Path) -> None:
    """It kept both files, and not each setting's text."""
    before = given_settings(config)
    run_attach(config)
    (kept,) = attach.STATE_DIRECTORY.iterdir()
    state = json.loads(kept.read_text())
    del state["settings"]
    kept.write_text(json.dumps(state))
    Postfix(config).set({"mydestination": "corp.example"})
    assert detach(config) == []
    assert given_settings(config) == before | {"mydestination": "corp.example"}


def test_bytes_that_are_not_utf_8_stay_unchanged(config: Path) -> None:
    raw = MAIN.encode() + b"# caf\xe9\n"
    (config / "main.cf").write_bytes(raw)
    run_attach(config)
    assert b"# caf\xe9\n" in (config / "main.cf").read_bytes()
    run_detach(config)
    assert (config / "main.cf").read_bytes() == raw


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
def test_a_missing_postfix_file_is_an_error_that_names_the_file(config: Path, name: str) -> None:
    plan = attach.plan_attach(settings(config))
    (config / name).unlink()
    with pytest.raises(AttachError, match=rf"{config}/{name}: No such file or directory: is Postfix configured\?"):
        attach.apply(plan)


@pytest.mark.parametrize("runs", [True, False])
def test_postfix_status_decides_whether_postfix_runs(config: Path, monkeypatch: pytest.MonkeyPatch, runs: bool) -> None:
    def answer(_config: Path, command: str) -> None:
        assert command == "status"
        if not runs:
            raise PostfixError("the Postfix mail system is not running")

    monkeypatch.setattr(attach, "_postfix", answer)
    assert attach.is_running(config) is runs


def attached_by(config: Path, socket: str) -> Settings:
    """Attach with another socket of the milter, and return the settings."""
    changed = settings(config, socket=socket)
    plan = attach.plan_attach(changed)
    attach.save_state(plan)
    attach.apply(plan)
    return changed


def test_an_entry_with_an_earlier_socket_is_replaced_and_detach_removes_it(config: Path) -> None:
    before = given_settings(config)
    run_attach(config)
    Postfix(config).set({"mydestination": "corp.example"})
    changed = attached_by(config, "inet:8890@localhost")
    for name in ("smtpd_milters", "non_smtpd_milters"):
        assert "holdgate/milter.sock" not in given_settings(config)[name]
        assert given_settings(config)[name].count("inet:localhost:8890") == 1
    assert given_settings(config)["smtpd_milters"].endswith("inet:localhost:8891, inet:localhost:11332")
    Postfix(config).set({"myorigin": "corp.example"})
    plan = attach.plan_detach(changed)
    attach.apply(plan)
    assert plan.remarks == []
    assert given_settings(config) == before | {"mydestination": "corp.example", "myorigin": "corp.example"}


def test_detach_removes_an_earlier_socket_from_a_changed_file(config: Path) -> None:
    before = given_settings(config)
    run_attach(config)
    Postfix(config).set({"mydestination": "corp.example"})
    plan = attach.plan_detach(settings(config, socket="inet:8890@localhost"))
    attach.apply(plan)
    assert given_settings(config) == before | {"mydestination": "corp.example"}


def test_another_notation_of_the_same_socket_changes_nothing(config: Path) -> None:
    run_attach(config)
    after = given_settings(config)
    path = "unix:/var/spool/postfix/./holdgate/milter.sock"
    attached_by(config, path)
    assert given_settings(config) == after
