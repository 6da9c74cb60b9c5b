"""Sources for learning: mbox, Maildir, single messages, and Postfix's log in both time formats."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdgate.relations.sources import SourceError, read

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MAIL = (
    b"From: Anna <anna@corp.example>\r\nTo: Bob <bob@partner.example>,\r\n carol@partner.example\r\n"
    b"Subject: =?utf-8?q?Angebot_f=C3=BCr_Sie?=\r\nDate: Mon, 16 Nov 2026 10:00:00 +0100\r\n\r\nText\r\n"
)
LOG = """\
Nov 16 09:00:00 mx postfix/smtpd[10]: 4ABCDEF012: client=pc[192.0.2.7]
Nov 16 09:00:00 mx postfix/qmgr[11]: 4ABCDEF012: from=<anna@corp.example>, size=700, nrcpt=3 (queue active)
Nov 16 09:00:01 mx postfix/smtp[12]: 4ABCDEF012: to=<bob@partner.example>, relay=mx.partner.example[192.0.2.1]:25, \
delay=1, status=sent (250 ok)
Nov 16 09:00:01 mx postfix/smtp[12]: 4ABCDEF012: to=<b2@partner.example>, orig_to=<list@corp.example>, relay=x, \
status=bounced (550)
Nov 16 09:00:01 mx postfix/local[12]: 4ABCDEF012: to=<carl@corp.example>, relay=local, status=sent (delivered)
Nov 16 09:00:02 mx postfix/qmgr[11]: 4ABCDEF012: removed
2026-11-17T08:00:00.5+01:00 mx postfix-out/qmgr[11]: 4ZZZZZZ012: from=<>, size=700, nrcpt=1 (queue active)
2026-11-17T08:00:00.5+01:00 mx postfix-out/smtp[11]: 4ZZZZZZ012: to=<eve@client.example>, status=sent (250)
2026-11-17T08:00:00.5+01:00 mx postfix-out/qmgr[11]: 4YYYYYY012: from=<anna@corp.example>, size=7, nrcpt=1
2026-11-17T08:00:00.5+01:00 mx postfix-out/smtp[11]: 4YYYYYY012: to=<eve@client.example>, status=sent (250)
"""


def found(path: Path) -> list[tuple[str, list[str], str, str]]:
    return [(one.sender, one.recipients, one.subject, at.isoformat()) for one, at in read(path, NOW)]


ONE = (
    "anna@corp.example",
    ["bob@partner.example", "carol@partner.example"],
    "Angebot für Sie",
    "2026-11-16T09:00:00+00:00",
)


def test_a_single_message_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    assert found(tmp_path / "a.eml") == [ONE]


def test_an_mbox_is_read(tmp_path: Path) -> None:
    one = b"From anna Mon Nov 16 10:00:00 2026\n" + MAIL.replace(b"\r\n", b"\n") + b"\n"
    (tmp_path / "sent").write_bytes(one * 2)
    assert found(tmp_path / "sent") == [ONE, ONE]


def test_a_maildir_in_a_folder_is_read(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "anna" / ".Sent" / name).mkdir(parents=True)
        (tmp_path / "anna" / ".Sent" / name / "1.x").write_bytes(MAIL)
    assert found(tmp_path) == [ONE, ONE]


@pytest.mark.parametrize("name", ["mail.log", "mail.log.1.gz"])
def test_a_postfix_log_is_read(tmp_path: Path, name: str) -> None:
    content = LOG.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert found(tmp_path / name) == [
        ("anna@corp.example", ["bob@partner.example"], "", "2026-11-16T09:00:01+00:00"),
        ("anna@corp.example", ["eve@client.example"], "", "2026-11-17T07:00:00.500000+00:00"),
    ]


@pytest.mark.parametrize("field", [b"From", b"To", b"Date"])
def test_a_message_without_a_required_field_is_ignored(tmp_path: Path, field: bytes) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL.replace(field + b":", b"X-" + field + b":"))
    assert found(tmp_path / "a.eml") == []


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere: cannot be read: No such file"):
        found(tmp_path / "nowhere")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_file_can_be_read_without_an_exception(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "any").write_bytes(content)
    found(tmp_path / "any")
