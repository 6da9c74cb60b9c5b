"""S/MIME signatures, verified with certificates made here."""

import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from holdgate.desk import incoming, smime, tokens
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS = "boss@corp.example"


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60).stdout


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority with a certificate for the moderator, and one for Carla."""
    folder = tmp_path_factory.mktemp("smime")
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=Test authority",
    )  # fmt: skip
    for name in ("boss", "carla"):
        (folder / "extensions").write_text(
            f"subjectAltName=email:{name}@corp.example\nextendedKeyUsage=emailProtection\n"
        )
        openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / f"{name}.key", "-out", folder / "request", "-subj", f"/CN={name}",
        )  # fmt: skip
        openssl(
            "x509", "-req", "-in", folder / "request", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", folder / "extensions", "-out", folder / f"{name}.pem",
        )  # fmt: skip
    return folder


def signed(authority: Path, text: str, name: str = "boss", *, opaque: bool = False) -> bytes:
    body = EmailMessage()
    body.set_content(text)
    (authority / "body").write_bytes(body.as_bytes().replace(b"MIME-Version: 1.0\n", b""))
    ways = ["-nodetach"] if opaque else []
    content = openssl(
        "cms", "-sign", "-in", authority / "body", "-signer", authority / f"{name}.pem", "-inkey",
        authority / f"{name}.key", *ways,
    )  # fmt: skip
    return b"From: " + BOSS.encode() + b"\nSubject: Re: x\n" + content


@pytest.mark.parametrize("opaque", [False, True])
def test_a_signature_names_its_signer_and_what_it_covers(authority: Path, opaque: bool) -> None:
    verified = smime.verify(signed(authority, "approve", opaque=opaque), authority / "ca.pem")
    assert verified is not None
    assert verified.signers == (BOSS,)
    assert b"approve" in verified.content
    assert b"Subject: Re: x" in verified.content


def test_changed_content_or_an_unknown_signer_is_not_verified(authority: Path, tmp_path: Path) -> None:
    content = signed(authority, "reject: wrong customer")
    assert smime.verify(content.replace(b"reject: wrong", b"approve: good"), authority / "ca.pem") is None
    assert smime.verify(b"From: x\n\napprove", authority / "ca.pem") is None
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-keyout", tmp_path / "other.key", "-out", tmp_path / "other.pem", "-subj", "/CN=Other authority",
    )  # fmt: skip
    assert smime.verify(content, tmp_path / "other.pem") is None


def test_a_signed_reply_decides_only_on_the_request_that_it_quotes(
    authority: Path, make_desk: MakeDesk, hold: Hold
) -> None:
    desk = make_desk(replies={"proof": ["smime"], "authorities": str(authority / "ca.pem")})
    incident = hold(desk)
    (request,) = desk.store.requests.of(incident.id)
    token = desk.key.token(tokens.REPLY, incident.id, request.number, request.moderator, request.deadline_at)
    to = [f"holdgate+{token}@reply.corp.example"]
    quoted = f"approve\n\n> Incident {incident.id}\n"
    # A signed text that names no request, a signature of another person, and no signature.
    assert incoming.process(desk, signed(authority, "approve"), BOSS, to) == "unproven"
    assert incoming.process(desk, signed(authority, quoted, "carla"), BOSS, to) == "unproven"
    assert incoming.process(desk, b"From: " + BOSS.encode() + b"\n\n" + quoted.encode(), BOSS, to) == "unproven"
    assert desk.store.incident(incident.id).state is State.HELD
    assert incoming.process(desk, signed(authority, quoted), BOSS, to) == "approve"
