"""`holdgate nodes certificate` makes the certificates of nodes; `holdgate check` finds errors in them."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdgate.cli import check_nodes
from holdgate.cli.authority import Authority, look
from holdgate.cli.main import main
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.node import Machine, machine_of
from holdgate.notation import format_address
from holdgate.quarantine.store import migrate, open_store
from holdgate.queue import agent
from holdgate.queue.client import QueueClient
from holdgate.queue.listener import NodeListener, open_listener
from holdgate.queue.mutual import NodeCertificate
from testbed.ports import PATIENCE
from testbed.postgres import PostgresServer
from tests.support.held import HeldMail

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["nodes", "certificate", "--directory", str(tmp_path / "ca"), *words])
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out + output.err

    return run


def files(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "authority.crt", folder / "node.crt", folder / "node.key"


def test_each_node_gets_a_certificate_of_the_same_authority(run: Run, tmp_path: Path) -> None:
    code, output = run("mx1.corp.example", "mx_2")
    assert code == 0
    assert "certificate of mx_2, valid for 730 days" in output
    ca = tmp_path / "ca"
    first = files(ca / "mx1.corp.example")
    assert look(*first).names == ["mx1.corp.example"]
    assert look(*first).problem == look(*files(ca / "mx_2")).problem == ""
    secret = [ca, ca / "authority.key", first[0].parent, first[2]]
    assert [path.stat().st_mode & 0o077 for path in secret] == [0] * 4
    # Again: the same authority, and a new certificate.
    before = first[1].read_bytes()
    assert run("mx1.corp.example", "--days", "10")[0] == 0
    assert first[1].read_bytes() != before
    assert first[0].read_bytes() == (ca / "authority.crt").read_bytes() == (ca / "mx_2/authority.crt").read_bytes()
    assert look(*first).ends_at < datetime.now(UTC) + timedelta(days=11)


@pytest.mark.parametrize("name", ["", "../mx1", "mx 1", "-mx1", "a" * 256, "mxé"])
def test_an_invalid_node_name_gets_no_certificate(run: Run, tmp_path: Path, name: str) -> None:
    code, output = run("--", "mx1", name)
    assert code == 2
    assert "is no name of a node" in output
    assert not (tmp_path / "ca").exists()


@pytest.mark.parametrize("days", ["0", "-1", "4000"])
def test_the_validity_of_a_certificate_has_limits(run: Run, days: str) -> None:
    assert f'argument --days: "{days}" is not a whole number from 1 to 3650' in run("mx1", "--days", days)[1]


def test_a_certificate_does_not_outlive_its_authority(run: Run, tmp_path: Path) -> None:
    Authority.open(tmp_path / "ca", datetime.now(UTC) - timedelta(days=3000))
    assert "the authority expires before 730 days" in run("mx1")[1]
    assert run("mx1", "--days", "100")[0] == 0


def test_an_incomplete_or_expired_authority_signs_nothing(run: Run, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    Authority.open(tmp_path / "other", now)
    Authority.open(tmp_path / "old", now - timedelta(days=5000))
    for name, broken in (("authority.key", b"x"), ("authority.crt", b"x")):
        Authority.open(tmp_path / "ca", now)
        (tmp_path / "ca" / name).write_bytes(broken)
        assert "cannot be read" in run("mx1")[1]
        shutil.rmtree(tmp_path / "ca")
    Authority.open(tmp_path / "ca", now)
    shutil.copy(tmp_path / "other/authority.key", tmp_path / "ca/authority.key")
    assert "not the key of" in run("mx1")[1]
    (tmp_path / "ca/authority.key").unlink()
    assert run("mx1")[0] == 2
    with pytest.raises(ConfigError, match="expired"):
        Authority.open(tmp_path / "old", now)


# -- checks of holdgate check -------------------------------------------------------------------------------------


def settings_of(folder: Path, **node: object) -> Settings:
    authority, certificate, private_key = map(str, files(folder))
    table = {"name": "mx1", "authority": authority, "certificate": certificate, "private_key": private_key, **node}
    return Settings.model_validate({"node": table})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    now = datetime.now(UTC)
    Authority.open(tmp_path / "ca", now).write(tmp_path / "mx1", "mx1", now, timedelta(days=100))
    return tmp_path / "mx1"


def found(settings: Settings) -> str:
    return "\n".join(check_nodes.problems(Path("holdgate.toml"), settings))


def test_valid_certificates_are_not_reported(folder: Path) -> None:
    assert found(settings_of(folder)) == ""
    assert found(Settings()) == ""


@pytest.mark.parametrize("name", ["authority.crt", "node.crt", "node.key"])
@pytest.mark.parametrize("damage", ["missing", "no pem"])
def test_unusable_certificate_files_are_reported(folder: Path, name: str, damage: str) -> None:
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_text("x")
    assert "the files cannot be used" in found(settings_of(folder))


def test_mismatched_certificate_files_are_reported(folder: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    Authority.open(tmp_path / "other", now).write(tmp_path / "foreign", "mx1", now, timedelta(days=100))
    assert "is for mx1, but this node is mx2" in found(settings_of(folder, name="mx2"))
    foreign = str(tmp_path / "foreign/authority.crt")
    assert "is not signed by authority" in found(settings_of(folder, authority=foreign))
    assert "cannot be used" in found(settings_of(folder, private_key=str(tmp_path / "foreign/node.key")))
    (folder / "node.key").chmod(0o644)
    assert "all users can read" in found(settings_of(folder))


def test_an_expiring_or_expired_certificate_is_reported(folder: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    signer = Authority.open(tmp_path / "ca", now)
    signer.write(folder, "mx1", now - timedelta(days=100), timedelta(days=99))
    assert "expired on" in found(settings_of(folder))


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        ('listen = "127.0.0.1:8755"', "certificate is not"),
        ('certificate = "/c"', "must all be set"),
        ('authority = "/a"\ncertificate = "/c"\nprivate_key = "/k"\naddress = "h:1"', "address is set"),
    ],
)
def test_incomplete_node_settings_are_refused(tmp_path: Path, node: str, problem: str) -> None:
    (tmp_path / "holdgate.toml").write_text(f"[node]\n{node}\n")
    with pytest.raises(ConfigError, match=problem):
        load_settings(tmp_path / "holdgate.toml")


@pytest.mark.parametrize(
    ("listen", "address", "expected"),
    [
        ("192.0.2.1:8755", None, "192.0.2.1:8755"),
        ("[2001:db8::1]:8755", None, "[2001:db8::1]:8755"),
        ("0.0.0.0:8755", None, "mx1:8755"),
        ("[::]:8755", None, "mx1:8755"),
        ("192.0.2.1:8755", "mail.corp.example:9000", "mail.corp.example:9000"),
    ],
)
def test_the_address_of_a_node_is_recorded_in_the_store(
    folder: Path, listen: str, address: str | None, expected: str
) -> None:
    assert machine_of(settings_of(folder, listen=listen, address=address)).address == expected
    assert machine_of(Settings()).address == ""


# -- the other nodes ------------------------------------------------------------------------------------------------


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[str]:
    """The listener of a node mx2, with its queue agent."""
    now = datetime.now(UTC)
    Authority.open(tmp_path / "ca", now).write(tmp_path / "mx2", "mx2", now, timedelta(days=100))
    (tmp_path / "hold").mkdir()
    local = agent.listen(tmp_path / "queue.sock", group_id=os.getgid())
    agent.Agent(HeldMail(tmp_path / "hold"), user_ids=[os.getuid()], action_header="X").serve(local)
    opened = open_listener(("127.0.0.1", 0))
    serving = NodeListener(
        NodeCertificate(*files(tmp_path / "mx2"), lambda _: False), QueueClient(tmp_path / "queue.sock")
    )
    thread = threading.Thread(target=serving.serve, args=[opened])
    thread.start()
    yield format_address(opened.getsockname()[:2])
    for one in (opened, local):
        one.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE)
    for one in (opened, local):
        one.close()


@pytest.mark.postgresql
def test_check_connects_to_the_other_nodes(
    postgres: PostgresServer, folder: Path, tmp_path: Path, listening: str
) -> None:
    url = postgres.new_database()
    migrate(url)
    store = open_store(url)
    store.nodes.acquire("mx1", Machine("1" * 32, "one.corp.example", "1.0"))
    shared = settings_of(folder).model_copy(update={"store": Settings().store.model_copy(update={"url": url})})

    def remarks(settings: Settings = shared) -> str:
        return "\n".join(check_nodes.remarks(settings))

    assert remarks() == ""
    two = Machine("2" * 32, "two.corp.example", "1.0")
    store.nodes.acquire("mx2", two)
    assert "node mx2 has no [node] listen" in remarks()
    without = shared.model_copy(update={"node": Settings.model_validate({"node": {"name": "mx1"}}).node})
    assert "cannot show or return messages of mx2" in remarks(without)
    store.nodes.acquire("mx2", Machine(two.holder, two.name, two.version, listening))
    assert remarks() == ""
    assert store.nodes.all()[1].address == listening
    with open_listener(("127.0.0.1", 0)) as gone:
        nowhere = format_address(gone.getsockname()[:2])
    store.nodes.acquire("mx2", Machine(two.holder, two.name, two.version, nowhere))
    assert f"node mx2 at {nowhere} does not answer" in remarks()
    now = datetime.now(UTC)
    Authority.open(tmp_path / "ca", now).write(folder, "mx1", now, timedelta(days=20))
    assert "expires on" in remarks()
    store.close()


def test_a_single_server_needs_no_listener(folder: Path) -> None:
    (remark,) = check_nodes.remarks(settings_of(folder, listen="127.0.0.1:8755"))
    assert "so no other node connects" in remark
    assert list(check_nodes.remarks(settings_of(folder))) == []
