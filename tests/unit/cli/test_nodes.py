"""`holdgate nodes` lists the mail servers that share a store, and retires one that no longer exists."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import update

from holdgate.cli.authority import Authority
from holdgate.cli.main import main
from holdgate.configfile import load_settings
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.outcome import outcome_key
from holdgate.desk.preview import Previewer
from holdgate.desk.templates import Templates
from holdgate.node import Machine, rules_of
from holdgate.quarantine.incident import Actor, Incident, NewNotice
from holdgate.quarantine.schema import nodes
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue.client import QueueClient
from holdgate.queue.mutual import fingerprints_of

ACTOR = Actor("holdgate-milter", "milter")
ONE, TWO = Machine("1" * 32, "one.corp.example", "1.0"), Machine("2" * 32, "two.corp.example", "1.0")

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    config = tmp_path / "holdgate.toml"
    config.write_text(f'[store]\nurl = "{store_url}"\n')

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["-c", str(config), *words])
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out + output.err

    return run


def record(store: Store, queue_id: str, sender: str = "a@corp.example") -> Incident:
    incident = Incident(queue_id=queue_id, sender=sender, recipients=["b@partner.example"], policy="p")
    store.record(incident, ACTOR)
    found = store.incident(incident.id)
    assert found is not None
    return store.change(found, State.HELD, ACTOR, held_at=datetime.now(UTC))


def test_nodes_are_listed_and_retired(run: Run, store_url: str) -> None:
    assert run("nodes") == (0, "No node has used this store yet; start holdgate-queue.\n")
    a, b = open_store(store_url, "mx1.corp.example"), open_store(store_url, "mx2.corp.example")
    is_shared = not store_url.startswith("sqlite")
    a.nodes.acquire("mx1.corp.example", ONE)
    held = record(a, "4a")
    code, output = run("nodes")
    assert code == 0
    assert ("ok, last report" in output) == is_shared
    assert "version 1.0 on one.corp.example; 1 held, the oldest for 0 min; 0 decisions to carry out" in output
    if not is_shared:
        assert "one node" in run("nodes", "retire", "mx1.corp.example")[1]
        a.close()
        b.close()
        return
    b.nodes.acquire("mx2.corp.example", TWO)
    b.claims.heartbeat(TWO)
    other = record(b, "4b")
    code, output = run("nodes", "--json")
    found = {one["name"]: one for one in json.loads(output)["nodes"]}
    assert (code, {name: one["held"] for name, one in found.items()}) == (
        0,
        {"mx1.corp.example": 1, "mx2.corp.example": 1},
    )
    assert json.loads(output)["desks"] == [{"machine": "two.corp.example", "version": "1.0"}]
    assert "desk on two.corp.example" in run("nodes")[1]
    # One that is in use is not retired.
    code, output = run("nodes", "retire", "mx1.corp.example")
    assert code == 2
    assert "is used by the machine one.corp.example" in output
    assert run("nodes", "retire", "mx9")[0] == 2
    with a._engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(hours=1)
        gone = update(nodes).where(nodes.c.name == "mx1.corp.example")
        connection.execute(gone.values(expires_at=past, seen_at=past))
    code, output = run("nodes")
    assert code == 1
    assert "silent" in output
    code, output = run("nodes", "retire", "mx1.corp.example")
    assert code == 0
    assert "Open incidents closed: 1." in output
    after = {one.id: one.state for one in a.incidents()}
    assert after == {held.id: State.VANISHED, other.id: State.HELD}
    assert "retired: the message cannot be reached" in a.history(held.id)[-1].note
    code, output = run("nodes")
    assert code == 0
    assert "retired 2" in output
    assert a.audit.verify().problem == ""
    a.close()
    b.close()


def test_senders_of_a_retired_node_are_notified_on_request(run: Run, store_url: str, tmp_path: Path) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("a file has one node")
    config = tmp_path / "holdgate.toml"
    (tmp_path / "policies.toml").write_text('[[policy]]\nname = "p"\naction = "quarantine"\n')
    config.write_text(
        f'{config.read_text()}[policy]\nfile = "{tmp_path}/policies.toml"\n[desk]\n'
        f'notice_from = "holdgate@corp.example"\ntemplates = "{tmp_path}/templates"\n'
    )
    store, other = open_store(store_url, "mx1.corp.example"), open_store(store_url, "mx2.corp.example")
    store.nodes.acquire("mx1.corp.example", ONE)
    other.nodes.acquire("mx2.corp.example", TWO)
    store.nodes.release("mx1.corp.example", ONE)
    senders = ["anna@corp.example", "", "x@partner.example", "told@corp.example", "waits@corp.example"]
    held = {sender: record(store, f"4a{number}", sender) for number, sender in enumerate(senders)}
    elsewhere = record(other, "4b")
    for sender in ("told@corp.example", "waits@corp.example"):
        outbox = [NewNotice("rejected", sender)]
        store.change(held[sender], State.REJECTED, ACTOR, outbox=outbox, decided_at=datetime.now(UTC))
    (sent, _) = store.outbox.due(datetime.now(UTC) + timedelta(minutes=1))
    store.outbox.sent(sent, ACTOR)
    # The settings say whom to notify: while they have an error, nothing is done.
    (tmp_path / "policies.toml").write_text("[[policy")
    assert run("nodes", "retire", "mx1.corp.example", "--notify-senders")[0] == 2
    assert store.incident(elsewhere.id) == other.incident(elsewhere.id)
    assert len(store.open_incidents()) == len(senders)
    (tmp_path / "policies.toml").write_text('[[policy]]\nname = "p"\naction = "quarantine"\n')
    code, output = run("nodes", "retire", "mx1.corp.example", "--notify-senders")
    assert code == 0
    assert "Open incidents closed: 5." in output
    assert "Notices to senders: 2." in output
    due = store.outbox.due(datetime.now(UTC) + timedelta(minutes=1))
    assert [(one.kind, one.recipient) for one in due] == [
        ("lost", "anna@corp.example"),
        ("lost", "waits@corp.example"),
    ]
    assert run("nodes", "retire", "mx1.corp.example", "--notify-senders")[1].count("Notices to senders: 0.") == 1
    assert [one.state for one in store.incidents([State.HELD])] == [State.HELD]
    # The notice states only facts that the desk knows.
    desk = Desk(store, load_settings(config))
    templates = Templates(desk.settings.desk.templates, desk.zone)
    composer = Composer(desk, templates, Previewer(desk.settings, QueueClient(tmp_path / "none.sock")))
    found = store.incident(due[0].incident_id)
    assert found is not None
    letter = composer.compose(found, due[0], datetime.now(UTC)).content
    text = " ".join(message_from_bytes(letter).get_payload(0).get_payload(decode=True).decode().split())
    assert "It is not known whether it was delivered before." in text
    assert "b@partner.example" in text
    assert outcome_key(found) == "out_of_reach"
    # Its queue is found after all, and moderators are asked again: the notice is not true any more.
    store.change(found, State.HELD, ACTOR, held_at=datetime.now(UTC))
    assert [one.recipient for one in store.outbox.due(datetime.now(UTC) + timedelta(minutes=1))] == [
        "waits@corp.example"
    ]
    assert store.audit.verify().problem == ""
    store.close()
    other.close()


def test_nodes_with_other_policies_are_named(run: Run, store_url: str, tmp_path: Path) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("a file has one node")
    policies = tmp_path / "policies.toml"
    policies.write_text('[[policy]]\nname = "all"\naction = "quarantine"\n')
    config = tmp_path / "holdgate.toml"
    config.write_text(f'{config.read_text()}[policy]\nfile = "{policies}"\n[rules]\nlocal_directory = "{tmp_path}/d"\n')
    store = open_store(store_url)
    store.nodes.acquire("mx1.corp.example", ONE, rules_of(load_settings(config)))
    store.nodes.acquire("mx2.corp.example", TWO, "0" * 64)
    code, output = run("nodes")
    assert code == 1
    assert json.loads(run("nodes", "--json")[1])["differing"] == ["mx2.corp.example"]
    assert "mx2.corp.example has other policies or rules" in output
    assert "mx1.corp.example has" not in output
    assert "mx2.corp.example: 0 held, 0 decisions to carry out; other policies or rules than here" in run("status")[1]
    assert "node mx2.corp.example has other policies or local rules" in run("check")[1]
    assert store.nodes.renew("mx2.corp.example", TWO, rules_of(load_settings(config)))
    assert run("nodes")[0] == 0
    store.close()


def test_the_node_that_migrates_gets_the_existing_incidents(
    run: Run, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdgate.cli.main.name_of", lambda _: "mx1.corp.example")
    assert run("migrate")[0] == 0
    assert run("migrate")[0] == 0
    code, output = run("nodes")
    assert code == 0
    assert "mx1.corp.example" in output
    assert "version unknown on an unknown machine" in output
    assert ("last report never" in output) == (not store_url.startswith("sqlite"))


def test_the_certificates_of_a_node_with_a_stolen_key_are_revoked(run: Run, store_url: str, tmp_path: Path) -> None:
    store = open_store(store_url, "mx1.corp.example")
    name = "mx1.corp.example"
    code, output = run("nodes", "revoke", name)
    assert code == 2
    assert f'no certificate of "{name}" has been used; for the names, run: holdgate nodes' in output
    now = datetime.now(UTC)
    Authority.open(tmp_path / "ca", now).write(tmp_path / "mx1", name, now, timedelta(days=1))
    file = tmp_path / "mx1" / "node.crt"
    store.certificates.announce("0" * 64, name)
    code, output = run("nodes", "revoke", name, "--certificate", str(file))
    assert (code, output.startswith(f"Revoked certificates of {name}: 2.")) == (0, True)
    assert store.certificates.is_revoked("0" * 64)
    assert store.certificates.is_revoked(fingerprints_of(file)[0])
    for wrong in (tmp_path / "missing", tmp_path / "mx1" / "node.key"):
        code, output = run("nodes", "revoke", name, "--certificate", str(wrong))
        assert code != 0
        assert "not a certificate in PEM" in output
    assert "there is no -----BEGIN CERTIFICATE-----" in output
    store.close()


def test_a_second_call_does_not_revoke_the_new_certificate(run: Run, store_url: str, tmp_path: Path) -> None:
    store = open_store(store_url, "mx1.corp.example")
    name, new = "mx1.corp.example", "1" * 64
    store.certificates.announce("0" * 64, name)
    for _ in range(2):
        assert run("nodes", "revoke", name)[1].startswith(f"Revoked certificates of {name}: 1.")
    store.certificates.announce(new, name)
    code, output = run("nodes", "revoke", name)
    assert code == 2
    assert "it has used another one since; if the key of this one was stolen too, add --again" in output
    now = datetime.now(UTC)
    Authority.open(tmp_path / "ca", now).write(tmp_path / "mx1", name, now, timedelta(days=1))
    file = tmp_path / "mx1" / "node.crt"
    code, output = run("nodes", "revoke", name, "--certificate", str(file))
    assert (code, output.startswith(f"Revoked certificates of {name}: 1.")) == (0, True)
    assert store.certificates.is_revoked(fingerprints_of(file)[0])
    assert run("nodes", "revoke", name)[0] == 2
    assert not store.certificates.is_revoked(new)
    code, output = run("nodes", "revoke", name, "--again")
    assert (code, output.startswith(f"Revoked certificates of {name}: 3.")) == (0, True)
    assert store.certificates.is_revoked(new)
    store.close()
