"""Letters in eight languages with marked names, filled from a seed: `names.toml`, and a file for each language.

Written for Holdgate (GPL-3.0-or-later). No model learns from them. Letters are separated by a line "%%". In a letter
stand <P> for a full name, <F> a first name, <S> a surname, <R> a surname, a comma and a first name, <U> the surname in
capitals before the first name, <I> an initial and a surname, <X> a name with an initial in the middle, <E> a mail
address of the name before, {…} a name and […] an organisation as they are.
"""

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_HERE: Final = Path(__file__).parent
_SLOT: Final = re.compile(r"<([PFSRUIXE])>|\{([^}]+)\}|\[([^\]]+)\]")
_FOREIGN: Final = 0.15
_TWO_SURNAMES: Final = {"es": 0.6, "pt": 0.4}
LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")


class Letter(NamedTuple):
    """A text, and the place and kind ("person" or "organisation") of each name in it."""

    text: str
    names: list[tuple[int, int, str]]


def letters(language: str, each: int, seed: int) -> Iterator[Letter]:
    """Yield each letter of a language so many times, with other names each time."""
    generator = random.Random(f"{seed} {language}")
    names = tomllib.loads((_HERE / "names.toml").read_text(encoding="utf-8"))
    templates = (_HERE / f"{language}.txt").read_text(encoding="utf-8").split("\n%%\n")
    for template in templates:
        for _ in range(each):
            yield _filled(template, language, names, generator)


def _filled(template: str, language: str, names: dict[str, dict[str, list[str]]], generator: random.Random) -> Letter:
    text, at, marked = "", 0, list[tuple[int, int, str]]()
    mailbox = "office"
    for slot in _SLOT.finditer(template):
        text += template[at : slot.start()]
        at = slot.end()
        if slot[1] == "E":
            text += f"{mailbox}@corp.example"
            continue
        name = slot[2] or slot[3]
        if not name:
            name, mailbox = _name(slot[1], language, names, generator)
        marked.append((len(text), len(text) + len(name), "organisation" if slot[3] else "person"))
        text += name
    return Letter(text + template[at:], marked)


def _name(
    form: str, language: str, names: dict[str, dict[str, list[str]]], generator: random.Random
) -> tuple[str, str]:
    """Return a name in the form of a slot, and a mailbox of that person."""
    of = generator.choice(sorted(names)) if generator.random() < _FOREIGN else language
    first, last = generator.choice(names[of]["first"]), generator.choice(names[of]["last"])
    if generator.random() < _TWO_SURNAMES.get(of, 0):
        last = f"{last} {generator.choice(names[of]['last'])}"
    mailbox = re.sub(r"[^\w.\-]", "", f"{first}.{last}".lower())
    return {
        "P": f"{first} {last}",
        "F": first,
        "S": last[0].upper() + last[1:],
        "R": f"{last}, {first}",
        "U": f"{last.upper()} {first}",
        "I": f"{first[0]}. {last}",
        "X": f"{first} {generator.choice('ABCDEFGHJKLMRST')}. {last}",
    }[form], mailbox
