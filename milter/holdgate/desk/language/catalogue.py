"""Translations of mail and pages: one gettext catalogue for each language, with English in the code.

Translators edit `locale/LANGUAGE.po`; `script/translate` adds new texts there. The package has compiled catalogues
(`.mo`).
A checkout has none, so the `.po` files are compiled in memory. Texts have fields in braces.
"""

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Any

LOCALE = Path(__file__).with_name("locale")
SOURCE = "en"
PSEUDO = "qps"
"""A language for tests only: every translated text is marked, so that a text without a catalogue entry is found."""


def languages() -> list[str]:
    """Return the languages that have a catalogue, and English."""
    return sorted({SOURCE, *(path.stem for path in LOCALE.glob("*.[pm]o"))})


class Catalogue:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._translations = _load(language)

    def text(self, message: str) -> str:
        """Return the translation of a text, or the English text if there is none."""
        if self.language == PSEUDO:
            return marked(message)
        return self._translations.gettext(message) if message else ""

    def count(self, one: str, many: str, number: int) -> str:
        """Return the form of a text for a number, by the rules of the language (GNU gettext, Plural-Forms)."""
        if self.language == PSEUDO:
            return marked(one if number == 1 else many)
        return self._translations.ngettext(one, many, number)


def mark(message: str) -> str:
    """Mark a text for the catalogues that is translated elsewhere; it is returned unchanged."""
    return message


def marked(message: str) -> str:
    """Return a text in the language for tests."""
    return f"⟦{message}⟧" if message else message


@cache
def _load(language: str) -> gettext.NullTranslations:
    compiled, source = LOCALE / f"{language}.mo", LOCALE / f"{language}.po"
    if compiled.is_file() and (not source.is_file() or compiled.stat().st_mtime >= source.stat().st_mtime):
        return gettext.GNUTranslations(io.BytesIO(compiled.read_bytes()))
    if source.is_file():
        return gettext.GNUTranslations(io.BytesIO(compile_catalogue(source)))
    return gettext.NullTranslations()


def compile_catalogue(source: Path) -> bytes:
    """Return a `.po` file in the form of a `.mo` file. Needs Babel, which a checkout has and a package has not."""
    from babel.messages import mofile, pofile

    with source.open("rb") as file:
        catalogue: Any = pofile.read_po(file, locale=source.stem)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue)
    return compiled.getvalue()
