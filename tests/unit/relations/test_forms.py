"""Properties of the search for look-alikes: half-life, normal forms, edits, and names found by forms."""

from hypothesis import assume, example, given
from hypothesis import strategies as st

from holdgate.quarantine.relations import Weight, number
from holdgate.relations import names
from holdgate.relations.confusables import skeleton
from holdgate.relations.resembling import Candidates, Room, box_candidates, domain_candidates, resembles
from holdgate.relations.sent import subject_tokens

NAMES = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=14)
DAYS = st.integers(0, 3000)
WEIGHTS = st.floats(0.5, 1000)


@given(WEIGHTS, DAYS, st.integers(0, 2000), st.integers(0, 2000), st.floats(7, 1000))
def test_a_weight_decays_the_same_in_one_step_or_in_two(
    weight: float, day: int, first: int, second: int, half_life: float
) -> None:
    whole = Weight(weight, day).on(day + first + second, half_life)
    stepped = Weight(Weight(weight, day).on(day + first, half_life), day + first).on(day + first + second, half_life)
    assert abs(whole - stepped) <= 1e-9 * max(whole, 1e-12)
    assert 0 <= whole <= weight


@given(WEIGHTS, DAYS)
def test_a_weight_is_half_after_its_half_life(weight: float, day: int) -> None:
    assert abs(Weight(weight, day).on(day + 180, 180) - weight / 2) < 1e-9 * weight


@given(st.lists(st.tuples(WEIGHTS, DAYS), min_size=2, max_size=6))
def test_weights_add_up_the_same_in_any_order(seen: list[tuple[float, int]]) -> None:
    def total(rows: list[tuple[float, int]]) -> float:
        first, *rest = rows
        added = Weight(*first)
        for row in rest:
            added = added.plus(*row, half_life=180)
        return added.on(3000, 180)

    assert abs(total(seen) - total(seen[::-1])) <= 1e-6 * total(seen)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_number_fits_into_the_databases(owner: int, target: int) -> None:
    assert -(2**63) <= number(owner, target) < 2**63
    assert number(owner, 0) <= number(owner, target) <= number(owner, 2**32 - 1)


@given(st.text(max_size=30))
@example("vvv")
@example("ﬃ①Ⅰ")
def test_a_skeleton_is_its_own_skeleton(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", max_size=30))
def test_case_does_not_change_a_skeleton(text: str) -> None:
    assert skeleton(text.upper()) == skeleton(text)


def test_confusable_characters_have_the_same_skeleton() -> None:
    for text, same in (("раураl", "paypal"), ("ｐartner", "partner"), ("rnodern", "modern"), ("0rchid", "orchid")):
        assert skeleton(text) == skeleton(same)
    assert skeleton("orchid") != skeleton("orchard")


EDITS = st.sampled_from(["drop", "add", "change", "swap"])


def edited(name: str, edit: str, at: int, letter: str) -> str:
    at %= len(name) - 1
    if edit == "drop":
        return name[:at] + name[at + 1 :]
    if edit == "add":
        return name[:at] + letter + name[at:]
    if edit == "change":
        return name[:at] + letter + name[at + 1 :]
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


@given(NAMES, EDITS, st.integers(0, 20), st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
def test_names_one_edit_apart_are_recognised(name: str, edit: str, at: int, letter: str) -> None:
    other = edited(name, edit, at, letter)
    assert names.one_edit_apart(name, other) is (name != other)
    assert names.one_edit_apart(other, name) is (name != other)


@given(NAMES, EDITS, st.integers(0, 20), st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
def test_a_domain_one_likely_edit_apart_is_found_by_lookups(name: str, edit: str, at: int, letter: str) -> None:
    known, given_ = f"{name}.example", f"{edited(name, edit, at, letter)}.example"
    assume(resembles(given_, known))
    forms = set(names.domain_forms(known))
    asked = Candidates(given_, given_, names.domain_forms(given_), "bob")
    assert known in set(domain_candidates(asked, lambda kind, text: (kind, text) in forms, Room(10**6)))
    assert forms & set(asked.asked())


@given(NAMES, EDITS, st.integers(0, 20), st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
def test_a_mailbox_one_likely_edit_apart_is_found(name: str, edit: str, at: int, letter: str) -> None:
    other = edited(name, edit, at, letter)
    assume(other != name and (skeleton(other) == skeleton(name) or names.looks_mistyped(other, name)))
    forms = {*names.mailbox_forms(f"{name}@x.example"), ("address", f"{name}@x.example")}
    asked = Candidates("x.example", "x.example", (), other)
    assert f"{name}@x.example" in set(box_candidates(asked, lambda kind, text: (kind, text) in forms, Room(10**6)))


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True), st.sampled_from(["", "-"]))
def test_words_in_another_order_are_found(words: list[str], mark: str) -> None:
    known, given_ = "-".join(words) + ".example", mark.join(words[::-1] if mark else words) + ".example"
    forms = set(names.domain_forms(known))
    asked = Candidates(given_, given_, names.domain_forms(given_), "bob")
    if mark:
        assert known in set(domain_candidates(asked, lambda kind, text: (kind, text) in forms, Room(10**6)))
    assert resembles(given_, known)


@given(st.text(max_size=80))
def test_forms_are_computed_for_any_text(text: str) -> None:
    names.place_of(text)
    names.person_forms(text)
    names.mailbox_forms(text)
    names.domain_forms(text)
    subject_tokens(text, "a@b.example")
    list(names.looking_like(text[:12]))


def test_a_person_name_matches_in_any_order() -> None:
    same = ["bob.smith@a.example", "smith_bob72@b.example", "smithbob@c.example", "bobsmith@d.example"]
    forms = [names.person_forms(one) for one in same]
    assert all(forms[0] & one for one in forms)
    assert names.person_forms("accounting@a.example") == names.person_forms("bob@a.example") == set()


def test_the_words_of_a_subject_are_extracted() -> None:
    assert subject_tokens("AW: Re: [ext] Contract 2026 for Orchid", "a@b") == [
        *("thread a@b contract 2026 for orchid", "word contract", "word orchid")
    ]
    assert subject_tokens("Re: hi", "") == []
