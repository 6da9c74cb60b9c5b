"""Templates of local(8) are filled as Postfix fills them."""

import pytest

from holdgate.policy.expansion import Filled, TemplateError, filled


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("$user@x", "bob@x"),
        ("${user}@x", "bob@x"),
        ("${ user }@x", "bob@x"),
        ("$(user)@x", "bob@x"),
        ("$user-$user", "bob-bob"),
        ("$userx$user", None),
        ("$user.$none", None),
        ("$empty.", "."),
        ("${none}", None),
        ("${user?+$user}", "+bob"),
        ("${user?$none}", None),
        ("${none?+$user}", ""),
        ("${empty?x}", ""),
        ("${user:other}", ""),
        ("${none:other-$user}", "other-bob"),
        ("${empty:other}", "other"),
        ("$(none:other)", "other"),
        ("${user?a:b}", "a:b"),
        ("${user?{a$user}:{b}}", "abob"),
        ("${user ? { a } : { b }}", "a"),
        ("${none?{a}:{b$user}}", "bbob"),
        ("${none?{a}:b}", "b"),
        ("${none:{b${user}}}", "bbob"),
        ("${user?$(user)}", "bob"),
        ("$$user", "$user"),
        ("a}b", "a}b"),
    ],
)
def test_names_are_replaced_by_their_values(template: str, text: str | None) -> None:
    found = filled(template, {"user": "bob", "empty": ""})
    assert (found.text if found.is_complete else None) == text


def test_only_inserted_values_are_filtered() -> None:
    values = {"user": "b~b", "home": "/home/b b"}
    assert filled("~ $home/$user~${user?{~$user}}", values, "/abehmo") == Filled("~ /home/b_b/b_b~~b_b", True)
    assert filled("~$user", values, "") == Filled("~___", True)
    assert filled("~$user", values) == Filled("~b~b", True)


@pytest.mark.parametrize(
    "template",
    [
        "no $ name",
        "$",
        "${user",
        "$(user}",
        "${}",
        "${us er}",
        "${{$user} == {bob}?x}",
        "${user?{a}b}",
        "${none:{a}:{b}}",
        "${user?{a}",
    ],
)
def test_a_template_that_cannot_be_parsed_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        filled(template, {"user": "bob"})
