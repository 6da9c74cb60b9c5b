"""The TLS by which nodes talk to each other: each proves itself by a certificate of the site's own authority.

Both sides do (RFC 8446, 4.3.2), and nothing below TLS 1.3 is spoken. A certificate names its node as a DNS name (RFC
5280, 4.2.1.6), which has to be the name of the node that was asked, letter by letter. The files are read for each
connection, so that a renewed certificate counts at once.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdgate.config import Settings


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """The files (PEM) by which this node proves itself, and knows the others.

    Its methods raise OSError, of which ssl.SSLError is one, for files that cannot be used.
    """

    authority: Path
    certificate: Path
    private_key: Path

    @classmethod
    def of(cls, settings: Settings) -> "NodeCertificate | None":
        """Return the files that the settings name, None where there are none."""
        node = settings.node
        if node.authority is None or node.certificate is None or node.private_key is None:
            return None
        return cls(node.authority, node.certificate, node.private_key)

    def server(self) -> ssl.SSLContext:
        """Return the context of the side that is asked."""
        context = self._context(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0  # each connection proves itself again
        return context

    def client(self) -> ssl.SSLContext:
        """Return the context of the side that asks, which has to compare the name itself (`names_of`)."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    def _context(self, protocol: ssl._SSLMethod) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cafile=self.authority)
        # Of an encrypted key OpenSSL would ask the terminal for the password.
        context.load_cert_chain(self.certificate, self.private_key, password="")
        return context


def names_of(connection: ssl.SSLSocket) -> list[str]:
    """Return the names in the certificate of the peer, after the handshake."""
    found: Any = (connection.getpeercert() or {}).get("subjectAltName", ())
    return [str(name) for kind, name in found if kind == "DNS"]
