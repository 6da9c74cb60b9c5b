"""Proof of a reply's author: each method with accepted and refused mail."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.config import ReplySettings
from holdgate.desk.proof import Arrival, find
from holdgate.desk.reply import Header
from holdgate.persons import Answerer, Persons, plain
from holdgate.tables import Tables

BOSS = "boss@corp.example"
# Authentication-Results are compared without tables.
NO_PERSONS: Any = None
RESULTS = ReplySettings.model_validate({"proof": ["results"], "authserv_id": "mx.corp.example"})


def proven(
    settings: ReplySettings,
    header: str,
    tmp_path: Path,
    client: str = "",
    login: str = "",
    signers: tuple[str, ...] = (),
) -> str:
    persons = Persons(settings, Tables(tmp_path))
    content = f"{header}From: Boss <{BOSS}>\n\n".encode()
    arrival = Arrival(Header.of(content), client, login, signers)
    return find(settings, arrival, Answerer(BOSS, frozenset({BOSS})), persons)


@pytest.mark.parametrize(
    ("results", "proof"),
    [
        ("dkim=pass header.d=corp.example", "dkim"),
        ("dkim=pass (2048-bit key; secure) header.d=corp.example header.i=@corp.example header.b=abc", "dkim"),
        ("dmarc=pass (p=none dis=none) header.from=corp.example", "dmarc"),
        ("spf=pass smtp.mailfrom=boss@corp.example", "spf"),
        ("spf=pass smtp.mailfrom=corp.example", "spf"),
        ("auth=pass smtp.auth=boss@corp.example", "auth"),
        ("spf=fail smtp.mailfrom=x@y.example; dkim=pass header.d=corp.example", "dkim"),
        ("none", ""),
        ("dkim=fail header.d=corp.example", ""),
        ("dkim=pass header.d=partner.example", ""),
        ("dkim=pass header.d=example", ""),
        ("dkim=pass header.d=notcorp.example", ""),
        ("dkim=pass header.d=partner.example header.d=corp.example", ""),
        ("dkim=pass", ""),
        ("dmarc=pass header.from=partner.example", ""),
        ("spf=pass smtp.helo=corp.example", ""),
        ('spf=pass smtp.mailfrom="x; dkim=pass header.d=corp.example"@y.example', ""),
        ("auth=pass smtp.auth=carla@corp.example; dkim=pass header.d=corp.example", ""),
        ("auth=pass smtp.auth=boss", ""),
        ("iprev=pass policy.iprev=192.0.2.1", ""),
        ("dkim=pass (header.d=corp.example)", ""),
        ("; ; =", ""),
    ],
)
def test_authentication_results_of_the_named_server_must_match_from(results: str, proof: str, tmp_path: Path) -> None:
    assert proven(RESULTS, f"Authentication-Results: mx.corp.example; {results}\n", tmp_path) == proof


def test_only_the_topmost_field_of_the_named_server_counts(tmp_path: Path) -> None:
    good = "Authentication-Results: mx.corp.example; dkim=pass header.d=corp.example\n"
    other = "Authentication-Results: mx.partner.example; dkim=pass header.d=corp.example\n"
    failed = "Authentication-Results: mx.corp.example; dkim=fail header.d=corp.example\n"
    assert proven(RESULTS, good + failed, tmp_path) == "dkim"
    assert proven(RESULTS, other + good, tmp_path) == "dkim"
    assert proven(RESULTS, failed + good, tmp_path) == ""
    assert proven(RESULTS, other, tmp_path) == ""
    for spelled in (
        "(by us) mx.corp.example",
        '"mx.corp.example"',
        "(a)(b) MX.corp.example(c) 1",
        ' "MX.Corp.Example" 1',
    ):
        assert proven(RESULTS, failed.replace("mx.corp.example", spelled) + good, tmp_path) == ""
        assert proven(RESULTS, good.replace("mx.corp.example", spelled), tmp_path) == "dkim"
    for another in (
        "mx.corp.example.partner.example",
        '"mx.corp.example"x',
        '"mx.corp.example',
        "(mx.corp.example",
        "",
    ):
        assert proven(RESULTS, good.replace("mx.corp.example", another), tmp_path) == ""
    assert (
        proven(RESULTS, "Authentication-Results: (mx.corp.example) x; dkim=pass header.d=corp.example\n", tmp_path)
        == ""
    )
    assert proven(RESULTS, "", tmp_path) == ""
    assert proven(ReplySettings(), good, tmp_path) == ""


def test_the_login_must_belong_to_the_moderator(tmp_path: Path) -> None:
    login = ReplySettings.model_validate({"proof": ["login"], "login_domain": "corp.example", "login_header": "X-Auth"})
    assert proven(login, "", tmp_path, login="boss") == "login"
    assert proven(login, "", tmp_path, login="BOSS@corp.example") == "login"
    assert proven(login, "", tmp_path, login="carla") == ""
    assert proven(login, "X-Auth: boss\n", tmp_path) == "login"
    assert proven(login, "X-Auth: boss\nX-Auth: boss\n", tmp_path) == ""
    # The origin recorded by the gate counts before a header.
    assert proven(login, "X-Auth: boss\n", tmp_path, login="carla") == ""
    without = ReplySettings.model_validate({"proof": ["login"]})
    assert proven(without, "X-Auth: boss\n", tmp_path, login="boss") == ""


def test_the_signature_must_belong_to_the_moderator(tmp_path: Path) -> None:
    signed = ReplySettings.model_validate({"proof": ["smime"], "authorities": "/ca.pem"})
    assert proven(signed, "", tmp_path, signers=("boss@corp.example",)) == "smime"
    assert proven(signed, "", tmp_path, signers=("carla@corp.example",)) == ""
    assert proven(signed, "", tmp_path) == ""


@pytest.mark.parametrize(("way", "name"), [("results", "authserv_id"), ("client", "clients"), ("smime", "authorities")])
def test_a_proof_needs_its_setting(way: str, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ReplySettings.model_validate({"proof": [way]})


@given(st.text(max_size=300))
def test_any_field_can_be_parsed(value: str) -> None:
    content = f"Authentication-Results: mx.corp.example; {value}\nFrom: {BOSS}\n\n".encode(errors="replace")
    arrival = Arrival(Header.of(content))
    assert find(RESULTS, arrival, Answerer(BOSS, frozenset({BOSS})), NO_PERSONS) in ("", "dkim", "dmarc", "spf", "auth")


@given(st.from_regex(r"[0-9a-z]{4,12}", fullmatch=True), st.from_regex(r"[a-z.]{1,10}", fullmatch=True))
def test_an_address_tag_does_not_change_the_mailbox(tag: str, local: str) -> None:
    address = f"{local}@corp.example"
    assert plain(address) == address
    assert plain(f"<prvs={tag}={address}>") == address
    assert plain(f"btv1=={tag}=={address.upper()}") == address
