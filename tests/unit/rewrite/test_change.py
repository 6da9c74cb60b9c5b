"""Removing attachments: other parts are unchanged, and an ambiguous message is refused."""

from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import Limits
from holdgate.rewrite.change import Changed, change
from holdgate.rewrite.entity import Entity, RefusedError

NOTE = "{name} was removed"


def letter() -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP.clone(linesep="\n"))
    message["From"], message["Subject"] = "anna@corp.example", "Report"
    message.set_content("Hello\n")
    message.add_alternative("<p>Hello</p>\n", subtype="html")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="Übersicht.pdf")
    message.add_attachment("a,b\n", subtype="csv", filename="t.csv")
    return message


def leaves(message: Message) -> list[Any]:
    return [part for part in message.walk() if not part.is_multipart()]


def without(content: bytes, *wanted: str) -> Changed:
    return change(content, Limits(), without=wanted, note=NOTE, mask=str)


def test_no_byte_changes_if_nothing_is_chosen() -> None:
    content = letter().as_bytes()
    done = without(content)
    assert done.content == content
    assert [(one.number, one.name, one.size) for one in done.attachments] == [(1, "Übersicht.pdf", 8), (2, "t.csv", 4)]


@pytest.mark.parametrize("wanted", ["2", "T.CSV", "t.csv"])
def test_an_attachment_is_chosen_by_number_or_name(wanted: str) -> None:
    done = without(letter().as_bytes(), wanted)
    assert done.removed == [2]
    message = message_from_bytes(done.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    _, _, kept, note = leaves(message)
    assert kept.get_filename() == "Übersicht.pdf"
    assert (note.get_content(), note.get_content_disposition()) == ("t.csv was removed", "inline")
    assert b"a,b" not in done.content


def test_removing_all_attachments_keeps_the_texts() -> None:
    done = without(letter().as_bytes(), "*")
    message = message_from_bytes(done.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    kinds = [part.get_content_type() for part in leaves(message)]
    assert kinds == ["text/plain", "text/html", "text/plain", "text/plain"]
    assert message.get_body(("html",)) is not None


def test_a_message_that_is_only_an_attachment_is_replaced_by_the_note() -> None:
    content = b"Subject: x\nContent-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: base64\n\nJVBERg==\n"
    message = message_from_bytes(without(content, "*").content, policy=policy.default)
    assert (message["Subject"], message.get_content()) == ("x", "x.pdf was removed")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        without(letter().as_bytes(), "other.pdf")
    assert (refused.value.part, refused.value.why) == ("other.pdf", "no such attachment")


def test_an_encrypted_part_or_an_attached_message_is_one_attachment() -> None:
    message = letter()
    message.add_attachment(letter())
    done = without(message.as_bytes(), "message/rfc822")
    assert done.removed == [3]
    encrypted = (
        b"MIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nVersion: 1\n--b\n\nx\n--b--\n"
    )
    assert [one.kind for one in without(encrypted).attachments] == ["multipart/encrypted"]


@pytest.mark.parametrize(
    ("protocol", "kind"), [("application/pkcs7-signature", "S/MIME"), ("application/pgp-signature", "OpenPGP")]
)
def test_a_signature_that_becomes_invalid_is_removed_with_its_container(protocol: str, kind: str) -> None:
    inner = letter().as_bytes().partition(b"Subject: Report\n")[2]
    content = (
        f"From: a@corp.example\nMIME-Version: 1.0\nDKIM-Signature: v=1; b=AA==\nARC-Seal: i=1\n"
        f'Content-Type: multipart/signed; protocol="{protocol}"; boundary=outer\n\n--outer\n'
    ).encode()
    signature = f"\n--outer\nContent-Type: {protocol}; name=signature\n\nAAAA\n--outer--\n".encode()
    content += inner + signature
    assert without(content).content == content
    done = without(content, "1")
    message = message_from_bytes(done.content, policy=policy.default)
    assert done.signatures == ["DKIM", kind]
    assert message.get_content_type() == "multipart/mixed"
    assert not {"DKIM-Signature", "ARC-Seal"} & set(message)
    assert b"AAAA" not in done.content


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed; boundary=a\nContent-Type: text/plain\n\n--a\n\nx\n--a--\n",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/csv; name=x.csv\n\nx\n",
        b"Content-Type: text/csv; name=x.csv\nContent-Transfer-Encoding: base64\n\nAAAA=AAA\n",
    ],
)
def test_a_message_with_two_meanings_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        without(content, "*")
    assert refused.value.why == "ambiguous"


@given(st.binary(max_size=300), st.sampled_from([b"", b"\n", b"text"]))
def test_any_bytes_are_refused_or_kept_unchanged(content: bytes, end: bytes) -> None:
    data = b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" + content + b"\n--a--" + end
    try:
        assert without(data).content == data
    except RefusedError:
        return


def test_names_and_types_of_attachments_are_masked() -> None:
    """The sender writes both. Without a name, the type is shown."""
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\ntext\n"
        b"--b\nContent-Type: application/secret\nContent-Disposition: attachment\n\nx\n"
        b'--b\nContent-Type: application/x-secret\nContent-Disposition: attachment; filename="secret.bin"\n\nx\n--b--\n'
    )
    done = change(content, Limits(), without=["1"], note=NOTE, mask=lambda text: text.replace("secret", "******"))
    assert [(one.name, one.kind) for one in done.attachments] == [
        ("application/******", "application/******"),
        ("******.bin", "application/x-******"),
    ]
    assert b"application/secret" not in done.content


def test_a_part_that_cannot_be_decoded_is_refused() -> None:
    assert Entity(b"", [], b"\n", b"YQ==\n", encoding="base64").decoded() == b"a"
    with pytest.raises(RefusedError, match="ambiguous"):
        Entity(b"", [], b"\n", b"YWFhY\n", encoding="base64").decoded()
