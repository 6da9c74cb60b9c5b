"""Domains that look like one of the site's: the effect of one message, an automatic reply and a decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdgate.config import RelationsSettings
from holdgate.desk import moderation
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.headers import AUTOMATIC
from holdgate.quarantine.incident import DECIDED_BY_SENDER, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, open_store
from holdgate.relations.correspondence import Correspondence
from holdgate.relations.own import BY_MODERATOR, BY_SENDER
from holdgate.relations.sent import Sent
from holdgate.risks import LOOKALIKE, NEW
from tests.unit.relations.conftest import ANNA, TODAY, Site

TWIN, CARL, DORA = "bob@c0rp.example", "carl@corp.example", "dora@corp.example"
NOW = datetime(2024, 10, 4, tzinfo=UTC)  # the day TODAY
SETTINGS = {"mode": "on", "time_limit": "60s"}


def learn(site: Site, *sent: tuple[str, int], released: str = "") -> None:
    messages = [Sent(sender, (TWIN,), (), (), TODAY - before, released=released) for sender, before in sent]
    site.teacher.write(site.teacher.gather(messages))


def test_one_message_does_not_end_the_warning_for_any_sender(site: Site) -> None:
    learn(site, (CARL, 1))
    for sender in (ANNA, CARL):
        (found,) = [one for one in site.risks(TWIN, sender=sender) if one.kind == LOOKALIKE]
        assert (found.similar, found.whose) == ("corp.example", "own")
    assert NEW not in site.kinds(TWIN)


@pytest.mark.parametrize(
    ("sent", "is_named"),
    [
        ([(ANNA, 3), (CARL, 2), (DORA, 1)], False),
        ([(ANNA, 1), (CARL, 1), (DORA, 1)], True),  # on one day
        ([(ANNA, 1), (ANNA, 2), (ANNA, 3), (CARL, 4)], True),  # of two senders
    ],
)
def test_mail_of_three_senders_on_three_days_ends_the_warning(
    site: Site, sent: list[tuple[str, int]], is_named: bool
) -> None:
    learn(site, *sent)
    assert (LOOKALIKE in site.kinds(TWIN, sender="eve@corp.example")) is is_named


@pytest.mark.parametrize(("released", "named"), [(BY_MODERATOR, set()), (BY_SENDER, {CARL}), ("", {ANNA, CARL})])
def test_a_moderators_release_ends_the_warning_for_all_and_a_senders_for_that_sender(
    site: Site, released: str, named: set[str]
) -> None:
    learn(site, (ANNA, 1), released=released)
    assert {one for one in (ANNA, CARL) if LOOKALIKE in site.kinds(TWIN, sender=one)} == named


def test_mail_to_dissimilar_domains_stores_nothing_about_them(site: Site) -> None:
    site.learn("bob@partner.example")
    owners = [site.hasher.owner(kind, "partner.example") for kind in ("own twin sender", "own twin day")]
    assert not any(site.store.relations.look((), owners, 1)[1].values())


@pytest.mark.parametrize(
    ("sender", "inside", "similar"),
    [
        ("dora@mail.hq-tower.example", (), "hq-tower.example"),
        (ANNA, ("dora@hq-tower.example",), "hq-tower.example"),
        (ANNA, (), ""),
        (ANNA, ("dora@other.example",), ""),
    ],
)
def test_a_domain_of_the_site_that_no_policy_lists_is_known_from_the_message(
    site: Site, sender: str, inside: tuple[str, ...], similar: str
) -> None:
    found = site.risks("bob@hq-tovver.example", sender=sender, inside=inside)
    assert [one.similar for one in found if one.whose == "own"] == [similar] * bool(similar)
    assert [one for one in site.risks("bob@hq-tower.example", sender=sender, inside=inside) if one.whose == "own"] == []


def test_the_warning_ends_the_same_way_for_a_domain_that_no_policy_lists(site: Site) -> None:
    senders = [f"{name}@hq-tower.example" for name in ("dora", "emil", "fay")]
    for day, sender in enumerate(senders):
        assert LOOKALIKE in site.kinds("bob@hq-tovver.example", sender=senders[0])
        site.teacher.write(site.teacher.gather([Sent(sender, ("bob@hq-tovver.example",), (), (), TODAY - day)]))
    assert LOOKALIKE not in site.kinds("bob@hq-tovver.example", sender=senders[0])


def test_an_internal_address_at_a_free_mail_provider_is_not_a_site_domain(site: Site) -> None:
    found = site.risks("bob@gmall.com", sender="anna@gmail.com", inside=("dora@gmail.com",))
    assert [one for one in found if one.whose == "own"] == []


AUTOMATIC_MAIL = [
    {"auto-submitted": ["auto-replied"]},
    {"auto-submitted": ["auto-generated; owner-email=anna@corp.example"]},
    {"precedence": ["bulk"]},
    {"precedence": ["Junk"]},
    {"x-autoreply": ["yes"]},
]
OTHER_MAIL = [{}, {"auto-submitted": ["no"]}, {"precedence": ["first-class"]}]


@pytest.mark.parametrize(
    ("fields", "is_learned"), [(one, False) for one in AUTOMATIC_MAIL] + [(one, True) for one in OTHER_MAIL]
)
def test_an_automatic_reply_is_not_learned(
    tmp_path: Path, store_url: str, fields: dict[str, list[str]], is_learned: bool
) -> None:
    store = open_store(store_url)
    settings = RelationsSettings.model_validate(SETTINGS | {"key": tmp_path / "relations.key"})
    one = Correspondence(settings, store, ["corp.example"], lambda address: address.endswith("@corp.example"))
    one.learn(Envelope(sender=ANNA, recipients=[TWIN], headers=fields), Inspection(), NOW)
    one.close(60)
    assert store.relations.has_any() is is_learned
    assert fields.keys() <= set(AUTOMATIC)
    store.close()


@pytest.mark.parametrize(
    ("how", "released"), [("page", BY_MODERATOR), ("command", BY_MODERATOR), ("sender", BY_SENDER), (None, "")]
)
def test_the_releasing_role_is_learned_with_the_message(
    tmp_path: Path, store_url: str, how: str | None, released: str
) -> None:
    store = open_store(store_url)
    settings = RelationsSettings.model_validate(SETTINGS | {"key": tmp_path / "relations.key"})
    one = Correspondence(settings, store, ["corp.example"], lambda address: address.endswith("@corp.example"))
    incident = Incident(queue_id="4A", sender=ANNA, recipients=[TWIN], policy="p", state=State.APPROVED)
    incident = replace(incident, decided_how=how)
    store.record(incident, Actor("test", "test"))
    store.change(incident, State.RELEASED, Actor("test", "test"), closed_at=datetime.now(UTC) + timedelta(seconds=1))
    (given,) = one._released()
    taught = given()
    assert isinstance(taught, Sent)
    assert taught.released == released
    one.close(60)
    store.close()


def test_the_methods_by_which_a_sender_decides_are_complete() -> None:
    assert {
        moderation.SELF_RELEASE,
        moderation.SENDER,
        moderation.CORRECTED,
        moderation.OWNER,
    } == DECIDED_BY_SENDER
