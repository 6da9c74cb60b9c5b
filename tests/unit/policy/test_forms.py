"""An address is read as Postfix routes it, in each form in which it can be written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.policy.forms import Rewriting, rewritten, targets

SITE = Rewriting("corp.example", "corp.example")


@pytest.mark.parametrize(
    ("written", "routed"),
    [
        ("bob@corp.example", "bob@corp.example"),
        ("Bob@CORP.example.", "bob@corp.example"),
        ("@a.example,@b.example:bob@partner.example", "bob@partner.example"),
        ("bob", "bob@corp.example"),
        ("bob@mail", "bob@mail.corp.example"),
        ("bob%partner.example", "bob@partner.example"),
        ("partner.example!bob", "bob@partner.example"),
        ('"john doe"@corp.example', '"john doe"@corp.example'),
        ("srs0=abc=de=partner.example=bob@corp.example", "srs0=abc=de=partner.example=bob@corp.example"),
        ("list+bob=partner.example@corp.example", "list+bob=partner.example@corp.example"),
        ("bob@[192.0.2.1]", "bob@[192.0.2.1]"),
        ('"bob"@corp.example', "bob@corp.example"),
        ('"b\\o\\b"@corp.example', "bob@corp.example"),
        ("", ""),
    ],
)
def test_an_ordinary_address_is_rewritten_without_inner_addresses(written: str, routed: str) -> None:
    assert rewritten(written, SITE) == (routed, (), False)


@pytest.mark.parametrize(
    ("written", "inner"),
    [
        ("bob%partner.example@corp.example", ["bob@partner.example"]),
        ("partner.example!bob@corp.example", ["bob@partner.example"]),
        ('"bob@partner.example"@corp.example', ["bob@partner.example"]),
        ('"bob\\@partner.example"@corp.example', ["bob@partner.example"]),
        ("bob@partner.example@corp.example", ["bob@partner.example"]),
        ("bob%partner.example%corp.example@corp.example", ["bob%partner.example@corp.example", "bob@partner.example"]),
        ("a!b!bob@corp.example", ["b!bob@a.corp.example", "bob@b.corp.example"]),
        ('"@partner.example:bob"@corp.example', ["@partner.example:bob"]),
        ("%@corp.example", None),
        ("bob(x)@corp.example", None),
    ],
)
def test_an_address_within_an_address_is_found(written: str, inner: list[str] | None) -> None:
    forms = rewritten(written, SITE)
    assert forms.is_odd
    if inner is not None and "@partner.example:bob" not in inner:
        assert list(forms.inner) == inner


def test_nothing_is_added_where_postfix_adds_nothing() -> None:
    assert rewritten("bob", Rewriting()).address == "bob"
    assert rewritten("bob@mail", Rewriting("corp.example")).address == "bob@mail"


@given(st.text(alphabet='ab.@%!:"\\ü', max_size=12))
def test_rewriting_any_text_ends(written: str) -> None:
    forms = rewritten(written, SITE)
    assert len(forms.inner) < 100
    marks = set("%!:") & set(forms.address.rpartition("@")[0].replace("\\", ""))
    assert forms.is_odd or not marks


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("ext@partner.example", ["ext@partner.example"]),
        ("a@corp.example, b@corp.example,c@corp.example", ["a@corp.example", "b@corp.example", "c@corp.example"]),
        ("a@corp.example b@corp.example", ["a@corp.example", "b@corp.example"]),
        ("Bob <bob@partner.example>, anna", ["Bob", "bob@partner.example", "anna"]),
        ('"|/usr/bin/filter -x, y"', ["|/usr/bin/filter -x, y"]),
        ("|/usr/bin/filter", ["|/usr/bin/filter"]),
        (":include:/etc/list", [":include:/etc/list"]),
        ("/var/mail/archive, anna", ["/var/mail/archive", "anna"]),
        ("\\anna, ext@partner.example", ["\\anna", "ext@partner.example"]),
        ('"john doe"@partner.example', ['"john doe"@partner.example']),
        ("", []),
    ],
)
def test_the_targets_of_an_alias_are_split(answer: str, named: list[str]) -> None:
    assert list(targets(answer)) == named


def test_addresses_nested_more_than_five_deep_are_odd() -> None:
    names = [f"h{number}.example" for number in range(7)]
    forms = rewritten("bob%" + "%".join(names) + "@corp.example", SITE)
    assert forms.is_odd
    assert [one.rpartition("@")[2] for one in forms.inner] == list(reversed(names))[:5]
