"""A mail program decodes a header field to the text that was written into it."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdgate.desk.folding import SMTP

_WORDS = ["Müller", "Übersicht", "für", "März", "x", "2026", "(Entwurf)", "Договор", "רשימת", "שכר", "請求書", "😀"]
_ENCODED = re.compile(r"=\?utf-8\?[bq]\?[^? \t\r\n]*\?=")


def field(name: str, value: str, **options: Any) -> str:
    """Return a field as it is sent, with CRLF."""
    message = EmailMessage(policy=SMTP.clone(**options))
    message[name] = value
    return bytes(message).decode("utf-8" if options.get("utf8") else "ascii").removesuffix("\r\n\r\n") + "\r\n"


@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=40).map(" ".join))
@example("Potrzebne zatwierdzenie: עברית: רשימת שכר 2026 (טיוטה) ID 4711")  # the space between the two words was lost
@example("é" * 300)
@example("Abo actualités digitales 20 semaines d’abonnement à 24 heures, Bilan, Tribune de Genève et tous les titres")
def test_an_encoded_subject_decodes_to_the_original(subject: str) -> None:
    sent = field("Subject", subject)
    assert str(make_header(decode_header(sent.removeprefix("Subject: ").rstrip("\r\n")))) == subject
    assert max(map(len, sent.split("\r\n"))) <= 78
    # An encoded-word has at most 75 characters, and white space on both sides (RFC 2047, sections 2 and 5).
    for word in re.findall(r"\S*=\?\S*", sent.removeprefix("Subject: ")):
        assert _ENCODED.fullmatch(word)
        assert len(word) <= 75
    parsed = message_from_bytes(sent.encode() + b"\r\n", policy=policy.compat32)
    assert str(make_header(decode_header(parsed["Subject"]))).replace("\r\n", "") == subject


@pytest.mark.parametrize(
    "name",
    ["Körber & Söhne Großhandel für Büromöbel, Österreich", "Approvals, Corp", "Соглашение Ромашка", "", 'A "B" Ö'],
)
def test_an_encoded_name_decodes_to_the_original(name: str) -> None:
    quoted = name.replace('"', '\\"')
    value = f'"{quoted}" <holdgate@corp.example>' if name else "holdgate@corp.example"
    sent = field("From", value)
    assert addresses(sent) == [(name, "holdgate@corp.example")]
    assert "?==?" not in sent
    two = addresses(field("To", f"{value}, Öz <b@partner.example>"))
    assert two == [(name, "holdgate@corp.example"), ("Öz", "b@partner.example")]


def addresses(sent: str) -> list[tuple[str, str]]:
    """Return the names and addresses of a field. `policy.default` would add spaces (python/cpython issue 128110)."""
    found = getaddresses([sent.partition(": ")[2].replace("\r\n", "")])
    return [(str(make_header(decode_header(name))), address) for name, address in found]


def test_a_value_that_needs_no_encoding_stays_unchanged() -> None:
    assert field("Subject", "Figures") == "Subject: Figures\r\n"
    assert field("Subject", "Zahlen für März", utf8=True) == "Subject: Zahlen für März\r\n"
    assert field("To", "Öz <jörg@partner.example>", utf8=True) == "To: Öz <jörg@partner.example>\r\n"
    # A line that is too long is folded as before.
    assert field("Subject", "Figures " * 20).count("\r\n ") == 2
