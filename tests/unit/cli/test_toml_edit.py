"""Keys are set in a file's text: comments and order are kept, and the file has the intended values."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.cli.toml_edit import Change, edited
from holdgate.configfile import ConfigError

PATH = Path("/etc/holdgate/file.toml")
TEXT = """# Ours
ends = true
internal_domains = [  # two
  "a.example",
  "b.example",
]
uninspected = "quarantine"  # unread

[desk] # people
house = "Corp"

# before the policies
[[policy]]
name = "one"
mode = "observe"

[policy.moderation]
approvals = 2

[[policy]]
name = "two"

[end]
"""


def test_comments_and_order_stay() -> None:
    changes = [
        Change("", "internal_domains", ["corp.example"]),
        Change("", "uninspected", "allow"),
        Change("desk", "house", None),
        Change("desk", "public_url", "https://approve.corp.example"),
        Change("policy", "mode", None, 0),
        Change("policy", "mode", "observe", 1),
        Change("policy", "absent", None, 1),
    ]
    assert edited(PATH, TEXT, changes) == (
        '# Ours\nends = true\ninternal_domains = ["corp.example"]\nuninspected = "allow"  # unread\n\n'
        '[desk] # people\npublic_url = "https://approve.corp.example"\n\n# before the policies\n'
        '[[policy]]\nname = "one"\n\n[policy.moderation]\napprovals = 2\n\n'
        '[[policy]]\nname = "two"\nmode = "observe"\n\n[end]\n'
    )


def test_a_table_that_is_missing_is_added() -> None:
    assert edited(PATH, "# none yet\n", [Change("desk", "house", "Corp")]) == '# none yet\n\n[desk]\nhouse = "Corp"\n'
    assert edited(PATH, "", [Change("desk", "house", "Corp")]) == '[desk]\nhouse = "Corp"\n'


def test_a_top_level_key_comes_before_the_first_table() -> None:
    assert edited(PATH, "[end]\n", [Change("", "ends", "x")]) == 'ends = "x"\n[end]\n'


def test_nothing_to_change_changes_nothing() -> None:
    assert edited(PATH, TEXT, []) == TEXT


@pytest.mark.parametrize("text", ['desk.house = "a"\n', 'desk = { house = "a" }\n', 'x = """\n[desk]\n"""\n'])
def test_an_uncommon_notation_is_not_edited_but_reported(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        edited(PATH, text, [Change("desk", "house", "Corp")])
    assert refused.value.problems == [
        f'{PATH}: cannot be edited, because of the way in which it is written; write by hand: [desk] house = "Corp"'
    ]


@given(
    st.one_of(st.text(), st.lists(st.text())), st.sampled_from(["", "desk", "other"]), st.sampled_from(["house", "new"])
)
def test_an_edited_file_has_the_wanted_values(value: str | list[str], table: str, key: str) -> None:
    wanted = tomllib.loads(TEXT)
    (wanted.setdefault(table, {}) if table else wanted)[key] = value
    assert tomllib.loads(edited(PATH, TEXT, [Change(table, key, value)])) == wanted
