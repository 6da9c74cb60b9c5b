"""Letters in eight languages with marked names, filled from a seed: `names.toml`, and a file for each language.

Written for Holdgate (GPL-3.0-or-later). No model learns from them. Letters are separated by a line "%%". In a letter
stand <P> for a full name, <F> a first name, <S> a surname, <R> a surname, a comma and a first name, <U> the surname in
capitals before the first name, <I> an initial and a surname, <X> a name with an initial in the middle, <E> a mail
address of the name before, {…} a name and […] an organisation as they are.

The letters in the folder `business` are about organisations, from `organisations.toml`: <C> stands for a company
without a legal form, <L> for one with it, <N> for an abbreviation, <V> a university, <A> an authority, <B> a bank or
insurer, <H> a hospital, <K> a club or charity, <O> any of these, <M> a mail address of the company before. A company
is the same in all of a letter.

The letters in the folders `fresh` and `later` are filled already: {…}, […], and <<GB …>> for a postal address in that
country. They serve to measure what others made, never to choose: who changes the model or a finder because of them
writes others.
"""

import random
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_HERE: Final = Path(__file__).parent
_SLOT: Final = re.compile(r"<([PFSRUIXECLNVABHKOM])>|\{([^}]+)\}|\[([^\]]+)\]")
_MARK: Final = re.compile(r"\{([^}]+)\}|\[([^\]]+)\]|<<([A-Z]{2}) (.+?)>>", re.DOTALL)
_FOREIGN: Final = 0.15
_TWO_SURNAMES: Final = {"es": 0.6, "pt": 0.4}
_KINDS: Final = {
    "C": "company", "N": "abbreviation", "V": "university", "A": "authority", "B": "bank", "H": "hospital", "K": "club",
}  # fmt: skip
FRESH: Final = ("fresh", "later")
LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")


Names = dict[str, dict[str, list[str]]]


class Letter(NamedTuple):
    """A text, and the place and kind of each name in it: "person", "organisation", or the country of an address."""

    text: str
    names: list[tuple[int, int, str]]


def letters(language: str, each: int, seed: int, folder: str = "") -> Iterator[Letter]:
    """Yield each letter of a language, or of those in a folder, so many times, with other names each time."""
    generator = random.Random(f"{seed} {language}")
    names = _read("names.toml")
    organisations = _read("organisations.toml")[language] if folder else {}
    templates = (_HERE / folder / f"{language}.txt").read_text(encoding="utf-8").rstrip("\n").split("\n%%\n")
    for template in templates:
        for _ in range(each):
            yield _filled(template, language, names, organisations, generator)


def fresh(language: str, folder: str = "fresh") -> Iterator[Letter]:
    """Yield each letter of a language in the folder `fresh` or `later`."""
    for written in (_HERE / folder / f"{language}.txt").read_text(encoding="utf-8").rstrip("\n").split("\n%%\n"):
        text, at, marked = "", 0, list[tuple[int, int, str]]()
        for mark in _MARK.finditer(written):
            text += written[at : mark.start()]
            at = mark.end()
            name, kind = next(
                (found, kind)
                for found, kind in ((mark[1], "person"), (mark[2], "organisation"), (mark[4], mark[3]))
                if found
            )
            marked.append((len(text), len(text) + len(name), kind))
            text += name
        yield Letter(text + written[at:], marked)


def _read(name: str) -> Names:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


def _filled(
    template: str, language: str, names: Names, organisations: dict[str, list[str]], generator: random.Random
) -> Letter:
    text, at, marked = "", 0, list[tuple[int, int, str]]()
    mailbox = "office"
    companies = dict[str, str]()
    for slot in _SLOT.finditer(template):
        text += template[at : slot.start()]
        at = slot.end()
        if slot[1] in ("E", "M"):
            text += f"{mailbox}@corp.example" if slot[1] == "E" else f"info@{_domain(companies['C'])}.example"
            continue
        name, kind = slot[2] or slot[3], "organisation" if slot[3] else "person"
        if not name and slot[1] in "CLNVABHKO":
            if slot[1] not in companies or slot[1] == "O":
                companies[slot[1]] = _organisation(slot[1], names[language]["last"], organisations, generator)
            article, bar, name = companies[slot[1]].rpartition("~")
            if bar and re.search(r"[a-zé,] \Z", text):
                text += article
            kind = "organisation"
        elif not name:
            name, mailbox = _name(slot[1], language, names, generator)
        marked.append((len(text), len(text) + len(name), kind))
        text += name
    return Letter(text + template[at:], marked)


def _organisation(slot: str, surnames: list[str], organisations: dict[str, list[str]], generator: random.Random) -> str:
    """Return a name of an organisation of the kind of a slot, with its article, if any, before "~"."""
    kind = _KINDS["C" if slot == "L" else slot if slot != "O" else generator.choice(sorted(_KINDS))]
    pattern = generator.choice(organisations[kind])
    name = re.sub(
        r"\{(\w+)\}", lambda found: generator.choice(surnames if found[1] == "last" else organisations["town"]), pattern
    )
    return f"{name} {generator.choice(organisations['form'])}" if slot == "L" else name


def _domain(company: str) -> str:
    plain = unicodedata.normalize("NFKD", company.rpartition("~")[2]).lower()
    return re.sub(r"[^a-z0-9]", "", plain)


def _name(form: str, language: str, names: Names, generator: random.Random) -> tuple[str, str]:
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
