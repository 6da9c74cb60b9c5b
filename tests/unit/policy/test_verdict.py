"""Which policy decides: the table of `policy.verdict`, and each condition with its near miss."""

import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.envelope import Envelope
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.policy.actions import Allow, Block, Quarantine
from holdgate.policy.model import PolicyFile
from holdgate.policy.routes import Route, Routes
from holdgate.policy.verdict import PolicySet, Verdict
from holdgate.tables import TableError, Tables

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class FakeTables(Tables):
    """One table in memory."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))

    def _ask(self, table: str, key: str) -> str | None:
        if table == "hash:/broken":
            raise TableError("hash:/broken: no such file")
        return {"boss@corp.example": "x", "vip.example": "x", "postmaster@": "x", "anna": "x"}.get(key)


def decide(
    text: str, *recipients: str, inspection: Inspection | None = None, now: datetime = MONDAY_NOON, **values: object
) -> Verdict:
    head = 'internal_domains = ["corp.example", "*.corp.example"]\n' if "internal_domains" not in text else ""
    policies = PolicySet(PolicyFile.model_validate(tomllib.loads(head + text)), FakeTables())
    envelope = Envelope(sender="anna@corp.example", recipients=list(recipients or ["bob@partner.example"]))
    for name, value in values.items():
        setattr(envelope, name, value)
    return policies.decide(envelope, inspection or Inspection(), now)


def policy(name: str, action: str = "quarantine", **conditions: str) -> str:
    extra = {
        "tag": 'headers = { X-Class = "1" }',
        "encrypt": 'transport = "smtp:[gw]"',
        "alert": 'notify = "a@corp.example"',
    }
    lines = [f"{key} = {value}" for key, value in conditions.items()] + ([extra[action]] if action in extra else [])
    return f'[[policy]]\nname = "{name}"\naction = "{action}"\n' + "\n".join(lines) + "\n"


# -- the table --------------------------------------------------------------------------------------------------------


def test_a_message_that_no_policy_matches_is_allowed() -> None:
    assert decide("").action == Allow()


def test_the_first_matching_policy_decides() -> None:
    verdict = decide(policy("a", "allow", recipient='"bob@partner.example"') + policy("b", "block"))
    assert (verdict.action, verdict.policy) == (Allow(), "a")


ORDER = ["allow", "alert", "tag", "encrypt", "quarantine", "block"]


@pytest.mark.parametrize("weak", ORDER)
@pytest.mark.parametrize("strict", ORDER)
def test_a_message_gets_the_strictest_action_of_its_recipients(weak: str, strict: str) -> None:
    text = policy("for-one", weak, recipient='"one@partner.example"') + policy(
        "for-two", strict, recipient='"two@partner.example"'
    )
    verdict = decide(text, "one@partner.example", "two@partner.example", "three@partner.example")
    wanted = max(weak, strict, key=ORDER.index)
    assert verdict.action.name == wanted
    assert verdict.policy == ("for-one" if ORDER.index(weak) >= ORDER.index(strict) else "for-two")
    assert verdict.recipients == {
        "one@partner.example": "for-one",
        "two@partner.example": "for-two",
        "three@partner.example": "",
    }


def test_the_first_of_two_equally_strict_policies_names_the_verdict() -> None:
    text = policy("first", recipient='"bob@partner.example"') + policy("second")
    assert decide(text, "eve@partner.example", "bob@partner.example").policy == "first"


def test_headers_come_from_every_policy_that_decided() -> None:
    text = policy("t", "tag", recipient='"one@partner.example"') + policy("q", recipient='"two@partner.example"')
    verdict = decide(text, "one@partner.example", "two@partner.example")
    assert (verdict.action, verdict.headers) == (Quarantine(), (("X-Class", "1"),))


def test_an_observing_policy_is_recorded_and_the_next_ones_are_evaluated() -> None:
    verdict = decide(policy("trial", "block", mode='"observe"') + policy("real", "quarantine"))
    assert (verdict.action, verdict.policy, verdict.observed) == (Quarantine(), "real", ("trial",))
    assert decide(policy("trial", "block", mode='"observe"')).action == Allow()


@pytest.mark.parametrize("status", ["limited", "failed"])
@pytest.mark.parametrize("wanted", ["quarantine", "block", "tempfail", "allow"])
def test_a_limited_or_failed_message_without_a_policy_gets_the_uninspected_action(status: str, wanted: str) -> None:
    verdict = decide(f'uninspected = "{wanted}"\n', inspection=Inspection(status=status))
    assert verdict.action.name == wanted
    assert verdict.policy == "uninspected"


def test_a_policy_may_allow_uninspected_mail_for_its_recipients() -> None:
    text = policy("bank", "allow", recipient='"*@bank.example"', inspection='["limited"]')
    unread = Inspection(status="limited")
    assert decide(text, "x@bank.example", inspection=unread).action == Allow()
    both = decide(text, "x@bank.example", "y@partner.example", inspection=unread)
    assert (both.action, both.policy) == (Quarantine(), "uninspected")


def test_the_uninspected_action_overrides_a_weaker_tag() -> None:
    text = policy("t", "tag", recipient='"one@partner.example"')
    verdict = decide(text, "one@partner.example", "two@partner.example", inspection=Inspection(status="failed"))
    assert (verdict.action, verdict.policy) == (Quarantine(), "uninspected")


@pytest.mark.parametrize("weak", ["allow", "alert", "tag", "encrypt"])
def test_a_weaker_policy_does_not_decide_on_uninspected_mail(weak: str) -> None:
    verdict = decide(policy("weak", weak), inspection=Inspection(status="limited"))
    assert (verdict.action, verdict.policy) == (Quarantine(), "uninspected")
    assert verdict.recipients == {"bob@partner.example": "weak"}
    assert decide(policy("weak", weak)).policy == "weak"
    asked = decide(policy("weak", weak, inspection='["limited"]'), inspection=Inspection(status="limited"))
    assert (asked.action.name, asked.policy) == (weak, "weak")


@pytest.mark.parametrize("strict", ["quarantine", "block"])
def test_a_policy_as_strict_as_uninspected_decides(strict: str) -> None:
    verdict = decide(policy("strict", strict), inspection=Inspection(status="failed"))
    assert (verdict.action.name, verdict.policy) == (strict, "strict")


def test_uninspected_applies_if_one_recipient_has_a_policy_without_that_condition() -> None:
    text = policy("asks", "tag", inspection='["limited"]', recipient='"one@partner.example"') + policy("not", "tag")
    verdict = decide(text, "one@partner.example", "two@partner.example", inspection=Inspection(status="limited"))
    assert verdict.policy == "uninspected"


EXEMPT = '[[exemption]]\nreason = "contract"\nexpires = {expires}\n{rest}\n'


@pytest.mark.parametrize(
    ("expires", "rest", "lifted"),
    [
        ("2026-11-23", 'sender = "anna@corp.example"', True),
        ("2026-11-22", 'sender = "anna@corp.example"', False),
        ("2027-01-01", 'sender = "eve@corp.example"', False),
        ("2027-01-01", 'recipient = "*@partner.example"', True),
        ("2027-01-01", 'recipient = "*@partner.example"\npolicy = "p"', True),
        ("2027-01-01", 'recipient = "*@partner.example"\npolicy = "other"', False),
        ("2027-01-01", 'client = "192.0.2.0/24"', True),
        ("2027-01-01", 'client = "198.51.100.0/24"', False),
    ],
)
def test_an_exemption_applies_to_its_policies_until_it_expires(expires: str, rest: str, lifted: bool) -> None:
    text = (
        policy("p") + policy("other", recipient='"nobody@partner.example"') + EXEMPT.format(expires=expires, rest=rest)
    )
    verdict = decide(text, client_address="192.0.2.7")
    assert verdict.action == (Allow() if lifted else Quarantine())


# -- conditions -------------------------------------------------------------------------------------------------------

FOUND = Inspection(
    findings=[
        Finding("us-ssn", "high", 3, 2, [], []),
        Finding("us-itin", "medium", 1, 1, [], []),
        Finding("phone-number", "low", 9, 9, [], []),
    ],
    profiles={"dlp-pii": "medium"},
    attachments=[
        Attachment("a.zip", "zip", 5000),
        Attachment("a.zip › Salaries.XLSX", "ooxml", 20_000, member=True),
    ],
)


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ('sender = "anna@corp.example"', True),
        ('sender = "ANNA@CORP.example"', True),
        ('sender = "*@corp.example"', True),
        ('sender = "corp.example"', True),
        ('sender = ["x@y.example", "a*"]', False),
        ('sender = "@corp.example"', False),
        ('sender = "*@other.example"', False),
        ('sender = "<>"', False),
        ('sender = "ldap:/x"', False),
        ('not_sender = "anna@corp.example"', False),
        ('not_sender = "eve@corp.example"', True),
        ('auth_user = "a*"', True),
        ('auth_user = "ldap:/x"', True),
        ('auth_user = "eve"', False),
        ('auth_user = "e*"', False),
        ('subject = ["*salaries*", "*plans*"]', True),
        ('subject = ["*salaries*", "*bonus*"]', False),
        ('client = "192.0.2.0/28"', True),
        ('client = ["2001:db8::/32", "198.51.100.0/24"]', False),
        ('recipient = "*@partner.example"', True),
        ('recipient = "partner.example"', True),
        ('recipient = "*@sub.partner.example"', False),
        ('not_recipient = "bob@*"', False),
        ('direction = "outbound"', True),
        ('direction = "internal"', False),
        ('subject = "*secret*"', True),
        ('subject = "secret"', False),
        ('header = { X-Class = "internal*" }', True),
        ('header = { X-Class = "public" }', False),
        ('header = { X-Class = "internal*", X-None = "*" }', False),
        ("larger_than = 999", True),
        ("larger_than = 1000", False),
        ('larger_than = "1K"', False),
        ('attachment = { name = "*.xlsx" }', True),
        ('attachment = { name = "*.zip", type = "ooxml" }', False),
        ('attachment = { type = ["pdf", "ooxml"], larger_than = "10K" }', True),
        ('attachment = { type = "ooxml", larger_than = "1M" }', False),
        ('attachment = { name = "*.xlsx", inside = false }', False),
        ('attachment = { type = "zip", inside = false }', True),
        ('profile = { dlp-pii = "low" }', True),
        ('profile = { dlp-pii = "medium", dlp-pci = "low" }', True),
        ('profile = { dlp-pii = "high" }', False),
        ('profile = { dlp-pci = "low" }', False),
        ('found = [{ id = "us-ssn", count = 2 }]', True),
        ('found = [{ id = "us-ssn", count = 3 }]', False),
        ('found = [{ id = "us-*", count = 3 }]', True),
        ('found = [{ id = "us-itin", confidence = "high" }]', False),
        ('found = [{ id = "phone-number" }]', False),
        ('found = [{ id = "phone-number", confidence = "low", count = 9 }]', True),
        ('found = [{ id = "us-ssn" }, { id = "iban" }]', False),
        ('not_found = [{ id = "iban" }]', True),
        ('not_found = [{ id = "us-ssn" }]', False),
        ('not_found = [{ id = "us-ssn", count = 3 }]', True),
        ('not_found = [{ id = "phone-number" }]', True),
        ('not_found = [{ id = "phone-number", confidence = "low" }]', False),
        ('not_found = [{ id = "iban" }, { id = "us-*" }]', False),
        ('only = ["us-*", "phone-number"]', True),
        ('only = ["us-ssn", "US-ITIN", "phone-number"]', True),
        ('only = ["us-*"]', False),  # a phone number of low confidence is something else, too
        ('only = "*"', True),
        ('only = "iban"', False),
        ('inspection = ["complete"]', True),
        ('inspection = ["encrypted", "limited"]', False),
        ('during = { days = "mon-fri", from = "09:00", until = "17:00" }', True),
        ('during = { days = ["sat", "sun"] }', False),
        ('during = { from = "12:00", until = "12:01" }', True),
        ('during = { from = "12:01" }', False),
        ('during = { from = "22:00", until = "13:00", days = "sun" }', True),
        ('during = { from = "22:00", until = "12:00" }', False),
        ('during = { from = "09:00", until = "12:00" }', False),
        ('during = { from = "12:00", until = "11:00", days = "mon" }', True),
        ('during = { from = "12:00", until = "11:00", days = "sun" }', False),
        ('during = { from = "22:00", until = "13:00", days = "mon" }', False),
        ('during = { days = "mon", from = "21:00", zone = "Asia/Tokyo" }', True),
        ('not_during = { days = "mon-fri", from = "09:00", until = "17:00" }', False),
        ('not_during = { days = "mon-fri", from = "13:00", until = "17:00" }', True),
        ('not_during = { days = "mon", from = "21:00", zone = "Asia/Tokyo" }', False),
        ("expires = 2026-11-23", True),  # its last day
        ("expires = 2026-11-22", False),
        ('sender = "corp.example"\nrecipient = "other.example"', False),
    ],
)
def test_each_condition_matches_its_case_and_not_its_near_miss(condition: str, fits: bool) -> None:
    text = f'[[policy]]\nname = "p"\naction = "block"\n{condition}\n'
    verdict = decide(
        text,
        inspection=FOUND,
        auth_user="anna",
        client_address="192.0.2.7",
        subject="Very SECRET plans",
        size=1000,
        headers={"x-class": ["Internal use"]},
    )
    assert verdict.action == (Block() if fits else Allow())


@pytest.mark.parametrize(
    ("sender", "fits"),
    [
        ("boss@corp.example", True),
        ("any@vip.example", True),
        ("postmaster@where.example", True),
        ("x@y.example", False),
        ("", False),
    ],
)
def test_a_table_is_queried_for_address_domain_and_mailbox(sender: str, fits: bool) -> None:
    verdict = decide('[[policy]]\nname = "p"\naction = "block"\nsender = ["ldap:/etc/x.cf"]\n', sender=sender)
    assert verdict.action == (Block() if fits else Allow())


def test_a_table_that_cannot_be_queried_is_an_error() -> None:
    with pytest.raises(TableError, match="no such file"):
        decide('[[policy]]\nname = "p"\naction = "allow"\nsender = "hash:/broken"\n')


def test_the_null_sender_is_written_as_angle_brackets() -> None:
    assert decide(policy("p", "block", sender='"<>"'), sender="").action == Block()


@pytest.mark.parametrize(
    ("recipient", "direction"),
    [("x@corp.example", "internal"), ("x@a.corp.example", "internal"), ("x@notcorp.example", "outbound")],
)
def test_a_direction_matches_only_its_recipients(recipient: str, direction: str) -> None:
    for wanted in ("internal", "outbound"):
        verdict = decide(policy("p", "block", direction=f'"{wanted}"'), recipient)
        assert (verdict.action == Block()) == (wanted == direction)


@given(st.lists(st.sampled_from(ORDER), max_size=6), st.lists(st.integers(0, 7), min_size=1, max_size=5))
def test_the_verdict_is_never_weaker_than_any_recipients_policy(actions: list[str], picks: list[int]) -> None:
    text = "".join(policy(f"p{n}", action, recipient=f'"r{n}@partner.example"') for n, action in enumerate(actions))
    verdict = decide(text, *dict.fromkeys(f"r{pick}@partner.example" for pick in picks))
    decided = [actions[pick] for pick in picks if pick < len(actions)]
    assert verdict.action.name == max(decided, key=ORDER.index, default="allow")


def test_only_matches_if_nothing_was_found() -> None:
    assert decide('[[policy]]\nname = "p"\naction = "block"\nonly = "iban"\n').action == Block()


def test_a_policy_expires_at_the_end_of_its_last_day_in_utc() -> None:
    text = '[[policy]]\nname = "p"\naction = "block"\nexpires = 2026-11-23\n'
    last = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
    assert decide(text, now=last).action == Block()
    assert decide(text, now=last + timedelta(seconds=1)).action == Allow()


@given(st.lists(st.sampled_from(["iban", "us-ssn", "us-itin", "phone-number"]), unique=True))
def test_an_exception_with_only_never_allows_other_findings(found: list[str]) -> None:
    """The next policy decides about the other findings."""
    findings = [
        Finding(identifier=one, confidence="low", count=1, unique=1, parts=["body"], masked=["*"]) for one in found
    ]
    text = policy("exception", "allow", only='["iban", "us-*"]') + policy("rest", "block")
    expected = Block() if "phone-number" in found else Allow()
    assert decide(text, inspection=Inspection(findings=findings)).action == expected


# -- parts ------------------------------------------------------------------------------------------------------------

HOLDS = policy("hold", recipient='"*@partner.example"', split="true")
CAROL, BOB, DAVE = "carol@corp.example", "bob@partner.example", "dave@other.example"


def parts(text: str, *recipients: str, **values: Any) -> list[tuple[str, tuple[str, ...]]]:
    found = decide(text, *recipients, **values).parts
    return [(part.verdict.action.name, part.recipients) for part in found]


def test_recipients_that_need_approval_are_in_a_separate_part() -> None:
    assert parts(HOLDS, CAROL, BOB, DAVE) == [("allow", (CAROL, DAVE)), ("quarantine", (BOB,))]


def test_a_recipient_named_twice_is_in_one_part() -> None:
    assert parts(HOLDS, BOB, CAROL, BOB) == [("allow", (CAROL,)), ("quarantine", (BOB,))]


def test_recipients_without_approval_share_their_strictest_action() -> None:
    text = policy("encrypt", "encrypt", recipient='"*@other.example"') + HOLDS
    assert parts(text, CAROL, BOB, DAVE) == [("encrypt", (CAROL, DAVE)), ("quarantine", (BOB,))]


def test_blocked_recipients_are_in_a_separate_part_if_their_policy_splits() -> None:
    refuses = policy("no", "block", recipient='"*@other.example"', split="true")
    assert parts(refuses, CAROL, DAVE) == [("allow", (CAROL,)), ("block", (DAVE,))]
    assert parts(refuses + HOLDS, CAROL, BOB, DAVE) == [
        ("allow", (CAROL,)),
        ("quarantine", (BOB,)),
        ("block", (DAVE,)),
    ]
    # Where all others wait, they are apart from those too.
    assert parts(refuses + HOLDS, BOB, DAVE) == [("quarantine", (BOB,)), ("block", (DAVE,))]
    assert parts(refuses, DAVE, "eve@other.example") == []


@pytest.mark.parametrize(
    ("text", "recipients"),
    [
        (HOLDS, [BOB]),
        (HOLDS, [BOB, "eve@partner.example"]),
        (HOLDS, [CAROL, DAVE]),
        (HOLDS.replace("split = true", "split = false"), [CAROL, BOB]),
        (HOLDS + policy("whole", recipient='"*@other.example"'), [CAROL, BOB, DAVE]),
        (policy("no", "block", recipient='"*@other.example"') + HOLDS, [CAROL, BOB, DAVE]),
        (policy("seen", recipient='"*@partner.example"', split="true", mode='"observe"'), [CAROL, BOB]),
    ],
)
def test_otherwise_a_message_is_not_split(text: str, recipients: list[str]) -> None:
    assert parts(text, *recipients) == []


class Copying(Routes):
    """A site with copies of the mail for some recipients."""

    def __init__(self, *copied: str) -> None:
        self.copied = set(copied)

    def within(self, address: str) -> Route:
        return Route((address,), "")

    def route_of(self, recipient: str) -> Route:
        return self.within(recipient)

    def is_inside(self, _client: str, _user: str) -> bool:
        return False

    def copies(self, _sender: str) -> Route:
        return Route((), "")

    def copies_by_recipient(self) -> bool:
        return bool(self.copied)

    def are_copied(self, recipients: Iterable[str]) -> bool:
        return bool(self.copied & set(recipients))


@pytest.mark.parametrize(("copied", "is_split"), [([], True), ([CAROL], True), ([BOB], False), ([CAROL, BOB], False)])
def test_a_message_is_not_split_if_postfix_would_copy_it_to_held_recipients(copied: list[str], is_split: bool) -> None:
    """Postfix would send the copy for another person at once, with the first part."""
    text = 'internal_domains = ["corp.example"]\n' + HOLDS
    policies = PolicySet(PolicyFile.model_validate(tomllib.loads(text)), FakeTables(), Copying(*copied))
    envelope = Envelope(sender="anna@corp.example", recipients=[CAROL, BOB])
    assert bool(policies.decide(envelope, Inspection(), MONDAY_NOON).parts) is is_split


def test_uninspected_mail_is_split_only_if_a_policy_allows_it() -> None:
    limited = Inspection(status="limited", reason="x")
    assert parts(HOLDS, CAROL, BOB, inspection=limited) == []
    with_condition = policy("fine", "allow", recipient='"*@corp.example"', inspection='["limited"]')
    splitting = policy("hold", recipient='"*@partner.example"', split="true", inspection='["limited"]')
    assert parts(with_condition + splitting, CAROL, BOB, inspection=limited) == [
        ("allow", (CAROL,)),
        ("quarantine", (BOB,)),
    ]


def test_a_condition_on_the_login_never_matches_mail_without_login() -> None:
    text = '[[policy]]\nname = "p"\naction = "block"\nauth_user = "*"\n'
    assert decide(text, auth_user="anna").action == Block()
    assert decide(text, auth_user="").action == Allow()
