"""Reads the files inside a text, and its blocks of base64 between BEGIN and END lines. Each reader of text calls it."""

import re

from holdgate.extract import armour, identify, inline
from holdgate.extract.readers.texts import certificate, ciphertext, der, openpgp
from holdgate.extract.reading import SIGNED_NAME, Document, Sink

# Their content is no text, whatever bytes it has by chance (RFC 7468, OpenSSL, OpenSSH, RFC 9580).
_KEY = re.compile(r"KEY|SIGNATURE|PARAMETERS")
UNREAD = (
    f"blocks of OpenPGP, age, Ansible Vault, SOPS, saltpack and JSON Web Encryption (`{ciphertext.NOT_READ}`); "
    f"large data in certificates (`{certificate.NOT_READ}`)"
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read(text: str, sink: Sink, data: bytes = b"") -> None:
    """Pass on what blocks and other files in a text contain; an encrypted one makes the part `limited`.

    `data` are the bytes of the text, if there are some. In UTF-16 and UTF-32, the decoded text is read instead.
    """
    if ciphertext.has_block(text):
        sink.limited(ciphertext.NOT_READ)
    if not data or b"\0" in data:
        data = text.encode("utf-8", "replace")
    names: list[str] = []
    for label, content, armoured in armour.blocks_in(data):
        sink.budget.check_time()
        if label == armour.PGP and not openpgp.is_readable(content):
            sink.limited(ciphertext.NOT_READ)
            continue
        name = SIGNED_NAME
        if label != armour.PGP and label not in armour.CMS:
            if _KEY.search(label):
                kind = "" if inline.is_file(content) or _is_text(content) else "binary"
            else:
                kind = identify.identify(Document(content))
                if kind == "certificate" or (kind == "binary" and der.is_element(content)):
                    names += der.texts(content)
                    if certificate.has_unknown(content):
                        sink.limited(certificate.NOT_READ)
                    kind = "binary"
            if kind == "binary":
                continue
            name = inline.ENCODED_NAME
        sink.budget.spend_entry()
        sink.budget.spend_bytes(len(content))
        sink.embedded(armoured if label == armour.PGP else content, name)
    if names:
        sink.text("\n".join(names), "certificate")
    inline.read_files(data, sink)


def _is_text(content: bytes) -> bool:
    """Return whether all bytes are text in UTF-8: those of a key are not."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return content != b"" and _CONTROL.search(content) is None
