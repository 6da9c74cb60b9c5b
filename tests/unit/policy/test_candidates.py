"""A message's candidates always include every policy that matches it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.envelope import Envelope
from holdgate.findings import Finding, Inspection
from holdgate.policy.candidates import Candidates
from holdgate.policy.conditions import Compiled
from holdgate.policy.terms import Conditions
from holdgate.tables import Tables

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDRESSES = ["", "anna@corp.example", "Anna@Corp.example", "bob@partner.example", "a@b@partner.example", "root"]
PATTERNS = ["<>", "*", "corp.example", "*@Corp.Example", "*.example", "ANNA@corp.example", "b*@partner.example", "root"]
SEVERITIES = ["low", "medium", "high", "critical"]

some_patterns = st.lists(st.sampled_from(PATTERNS), max_size=2)
conditions = st.builds(
    lambda **given: Conditions.model_validate({name: value for name, value in given.items() if value}),
    sender=some_patterns,
    recipient=some_patterns,
    not_sender=some_patterns,
    auth_user=st.lists(st.sampled_from(["anna", "a*", "bob", "b*"]), max_size=3),
    subject=st.lists(st.sampled_from(["*plan*", "plan", "p?an", "PLAN*"]), max_size=2),
    profile=st.dictionaries(st.sampled_from(["dlp-pii", "payment"]), st.sampled_from(SEVERITIES), max_size=2),
    found=st.lists(
        st.fixed_dictionaries({"id": st.sampled_from(["us-ssn", "us-*", "iban"]), "count": st.integers(1, 2)}),
        max_size=2,
    ),
    inspection=st.lists(st.sampled_from(["complete", "limited", "encrypted"]), max_size=2),
)
envelopes = st.builds(
    Envelope,
    sender=st.sampled_from(ADDRESSES),
    recipients=st.lists(st.sampled_from(ADDRESSES[1:]), max_size=2),
    auth_user=st.sampled_from(["", "anna", "Bob"]),
    subject=st.sampled_from(["", "plan", "The Plan of Friday"]),
)
findings = st.builds(
    Finding,
    st.sampled_from(["us-ssn", "iban"]),
    st.just("high"),
    st.just(1),
    st.integers(1, 2),
    st.just([]),
    st.just([]),
)
inspections = st.builds(
    Inspection,
    status=st.sampled_from(["complete", "limited"]),
    encrypted=st.booleans(),
    findings=st.lists(findings, max_size=1),
    profiles=st.dictionaries(st.sampled_from(["dlp-pii", "payment"]), st.sampled_from(SEVERITIES), max_size=2),
)


@given(st.lists(conditions, max_size=6), envelopes, inspections)
def test_every_matching_policy_is_a_candidate(
    listed: list[Conditions], envelope: Envelope, inspection: Inspection
) -> None:
    tables = Tables(Path("/nonexistent"))
    compiled = [Compiled(one, lambda _address: False, tables) for one in listed]
    fitting = [
        place
        for place, one in enumerate(compiled)
        if one.fits_message(envelope, inspection, NOW)
        and any(one.fits_recipient(recipient) for recipient in envelope.recipients or [""])
    ]
    candidates = Candidates(listed).of(envelope, inspection)
    assert set(fitting) <= set(candidates)
    assert candidates == sorted(set(candidates))


@pytest.mark.parametrize(
    "given",
    [
        {"auth_user": ["carl", "a*"]},
        {"auth_user": ["a*", "carl"]},
        {"sender": ["carl@corp.example", "*@corp.*"]},
        {"recipient": ["carl@partner.example", "b*"]},
        {"found": [{"id": "us-*"}, {"id": "iban"}]},
        {"inspection": ["failed", "complete"]},
        {"profile": {"payment": "low", "dlp-pii": "medium"}},
    ],
)
def test_a_policy_that_may_match_by_one_of_its_values_is_a_candidate(given: dict[str, object]) -> None:
    envelope = Envelope(sender="anna@corp.example", recipients=["bob@partner.example"], auth_user="anna")
    findings = [Finding("us-ssn", "high", 1, 1, [], []), Finding("iban", "high", 1, 1, [], [])]
    inspection = Inspection(profiles={"dlp-pii": "medium"}, findings=findings)
    assert Candidates([Conditions.model_validate(given)]).of(envelope, inspection) == [0]


@pytest.mark.parametrize(
    "given",
    [
        {"sender": "carl@corp.example"},
        {"sender": "*@other.example"},
        {"sender": "*@corp.example", "recipient": "carl@partner.example"},
        {"auth_user": "carl"},
        {"found": [{"id": "iban"}]},
        {"inspection": ["encrypted"]},
        {"profile": {"dlp-pii": "high"}},
    ],
)
def test_a_policy_that_cannot_match_is_not_a_candidate(given: dict[str, object]) -> None:
    envelope = Envelope(sender="anna@corp.example", recipients=["bob@partner.example"], auth_user="anna")
    inspection = Inspection(profiles={"dlp-pii": "medium"})
    assert Candidates([Conditions.model_validate(given)]).of(envelope, inspection) == []
