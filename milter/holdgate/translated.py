"""Texts of the settings that people read, in one language or in several."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from holdgate.mistakes import written

_CODE = re.compile(r"[a-z]{2,8}")
# The key of a text that is for all languages.
_ANY = ""
_LONGEST = 200
_FORM = 'write a text, or one for each language, as in { en = "Contract", de = "Vertrag" }'


def parse(value: object) -> dict[str, str]:
    """Return the texts by their language code; a single text is for all languages. Raises ValueError."""
    texts = {_ANY: value} if isinstance(value, str) else value
    if not isinstance(texts, dict) or (not texts and value != {}):
        raise ValueError(f"{written(value)} is no text; {_FORM}")
    for language, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{written(text)} is no text; {_FORM}")
        if language != _ANY and not _CODE.fullmatch(language):
            raise ValueError(f'{written(language)} is no language; write its code, as in "en"')
    return {language: text for language, text in texts.items() if text}


def parse_short(value: object) -> dict[str, str]:
    """Return the texts as `parse` does. Raises ValueError, also without a text, or if one has over 200 characters."""
    texts = parse(value)
    if not texts:
        raise ValueError(f"{written(value)} has no text; {_FORM}")
    for text in texts.values():
        if len(text) > _LONGEST:
            raise ValueError(f"{written(text)} has {len(text)} characters; write at most {_LONGEST}")
    return texts


def text_in(texts: dict[str, str], language: str) -> str:
    """Return the text in a language; without one, the English one, or else the first one. "" if there is no text."""
    found = texts.get(language) or texts.get(_ANY) or texts.get("en")
    return found or next(iter(texts.values()), "")


def _plain(texts: dict[str, str]) -> str | dict[str, str]:
    return texts.get(_ANY, "") if texts.keys() <= {_ANY} else texts


# As in the settings: a string, or a table from language codes to strings.
Translated = Annotated[dict[str, str], BeforeValidator(parse), PlainSerializer(_plain)]
ShortTranslated = Annotated[dict[str, str], BeforeValidator(parse_short), PlainSerializer(_plain)]
