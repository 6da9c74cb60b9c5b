import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate import headers
from holdgate.config import PolicySettings
from holdgate.findings import Inspection
from holdgate.gate.edits import additions, removals, status_value
from holdgate.policy.actions import Alert, Encrypt, Quarantine
from holdgate.policy.verdict import Verdict

SETTINGS = PolicySettings()


def test_a_complete_inspection_adds_the_inspected_and_status_headers() -> None:
    added = additions(Inspection(), Verdict(), SETTINGS, "", "")
    assert added == [(headers.INSPECTED, "true"), (headers.STATUS, "complete")]


def test_a_limited_inspection_gets_no_inspected_header() -> None:
    unread = Inspection(status="limited", reason="a.zip: encrypted")
    added = additions(unread, Verdict(Quarantine()), SETTINGS, "AAAA", "")
    assert added == [
        (headers.STATUS, "limited; a.zip: encrypted"),
        (headers.ACTION, "Quarantine"),
        (headers.HELD, "yes"),
        (headers.INCIDENT, "AAAA"),
    ]


@pytest.mark.parametrize(
    ("verdict", "incident_id", "is_named"),
    [
        (Verdict(Quarantine()), "AAAA", True),
        (Verdict(Alert(notify=["a@corp.example"])), "AAAA", True),
        # An incident of a policy that only observes is not for the recipient to learn of.
        (Verdict(), "AAAA", False),
        (Verdict(observed=("p",)), "AAAA", False),
        (Verdict(Quarantine()), "", False),
    ],
)
def test_the_incident_header_is_not_added_for_an_observed_policy(
    verdict: Verdict, incident_id: str, is_named: bool
) -> None:
    added = dict(additions(Inspection(), verdict, SETTINGS, incident_id, ""))
    assert added.get(headers.INCIDENT) == ("AAAA" if is_named else None)


def test_a_header_of_the_policy_replaces_the_default_header() -> None:
    verdict = Verdict(Alert(notify=["a@corp.example"]), headers=(("x-netskope-ACTION", "Monitor"), ("X-Class", "1")))
    added = dict(additions(Inspection(), verdict, SETTINGS, "AAAA", "v=1"))
    assert added == {
        headers.INSPECTED: "true",
        headers.STATUS: "complete",
        headers.INCIDENT: "AAAA",
        headers.SEAL: "v=1",
        "x-netskope-ACTION": "Monitor",
        "X-Class": "1",
    }


def test_a_policy_header_cannot_replace_the_quarantine_header() -> None:
    verdict = Verdict(Quarantine(), headers=(("X-Netskope-Action", "Monitor"),))
    added = additions(Inspection(), verdict, SETTINGS, "AAAA", "")
    assert [value for name, value in added if name.lower() == "x-netskope-action"] == ["Quarantine"]


def test_encrypt_adds_a_route_header_with_its_transport() -> None:
    added = dict(additions(Inspection(), Verdict(Encrypt(transport="smtp:[gw]")), SETTINGS, "A", ""))
    assert (added[headers.ROUTE], added[headers.ACTION]) == ("smtp:[gw]", "Encrypt")


def test_the_last_of_several_equal_headers_is_removed_first() -> None:
    assert removals({"x-a": 3, "x-b": 1, "x-c": 1}, ["X-A", "X-B", "X-D"]) == [
        ("X-A", 3),
        ("X-A", 2),
        ("X-A", 1),
        ("X-B", 1),
    ]


@given(st.text())
def test_a_status_reason_cannot_start_a_new_header(reason: str) -> None:
    value = status_value(Inspection(status="limited", reason=reason))
    assert value.isascii()
    assert value.isprintable()
    assert len(value) <= 200
