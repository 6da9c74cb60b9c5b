"""Describes for people what is unusual about a message's recipients: one sentence for each recipient."""

from collections.abc import Iterable, Mapping
from typing import Any

from holdgate.desk.language.catalogue import Catalogue, mark
from holdgate.risks import (
    COLLEAGUES,
    CONTENT,
    LOOKALIKE,
    MACHINE,
    MACHINE_ATTACHMENT,
    MACHINE_FIRST,
    MACHINE_LINK,
    MACHINE_MESSAGES,
    MACHINE_RECIPIENT,
    MANY,
    NEW,
    OUTLIER,
    TWIN,
)

_SHOWN = 5
# Of several risks of one recipient, the first in this order is described.
_ORDER = (LOOKALIKE, TWIN, *MACHINE, CONTENT, OUTLIER, NEW, MANY)

_OWN_DOMAIN = mark("{recipient}: the domain looks like {similar}, which is your organisation's.")
_TO_SENDER = {
    "sender": mark("{recipient}: you have written to {similar} {count}×, never here."),
    "name": mark("{recipient}: you have written to this name at another domain {count}×, never here."),
    "site": mark("{recipient}: your organisation has written to {similar} {count}×, and you have never written here."),
    COLLEAGUES: mark(
        "{recipient}: this resembles a name to which others in your organisation have written {count}×, and you have "
        "never written here."
    ),
}
_TO_OTHERS = {
    "sender": mark("{recipient}: the sender has written to {similar} {count}×, never here."),
    "name": mark("{recipient}: the sender has written to this name at another domain {count}×, never here."),
    "site": mark(
        "{recipient}: your organisation has written to {similar} {count}×, and the sender has never written here."
    ),
}
_TO_OTHERS[COLLEAGUES] = _TO_OTHERS["site"]
_VALUE = mark(
    "{recipient}: a number or name in this message ({similar}) has gone {count}× to one other domain, and nowhere else."
)
_DOCUMENT = mark(
    "{recipient}: documents like the attached one have gone {count}× to one other domain, and nowhere else."
)
_OTHERS = {
    NEW: (mark("{recipient}: no one in your organisation has written here yet."),) * 2,
    TWIN: (
        mark("{recipient}: a private mailbox with the name of {similar}."),
        mark("{recipient}: a private mailbox with the name of a colleague or correspondent."),
    ),
    OUTLIER: (mark("{recipient}: never before in one message with {similar}."),) * 2,
    CONTENT: (
        mark("{recipient}: messages like this have only gone to {similar} so far."),
        mark("{recipient}: messages like this have only gone to one other domain so far."),
    ),
    MANY: (mark("{count} external recipients can see each other's addresses."),) * 2,
    MACHINE_FIRST: (mark("{whose}: first mail to {recipient}."),) * 2,
    MACHINE_RECIPIENT: (mark("{whose}: {recipient} is new recipient no. {count} within 24 hours."),) * 2,
    MACHINE_MESSAGES: (mark("{whose}: message no. {count} within an hour."),) * 2,
    MACHINE_LINK: (mark("{whose}: first link to {similar}."),) * 2,
    MACHINE_ATTACHMENT: (mark("{whose}: first attachment of the form {similar}."),) * 2,
}


def sentences(catalogue: Catalogue, risks: Iterable[Mapping[str, Any]], *, own: bool = False) -> list[str]:
    """Return what is unusual, one sentence for each recipient, at most five; `own`: for the sender.

    For mail of programs, each new thing has a further sentence.
    """
    chosen = list(_first(risks).values())
    sentences = [catalogue.text(_form(risk, own=own)).format(**risk) for risk in chosen[:_SHOWN]]
    if (more := len(chosen) - _SHOWN) > 0:
        text = catalogue.count("and {count} more recipient", "and {count} more recipients", more)
        sentences.append(text.format(count=more))
    return sentences


def by_recipient(catalogue: Catalogue, risks: Iterable[Mapping[str, Any]], *, own: bool = False) -> dict[str, str]:
    """Return what is unusual about each recipient, by address in lower case."""
    return {
        recipient.lower(): catalogue.text(_form(risk, own=own)).format(**risk)
        for (recipient, _), risk in _first(risks).items()
        if recipient
    }


def _first(risks: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the most important risk of each recipient ("": the complete message), and each new thing of a program."""
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for risk in sorted(risks, key=lambda one: _ORDER.index(one["kind"])):
        is_thing = risk["kind"] in MACHINE and risk["recipient"] == ""
        first.setdefault((risk["recipient"], f"{risk['kind']} {risk['similar']}" if is_thing else ""), risk)
    return first


def _form(risk: Mapping[str, Any], *, own: bool) -> str:
    """Return the sentence for one risk, in English."""
    similar = risk["similar"]
    if risk["kind"] == CONTENT and risk["whose"] == "value":
        return _VALUE
    if risk["kind"] == CONTENT and risk["whose"] == "document":
        return _DOCUMENT
    if risk["kind"] != LOOKALIKE:
        return _OTHERS[risk["kind"]][0 if similar else 1]
    if risk["whose"] == "own":
        return _OWN_DOMAIN
    return (_TO_SENDER if own else _TO_OTHERS)["name" if similar.endswith("@") else risk["whose"]]
