"""Reports on addresses and languages in the settings, and on aliases with external targets."""

from pathlib import Path
from typing import Any

import pytest

from holdgate.cli import check_people
from holdgate.config import Settings

pytestmark = pytest.mark.postfix

POLICIES = 'internal_domains = ["corp.example"]\n[[policy]]\nname = "a"\naction = "quarantine"\n'


def settings_of(tmp_path: Path, policies: str = POLICIES, **tables: Any) -> Settings:
    (tmp_path / "policies.toml").write_text(policies)
    (tmp_path / "virtual").write_text(
        "law@corp.example law@partner.example\nbob@corp.example anna@corp.example\n"
        "@other.example x@partner.example\nlist@corp.example anna@corp.example, eve@partner.example\n"
    )
    (tmp_path / "main.cf").write_text(
        f"compatibility_level = 3.6\nmyorigin = corp.example\nmydestination =\n"
        f"virtual_alias_maps = texthash:{tmp_path}/virtual\n"
    )
    (tmp_path / "master.cf").write_text("smtp inet n - n - - smtpd\n")
    given = {"queue": {"postfix_config": tmp_path}, "policy": {"file": tmp_path / "policies.toml"}}
    return Settings.model_validate(given | tables)


def problems(tmp_path: Path, **tables: Any) -> list[str]:
    return list(check_people.problems(Path("h.toml"), settings_of(tmp_path, **tables)))


def warnings(tmp_path: Path, **tables: Any) -> list[str]:
    """Return the problems about moderators, without those about aliases."""
    output = check_people.warnings(Path("h.toml"), settings_of(tmp_path, **tables))
    return [line for line in output if "main.cf" not in line]


@pytest.mark.parametrize(
    ("given", "is_right"),
    [
        ("Holdgate <holdgate@corp.example>", True),
        ("holdgate@corp.example", True),
        ("Holdgate", False),
        ("Holdgate <holdgate>", False),
        ("", False),
        ("Holdgate <@corp.example>", False),
        ("holdgate@corp.example.", False),
    ],
)
def test_a_notice_from_value_without_an_address_is_a_problem(tmp_path: Path, given: str, is_right: bool) -> None:
    found = problems(tmp_path, desk={"notice_from": given})
    assert found == [] if is_right else f'[desk] notice_from: "{given}"' in found[0]


def test_a_notice_sender_without_brackets_is_reported_with_the_correct_form(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, desk={"notice_from": "Mail desk  desk@corp.example"})
    assert problem.endswith('no brackets around its address; did you mean "Mail desk <desk@corp.example>"?')


@pytest.mark.parametrize(
    ("given", "own", "meant"),
    [
        ("Holdgate <holdgate@corp>", [], "holdgate@corp.example"),
        ("holdgate@localhost", [], "holdgate@corp.example"),
        ("holdgate@partner", ["corp.example", "partner.example"], "holdgate@partner.example"),
        ("holdgate@corp.example", [], ""),
        ("holdgate@[192.0.2.1]", [], ""),
        ("Holdgate", [], ""),  # a problem, which is reported instead
    ],
)
def test_a_notice_from_domain_without_a_dot_is_a_warning(
    tmp_path: Path, given: str, own: list[str], meant: str
) -> None:
    found = warnings(tmp_path, desk={"notice_from": given, "own_domains": own})
    assert len(found) == bool(meant)
    assert all(line.startswith("h.toml: [desk] notice_from: the domain of ") for line in found)
    assert all(f'did you mean "{meant}"?' in line for line in found)


def test_the_default_notice_from_gives_no_warning(tmp_path: Path) -> None:
    assert warnings(tmp_path) == []


def test_an_address_in_own_domains_is_a_problem(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, desk={"own_domains": ["corp.example", "@partner.example"]})
    assert problem == 'h.toml: [desk] own_domains: "@partner.example" is no domain; did you mean "partner.example"?'


def test_a_language_without_templates_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, moderation={"language": "en"}) == []
    (problem,) = problems(tmp_path, moderation={"language": "xx"})
    assert problem.startswith('h.toml: [moderation] language: there are no templates in "xx"')
    assert "de, en" in problem
    (problem,) = problems(tmp_path, moderation={"language": "german"})
    assert problem.endswith('/german; did you mean "de"?')
    (problem,) = problems(tmp_path, policies=POLICIES + 'moderation = { language = "qq" }\n')
    assert 'policies.toml: policy "a": moderation language: there are no templates in "qq"' in problem
    (tmp_path / "templates/xx").mkdir(parents=True)
    (tmp_path / "templates/xx/words.toml").touch()
    desk = {"templates": tmp_path / "templates"}
    assert problems(tmp_path, moderation={"language": "xx"}, desk=desk) == []


@pytest.mark.parametrize("name", ["Manager", "managers", "manger"])
def test_a_misspelt_manager_is_a_problem(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, moderation={"moderators": [name]})
    assert 'did you mean "manager"?' in problem


def test_a_moderator_without_a_domain_is_a_warning(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, moderation={"moderators": ["chefin"], "fallback": ["postmaster"]})
    assert warning.startswith('h.toml: [moderation] moderators: "chefin" has no domain, so Postfix delivers')
    assert 'did you mean "chefin@corp.example"?' in warning
    policies = POLICIES + 'moderation = { levels = [["manager"], ["legal"]], deputies = { "a@corp.example" = "b" } }\n'
    output = warnings(tmp_path, policies=policies)
    assert [line.partition('": moderation ')[2].partition(" has")[0] for line in output] == [
        'levels: "legal"',
        'deputies: "b"',
    ]


def test_a_moderator_in_another_domain_is_a_warning(tmp_path: Path) -> None:
    people = {
        "moderators": ["a@corp.exmaple", "b@mail.corp.example", "c@corp.example"],
        "fallback": ["d@partner.example"],
    }
    near, far = warnings(tmp_path, moderation=people, desk={"own_domains": ["corp.example"]})
    assert 'did you mean "a@corp.example"?' in near
    assert '[moderation] fallback: "d@partner.example" is in none of own_domains' in far
    # A value that is not a domain is a problem, and no domain is proposed because of it.
    for name in ("chefin", "a@corp.example"):
        output = warnings(tmp_path, moderation={"moderators": [name]}, desk={"own_domains": ["@corp.example"]})
        assert [line for line in output if "@@" in line or "none of" in line] == []


def test_a_moderator_with_an_external_alias_target_is_a_warning(tmp_path: Path) -> None:
    output = warnings(tmp_path, moderation={"moderators": ["law@corp.example"], "fallback": ["bob@corp.example"]})
    (moderator,) = (line for line in output if "[moderation]" in line)
    assert "law@corp.example is an alias for law@partner.example" in moderator


def test_aliases_with_external_targets_are_named(tmp_path: Path) -> None:
    (warning,) = check_people.warnings(Path("h.toml"), settings_of(tmp_path))
    assert "law@corp.example → law@partner.example" in warning
    assert "list@corp.example → eve@partner.example" in warning
    assert "bob@corp.example" not in warning
    everything = POLICIES.replace('["corp.example"]', '["corp.example", "partner.example"]')
    assert list(check_people.warnings(Path("h.toml"), settings_of(tmp_path, policies=everything))) == []


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        ("@partner.example", 'did you mean "partner.example"?'),
        ("*.partner.example", 'write each of them, as in "partner.example"'),
        ("hash:/etc/x", "is a table; write the domains themselves"),
        ("anna@", 'write "anna@corp.example"'),
        ("partner.example", ""),
        ("*@partner.example", ""),
        ("anna@partner.example", ""),
    ],
)
def test_a_forward_to_entry_that_matches_no_address_is_a_problem(tmp_path: Path, entry: str, meant: str) -> None:
    found = problems(tmp_path, moderation={"forward_to": [entry]})
    assert [line.startswith("h.toml: [moderation] forward_to: ") for line in found] == [True] * bool(meant)
    assert meant in "".join(found)


@pytest.mark.parametrize(
    ("given", "is_named"),
    [
        ({"reminders": ["3d"]}, True),
        ({"reminders": ["1d", "2d"]}, True),
        ({"reminders": ["47h"]}, False),
        ({"reminders": ["3d"], "deadline": "4d"}, False),
        ({"reminders": ["3d"], "working_days": ["mon"]}, False),
        ({"deadline": "12h"}, False),
    ],
)
def test_a_reminder_earlier_than_the_request_is_named(tmp_path: Path, given: dict[str, Any], is_named: bool) -> None:
    found = warnings(tmp_path, moderation=given)
    assert [line.endswith('before a deadline of "2d" is never sent; write a shorter time') for line in found] == [
        True
    ] * is_named


def test_a_reminder_of_a_policy_is_compared_with_the_deadline_of_the_site(tmp_path: Path) -> None:
    policies = f'{POLICIES}moderation = {{ reminders = ["3d"] }}\n'
    settings = settings_of(tmp_path, policies, moderation={"deadline": "4d"})
    assert not [line for line in check_people.warnings(Path("h.toml"), settings) if "reminders" in line]
    settings = settings_of(tmp_path, policies)
    (line,) = [line for line in check_people.warnings(Path("h.toml"), settings) if "reminders" in line]
    assert 'policy "a": moderation reminders: "3d"' in line
