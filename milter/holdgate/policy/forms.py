"""The notations of an address, as trivial-rewrite(8) reads them, and the right side of an alias.

Some notations contain an address within an address: ``bob%b.example@a.example``, ``b.example!bob@a.example``,
``"bob@b.example"@a.example``. The outer domain decides whether to forward them, so both addresses count.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_ROUTE = re.compile(r"@[^:]*:(?=.)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_INNER = re.compile(r"[%!@:]")
# A mailbox name that needs no quotes (RFC 5321, 4.1.2: Dot-string), including what Postfix accepts beyond that.
_ATOMS = re.compile(r"[^\s\"(),:;<>@\[\\\]]+")
_BARE = re.compile(r'"[^"]*"?|\\.|(?P<comment>\()')
_LEVELS = 5
_TARGET = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"|<[^<>]*>|\([^()]*\)|[^\s,"<(]|[<("])+)[\s,]*')


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is added to an address without a domain (`origin`), and to a domain without a dot; "" for nothing."""

    origin: str = ""
    domain: str = ""


class Forms(NamedTuple):
    """An address as it is routed, in lower case, the addresses inside it, and whether it may lead elsewhere."""

    address: str
    inner: tuple[str, ...] = ()
    is_odd: bool = False


def rewritten(address: str, rewriting: Rewriting) -> Forms:
    """Read an address from a command or from the right side of an alias.

    A source route (RFC 5321, appendix C) and dots at the end are removed; a missing domain is added.
    """
    first = _completed(address, rewriting)
    found: list[str] = []
    odd = False
    left = [first]
    for _ in range(_LEVELS):
        inner: list[str] = []
        for one in left:
            written = one.rpartition("@")[0]
            name = unquoted(written)
            odd |= _has_comment(written) or _INNER.search(name) is not None or not name.isprintable()
            inner += (_completed(each, rewriting) for each in _within(name))
        left = [one for one in dict.fromkeys(inner) if one not in found]
        found += left
    return Forms(first, tuple(found), odd)


def _completed(address: str, rewriting: Rewriting) -> str:
    address = _ROUTE.sub("", address.strip(), count=1) if address.startswith("@") else address.strip()
    address = address.rstrip(".").lower()
    if not address:
        return ""
    local, at, domain = address.rpartition("@")
    if not at:
        plain = unquoted(address)
        if "!" in plain:
            site, _, user = plain.partition("!")
            local, domain = user, site
        elif "%" in plain:
            local, _, domain = plain.rpartition("%")
        elif rewriting.origin:
            local, domain = address, rewriting.origin.lower()
        else:
            return address
    local = _spelled(local)
    if rewriting.domain and "." not in domain and not domain.startswith("["):
        domain = f"{domain}.{rewriting.domain.lower()}"
    return f"{local}@{domain}"


def _within(name: str) -> Iterator[str]:
    """Yield the addresses inside a mailbox name."""
    if "@" in name:
        yield name
    if "!" in name:
        site, _, user = name.partition("!")
        yield f"{user}@{site}"
    if "%" in name:
        user, _, site = name.rpartition("%")
        yield f"{user}@{site}"


def unquoted(local: str) -> str:
    """Return a mailbox name without its quotes and the backslashes within them."""
    return _QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match[1]), local).strip()


def _has_comment(local: str) -> bool:
    """Return whether a mailbox name has a comment. Postfix removes it, and the rest may be another name."""
    return any(match["comment"] for match in _BARE.finditer(re.sub(r'\\"', "", local)))


def _spelled(local: str) -> str:
    """Return a mailbox name as tables have it: without unnecessary quotes and backslashes."""
    plain = re.sub(r"\\(.)", r"\1", local) if '"' not in local else unquoted(local)
    return plain if _ATOMS.fullmatch(plain) else local


def targets(answer: str) -> Iterator[str]:
    """Yield the targets on the right side of an alias (aliases(5), virtual(5)), without quotes and brackets."""
    for item in _TARGET.findall(answer):
        bracketed = re.search(r"<([^<>]*)>", item)
        target = bracketed[1] if bracketed else item
        if target.startswith('"') and (quoted := _QUOTED.fullmatch(target)):
            target = unquoted(target) if quoted[1][:1] in ("|", "/", ":") else target
        target = re.sub(r"^\([^()]*\)$", "", target).strip()
        if target:
            yield target
