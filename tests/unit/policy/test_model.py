"""An empty or cut policies file is an error; a complete one loads."""

from pathlib import Path
from typing import Any

import pytest

from holdgate.configfile import ConfigError
from holdgate.policy import model
from holdgate.policy.model import load_policies
from holdgate.policy.terms import RecipientRisk

SHIPPED = Path(__file__).parents[3] / "etc/policies.toml"
ONE = '[[policy]]\nname = "one"\naction = "quarantine"\n'
TWO = ONE + '\n[[policy]]\nname = "two"\naction = "block"\n'


def problem(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_policies(path)
    (output,) = caught.value.problems
    return output


@pytest.mark.parametrize("text", ["", "# nothing\n", "internal_domains = []\n", 'uninspected = "allow"\n', "[end]\n"])
def test_a_file_without_policies_is_refused(tmp_path: Path, text: str) -> None:
    assert "contains no policy, so all mail would be delivered" in problem(tmp_path / "p", text)


def test_accepting_all_mail_needs_an_explicit_policy(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text('[[policy]]\nname = "all"\naction = "allow"\n')
    assert [policy.name for policy in load_policies(path).policy] == ["all"]


def test_a_cut_file_with_an_end_mark_is_refused_at_any_length(tmp_path: Path) -> None:
    whole = "ends = true\n" + TWO + "[end]\n"
    path = tmp_path / "p"
    path.write_text(whole)
    assert len(load_policies(path).policy) == 2
    for length in range(len(whole)):
        path.write_text(whole[:length])
        with pytest.raises(ConfigError):
            load_policies(path)
    assert "does not end with [end], so it was cut" in problem(path, "ends = true\n" + ONE)


def test_a_file_without_an_end_mark_is_refused_if_its_last_line_was_cut(tmp_path: Path) -> None:
    assert "no line break" in problem(tmp_path / "p", TWO[:-1])
    assert problem(tmp_path / "p", TWO[: TWO.rindex("action")])  # "two" has no action


def test_the_shipped_file_is_refused_if_it_was_cut_anywhere(tmp_path: Path) -> None:
    whole = SHIPPED.read_text(encoding="utf-8")
    path = tmp_path / "p"
    assert load_policies(SHIPPED).policy
    for length in range(0, len(whole), 7):
        path.write_text(whole[:length], encoding="utf-8")
        with pytest.raises(ConfigError):
            load_policies(path)


def test_two_policies_with_the_same_name_are_an_error(tmp_path: Path) -> None:
    assert 'two policies have the name "one"' in problem(tmp_path / "p", ONE + ONE)


@pytest.mark.parametrize("written", ["24:00", "12:60", "8:30", "noon"])
def test_an_invalid_time_of_day_is_named(tmp_path: Path, written: str) -> None:
    assert "is no time of day" in problem(tmp_path / "p", f'{ONE}during = {{ from = "{written}" }}\n')


@pytest.mark.parametrize("written", ["00:00", "23:59"])
def test_the_first_and_the_last_minute_of_a_day_are_valid_times(tmp_path: Path, written: str) -> None:
    path = tmp_path / "p"
    path.write_text(f'{ONE}during = {{ from = "{written}" }}\n')
    (loaded,) = load_policies(path).policy
    assert loaded.during is not None
    assert loaded.during.begin.isoformat("minutes") == written
    assert loaded.during.end.isoformat() == "00:00:00"


def test_an_action_that_only_adds_fields_needs_at_least_one(tmp_path: Path) -> None:
    assert "headers" in problem(tmp_path / "p", '[[policy]]\nname = "a"\naction = "tag"\n')


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ('name = "uninspected"', "is reserved for incidents without a policy"),
        ('headers = { "X-A B" = "1" }', '"X-A B" must have a name without a colon'),
        ('headers = { "X-A:" = "1" }', '"X-A:" must have a name without a colon'),
        ('headers = { "X-A" = "\\u00fc" }', '"X-A" must have a name without a colon, and a value on one line'),
        ('headers = { "X-Holdgate-Note" = "1" }', '"X-Holdgate-Note" is written by Holdgate itself'),
        ('headers = { "X-Netskope-Inspected" = "1" }', '"X-Netskope-Inspected" is written by Holdgate itself'),
        ('during = { days = "mon-xyz", from = "08:00", until = "17:00", zone = "UTC" }', "names no days"),
        ('during = { days = ["mon", 3], from = "08:00", until = "17:00", zone = "UTC" }', "names no days"),
        ('during = { days = "mon-fri", from = "24:00", until = "17:00", zone = "UTC" }', "is no time of day"),
        ('during = { days = "mon-fri", from = "08:60", until = "17:00", zone = "UTC" }', "is no time of day"),
        ('during = { days = "mon-fri", from = "08:00", until = "17:00", zone = "Mars" }', '"Mars" is no time zone'),
        ("during = { from = 8 }", "during.from: 8 is no time of day"),
        ("during = { zone = 1 }", "during.zone: 1 is no time zone"),
        ('sender = ["a@corp.example"]\nsendr = "b"', "sendr"),
    ],
)
def test_an_invalid_key_or_value_of_a_policy_is_named(tmp_path: Path, line: str, output: str) -> None:
    named = "" if line.startswith("name") else 'name = "one"\n'
    reported = problem(tmp_path / "p", f'[[policy]]\n{named}action = "quarantine"\n{line}\n')
    assert output in reported
    assert reported.startswith(f"{tmp_path / 'p'}: policy ")


def test_a_window_may_end_at_the_last_minute_of_a_day(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text(ONE + 'during = { days = "sat-mon", from = "00:00", until = "23:59", zone = "UTC" }\n')
    (policy,) = load_policies(path).policy
    assert policy.during is not None
    assert policy.during.days == {5, 6, 0}
    assert (policy.during.end.hour, policy.during.end.minute) == (23, 59)


def test_policy_names_are_unique_and_exemptions_name_existing_policies(tmp_path: Path) -> None:
    assert 'two policies have the name "one"' in problem(tmp_path / "p", ONE + ONE)
    exemption = '[[exemption]]\nreason = "r"\nexpires = 2030-01-01\nsender = "a@corp.example"\n'
    first = f'{ONE}{exemption}policy = "one"\n'
    assert 'exemption 2: policy: there is no policy "three"; write one of one' in problem(
        tmp_path / "p", f'{first}{exemption}policy = ["one", "three"]\n'
    )
    assert "an exemption needs at least one of" in problem(
        tmp_path / "p", f'{ONE}[[exemption]]\nreason = "r"\nexpires = 2030-01-01\n'
    )


@pytest.mark.parametrize(
    ("action", "more", "output"),
    [
        ("alert", "", "needs notify"),
        ("encrypt", "", "needs transport"),
        ("encrypt", 'transport = "Encrypt:x"', '"Encrypt:x" is no transport; write it, as in'),
        ("encrypt", 'transport = "encrypt:a b"', '"encrypt:a b" is no transport'),
        ("encrypt", 'transport = "gateway"', '"gateway" is no transport'),
        ("tempfail", "", "tempfail"),
        ("queue", "", "queue"),
    ],
)
def test_an_action_needs_its_required_keys(tmp_path: Path, action: str, more: str, output: str) -> None:
    assert output in problem(tmp_path / "p", f'[[policy]]\nname = "one"\naction = "{action}"\n{more}\n')


@pytest.mark.parametrize(
    ("key", "meant"),
    [("uninspectd", "uninspected"), ("polcy", "policy"), ("internal_domain", "internal_domains")],
)
def test_an_unknown_key_of_the_file_is_named_with_a_suggestion(tmp_path: Path, key: str, meant: str) -> None:
    reported = problem(tmp_path / "p", f'{key} = "x"\n{ONE}')
    assert reported.startswith(f"{tmp_path / 'p'}: {key}")
    assert meant in reported


def test_a_misplaced_key_is_reported_with_its_correct_place(tmp_path: Path) -> None:
    assert "[[policy]]" in problem(tmp_path / "p", f'sender = "a@corp.example"\n{ONE}')
    assert "holdgate.toml" in problem(tmp_path / "p", f'scan = "x"\n{ONE}')


def test_recipient_risk_enables_only_the_given_kinds() -> None:
    risk = RecipientRisk(new=True)
    assert (risk.many, risk.similar_count, risk.twin, risk.outlier, risk.content) == (0, 3, False, False, None)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"policy": [{"name": "a"}, {"name": "b"}]}, 'policy "b": key: '),
        ({"policy": [{"name": "a"}, {}]}, "policy 2: key: "),
        ({"policy": [{"name": "a"}]}, "policy 2: key: "),
        ({"policy": "text"}, "policy 2: key: "),
        ({}, "policy 2: key: "),
    ],
    ids=["named", "no name", "fewer", "no list", "none"],
)
def test_an_error_names_the_policy_or_gives_its_number(content: dict[str, Any], place: str) -> None:
    detail = {"loc": ("policy", 1, "key"), "type": "missing", "msg": "Field required", "input": {}, "ctx": {}}
    assert model._problem(content, detail).startswith(place)


def test_the_needs_of_all_policies_are_collected(tmp_path: Path) -> None:
    asking = (
        '[[policy]]\nname = "a"\naction = "block"\nprofile = { x = "low", y = "low" }\n'
        '[[policy]]\nname = "b"\naction = "block"\nmachine = { messages = 7 }\n'
        '[[policy]]\nname = "c"\naction = "block"\nprofile = { y = "high" }\nrecipient_risk = { many = 9 }\n'
    )
    path = tmp_path / "p"
    path.write_text(asking)
    policies = load_policies(path)
    assert [one.messages for one in policies.machines()] == [7]
    assert [one.many for one in policies.risks()] == [9]
    assert policies.profiles() == ("x", "y")
