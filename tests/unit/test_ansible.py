"""The example role: valid YAML, answers that `holdgate setup` accepts, existing commands."""

import json
import shlex
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from holdgate.cli.main import build_parser
from holdgate.cli.setup_answers import Answers, checked

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/ansible"
ROLE = EXAMPLE / "roles/holdgate"


def loaded(name: str) -> Any:
    return yaml.safe_load((EXAMPLE / name).read_text(encoding="utf-8"))


def rendered(text: str, **variables: Any) -> str:
    """Fill a template as Ansible does: its filters and its spaces."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {"to_json": json.dumps, "from_json": json.loads}
    return environment.from_string(text).render(ansible_managed="Ansible managed", **variables)


def answers(**variables: Any) -> Answers:
    text = (ROLE / "templates/answers.toml.j2").read_text(encoding="utf-8")
    given = tomllib.loads(rendered(text, **(loaded("roles/holdgate/defaults/main.yml") | variables)))
    return checked(given, {"domains": ["default.example"], "moderators": ["postmaster@default.example"]}, "answers")


@pytest.mark.parametrize("path", sorted(EXAMPLE.rglob("*.yml")), ids=lambda path: str(path.relative_to(EXAMPLE)))
def test_each_file_is_valid(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


def test_setup_accepts_the_answers_of_the_playbook() -> None:
    (play,) = loaded("playbook.yml")
    (role,) = play["roles"]
    found = answers(**role["vars"])
    assert (found.domains, found.mode) == (["corp.example", "*.corp.example"], "observe")
    assert found.page == "https://approve.corp.example"
    assert role["vars"].keys() <= loaded("roles/holdgate/defaults/main.yml").keys()


def test_missing_answers_keep_the_settings_of_the_server() -> None:
    assert answers().domains == ["default.example"]
    assert answers(holdgate_managers="ldap:/etc/holdgate/managers.cf", holdgate_moderators=["manager"]).managers


@pytest.mark.parametrize("check", [False, True])
def test_the_command_of_the_role_exists(check: bool) -> None:
    (command,) = [task for task in loaded("roles/holdgate/tasks/main.yml") if "ansible.builtin.command" in task]
    argv = command["ansible.builtin.command"]["argv"]
    words = json.loads(rendered(argv, ansible_check_mode=check).replace("'", '"'))
    arguments = build_parser().parse_args(shlex.split(shlex.join(words[1:])))
    assert (arguments.command, arguments.json, arguments.dry_run) == ("setup", True, check)


def test_a_change_is_recognised_by_the_output() -> None:
    (command,) = [task for task in loaded("roles/holdgate/tasks/main.yml") if "register" in task]
    condition = "{{ " + command["changed_when"] + " }}"
    for changed in (True, False):
        result = {"stdout": json.dumps({"done": True, "changed": changed})}
        assert rendered(condition, holdgate_setup=result) == str(changed)
