"""What `holdgate check` reports about moderators whom Postfix does not know, so that their requests bounce.

A request has the null sender, so that Holdgate learns of a bounce only if the desk has an address for replies.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from holdgate.cli.check_people import named_people
from holdgate.config import Settings
from holdgate.desk.moderators import MANAGER
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.tables import TableError, Tables, split_list

# Where Postfix lists the recipients of each class of domains (ADDRESS_CLASS_README). An empty list knows everyone.
_KNOWN = {
    "mydestination": "local_recipient_maps",
    "virtual_mailbox_domains": "virtual_mailbox_maps",
    "relay_domains": "relay_recipient_maps",
}
# Tables that give a recipient another address before that.
_REWRITING = ("canonical_maps", "recipient_canonical_maps", "virtual_alias_maps")


def warnings(path: Path, settings: Settings) -> Iterator[str]:
    """Yield the moderators to whom Postfix cannot deliver: the domain is its own, and the mailbox is not."""
    postfix, tables = Postfix(settings.queue.postfix_config), Tables(settings.queue.postfix_config)
    try:
        origin, delimiters = postfix.setting("myorigin"), postfix.setting("recipient_delimiter")
        classes = [(split_list(postfix.setting(key).lower()), name) for key, name in _KNOWN.items()]
        rewriting = [table for name in _REWRITING for table in split_list(postfix.setting(name))]
        everyone = postfix.setting("luser_relay") != ""
        for person in sorted(named_people(path, settings) - {MANAGER}):
            address = person if "@" in person else f"{person}@{origin}"
            domain = address.rpartition("@")[2].lower()
            name = next((name for domains, name in classes if domain in domains), "")
            lists = split_list(postfix.setting(name)) if name else []
            if not lists or (everyone and name == "local_recipient_maps"):
                continue
            if not _is_known(address, [*rewriting, *lists], tables, delimiters):
                yield (
                    f"{path}: [moderation]: Postfix knows no recipient {address} ({name}), so requests to them "
                    "bounce; correct the address, or create the mailbox"
                )
    except (PostfixError, TableError, OSError, subprocess.SubprocessError):
        return  # reported as a problem elsewhere


def _is_known(address: str, names: list[str], tables: Tables, delimiters: str) -> bool:
    """Look up an address as smtpd(8) does: complete and without its extension, its mailbox, and its domain."""
    mailbox, _, domain = address.lower().rpartition("@")
    plain = min((mailbox.partition(one)[0] for one in delimiters), key=len, default=mailbox) or mailbox
    keys = dict.fromkeys((f"{mailbox}@{domain}", f"{plain}@{domain}", mailbox, plain, f"@{domain}"))
    return any(tables.first_answer(names, key) is not None for key in keys)
