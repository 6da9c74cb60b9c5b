"""Detaching removes Holdgate's part of Postfix's settings, and nothing else; the settings are in memory."""

from collections.abc import Callable, Mapping

import pytest

from holdgate.config import Settings
from holdgate.queue import listeners
from holdgate.queue.detach import TOUCHED, VALUES, remaining, remove_settings, written_before
from holdgate.queue.postfix import Postfix, Service
from holdgate.queue.presence import change_listener, replace_listener

OURS = "unix:holdgate/milter.sock"
ENTRY = f"{{ {OURS}, default_action=tempfail }}"
MAP = "regexp:/etc/holdgate/postfix/"
DEFAULTS = {
    "smtpd_milters": "",
    "non_smtpd_milters": "",
    "milter_header_checks": "",
    "header_checks": "",
    "smtp_header_checks": "",
    "mime_header_checks": "$header_checks",
    "nested_header_checks": "$header_checks",
    "enable_long_queue_ids": "no",
    "smtpd_forbid_bare_newline": "no",
    "smtpd_forbid_bare_newline_exclusions": "$mynetworks",
    "message_strip_characters": "",
}
SETTINGS = Settings()


class Draft(Postfix):
    """main.cf and master.cf in memory."""

    def __init__(self, main: Mapping[str, str] | None = None, *services: Service) -> None:
        self.main = dict(main or {})
        self.listed = {str(one): one for one in services}

    def setting(self, name: str) -> str:
        return {"queue_directory": "/var/spool/postfix"}.get(name) or self.raw_setting(name)

    def raw_setting(self, name: str) -> str:
        return self.main.get(name, DEFAULTS.get(name, ""))

    def given(self) -> dict[str, str]:
        return dict(self.main)

    def defaults(self) -> dict[str, str]:
        return dict(DEFAULTS)

    def set(self, values: Mapping[str, str]) -> None:
        self.main |= values

    def unset(self, name: str) -> None:
        del self.main[name]

    def services(self) -> list[Service]:
        return list(self.listed.values())

    def set_service(self, name: str, line: str) -> None:
        service, kind = name.split("/")
        command, *options = line.split(" - ")[-1].split(" -o ")
        settings = {key: value for key, _, value in (option.partition("=") for option in options)}
        self.listed[name] = Service(service, kind, False, command.split()[-1], settings)

    def remove_service(self, name: str) -> None:
        del self.listed[name]


def after_removal(main: Mapping[str, str], before: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return main.cf after the removal; `before` is its content before attach, None if unknown."""
    draft = Draft(main)
    known = {} if before is None else {name: before.get(name) for name in TOUCHED}
    remove_settings(draft, SETTINGS, draft, known, keep_listener=False)
    return draft.main


@pytest.mark.parametrize(
    ("main", "before", "after"),
    [
        # An entry among others goes alone; a line that attach added goes, and one that the site had stays, empty.
        ({"smtpd_milters": f"inet:x:1, {ENTRY}, inet:x:2"}, None, {"smtpd_milters": "inet:x:1, inet:x:2"}),
        ({"non_smtpd_milters": ENTRY}, {}, {}),
        ({"non_smtpd_milters": ENTRY}, {"non_smtpd_milters": ""}, {"non_smtpd_milters": ""}),
        ({"smtpd_milters": "inet:x:1,inet:x:2"}, {}, {"smtpd_milters": "inet:x:1,inet:x:2"}),
        ({"header_checks": f"{MAP}header_checks, regexp:/x"}, {}, {"header_checks": "regexp:/x"}),
        (
            {"smtp_header_checks": f"{MAP}smtp_header_checks.old"},
            {},
            {"smtp_header_checks": f"{MAP}smtp_header_checks.old"},
        ),
        # A table of header checks is no setting of milters, and the other way round.
        ({"smtpd_milters": f"{MAP}smtpd_milters"}, {}, {"smtpd_milters": f"{MAP}smtpd_milters"}),
        # The earlier value is restored, or the line removed.
        ({"enable_long_queue_ids": "yes"}, {}, {}),
        ({"enable_long_queue_ids": "yes"}, {"enable_long_queue_ids": "no"}, {"enable_long_queue_ids": "no"}),
        ({"enable_long_queue_ids": "yes"}, {"enable_long_queue_ids": "yes"}, {"enable_long_queue_ids": "yes"}),
        ({"enable_long_queue_ids": "no"}, {}, {"enable_long_queue_ids": "no"}),
        ({"enable_long_queue_ids": "yes"}, None, {"enable_long_queue_ids": "yes"}),
        # What follows header_checks again, as it did by default.
        (
            {"header_checks": f"{MAP}header_checks, regexp:/x", "mime_header_checks": "regexp:/x"},
            {"header_checks": "regexp:/x"},
            {"header_checks": "regexp:/x"},
        ),
        (
            {"header_checks": "regexp:/x", "nested_header_checks": "regexp:/x"},
            {"nested_header_checks": "$header_checks"},
            {"header_checks": "regexp:/x", "nested_header_checks": "$header_checks"},
        ),
        (
            {"header_checks": f"{MAP}header_checks, regexp:/x", "mime_header_checks": "regexp:/own"},
            {"header_checks": "regexp:/x"},
            {"header_checks": "regexp:/x", "mime_header_checks": "regexp:/own"},
        ),
        ({"header_checks": f"{MAP}header_checks", "mime_header_checks": ""}, {}, {}),
    ],
)
def test_the_holdgate_part_of_each_setting_is_removed(
    main: dict[str, str], before: dict[str, str | None] | None, after: dict[str, str]
) -> None:
    assert after_removal(main, before) == after


def smtpd(name: str, **options: str) -> Service:
    return Service(name, "unix", False, "smtpd", options)


@pytest.mark.parametrize("keep", [True, False])
def test_holdgate_services_are_removed_but_an_earlier_notice_listener_stays(keep: bool) -> None:
    logs = ("postfix/holdgate", "postfix/holdgate-split", "postfix/holdgate-change", "postfix/holdgate-replace")
    ours = [smtpd(f"ours{place}", syslog_name=log) for place, log in enumerate(logs)]
    others = [smtpd("smtp"), smtpd("own", syslog_name="postfix/holdgate-own")]
    draft = Draft({}, *ours, *others)
    remove_settings(draft, SETTINGS, draft, {}, keep_listener=keep)
    assert [one.name for one in draft.services()] == [*(["ours0"] if keep else []), "smtp", "own"]


def test_remaining_entries_that_may_belong_to_holdgate_are_named() -> None:
    """A person changes it: attach did not write it."""
    main = {
        "smtpd_milters": ENTRY,  # is removed before
        "enable_long_queue_ids": "yes",
        "message_strip_characters": r"\200",
        "own_milters": f"inet:x:1, {OURS}",
        "own_checks": f"{MAP}header_checks",
        "own_others": f"{MAP}header_checks.old",
    }
    services = [
        smtpd("587", smtpd_milters=OURS),
        smtpd("25", smtpd_milters="inet:x:1"),
        smtpd("26", x=f"{MAP}header_checks"),
    ]
    draft = Draft(main, *services)
    assert [line.split(" ")[1] for line in remaining(draft, SETTINGS, draft, {})] == [
        "enable_long_queue_ids",
        "own_milters",
        "own_checks",
        "587/unix",
        "26/unix",
    ]
    known = dict.fromkeys(VALUES)
    assert "enable_long_queue_ids" not in " ".join(remaining(draft, SETTINGS, draft, known))


def test_the_earlier_value_of_each_setting_that_attach_may_change_is_saved() -> None:
    before = written_before(Draft({"smtpd_milters": "inet:x:1", "mydestination": "corp.example"}))
    assert before == {name: "inet:x:1" if name == "smtpd_milters" else None for name in TOUCHED}


# -- the optional listeners -------------------------------------------------------------------------------------------


def site(**desk: str) -> Settings:
    return Settings.model_validate({"desk": desk})


CHANGE = site(change_relay="unix:/var/spool/postfix/public/new")
REPLACE = site(replacement_relay="unix:/var/spool/postfix/public/new")


def set_change(draft: Draft, settings: Settings) -> None:
    listeners.set_change_listener(draft, settings, draft)


@pytest.mark.parametrize(
    ("add", "settings", "log", "find"),
    [
        (set_change, CHANGE, "postfix/holdgate-change", lambda *given: next(iter(change_listener(*given)), None)),
        (listeners.set_replace_listener, REPLACE, "postfix/holdgate-replace", replace_listener),
    ],
    ids=["change", "replace"],
)
def test_a_listener_with_a_new_name_replaces_the_old_one(
    add: Callable[[Draft, Settings], None], settings: Settings, log: str, find: Callable[..., Service | None]
) -> None:
    draft = Draft({"smtpd_milters": f"{ENTRY}, inet:x:1"}, smtpd("old", syslog_name=log), smtpd("smtp"))
    add(draft, settings)
    assert "old/unix" not in draft.listed
    assert "smtp/unix" in draft.listed
    made = find(draft.services(), settings)
    assert made is not None, "it holds all mail"
    assert (made.name, made.settings["syslog_name"]) == ("new", log)
    before = dict(draft.listed)
    add(draft, settings)
    assert draft.listed == before
    draft.listed["new/unix"] = smtpd("new", by="hand", smtpd_recipient_restrictions="static:HOLD")
    add(draft, settings)
    assert draft.listed["new/unix"].settings["by"] == "hand", "one that was made by hand is kept"


def test_changed_messages_pass_through_the_milters_after_holdgate() -> None:
    draft = Draft({"smtpd_milters": f"inet:x:1, {ENTRY}, inet:x:2"})
    set_change(draft, CHANGE)
    assert draft.listed["new/unix"].settings["smtpd_milters"] == "inet:x:2"
    assert draft.listed["holdgate-change-cleanup/unix"].command == "cleanup"


def test_a_tcp_relay_or_no_relay_needs_no_listener() -> None:
    for settings in (site(), site(change_relay="127.0.0.1:25", replacement_relay="127.0.0.1:25")):
        draft = Draft()
        set_change(draft, settings)
        listeners.set_replace_listener(draft, settings)
        assert draft.services() == []
