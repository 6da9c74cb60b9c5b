"""What is submitted in the place of a held message: its recipients, its fields, and the reports that it asks for."""

import re
from collections.abc import Sequence

import pytest

from holdgate.quarantine.incident import Change, Incident
from holdgate.queue.changed import (
    EXCLUDE,
    AmbiguousError,
    content_options,
    dsn_options,
    dsn_wishes,
    is_altered,
    kept,
    mail_options,
    marked,
)
from holdgate.queue.wishes import Addressee, Sent

TEAM, BOB, CAROL = "team@corp.example", "bob@partner.example", "carol@partner.example"


def incident_to(*recipients: str) -> Incident:
    return Incident("4a", "anna@corp.example", list(recipients), "p")


def sent_to(*pairs: tuple[str, str]) -> Sent:
    """Return an envelope of delivery addresses, each with the recipient that the client named."""
    return Sent("anna@corp.example", [Addressee(address, called=called) for address, called in pairs])


def addresses(incident: Incident, envelope: Sent, excluded: Sequence[str]) -> list[str]:
    return [one.address for one in kept(incident, envelope, excluded)]


# -- recipients -------------------------------------------------------------------------------------------------------


def test_no_recipient_is_excluded_unless_named() -> None:
    assert addresses(incident_to(BOB), sent_to((BOB, "")), []) == [BOB], "also where Postfix does not report names"


def test_excluding_an_alias_excludes_all_its_targets() -> None:
    envelope = sent_to(("x@corp.example", TEAM), ("y@corp.example", TEAM), (BOB, BOB))
    assert addresses(incident_to(TEAM, BOB), envelope, [TEAM]) == [BOB]


def test_an_excluded_address_does_not_get_the_message_through_another_recipient() -> None:
    envelope = sent_to((BOB, BOB), ("Bob@Partner.example", TEAM), ("x@corp.example", TEAM))
    assert addresses(incident_to(BOB, TEAM), envelope, [BOB]) == ["x@corp.example"]


@pytest.mark.parametrize(
    ("envelope", "excluded"),
    [
        (sent_to((BOB, BOB), (CAROL, CAROL)), [BOB, CAROL]),  # all: that is a rejection
        (sent_to((BOB, BOB), (CAROL, CAROL)), ["dave@partner.example"]),
        (sent_to((BOB, BOB), (CAROL, "")), [BOB]),  # Postfix does not report the recipient that the client named
        (sent_to(("x@corp.example", TEAM), (CAROL, CAROL)), [BOB]),
        (sent_to((BOB, BOB), (BOB, CAROL)), [BOB]),  # no recipient would be left
    ],
)
def test_an_exclusion_that_is_ambiguous_is_an_error(envelope: Sent, excluded: list[str]) -> None:
    with pytest.raises(AmbiguousError):
        kept(incident_to(BOB, CAROL), envelope, excluded)


# -- fields -----------------------------------------------------------------------------------------------------------

TOKEN = "5f" * 16
WITHOUT = Change(["without-attachments"], original="00", sent="11", token=TOKEN)
FOR_SOME = Change([EXCLUDE], original="00", sent="00", token=TOKEN)
SIGNED = Change([], original="", sent="", token=TOKEN)


def test_every_change_except_one_of_recipients_alters_the_content() -> None:
    assert not is_altered(FOR_SOME)
    assert not is_altered(SIGNED)
    assert is_altered(WITHOUT)
    assert is_altered(Change([EXCLUDE, "encrypted"], "", "", TOKEN))


def fields_of(content: bytes) -> list[tuple[str, str]]:
    header = content.partition(b"\r\n\r\n")[0].decode()
    return [(name, value) for name, _, value in (line.partition(": ") for line in header.split("\r\n"))]


def test_a_changed_message_has_crlf_and_the_fields_that_hold_and_identify_it() -> None:
    incident = incident_to(BOB)
    content = marked(b"Subject: a\r\n\nbody\r\n", incident, WITHOUT, is_signed=False)
    assert content.count(b"\n") == content.count(b"\r\n") == 5
    first, second, *rest = fields_of(content)
    assert first == ("X-Holdgate-Incident", incident.id)
    assert re.fullmatch(rf"{TOKEN}-[0-9a-f]{{8}}", second[1])
    assert rest == [("Subject", "a")]
    assert fields_of(marked(b"\nx\n", incident, WITHOUT, is_signed=False))[1] != second, (
        "each submission has its own mark"
    )


def test_the_content_for_some_recipients_is_kept_byte_for_byte_and_names_its_incident_once() -> None:
    incident = incident_to(BOB)
    held = f"X-Holdgate-Incident: {incident.id}\nSubject: a\n\na\r\nb\n".encode()
    content = marked(held, incident, FOR_SOME, is_signed=False)
    assert [name for name, _ in fields_of(content)] == ["X-Holdgate-Changed", "X-Holdgate-Incident", "Subject"]
    assert content.endswith(b"\r\n\r\na\r\r\nb\r\n"), "the carriage return was a part of the line"
    other = marked(held.replace(incident.id.encode(), b"AAAA-AAAA-AAAA"), incident, FOR_SOME, is_signed=False)
    assert fields_of(other)[0] == ("X-Holdgate-Incident", incident.id)


def test_an_encrypted_message_names_its_transport() -> None:
    change = Change(["encrypted"], "", "", TOKEN, transport="smtp:[gw.corp.example]")
    assert ("X-Holdgate-Route", "smtp:[gw.corp.example]") in fields_of(
        marked(b"\nx\n", incident_to(BOB), change, is_signed=False)
    )
    assert "X-Holdgate-Route" not in dict(fields_of(marked(b"\nx\n", incident_to(BOB), WITHOUT, is_signed=False)))


# -- reports (RFC 3461) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notify", "original", "words"),
    [
        (0, "", []),
        (1, "", ["NOTIFY=NEVER"]),
        (2 | 4, "", ["NOTIFY=SUCCESS,FAILURE"]),
        (
            2 | 4 | 8,
            "rfc822;bob+x@partner.example",
            ["NOTIFY=SUCCESS,FAILURE,DELAY", "ORCPT=rfc822;bob+2Bx@partner.example"],
        ),
        (0, "rfc822;a=b c@x", ["ORCPT=rfc822;a+3Db+20c@x"]),
        (0, "rfc822;", []),
        (0, "utf-8;zoë@partner.example", []),
    ],
)
def test_each_recipient_keeps_the_dsn_options_of_the_client(notify: int, original: str, words: list[str]) -> None:
    assert dsn_wishes(Addressee(BOB, notify, original)) == words


@pytest.mark.parametrize(
    ("returned", "envelope_id", "options"),
    [
        (0, "", []),
        (1, "e", ["RET=FULL", "ENVID=e"]),
        (2, "a b+c", ["RET=HDRS", "ENVID=a+20b+2Bc"]),
        (3, "\x7f", ["ENVID=+7F"]),
        (0, "zoë", []),
    ],
)
def test_the_message_keeps_the_dsn_options_of_the_client(returned: int, envelope_id: str, options: list[str]) -> None:
    assert dsn_options(Sent(returned=returned, envelope_id=envelope_id)) == options


@pytest.mark.parametrize(
    ("is_8bit", "is_utf8", "options"),
    [(False, False, []), (True, False, ["BODY=8BITMIME"]), (False, True, ["SMTPUTF8"])],
)
def test_unaltered_content_is_submitted_with_its_original_options(
    is_8bit: bool, is_utf8: bool, options: list[str]
) -> None:
    envelope = Sent(returned=1, is_8bit=is_8bit, is_utf8=is_utf8)
    assert content_options(envelope) == options
    assert mail_options(envelope, FOR_SOME) == ["RET=FULL", *options]
    assert mail_options(envelope, WITHOUT) == ["RET=FULL"], "its content is another"
