"""Translations of what mail and pages say: one gettext catalogue for each language, with English in the code.

Translators work on `locale/LANGUAGE.po`; `script/translate` collects new texts there. The package has compiled
catalogues (`.mo`); in a checkout, where there are none, the `.po` files are compiled in memory. Texts have fields in
braces.
"""

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Any

LOCALE = Path(__file__).with_name("locale")
SOURCE = "en"
PSEUDO = "qps"
"""A language for tests alone: every translated text is marked, so that one that no catalogue can reach is seen."""


def languages() -> list[str]:
    """Return the languages that there is a catalogue for, and English."""
    return sorted({SOURCE, *(path.stem for path in LOCALE.glob("*.[pm]o"))})


class Catalogue:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._translations = _load(language)

    def text(self, message: str) -> str:
        """Return a text; without a translation the English one."""
        if self.language == PSEUDO:
            return marked(message)
        return self._translations.gettext(message) if message else ""

    def count(self, one: str, many: str, number: int) -> str:
        """Return the form of a text for a number: by the rules of the language (GNU gettext, Plural-Forms)."""
        if self.language == PSEUDO:
            return marked(one if number == 1 else many)
        return self._translations.ngettext(one, many, number)


def mark(message: str) -> str:
    """Mark a text for the catalogues that is looked up elsewhere; it is returned unchanged."""
    return message


def marked(message: str) -> str:
    """Return a text of the language for tests."""
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
    """Return a `.po` file as a `.mo` file has it. Needs Babel, which a checkout has and a package does not."""
    from babel.messages import mofile, pofile

    with source.open("rb") as file:
        catalogue: Any = pofile.read_po(file, locale=source.stem)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue)
    return compiled.getvalue()
