"""`holdgate relations` learns from old mail, reports whether it is enough, and deletes data."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from holdgate.cli.main import main

Run = Callable[..., tuple[int, str]]
POLICY = 'internal_domains = ["corp.example"]\n[[policy]]\nname = "risk"\naction = "quarantine"\n'


@pytest.fixture
def run(store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    config, policies = tmp_path / "holdgate.toml", tmp_path / "policies.toml"
    policies.write_text(POLICY + "recipient_risk = { lookalike = true }\n")
    config.write_text(
        f'[store]\nurl = "{store_url}"\n[policy]\nfile = "{policies}"\n[relations]\nmode = "on"\n'
        f'key = "{tmp_path}/relations.key"\ntime_limit = "60s"\n'
    )

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["-c", str(config), *words])
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out + output.err

    return run


def sent(folder: Path, days: int, each: int = 1) -> None:
    folder.mkdir()
    for day in range(days):
        moment = format_datetime(datetime.now(UTC) - timedelta(days=day, minutes=1))
        for number in range(each):
            text = f"From: anna@corp.example\nTo: bob@partner.example\nSubject: Offer\nDate: {moment}\n\nText\n"
            (folder / f"{day}-{number}.eml").write_text(text)


@pytest.mark.slow
def test_old_mail_is_learned_a_look_alike_is_found_and_all_data_is_deleted(run: Run, tmp_path: Path) -> None:
    sent(tmp_path / "sent", 14, each=15)
    assert run("relations", "report")[0] == 1
    code, output = run("relations", "learn", str(tmp_path / "sent"))
    assert (code, output) == (
        0,
        "read 210 messages; learned 210 of them, from internal senders to external recipients\n",
    )
    code, output = run("relations", "report", "--json")
    known = json.loads(output)
    assert (code, known["enough"], len(known["days"])) == (0, True, 14)
    test = ("policy", "test", "--from", "anna@corp.example", "--to")
    code, output = run(*test, "bob@partners.example")
    assert "policy:     risk" in output
    assert "unusual:    bob@partners.example: the sender has written to bob@partner.example 2" in output
    assert "policy:     none" in run(*test, "bob@partner.example")[1]
    assert run("relations", "forget", "bob@partner.example")[0] == 0
    output = run(*test, "bob@partners.example")[1]
    assert "has written to partner.example 2" in output  # the data of the domain stays
    assert run("relations", "forget", "--all")[0] == 0
    assert json.loads(run("relations", "report", "--json")[1])["relations"] == 0


def test_another_key_is_refused(run: Run, tmp_path: Path) -> None:
    sent(tmp_path / "sent", 1)
    assert run("relations", "learn", str(tmp_path / "sent"))[0] == 0
    (tmp_path / "relations.key").unlink()
    code, output = run("relations", "learn", str(tmp_path / "sent"))
    assert (code, "another key" in output) == (2, True)
    assert "another key" in run("relations", "report")[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_created_by_root_belongs_to_the_milter(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "holdgate.toml"
    config.write_text('milter_user = "nobody"\n' + config.read_text())
    assert run("policy", "test", "--from", "anna@corp.example", "--to", "bob@partner.example")[0] == 0
    assert (tmp_path / "relations.key").owner() == "nobody"


def test_a_missing_path_or_invalid_address_is_reported(run: Run, tmp_path: Path) -> None:
    assert "No such file" in run("relations", "learn", str(tmp_path / "nowhere"))[1]
    assert 'no address; write one as "bob@partner.example"' in run("relations", "forget", "bob")[1]
