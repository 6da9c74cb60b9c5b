"""An error in a command is one line on standard error and exit code 2, never a traceback."""

import hashlib
import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from holdgate.cli import incidents
from holdgate.cli.main import main
from holdgate.config import ApiToken
from holdgate.configfile import load_settings
from holdgate.quarantine import database
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import StoreError, open_store


@pytest.fixture
def settings(tmp_path: Path, empty_store: Path) -> Path:
    path, policies = tmp_path / "holdgate.toml", tmp_path / "policies.toml"
    url = f"sqlite:///{tmp_path}/holdgate.db"
    path.write_text(f'[store]\nurl = "{url}"\n[policy]\nfile = "{policies}"\n')
    policies.write_text('[[policy]]\nname = "all"\naction = "allow"\n')
    shutil.copy(empty_store, tmp_path / "holdgate.db")
    return path


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    return output


def test_a_store_error_is_reported(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(settings.with_name("holdgate.db")) as database:
        database.execute("DROP TABLE incidents")
    assert "the store: no such table: incidents" in complaint(capsys, "-c", str(settings), "list")


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["policy", "test", "--from", "a@b.example", "--to", "c@d.example", "--message"], "cannot be read: No such"),
        (["policy", "replay", "--policies"], "cannot be read: No such"),
        (["show"], "there is no incident"),
    ],
)
def test_a_missing_file_or_incident_is_reported(
    settings: Path, capsys: pytest.CaptureFixture[str], words: list[str], output: str
) -> None:
    assert output in complaint(capsys, "-c", str(settings), *words, str(settings.with_name("absent")))


@pytest.mark.slow
def test_a_table_that_cannot_be_queried_is_reported(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policies = settings.with_name("policies.toml")
    policies.write_text('[[policy]]\nname = "vip"\naction = "allow"\nsender = "texthash:/nonexistent/vip"\n')
    words = ("policy", "test", "--from", "a@b.example", "--to", "c@d.example")
    assert "texthash:/nonexistent/vip" in complaint(capsys, "-c", str(settings), *words)


@pytest.mark.slow
def test_a_new_store_is_not_world_readable(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = settings.with_name("holdgate.db")
    store.unlink()
    with pytest.raises(SystemExit) as ended:
        main(["-c", str(settings), "migrate"])
    assert ended.value.code == 0
    assert store.stat().st_mode & 0o777 == 0o660
    assert re.fullmatch(r"created the store, with schema \d{4}\n", capsys.readouterr().out)


@pytest.mark.slow
def test_migrate_reports_the_schema_before_and_after(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = settings.with_name("holdgate.db")
    store.unlink()
    database.migrate(f"sqlite:///{store}", "0012")
    for expected in (
        r"migrated the store from schema 0012 to (\d{4})\n",
        r"the store already has .*schema \((\d{4})\).*\n",
    ):
        with pytest.raises(SystemExit) as ended:
            main(["-c", str(settings), "migrate"])
        found = re.fullmatch(expected, capsys.readouterr().out)
        assert (ended.value.code, found is not None) == (0, True), expected
        assert found is not None
        assert found[1] > "0012"


def test_no_command_decides_without_policies(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    incident = Incident(queue_id="4a", sender="anna@corp.example", recipients=["bob@partner.example"], policy="p")
    store = open_store(f"sqlite:///{settings.with_name('holdgate.db')}")
    store.record(incident, Actor("holdgate-milter", "milter"))
    store.close()
    settings.with_name("policies.toml").write_text("[[policy")
    for words in (["release", "--as", "boss@corp.example"], ["release"], ["reject"]):
        output = complaint(capsys, "-c", str(settings), *words, incident.id)
        assert "policies.toml: not valid TOML" in output


@pytest.mark.parametrize("name", ["Ticket system", "", "ticket\nsystem", "t" * 65, "tickets\n"])
def test_an_invalid_token_name_is_refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert f"{json.dumps(name)} is no name for a token" in complaint(capsys, "token", name)


def test_the_printed_token_settings_are_read_by_the_desk(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["ticket.system-1"], ["other", "--may-decide"]):
        with pytest.raises(SystemExit) as ended:
            main(["token", *words])
        assert ended.value.code == 0
        secret, _, *lines = capsys.readouterr().out.splitlines()
        with settings.open("a") as file:
            file.write("\n".join(lines) + "\n")
        last = load_settings(settings).desk.api_tokens[-1]
        digest = hashlib.sha256(secret.removeprefix("token: ").encode()).hexdigest()
        assert last == ApiToken(name=words[0], sha256=digest, may_decide=len(words) == 2)


def test_migrate_settings_prints_what_it_renamed_in_settings_policies_and_rules(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies, rules = settings.with_name("policies.toml"), settings.with_name("rules.d")
    rules.mkdir()
    identifier = rules / "staff.toml"
    identifier.write_text('id = "staff"\n[[shapes]]\nalone = "low"\n')
    with settings.open("a") as file:
        file.write(f'[rules]\nlocal_directory = "{rules}"\n[moderation]\ntell_sender_held = true\n')
    with policies.open("a") as file:
        file.write('[policy.moderation]\nmanagers_patience = "5m"\n')
    for expected in (
        [
            f"{settings}: [moderation] tell_sender_held is now notify_sender_on_hold",
            f"{policies}: [policy.moderation] managers_patience is now managers_retry_for",
            f"{identifier}: [shapes] alone is now without_evidence",
        ],
        [],
    ):
        with pytest.raises(SystemExit) as ended:
            main(["-c", str(settings), "migrate-settings"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.splitlines() == expected


def test_migrate_settings_works_without_policies(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.with_name("policies.toml").unlink()
    with pytest.raises(SystemExit) as ended:
        main(["-c", str(settings), "migrate-settings"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "usage", "error"),
    [
        ("chekc", "holdgate", 'did you mean "check"?'),
        ("approve AAAA", "holdgate", 'did you mean "release"?'),
        ("policy tset", "holdgate policy", 'did you mean "test"?'),
        ("list --state hled", "holdgate list", 'did you mean "held"?'),
        ("policy replay --days 0", "holdgate policy replay", "unrecognized arguments: --days 0\n"),
        ("list extra", "holdgate list", "unrecognized arguments: extra\n"),
        ("list -c /etc/x.toml", "holdgate list", "write -c FILE before the command"),
        ("show --config=/etc/x.toml AAAA", "holdgate show", "write -c FILE before the command"),
    ],
)
def test_an_invalid_command_line_is_reported(
    capsys: pytest.CaptureFixture[str], words: str, usage: str, error: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    output = capsys.readouterr().err
    assert output.startswith(f"usage: {usage} [-h]")
    assert error in output


def test_an_error_names_the_user_with_write_access(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_url: str) -> None:
        raise StoreError("sqlite:////x/holdgate.db: attempt to write a readonly database")

    monkeypatch.setattr(incidents, "open_store", refuse)
    assert "a readonly database; run the command as root or as Holdgate's user\n" in complaint(
        capsys, "-c", str(settings), "list"
    )


@pytest.mark.parametrize(
    ("reported", "remedy"),
    [
        ("database or disk is full", "free space on its disk, which holdgate check names"),
        ("could not extend file: No space left on device", "free space on its disk, which holdgate check names"),
        ("unable to open database file", "run the command as root or as Holdgate's user"),
    ],
)
def test_the_error_for_a_full_store_names_the_remedy(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, reported: str, remedy: str
) -> None:
    def refuse(_url: str) -> None:
        raise OperationalError("INSERT", {}, Exception()) from Exception(reported)

    monkeypatch.setattr(incidents, "open_store", refuse)
    assert complaint(capsys, "-c", str(settings), "list") == f"holdgate: the store: {reported}; {remedy}\n"


def test_a_word_similar_to_no_command_gets_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["xyzzy"])
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--days", "3"), ("--days", "3", "--allow", "thread")])
def test_days_without_an_allowance_release_nothing(
    settings: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    store = open_store(load_settings(settings).store.url)
    held = Incident("4a", "a@corp.example", ["b@partner.example"], "all", state=State.HELD)
    store.record(held, Actor("root", "command"))
    error = complaint(capsys, "-c", str(settings), "release", held.id, *words)
    assert "--days: is allowed only with --allow recipients" in error
    found = store.incident(held.id)
    assert found is not None
    assert found.state is State.HELD
    store.close()


@pytest.mark.parametrize("words", ["", "policy", "seal"])
def test_a_missing_command_names_the_one_that_lists_them(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"; to list them, run: {f'holdgate {words}'.strip()} --help\n")


def test_a_missing_argument_is_reported_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show"])
    assert "to list them" not in capsys.readouterr().err
