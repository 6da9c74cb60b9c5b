from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate import config
from holdgate.config import ScanSettings, Settings
from holdgate.configfile import ConfigError, load_leniently, load_settings
from holdgate.notation import format_duration, format_size, parse_duration, parse_size


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "holdgate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text("")
    assert load_settings(path) == Settings()


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        usr = "x"
        [milter]
        socket = "/run/x"
        [scan]
        time_limit = "30 fortnights"
        workers = -1
        [metrics]
        desk = "9853"
        """,
    )
    assert len(found) == 5
    assert found[0].startswith('[milter] socket: "/run/x" is not a socket; write "unix:/path"')
    assert found[1] == "[scan] workers: must be at least 0, and is -1"
    assert found[2].startswith('[scan] time_limit: "30 fortnights" is no duration; write a number and its unit')
    assert found[3].startswith('[metrics] desk: "9853" is no address; write host:port')
    assert found[4].startswith("usr: no such setting; known here: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("= 1", "not valid TOML"),
        (
            "[scan]\ntime = 1",
            "[scan] time: no such setting; known here: retire_after, socket, time_limit, wait_limit, workers",
        ),
        ("[nowhere]", "nowhere: no such setting"),
        ("scan = 3", "scan: must be a table, and is 3; write"),
    ],
)
def test_each_problem_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(problem)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_settings(tmp_path / "none.toml")


def test_a_file_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'user = "\xe4"')
    with pytest.raises(ConfigError, match="byte 8 is not UTF-8"):
        load_settings(path)


def test_a_file_with_errors_is_read_leniently_without_them(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text('user = "mail"\nusr = "x"\nocr = 3\n[scan]\nworkers = -1\nretire_after = 7\n[nowhere]\na = 1\n')
    settings = load_leniently(path)
    assert settings == Settings(user="mail", scan=ScanSettings(retire_after=7))


@pytest.mark.parametrize("content", [None, b"= 1", b'user = "\xe4"'])
def test_a_file_that_is_not_toml_gives_no_settings(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "holdgate.toml"
    if content is not None:
        path.write_bytes(content)
    assert load_leniently(path) is None


@given(st.integers(min_value=0, max_value=10**9))
def test_durations_and_sizes_are_formatted_and_parsed_back(number: int) -> None:
    assert parse_duration(format_duration(timedelta(milliseconds=number))) == timedelta(milliseconds=number)
    assert parse_size(format_size(number)) == number


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(
            ("2 days", 172800),
            ("1 day", 86400),
            ("48 hours", 172800),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("1w", 604800),
        ),
        *(("30 Min", 1800), (" 10 s ", 10), ("500 ms", 0.5), ("2 weeks", 1209600), ("1 hr", 3600), ("0s", 0)),
    ],
)
def test_durations_can_be_written_in_usual_forms(value: str, seconds: float) -> None:
    assert parse_duration(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [5, 2.5, True, ["2d"], {}])
def test_a_number_without_a_unit_is_not_a_duration(value: object) -> None:
    with pytest.raises(ValueError, match="write a number and its unit"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("value", "size"), [("25MB", 25 * 2**20), ("25 MiB", 25 * 2**20), ("10 kilobytes", 10240), ("7", 7), ("3 bytes", 3)]
)
def test_sizes_can_be_written_in_usual_forms(value: str, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize("value", ["", "ten", "2T", "1.5M", "-1", "10 kilo", "3 mega", "1 2"])
def test_invalid_sizes_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(value)


@pytest.mark.parametrize(
    "value", ["", "5", "1y", "-1s", "1.5h", "s", "1 s s", "two days", "1mm", "2 d, 3 h", "9" * 20 + "d"]
)
def test_invalid_durations_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="write a number and its unit"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("given", "accounts"),
    [
        ({}, ["holdgate-milter", "holdgate", "holdgate-desk"]),
        ({"user": "holdgate"}, ["holdgate-milter", "holdgate", "holdgate-desk"]),
        ({"user": "mail"}, ["mail", "mail", "mail"]),
        ({"user": "mail", "desk_user": "desk"}, ["mail", "mail", "desk"]),
        ({"milter_user": "reader"}, ["reader", "holdgate", "holdgate-desk"]),
    ],
)
def test_each_daemon_has_its_own_user(given: dict[str, str], accounts: list[str]) -> None:
    settings = Settings.model_validate(given)
    assert [settings.account("milter"), settings.account("queue"), settings.account("desk")] == accounts


def test_the_scan_service_is_used_if_its_directory_exists_or_it_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "SCAN_SOCKET", tmp_path / "scan/scan.sock")

    def service(**values: str) -> Path | None:
        return Settings.model_validate({"scan": values}).scan.service()

    assert service() is None
    assert service(socket="/elsewhere/scan.sock") == Path("/elsewhere/scan.sock")
    (tmp_path / "scan").mkdir()
    assert service() == tmp_path / "scan/scan.sock"
    assert service(socket="") is None
    with pytest.raises(ValueError, match="write an absolute path"):
        service(socket="unix:/run/holdgate/scan.sock")


def test_workers_have_their_own_user_unless_one_is_set_for_all() -> None:
    assert Settings().account("scan") == "holdgate-scan"
    assert Settings.model_validate({"user": "holdgate"}).account("scan") == "holdgate-scan"
    assert Settings.model_validate({"user": "mail"}).account("scan") == "mail"
    assert Settings.model_validate({"user": "mail", "scan_user": "readers"}).account("scan") == "readers"
