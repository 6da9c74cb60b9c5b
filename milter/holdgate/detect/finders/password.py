"""Passwords that are given behind their name: "password: …", "das Passwort lautet …", PASSWORD=…."""

import re
from collections.abc import Iterator

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_NAMED = re.compile(
    r"(?:pass(?:word|wd|phrase|code|wort)|pwd|kennwort|mot de passe|mdp|contrase[ñn]a|clave|senha|wachtwoord|l[öo]senord"
    r"|adgangskode|salasana|has[łl]o|heslo|jelsz[óo]|parola|şifre|пароль|密码|パスワード|비밀번호)"
    r"(?:\w{0,2}[\"'\])]?\s{0,3})(?:(?:is|ist|lautet|est|es|är|er|on|to|:=|=>|[:=：])\s{0,3}){1,2}[\"'`]?"
    r"(?P<value>[^\s\"'`<>]{6,64})",
    re.IGNORECASE,
)
_CLASSES = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())
_TRAILING = ".,;:)!?]}"


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each value of six characters and more that mixes kinds of characters as passwords do and words do not."""
    for found in _NAMED.finditer(text.text):
        value = found["value"].rstrip(_TRAILING)
        if len(value) >= 6 and _mixed(value) and "://" not in value and not value.startswith(("$", "%", "{", "(")):
            yield Place(found.start("value"), found.start("value") + len(value), value)


def _mixed(value: str) -> bool:
    inner = value[1:-1]
    kinds = sum(any(map(kind, value)) for kind in _CLASSES)
    return kinds >= 3 or (any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and inner.isalnum())
