"""Normal forms of addresses: what similar domains or mailboxes have in common, and which names they can mean.

Correspondents are stored as keyed hashes, which cannot be compared for similarity. So forms of each are stored too: its
skeleton, its words in order, and its rests, each of which lacks one character. Two names that differ by one edit (a
character added, removed or changed, or two exchanged) have a rest in common. The similar name in clear text is found by
trying, because only a few texts have a given rest.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from holdgate.relations.confusables import skeleton
from holdgate.relations.mailboxes import FUNCTIONS, SUFFIXES
from holdgate.relations.registered import is_free_mail_domain, parts_of

LONGEST = 64
"""A longer name is compared by its appearance only: a label of a domain has at most 63 characters (RFC 1035)."""

LONGEST_DOMAIN = 255
"""A longer domain does not exist (RFC 1035, 2.3.4)."""

MOST_WORDS = 16
"""With more words, a domain is not compared with those that have one word less."""

# How many texts that look like one are tried.
_APPEARANCES = 256
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-"
_WORD = re.compile(r"[^\W\d_]{2,}")
_SHORTEST = 5
"""A shorter name has too many similar names that belong to others."""

_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"})
_UMLAUTS = (("ae", "ä"), ("oe", "ö"), ("ue", "ü"), ("ss", "ß"), ("aa", "å"), ("oe", "ø"), ("ae", "æ"))
_DIGRAPH = re.compile(r"(?<![aeiouq])([aou])e")
_NEIGHBOURS = {
    one: frozenset(row[max(place - 1, 0) : place + 2])
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
    for place, one in enumerate(row)
}


def split(address: str) -> tuple[str, str]:
    """Return mailbox and domain of an address in lower case; a domain of the form "xn--…" is decoded."""
    local, _, domain = address.strip().lower().rpartition("@")
    return local, unicode_domain(domain.rstrip("."))


@lru_cache(4096)
def unicode_domain(domain: str) -> str:
    """Return a domain in lower case with Unicode letters in place of their ASCII form (RFC 5891, RFC 3492)."""
    return ".".join(_decoded(label) for label in domain.lower().split("."))


def spellings(address: str) -> set[str]:
    """Return the forms of an address in lower case: as given, and with its domain in Unicode and as "xn--…"."""
    given = address.strip().lower()
    local, domain = split(given)
    encoded = ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}" for label in domain.split(".")
    )
    return {given, f"{local}@{domain}", f"{local}@{encoded}"}


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode").lower()
    except (UnicodeError, ValueError):
        return label


def place_of(address: str) -> str:
    """Return what the addresses of one organisation have in common: the registered domain; for free mail, the address.

    The registered domain of mail.partner.example is partner.example.
    """
    local, domain = split(address)
    return f"{local}@{domain}" if is_free_mail_domain(domain) else ".".join(filter(None, parts_of(domain)))


def is_free_mail(address: str) -> bool:
    """Return whether anyone can get an address at this address's domain."""
    return is_free_mail_domain(split(address)[1])


def words_of(name: str) -> list[str]:
    """Return the words of a domain's name, which are separated by hyphens."""
    return [word for word in name.split("-") if word]


def rests(name: str) -> set[str]:
    """Return the name with each one of its characters removed; none for a name that is too short or too long."""
    if not _SHORTEST <= len(name) <= LONGEST:
        return set()
    return {rest_of(name, place) for place in range(len(name))}


def one_edit_apart(one: str, other: str) -> bool:
    """Return whether two names differ by one character added, removed or changed, or by two exchanged neighbours."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    begin = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    left, right = one[begin:], other[begin:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (left[2:] == right[2:] and left[:2] == right[1::-1])
    return left[1:] == right if len(left) > len(right) else left == right[1:]


def looks_mistyped(one: str, other: str) -> bool:
    """Return whether the edit between two names one edit apart is a likely typing error.

    Likely are a character added or removed, two exchanged, or a neighbour on the keyboard; in names of seven or more
    characters, any edit. An edit of a digit is never likely, because numbers distinguish things.
    """
    begin = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    changed = one[begin : begin + 1] + other[begin : begin + 1]
    if any(character.isdigit() for character in changed):
        return False
    if min(len(one), len(other)) >= 7 or len(one) != len(other):
        return True
    return one[begin + 1 :] != other[begin + 1 :] or changed[1] in _NEIGHBOURS.get(changed[0], "")


def longer_by_one(rest: str, letters: str = _ALPHABET) -> Iterator[str]:
    """Yield all names that have this rest."""
    for place in range(len(rest) + 1):
        for one in letters:
            yield rest[:place] + one + rest[place:]


def changed_at(name: str, place: int, letters: str = _ALPHABET) -> Iterator[str]:
    """Yield the names with the same rest at a place: that character changed, or exchanged with the next one."""
    yield from (name[:place] + one + name[place + 1 :] for one in letters if one != name[place])
    if place + 1 < len(name):
        yield name[:place] + name[place + 1] + name[place] + name[place + 2 :]


def rest_of(name: str, place: int) -> str:
    """Return a name without the character at a place."""
    return name[:place] + name[place + 1 :]


def domain_forms(domain: str) -> list[tuple[str, str]]:
    """Return the forms by which similar domains find a domain: kind and text."""
    name, _ = parts_of(domain)
    words = words_of(name)
    forms = [
        ("label", name),
        ("skeleton", skeleton(domain)),
        ("words", " ".join(sorted(words))),
        ("joined", "".join(words)),
    ]
    forms += [("rest", rest) for rest in rests(name)]
    if (spelled := spelled_out(name)) != name:
        forms.append(("spelled", spelled))
    if 1 < len(words) <= MOST_WORDS:
        forms += [("less", " ".join(sorted(words[:at] + words[at + 1 :]))) for at in range(len(words))]
    return forms


def mailbox_forms(address: str) -> list[tuple[str, str]]:
    """Return the forms by which similar mailboxes of the same domain find a mailbox."""
    local, domain = split(address)
    return [
        ("box skeleton", f"{skeleton(local)}@{domain}"),
        *(("box rest", f"{rest}@{domain}") for rest in rests(local)),
    ]


def person_forms(address: str) -> set[str]:
    """Return the forms of the person's name in a mailbox, in any order of words; none if it has no such name.

    Digits and separators are ignored: bob.smith, smith_bob72 and bobsmith are one person. So are hans.müller,
    hans.mueller and hans.muller.
    """
    local = split(address)[0].partition("+")[0]
    if local in FUNCTIONS:
        return set()
    plain = local
    if not local.isascii():
        plain = "".join(one for one in unicodedata.normalize("NFKD", local) if not unicodedata.combining(one))
    spelled = spelled_out(local)
    return {form for one in {spelled, plain, contracted(spelled)} for form in _person_forms(one)}


def _person_forms(box: str) -> set[str]:
    words = _WORD.findall(box)
    if not words or any(word in FUNCTIONS for word in words):
        return set()
    if len(words) == 1:
        return {words[0]} if len(words[0]) >= 7 else set()
    if len(words) > 3 or sum(map(len, words)) < 6:
        return set()
    first, last = words[0], words[-1]
    return {" ".join(sorted(words)), "".join(words), last + first}


def spelled_out(text: str) -> str:
    """Return a text in lower case with German and Nordic letters in their usual ASCII spelling: "müller": "mueller"."""
    return text if text.isascii() else text.translate(_SPELLED)


def contracted(text: str) -> str:
    """Return a text with "ae", "oe" and "ue" as "a", "o" and "u", as after the loss of an umlaut; not after a vowel."""
    return _DIGRAPH.sub(r"\1", text)


def with_umlauts(name: str) -> Iterator[str]:
    """Yield the names that are spelled out as this one: each umlaut separately, then all; the first few of them."""
    found = [(match.start(), old, new) for old, new in _UMLAUTS for match in re.finditer(old, name)][:_APPEARANCES]
    yield from (f"{name[:at]}{new}{name[at + len(old) :]}" for at, old, new in found)
    whole = name
    for old, new in _UMLAUTS:
        whole = whole.replace(old, new)
    if len(found) > 1:
        yield whole


def is_person(local: str) -> bool:
    """Return whether a mailbox seems to belong to one person, by its name."""
    return local not in FUNCTIONS and len(local) >= 3


def other_endings(domain: str) -> Iterator[str]:
    """Yield the same name with other endings."""
    name, ending = parts_of(domain)
    yield from (f"{name}.{one}" for one in SUFFIXES if one != ending)


def looking_like(text: str) -> Iterator[str]:
    """Yield ASCII texts that look like a text, likely ones first; the first `_APPEARANCES` of them."""
    base = skeleton(text)
    choices = [base]
    for old, new in (("rn", "m"), ("l", "i"), ("l", "1"), ("o", "0"), ("w", "vv")):
        more = (found for one in tuple(choices) for found in _each(one, old, new))
        choices += islice(more, _APPEARANCES - len(choices))
    yield from (one for one in dict.fromkeys(choices) if one != text and skeleton(one) == base)


def _each(text: str, old: str, new: str) -> Iterator[str]:
    """Yield the text with occurrences of a part replaced: each one separately, then all."""
    at = text.find(old)
    while at >= 0:
        yield text[:at] + new + text[at + len(old) :]
        at = text.find(old, at + 1)
    if text.count(old) > 1:
        yield text.replace(old, new)
