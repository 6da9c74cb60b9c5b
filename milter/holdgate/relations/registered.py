"""Which part of a domain was registered, and whether it belongs to a provider of mailboxes.

`suffixes.table` is the Public Suffix List, `freemail.table` SpamAssassin's list; `script/domains` writes both.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from holdgate.relations.mailboxes import FREE_MAIL

_SUFFIXES = Path(__file__).with_name("suffixes.table")
_FREE_MAIL = Path(__file__).with_name("freemail.table")
# Under these, each customer of Microsoft 365 has a domain. They are not in the Public Suffix List.
_OTHERS = frozenset({"onmicrosoft.com", "mail.onmicrosoft.com", "onmicrosoft.us", "onmicrosoft.de"})
# The longest rules have six labels.
_LABELS = 6


class _Rules(NamedTuple):
    plain: frozenset[str]
    wild: frozenset[str]  # without "*."
    excepted: frozenset[str]  # without "!"


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


@lru_cache(1)
def _rules() -> _Rules:
    lines = _lines(_SUFFIXES)
    return _Rules(
        frozenset(one for one in lines if one[0] not in "*!") | _OTHERS,
        frozenset(one[2:] for one in lines if one.startswith("*.")),
        frozenset(one[1:] for one in lines if one.startswith("!")),
    )


@lru_cache(1)
def _providers() -> tuple[frozenset[str], re.Pattern[str]]:
    lines = _lines(_FREE_MAIL)
    patterns = (re.escape(one).replace(r"\*", "[^.]*").replace(r"\?", ".") for one in lines if "*" in one or "?" in one)
    return frozenset(lines) | FREE_MAIL, re.compile("|".join(patterns))


@lru_cache(20_000)
def is_free_mail_domain(domain: str) -> bool:
    """Return whether anyone can get an address at a domain, in lower case."""
    exact, patterns = _providers()
    return domain in exact or patterns.fullmatch(domain) is not None


@lru_cache(20_000)
def parts_of(domain: str) -> tuple[str, str]:
    """Split a domain into the registered name and the public suffix: ("partner", "co.uk") for mail.partner.co.uk.

    The domain is in lower case and in Unicode. If no rule names its suffix, this is the last label.
    """
    labels = domain.split(".")
    count = _suffix_labels(labels[-_LABELS:])
    if len(labels) <= count:
        return labels[0], ".".join(labels[1:])
    return labels[-count - 1], ".".join(labels[-count:])


def _suffix_labels(labels: list[str]) -> int:
    """Return how many labels the public suffix has: the longest rule counts, an exception before all others."""
    rules = _rules()
    for place in range(len(labels)):
        text, parent = ".".join(labels[place:]), ".".join(labels[place + 1 :])
        if text in rules.excepted:
            return len(labels) - place - 1
        if text in rules.plain or parent in rules.wild:
            return len(labels) - place
    return 1
