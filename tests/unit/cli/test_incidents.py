"""The output of the commands about a decision."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from holdgate.cli.incidents import _changes, sender_notice_text, sent_text
from holdgate.cli.main import main
from holdgate.quarantine.incident import Actor, Change, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import open_store


@pytest.mark.parametrize(
    ("sender", "is_notified", "output"),
    [
        ("anna@corp.example", True, "anna@corp.example has been notified"),
        ("eve@partner.example", False, "eve@partner.example is not notified: its domain is not in desk.own_domains"),
        (
            "eve\x1b[2J@partner.example",
            False,
            "eve [2J@partner.example is not notified: its domain is not in desk.own_domains",
        ),
        ("", False, "it has no sender to notify"),
    ],
)
def test_the_output_mentions_only_notified_senders(sender: str, is_notified: bool, output: str) -> None:
    assert sender_notice_text(Incident("4a", sender, ["bob@partner.example"], "p"), is_notified=is_notified) == output


def test_a_sender_without_report_is_not_shown_as_notified() -> None:
    incident = Incident("4a", "anna@corp.example", ["bob@partner.example"], "p")
    output = "anna@corp.example is not notified: the message requested no report (NOTIFY=NEVER)"
    assert sender_notice_text(incident, is_notified=True, dropped=True) == output


def test_excluded_recipients_are_not_listed_as_recipients() -> None:
    bob, carol = "bob@partner.example", "carol@partner.example"
    incident = Incident("4a", "anna@corp.example", [bob, carol], "p")
    assert sent_text(incident) == f"released to {bob}, {carol}"
    change = Change(["without-attachments", "without-recipients"], "0", "1", "", [2], ["a.pdf"], recipients=[carol])
    incident = replace(incident, change=asdict(change))
    assert sent_text(incident) == f"released to {bob}; not to {carol}"
    assert _changes(incident) == f"without-attachments: a.pdf; without-recipients: {carol}"
    incident = replace(
        incident, change=asdict(Change(["redact", "without-attachments"], "0", "1", "", [2], signatures=["DKIM"]))
    )
    assert sent_text(incident) == f"released to {bob}, {carol}"
    assert _changes(incident) == "redact; without-attachments: 2; signatures removed: DKIM"
    incident = replace(incident, change=asdict(Change([], "0", "1", "")))
    assert _changes(incident) == ""


@pytest.mark.parametrize("policies", [None, "nonsense", "[[policies]]\n"])
@pytest.mark.parametrize("word", ["release", "reject"])
def test_no_command_decides_while_the_policies_cannot_be_read(
    tmp_path: Path, empty_store: Path, capsys: pytest.CaptureFixture[str], policies: str | None, word: str
) -> None:
    url, config, file = f"sqlite:///{tmp_path}/holdgate.db", tmp_path / "holdgate.toml", tmp_path / "policies.toml"
    config.write_text(f'[store]\nurl = "{url}"\n[policy]\nfile = "{file}"\n')
    if policies is not None:
        file.write_text(policies)
    shutil.copy(empty_store, tmp_path / "holdgate.db")
    store = open_store(url)
    incident = Incident("4a", "anna@corp.example", ["bob@partner.example"], "p")
    store.record(incident, Actor("holdgate-milter", "milter"))
    found = store.incident(incident.id)
    assert found is not None
    store.change(found, State.HELD, Actor("holdgate-queue", "queue"))
    with pytest.raises(SystemExit) as ended:
        main(["-c", str(config), word, incident.id])
    assert ended.value.code == 2
    assert "policies.toml" in capsys.readouterr().err
    now = store.incident(incident.id)
    store.close()
    assert now is not None
    assert now.state is State.HELD
