"""`holdgate check` on the daemons: their users' access rights, confinement, and responses."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdgate.cli import check_daemons
from holdgate.config import Settings
from testbed.ports import free_port
from tests.support.scanning import ScanDaemon

TESTS = Path(__file__).parents[2]

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask for another user")


def site(directory: Path, **desk: object) -> Settings:
    return Settings.model_validate(
        {
            "user": "nobody",
            "milter": {"socket": f"unix:{directory}/milter.sock", "spool_directory": directory / "spool"},
            "policy": {"file": directory / "policies.toml"},
            "queue": {"socket": directory / "queue.sock"},
            "rules": {"local_directory": directory / "rules.d"},
            "seal": {"keys": directory / "seal.keys"},
            "store": {"url": f"sqlite:///{directory}/store/holdgate.db"},
            "desk": {"token_key": directory / "token.key", **desk},
            "metrics": {"desk": f"127.0.0.1:{free_port()}"},
        }
    )


# -- access of the user -----------------------------------------------------------------------------------------


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that others can enter, as pytest's own cannot be, with all that the daemons use."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o777)
        for one in ("spool", "store", "rules.d"):
            (directory / one).mkdir()
            (directory / one).chmod(0o777)
        for name in ("holdgate.toml", "policies.toml", "seal.keys", "token.key", "store/holdgate.db"):
            (directory / name).touch()
            (directory / name).chmod(0o666)
        yield directory


def refused(directory: Path) -> list[str]:
    found = check_daemons.permissions(directory / "holdgate.toml", site(directory))
    return [line.removeprefix(f"{directory}/holdgate.toml: ").replace(f"{directory}/", "") for line in found]


@root_only
def test_permitted_access_is_not_named(directory: Path) -> None:
    assert refused(directory) == []


@pytest.mark.slow  # starts an interpreter for each
@root_only
@pytest.mark.parametrize(
    ("name", "mode", "output"),
    [
        ("spool", 0o755, "[milter] spool_directory: nobody cannot write spool"),
        ("store", 0o755, "[store] url: the directory: nobody cannot write store"),
        ("store/holdgate.db", 0o644, "[store] url: nobody cannot write store/holdgate.db"),
        ("policies.toml", 0o640, "[policy] file: nobody cannot read policies.toml"),
        ("holdgate.toml", 0o640, "the settings: nobody cannot read holdgate.toml"),
        ("seal.keys", 0o640, "[seal] keys: nobody cannot read seal.keys"),
        ("token.key", 0o600, "[desk] token_key: nobody cannot read token.key"),
        ("rules.d", 0o700, "[rules] local_directory: nobody cannot read rules.d"),
    ],
)
def test_denied_access_is_named(directory: Path, name: str, mode: int, output: str) -> None:
    (directory / name).chmod(mode)
    (problem,) = refused(directory)
    assert problem.startswith(f"{output}; ")


@root_only
def test_access_to_a_missing_file_is_checked_in_its_directory(directory: Path) -> None:
    (directory / "token.key").unlink()
    directory.chmod(0o755)
    found = refused(directory)
    assert [line.partition(": ")[0] for line in found] == ["[milter] socket", "[desk] token_key"]


@root_only
def test_a_secret_of_a_proxy_must_be_readable_for_the_desk(directory: Path) -> None:
    secret, config = directory / "proxy.secret", directory / "holdgate.toml"
    secret.touch(mode=0o640)
    settings = site(directory, proxy_secret=str(secret))
    (problem,) = check_daemons.permissions(config, settings)
    assert problem.startswith(f"{config}: [desk] proxy_secret: nobody cannot read {secret}; run: ")
    secret.chmod(0o644)
    assert list(check_daemons.permissions(config, settings)) == []


@root_only
@pytest.mark.parametrize("name", ["holdgate.db-shm", "holdgate.db-wal"])
def test_files_next_to_the_database_must_be_writable_too(directory: Path, name: str) -> None:
    """SQLite gives them the database's permissions when it creates them: a read-only database leaves such files."""
    file = directory / "store" / name
    file.touch()
    file.chmod(0o444)
    assert [line.partition(";")[0] for line in refused(directory)] == [f"[store] url: nobody cannot write store/{name}"]
    file.chmod(0o666)
    assert refused(directory) == []


@root_only
def test_local_rules_in_folders_must_be_readable_too(directory: Path) -> None:
    """An administrator whose umask is 027 creates files that only root and its group can read."""
    folder = directory / "rules.d/identifiers"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "staff-number.toml").touch(mode=0o640)
    assert [line.partition(";")[0] for line in refused(directory)] == [
        "[rules] local_directory: nobody cannot read rules.d/identifiers/staff-number.toml"
    ]
    (folder / "staff-number.toml").chmod(0o644)
    assert refused(directory) == []


@root_only
def test_a_socket_that_postfix_cannot_connect_to_is_named(directory: Path) -> None:
    """The milter listens and answers root, but Postfix gets "Permission denied" and defers all mail."""
    (directory / "main.cf").write_text("mail_owner = nobody\n")
    (directory / "master.cf").touch()
    values = site(directory).model_dump(exclude_unset=True) | {"queue": {"postfix_config": directory}}
    settings, config = Settings.model_validate(values), directory / "holdgate.toml"
    assert list(check_daemons.connection(config, settings)) == []  # there is none yet: the milter does not run
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{directory}/milter.sock")
        (directory / "milter.sock").chmod(0o600)
        (problem,) = check_daemons.connection(config, settings)
        assert problem.startswith(
            f"{config}: [milter] socket: Postfix's user nobody cannot connect to {directory}/milter.sock, "
        )
        assert check_daemons.refused_by_socket(settings) == "nobody"
        (directory / "milter.sock").chmod(0o666)
        assert list(check_daemons.connection(config, settings)) == []
        directory.chmod(0o700)
        assert len(list(check_daemons.connection(config, settings))) == 1


def test_a_user_who_does_not_exist_is_named_once(tmp_path: Path) -> None:
    settings = site(tmp_path).model_copy(update={"user": "nobody-of-that-name"})
    (problem,) = check_daemons.user(tmp_path, settings)
    assert 'user: there is no user "nobody-of-that-name"' in problem
    assert list(check_daemons.permissions(tmp_path, settings)) == []


# -- whether workers hold ---------------------------------------------------------------------------------------


@pytest.mark.slow  # starts a scan service
def test_confined_workers_are_not_named(tmp_path: Path) -> None:
    assert list(check_daemons.confinement(tmp_path, site(tmp_path))) == []


@pytest.mark.slow
@pytest.mark.parametrize("refusal", ["landlock_restrict_self", "landlock_create_ruleset"])
def test_a_refused_layer_is_named(tmp_path: Path, refusal: str) -> None:
    config = tmp_path / "holdgate.toml"
    config.write_text(f'[queue]\npostfix_config = "{tmp_path}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.refusal", refusal, "holdgate.cli.main", "--config", config, "check"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{TESTS.parent}/milter:{TESTS}"},
    )
    assert done.returncode == 2, done.stderr
    output = {
        "landlock_restrict_self": "this machine: workers cannot be confined: landlock: Operation not permitted; ",
        "landlock_create_ruleset": "kernel: lsm: landlock is not there, ",
    }[refusal]
    assert [
        line for line in done.stdout.splitlines() if "landlock" in line and line.startswith(f"problem: {output}")
    ], done.stdout


def with_service(tmp_path: Path, scan_socket: Path, **changes: object) -> Settings:
    values = site(tmp_path).model_dump(exclude_unset=True) | {"scan": {"socket": scan_socket}} | changes
    return Settings.model_validate(values)


@root_only
def test_files_that_workers_load_must_be_readable_for_their_user(directory: Path) -> None:
    (directory / "rules.d/words.toml").touch(mode=0o640)
    settings = with_service(directory, directory / "scan.sock", user="root", scan_user="nobody")
    config = directory / "holdgate.toml"
    config.chmod(0o640)
    assert list(check_daemons.permissions(config, settings)) == [
        f"{config}: the settings: nobody cannot read {config}; run: setfacl -m u:nobody:rX {config}",
        f"{config}: [rules] local_directory: nobody cannot read {directory}/rules.d/words.toml; "
        f"run: setfacl -m u:nobody:rX {directory}/rules.d/words.toml",
    ]
    # Without the service it is the daemons that load them.
    settings = settings.model_copy(update={"scan": settings.scan.model_copy(update={"socket": Path()})})
    assert list(check_daemons.permissions(config, settings)) == []


@pytest.mark.slow
def test_workers_of_the_scan_service_are_checked_too(tmp_path: Path) -> None:
    service = ScanDaemon()
    try:
        settings = with_service(tmp_path, service.socket, user="root", scan_user="nobody")
        assert list(check_daemons.confinement(tmp_path, settings)) == []
        assert "holdgate-scan" not in [line.partition(" ")[0] for line in check_daemons.absent(settings)]
    finally:
        service.close()
    assert list(check_daemons.confinement(tmp_path, settings)) == []
    assert next(check_daemons.absent(settings)).startswith("holdgate-scan does not run; ")


@pytest.mark.slow  # starts a scan service
def test_workers_with_the_user_of_another_daemon_are_named(tmp_path: Path) -> None:
    settings = with_service(tmp_path, tmp_path / "scan.sock", milter_user="mail", scan_user="mail")
    (problem,) = check_daemons.confinement(Path("holdgate.toml"), settings)
    assert problem == (
        "holdgate.toml: scan_user: workers run as the same user as holdgate-milter; give them a separate user"
    )


def test_a_user_for_the_workers_is_needed_only_with_the_scan_service(tmp_path: Path) -> None:
    settings = with_service(tmp_path, tmp_path / "scan.sock", scan_user="nobody-of-that-name")
    (problem,) = check_daemons.user(tmp_path, settings)
    assert 'user: there is no user "nobody-of-that-name"' in problem
    settings = settings.model_copy(update={"scan": settings.scan.model_copy(update={"socket": Path()})})
    assert list(check_daemons.user(tmp_path, settings)) == []


# -- daemons that answer ----------------------------------------------------------------------------------------


@contextmanager
def listening(address: Path | tuple[str, int], answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Pass each incoming connection to `answer`."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind(str(address) if isinstance(address, Path) else address)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def negotiate(connection: socket.socket) -> None:
    if connection.recv(17, socket.MSG_WAITALL):
        connection.sendall(b"\0\0\0\x0dO" + bytes(12))
        connection.recv(5, socket.MSG_WAITALL)


def send_empty_list(connection: socket.socket) -> None:
    if connection.recv(1000):
        connection.sendall(b'{"ok": true, "held": []}\n')


def send_metrics(connection: socket.socket) -> None:
    if connection.recv(1000):
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nup 1\n")


def send_nothing(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def test_daemons_that_do_not_run_give_a_warning(tmp_path: Path) -> None:
    settings = site(tmp_path, web_listen="127.0.0.1:1", public_url="https://approve.corp.example")
    assert list(check_daemons.answers(tmp_path, settings)) == []
    assert [line.partition(" ")[0] for line in check_daemons.absent(settings)] == [
        "holdgate-milter",
        "holdgate-queue",
        "holdgate-desk",
    ]


def test_daemons_that_answer_are_not_named(tmp_path: Path) -> None:
    settings = site(tmp_path)
    with (
        listening(tmp_path / "milter.sock", negotiate),
        listening(tmp_path / "queue.sock", send_empty_list),
        listening(settings.metrics.desk, send_metrics),
    ):
        assert list(check_daemons.answers(tmp_path, settings)) == []
        assert list(check_daemons.absent(settings)) == []


def test_daemons_that_listen_and_do_not_answer_are_problems(tmp_path: Path) -> None:
    settings = site(tmp_path, web_listen=f"127.0.0.1:{free_port()}", public_url="https://approve.corp.example")

    def close_at_once(_connection: socket.socket) -> None:
        pass

    with (
        listening(tmp_path / "milter.sock", close_at_once),
        listening(tmp_path / "queue.sock", close_at_once),
        listening(settings.metrics.desk, send_metrics),
    ):
        found = list(check_daemons.answers(Path("holdgate.toml"), settings))
        assert list(check_daemons.absent(settings)) == []
    assert [line.partition(": ")[2].partition(":")[0] for line in found] == [
        "[milter] socket",
        "[queue] socket",
        "[desk] web_listen",
    ]


def test_daemons_that_hang_are_problems_after_some_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = site(tmp_path)
    for place in ("cli.check_daemons.AT_TERMINAL", "cli.scrape._TIMEOUT", "gate.probe._TIMEOUT"):
        monkeypatch.setattr(f"holdgate.{place}", 0.1)
    with (
        listening(tmp_path / "milter.sock", send_nothing),
        listening(tmp_path / "queue.sock", send_nothing),
        listening(settings.metrics.desk, send_nothing),
    ):
        found = list(check_daemons.answers(Path("h.toml"), settings))
    assert found == [
        "h.toml: [milter] socket: holdgate-milter does not answer there; run: systemctl restart holdgate-milter",
        f"h.toml: [queue] socket: {tmp_path}/queue.sock: the queue agent does not answer: timed out; "
        "run: systemctl restart holdgate-queue",
        "h.toml: [metrics] desk: holdgate-desk does not answer there; run: systemctl restart holdgate-desk",
    ]
