"""Normal forms of addresses: what look-alikes of a domain or a mailbox have in common, and what they may stand for.

Correspondents are kept as keyed hashes, so that nothing can be compared with them. Instead, forms of each are kept: its
skeleton, its words in order, and what is left of it when one character is taken out. Two names that differ by one
edit (a character more, less, changed, or two exchanged) have such a rest in common. What the similar name is in clear
is found by trying: a rest has few texts that it is a rest of.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from holdgate.relations.confusables import skeleton
from holdgate.relations.mailboxes import FREE_MAIL, FUNCTIONS, SECOND_LEVEL, SUFFIXES

_LONGEST = 64
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-"
_WORD = re.compile(r"[^\W\d_]{2,}")
_SHORTEST = 5
"""A shorter name has too many neighbours that are somebody else's."""

_NEIGHBOURS = {
    one: frozenset(row[max(place - 1, 0) : place + 2])
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
    for place, one in enumerate(row)
}


def split(address: str) -> tuple[str, str]:
    """Return mailbox and domain of an address in lower case; a domain of the form "xn--…" as people see it."""
    local, _, domain = address.strip().lower().rpartition("@")
    return local, unicode_domain(domain.rstrip("."))


@lru_cache(4096)
def unicode_domain(domain: str) -> str:
    """Return a domain in lower case with its letters in place of their ASCII form (RFC 5891, RFC 3492)."""
    return ".".join(_decoded(label) for label in domain.lower().split("."))


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode").lower()
    except (UnicodeError, ValueError):
        return label


def place_of(address: str) -> str:
    """Return what an address has in common with others of its organisation; with free mail the address itself.

    That is the domain that somebody registered: partner.example for mail.partner.example.
    """
    local, domain = split(address)
    return f"{local}@{domain}" if domain in FREE_MAIL else ".".join(filter(None, parts_of(domain)))


def is_free_mail(address: str) -> bool:
    """Say whether anybody can have an address at this one's domain."""
    return split(address)[1] in FREE_MAIL


def parts_of(domain: str) -> tuple[str, str]:
    """Divide a domain into the name that somebody registered, and the rest: ("partner", "co.uk") of mail.partner.co.uk.

    Without the list of public suffixes: the rest is the last label, or two where the second is one such as "co".
    """
    labels = domain.split(".")
    count = 2 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVEL else 1
    if len(labels) <= count:
        return labels[0], ".".join(labels[1:])
    return labels[-count - 1], ".".join(labels[-count:])


def words_of(name: str) -> list[str]:
    """Return the words of a domain's name, which hyphens divide."""
    return [word for word in name.split("-") if word]


def rests(name: str) -> set[str]:
    """Return the name with each one of its characters taken out; none for a name that is too short or too long."""
    if not _SHORTEST <= len(name) <= _LONGEST:
        return set()
    return {rest_of(name, place) for place in range(len(name))}


def one_edit_apart(one: str, other: str) -> bool:
    """Say whether a character more, less or changed, or two neighbours exchanged, make one name the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    begin = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    left, right = one[begin:], other[begin:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (left[2:] == right[2:] and left[:2] == right[1::-1])
    return left[1:] == right if len(left) > len(right) else left == right[1:]


def looks_mistyped(one: str, other: str) -> bool:
    """Say whether an edit between two names one edit apart is a likely one, where short names are concerned.

    A character doubled or left out of two, two exchanged, or a neighbour on the keyboard; in names of seven characters
    or more any edit, but for a digit: numbers tell things apart.
    """
    begin = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    changed = one[begin : begin + 1] + other[begin : begin + 1]
    if any(character.isdigit() for character in changed):
        return False
    if min(len(one), len(other)) >= 7 or len(one) != len(other):
        return True
    return one[begin + 1 :] != other[begin + 1 :] or changed[1] in _NEIGHBOURS.get(changed[0], "")


def longer_by_one(rest: str, letters: str = _ALPHABET) -> Iterator[str]:
    """Yield all names that a rest is left of."""
    for place in range(len(rest) + 1):
        for one in letters:
            yield rest[:place] + one + rest[place:]


def changed_at(name: str, place: int, letters: str = _ALPHABET) -> Iterator[str]:
    """Yield the names that have in common with a name what is left without the character at a place: one edit away."""
    yield from (name[:place] + one + name[place + 1 :] for one in letters if one != name[place])
    if place + 1 < len(name):
        yield name[:place] + name[place + 1] + name[place] + name[place + 2 :]


def rest_of(name: str, place: int) -> str:
    """Return a name without the character at a place."""
    return name[:place] + name[place + 1 :]


def domain_forms(domain: str) -> list[tuple[str, str]]:
    """Return the forms under which a domain is found by those that look like it: kind and text."""
    name, _ = parts_of(domain)
    words = words_of(name)
    forms = [
        ("label", name),
        ("skeleton", skeleton(domain)),
        ("words", " ".join(sorted(words))),
        ("joined", "".join(words)),
    ]
    forms += [("rest", rest) for rest in rests(name)]
    if len(words) > 1:
        forms += [("less", " ".join(sorted(words[:at] + words[at + 1 :]))) for at in range(len(words))]
    return forms


def mailbox_forms(address: str) -> list[tuple[str, str]]:
    """Return the forms under which a mailbox is found by those of the same domain that look like it."""
    local, domain = split(address)
    return [
        ("box skeleton", f"{skeleton(local)}@{domain}"),
        *(("box rest", f"{rest}@{domain}") for rest in rests(local)),
    ]


def person_forms(address: str) -> set[str]:
    """Return the forms of the name that a mailbox shows, in any order; none for one that shows no name of a person.

    Digits and separators do not count: bob.smith, smith_bob72 and bobsmith are one person.
    """
    local, _ = split(address)
    words = _WORD.findall(local.partition("+")[0])
    if local in FUNCTIONS or not words or any(word in FUNCTIONS for word in words):
        return set()
    if len(words) == 1:
        return {words[0]} if len(words[0]) >= 7 else set()
    if len(words) > 3 or sum(map(len, words)) < 6:
        return set()
    first, last = words[0], words[-1]
    return {" ".join(sorted(words)), "".join(words), last + first}


def is_person(local: str) -> bool:
    """Say whether a mailbox belongs to one person, as far as its name tells."""
    return local not in FUNCTIONS and len(local) >= 3


def other_endings(domain: str) -> Iterator[str]:
    """Yield the same name with other ends."""
    name, ending = parts_of(domain)
    yield from (f"{name}.{one}" for one in SUFFIXES if one != ending)


def looking_like(text: str) -> Iterator[str]:
    """Yield texts of ASCII letters that look like a text, the likely ones first."""
    base = skeleton(text)
    choices = [base]
    for old, new in (("rn", "m"), ("l", "i"), ("l", "1"), ("o", "0"), ("w", "vv")):
        choices += [found for one in choices if len(choices) < 64 for found in _each(one, old, new)]
    yield from (one for one in dict.fromkeys(choices) if one != text and skeleton(one) == base)


def _each(text: str, old: str, new: str) -> Iterator[str]:
    """Yield the text with some of the places of a part exchanged: each one, and all."""
    at = text.find(old)
    while at >= 0:
        yield text[:at] + new + text[at + len(old) :]
        at = text.find(old, at + 1)
    if text.count(old) > 1:
        yield text.replace(old, new)
