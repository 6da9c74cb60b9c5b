"""Old names of settings and rule keys: a file gets the new names and keeps its meaning."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.detect.identifiers import Shape
from holdgate.policy.model import PolicyFile
from holdgate.renamed import POLICIES, RULES, SETTINGS, rename
from testbed import interfaces

OLD = """# Ours
[moderation]
managers_patience = "5m"  # not longer
# tell_sender_held = true
tell_sender_approved = false

[desk] # people
  web = "127.0.0.1:9860"
public_url = "https://approve.corp.example"
lmtp="127.0.0.1:10028"
reply_address = "holdgate@approve.corp.example"

[policy.foreign_marks]
X-Mark = "hold"
"""


def test_each_new_name_is_a_setting_or_a_rule_key() -> None:
    for (table, old), new in SETTINGS.items():
        known = type(getattr(Settings(), table)).model_fields
        assert new in known
        assert old not in known
    for (table, old), new in POLICIES.items():
        assert f"{table.removeprefix('policy.')}.{new}" in interfaces.policy_keys()
        assert f"{table.removeprefix('policy.')}.{old}" not in interfaces.policy_keys()
    for (_, old), new in RULES.items():
        assert new in Shape.model_fields
        assert old not in Shape.model_fields


def test_comments_order_and_mode_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text(OLD.replace("[policy.foreign_marks]\nX-Mark", '[policy]\nforeign_marks = {X-Mark = "hold"}\n#'))
    path.chmod(0o604)
    lines = rename(path, SETTINGS)
    assert [line.removeprefix(f"{path}: ") for line in lines] == [
        "[moderation] managers_patience is now managers_retry_for",
        "[moderation] tell_sender_approved is now notify_sender_on_approval",
        "[desk] web is now web_listen",
        "[desk] lmtp is now lmtp_listen",
        "[policy] foreign_marks is now trusted_scanner_headers",
    ]
    text = path.read_text()
    assert text.startswith('# Ours\n[moderation]\nmanagers_retry_for = "5m"  # not longer\n# tell_sender_held = true\n')
    assert '  web_listen = "127.0.0.1:9860"\n' in text
    assert 'lmtp_listen="127.0.0.1:10028"\n' in text
    assert path.stat().st_mode & 0o777 == 0o604
    settings = load_settings(path)
    assert settings.policy.trusted_scanner_headers == {"X-Mark": "hold"}
    assert rename(path, SETTINGS) == []


@pytest.mark.parametrize(
    "text",
    [
        '[policy]\nforeign_marks.X-Mark = "hold"\n["policy".other]\n'.replace("foreign_marks.", "'foreign_marks'."),
        'desk.web = "127.0.0.1:9860"\n',
        'desk = {web = "127.0.0.1:9860"}\n',
        '[desk]\n"web" = "127.0.0.1:9860"\n',
        '[desk]\nweb = "127.0.0.1:9860"\npublic_url = """\nlmtp = 1\n"""\n',
    ],
)
def test_an_uncommon_notation_is_named_and_not_changed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"is now \w+; rename it by hand"):
        rename(path, SETTINGS)
    assert path.read_text() == text
    assert [one.name for one in tmp_path.iterdir()] == ["holdgate.toml"]


def test_using_both_names_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text('[desk]\nweb = "127.0.0.1:1"\nweb_listen = "127.0.0.1:2"\n')
    with pytest.raises(ConfigError, match=r"\[desk\] has web and web_listen; remove web"):
        rename(path, SETTINGS)


def test_rules_get_the_new_keys_in_every_form(tmp_path: Path) -> None:
    path = tmp_path / "staff.toml"
    path.write_text('id = "staff"\n[[shapes]]\nalone = "low"\nwith_keyword = "high"\n[[shapes]]\nalone = "none"\n')
    assert len(rename(path, RULES)) == 2
    assert tomllib.loads(path.read_text())["shapes"] == [
        {"without_evidence": "low", "with_evidence": "high"},
        {"without_evidence": "none"},
    ]


def test_a_setting_that_is_a_table_gets_its_new_name_in_the_table_header(tmp_path: Path) -> None:
    path = tmp_path / "holdgate.toml"
    path.write_text(OLD + "\n[other.foreign_marks]\n")
    assert f"{path}: [policy] foreign_marks is now trusted_scanner_headers" in rename(path, SETTINGS)
    text = path.read_text()
    assert '\n[policy.trusted_scanner_headers]\nX-Mark = "hold"\n' in text
    assert "\n[other.foreign_marks]\n" in text


@pytest.mark.parametrize("before", ["", '[[policy]]\nname = "first"\naction = "allow"\n'])
def test_the_moderation_of_a_policy_gets_the_new_names(tmp_path: Path, before: str) -> None:
    path = tmp_path / "policies.toml"
    path.write_text(
        f'{before}[[policy]]\nname = "staff"\naction = "quarantine"\nprofile = {{ssn = "low"}}\n'
        '[policy.moderation] # two people\nmanagers_patience = "5m"\ntell_sender_held = true\n'
    )
    assert rename(path, POLICIES) == [
        f"{path}: [policy.moderation] managers_patience is now managers_retry_for",
        f"{path}: [policy.moderation] tell_sender_held is now notify_sender_on_hold",
    ]
    moderation = PolicyFile.model_validate(tomllib.loads(path.read_text())).policy[-1].moderation
    assert moderation is not None
    assert moderation.notify_sender_on_hold
    assert rename(path, POLICIES) == []


@given(
    st.dictionaries(
        st.sampled_from(["desk", "moderation", "policy", "other"]),
        st.dictionaries(st.sampled_from(["web", "lmtp", "session", "managers_patience", "url", "x"]), st.integers()),
    )
)
def test_only_names_change(tmp_path_factory: pytest.TempPathFactory, content: dict[str, dict[str, int]]) -> None:
    path = tmp_path_factory.mktemp("renamed") / "holdgate.toml"
    path.write_text(
        "".join(f"[{table}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()) for table, keys in content.items())
    )
    rename(path, SETTINGS)
    expected = {table: {SETTINGS.get((table, k), k): v for k, v in keys.items()} for table, keys in content.items()}
    assert tomllib.loads(path.read_text()) == expected
