"""The condition `recipient_risk`: which risks match, for which recipient, and unknown ones."""

import pytest
from pydantic import ValidationError

from holdgate.policy.terms import RecipientRisk
from holdgate.risks import CONTENT, LOOKALIKE, MANY, NEW, OUTLIER, TWIN, Risk, Risks
from tests.unit.policy.test_verdict import decide, policy

BOB = "bob@partner.example"


@pytest.mark.parametrize(
    ("condition", "risk"),
    [
        ("{ new = true }", Risk(NEW, BOB)),
        ("{ lookalike = true }", Risk(LOOKALIKE, BOB, "bob@partners.example", 3, "sender")),
        ("{ lookalike = true }", Risk(LOOKALIKE, BOB, "corp.example", 0, "own")),
        ("{ twin = true }", Risk(TWIN, BOB)),
        ("{ outlier = true }", Risk(OUTLIER, BOB, "client.example")),
        ('{ content = "unusual" }', Risk(CONTENT, BOB, "", 3)),
        ("{ many = 5 }", Risk(MANY, "", count=6)),
        ("{ many = 1 }", Risk(MANY, "", count=2)),
        ("{ lookalike = true, similar_count = 1 }", Risk(LOOKALIKE, BOB, "bob@partners.example", 1, "sender")),
        ("{ new = true, twin = true }", Risk(TWIN, BOB)),
    ],
)
def test_a_found_risk_matches_its_recipient(condition: str, risk: Risk) -> None:
    text = policy("risk", recipient_risk=condition)
    verdict = decide(text, BOB, "eve@client.example", risks=Risks((risk,)))
    for_all = risk.kind == MANY
    assert verdict.recipients == {BOB: "risk", "eve@client.example": "risk" if for_all else ""}


@pytest.mark.parametrize(
    ("condition", "risk"),
    [
        ("{ new = true }", Risk(TWIN, BOB)),
        ("{ lookalike = true }", Risk(LOOKALIKE, BOB, "bob@partners.example", 2, "sender")),
        ("{ lookalike = true, similar_count = 10 }", Risk(LOOKALIKE, BOB, "bob@partners.example", 9, "sender")),
        ("{ many = 5 }", Risk(MANY, "", count=5)),
        ("{ many = 1 }", Risk(MANY, "", count=1)),
        ("{ new = true }", Risk(MANY, "", count=50)),
    ],
)
def test_a_found_risk_does_not_match_another_condition(condition: str, risk: Risk) -> None:
    assert decide(policy("risk", recipient_risk=condition), BOB, risks=Risks((risk,))).policy == ""


def test_the_policy_decides_on_unknown_risks_if_the_store_did_not_answer() -> None:
    unknown = Risks(unknown=True)
    assert decide(policy("risk", recipient_risk="{ new = true }"), BOB, risks=unknown).policy == ""
    given = policy("risk", recipient_risk='{ new = true, when_unknown = "match" }')
    assert decide(given, BOB, risks=unknown).policy == "risk"
    assert decide(given, BOB, risks=Risks()).policy == ""


def test_the_case_of_an_address_does_not_matter() -> None:
    text = policy("risk", recipient_risk="{ new = true }")
    assert decide(text, "Bob@Partner.Example", risks=Risks((Risk(NEW, BOB),))).policy == "risk"


def test_an_empty_condition_is_refused() -> None:
    with pytest.raises(ValidationError, match="must name a risk"):
        RecipientRisk.model_validate({"similar_count": 3})


@pytest.mark.parametrize("given", [{"similar_count": 0}, {"many": -1}])
def test_an_impossible_count_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="greater than or equal"):
        RecipientRisk.model_validate({"new": True, **given})
