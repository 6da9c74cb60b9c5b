"""Conditions on recipients: visible recipients, and learned relations, if there are any."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from holdgate.config import RelationsSettings
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.gate import recipients as module
from holdgate.gate.recipients import Recipients, condition_fields
from holdgate.headers import AUTOMATIC
from holdgate.policy.model import PolicyFile
from holdgate.policy.verdict import PolicySet
from holdgate.quarantine.store import Store
from holdgate.relations.correspondence import Correspondence
from holdgate.risks import MANY, NEW, Risk, Risks
from holdgate.tables import Tables

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIELDS = frozenset({"to", "cc"})


class FakeCorrespondence:
    def __init__(self) -> None:
        self.learned: list[Envelope] = []
        self.noted: list[str] = []
        self.closed = -1.0

    def risks(self, _envelope: Envelope, _inspection: Inspection, _now: datetime) -> Risks:
        return Risks((Risk(NEW, "bob@partner.example"),), unknown=True)

    def learn(self, envelope: Envelope, _inspection: Inspection, _now: datetime) -> None:
        self.learned.append(envelope)

    def note(self, incident_id: str, _envelope: Envelope, _inspection: Inspection, _now: datetime) -> None:
        self.noted.append(incident_id)

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
    assert condition_fields(PolicyFile.model_validate({"policy": [policy]})) == fields


def test_external_recipients_named_in_to_or_cc_count_once() -> None:
    people = ["bob@partner.example", "eve@client.example", "Ann@Third.example", "colleague@corp.example"]
    assert visible(people, to=["Bob <BOB@partner.example>, eve@client.example"], cc=["<ann@third.example>"]) == 3
    assert visible(people, to=["bob@partner.example"], cc=["bob@partner.example"]) == 1
    assert visible([*people, "bob@partner.example"], to=["bob@partner.example"]) == 1
    assert visible(people, to=["colleague@corp.example"]) == 0, "inside"
    assert visible(people, to=["list@partner.example"]) == 0, "not a recipient"
    assert visible(people, bcc=["bob@partner.example"]) == 0
    assert visible(people) == 0


def test_no_risk_is_looked_up_without_a_condition() -> None:
    envelope = Envelope(recipients=["bob@partner.example"], headers={"to": ["bob@partner.example"]})
    assert Recipients(is_inside=is_inside).risks(envelope, Inspection(), NOW) == Risks()
    known = FakeCorrespondence()
    asked = Recipients(cast(Correspondence, known), False, frozenset(), is_inside)
    assert asked.risks(envelope, Inspection(), NOW) == Risks()
    asked.learn(envelope, Inspection(), NOW)
    assert known.learned == [envelope], "it learns all the same"
    asked.note("7K3M-Q9TX-2ABC", envelope, Inspection(), NOW)
    assert known.noted == ["7K3M-Q9TX-2ABC"]
    assert (asked.reads_values, Recipients().reads_values) == (True, False)
    Recipients().note("", envelope, Inspection(), NOW)
    asked.close(2.0)
    assert known.closed == 2.0
    Recipients().learn(envelope, Inspection(), NOW)
    Recipients().close()


def test_learned_and_counted_risks_are_reported_together() -> None:
    envelope = Envelope(recipients=["bob@partner.example"], headers={"to": ["bob@partner.example"]})
    asked = Recipients(cast(Correspondence, FakeCorrespondence()), True, FIELDS, is_inside)
    risks = asked.risks(envelope, Inspection(), NOW)
    assert [one.kind for one in risks.found] == [NEW, MANY]
    assert risks.unknown
    assert risks.kinds() == [MANY, NEW, "unknown"], "the log names it"
    assert Risks(risks.found[:1]).kinds() == [NEW]


@pytest.mark.parametrize(
    ("mode", "risk", "is_known", "is_compared"),
    [
        ("off", {"new": True}, False, False),
        ("learn", {"new": True}, True, True),
        ("on", {"new": True}, True, True),
        ("on", None, True, False),
    ],
)
def test_relations_are_learned_if_a_setting_says_so_and_compared_if_a_policy_needs_them(
    monkeypatch: pytest.MonkeyPatch,
    mode: Literal["off", "learn", "on"],
    risk: dict[str, Any] | None,
    is_known: bool,
    is_compared: bool,
) -> None:
    own: list[list[str]] = []

    def correspondence(_settings: object, _store: object, domains: list[str], _inside: object) -> FakeCorrespondence:
        own.append(domains)
        return FakeCorrespondence()

    monkeypatch.setattr(module, "Correspondence", correspondence)
    policy = {"name": "a", "action": "block"} | ({"recipient_risk": risk} if risk else {})
    domains = ["corp.example", "*.corp.example", "*@other.example", "*.x?.example"]
    file = PolicyFile.model_validate({"internal_domains": domains, "policy": [policy]})
    policies = PolicySet(file, Tables(Path("/nonexistent")))
    made = Recipients.of(RelationsSettings.model_construct(mode=mode), policies, cast(Store, None))
    assert (made.correspondence is not None, made.is_compared) == (is_known, is_compared)
    assert own == [["corp.example", "corp.example", "other.example"]] * is_known
    assert made.is_inside("anna@corp.example")
    assert made.fields.issuperset(AUTOMATIC) is is_known, "automatic replies are recognised by these"
