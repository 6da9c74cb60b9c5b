"""Verifies the S/MIME signature of a reply (RFC 8551) with openssl(1), in a separate process with limited resources.

Only signed content is read afterwards, and only mail certificates of the named authorities count. The `cryptography`
package signs S/MIME but does not verify it, so openssl's own command is used.
"""

import re
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from holdgate.desk.reply import Header

_SECONDS = 10
_MEMORY = 1 << 29
_SIZE = 2 << 20
_SIGNED = ("multipart/signed", "application/pkcs7-mime", "application/x-pkcs7-mime")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verified:
    """A mail with a valid signature: its header with the signed content as body, and the signer's addresses."""

    content: bytes
    signers: tuple[str, ...]


def verify(content: bytes, authorities: Path) -> Verified | None:
    """Return what a valid signature covers, None for a mail without one. Raises OSError if openssl(1) cannot run."""
    if len(content) > _SIZE or Header.of(content).message.get_content_type() not in _SIGNED:
        return None
    with tempfile.TemporaryDirectory(prefix="holdgate-smime-") as name:
        folder = Path(name)
        mail, body, certificate = folder / "mail", folder / "body", folder / "certificate"
        mail.write_bytes(content)
        command = ["cms", "-verify", "-inform", "SMIME", "-in", mail, "-CAfile", authorities, "-no-CApath"]
        command += ["-no-CAstore", "-purpose", "smimesign", "-signer", certificate, "-out", body]
        if _openssl(*map(str, command)) is None or not certificate.exists():
            return None
        # With several signers, it is unknown who wrote the text.
        if len(_CERTIFICATE.findall(certificate.read_bytes())) != 1:
            return None
        output = _openssl("x509", "-in", str(certificate), "-noout", "-email")
        signers = tuple(line.strip().lower() for line in (output or b"").decode("ascii", "replace").splitlines())
        signed = body.read_bytes()
    header = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]
    kept = b"\r\n".join(line for line in _unfolded(header) if not re.match(rb"(?i)content-|mime-version", line))
    # The signed part has its own header fields, which describe its body.
    return Verified(kept + b"\r\nMIME-Version: 1.0\r\n" + signed.lstrip(b"\r\n"), signers) if signers else None


def _unfolded(header: bytes) -> list[bytes]:
    return re.sub(rb"\r?\n[ \t]+", b" ", header).replace(b"\r\n", b"\n").split(b"\n")


def _openssl(*arguments: str) -> bytes | None:
    """Return the output of openssl(1), None if it fails or takes too long."""
    try:
        done = subprocess.run(
            ["openssl", *arguments], capture_output=True, timeout=_SECONDS, check=False, preexec_fn=_bound
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * _SIZE, 4 * _SIZE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
