"""Parts of sentences: counts with their noun, reasons of errors."""

import pwd
import subprocess

import pytest

from holdgate.phrases import counted, failure_of, reason_of


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (11, "11 entries"), (101, "101 entries")]
)
def test_a_noun_fits_its_number(number: int, text: str) -> None:
    assert counted(number, "entry", "entries") == text
    assert counted(number, "row") == f"{number} row{'' if number == 1 else 's'}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(2, "No such file or directory", "/x"), "No such file or directory"),
        (TimeoutError("timed out"), "timed out"),
        (ValueError("not a certificate"), "not a certificate"),
        (ConnectionError(), "ConnectionError"),
    ],
)
def test_a_reason_has_no_number_and_no_path(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def missing_user() -> KeyError:
    with pytest.raises(KeyError) as caught:
        pwd.getpwnam("no-such-user")
    return caught.value


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (FileNotFoundError(2, "No such file or directory", "/x"), "/x: No such file or directory"),
        (OSError(98, "Address already in use"), "Address already in use"),
        (missing_user(), 'there is no user "no-such-user"; run: systemd-sysusers'),
        (subprocess.CalledProcessError(1, ["postconf", "-h"]), "postconf: exit code 1"),
        (subprocess.TimeoutExpired("postmap", 20.0), "postmap: no result within 20 s"),
        (ValueError("a\nb"), "a\nb"),
    ],
)
def test_a_failure_names_the_file_the_command_or_the_user(error: Exception, failure: str) -> None:
    assert failure_of(error) == failure
