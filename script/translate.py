"""Collects the texts of mail and pages into gettext catalogues, with Babel. Called by script/translate."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from holdgate.desk.language import moments, names, why
from holdgate.desk.language.catalogue import LOCALE

_DESK = LOCALE.parent.parent
_KEYWORDS: dict[str, Any] = {"t": None, "tn": (1, 2), "text": None, "count": (1, 2), "mark": None, "N_": (1, 2)}


def _words(table: dict[str, Any]) -> Iterator[str]:
    for word in table.values():
        if isinstance(word, dict):
            yield from _words(word)
        else:
            yield word


def collect() -> Catalog:
    """Return a catalogue of all texts, without translations."""
    found = Catalog(project="Holdgate", charset="utf-8", header_comment="# Texts of Holdgate's mail and pages.")
    for word in _words(tomllib.loads((_DESK / "templates" / "words.toml").read_text("utf-8"))):
        found.add(word, locations=[("templates/words.toml", 1)])
    lists = (*moments.WEEKDAYS, *moments.MONTHS, *(text for _, text in why.REASONS), *names.COUNTRIES.values())
    for word in dict.fromkeys(lists):
        found.add(word, locations=[("language", 1)])
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract"), ("**.txt", "jinja2.ext:babel_extract")]
    for path, line, message, _comments, _context in extract_from_dir(_DESK, methods, keywords=_KEYWORDS):
        if message and message != ("", ""):
            found.add(message, locations=[(path, line)])
    return found


def bring_up_to_date(path: Path, found: Catalog) -> int:
    """Merge the texts into a catalogue; return how many have no translation."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    catalogue.update(found, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalogue, no_location=True, sort_output=True, width=120, ignore_obsolete=True)
    return sum(1 for message in catalogue if message.id and not all(_forms(message.string)))


def _forms(string: Any) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (string,)


def main() -> None:
    """Update all catalogues, and print the missing texts."""
    assert babel_extract is not None
    found = collect()
    for language in sys.argv[1:]:
        with (LOCALE / f"{language}.po").open("xb") as file:
            write_po(file, Catalog(locale=language, project="Holdgate", charset="utf-8"))
    missing = {path.stem: bring_up_to_date(path, found) for path in sorted(LOCALE.glob("*.po"))}
    for language, count in missing.items():
        print(f"{language}: {'complete' if not count else f'{count} texts without a translation'}")


if __name__ == "__main__":
    main()
