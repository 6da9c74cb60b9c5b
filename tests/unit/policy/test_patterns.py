"""Patterns that match nothing, or too much, are reported with the correct one; correct ones are accepted."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdgate.policy.model import PolicyFile
from holdgate.policy.patterns import address_mistake, domain_mistake, header_mistake, user_mistake
from holdgate.policy.review import hardly_meant, review


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("@corp.example", 'did you mean "corp.example"?'),
        (".corp.example", 'did you mean "*.corp.example"?'),
        ("corp.example.", 'did you mean "corp.example"?'),
        ("anna@corp.example", 'is an address; did you mean "corp.example"?'),
        ("*corp.example", 'did you mean "corp.example" and "*.corp.example"?'),
        ("*", "matches every domain"),
        ("*@*", "matches every domain"),
        ("corp.example, partner.example", '["corp.example", "partner.example"]'),
        (" corp.example", 'write "corp.example"'),
        ("https://corp.example/", 'did you mean "corp.example"?'),
        ("/etc/holdgate/domains", '"texthash:/etc/holdgate/domains"'),
        ("hash /etc/holdgate/domains", 'did you mean "hash:/etc/holdgate/domains"?'),
        ("corp..example", 'did you mean "corp.example"?'),
        (r"/@corp\.example$/", "is a regular expression"),
        ("", "an empty entry"),
        ("192.0.2.1", 'is an IP address, but a domain is needed; write one, as in "corp.example"'),
        ("corp.example:25", 'has a port; did you mean "corp.example"?'),
        (
            "$mydestination",
            'is a parameter of Postfix, which is not expanded here; write the value that "postconf mydest',
        ),
        ("${virtual_mailbox_domains}", '"postconf virtual_mailbox_domains"'),
    ],
)
def test_an_invalid_domain_is_named_with_a_suggestion(value: str, meant: str) -> None:
    assert meant in domain_mistake(value)


@pytest.mark.parametrize(
    "value", ["corp.example", "*.corp.example", "*@corp.example", "localhost", "hash:/etc/x", "1.2.3"]
)
def test_a_valid_domain_is_not_reported(value: str) -> None:
    assert domain_mistake(value) == ""


def test_an_address_literal_is_valid_in_a_pattern_but_never_internal() -> None:
    assert domain_mistake("[192.0.2.1]") == ""
    assert "is an address literal, which is never internal" in domain_mistake("[192.0.2.1]", wildcards=False)
    assert 'is no domain; write it as "corp.example"' in domain_mistake("(corp)", wildcards=False)


def test_a_wildcard_or_table_is_named_if_no_patterns_are_allowed() -> None:
    assert 'did you mean "corp.example"?' in domain_mistake("*.corp.example", wildcards=False)
    assert "is a table" in domain_mistake("hash:/etc/x", wildcards=False)
    assert domain_mistake("corp.example", wildcards=False) == ""


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("@corp.example", 'matches no address; did you mean "corp.example"?'),
        ("anna@corp.example.", 'did you mean "anna@corp.example"?'),
        ("Anna <anna@corp.example>", 'did you mean "anna@corp.example"?'),
        ("mailto:anna@corp.example", 'did you mean "anna@corp.example"?'),
        ("anna@corp.example; bob@corp.example", '["anna@corp.example", "bob@corp.example"]'),
        ("anna@", 'write "anna@corp.example"'),
        ("anna@bob@corp.example", 'two "@"'),
        ("%@corp.example", 'did you mean "*@corp.example"?'),
        ("*@*corp.example", 'did you mean "*@corp.example" and "*@*.corp.example"?'),
        ("*@.corp.example", 'did you mean "*@*.corp.example"?'),
        (r".*@corp\.example", "is a regular expression"),
        ("anna@192.0.2.1", 'is an IP address, but a domain is needed; write one, as in "anna@corp.example"'),
    ],
)
def test_a_pattern_that_matches_no_address_is_named(value: str, meant: str) -> None:
    assert meant in address_mistake(value)


@pytest.mark.parametrize(
    "value",
    [
        *("anna@corp.example", "*@corp.example", "corp.example", "*.corp.example", "*", "<>", "finance.*@corp.example"),
        *("anna+*@corp.example", '"a b"@corp.example', "anna@[192.0.2.1]", "ldap:/etc/holdgate/x.cf", "?@corp.example"),
        *("ceo*", "o'brien@corp.example", "a/b@corp.example"),
    ],
)
def test_a_valid_pattern_is_not_reported(value: str) -> None:
    assert address_mistake(value) == ""


_LABELS = st.text("abcxyz0189-", min_size=1, max_size=8).filter(lambda label: label.strip("-") == label)


@given(st.text("abcxyz.+-_=", min_size=1, max_size=12), st.lists(_LABELS, min_size=1, max_size=4))
def test_a_plain_address_is_never_reported(mailbox: str, labels: list[str]) -> None:
    assume(not mailbox.startswith((".", "-")) and not mailbox.endswith("."))
    assume(not all(label.isdecimal() for label in labels))
    assert address_mistake(f"{mailbox}@{'.'.join(labels)}") == ""
    assert domain_mistake(".".join(labels)) == ""


def policies(**keys: object) -> PolicyFile:
    return PolicyFile.model_validate({"policy": [{"name": "a", "action": "block"} | keys]})


def test_a_review_names_the_key_with_the_error() -> None:
    today = date(2026, 1, 1)
    assert review(policies(sender="@corp.example"), today) == [
        'policy "a": sender: "@corp.example" matches no address; did you mean "corp.example"?'
    ]
    alerting = policies(action="alert", notify=["boss", "boss@corp.example"])
    (problem,) = review(alerting, today)
    assert problem.startswith('policy "a": notify: "boss" is no address of a person')


def test_policies_that_no_message_can_reach_are_named() -> None:
    today = date(2026, 1, 1)
    assert review(policies(expires=date(2026, 1, 1), only=["us-*"], found=[{"id": "us-ssn"}]), today) == []
    (problem,) = review(policies(expires=date(2025, 12, 31)), today)
    assert problem.startswith('policy "a": expired on 2025-12-31')
    (problem,) = review(policies(only=["iban"], found=[{"id": "us-ssn"}]), today)
    assert problem.startswith('policy "a": only: "us-ssn" must be found')
    (problem,) = review(policies(not_found=[{"id": "us-*"}], found=[{"id": "us-ssn", "count": 2}]), today)
    assert problem.startswith('policy "a": not_found: "us-*" excludes "us-ssn"')
    assert review(policies(not_found=[{"id": "us-*", "count": 3}], found=[{"id": "us-ssn"}]), today) == []


def test_texts_that_are_probably_not_intended_are_named() -> None:
    output = list(
        hardly_meant(policies(subject=["secret", "*secret*"], attachment={"name": [".xlsx", "*.xlsx", "a.b"]}))
    )
    assert [line.partition("did you mean ")[2] for line in output] == ['"*secret*"?', '"*.xlsx"?']


@pytest.mark.parametrize("domain", ["*.corp.example", "*@*.corp.example"])
def test_internal_domains_below_a_domain_that_is_not_internal_are_named(domain: str) -> None:
    def reported(*domains: str) -> list[str]:
        return list(hardly_meant(PolicyFile.model_validate({"internal_domains": domains, "policy": []})))

    (line,) = reported(domain)
    assert line.endswith('mail to corp.example itself is outbound; add "corp.example" if it is yours')
    assert reported(domain, "corp.example") == reported(domain, "*@corp.example") == []
    assert reported("corp.example") == reported("*@corp.example") == []


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("@corp.example", 'matches no user; did you mean "*@corp.example"?'),
        ("anna@", 'has no domain; did you mean "anna"?'),
        ("Anna <anna@corp.example>", 'did you mean "anna@corp.example"?'),
        (" anna", 'begins or ends with a space; write "anna"'),
        ("", "an empty entry"),
    ],
)
def test_a_pattern_that_matches_no_user_is_named(value: str, meant: str) -> None:
    assert meant in user_mistake(value)
    assert review(policies(auth_user=value), date(2026, 1, 1)) == [f'policy "a": auth_user: {user_mistake(value)}']


@pytest.mark.parametrize(
    "value", ["anna", "anna@corp.example", "*@corp.example", "corp.example", "CORP\\anna", "anna b", "hash:/etc/users"]
)
def test_a_pattern_of_users_is_not_changed(value: str) -> None:
    assert user_mistake(value) == ""


@pytest.mark.parametrize(("name", "meant"), [("X-Spam:", "X-Spam"), ("Subject: a", "Subject"), ("X Spam", "XSpam")])
def test_a_header_field_that_no_message_has_is_named(name: str, meant: str) -> None:
    assert header_mistake(name) == f'"{name}" is no name of a header field; did you mean "{meant}"?'
    assert review(policies(header={name: "*"}), date(2026, 1, 1)) == [f'policy "a": header: {header_mistake(name)}']
    assert header_mistake(meant) == ""
    assert header_mistake("") == '"" is no name of a header field'
