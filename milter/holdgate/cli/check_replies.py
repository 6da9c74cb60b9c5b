"""What `holdgate check` reports about decisions by mail: proofs of the sender, moderators that are mailing lists."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from holdgate.config import Settings
from holdgate.desk.moderators import MANAGER
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.tables import TableError, Tables, remedy_of, split_list


def problems(path: Path, settings: Settings) -> Iterator[str]:
    """Yield what prevents replies from being processed as configured."""
    replies = settings.replies
    account = settings.account("desk")
    user = account if os.geteuid() == 0 else ""
    for key, setting in (("same_person", replies.same_person), ("delegates", replies.delegates)):
        if not setting:
            continue
        table = f"texthash:{setting}" if setting.startswith("/") else setting
        try:
            Tables(settings.queue.postfix_config, user=user).lookup(table, "postmaster@localhost")
        except KeyError:
            return  # the user does not exist, which another check reports
        except TableError as error:
            yield f"{path}: [replies] {key}: {error}; {remedy_of(table)}"
    if "smime" in replies.proof:
        if replies.authorities is not None and not os.access(replies.authorities, os.R_OK):
            yield (
                f"{path}: [replies] authorities: {replies.authorities} cannot be read; correct the path, "
                "or install the PEM file"
            )
        if shutil.which("openssl") is None:
            yield f'{path}: [replies] proof: "smime" needs openssl(1); run: apt install openssl'


def remarks(path: Path, settings: Settings) -> Iterator[str]:
    """Yield what an administrator should know about replies. Yields nothing if Postfix fails, which is a problem."""
    if settings.desk.lmtp_listen is None:
        return
    if not settings.replies.proof:
        instead = "are answered with the link" if settings.desk.public_url else "decide nothing"
        yield (
            f"{path}: [replies] proof: is empty, so nothing proves who wrote a reply, and replies "
            f"{instead}; see howto/moderate.md"
        )
    try:
        yield from (f"{path}: [replies] delegates: {problem}" for problem in _lists(settings))
    except (PostfixError, TableError):
        return


def _lists(settings: Settings) -> Iterator[str]:
    """Yield the moderators that Postfix expands to several people, who reply from their own addresses."""
    people = {name for level in settings.moderation.chain for name in level} | set(settings.moderation.fallback)
    tables = Tables(settings.queue.postfix_config)
    virtual = split_list(Postfix(settings.queue.postfix_config).setting("virtual_alias_maps"))
    delegates = settings.replies.delegates
    named = [f"texthash:{delegates}" if delegates.startswith("/") else delegates] if delegates else []
    for person in sorted(people - {MANAGER}):
        members = (tables.first_answer(virtual, person.lower()) or "").replace(",", " ").split()
        if len(members) > 1 and tables.first_answer(named, person.lower()) is None:
            yield f"{person} is a list of {len(members)} addresses; add those who can reply for it, or use the page"
