"""Text for people, JSON for programs, colours and progress on terminals only."""

import argparse
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.cli import output, parsing
from holdgate.cli.main import build_parser, main


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def commands(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield path.strip(), parser
    for steps in below:
        for name, one in steps.choices.items():
            yield from commands(one, f"{path} {name}")


def test_every_command_has_a_json_option() -> None:
    found = dict(commands(build_parser()))
    assert {"list", "policy replay", "config show", "completion", "audit verify"} <= set(found)
    assert [path for path, parser in found.items() if "--json" not in parser._option_string_actions] == []


@pytest.mark.parametrize(
    ("variables", "stream", "is_coloured"),
    [
        ({}, Terminal(), True),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"TERM": "dumb"}, Terminal(), False),
        ({}, io.StringIO(), False),
    ],
)
def test_colours_are_used_only_on_terminals(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], stream: io.StringIO, is_coloured: bool
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (output.colour("red", "x", stream) == "\x1b[31mx\x1b[0m") == is_coloured


def test_progress_is_shown_for_long_work_and_erased_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = Terminal(), iter(range(100))
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert list(output.progress("abcd", "letters", 4)) == list("abcd")
    shown = terminal.getvalue()
    assert "letters: 1" not in shown
    assert "\rletters: 2 of 4, 50 %" in shown
    assert shown.endswith(f"\r{' ' * len('letters: 4 of 4, 100 %')}\r")


def test_progress_is_shown_only_on_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(output, "_BEGIN", 0.0)
    assert list(output.progress(range(3), "numbers")) == [0, 1, 2]
    assert stream.getvalue() == ""


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[object, str, object]:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    out, err = capsys.readouterr()
    return json.loads(out), err, ended.value.code


def test_an_error_is_reported_in_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, err, code = run(capsys, "-c", tmp_path / "absent.toml", "migrate", "--json")
    assert found == {"error": f"{tmp_path}/absent.toml: cannot be read: No such file or directory; correct the path"}
    assert (err, code) == (
        f"holdgate: {tmp_path}/absent.toml: cannot be read: No such file or directory; correct the path\n",
        2,
    )


@pytest.mark.parametrize("command", ["show", "release", "reject"])
def test_an_incident_that_does_not_exist_is_an_error_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    config = tmp_path / "holdgate.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/h.db"\n')
    run(capsys, "-c", config, "migrate", "--json")
    found, err, code = run(capsys, "-c", config, command, "AAAA-BBBB-CCCC", "--json")
    reason = 'there is no incident "AAAA-BBBB-CCCC"; see: holdgate list'
    assert (found, err, code) == ({"error": reason}, f"holdgate: {reason}\n", 2)


def test_a_rule_that_does_not_exist_is_an_error_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    found, err, code = run(capsys, "rules", "show", "us-snn", "--json")
    reason = 'there is no identifier or profile "us-snn"; see: holdgate rules list; did you mean "us-ssn"?'
    assert (found, err, code) == ({"error": reason}, f"holdgate: {reason}\n", 2)


def test_new_names_of_settings_are_listed_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "holdgate.toml"
    config.write_text(f'[desk]\nsession = "1h"\n[policy]\nfile = "{tmp_path}/policies.toml"\n')
    at = ("-c", config, "migrate-settings", "--json")
    changed = run(capsys, *at)[0]
    assert isinstance(changed, dict)
    assert ["session_lifetime" in line for line in changed["changed"]] == [True]
    assert run(capsys, *at)[0] == {"changed": []}


@pytest.mark.slow
def test_commands_that_need_no_daemon_answer_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "holdgate.toml"
    (tmp_path / "policies.toml").write_text('[[policy]]\nname = "a"\naction = "block"\n')
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/h.db"\naudit_head = "{tmp_path}/head"\n'
        f'[policy]\nfile = "{tmp_path}/policies.toml"\n[desk]\ntoken_key = "{tmp_path}/token.key"\n'
    )
    at = ("-c", config)
    made, again = (run(capsys, *at, "migrate", "--json")[0] for _ in range(2))
    assert isinstance(made, dict)
    assert made == {"migrated": True, "before": None, "schema": made["schema"]}
    assert again == made | {"before": made["schema"]}
    verdict = run(capsys, *at, "policy", "test", "--from", "a@corp.example", "--to", "b@partner.example", "--json")[0]
    assert isinstance(verdict, dict)
    assert (verdict["action"], verdict["policy"], verdict["inspection"]["status"]) == ("block", "a", "complete")
    assert run(capsys, *at, "policy", "replay", "--json")[0] == {"same": 0, "different": [], "unsure": 0}
    verified = run(capsys, *at, "audit", "verify", "--json")[0]
    assert isinstance(verified, dict)
    assert verified["problem"] == ""
    made = run(capsys, "token", "monitor", "--json")[0]
    assert isinstance(made, dict)
    assert made["entry"]["name"] == "monitor"
    listed = run(capsys, "rules", "list", "--json")[0]
    assert isinstance(listed, dict)
    assert "iban" in listed["identifiers"]
    shown = run(capsys, "rules", "show", "iban", "--json")[0]
    assert isinstance(shown, dict)
    assert shown["kind"] == "identifiers"
    rows = run(capsys, "check", "--confinement", "--json")[0]
    assert isinstance(rows, dict)
    assert "milter" in [row["process"] for row in rows["processes"]]


def test_each_line_of_an_error_begins_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_error(argparse.Namespace(json=True), "one\ntwo", command="holdgate reload")
    written = capsys.readouterr()
    assert (json.loads(written.out), written.err) == (
        {"error": "one\ntwo"},
        "holdgate reload: one\nholdgate reload: two\n",
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("reload", "--timeout", "x"), 'argument --timeout: "x" is not a whole number from 1 to 3600'),
        (("reload", "--timeout", "-1"), 'argument --timeout: "-1" is not a whole number from 1 to 3600'),
        (("seal", "new-key", "--keep-days", "99999999999"), '"99999999999" is not a whole number from 0 to 3650'),
        (("audit", "verify", "--since", "soon"), 'argument --since: "soon" is no time; write it as "2026-11-28 14:00"'),
        (("audit", "verify", "--since", "0001-01-01"), '"0001-01-01" is no time'),
        (("audit", "verify", "--head", "ab"), 'argument --head: "ab" is no hash; write its 64 hexadecimal digits'),
        (("store", "copy", "x", "sqlite:////y"), "holdgate: FROM: is no URL of a store; write "),
        (("store", "copy", "sqlite:////x", "mysql://y"), "holdgate: TO: is no URL of a store; write "),
        (("store", "copy", "sqlite:///x", "sqlite:////y"), "holdgate: FROM: has a relative path"),
    ],
)
def test_a_wrong_value_of_an_option_is_described(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], error: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert error in capsys.readouterr().err


def test_a_number_within_the_bounds_of_an_option_is_taken() -> None:
    assert [parsing.whole_number(-1, 7)(text) for text in ("-1", "7", "03")] == [-1, 7, 3]
    for text in ("-2", "8", "", "1.0", "١", "9" * 5000):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number from -1 to 7"):
            parsing.whole_number(-1, 7)(text)


def test_the_key_of_tokens_that_does_not_exist_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, key = tmp_path / "holdgate.toml", tmp_path / "token.key"
    config.write_text(f'[desk]\ntoken_key = "{key}"\n')
    at = ("-c", config, "token-key", "rotate", "--json")
    error = f"{key}: there is no such file; holdgate-desk creates it when it starts: systemctl start holdgate-desk"
    assert run(capsys, *at) == ({"error": error}, f"holdgate: {error}\n", 2)
    key.mkdir()
    assert run(capsys, *at)[0] == {"error": f"{key}: Is a directory; run the command as root"}
    key.rmdir()
    key.write_text("text\n")
    assert "not a key in hexadecimal" in run(capsys, *at)[1]
    key.write_text("ab" * 32 + "\n")
    assert run(capsys, *at) == ({"file": str(key), "older_keys": 1}, "", 0)


@pytest.mark.parametrize("place", ["dir", "text/x"])
def test_a_system_error_is_shown_without_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "text").write_text("x")
    config, path = tmp_path / "holdgate.toml", tmp_path / place
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/h.db"\n[relations]\nkey = "{path}"\n[seal]\nkeys = "{path}"\n'
        f'[canary]\nsubmit = "127.0.0.1:1"\n[machines]\nmode = "on"\naccounts = "texthash:{path}"\n'
        f'[policy]\nfile = "{path}"\n[queue]\nsocket = "{path}"\n[store.x]\n'.replace("[store.x]\n", "")
    )
    run(capsys, "-c", config, "migrate", "--json")
    for words in (
        ("relations", "report"),
        ("machines", "list"),
        ("seal", "new-key"),
        ("canary",),
        ("status",),
        ("policy", "replay"),
        ("nodes", "revoke", "mx1", "--certificate", str(path)),
        ("nodes", "certificate", "mx1", "--directory", str(tmp_path / "text")),
    ):
        found, err, code = run(capsys, "-c", config, *words, "--json")
        assert code != 0, words
        assert "Errno" not in f"{found} {err}", words
        assert "Error" not in f"{found} {err}", words
