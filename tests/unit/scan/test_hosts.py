"""The hosts of the links in a text, and text that is not a link."""

import pytest

from holdgate.scan.hosts import MANY, hosts_of


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("see https://partner.example/a?b", ["partner.example"]),
        ("HTTP://Partner.Example:8080/", ["partner.example"]),
        ("www.partner.example, and", ["www.partner.example"]),
        ("//partner.example/x", ["partner.example"]),
        ("https:\\\\partner.example\\x", ["partner.example"]),
        ("https:partner.example", ["partner.example"]),
        ("https://corp.example@partner.example/", ["partner.example"]),
        ("https://a@b@partner.example/", ["partner.example"]),
        ("https://partner.example.", ["partner.example"]),
        ("(https://partner.example)", ["partner.example"]),
        ("https://[2001:db8::1]:443/x", ["[2001:db8::1]"]),
        ("https://partner\u3002example/", ["partner.example"]),
        ("https://\uff50artner.example/", ["partner.example"]),
        ("https://localhost/x", []),
        ("a//b.example", []),
        ("anna@www.corp.example", []),
        ("https://a.example https://b.example https://a.example", ["a.example", "b.example"]),
    ],
)
def test_the_hosts_of_links_are_found(text: str, hosts: list[str]) -> None:
    assert hosts_of([text]) == hosts


def test_hosts_of_several_texts_keep_their_order_and_have_a_limit() -> None:
    links = [f"https://h{number}.example/" for number in range(503)]
    assert hosts_of(["https://b.example", "https://a.example"]) == ["b.example", "a.example"]
    assert len(hosts_of(links[:500])) == 500
    found = hosts_of(links)
    assert len(found) == 501
    assert found[-1] == MANY
