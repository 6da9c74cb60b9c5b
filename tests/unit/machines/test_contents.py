"""The compared contents of a message: forms of attachments, and the hosts of links."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.findings import Attachment
from holdgate.machines import contents
from holdgate.machines.contents import pattern_of
from holdgate.scan.hosts import MANY, MOST, hosts_of


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("invoice-4711.pdf", "pdf invoice-#.pdf"),
        ("Invoice-4712.PDF", "pdf invoice-#.pdf"),
        ("invoice-2024A17.pdf", "pdf invoice-#.pdf"),
        ("report 2026-11-29.pdf", "pdf report #.pdf"),
        ("report 1.pdf", "pdf report #.pdf"),
        ("invoice-*******890.pdf", "pdf invoice-#.pdf"),
        ("archive.zip › invoice-1.pdf", "pdf invoice-#.pdf"),
        ("README", "pdf readme"),
        ("salaries.pdf", "pdf salaries.pdf"),
        ("film.mp4", "pdf film.mp4"),
    ],
)
def test_the_pattern_of_an_attachment_name(name: str, form: str) -> None:
    assert pattern_of(Attachment(name, "pdf", 1)) == form


def test_another_file_type_has_another_pattern() -> None:
    assert pattern_of(Attachment("a.pdf", "zip", 1)) != pattern_of(Attachment("a.pdf", "pdf", 1))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("See https://Portal.Corp.Example/x?y=1.", "portal.corp.example"),
        ("(http://portal.corp.example)", "portal.corp.example"),
        ("https://portal.corp.example:8443/", "portal.corp.example"),
        ("https://portal.corp.example@evil.example/", "evil.example"),
        (r"https:\\evil.example\x", "evil.example"),
        ("https:evil.example", "evil.example"),
        ("//evil.example/x", "evil.example"),
        ("write to www.evil.example, now", "www.evil.example"),
        ("https://evil。example/", "evil.example"),
        ("https://192.0.2.1/", "192.0.2.1"),
        ("https://[2001:db8::1]/", "[2001:db8::1]"),
        ("https://evil.example./", "evil.example"),
    ],
)
def test_the_host_of_a_link_is_found(text: str, host: str) -> None:
    assert hosts_of([text]) == [host]


@pytest.mark.parametrize("text", ["anna@www.corp.example", "a // b", "1/2", "http://", "https://localhost/", "C:\\x"])
def test_text_without_a_link_has_no_host(text: str) -> None:
    assert hosts_of([text]) == []


def test_a_message_with_too_many_hosts_has_a_mark() -> None:
    found = hosts_of([" ".join(f"http://h{number}.example" for number in range(MOST + 5))])
    assert (len(found), found[-1]) == (MOST + 1, MANY)


@given(st.text())
def test_any_text_can_be_searched_for_hosts(text: str) -> None:
    for host in hosts_of([text]):
        assert host == host.casefold()


@given(st.text(alphabet="a1*_ -²", max_size=12))
def test_words_with_a_digit_are_replaced(name: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long word."""
    simple = r"(?:[^\W_]|[*])*[\d*](?:[^\W_]|[*])*"
    assert contents._NUMBERED.sub("#", name) == re.sub(simple, "#", name)


def test_a_long_name_has_a_pattern() -> None:
    assert pattern_of(Attachment("a" * 400_000 + " 1.pdf", "pdf", 1)) == f"pdf {'a' * 400_000} #.pdf"
