"""Encrypted blocks in text, recognised by what the programs write that make them. Without the key nobody can read them.

Sources: Ansible Vault (User Guide, "Format of files encrypted with ansible-vault"), age (age-encryption.org/v1, "ASCII
armor"), SOPS (its README, "Encryption protocol"), saltpack (armor version 2), JSON Web Encryption (RFC 7516), XML
Encryption (W3C, 1.1).
"""

import json
import re

from holdgate.extract.fields import base64

NOT_READ = "encrypted block"

_XML_ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"
# A word that each text with such a block contains, and the block's beginning: a name alone can stand in any text.
_BLOCKS = (
    ("$ANSIBLE_VAULT;", re.compile(r"\$ANSIBLE_VAULT;\d\.\d;\w+(?:;[^\r\n]{0,100})?\s*\n[ \t]*[0-9a-f]{40}")),
    ("AGE ENCRYPTED FILE", re.compile(r"-----BEGIN AGE ENCRYPTED FILE-----\s+[A-Za-z0-9+/]{40}")),
    ("SALTPACK ENCRYPTED", re.compile(r"BEGIN (?:\w{1,40} )?SALTPACK ENCRYPTED MESSAGE\.\s+[A-Za-z0-9]{10}")),
    ("ENC[AES256_GCM,", re.compile(r"ENC\[AES256_GCM,data:[\w+/=]*,iv:[\w+/=]{20}")),
    ("CipherValue", re.compile(r"<(?:\w+:)?CipherValue[^>]{0,200}>\s*[A-Za-z0-9+/]{20}")),
)
# The five parts of the compact serialization (RFC 7516, 7.1); vectors and tags have 12 to 32 bytes.
_COMPACT = re.compile(r"(eyJ[\w-]{10,}+)\.[\w-]*+\.[\w-]{16,22}\.[\w-]++\.[\w-]{22,43}")
_MEMBERS = ('"ciphertext"', '"iv"', '"tag"')


def has_block(text: str) -> bool:
    """Return whether a text contains an encrypted block, or is one."""
    for word, block in _BLOCKS:
        if word in text and block.search(text) and (word != "CipherValue" or _XML_ENCRYPTION in text):
            return True
    begin = text[:40].lstrip()
    if begin.startswith("eyJ"):
        return (compact := _COMPACT.fullmatch(text.strip())) is not None and _names_encryption(compact[1])
    return begin.startswith("{") and all(member in text for member in _MEMBERS) and _is_general(text)


def _names_encryption(header: str) -> bool:
    try:
        members = json.loads(base64(header.replace("-", "+").replace("_", "/").encode("ascii")))
    except (ValueError, RecursionError):
        return False
    return isinstance(members, dict) and "enc" in members


def _is_general(text: str) -> bool:
    """Return whether a text is JSON with the members that RFC 7516, 7.2, requires beside each other."""
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(members, dict) and all(isinstance(members.get(one.strip('"')), str) for one in _MEMBERS)
