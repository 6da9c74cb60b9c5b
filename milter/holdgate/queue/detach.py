"""Removes Holdgate's part from main.cf and master.cf, even if they were changed since `attach`.

`attach` keeps the earlier text of each setting. A setting that still has Holdgate's value gets its earlier text back.
One that was changed since is not touched. What remains uncertain is reported.
"""

from collections.abc import Iterator, Mapping, Sequence

from holdgate.config import Settings
from holdgate.queue import presence
from holdgate.queue.postfix import Postfix
from holdgate.queue.presence import holdgate_map, lists_holdgate
from holdgate.tables import split_list

# Lists in which Holdgate has an entry next to others.
MILTERS = ("smtpd_milters", "non_smtpd_milters")
MAPS = ("milter_header_checks", "header_checks", "smtp_header_checks")
# These follow header_checks by default; Holdgate's table there is only for the message's own header.
FOLLOWERS = ("mime_header_checks", "nested_header_checks")
FOLLOWING = ("$header_checks", "${header_checks}")
# Values that apply to all mail; postfix/main.cf has the reasons. A Postfix without one of these settings needs none.
VALUES = {
    "enable_long_queue_ids": "yes",
    "smtpd_forbid_bare_newline": "normalize",
    "smtpd_forbid_bare_newline_exclusions": "",
    "message_strip_characters": r"\0",
}
TOUCHED = (*MILTERS, *MAPS, *FOLLOWERS, *VALUES)

# The text of settings before attach; None for a setting that main.cf did not have.
Before = Mapping[str, str | None]


def written_before(postfix: Postfix) -> dict[str, str | None]:
    """Return main.cf's text of each setting that `attach` may change."""
    given = postfix.given()
    return {name: given.get(name) for name in TOUCHED}


def remove_settings(
    draft: Postfix,
    settings: Settings,
    postfix: Postfix,
    before: Before,
    *,
    keep_listener: bool,
    sockets: Sequence[str] = (),
) -> None:
    """Remove Holdgate's part from `draft`, a copy of `postfix`.

    `keep_listener` if one for notices existed before; `sockets` are those with which the milter was attached.
    """
    known, given = draft.defaults(), draft.given()
    for name in (*MILTERS, *MAPS):
        items = split_list(given.get(name, ""))
        kept = [
            item
            for item in items
            if not (lists_holdgate(item, settings, postfix, sockets) if name in MILTERS else item == holdgate_map(name))
        ]
        if kept != items:
            _set(draft, name, ", ".join(kept), before, known)
    for name in FOLLOWERS:
        if name in given and given[name] == given.get("header_checks", ""):
            # Holdgate's table has just been removed from header_checks; the rest of that list is what this one had.
            _set(draft, name, FOLLOWING[0], before, known)
        elif name in given and given[name] == draft.raw_setting("header_checks"):
            _set(draft, name, FOLLOWING[0], before, known)
    for name, value in VALUES.items():
        if given.get(name) == value and name in before and before[name] != value:
            _set(draft, name, before[name], before, known)
    removed = {presence.SPLIT_LOG, presence.CHANGE_LOG, presence.REPLACE_LOG}
    removed |= set() if keep_listener else {presence.LISTENER_LOG}
    for service in draft.services():
        if service.settings.get("syslog_name") in removed:
            draft.remove_service(str(service))


def _set(draft: Postfix, name: str, value: str | None, before: Before, known: Mapping[str, str]) -> None:
    """Write a setting, or remove its line if main.cf had none and the default is the same."""
    if value is None or (before.get(name) is None and value == known.get(name, "")):
        draft.unset(name)
    else:
        draft.set({name: value})


def remaining(draft: Postfix, settings: Settings, postfix: Postfix, before: Before) -> Iterator[str]:
    """Yield what may still be Holdgate's in a copy after the removal: parts that `attach` did not write itself."""
    given = draft.given()
    for name, value in VALUES.items():
        if name not in before and given.get(name) == value:
            yield f"main.cf: {name} = {value} stays: what was there before is not known; remove it: postconf -X {name}"
    for name, value in given.items():
        if name not in MILTERS and _is_holdgate_value(value, settings, postfix):
            yield f"main.cf: {name} = {value} names Holdgate and is not from attach; change it by hand"
    for service in draft.services():
        for name, value in service.settings.items():
            if _is_holdgate_value(value, settings, postfix):
                yield f"master.cf: {service} has -o {name}={value}, which is not from attach; change it by hand"


def _is_holdgate_value(value: str, settings: Settings, postfix: Postfix) -> bool:
    return lists_holdgate(value, settings, postfix) or any(holdgate_map(name) in split_list(value) for name in MAPS)
