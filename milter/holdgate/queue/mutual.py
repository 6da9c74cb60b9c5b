"""The TLS between nodes: each proves its identity by a certificate of the site's own authority.

Both sides authenticate (RFC 8446, 4.3.2), with TLS 1.3 or later. A certificate names its node as a DNS name (RFC 5280,
4.2.1.6), which must be exactly the name of the requested node. The files are read for each connection, so that a
renewed certificate is used at once. Both sides also refuse a certificate that the store lists as revoked.

A certificate is known by its public key. A digest of the whole certificate is not enough: anyone can give
it another signature that is also valid, because with ECDSA (r, n - s) is valid where (r, s) is.
"""

import hashlib
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdgate.config import Settings

CONTENT_LIMIT = 256 * 2**20
"""Maximum size in bytes of a message that one node sends to another, so that a peer cannot fill the memory."""

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """The files (PEM) by which this node proves its identity and verifies others.

    `is_revoked` returns whether a fingerprint (`fingerprints_of`) is revoked. The methods raise OSError, of which
    ssl.SSLError is a subclass, if the files cannot be used.
    """

    authority: Path
    certificate: Path
    private_key: Path
    is_revoked: Callable[[str], bool]

    @classmethod
    def of(cls, settings: Settings, is_revoked: Callable[[str], bool]) -> "NodeCertificate | None":
        """Return the files that the settings name, or None if they name none."""
        node = settings.node
        if node.authority is None or node.certificate is None or node.private_key is None:
            return None
        return cls(node.authority, node.certificate, node.private_key, is_revoked)

    def server(self) -> ssl.SSLContext:
        """Return the context of the server."""
        context = self._context(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0  # each connection authenticates again
        return context

    def client(self) -> ssl.SSLContext:
        """Return the context of the client, which must compare the name itself (`names_of`)."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    def names_of(self, connection: ssl.SSLSocket) -> list[str]:
        """Return the names in the peer's certificate, after the handshake.

        Raises SSLCertVerificationError if it is revoked, ValueError if its key cannot be found, and the errors of
        `is_revoked`.
        """
        if any(map(self.is_revoked, _fingerprints(connection.getpeercert(binary_form=True) or b""))):
            raise ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, "the certificate is revoked")
        found: Any = (connection.getpeercert() or {}).get("subjectAltName", ())
        return [str(name) for kind, name in found if kind == "DNS"]

    def _context(self, protocol: ssl._SSLMethod) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cafile=self.authority)
        # With an encrypted key, OpenSSL would prompt for a password on the terminal.
        context.load_cert_chain(self.certificate, self.private_key, password="")
        return context


def fingerprints_of(file: Path) -> tuple[str, str]:
    """Return the fingerprints of the first certificate (PEM) in a file. Raises OSError and ValueError.

    The first is the SHA-256 of its public key (SubjectPublicKeyInfo in DER, RFC 5280, 4.1), the second that of all of
    it, which Holdgate 1.1.0 recorded.
    """
    _, begin, text = file.read_text(encoding="ascii").partition(_BEGIN)
    text, end, _ = text.partition(_END)
    if not end:
        raise ValueError(f"there is no {_BEGIN} … {_END} in it")
    return _fingerprints(ssl.PEM_cert_to_DER_cert(begin + text + end))


class Announcing:
    """Announces this node's certificate in the store, again whenever the file has another one."""

    def __init__(self, settings: Settings, name: str, announce: Callable[[str, str], None]) -> None:
        self._file = settings.node.certificate
        self._name, self._announce = name, announce
        self._announced = ""

    def run_once(self) -> None:
        """Announce it if necessary. A file that cannot be read is reported by `holdgate check`."""
        with suppress(OSError, ValueError):
            found = "" if self._file is None or not self._name else fingerprints_of(self._file)[0]
            if found != self._announced:
                self._announce(found, self._name)
                self._announced = found


def _fingerprints(certificate: bytes) -> tuple[str, str]:
    try:
        fields = list(_elements(next(_elements(certificate))))
        # The version is left out if it is the first one.
        key = fields[6 if fields[0].startswith(b"\xa0") else 5]
    except (IndexError, StopIteration) as error:
        raise ValueError("not a certificate") from error
    return hashlib.sha256(key).hexdigest(), hashlib.sha256(certificate).hexdigest()


def _elements(sequence: bytes) -> Iterator[bytes]:
    """Yield the elements of a SEQUENCE in DER (X.690, 8.9), each with its header. Raises IndexError if it is cut."""
    at, end = _content(sequence, 0)
    while at < end:
        begin, (_, at) = at, _content(sequence, at)
        yield sequence[begin:at]


def _content(encoded: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the element at a place begins and ends (X.690, 8.1.3)."""
    first = encoded[at + 1]
    size = first & 0x7F if first & 0x80 else 0
    begin = at + 2 + size
    end = begin + (int.from_bytes(encoded[at + 2 : begin]) if size else first)
    if end > len(encoded):
        raise IndexError(end)
    return begin, end
