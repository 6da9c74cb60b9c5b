"""The matchers behind the conditions: compared with a simple reading of patterns and time windows, and at limits."""

import ipaddress
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from holdgate.envelope import Envelope
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.policy.conditions import Compiled, client_matcher, inside_matcher, is_plain, outcomes, text_matcher
from holdgate.policy.site import _pipes
from holdgate.policy.terms import Attachment as WantedAttachment
from holdgate.policy.terms import Conditions, MachineLimits, Need, RecipientRisk, TimeWindow
from tests.unit.policy.test_verdict import FakeTables

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def fits(
    envelope: Envelope | None = None, inspection: Inspection | None = None, now: datetime = NOON, **c: Any
) -> bool:
    compiled = Compiled(Conditions.model_validate(c), lambda address: address.endswith("corp.example"), FakeTables())
    return compiled.fits_message(envelope or Envelope(), inspection or Inspection(), now)


# -- texts ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.text("aB*?", max_size=5), max_size=3), st.text("abAB\n", max_size=5))
def test_a_text_pattern_matches_like_a_shell_pattern(patterns: list[str], text: str) -> None:
    expected = any(fnmatchcase(text.casefold(), pattern.casefold()) for pattern in patterns)
    assert text_matcher(patterns)(text) is expected


@pytest.mark.parametrize(
    ("text", "matches"),
    [("a pay slip", True), ("PAY", True), ("pa", False), ("ay", False), ("p a y", False), ("", False)],
)
def test_a_pattern_with_two_stars_matches_anywhere_in_the_text(text: str, matches: bool) -> None:
    assert text_matcher(["*pay*"])(text) is matches
    # The same with another pattern next to it.
    assert text_matcher(["*pay*", "never"])(text) is matches


def test_a_pattern_without_wildcard_or_table_is_plain() -> None:
    assert is_plain("a.b@corp.example")
    assert not any(map(is_plain, ("a*", "?b", "[ab]", "ldap:/etc/x.cf")))


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("a@corp.example", True),
        ("a@CORP.example", True),
        ("a@x.corp.example", False),
        ("a@büro.example", True),
        ("a@BÜRO.example", True),
        ("a@x.büro.example", False),  # a letter beyond ASCII counts only where it is listed
        ("a@[192.0.2.1]", False),
        ("a@[corp.example", False),
    ],
)
def test_internal_domains_decide_which_addresses_are_internal(address: str, inside: bool) -> None:
    matches = inside_matcher(["corp.example", "*@büro.example", "*[192.0.2.1]"], FakeTables())
    assert matches(address) is inside
    assert not inside_matcher([], FakeTables())(address)


@pytest.mark.parametrize(
    ("client", "known"),
    [("192.0.2.15", True), ("192.0.2.16", False), ("2001:db8::1", True), ("", False), ("unix", False)],
)
def test_a_client_matches_by_its_network(client: str, known: bool) -> None:
    networks = [ipaddress.ip_network("192.0.2.0/28"), ipaddress.ip_network("2001:db8::/32")]
    assert client_matcher(networks)(client) is known


# -- times ------------------------------------------------------------------------------------------------------------

TIMES = st.sampled_from([time(0, 0), time(0, 1), time(8, 30), time(12, 0), time(17, 0), time(23, 59)])


@given(st.sets(st.integers(0, 6), min_size=1), TIMES, TIMES, st.integers(0, 7 * 24 * 60), st.sampled_from([-1, 0, 1]))
def test_a_time_window_lasts_from_its_begin_to_its_end_on_its_days(
    days: set[int], begin: time, end: time, minute: int, second: int
) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=minute, seconds=second)
    midnight = now.replace(hour=0, minute=0, second=0)
    # The window that begins today, and the one that began yesterday.
    expected = False
    for day in (midnight, midnight - timedelta(days=1)):
        first = day + timedelta(hours=begin.hour, minutes=begin.minute)
        last = day + timedelta(hours=end.hour, minutes=end.minute)
        if last <= first:
            last = day + timedelta(days=1) + (last - day)
        if end == time(0, 0):
            last = day + timedelta(days=1)
        expected = expected or (day.weekday() in days and first <= now < last)
    window = {"days": [DAYS[day] for day in days], "from": f"{begin:%H:%M}", "until": f"{end:%H:%M}"}
    assert fits(now=now, during=window) is expected
    assert fits(now=now, not_during=window) is not expected


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("mon", {0}),
        ("SUN", {6}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat-mon", {5, 6, 0}),
        ("sun-sat", set(range(7))),
        ("wed-wed", {2}),
        (["tue", "Thu"], {1, 3}),
        ([], set()),
    ],
)
def test_days_are_a_range_or_a_list(written: object, days: set[int]) -> None:
    assert TimeWindow.model_validate({"days": written}).days == days


@pytest.mark.parametrize(
    "written", ["", "monday", "mon-", "-fri", "mon-xyz", "xyz-mon", ["mon", "x"], ["mon", 3], 3, None]
)
def test_a_value_that_names_no_days_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="names no days"):
        TimeWindow.model_validate({"days": written})


@pytest.mark.parametrize(
    ("written", "is_time"), [("00:00", True), ("23:59", True), ("24:00", False), ("23:60", False), ("1:00", False)]
)
def test_only_valid_times_of_day_are_accepted(written: str, is_time: bool) -> None:
    if is_time:
        assert f"{TimeWindow.model_validate({'until': written}).end:%H:%M}" == written
    else:
        with pytest.raises(ValidationError, match="is no time of day"):
            TimeWindow.model_validate({"until": written})


def test_a_time_window_without_keys_always_matches() -> None:
    window = TimeWindow()
    assert (set(window.days), window.begin, window.end, str(window.zone)) == (set(range(7)), time(), time(), "UTC")
    assert fits(during={})
    assert not fits(not_during={})


# -- amounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "given", "lowest"),
    [
        (Need, {"id": "iban", "count": 1}, "count"),
        (RecipientRisk, {"new": True, "many": 0}, "many"),
        (RecipientRisk, {"new": True, "similar_count": 1}, "similar_count"),
        (MachineLimits, {"first": True, "new_recipients": 0}, "new_recipients"),
        (MachineLimits, {"first": True, "messages": 0}, "messages"),
        (MachineLimits, {"first": True, "links": 1}, "links"),
        (MachineLimits, {"first": True, "attachments": 1}, "attachments"),
    ],
)
def test_the_minimum_amount_is_allowed_and_one_less_is_refused(table: Any, given: dict[str, Any], lowest: str) -> None:
    assert getattr(table.model_validate(given), lowest) == given[lowest]
    with pytest.raises(ValidationError):
        table.model_validate(given | {lowest: given[lowest] - 1})


@pytest.mark.parametrize(
    ("table", "given", "rest"),
    [
        (Need, {"id": "iban"}, {"count": 1, "confidence": "medium"}),
        (WantedAttachment, {}, {"name": [], "type": [], "larger_than": 0, "inside": True}),
        (
            RecipientRisk,
            {"many": 1},
            {"new": False, "lookalike": False, "twin": False, "outlier": False, "content": None, "similar_count": 3},
        ),
        (
            MachineLimits,
            {"links": 1},
            {"first": False, "new_recipients": 0, "messages": 0, "attachments": None},
        ),
    ],
)
def test_keys_left_out_of_a_table_have_their_defaults(table: Any, given: dict[str, Any], rest: dict[str, Any]) -> None:
    found = table.model_validate(given)
    assert {name: getattr(found, name) for name in rest} == rest


@pytest.mark.parametrize("key", ["first", "new_recipients", "messages", "links", "attachments"])
def test_each_limit_alone_is_a_condition_on_programs(key: str) -> None:
    assert MachineLimits.model_validate({key: True if key == "first" else 1})
    with pytest.raises(ValidationError, match="machine must name a limit"):
        MachineLimits.model_validate({key: False if key == "first" else None if key in ("links", "attachments") else 0})


@pytest.mark.parametrize("key", ["new", "lookalike", "twin", "outlier", "content", "many"])
def test_each_risk_alone_is_a_condition_and_knows_if_it_needs_learned_relations(key: str) -> None:
    value = {"content": "unusual", "many": 1}.get(key, True)
    assert RecipientRisk.model_validate({key: value}).needs_relations is (key != "many")


@pytest.mark.parametrize(("size", "larger"), [(0, False), (1, True)])
def test_a_zero_or_empty_amount_is_not_a_condition(size: int, larger: bool) -> None:
    assert fits(Envelope(size=size), larger_than=0)
    attached = Inspection(attachments=[Attachment("a", "zip", size)])
    assert fits(inspection=attached, attachment={"larger_than": 0}) is larger
    assert not fits(attachment={})


@pytest.mark.parametrize(
    ("unique", "enough"), [((2,), False), ((1, 1), False), ((3,), True), ((1, 2), True), ((4,), True)]
)
def test_different_values_of_one_identifier_are_added_up(unique: tuple[int, ...], enough: bool) -> None:
    inspection = Inspection(findings=[Finding("iban", "high", 9, one, [], []) for one in unique])
    assert fits(inspection=inspection, found=[{"id": "iban", "count": 3}]) is enough
    assert fits(inspection=inspection, not_found=[{"id": "iban", "count": 3}]) is not enough


@pytest.mark.parametrize("least", ["low", "medium", "high"])
@pytest.mark.parametrize("confidence", ["low", "medium", "high"])
def test_findings_count_from_the_lowest_confidence_of_the_condition(confidence: str, least: str) -> None:
    order = ["low", "medium", "high"]
    inspection = Inspection(findings=[Finding("iban", confidence, 1, 1, [], [])])
    expected = order.index(confidence) >= order.index(least)
    assert fits(inspection=inspection, found=[{"id": "iban", "confidence": least}]) is expected


@pytest.mark.parametrize("encrypted", [False, True])
def test_an_encrypted_part_is_an_additional_outcome_of_an_inspection(encrypted: bool) -> None:
    inspection = Inspection(status="limited", encrypted=encrypted)
    assert outcomes(inspection) == {"limited"} | ({"encrypted"} if encrypted else set())


def test_the_last_day_of_a_policy_ends_in_utc() -> None:
    east = datetime.fromisoformat("2026-11-24T00:30:00+01:00")  # the 23rd in UTC
    assert fits(now=east, expires=date(2026, 11, 23))
    assert not fits(now=east + timedelta(minutes=30), expires=date(2026, 11, 23))


# -- recipients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["internal", "outbound"])
@pytest.mark.parametrize("known", [None, True, False])
def test_no_lookup_is_made_if_the_direction_is_already_known(direction: str, known: bool | None) -> None:
    asked: list[str] = []

    def is_internal(address: str) -> bool:
        asked.append(address)
        return True

    compiled = Compiled(Conditions.model_validate({"direction": direction}), is_internal, FakeTables())
    inside = known is not False
    assert compiled.fits_recipient("a@corp.example", known) is (inside is (direction == "internal"))
    assert asked == (["a@corp.example"] if known is None else [])


# -- services of master.cf --------------------------------------------------------------------------------------------

WORDS = {"local_transport": "local:$myhostname", "virtual_transport": "boxes", "mailbox_transport": ""}


@pytest.mark.parametrize(
    ("service", "is_pipe"),
    [
        ("list unix - n n - - pipe", True),
        ("list unix - n n - - pipe flags=R argv=/bin/true", True),
        ("list unix - n n - - /usr/lib/postfix/sbin/pipe flags=R", True),
        ("list unix - n n - - spawn user=pipe", False),
        ("list unix - n n - pipe", False),
        ("boxes unix - n n - - pipe", False),  # delivers to mailboxes
        ("local unix - n n - - pipe", False),
    ],
)
def test_a_pipe_service_is_recognised(service: str, is_pipe: bool) -> None:
    assert _pipes(["smtp inet n - n - - smtpd", service], WORDS) == (frozenset(["list"]) if is_pipe else frozenset())
