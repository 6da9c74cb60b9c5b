"""Limits on the work for one message. A message over a limit does not affect other messages."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdgate.config import RelationsSettings
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.quarantine.relations import Weight
from holdgate.quarantine.store import open_store
from holdgate.relations import names
from holdgate.relations.correspondence import Correspondence
from holdgate.relations.memory import Memory, UnknownError
from holdgate.relations.sent import Sent
from holdgate.risks import LOOKALIKE, NEW, Risk
from tests.unit.relations.conftest import ANNA, HALF_LIFE, TODAY, Site

NOW = datetime(2024, 10, 4, tzinfo=UTC)  # the day TODAY


def lettered(place: int) -> str:
    """Return one of the names of 63 letters that all resemble one another: each of its parts occurs in others."""
    return "a" * place + "b" + "a" * (62 - place)


class Counting:
    """A view in which every form is known, but no recipient. It counts the numbers that are read."""

    def __init__(self, site: Site, *to: str) -> None:
        self.read_numbers = 0
        self._unknown = {site.hasher.mark("address", one) for one in to}
        self._unknown |= {site.hasher.edge("sender place", ANNA, names.place_of(one)) for one in to}

    def of(self, keys: Collection[int]) -> Mapping[int, float]:
        return {key: 9.0 for key in keys if key not in self._unknown}

    def read(self, keys: Collection[int]) -> Mapping[int, float]:
        self.read_numbers += len(keys)
        return {}

    def look(
        self, keys: Collection[int], owners: Collection[int], most: int
    ) -> tuple[Mapping[int, float], Mapping[int, Mapping[int, float]]]:
        del keys, most
        return {}, {owner: {} for owner in owners}


def message(*to: str) -> Sent:
    return Sent(ANNA, to, (), (), TODAY)


def test_a_message_that_used_up_its_time_does_not_affect_others(site: Site) -> None:
    site.store.relations.add({7: Weight(2.0, TODAY)}, HALF_LIFE)
    now = 0.0
    memory = Memory(site.store.relations, HALF_LIFE, clock=lambda: now)
    excessive = memory.view(TODAY, 1.0)
    assert excessive.of([7]) == {7: 2.0}
    now = 1.5  # it compared for so long
    with pytest.raises(UnknownError):
        excessive.read([8])
    assert memory.view(TODAY, 60).read([7]) == {7: 2.0}
    memory.close()


class Silent(Future[object]):
    def result(self, timeout: float | None = None) -> object:
        raise FutureTimeoutError


@pytest.mark.parametrize(("waited", "is_left_alone"), [(0.9, False), (0.4, True)])
def test_a_store_counts_as_silent_only_after_it_had_time_to_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, waited: float, is_left_alone: bool
) -> None:
    now = 0.0
    memory = Memory(site.store.relations, HALF_LIFE, clock=lambda: now)
    view = memory.view(TODAY, 1.0)
    now = waited
    with monkeypatch.context() as patch:
        patch.setattr(memory._readers, "submit", lambda _step: Silent())
        with pytest.raises(UnknownError):
            view.read([7])
    later = memory.view(TODAY, 60)
    if is_left_alone:
        with pytest.raises(UnknownError):
            later.read([7])
    else:
        assert later.read([7]) == {}
    memory.close()


def test_a_large_query_is_split(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    table = site.store.relations
    table.add({key: Weight(1.0, TODAY) for key in range(1200)}, HALF_LIFE)
    asked: list[int] = []
    of, look = table.of, table.look

    def counted(keys: Collection[int]) -> dict[int, Weight]:
        asked.append(len(keys))
        return of(keys)

    def looked(
        keys: Collection[int], owners: Collection[int], most: int
    ) -> tuple[dict[int, Weight], dict[int, dict[int, Weight]]]:
        asked.append(len(keys))
        return look(keys, owners, most)

    memory = Memory(table, HALF_LIFE)
    view = memory.view(TODAY, 60)
    with monkeypatch.context() as patch:
        patch.setattr(table, "of", counted)
        patch.setattr(table, "look", looked)
        assert len(view.read(range(1200))) == 1200
        memory._kept.clear()
        assert len(view.look(range(1200), [1], 2)[0]) == 1200
    assert max(asked) <= 500
    memory.close()


def test_too_many_similar_names_make_the_risk_unknown_and_other_risks_are_found(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = [f"{lettered(place)}@{lettered(place)}.example" for place in range(30)]
    view, found = Counting(site, *to), list[Risk]()
    with pytest.raises(UnknownError):
        found.extend(site.evaluator.risks(message(*to), view))
    assert [one.recipient for one in found if one.kind == NEW] == to
    assert view.read_numbers <= 50_000
    monkeypatch.setattr("holdgate.relations.similar._MOST", 1000)
    with pytest.raises(UnknownError):
        list(site.evaluator.risks(message(*to[:1]), Counting(site, *to[:1])))


def test_a_time_out_during_the_search_keeps_the_other_risks(site: Site) -> None:
    class FailingCounting(Counting):
        def of(self, keys: Collection[int]) -> Mapping[int, float]:
            raise UnknownError

    to = ["bob@partner.example", "bob@c0rp.example", "eve@client.example"]
    found = list[Risk]()
    with pytest.raises(UnknownError):
        found.extend(site.evaluator.risks(message(*to), FailingCounting(site, *to)))
    assert [(one.kind, one.recipient) for one in found] == [(LOOKALIKE, to[1]), *((NEW, one) for one in to)]


def test_many_recipients_with_ordinary_names_are_compared(site: Site) -> None:
    class Empty(Counting):
        def of(self, keys: Collection[int]) -> Mapping[int, float]:
            del keys
            return {}

    to = [f"person{number}.of@organisation{number}.example" for number in range(300)]
    assert [one.recipient for one in site.evaluator.risks(message(*to), Empty(site)) if one.kind == NEW] == to


def test_data_of_a_domain_is_compared_once_for_all_its_recipients(site: Site) -> None:
    counts = []
    for number in (1, 20):
        to = [f"x{place}@{lettered(3)}.example" for place in range(number)]
        view = Counting(site, *to)
        list(site.evaluator.risks(message(*to), view))
        counts.append(view.read_numbers)
    assert counts[1] < 2 * counts[0]


def test_risks_found_before_the_limit_are_returned(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(store_url)
    settings = RelationsSettings.model_validate({"mode": "on", "key": tmp_path / "relations.key", "time_limit": "60s"})
    one = Correspondence(settings, store, ["corp.example"], lambda address: address.endswith("@corp.example"))
    monkeypatch.setattr("holdgate.relations.similar._MOST", 10)
    envelope = Envelope(sender=ANNA, recipients=["bob@partner.example"])
    risks = one.risks(envelope, Inspection(), NOW)
    assert (risks.unknown, [risk.kind for risk in risks.found]) == (True, [NEW])
    one.close(60)
    store.close()


def test_names_of_any_length_have_a_limited_number_of_forms() -> None:
    assert len(names.domain_forms("-".join(["word"] * 1000) + ".example")) < 10
    assert len(names.domain_forms("x" * 1000 + ".example")) < 10
    assert len(names.mailbox_forms("x" * 1000 + "@x.example")) < 10
    assert len(list(names.looking_like("rnlo" * 250))) <= 256
