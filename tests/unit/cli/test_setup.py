"""`holdgate setup`: the answers, the drafted files, confirmation, and each step that can fail."""

import builtins
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from holdgate.cli import canary, check, setup, setup_answers, setup_files
from holdgate.cli.main import main
from holdgate.cli.setup_answers import Answers
from holdgate.configfile import ConfigError, load_settings
from holdgate.policy.model import PolicyFile, policies_of
from holdgate.queue import attach

pytestmark = pytest.mark.postfix

ROOT = Path(__file__).parents[3]
MAIN = """\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
myhostname = mx.corp.example
myorigin = corp.example
mydestination = $myhostname, corp.example, mx, localhost.corp.example, localhost
virtual_mailbox_domains = hash:/etc/postfix/domains, sales.example
"""
MASTER = "smtp inet n - y - - smtpd\ncleanup unix n - y - 0 cleanup\n"
GIVEN = {"domains": ["corp.example"], "moderators": ["anna@corp.example"]}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file, the shipped policies, and a Postfix configuration; nothing of them runs."""
    postfix = tmp_path / "postfix"
    postfix.mkdir()
    (postfix / "main.cf").write_text(MAIN)
    (postfix / "master.cf").write_text(MASTER)
    shutil.copy(ROOT / "etc/policies.toml", tmp_path / "policies.toml")
    path = tmp_path / "holdgate.toml"
    path.write_text(
        f'# Ours\n[queue]\npostfix_config = "{postfix}"  # here\n[policy]\nfile = "{tmp_path}/policies.toml"\n'
    )
    monkeypatch.setattr(attach, "STATE_DIRECTORY", tmp_path / "attached")
    monkeypatch.setattr(attach, "_postfix", lambda _config, _command: None)
    monkeypatch.setattr(setup, "_SYSTEMD", tmp_path / "no-systemd")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(check, "check", lambda _path: check.Report([], []))
    return path


def answers_file(site: Path, text: str) -> Path:
    path = site.with_name("answers.toml")
    path.write_text(text)
    return path


def run(site: Path, *words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["-c", str(site), "setup", *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def files(site: Path) -> dict[str, str]:
    names = ("holdgate.toml", "policies.toml", "postfix/main.cf", "postfix/master.cf")
    return {name: (site.parent / name).read_text() for name in names}


# -- the answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('domains = ["@corp.example"]', 'domains: "@corp.example"'),
        ('domains = ["@corp.example"]', 'did you mean "corp.example"?'),
        ('domains = ["anna@corp.example"]', 'did you mean "corp.example"?'),
        ('domains = ["*"]', "matches every domain"),
        ("domains = []", "domains: must not be empty"),
        ('domains = "corp.example"', 'domains: must be a list, and is "corp.example"; write it in brackets'),
        ('moderators = ["manger"]', 'did you mean "manager"?'),
        ('moderators = ["manager"]', '"manager" needs managers; name a Postfix table'),
        ('moderators = ["*@corp.example"]', "is a pattern; write the address of a person"),
        ('moderators = ["Anna <anna@corp.example>"]', 'did you mean "anna@corp.example"?'),
        ('moderators = ["anna@"]', "has no domain"),
        ('page = "approve.corp.example"', 'did you mean "https://approve.corp.example"?'),
        ('page = "no"', "is no address of a page"),
        ('page = "https://a b"', "is no address of a page"),
        ('listen = "9860"', 'listen: "9860" is no address; write host:port'),
        ('mode = "monitor"', 'mode: "monitor" is not allowed; write one of observe, enforce, keep'),
        ('mode = "monitor"', 'did you mean "observe"?'),
        ('mode = "Enforce"', 'did you mean "enforce"?'),
        ('moderator = ["anna@corp.example"]', 'did you mean "moderators"?'),
        ("[domains]\na = 1", "domains: must be a list"),
        ('certificate = "/etc/passwd"', "certificate and private_key must both be set, or neither"),
        (
            'certificate = "/nowhere/x.pem"',
            'certificate: there is no file "/nowhere/x.pem"; write its path on this machine',
        ),
        ('private_key = "/nowhere/x.key"', 'private_key: there is no file "/nowhere/x.key"'),
        ('notice_from = "Holdgate"', 'notice_from: "Holdgate" has no address; write one, as in "Holdgate <'),
        ('managers = "managers.cf"', 'managers: "managers.cf" is no Postfix table; write one as in "ldap:/etc/'),
        ('domains = "corp.example, b.example"', 'write it in brackets: ["corp.example", "b.example"]'),
        (
            'moderators = ["a@corp.example, b@corp.example"]',
            'write several as a list: "a@corp.example", "b@corp.example"',
        ),
        ('domains = ["hash:/etc/postfix/ours"]', "notice_from: domains contains no plain domain"),
        ('domains = ["corp.example', "is a quote missing?"),
    ],
)
def test_an_error_names_place_value_and_remedy(
    site: Path, capsys: pytest.CaptureFixture[str], text: str, wanted: str
) -> None:
    before = files(site)
    path = answers_file(site, text)
    assert run(site, "--answers", str(path)) == 2
    output = capsys.readouterr().err
    assert output.startswith(f"holdgate: {path}: ")
    assert wanted in output
    assert files(site) == before


def test_several_errors_are_reported_at_once(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = answers_file(site, 'domains = ["@a.example"]\nmode = "x"\nfoo = 1')
    assert run(site, "--answers", str(path)) == 2
    assert capsys.readouterr().err.count(str(path)) == 3


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"page": "None"}, "none"),
        ({"managers": "ldap:/etc/holdgate/managers.cf"}, "ldap:/etc/holdgate/managers.cf"),
        ({"managers": "/etc/holdgate/managers"}, "/etc/holdgate/managers"),
        ({"notice_from": "Holdgate <holdgate@corp.example>"}, "Holdgate <holdgate@corp.example>"),
    ],
)
def test_values_in_usual_forms_are_accepted(given: dict[str, str], read: str) -> None:
    needed = {"domains": ["corp.example"], "moderators": ["anna@corp.example"]}
    answers = setup_answers.checked(dict(given), needed, "answers.toml")
    assert getattr(answers, next(iter(given))) == read


def test_a_value_without_default_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="domains: is missing, and Postfix's settings do not contain it"):
        setup_answers.checked({}, {"mode": "enforce"}, "answers.toml")


def test_the_shipped_example_is_valid() -> None:
    answers = setup_answers.read_answers(ROOT / "examples/answers.toml", {})
    assert answers.own_domains == ["corp.example"]


def test_the_defaults_are_the_domains_of_postfix_and_their_postmaster(site: Path) -> None:
    settings = load_settings(site)
    assert setup_answers.defaults_of(settings, policies_of(settings.policy)) == {
        "mode": "enforce",
        "domains": ["corp.example", "sales.example", "mx.corp.example"],
        "moderators": ["postmaster@corp.example"],
    }


@pytest.mark.parametrize(
    ("settings", "domains"),
    [
        ("myhostname = corp.co.uk\nmyorigin = $myhostname", ["corp.co.uk"]),
        ("myhostname = mx.corp.example\nmydomain = corp.example", ["corp.example", "mx.corp.example"]),
        ("myhostname = debian\nmydestination = debian, localhost.localdomain, localhost", []),
        ("myhostname = mx.corp.example\nmyorigin = MAILNAME", ["corp.example", "mx.corp.example"]),
        ("myhostname = mx.localdomain", []),
    ],
)
def test_the_domains_of_postfix_are_found(tmp_path: Path, settings: str, domains: list[str]) -> None:
    (tmp_path / "mailname").write_text("corp.example\n")
    text = settings.replace("MAILNAME", str(tmp_path / "mailname"))
    (tmp_path / "main.cf").write_text(f"compatibility_level = 3.6\n{text}\n")
    (tmp_path / "master.cf").write_text(MASTER)
    assert setup_answers.domains_of_postfix(tmp_path) == domains


def test_the_questions_offer_defaults_and_repeat_after_an_error() -> None:
    lines = iter(["@corp.example", "corp.example, sales.example", "", "approve.example", "none", "watch", "observe"])
    printed: list[str] = []
    asked: list[str] = []

    def read(prompt: str) -> str:
        asked.append(prompt)
        return next(lines)

    answers = setup_answers.ask({"mode": "enforce"}, read, printed.append)
    assert (answers.domains, answers.moderators) == (["corp.example", "sales.example"], ["postmaster@corp.example"])
    assert (answers.page, answers.mode) == ("none", "observe")
    assert len(asked) == 7
    assert "[postmaster@corp.example]" in asked[2]
    assert next(line for line in printed if "did you mean" in line).strip().startswith('"@corp.example"')


def test_a_required_answer_is_asked_again_and_managers_only_if_needed() -> None:
    lines = iter(["", "corp.example", "manager", "", "texthash:/etc/holdgate/managers", "", ""])
    answers = setup_answers.ask({"mode": "enforce"}, lambda _prompt: next(lines), lambda _line: None)
    assert (answers.moderators, answers.managers) == (["manager"], "texthash:/etc/holdgate/managers")


def test_yes_is_no_domain_and_the_question_says_what_to_write() -> None:
    """A list of addresses or domains has no answer "yes"; Postfix would complete it to a local address."""
    lines = iter(["y", "", "y.example", "No", "boss@corp.example", "", ""])
    printed: list[str] = []
    answers = setup_answers.ask({"mode": "enforce"}, lambda _prompt: next(lines), printed.append)
    assert (answers.domains, answers.moderators) == (["y.example"], ["boss@corp.example"])
    assert printed[1:] == [
        *["   Write your domains, separated by commas, as in corp.example, *.corp.example."] * 2,
        '   Write addresses, separated by commas, as in boss@corp.example, or the word "manager".',
    ]


# -- the files ----------------------------------------------------------------------------------------------------


def test_setup_writes_settings_and_policies(site: Path) -> None:
    path = answers_file(
        site,
        'domains = ["corp.example", "*.corp.example"]\nmoderators = ["anna@corp.example"]\n'
        'page = "https://approve.corp.example"\nmode = "observe"',
    )
    assert run(site, "--answers", str(path)) == 0
    settings = load_settings(site)
    assert settings.moderation.moderators == ["anna@corp.example"]
    assert (settings.desk.own_domains, settings.desk.notice_from) == (
        ["corp.example"],
        "Holdgate <holdgate@corp.example>",
    )
    assert (settings.desk.public_url, settings.desk.web_listen) == ("https://approve.corp.example", ("127.0.0.1", 9860))
    assert [str(one) for one in settings.desk.trusted_proxies] == ["127.0.0.1/32", "::1/128"]
    policies = policies_of(settings.policy)
    assert policies.internal_domains == ["corp.example", "*.corp.example"]
    assert (policies.uninspected.name, {one.mode for one in policies.policy}) == ("allow", {"observe"})
    assert "# here" in site.read_text()
    assert "holdgate/milter.sock" in (site.parent / "postfix/main.cf").read_text()
    assert (site.stat().st_mode & 0o777, site.with_name("policies.toml").stat().st_mode & 0o777) == (0o644, 0o644)


def test_a_second_run_changes_nothing_and_enforce_can_be_restored(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = policies_of(load_settings(site).policy)
    path = answers_file(site, 'page = "none"\nmode = "observe"')
    assert run(site, "--answers", str(path)) == 0
    once = files(site)
    capsys.readouterr()
    assert run(site, "--answers", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False
    assert files(site) == once
    assert run(site, "--answers", str(answers_file(site, 'mode = "enforce"'))) == 0
    policies = policies_of(load_settings(site).policy)
    assert policies.model_copy(update={"internal_domains": []}) == shipped


def test_a_page_that_is_no_longer_given_is_removed(site: Path) -> None:
    page = (
        'page = "https://approve.corp.example"\ncertificate = "/etc/passwd"\nprivate_key = "/run/credentials/x/k.pem"'
    )
    assert run(site, "--answers", str(answers_file(site, page))) == 0
    assert load_settings(site).desk.trusted_proxies == []
    assert load_settings(site).desk.private_key == Path("/run/credentials/x/k.pem")
    assert run(site, "--answers", str(answers_file(site, 'page = "none"'))) == 0
    desk = load_settings(site).desk
    assert (desk.public_url, desk.web_listen, desk.certificate, desk.private_key) == ("", None, None, None)


def test_policies_that_differ_are_kept_unless_asked_for(site: Path) -> None:
    policies = site.with_name("policies.toml")
    text = policies.read_text().replace(
        "\n[end]", '\n[[policy]]\nname = "b"\naction = "tag"\nmode = "observe"\n[policy.headers]\nX-A = "b"\n\n[end]'
    )
    policies.write_text(text)
    assert setup_answers.mode_of(policies_of(load_settings(site).policy)) == "keep"
    assert run(site, "--answers", str(answers_file(site, ""))) == 0
    assert [one.mode for one in policies_of(load_settings(site).policy).policy] == ["enforce", "observe"]
    assert run(site, "--answers", str(answers_file(site, 'mode = "observe"'))) == 0
    assert [one.mode for one in policies_of(load_settings(site).policy).policy] == ["observe", "observe"]


def test_inconsistent_settings_are_refused_before_anything_is_written(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write_text(site.read_text() + '[desk]\nlmtp_listen = "127.0.0.1:10024"\n')
    before = files(site)
    assert run(site, "--answers", str(answers_file(site, ""))) == 2
    assert f"{site}: [desk]: lmtp_listen is set, but reply_address is empty" in capsys.readouterr().err
    assert files(site) == before


def test_a_problem_of_a_draft_names_the_file_itself(site: Path) -> None:
    settings = load_settings(site)
    drafts = setup_files.draft(site, settings, PolicyFile(), Answers.model_validate(GIVEN))
    broken = [drafts[0], setup_files.Draft(drafts[1].path, drafts[1].old, "x = 1\n")]
    with pytest.raises(ConfigError) as refused:
        setup_files.settings_of(broken)
    assert all(
        str(drafts[1].path) in problem and "holdgate-setup-" not in problem for problem in refused.value.problems
    )


def test_a_file_that_another_process_changed_is_not_overwritten(site: Path) -> None:
    settings = load_settings(site)
    (draft, _) = setup_files.draft(site, settings, PolicyFile(), Answers.model_validate(GIVEN))
    site.write_text("# somebody else's\n")
    with pytest.raises(ConfigError, match="was changed meanwhile, so setup did not change it"):
        setup_files.write(draft)
    assert site.read_text() == "# somebody else's\n"


def test_a_policies_file_that_is_missing_is_named_with_the_remedy(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.with_name("policies.toml").unlink()
    assert run(site, "--answers", str(answers_file(site, ""))) == 2
    assert (
        "policies.toml: there is no such file; to install the packaged one, run: apt install" in capsys.readouterr().err
    )


# -- consent ------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_all_changes_and_makes_none(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(site)
    assert run(site, "--dry-run", "--answers", str(answers_file(site, ""))) == 0
    output = capsys.readouterr().out
    for line in (
        '+moderators = ["postmaster@corp.example"]',
        '+internal_domains = ["corp.example"',
        "+smtpd_milters = ",
    ):
        assert line in output
    assert files(site) == before


@pytest.mark.parametrize(("answer", "code"), [("", 1), ("n", 1), ("yes", 0), ("y", 0)])
def test_setup_asks_for_confirmation_once_and_accepts_no(
    site: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    before = files(site)
    prompts: list[str] = []

    def reply(prompt: str) -> str:
        prompts.append(prompt)
        return answer if "Make these changes" in prompt else ""

    monkeypatch.setattr(builtins, "input", reply)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert run(site) == code
    assert sum("Make these changes" in prompt for prompt in prompts) == 1
    assert (files(site) == before) == (code == 1)


def test_without_a_terminal_the_answers_option_is_named(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site) == 2
    assert "name it with --answers" in capsys.readouterr().err


def test_input_that_ends_changes_nothing(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", ends)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    before = files(site)
    assert run(site) == 2
    assert "the input ended before the last answer" in capsys.readouterr().err
    assert files(site) == before


def test_only_root_can_run_setup(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run(site, "--answers", str(answers_file(site, ""))) == 2
    assert "only root can" in capsys.readouterr().err


# -- the steps ----------------------------------------------------------------------------------------------------


def test_a_postfix_that_is_not_configured_is_named(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site.parent / "postfix/main.cf").unlink()
    assert run(site, "--answers", str(answers_file(site, ""))) == 2
    assert "Postfix is not configured; run: dpkg-reconfigure postfix" in capsys.readouterr().err


class Commands:
    """Replaces systemctl and the canary, and records the commands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[list[str]] = []
        self.down: set[str] = set()
        self.canary = (0, "holdgate canary: 1 was recorded\n", "")
        self._real = subprocess.run
        monkeypatch.setattr(subprocess, "run", self.run)
        monkeypatch.setattr(setup, "_SYSTEMD", Path("/"))
        monkeypatch.setattr(setup, "ids_of", lambda _user: (0, 0))
        monkeypatch.setattr(os, "getgrouplist", lambda _user, _group: [0])
        monkeypatch.setattr(canary, "remarks", lambda _settings: iter(()))

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        if command[0] == "systemctl":
            self.seen.append(command[1:])
            state = "failed" if command[-1] in self.down else "active"
            return subprocess.CompletedProcess(command, 0, state + "\n", "Job failed.\n")
        if "canary" in command:
            self.seen.append(command[command.index("canary") :])
            return subprocess.CompletedProcess(command, *self.canary)
        done: subprocess.CompletedProcess[str] = self._real(command, **options)
        return done


def test_daemons_are_started_before_postfix_is_attached(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands(monkeypatch)
    monkeypatch.setattr(attach, "apply", lambda _plan: commands.seen.append(["attach"]))
    assert run(site, "--answers", str(answers_file(site, 'mode = "observe"'))) == 0
    steps = [one for one in commands.seen if one[0] != "is-active"]
    assert steps == [["restart", *setup.UNITS], ["attach"], ["canary", "--observing"]]


def test_a_second_run_starts_stopped_daemons_and_sends_the_canary_again(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = Commands(monkeypatch)
    assert run(site, "--answers", str(answers_file(site, ""))) == 0
    commands.seen.clear()
    assert run(site, "--answers", str(answers_file(site, ""))) == 0
    assert [one for one in commands.seen if one[0] != "is-active"] == [["start", *setup.UNITS], ["canary"]]


def test_postfix_is_not_changed_if_the_daemons_do_not_start(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(monkeypatch)
    commands.down = {"holdgate-desk"}
    assert run(site, "--answers", str(answers_file(site, ""))) == 2
    output = capsys.readouterr().err
    assert "holdgate-desk did not start (Job failed.)" in output
    assert "journalctl -u holdgate-desk" in output
    assert (site.parent / "postfix/main.cf").read_text() == MAIN


def test_a_failed_canary_is_reported_with_the_completed_steps(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(monkeypatch)
    commands.canary = (2, "", "holdgate canary: the message was taken, but not held\n")
    assert run(site, "--answers", str(answers_file(site, ""))) == 2
    assert (
        "files are written and Postfix is attached, but the test message failed: holdgate canary:"
        in capsys.readouterr().err
    )


def test_a_canary_that_would_be_lost_is_not_sent(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(monkeypatch)
    monkeypatch.setattr(canary, "remarks", lambda _settings: iter(["recipient_delimiter: does not contain +"]))
    assert run(site, "--answers", str(answers_file(site, ""))) == 2
    assert "no test message was sent: recipient_delimiter: does not contain +" in capsys.readouterr().err
    assert not [one for one in commands.seen if one[0] == "canary"]


def test_problems_found_by_check_are_printed_at_the_end(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "check", lambda _path: check.Report(["the store is not there"], []))
    assert run(site, "--answers", str(answers_file(site, ""))) == 0
    assert "problem: the store is not there" in capsys.readouterr().out
