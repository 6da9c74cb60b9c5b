"""Valid policies that are probably not intended."""

import tomllib
from datetime import date

import pytest

from holdgate.policy.model import PolicyFile
from holdgate.policy.review import holding, review, weaker_than_uninspected

TODAY = date(2026, 11, 23)


def problems(text: str) -> list[str]:
    return review(PolicyFile.model_validate(tomllib.loads(text)), TODAY)


def two(earlier: str, later: str, mode: str = "enforce", more: str = "") -> str:
    first = f'[[policy]]\nname = "first"\nmode = "{mode}"\naction = "allow"\n{earlier}\n'
    return f'{first}[[policy]]\nname = "second"\naction = "block"\n{later}\n{more}'


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("", 'sender = "anna@corp.example"'),
        ('sender = "corp.example"', 'sender = "*@Corp.example"'),
        ('sender = "*@corp.example"', 'sender = "anna@corp.example"\nlarger_than = "1M"'),
        ('recipient = ["a.example", "b.example"]', 'recipient = "x@b.example"'),
        ('profile = { dlp-pii = "low" }', 'profile = { dlp-pii = "high" }'),
        ('larger_than = "1M"', 'larger_than = "2M"'),
        ('client = ["192.0.2.0/24", "198.51.100.0/24"]', 'client = "192.0.2.0/24"'),
        ('auth_user = "anna"', 'auth_user = "anna"'),
        ('not_sender = "a@corp.example"', 'not_sender = ["a@corp.example", "b@corp.example"]'),
        ('subject = "*x*"', 'subject = "*x*"'),
        ('sender = "*"', 'sender = "anna@corp.example"'),
        ('sender = "ldap:/etc/postfix/staff.cf"', 'sender = "ldap:/etc/postfix/staff.cf"'),
        ('sender = "anna*@corp.example"', 'sender = "anna*@corp.example"'),
        ('inspection = ["limited", "failed"]', 'inspection = ["failed"]'),
        ('direction = "any"', 'sender = "anna@corp.example"'),
    ],
)
def test_a_policy_that_no_message_reaches_is_named(earlier: str, later: str) -> None:
    (problem,) = problems(two(earlier, later))
    assert (
        problem
        == 'policy "second": no message reaches it, because "first" before it matches them all; change their order'
    )


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ('sender = "anna@corp.example"', ""),
        ('sender = "anna@corp.example"', 'sender = "corp.example"'),
        ('sender = "corp.example"', 'sender = "anna@sub.corp.example"'),
        ('sender = "corp.example"', 'sender = "ldap:/etc/postfix/staff.cf"'),
        ('recipient = "a.example"', 'recipient = ["a.example", "b.example"]'),
        ('profile = { dlp-pii = "high" }', 'profile = { dlp-pii = "low" }'),
        ('profile = { dlp-pii = "low" }', 'profile = { payment = "high" }'),
        ('larger_than = "2M"', 'larger_than = "1M"'),
        ('not_sender = ["a@corp.example", "b@corp.example"]', 'not_sender = "a@corp.example"'),
        ('subject = "*x*"', 'subject = "*y*"'),
        ('sender = "*"', 'sender = "ldap:/etc/postfix/staff.cf"'),
        ('sender = "*.corp.example"', 'sender = "anna@x.corp.example"'),
        ('sender = "corp.example"', 'sender = "a*@corp.example"'),
        ('sender = "anna@corp.example"', 'sender = "jo-anna@corp.example"'),
        ('inspection = ["failed"]', 'inspection = ["limited", "failed"]'),
        ('recipient = "a.example"', 'sender = "a.example"'),
    ],
)
def test_a_policy_that_some_message_reaches_is_not_named(earlier: str, later: str) -> None:
    assert problems(two(earlier, later)) == []


def test_an_observing_policy_does_not_hide_later_policies() -> None:
    assert problems(two("", "", mode="observe")) == []


def test_exempted_mail_reaches_the_next_policy() -> None:
    exemption = '[[exemption]]\nreason = "r"\nexpires = 2030-01-01\nsender = "a@b.example"\npolicy = "first"\n'
    assert problems(two("", "", more=exemption)) == []


@pytest.mark.parametrize(
    ("names", "is_reached"),
    [
        ('["first"]', True),
        ('["first", "third"]', True),
        ('["first", "second"]', False),
        ('["second"]', False),
        ('["third"]', False),
        ("[]", False),  # it is for all policies, so the exempted mail reaches none
    ],
)
def test_only_exemptions_from_all_earlier_policies_let_mail_reach_a_later_one(names: str, is_reached: bool) -> None:
    third = '[[policy]]\nname = "third"\naction = "block"\nsender = "x@y.example"\n'
    exemption = f'[[exemption]]\nreason = "r"\nexpires = 2030-01-01\nsender = "a@b.example"\npolicy = {names}\n'
    found = [one for one in problems(two("", "", more=third + exemption)) if 'policy "second"' in one]
    assert (found == []) is is_reached


def test_an_expired_exemption_is_named() -> None:
    text = '[[exemption]]\nreason = "r"\nexpires = 2026-11-22\nsender = "a@b.example"\n'
    assert problems(text) == ["exemption 1: expired on 2026-11-22; renew it or remove it"]
    assert problems(text.replace("22", "23")) == []


def test_a_direction_without_internal_domains_is_named() -> None:
    (problem,) = problems('[[policy]]\nname = "a"\naction = "block"\ndirection = "outbound"\n')
    assert problem.startswith("internal_domains: is empty")


def test_a_policy_that_is_weaker_than_uninspected_is_named() -> None:
    text = """
[[policy]]
name = "weak"
action = "allow"
[[policy]]
name = "asks"
action = "allow"
inspection = ["limited"]
[[policy]]
name = "strict"
action = "quarantine"
[[policy]]
name = "tried"
action = "allow"
mode = "observe"
"""
    (output,) = weaker_than_uninspected(PolicyFile.model_validate(tomllib.loads(text)))
    assert output.startswith('policy "weak": its action "allow" is for fully inspected mail; ')
    assert 'uninspected = "quarantine"' in output
    free = PolicyFile.model_validate(tomllib.loads('uninspected = "allow"\n' + text))
    assert weaker_than_uninspected(free) == []


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ('[[policy]]\nname = "a"\naction = "block"\n[[policy]]\nname = "b"\naction = "quarantine"\n', 'policy "b"'),
        ('uninspected = "quarantine"\n[[policy]]\nname = "a"\naction = "block"\n', 'uninspected = "quarantine"'),
        ('uninspected = "block"\n[[policy]]\nname = "a"\naction = "block"\n', ""),
        (
            'uninspected = "quarantine"\n'
            '[[policy]]\nname = "a"\naction = "block"\ninspection = ["limited", "failed"]\n',
            "",
        ),
        (
            'uninspected = "quarantine"\n[[policy]]\nname = "a"\naction = "block"\ninspection = ["failed"]\n',
            'uninspected = "quarantine"',
        ),
    ],
)
def test_policies_that_hold_mail_are_named(text: str, output: str) -> None:
    assert holding(PolicyFile.model_validate(tomllib.loads(text))) == output


@pytest.mark.parametrize(
    ("wanted", "excluded", "is_named"),
    [
        ('{ id = "us-ssn" }', '{ id = "us-ssn" }', True),
        ('{ id = "us-ssn", count = 2 }', '{ id = "us-ssn", count = 2 }', True),
        ('{ id = "us-ssn", count = 2 }', '{ id = "us-ssn", count = 3 }', False),
        ('{ id = "us-ssn", confidence = "high" }', '{ id = "us-ssn", confidence = "high" }', True),
        ('{ id = "us-ssn", confidence = "low" }', '{ id = "us-ssn", confidence = "high" }', False),
        ('{ id = "us-ssn" }', '{ id = "iban" }', False),
    ],
)
def test_a_policy_that_requires_and_excludes_the_same_identifier_is_named(
    wanted: str, excluded: str, is_named: bool
) -> None:
    reported = problems(f'[[policy]]\nname = "a"\naction = "block"\nfound = [{wanted}]\nnot_found = [{excluded}]\n')
    assert ["no message reaches it; remove one of them" in one for one in reported] == [True] * is_named


def test_a_pattern_of_an_exemption_is_named_with_its_number() -> None:
    exemption = '[[exemption]]\nreason = "r"\nexpires = 2030-01-01\nrecipient = "{}"\n'
    text = two('sender = "a@b.example"', "", more=exemption.format("b.example") + exemption.format("@b.example"))
    assert problems(text) == [
        'exemption 2: recipient: "@b.example" matches no address; did you mean "b.example"?',
    ]
