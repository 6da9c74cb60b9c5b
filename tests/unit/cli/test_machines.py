"""`holdgate machines` lists accounts, reports on one, and deletes its data."""

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from holdgate.cli.main import main
from holdgate.machines.traffic import ledger_of
from holdgate.quarantine.store import open_store
from holdgate.relations.keys import Hasher

Run = Callable[..., tuple[int, str]]
POLICY = 'internal_domains = ["corp.example"]\n[[policy]]\nname = "agents"\naction = "quarantine"\n'
BOB = "bob@partner.example"


@pytest.fixture
def run(store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    config, policies, accounts = tmp_path / "holdgate.toml", tmp_path / "policies.toml", tmp_path / "machines"
    policies.write_text(POLICY + "machine = { first = true }\n")
    accounts.write_text("# programs\nbilling  owner@corp.example\nweb\n  ops@corp.example\n\n")
    config.write_text(
        f'[store]\nurl = "{store_url}"\n[policy]\nfile = "{policies}"\n[relations]\nkey = "{tmp_path}/relations.key"\n'
        f'[machines]\nmode = "on"\naccounts = "texthash:{accounts}"\ntime_limit = "60s"\n'
        f'[queue]\npostfix_config = "{tmp_path}"\n'
    )
    (tmp_path / "main.cf").write_text("")

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["-c", str(config), *words])
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out + output.err

    with closing(open_store(store_url)) as store:
        hasher = Hasher.load(tmp_path / "relations.key")
        ledger = ledger_of(hasher, "billing")
        store.machines.learn(ledger, [hasher.edge("machine recipient", "billing", BOB)], 1_700_000_000)
        assert store.machines.known(ledger, 1_700_000_000).known["recipient"] == 1
    return run


def test_accounts_are_listed_with_their_owners(run: Run) -> None:
    assert run("machines", "list") == (0, "billing  owner@corp.example\nweb  ops@corp.example\n")


def test_a_report_shows_how_much_is_known(run: Run) -> None:
    code, output = run("machines", "report", "Billing", "--json")
    known = json.loads(output)
    assert (code, known["known"]["recipient"], known["messages"]) == (0, 1, 0)
    assert "recipients:  1 known, 0 new within 24 hours" in run("machines", "report", "billing")[1]


@pytest.mark.parametrize(("name", "meant"), [("biling", '; did you mean "billing"?'), ("", ""), ("xyz", "")])
@pytest.mark.parametrize("step", ["report", "token"])
def test_an_account_that_the_table_does_not_have_is_an_error(run: Run, step: str, name: str, meant: str) -> None:
    code, output = run("machines", step, name)
    assert code == 2
    assert output.endswith(f'machines has no "{name}"; for the names, run: holdgate machines list{meant}\n')
    assert run("machines", "token", name, "--revoke") == (0, f"revoked 0 tokens of {name}\n")


def test_an_allowance_that_does_not_exist_is_an_error(run: Run) -> None:
    code, output = run("machines", "allowances", "--revoke", "7", "--json")
    (first, second) = output.splitlines()
    assert (code, second) == (2, "holdgate: there is no active allowance 7; run: holdgate machines allowances")
    assert json.loads(first) == {"error": second.removeprefix("holdgate: ")}


def test_forgotten_data_is_no_longer_known(run: Run) -> None:
    assert run("machines", "forget", "--recipient", "nobody@partner.example")[1] == "deleted 0 entries\n"
    assert run("machines", "forget", "--recipient", "Bob@partner.example")[1] == "deleted 1 entry\n"
    assert run("machines", "forget", "billing")[1] == "deleted 0 entries\n"
    assert run("machines", "forget", "--recipient", "bob")[0] == 2


@pytest.mark.slow
def test_policy_test_evaluates_a_message_like_the_gate(run: Run) -> None:
    test = ("policy", "test", "--from", "agent@corp.example", "--user", "billing", "--to")
    output = run(*test, "eve@partner.example")[1]
    assert "policy:     agents" in output
    assert "unusual:    billing: first mail to eve@partner.example." in output


@pytest.mark.slow
@pytest.mark.parametrize(
    "envelope",
    [
        ("--from", "agent@corp.example", "--user", "billing", "--to", BOB),
        ("--from", "a@corp.example", "--to", "eve@partner.example"),
    ],
)
def test_no_policy_holds_a_message_to_a_known_recipient_or_of_another_sender(
    run: Run, envelope: tuple[str, ...]
) -> None:
    assert "policy:     none" in run("policy", "test", *envelope)[1]


def test_a_token_is_created_and_revoked(run: Run, store_url: str) -> None:
    code, output = run("machines", "token", "Billing", "--json")
    made = json.loads(output)
    digest = hashlib.sha256(made["token"].encode()).hexdigest()
    with closing(open_store(store_url)) as store:
        bearer = store.machine_tokens.bearer(digest)
        assert (code, bearer and bearer.name) == (0, "billing")
        assert run("machines", "token", "billing", "--revoke")[1] == "revoked 1 token of billing\n"
        assert store.machine_tokens.bearer(digest) is None
