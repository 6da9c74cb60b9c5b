"""`holdgate config show` prints a file with the same settings."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.cli.main import main
from holdgate.cli.settings import to_toml
from holdgate.config import Settings

CONTENT = """\
user = "mail"
[moderation]
deadline = "36h"
moderators = ["a@corp.example", "manager"]
holidays = [2026-12-24]
deputies = { "a@corp.example" = "b@corp.example" }
[desk]
web_listen = "[::1]:8443"
public_url = "https://approve.corp.example"
trusted_proxies = ["192.0.2.0/24"]
notice_relay = "127.0.0.1:10027"
[[desk.api_tokens]]
name = "monitor"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"""


def shown(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["-c", str(path), "config", "show", *words])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_printed_settings_are_read_back_unchanged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text(CONTENT)
    expected = Settings.model_validate(tomllib.loads(CONTENT))
    everything, changed = shown(capsys, path), shown(capsys, path, "--changed")
    for text in (everything, changed):
        assert Settings.model_validate(tomllib.loads(text)) == expected
    assert "[scan]" in everything
    assert "[scan]" not in changed
    assert 'deadline = "36h"' in changed
    assert "return_size" not in changed


def test_nothing_is_printed_if_nothing_was_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "holdgate.toml"
    path.touch()
    assert shown(capsys, path, "--changed").strip() == ""
    assert shown(capsys, path, "--changed", "--json") == "{}\n"


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_PLAIN = st.recursive(
    st.one_of(_TEXT, st.integers(-(2**60), 2**60), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b_c"]), st.dictionaries(st.sampled_from(["d", "e"]), _PLAIN)))
def test_any_values_are_written_as_toml(values: dict[str, Any]) -> None:
    read = tomllib.loads("\n".join(to_toml(values)))
    assert read == {name: table for name, table in values.items() if table}
