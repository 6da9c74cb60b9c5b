"""The TLS between nodes: each proves its identity by a certificate of the site's own authority.

Both sides authenticate (RFC 8446, 4.3.2), with TLS 1.3 or later. A certificate names its node as a DNS name (RFC 5280,
4.2.1.6), which must be exactly the name of the requested node. The files are read for each connection, so that a
renewed certificate is used at once.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdgate.config import Settings


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """The files (PEM) by which this node proves its identity and verifies others.

    Its methods raise OSError, of which ssl.SSLError is a subclass, if the files cannot be used.
    """

    authority: Path
    certificate: Path
    private_key: Path

    @classmethod
    def of(cls, settings: Settings) -> "NodeCertificate | None":
        """Return the files that the settings name, or None if they name none."""
        node = settings.node
        if node.authority is None or node.certificate is None or node.private_key is None:
            return None
        return cls(node.authority, node.certificate, node.private_key)

    def server(self) -> ssl.SSLContext:
        """Return the context of the server."""
        context = self._context(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0  # each connection authenticates again
        return context

    def client(self) -> ssl.SSLContext:
        """Return the context of the client, which must compare the name itself (`names_of`)."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

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


def names_of(connection: ssl.SSLSocket) -> list[str]:
    """Return the names in the peer's certificate, after the handshake."""
    found: Any = (connection.getpeercert() or {}).get("subjectAltName", ())
    return [str(name) for kind, name in found if kind == "DNS"]
