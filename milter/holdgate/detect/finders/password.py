"""Passwords given after their name: "password: …", "das Passwort lautet …", PASSWORD=…."""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text, behind

_NAMES: Final = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "pwd",
    "kennwort",
    "mot de passe",
    "mdp",
    "contraseña",
    "contrasena",
    "clave",
    "senha",
    "wachtwoord",
    "lösenord",
    "losenord",
    "adgangskode",
    "salasana",
    "hasło",
    "haslo",
    "heslo",
    "jelszó",
    "jelszo",
    "parola",
    "şifre",
    "пароль",
    "密码",
    "パスワード",
    "비밀번호",
)
_BEHIND: Final = re.compile(
    r"\w{0,2}[\"'\])]?\s{0,3}(?:(?:is|ist|lautet|est|es|är|er|on|to|:=|=>|[:=：])\s{0,3}){1,2}[\"'`]?"
    r"(?P<value>[^\s\"'`<>]{6,64})",
    re.IGNORECASE,
)
# Beginnings of placeholders, and of a value that SOPS has encrypted.
_VARIABLES: Final = ("$", "%", "{", "(", "ENC[")
_TRAILING: Final = ".,;:)?]}"


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each value of at least six characters that mixes kinds of characters like a password and unlike a word."""
    for found in behind(text, _NAMES, _BEHIND):
        value = found["value"].rstrip(_TRAILING)
        if len(value) >= 6 and _mixed(value) and "://" not in value and not value.startswith(_VARIABLES):
            yield Place(found.start("value"), found.start("value") + len(value), value)


def _mixed(value: str) -> bool:
    """Whether letters and digits are mixed, and not as in an identifier of source code."""
    code = "(" in value or "->" in value or "::" in value or value.count("_") > 1
    return not code and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
