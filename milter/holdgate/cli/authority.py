"""The site's certificate authority: a directory with its key, which signs the certificates of nodes.

Certificates follow RFC 5280, with ECDSA on P-256. `queue.mutual` states what is checked in them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdgate.atomic import replace_file
from holdgate.configfile import ConfigError

_LIFETIME = timedelta(days=3650)
# A node whose clock is slow accepts a new certificate too.
_BEFORE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority, with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def open(cls, directory: Path, now: datetime) -> "Authority":
        """Read the authority of a directory; creates it if it does not exist. Raises OSError and ConfigError."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = directory / "authority.key", directory / "authority.crt"
        if not any(file.exists() for file in files):
            made = cls._make(now)
            replace_file(files[0], _pem(made.key), mode=0o600)
            replace_file(files[1], made.certificate.public_bytes(Encoding.PEM), mode=0o644)
            return made
        try:
            key = load_pem_private_key(files[0].read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate(files[1].read_bytes())
        except (ValueError, TypeError) as error:
            raise ConfigError([f"{directory}: its authority cannot be read; use another --directory"]) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ConfigError([f"{files[0]}: not the key of {files[1].name}; use another --directory"])
        if certificate.not_valid_after_utc <= now:
            raise ConfigError([f"{files[1]}: expired; make a new authority with another --directory"])
        return cls(certificate, key)

    @classmethod
    def _make(cls, now: datetime) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Holdgate nodes")])
        identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            _builder(name, name, key, now, _LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identity, critical=False)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    def issue(self, node: str, now: datetime, lifetime: timedelta) -> tuple[bytes, bytes]:
        """Return certificate and private key (PEM) of a node."""
        key = ec.generate_private_key(ec.SECP256R1())
        # The subject is for people, and its length is limited (RFC 5280, appendix A.1); the DNS name is what is
        # checked.
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node[:64])])
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            _builder(self.certificate.subject, subject, key, now, lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(purposes, critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(node)]), critical=False)
            .add_extension(issuer, critical=False)
            .add_extension(identity, critical=False)
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM), _pem(key)

    def write(self, folder: Path, node: str, now: datetime, lifetime: timedelta) -> None:
        """Write the three files of a node into a folder that only its owner can read. Raises OSError."""
        certificate, key = self.issue(node, now, lifetime)
        folder.mkdir(mode=0o700, exist_ok=True)
        replace_file(folder / "authority.crt", self.certificate.public_bytes(Encoding.PEM), mode=0o644)
        replace_file(folder / "node.key", key, mode=0o600)
        replace_file(folder / "node.crt", certificate, mode=0o644)


@dataclass(frozen=True, slots=True)
class Found:
    """The contents of a node's files: its certificate's names and expiry, and what is wrong with them."""

    names: list[str]
    ends_at: datetime
    problem: str = ""


def look(authority: Path, certificate: Path, private_key: Path) -> Found:
    """Return the contents of a node's files. Raises OSError, and ValueError for a file that is not PEM of its kind."""
    own = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    issuers = x509.load_pem_x509_certificates(authority.read_bytes())
    key = load_pem_private_key(private_key.read_bytes(), password=None)
    try:
        extension = own.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    problem = ""
    if key.public_key() != own.public_key():
        problem = "is not the certificate of private_key"
    elif not any(_issued(own, issuer) for issuer in issuers):
        problem = "is not signed by authority"
    return Found(names, own.not_valid_after_utc, problem)


def _issued(own: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        own.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(key.public_key())
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + lifetime)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
