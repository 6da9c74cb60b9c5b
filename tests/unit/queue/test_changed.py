"""A message that is submitted at its release: a signature of when it was held is removed if another one follows."""

import pytest

from holdgate.quarantine.incident import Change, Incident
from holdgate.queue.changed import EXCLUDE, marked

SIGNED = b"DKIM-Signature: v=1; d=corp.example;\n\tt=1; b=OLD==\n"
TRACE = b"Received: from client.corp.example by mail.corp.example; Mon, 30 Nov 2026 01:00:00 +0000\n"
REST = b"DKIM-Signature: v=1; d=program.example; b=KEPT==\nSubject: Report\n\nReceived: yes\n"


def submitted(content: bytes, *, is_signed: bool, kinds: list[str] | None = None) -> bytes:
    """Return the submitted content after Holdgate's fields at its beginning, with LF line ends."""
    incident = Incident("4a", "anna@corp.example", ["bob@partner.example"], "p", id="ABCD-EFGH-JKMN")
    change = Change([EXCLUDE] if kinds is None else kinds, "", "", "5" * 32)
    lines = marked(content, incident, change, is_signed=is_signed).replace(b"\r\n", b"\n").splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith((b"X-Holdgate-Changed:", b"X-Holdgate-Incident:")))


@pytest.mark.parametrize("kinds", [[EXCLUDE], [EXCLUDE, "encrypt"], ["encrypt"], []])
@pytest.mark.parametrize(
    ("above", "kept"),
    [
        (SIGNED, b""),
        (SIGNED + SIGNED, b""),
        (SIGNED.replace(b"DKIM", b"dkim2"), b""),
        (
            b"X-Spam: no\n" + SIGNED + b"Authentication-Results: a;\n b\n",
            b"X-Spam: no\nAuthentication-Results: a;\n b\n",
        ),
        (b"", b""),
    ],
)
def test_a_signature_made_at_hold_is_removed_if_the_release_signs_again(
    above: bytes, kept: bytes, kinds: list[str]
) -> None:
    assert submitted(above + TRACE + REST, is_signed=True, kinds=kinds) == kept + TRACE + REST


def test_a_signature_stays_if_the_release_does_not_sign() -> None:
    assert submitted(SIGNED + TRACE + REST, is_signed=False) == SIGNED + TRACE + REST


@pytest.mark.parametrize(
    "content", [SIGNED + REST, REST, SIGNED + b"\n" + TRACE, b"\nText\n", b"", SIGNED + b"not a field\n" + TRACE + REST]
)
def test_no_signature_is_removed_without_a_trace_field(content: bytes) -> None:
    assert submitted(content, is_signed=True) == content
