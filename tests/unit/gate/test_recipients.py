"""What the gate asks about recipients: who is named where all can read it, and what was learned, if anything was."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.gate.recipients import Recipients, asked_fields
from holdgate.policy.model import PolicyFile
from holdgate.relations.correspondence import Correspondence
from holdgate.risks import MANY, NEW, Risk, Risks

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIELDS = frozenset({"to", "cc"})


class FakeCorrespondence:
    def __init__(self) -> None:
        self.learned: list[Envelope] = []
        self.closed = -1.0

    def risks(self, _envelope: Envelope, _inspection: Inspection, _now: datetime) -> Risks:
        return Risks((Risk(NEW, "bob@partner.example"),), unknown=True)

    def learn(self, envelope: Envelope, _inspection: Inspection, _now: datetime) -> None:
        self.learned.append(envelope)

    def close(self, seconds: float) -> None:
        self.closed = seconds


def is_inside(address: str) -> bool:
    return address.endswith("@corp.example")


def visible(recipients: list[str], **fields: list[str]) -> int:
    asked = Recipients(fields=FIELDS, is_inside=is_inside)
    found = asked.risks(Envelope(recipients=recipients, headers=dict(fields)), Inspection(), NOW).found
    return found[0].count if found else 0


@pytest.mark.parametrize(("risk", "fields"), [({"many": 3}, FIELDS), ({"new": True}, frozenset()), (None, frozenset())])
def test_fields_are_kept_only_where_a_policy_counts_recipients(
    risk: dict[str, Any] | None, fields: frozenset[str]
) -> None:
    policy = {"name": "a", "action": "block"} | ({"recipient_risk": risk} if risk else {})
    assert asked_fields(PolicyFile.model_validate({"policy": [policy]})) == fields


def test_recipients_outside_who_are_named_in_to_or_cc_count_once() -> None:
    people = ["bob@partner.example", "eve@client.example", "Ann@Third.example", "colleague@corp.example"]
    assert visible(people, to=["Bob <BOB@partner.example>, eve@client.example"], cc=["<ann@third.example>"]) == 3
    assert visible(people, to=["bob@partner.example"], cc=["bob@partner.example"]) == 1
    assert visible([*people, "bob@partner.example"], to=["bob@partner.example"]) == 1
    assert visible(people, to=["colleague@corp.example"]) == 0, "inside"
    assert visible(people, to=["list@partner.example"]) == 0, "not a recipient"
    assert visible(people, bcc=["bob@partner.example"]) == 0
    assert visible(people) == 0


def test_what_is_not_asked_is_not_looked_for() -> None:
    envelope = Envelope(recipients=["bob@partner.example"], headers={"to": ["bob@partner.example"]})
    assert Recipients(is_inside=is_inside).risks(envelope, Inspection(), NOW) == Risks()
    known = FakeCorrespondence()
    asked = Recipients(cast(Correspondence, known), False, frozenset(), is_inside)
    assert asked.risks(envelope, Inspection(), NOW) == Risks()
    asked.learn(envelope, Inspection(), NOW)
    assert known.learned == [envelope], "it learns all the same"
    asked.close(2.0)
    assert known.closed == 2.0
    Recipients().learn(envelope, Inspection(), NOW)
    Recipients().close()


def test_what_was_learned_and_what_is_counted_are_told_together() -> None:
    envelope = Envelope(recipients=["bob@partner.example"], headers={"to": ["bob@partner.example"]})
    asked = Recipients(cast(Correspondence, FakeCorrespondence()), True, FIELDS, is_inside)
    risks = asked.risks(envelope, Inspection(), NOW)
    assert [one.kind for one in risks.found] == [NEW, MANY]
    assert risks.unknown
