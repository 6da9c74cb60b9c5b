"""Takes our part out of main.cf and master.cf, whatever became of them since `attach`, and says what it cannot know.

`attach` keeps how each setting was written before. With that, a setting that still has our value goes back to what it
was, and one that somebody changed since stays as it is.
"""

from collections.abc import Iterator, Mapping

from holdgate.config import Settings
from holdgate.queue import presence
from holdgate.queue.postfix import Postfix
from holdgate.queue.presence import names_us, our_map
from holdgate.tables import split_list

# Lists in which we stand beside others.
MILTERS = ("smtpd_milters", "non_smtpd_milters")
MAPS = ("milter_header_checks", "header_checks", "smtp_header_checks")
# These follow header_checks by default, and our table there is for the message's own header alone.
FOLLOWERS = ("mime_header_checks", "nested_header_checks")
FOLLOWING = ("$header_checks", "${header_checks}")
# What must hold for everybody; why stands in postfix/main.cf. A release that does not know a setting does without.
VALUES = {
    "enable_long_queue_ids": "yes",
    "smtpd_forbid_bare_newline": "normalize",
    "smtpd_forbid_bare_newline_exclusions": "",
    "message_strip_characters": r"\0",
}
TOUCHED = (*MILTERS, *MAPS, *FOLLOWERS, *VALUES)

# How settings were written before us; None for one that main.cf did not have.
Before = Mapping[str, str | None]


def written_before(postfix: Postfix) -> dict[str, str | None]:
    """Return how main.cf has each setting that `attach` may touch."""
    given = postfix.given()
    return {name: given.get(name) for name in TOUCHED}


def take_out(draft: Postfix, settings: Settings, postfix: Postfix, before: Before, *, keep_listener: bool) -> None:
    """Take our part out of the copy `draft` of `postfix`; `keep_listener` for notices where one was there before us."""
    known, given = draft.defaults(), draft.given()
    for name in (*MILTERS, *MAPS):
        items = split_list(given.get(name, ""))
        kept = [
            item
            for item in items
            if not (names_us(item, settings, postfix) if name in MILTERS else item == our_map(name))
        ]
        if kept != items:
            _set(draft, name, ", ".join(kept), before, known)
    for name in FOLLOWERS:
        if name in given and given[name] == given.get("header_checks", ""):
            # Ours is out of header_checks in the meantime; what stays is what this one got then.
            _set(draft, name, FOLLOWING[0], before, known)
        elif name in given and given[name] == draft.raw_setting("header_checks"):
            _set(draft, name, FOLLOWING[0], before, known)
    for name, value in VALUES.items():
        if given.get(name) == value and name in before and before[name] != value:
            _set(draft, name, before[name], before, known)
    removed = {presence.SPLIT_LOG, presence.CHANGE_LOG, *(() if keep_listener else (presence.LISTENER_LOG,))}
    for service in draft.services():
        if service.settings.get("syslog_name") in removed:
            draft.remove_service(str(service))


def _set(draft: Postfix, name: str, value: str | None, before: Before, known: Mapping[str, str]) -> None:
    """Write a setting, or take its line out where main.cf had none and the default says the same."""
    if value is None or (before.get(name) is None and value == known.get(name, "")):
        draft.unset(name)
    else:
        draft.set(name, value)


def left_behind(draft: Postfix, settings: Settings, postfix: Postfix, before: Before) -> Iterator[str]:
    """Yield what may still be ours in a copy from which we were taken out: what `attach` did not write itself."""
    given = draft.given()
    for name, value in VALUES.items():
        if name not in before and given.get(name) == value:
            yield f"main.cf: {name} = {value} stays: what was there before is not known; remove it: postconf -X {name}"
    for name, value in given.items():
        if name not in MILTERS and _is_ours(value, settings, postfix):
            yield f"main.cf: {name} = {value} names Holdgate and is not from attach; change it by hand"
    for service in draft.services():
        for name, value in service.settings.items():
            if _is_ours(value, settings, postfix):
                yield f"master.cf: {service} has -o {name}={value}, which is not from attach; change it by hand"


def _is_ours(value: str, settings: Settings, postfix: Postfix) -> bool:
    return names_us(value, settings, postfix) or any(our_map(name) in split_list(value) for name in MAPS)
