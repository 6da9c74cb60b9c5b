"""Postfix's commands: their arguments, and an invalid line of a listing does not hide the others."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.queue.postfix import HeldMessage, Postfix, PostfixError

ROW = {
    "queue_name": "hold",
    "queue_id": "4a",
    "arrival_time": 100,
    "message_size": 10,
    "sender": "a@corp.example",
    "recipients": [{"address": "b@partner.example"}],
}


class Asked(Postfix):
    """Records the commands, and returns `output`."""

    def __init__(self) -> None:
        super().__init__(Path("/etc/postfix"))
        self.output = b""
        self.commands: list[tuple[str, ...]] = []

    def _run(self, program: str, *arguments: str, environment: dict[str, str] | None = None) -> bytes:
        self.commands.append((program, *arguments))
        return self.output


def test_commands_change_only_the_hold_queue_and_requeue_nothing() -> None:
    postfix = Asked()
    postfix.release("4aaa", "4bbb")
    postfix.flush("4aaa")
    postfix.delete("4aaa", "4bbb")
    assert postfix.commands == [
        ("postsuper", "-H", "4aaa", "-H", "4bbb"),
        ("postqueue", "-i", "4aaa"),
        ("postsuper", "-d", "4aaa", "-d", "4bbb", "hold"),
    ]


def listed(*lines: bytes) -> list[str]:
    postfix = Asked()
    postfix.output = b"\n".join(lines) + b"\n"
    return [message.queue_id for message in postfix.held()]


def row(**values: Any) -> bytes:
    return json.dumps(ROW | values).encode()


def test_a_listing_is_read() -> None:
    postfix = Asked()
    postfix.output = row() + b"\n" + row(queue_name="deferred") + b"\n" + row(sender="MAILER-DAEMON") + b"\n"
    held = HeldMessage("4a", 100, 10, "a@corp.example", ["b@partner.example"])
    assert postfix.held() == [held, HeldMessage("4a", 100, 10, "", ["b@partner.example"])]


@pytest.mark.parametrize("line", [b"", b"nonsense", b"{}", b"[]", b"null", row(recipients=[1]), row()[:-9]])
def test_an_invalid_line_does_not_hide_other_lines(line: bytes) -> None:
    assert listed(row(queue_id="4x"), line, row(queue_id="4y")) == ["4x", "4y"]


def test_an_address_that_is_not_utf8_is_listed() -> None:
    assert listed(row(sender="X").replace(b"X", b"\xff")) == ["4a"]


@given(st.binary().map(lambda line: line.replace(b"\n", b"")))
def test_parsing_a_line_never_raises(line: bytes) -> None:
    assert set(listed(row(queue_id="4x"), line)) <= {"4x"}


ENVELOPE = b"""\
*** ENVELOPE RECORDS hold/4/4aaa ***
message_size:              10             668               2               0             414               0
message_arrival_time: Thu Jan  1 00:01:40 1970
create_time: Thu Jan  1 00:01:40 1970
named_attribute: log_ident=4aaa
sender: a@corp.example
named_attribute: dsn_orig_rcpt=rfc822;b@partner.example
original_recipient: b@partner.example
recipient: b@partner.example
recipient: c+d@partner.example
*** MESSAGE CONTENTS hold/4/4aaa ***
*** HEADER EXTRACTED hold/4/4aaa ***
*** MESSAGE FILE END hold/4/4aaa ***
"""


def test_a_message_read_on_its_own_equals_its_entry_in_the_listing() -> None:
    postfix = Asked()
    postfix.output = ENVELOPE
    expected = HeldMessage("4aaa", 100, 10, "a@corp.example", ["b@partner.example", "c+d@partner.example"])
    assert postfix.held_alone("4aaa") == expected
    postfix.output = ENVELOPE.replace(b"sender: a@corp.example", b"sender: ").replace(b"hold/4/4aaa", b"hold/4aaa")
    assert postfix.held_alone("4aaa") == HeldMessage("4aaa", 100, 10, "", expected.recipients)
    assert postfix.commands[0][0] == "postcat"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"hold/4/4aaa", b"deferred/4aaa"),
        (b"hold/4/4aaa", b"hold/4/4aaab"),
        (b"*** ENVELOPE", b"postcat: warning: *** ENVELOPE"),
        (b"Thu Jan  1 00:01:40 1970\ncreate", b"100\ncreate"),
        (b"              10  ", b"              x  "),
        (b"               2  ", b"                  "),
        (b"sender: a@corp.example\n", b""),
        # Lines that a line break in an address could add.
        (b"recipient: b@", b"recipient: b\nrecipient: x@"),
        (b"recipient: b@", b"recipient: b\nsender: x@"),
        (b"recipient: b@", b'recipient: "b\n"@'),
        (b"recipient: b@", b"recipient: b\nmessage_size: 1 1 3@"),
    ],
)
def test_a_message_that_cannot_be_read_reliably_is_left_to_the_listing(before: bytes, after: bytes) -> None:
    postfix = Asked()
    postfix.output = ENVELOPE.replace(before, after)
    assert postfix.output != ENVELOPE
    assert postfix.held_alone("4aaa") is None


@given(st.lists(st.sampled_from([b"sender: x", b"recipient: y", b"", b"message_size: 1 1 1", b"???"]), max_size=6))
def test_any_output_gives_a_message_or_none(lines: list[bytes]) -> None:
    postfix = Asked()
    postfix.output = b"\n".join([b"*** ENVELOPE RECORDS hold/4aaa ***", *lines])
    assert postfix.held_alone("4aaa") is None


@pytest.mark.parametrize(
    ("names", "keeps"), [(b"MAIL_CONFIG TZ LANG=C\n", True), (b"TZ=Europe/Berlin LANG=C\n", False)]
)
def test_keeps_zone_follows_the_postfix_settings(names: bytes, keeps: bool) -> None:
    postfix = Asked()
    postfix.output = names
    assert postfix.keeps_zone() is keeps


@pytest.mark.parametrize(
    ("queue_id", "is_one"),
    [
        ("4abc", True),
        ("abc", False),
        ("a" * 32, True),
        ("a" * 33, False),
        ("", False),
        ("4ab-", False),
        ("-d", False),
        ("ALL", False),
        ("4abc\n", False),
        ("４abc", False),
    ],
)
def test_only_a_valid_queue_id_is_passed_to_a_command(queue_id: str, is_one: bool) -> None:
    postfix = Asked()
    for step in (postfix.release, postfix.delete, postfix.flush, postfix.envelope, postfix.held_alone):
        if is_one:
            step(queue_id)
        else:
            with pytest.raises(PostfixError, match="not a queue id"):
                step(queue_id)
    assert len(postfix.commands) == (5 if is_one else 0)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo first >&2; echo 'last line ' >&2; exit 75", "postconf -xh: last line"),
        ("echo nothing; exit 75", "postconf -xh: exit 75"),
    ],
)
def test_a_failed_command_is_reported_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: str
) -> None:
    program = tmp_path / "postconf"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(PostfixError) as caught:
        Postfix(tmp_path).setting("queue_directory")
    assert str(caught.value) == error


@pytest.mark.parametrize("error", [FileNotFoundError("postconf"), subprocess.TimeoutExpired("postconf", 60)])
def test_a_command_that_cannot_run_or_times_out_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    asked: list[dict[str, Any]] = []

    def fails(command: list[str], **options: Any) -> None:
        asked.append({"command": command, **options})
        raise error

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(PostfixError, match="postconf: "):
        Postfix(tmp_path / "x" / "..").setting("queue_directory")
    assert asked == [
        {
            "command": ["postconf", "-c", str(tmp_path), "-xh", "queue_directory"],
            "capture_output": True,
            "timeout": 60,
            "check": False,
            "env": None,
        }
    ]


def test_a_message_read_on_its_own_is_read_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    def run(_command: list[str], *, env: dict[str, str], **_options: Any) -> subprocess.CompletedProcess[bytes]:
        asked.append(env)
        return subprocess.CompletedProcess([], 0, b"nothing", b"")

    monkeypatch.setattr(subprocess, "run", run)
    assert Postfix(Path("/etc/postfix")).held_alone("4abc") is None
    assert (asked[0]["TZ"], asked[0]["LC_ALL"]) == ("UTC", "C")
    assert asked[0]["PATH"] == os.environ["PATH"]


def test_services_have_their_settings_and_only_y_means_chroot() -> None:
    class Services(Asked):
        def _run(self, program: str, *arguments: str, environment: dict[str, str] | None = None) -> bytes:
            if arguments == ("-Px",):
                return b"smtp/inet/smtpd_milters = unix:a = b\nsmtp/inet/x = \nother/unix/y = 1\n"
            return (
                b"smtp inet n - y - - smtpd -o smtpd_milters=unix:a\n"
                b"smtp unix n - n - - smtp\nlmtp unix n - - - - lmtp -o a=b\n"
            )

    first, second, third = Services().services()
    assert (str(first), first.chroot, first.command) == ("smtp/inet", True, "smtpd")
    assert first.settings == {"smtpd_milters": "unix:a = b", "x": ""}
    assert (str(second), second.chroot, second.command, second.settings) == ("smtp/unix", False, "smtp", {})
    assert (third.chroot, third.command) == (False, "lmtp")


def test_settings_are_read_with_the_matching_postconf_option() -> None:
    postfix = Asked()
    postfix.output = b" a = b \nc=\n"
    assert postfix.setting("x") == postfix.raw_setting("x") == "a = b \nc="
    assert postfix.given() == postfix.defaults() == {"a": "b", "c": ""}
    postfix.unset("x")
    postfix.set({"x": "y = z", "z": ""})
    postfix.set_service("a/unix", "a unix - - - - - b")
    postfix.remove_service("a/unix")
    assert postfix.commands == [
        ("postconf", "-xh", "x"),
        ("postconf", "-h", "x"),
        ("postconf", "-n"),
        ("postconf", "-d"),
        ("postconf", "-X", "x"),
        ("postconf", "-e", "x=y = z", "z="),
        ("postconf", "-M", "a/unix=a unix - - - - - b"),
        ("postconf", "-MX", "a/unix"),
    ]


@pytest.mark.parametrize(("only", "option"), [(True, "-qh"), (False, "-qbh")])
def test_a_message_is_shown_with_or_without_its_body(only: bool, option: str) -> None:
    postfix = Asked()
    postfix.show("4abc", header_only=only)
    assert postfix.commands == [("postcat", option, "4abc")]
