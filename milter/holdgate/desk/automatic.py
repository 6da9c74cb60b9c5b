"""Recognises automatic replies: by the fields of RFC 3834, and by the subjects of programs that do not write them.

Exchange and similar servers put a phrase in the mailbox's language before the subject. A person's reply begins with
"Re:" or similar, so these phrases count only at the beginning of the subject.
"""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from holdgate import headers
from holdgate.desk.vocabulary import fold

_FILE = Path(__file__).with_name("words") / "automatic.toml"
_PHRASES = tuple(
    fold(phrase) for group in tomllib.loads(_FILE.read_text(encoding="utf-8")).values() for phrase in group
)
# Phrases that must end as a word, so that they do not match a longer word.
_WORD_END = re.compile(r"[\W_]|$")
_LEAD = re.compile(r"^[\s\[(【「《<*#!_-]*")
_DAEMONS = ("mailer-daemon@", "postmaster@", "mail-daemon@", "mailerdaemon@", "daemon@")

Fields = Callable[[str], list[str]]


def is_automatic(fields: Fields, subject: str) -> bool:
    """Return whether a program answered, by the mail's header. `fields` returns the values of a field by its name."""
    return headers.is_automatic(fields) or _is_away(subject)


def suppresses_answers(fields: Fields) -> bool:
    """Return whether the mail asks for no automatic answers, as automatic replies of Exchange do."""
    return any(
        {"all", "oof", "autoreply"} & set(re.split(r"[,\s]+", value.lower()))
        for value in fields("X-Auto-Response-Suppress")
    )


def is_daemon(senders: list[str]) -> bool:
    """Return whether a mail server wrote the mail, by its From addresses; one without an address counts."""
    return not senders or any(sender.startswith(_DAEMONS) for sender in senders)


def _is_away(subject: str) -> bool:
    folded = _LEAD.sub("", fold(subject), count=1)
    for phrase in _PHRASES:
        if folded.startswith(phrase):
            # Phrases in scripts without spaces, and stems such as "nieobecn", need no word end.
            rest = folded[len(phrase) :]
            if not phrase.isascii() or phrase.endswith((":", "n")) or _WORD_END.match(rest):
                return True
            if phrase in ("abwesenheit", "absence", "ausencia"):
                return True
    return False
