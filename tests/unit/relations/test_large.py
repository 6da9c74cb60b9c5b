"""Messages with very many recipients: they add a limited amount, and others can write at the same time."""

from collections.abc import Mapping

import pytest

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.relations import Weight
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor
from holdgate.relations.sent import Sent
from holdgate.relations.teaching import Teacher
from holdgate.risks import LOOKALIKE, NEW
from tests.unit.relations.conftest import ANNA, HALF_LIFE, TODAY, Site

TO = tuple(f"first{number}.last{number}@organisation{number}.example" for number in range(1500))
VALUES = dict.fromkeys(range(1, 65), "iban")
TOKENS = tuple(f"word number{number}" for number in range(8))
MAILING = Sent(ANNA, TO, (), TOKENS, TODAY, values=VALUES)


def test_a_message_to_a_thousand_recipients_adds_a_bounded_number_of_relations(site: Site) -> None:
    seen = site.teacher.gather([MAILING]).seen
    assert len(seen) < 25_000
    known = [site.hasher.edge("sender address", ANNA, one) in seen for one in TO]
    assert sum(known) == 1000


def test_forms_over_the_limit_are_learned_with_the_next_message(site: Site) -> None:
    to = TO[:500]
    for _ in range(3):
        site.teacher.write(site.teacher.gather([Sent(ANNA, to, (), (), TODAY)]))
    marks = [site.hasher.mark("joined", f"organisation{number}") for number in range(500)]
    assert len(site.store.relations.of(marks)) < 500  # 200 of each message, recipients before their domains
    for _ in range(3):
        site.teacher.write(site.teacher.gather([Sent(ANNA, to, (), (), TODAY)]))
    assert len(site.store.relations.of(marks)) == 500
    assert LOOKALIKE in site.kinds("bob@organisatoin7.example")


def test_content_sent_to_very_many_recipients_belongs_to_none(site: Site) -> None:
    site.teacher.write(site.teacher.gather([MAILING] * 5))
    site.learn("eve@client.example")
    assert site.kinds("eve@client.example", tokens=TOKENS) == set()
    assert site.risks("eve@client.example", values=VALUES) == []


def test_other_writers_can_write_between_the_parts_of_a_long_update(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    written: list[str] = []
    table, add = site.store.relations, type(site.store.relations).add

    def counted(self: object, seen: Mapping[int, Weight], half_life: float) -> set[int]:
        assert self is table
        sizes.append(len(seen))
        return add(table, seen, half_life)

    def other(seconds: float) -> None:
        """Write what another process writes: with the lock held, this would fail after the time limit."""
        assert seconds >= 0
        incident = Incident(queue_id="4A", sender=ANNA, recipients=[TO[0]], policy="p", state=State.PENDING)
        site.store.record(incident, Actor("test", "test"))
        written.append(incident.id)

    monkeypatch.setattr(type(table), "add", counted)
    teacher = Teacher(site.hasher, table, HALF_LIFE, rest=other)
    lesson = teacher.gather([MAILING])
    count = len(lesson.seen)
    teacher.write(lesson)
    assert max(sizes) <= 2000
    assert len(written) == (count - 1) // 2000
    assert all(site.store.find(one) is not None for one in written)
    assert NEW not in site.kinds(TO[0])


def test_an_interrupted_long_update_continues_where_it_stopped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    table, add = site.store.relations, type(site.store.relations).add
    left = 2

    def failing(self: object, seen: Mapping[int, Weight], half_life: float) -> set[int]:
        nonlocal left
        assert self is table
        left -= 1
        if left < 0:
            raise KeyError
        return add(table, seen, half_life)

    lesson = site.teacher.gather([MAILING])
    with monkeypatch.context() as patch:
        patch.setattr(type(table), "add", failing)
        with pytest.raises(KeyError):
            site.teacher.write(lesson)
    site.teacher.write(lesson)
    edges = [site.hasher.edge("sender address", ANNA, one) for one in TO[:1000]]
    found = table.of(edges)
    assert len(found) == 1000
    assert {one.weight for one in found.values()} == {1.0}
    counts = table.of([site.hasher.mark("day first", str(TODAY))])
    assert [one.weight for one in counts.values()] == [1000.0]
