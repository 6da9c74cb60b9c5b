"""The condition `machine`: which new or too frequent mail of a program matches, and for which recipient."""

import pytest
from pydantic import ValidationError

from holdgate.policy.terms import MachineLimits
from holdgate.risks import NEW, Risk, Risks
from tests.unit.policy.test_verdict import decide, policy

BOB = "bob@partner.example"


@pytest.mark.parametrize(
    ("condition", "risk"),
    [
        ("{ first = true }", Risk("machine-first", BOB)),
        ("{ new_recipients = 2 }", Risk("machine-recipient", BOB, count=3)),
        ("{ messages = 2 }", Risk("machine-messages", "", count=3)),
        ('{ links = "new" }', Risk("machine-link", "", "x.example", 1)),
        ("{ links = 2 }", Risk("machine-link", "", "x.example", 3)),
        ('{ attachments = "new" }', Risk("machine-attachment", "", "a.pdf", 1)),
        ("{ attachments = 2 }", Risk("machine-attachment", "", "a.pdf", 3)),
        ("{ first = true, messages = 2 }", Risk("machine-first", BOB)),
    ],
)
def test_mail_of_a_program_above_a_limit_matches(condition: str, risk: Risk) -> None:
    verdict = decide(policy("agents", machine=condition), BOB, "eve@client.example", risks=Risks((risk,)))
    for_all = risk.recipient == ""
    assert verdict.recipients == {BOB: "agents", "eve@client.example": "agents" if for_all else ""}


@pytest.mark.parametrize(
    ("condition", "risk"),
    [
        ("{ first = true }", Risk("machine-recipient", BOB, count=9)),
        ("{ first = true }", Risk(NEW, BOB)),
        ("{ new_recipients = 2 }", Risk("machine-recipient", BOB, count=2)),
        ("{ new_recipients = 2 }", Risk("machine-first", BOB)),
        ("{ messages = 2 }", Risk("machine-messages", "", count=2)),
        ("{ links = 2 }", Risk("machine-link", "", "x.example", 2)),
        ('{ links = "new" }', Risk("machine-attachment", "", "a.pdf", 1)),
        ("{ attachments = 2 }", Risk("machine-attachment", "", "a.pdf", 2)),
    ],
)
def test_mail_of_a_program_within_the_limit_does_not_match(condition: str, risk: Risk) -> None:
    assert decide(policy("agents", machine=condition), BOB, risks=Risks((risk,))).policy == ""


def test_mail_of_a_person_never_matches() -> None:
    assert decide(policy("agents", machine="{ first = true }"), BOB, risks=Risks()).policy == ""


def test_a_risk_of_a_program_does_not_match_a_recipient_risk() -> None:
    text = policy("risk", recipient_risk="{ new = true, lookalike = true }")
    assert decide(text, BOB, risks=Risks((Risk("machine-first", BOB),))).policy == ""


def test_only_the_new_recipient_of_a_message_is_held() -> None:
    text = policy("agents", machine="{ first = true }", split="true")
    verdict = decide(text, BOB, "eve@client.example", risks=Risks((Risk("machine-first", BOB),)))
    assert [part.recipients for part in verdict.parts] == [("eve@client.example",), (BOB,)]


@pytest.mark.parametrize("given", [{}, {"links": 0}, {"links": "old"}, {"messages": -1}, {"frist": True}])
def test_an_empty_condition_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MachineLimits.model_validate(given)
