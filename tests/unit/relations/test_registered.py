"""Organisations are distinguished by the Public Suffix List, private mailboxes by the list of providers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.relations import names
from holdgate.relations.registered import is_free_mail_domain, parts_of
from holdgate.relations.resembling import Candidates, Room, domain_candidates, resembles
from holdgate.risks import LOOKALIKE, TWIN
from tests.unit.relations.conftest import Site


@pytest.mark.parametrize(
    ("domain", "parts"),
    [
        ("mail.partner.co.uk", ("partner", "co.uk")),
        ("partner.example", ("partner", "example")),
        ("mail.partner.example", ("partner", "example")),
        ("soumu.go.jp", ("soumu", "go.jp")),
        ("health.govt.nz", ("health", "govt.nz")),
        ("contoso.onmicrosoft.com", ("contoso", "onmicrosoft.com")),
        ("contoso.mail.onmicrosoft.com", ("contoso", "mail.onmicrosoft.com")),
        ("onmicrosoft.com", ("onmicrosoft", "com")),
        ("co.uk", ("co", "uk")),
        ("localhost", ("localhost", "")),
        ("", ("", "")),
        ("a.b.ck", ("a", "b.ck")),  # *.ck
        ("mail.www.ck", ("www", "ck")),  # !www.ck
        ("mail.partner.公司.cn", ("partner", "公司.cn")),
    ],
)
def test_the_registered_part_of_a_domain_is_found(domain: str, parts: tuple[str, str]) -> None:
    assert parts_of(domain) == parts


@given(st.text("abo.cukjpg", max_size=40))
def test_the_name_and_suffix_end_the_domain(domain: str) -> None:
    domain = domain.rstrip(".")
    name, suffix = parts_of(domain)
    assert domain.endswith(f"{name}.{suffix}" if suffix else name)


def test_two_government_offices_count_as_two_organisations() -> None:
    assert names.place_of("a@soumu.go.jp") != names.place_of("a@mofa.go.jp")
    assert names.place_of("a@mail.soumu.go.jp") == names.place_of("b@soumu.go.jp")


def test_a_customer_of_a_provider_counts_as_one_organisation() -> None:
    assert names.place_of("a@partner.onmicrosoft.com") == names.place_of("b@partner.onmicrosoft.com")
    assert names.place_of("a@partner.onmicrosoft.com") != names.place_of("a@client.onmicrosoft.com")


@pytest.mark.parametrize("domain", ["att.net", "alice.it", "gmail.com", "gmx.de", "yahoo.co.jp", "posteo.de", "gmx.ch"])
def test_free_mail_providers_are_recognised(domain: str) -> None:
    assert is_free_mail_domain(domain)


@pytest.mark.parametrize("domain", ["partner.example", "corp-gmail.com", "batt.net", "x.alice.it", "", "gmx"])
def test_other_domains_are_not_free_mail_providers(domain: str) -> None:
    assert not is_free_mail_domain(domain)


@pytest.mark.parametrize(("known", "given_"), [("mueller", "müller"), ("müller", "mueller"), ("grossmann", "großmann")])
def test_a_domain_with_umlauts_in_another_spelling_is_similar(site: Site, known: str, given_: str) -> None:
    assert resembles(f"{given_}.example", f"{known}.example")
    forms = set(names.domain_forms(f"{known}.example"))
    asked = Candidates(f"{given_}.example", f"{given_}.example", names.domain_forms(f"{given_}.example"), "bob")
    assert f"{known}.example" in set(domain_candidates(asked, lambda kind, text: (kind, text) in forms, Room(10**6)))
    site.learn(f"bob@{known}.example")
    assert LOOKALIKE in site.kinds(f"dora@{given_}.example")
    encoded = given_ if given_.isascii() else f"xn--{given_.encode('punycode').decode('ascii')}"
    assert LOOKALIKE in site.kinds(f"dora@{encoded}.example")


@pytest.mark.parametrize("domain", ["muelle.example", "moeller.example"])
def test_a_domain_with_other_vowels_is_not_similar(domain: str) -> None:
    assert not resembles(domain, "müller.example")


@pytest.mark.parametrize("box", ["hans.mueller", "hans.müller", "hans.muller", "mueller_hans"])
@pytest.mark.parametrize("colleague", ["hans.mueller", "hans.müller"])
def test_a_private_mailbox_with_an_umlaut_in_another_spelling_is_similar(site: Site, colleague: str, box: str) -> None:
    site.learn("bob@partner.example", inside=(f"{colleague}@corp.example",))
    assert TWIN in site.kinds(f"{box}@gmail.com")


@pytest.mark.parametrize("box", ["hans.baur", "hans.miller", "hans.moeller"])
def test_another_name_is_not_similar(site: Site, box: str) -> None:
    inside = ("hans.mueller@corp.example", "hans.bauer@corp.example")
    site.learn("bob@partner.example", inside=inside)
    assert TWIN not in site.kinds(f"{box}@gmail.com")
