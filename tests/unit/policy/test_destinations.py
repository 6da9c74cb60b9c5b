"""Which addresses count for a message: destinations of recipients, copies, and the external sender of a bounce."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.policy.action import Action
from holdgate.policy.actions import Allow, Block, Quarantine
from holdgate.policy.model import PolicyFile
from holdgate.policy.routes import Route, Routes
from holdgate.policy.verdict import PolicySet
from holdgate.tables import Tables

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OUTBOUND = {"name": "out", "direction": "outbound", "action": "quarantine"}
ALLOWED = {"name": "bank", "recipient": ["*@bank.example"], "action": "allow"}


class FakeRoutes(Routes):
    """Routes that are given; a client at 198.51.100.7 is external."""

    def __init__(self, ways: dict[str, Route], copies: Sequence[str] = ()) -> None:
        super().__init__(Path("/nonexistent"), Tables(Path("/nonexistent")))
        self.ways, self.to = ways, tuple(copies)
        self.asked: list[str] = []

    def site(self) -> None:
        return None

    def route_of(self, recipient: str) -> Route:
        self.asked.append(recipient)
        return self.ways.get(recipient, Route((recipient,)))

    def copies(self, sender: str) -> Route:
        return Route(self.to)

    def are_copied(self, recipients: Iterable[str]) -> bool:
        return False

    def copies_by_recipient(self) -> bool:
        return False

    def is_inside(self, client_address: str, auth_user: str) -> bool:
        return client_address != "198.51.100.7"


def decide(
    ways: dict[str, Route],
    recipient: str = "team@corp.example",
    *,
    sender: str = "anna@corp.example",
    client: str = "",
    copies: Sequence[str] = (),
    policies: Sequence[Mapping[str, object]] = (OUTBOUND,),
    inside: Sequence[str] = ("corp.example",),
) -> tuple[Action, dict[str, str], FakeRoutes]:
    routes = FakeRoutes(ways, copies)
    file = PolicyFile.model_validate({"internal_domains": list(inside), "policy": list(policies)})
    policy_set = PolicySet(file, Tables(Path("/nonexistent")), routes)
    verdict = policy_set.decide(Envelope(sender, [recipient], client_address=client), Inspection(), NOW)
    return verdict.action, verdict.recipients, routes


def test_an_internal_recipient_is_not_outbound() -> None:
    assert decide({})[:2] == (Allow(), {"team@corp.example": ""})


def test_an_alias_with_an_external_target_is_outbound() -> None:
    action, recipients, _ = decide({"team@corp.example": Route(("team@corp.example", "x@partner.example"))})
    assert action == Quarantine()
    assert recipients == {"team@corp.example": "", "team@corp.example → x@partner.example": "out"}


def test_an_unknown_destination_counts_as_external() -> None:
    action, recipients, _ = decide({"team@corp.example": Route(("team@corp.example",), "a command")})
    assert (action, recipients) == (Quarantine(), {"team@corp.example": "out"})


def test_a_policy_for_an_address_also_matches_an_alias_to_it() -> None:
    other = {"name": "rival", "recipient": ["rival.example"], "action": "block"}
    action, _, _ = decide({"team@corp.example": Route(("team@corp.example", "x@rival.example"))}, policies=[other])
    assert action == Block()


def test_an_allowed_recipient_does_not_hide_its_destinations() -> None:
    way = Route(("bob%rival.example@bank.example", "bob@rival.example"), "an address within an address")
    action, recipients, _ = decide(
        {"bob%rival.example@bank.example": way}, "bob%rival.example@bank.example", policies=[ALLOWED, OUTBOUND]
    )
    assert (action, set(recipients.values())) == (Quarantine(), {"bank", "out"})


def test_an_external_recipient_needs_no_lookup() -> None:
    assert decide({}, "x@partner.example")[2].asked == []
    assert decide({}, "team@corp.example")[2].asked == ["team@corp.example"]


def test_a_recipient_of_a_copy_is_evaluated() -> None:
    assert decide({}, copies=["archive@corp.example"])[0] == Allow()
    action, recipients, _ = decide({}, copies=["archive@partner.example"])
    assert (action, recipients["copy to archive@partner.example"]) == (Quarantine(), "out")


@pytest.mark.parametrize(
    ("sender", "client", "action"),
    [
        ("thief@partner.example", "", Quarantine()),
        ("thief@partner.example", "192.0.2.7", Quarantine()),
        ("thief%partner.example@corp.example", "", Quarantine()),
        ("thief@partner.example", "198.51.100.7", Allow()),
        ("anna@corp.example", "", Allow()),
        ("", "", Allow()),
    ],
)
def test_an_external_sender_counts_as_a_recipient_of_the_bounce(sender: str, client: str, action: Action) -> None:
    assert decide({}, sender=sender, client=client)[0] == action


def test_bounces_outside_is_true_if_a_bounce_leaves_the_site() -> None:
    file = PolicyFile.model_validate({"internal_domains": ["corp.example"], "policy": [OUTBOUND]})
    policies = PolicySet(file, Tables(Path("/nonexistent")), FakeRoutes({}))
    assert policies.bounces_outside(Envelope("thief@partner.example"))
    assert not policies.bounces_outside(Envelope("anna@corp.example"))
    assert not policies.bounces_outside(Envelope("thief@partner.example", client_address="198.51.100.7"))


def test_senders_are_not_evaluated_without_internal_domains() -> None:
    allow = {"name": "all", "recipient": ["team@corp.example"], "action": "allow"}
    assert decide({}, policies=[allow, OUTBOUND], inside=())[0] == Allow()


@pytest.mark.parametrize(
    ("recipient", "is_inside"),
    [
        ("a@strasse.example", True),
        ("a@straße.example", False),
        ("a@bücher.example", True),
        ("a@BÜCHER.example", True),
        ("a@ｓtrasse.example", False),
        ("a@[192.0.2.1]", False),
    ],
)
def test_a_domain_that_only_looks_similar_is_external(recipient: str, is_inside: bool) -> None:
    action, _, _ = decide({}, recipient, sender="", inside=["strasse.example", "bücher.example"])
    assert (action == Allow()) == is_inside
