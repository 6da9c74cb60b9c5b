"""`holdgate check` names all problems at once."""

from pathlib import Path

import pytest

from holdgate.cli.check import check

pytestmark = pytest.mark.postfix

POLICIES = """
internal_domains = ["https://corp.example"]

[[policy]]
name = "a"
action = "allow"
sender = "corp.example"

[[policy]]
name = "b"
action = "block"
sender = "anna@corp.example"
profile = { no-such = "low" }
found = [{ id = "us-sssn" }, { id = "us-*" }]
attachment = { type = ["pdff", "PDF"] }

[[policy]]
name = "c"
action = "block"
recipient = "texthash:/nonexistent/table"

[[policy]]
name = "d"
action = "quarantine"
recipient = "partner.example"
moderation = { approvals = 3 }

[[policy]]
name = "e"
action = "quarantine"
recipient = "other.example"
moderation = { approvals = 3, moderators = ["second@corp.example", "third@corp.example"] }

[[policy]]
name = "f"
action = "quarantine"
recipient = "third.example"
moderation = { deadline = "1d" }

[[exemption]]
reason = "r"
expires = 2020-01-01
sender = "a@b.example"
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    tmp_path = tmp_path_factory.mktemp("site")
    settings, policies, keys = (tmp_path / name for name in ("holdgate.toml", "policies.toml", "seal.keys"))
    policies.write_text(POLICIES)
    keys.touch(0o666)
    keys.chmod(0o666)
    templates = tmp_path / "templates"
    for name, content in (
        ("en/words.toml", "states = []"),
        ("en/request.txt", "Subject: {{ incident.size + 'x' }}"),
        ("de/decided.txt", "Subject: {{ incident.decided_by | lower }}"),
        ("pages/text.html", "{% if %}"),
        ("pages/sign_in.html", "{{ w.sign_in }}"),
    ):
        (templates / name).parent.mkdir(parents=True, exist_ok=True)
        (templates / name).write_text(content)
    settings.write_text(
        f"""
user = "nobody-of-that-name"
usr = "holdgate"
[milter]
socket = "unix:{tmp_path}/absent/milter.sock"
spool_directory = "{tmp_path}/spool"
[policy]
file = "{policies}"
[queue]
interval = "soon"
postfix_config = "{tmp_path}/postfix"
[desk]
templates = "{templates}"
[seal]
keys = "{keys}"
[moderation]
moderators = ["boss@corp.example", "Boss+a@corp.example"]
fallback = ["boss@corp.example"]
approvals = 2
[ocr]
mode = "on"
languages = ["eng", "xx_yy"]
[metrics]
desk = "127.0.0.1:1"
[store]
url = "sqlite:///{tmp_path}/absent/holdgate.db"
"""
    )
    return "\n".join(check(settings).problems).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    "problem",
    [
        "holdgate.toml: usr: no such setting",
        'holdgate.toml: [queue] interval: "soon" is no duration; write a number and its unit',
        'holdgate.toml: user: there is no user "nobody-of-that-name"',
        "holdgate.toml: [milter] spool_directory: spool does not exist",
        "holdgate.toml: [milter] socket: the directory absent does not exist",
        "holdgate.toml: [store] url: sqlite:///absent/holdgate.db: there is no directory absent; create it",
        "holdgate.toml: [moderation] approvals: 1 person can be asked, 2 must approve; add people",
        'policies.toml: policy "d": moderation.approvals: 1 person can be asked, 3 must approve; add people',
        'policies.toml: policy "b": profile: there is no profile "no-such"',
        'policies.toml: policy "b": found: there is no identifier "us-sssn"; see: holdgate rules list; did you mean',
        'policies.toml: policy "b": attachment.type: there is no type "pdff"',
        'policies.toml: policy "b": no message reaches it, because "a" before it',
        'policies.toml: policy "c": recipient: texthash:/nonexistent/table',
        "policies.toml: exemption 1: expired on 2020-01-01",
        "seal.keys: all users can read or change it; run: chmod 0640",
        'holdgate.toml: [ocr] languages: no data for "xx_yy"; run: apt install tesseract-ocr-xx-yy',
        "templates/en/words.toml: states: must be a table; until it is fixed, the built-in one is used",
        "templates/en/request.txt: TypeError at request.txt:1; until it is fixed, the built-in one is used",
        "templates/pages/text.html: line 1: Expected an expression, got",
        "postfix/main.cf: ",
    ],
)
def test_each_problem_is_named(output: str, problem: str) -> None:
    assert any(line.startswith(problem) for line in output.splitlines()), output


def test_correct_settings_are_not_named(output: str) -> None:
    assert '"us-*"' not in output
    assert '"PDF"' not in output
    assert '"eng"' not in output
    assert "cannot be confined" not in output
    assert "decided.txt" not in output
    assert "sign_in.html" not in output
    # Enough people with its own rules; no separate people, so that [moderation] is named once.
    assert 'policy "e"' not in output
    assert 'policy "f"' not in output


def test_a_file_that_is_not_toml_is_the_only_problem_reported(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text("user = ")
    (problem,) = check(path).problems
    assert "not valid TOML" in problem


def test_a_table_of_machine_accounts_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    config = tmp_path / "holdgate.toml"
    (tmp_path / "main.cf").write_text("")
    config.write_text(
        f'[machines]\nmode = "on"\naccounts = "texthash:{tmp_path}/machines"\n[queue]\npostfix_config = "{tmp_path}"\n'
    )
    problems = [one for one in check(config).problems if "[machines] accounts" in one]
    assert len(problems) == 1
    assert f"there is no {tmp_path}/machines" in problems[0]


def test_a_url_is_reported_once_and_not_queried_as_a_table(output: str) -> None:
    lines = [line for line in output.splitlines() if "https://corp.example" in line]
    assert lines == ['policies.toml: internal_domains: "https://corp.example" is a link; did you mean "corp.example"?']


@pytest.mark.slow  # two complete checks
def test_a_damaged_store_is_named_with_the_page_that_restores_it(tmp_path: Path) -> None:
    database, config = tmp_path / "holdgate.db", tmp_path / "holdgate.toml"
    database.write_bytes(b"no database" * 1000)
    config.write_text(f'[store]\nurl = "sqlite:///{database}"\n[policy]\nfile = "{tmp_path}/policies.toml"\n')
    (problem,) = (one for one in check(config).problems if "[store] url" in one)
    assert problem.endswith("file is not a database; restore a backup, or continue without one: docs/howto/backup.md")
    database.unlink()
    (problem,) = (one for one in check(config).problems if "[store] url" in one)
    assert "restore a backup" not in problem
