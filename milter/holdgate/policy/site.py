"""Mail routing from main.cf: aliases, local delivery, address rewriting, the site's networks (postconf(5))."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdgate.policy.forms import Rewriting
from holdgate.tables import postconf, split_list

MAPS = ("recipient_canonical_maps", "canonical_maps", "virtual_alias_maps", "recipient_bcc_maps")
# How Postfix's SMTP and LMTP clients rewrite a recipient for another server (generic(5)).
GENERIC = ("smtp_generic_maps", "lmtp_generic_maps")
_LISTS = (
    *(*MAPS, "alias_maps", "sender_bcc_maps", "sender_canonical_maps", "transport_maps", "mydestination"),
    *("forward_path", "propagate_unmatched_extensions", "virtual_mailbox_domains", *GENERIC),
    *("masquerade_domains", "masquerade_classes", "masquerade_exceptions"),
)
# Parameters with one value each; services of master.cf can override them.
_ONES = ("always_bcc", "luser_relay", "forward_expansion_filter")
# Templates that local(8) fills: Postfix does not expand their names. "postconf -Px" does, those of main.cf aside.
_TEMPLATES = ("luser_relay", "forward_path")
_WORDS = (
    *("myorigin", "mydomain", "append_at_myorigin", "append_dot_mydomain", "recipient_delimiter"),
    *("local_transport", "virtual_transport", "mailbox_transport", "mynetworks"),
)
_MAILBOXES = ("local_transport", "virtual_transport", "mailbox_transport")
_SETTINGS = (*_LISTS, *_ONES, *_WORDS)


@dataclass(frozen=True, slots=True)
class Site:
    """The mail routing of main.cf; lists are split. `networks` is None if it could not be read.

    `pipes` are the services of master.cf that run a command (pipe(8)), except those that deliver to mailboxes.
    """

    lists: Mapping[str, Sequence[str]]
    words: Mapping[str, str]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] | None
    pipes: frozenset[str]

    @property
    def rewriting(self) -> Rewriting:
        """How addresses without a complete domain are completed."""
        origin = self.words["myorigin"] if self.words["append_at_myorigin"] == "yes" else ""
        return Rewriting(origin, self.words["mydomain"] if self.words["append_dot_mydomain"] == "yes" else "")


def read_site(config: Path) -> Site:
    """Read main.cf, and what services of master.cf override. Raises OSError and SubprocessError."""
    values = dict(zip(_SETTINGS, postconf(config, "-xh", *_SETTINGS), strict=True))
    lists = {name: split_list(values[name]) for name in _LISTS}
    lists |= {name: _one(values[name]) for name in _ONES}
    for option in ("-Px", "-P"):
        for line in postconf(config, option):
            place, _, value = line.partition("=")
            name = place.strip().rpartition("/")[2]
            # it is unknown here which service handles a message, so all of them count
            if name in lists and (name in _TEMPLATES) == (option == "-P"):
                added = _one(value) if name in _ONES else split_list(value)
                lists[name] += [entry for entry in added if entry not in lists[name]]
    lists["mydestination"] = [entry.lower() for entry in lists["mydestination"]]
    words = {name: values[name].strip() for name in _WORDS}
    return Site(lists, words, _networks(words["mynetworks"]), _pipes(postconf(config, "-M"), words))


def _pipes(services: Sequence[str], words: Mapping[str, str]) -> frozenset[str]:
    rows = [line.split() for line in services]
    found = {row[0] for row in rows if len(row) > 7 and row[7].rpartition("/")[2] == "pipe"}
    return frozenset(found - {words[name].partition(":")[0] for name in _MAILBOXES})


def _one(value: str) -> list[str]:
    return [value.strip()] if value.strip() else []


def _networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] | None:
    found = []
    for entry in split_list(value):
        try:
            found.append(ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False))
        except ValueError:  # a table, a file, or an exception
            return None
    return tuple(found)


def without_extension(local: str, delimiter: str) -> str:
    """Return a mailbox without its extension, which begins at a recipient_delimiter character, but not at the start."""
    place = min((place for mark in delimiter if (place := local.find(mark, 1)) > 0), default=len(local))
    return local[:place]


def masqueraded(address: str, site: Site) -> str:
    """Return an address as cleanup(8) masquerades it (masquerade_domains): the first matching entry decides."""
    local, _, domain = address.rpartition("@")
    if "envelope_recipient" not in site.lists["masquerade_classes"] or local in site.lists["masquerade_exceptions"]:
        return address
    for entry in site.lists["masquerade_domains"]:
        parent = entry.lstrip("!").lower()
        if domain == parent:
            return address
        if domain.endswith(f".{parent}"):
            keeps = (len(entry) - len(entry.lstrip("!"))) % 2 == 1
            return address if keeps else f"{local}@{parent}"
    return address
