"""What `holdgate check` reports about Postfix: whether it uses the milter, holds marked mail, and has the services.

It is long because it is the one list of what is checked there: `problems` and `remarks` name each check once.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from subprocess import SubprocessError

from holdgate import headers
from holdgate.config import ModerationSettings, Settings
from holdgate.configfile import ConfigError
from holdgate.desk.worktime import WorkTime
from holdgate.gate import probe
from holdgate.policy.action import Handling
from holdgate.policy.model import PolicyFile, policies_of
from holdgate.policy.review import holding
from holdgate.policy.site import GENERIC, MAPS, read_site
from holdgate.queue.attach import longest_inspection
from holdgate.queue.postfix import Postfix, PostfixError, seconds_of
from holdgate.queue.presence import (
    bypass_paths,
    change_listener,
    has_change_milters,
    inspected_twice,
    is_open_to_all,
    listener_name,
    lists_holdgate,
    misplaced_socket,
    notice_listener,
    replace_listener,
    split_listener,
    split_milters,
    wants_listener,
)
from holdgate.tables import TableError, Tables, is_action, remedy_of, split_list

# Time left for delivery of a message that is approved at the last moment: greylisting, or a server that is down.
_TIME_TO_DELIVER = timedelta(days=1)


def problems(_path: Path, settings: Settings) -> Iterator[str]:
    """Yield errors in Postfix's settings. A failing Postfix command is reported once; the other checks go on."""
    config = settings.queue.postfix_config
    if shutil.which("postconf") is None:
        yield f"{config / 'main.cf'}: Postfix's commands are not found; install Postfix, or add /usr/sbin to PATH"
        return
    postfix = Postfix(config)
    try:
        policies = policies_of(settings.policy)
    except ConfigError:
        policies = PolicyFile()
    checks: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
        ("main.cf", lambda: _milters("smtpd_milters", postfix, settings)),
        ("main.cf", lambda: _milters("non_smtpd_milters", postfix, settings)),
        ("main.cf", lambda: _queue_ids(postfix)),
        ("main.cf", lambda: _milter_header_checks(postfix, settings, policies)),
        ("main.cf", lambda: _header_checks(postfix, settings, policies)),
        ("main.cf", lambda: _aliases(settings)),
        ("main.cf", lambda: _lifetime(postfix, settings, policies)),
        ("main.cf", lambda: _smtp_header_checks(postfix, settings)),
        ("master.cf", lambda: _listener(postfix, settings, policies)),
        ("master.cf", lambda: _change_listener(postfix, settings, policies)),
        ("master.cf", lambda: _replace_listener(postfix, settings)),
        ("master.cf", lambda: _split_listener(postfix, settings, policies)),
        ("master.cf", lambda: _milters_by_client(postfix, settings)),
        ("master.cf", lambda: inspected_twice(settings, postfix)),
        ("master.cf", lambda: _transports(postfix, policies)),
    )
    failures = set()
    for name, one in checks:
        try:
            yield from (f"{config / name}: {problem}" for problem in one())
        except (PostfixError, TableError) as error:
            answer = str(error).partition(": ")[2]  # without the command: several may fail because of one error
            if answer not in failures:
                yield f"{config / name}: {error}"
            failures.add(answer)


def remarks(settings: Settings) -> Iterator[str]:
    """Yield the paths by which mail bypasses the milter, as `holdgate attach` does. Yields nothing if Postfix fails."""
    postfix = Postfix(settings.queue.postfix_config)
    try:
        if not is_running(postfix):
            yield "Postfix does not run, so no mail is accepted or sent; start it: systemctl start postfix"
        yield from bypass_paths(settings, postfix)
        yield from _ways_outside(settings)
    except (PostfixError, OSError, SubprocessError):
        return


def is_running(postfix: Postfix) -> bool:
    """Return whether master(8) runs: it listens on the socket of showq(8). True if this user may not connect."""
    return probe.listens(Path(postfix.setting("queue_directory")) / "public/showq") is not False


def _ways_outside(settings: Settings) -> Iterator[str]:
    """Yield ways in which Postfix may send an internal recipient's mail outside, and how policies treat them."""
    main, site = settings.queue.postfix_config / "main.cf", read_site(settings.queue.postfix_config)
    for name in (*MAPS, "sender_bcc_maps", *GENERIC):
        if site.lists[name]:
            yield f"{main}: {name}: policies also test recipients by the targets in these tables"
    if site.lists["masquerade_domains"] and "envelope_recipient" in site.lists["masquerade_classes"]:
        yield f"{main}: masquerade_domains: policies also test recipients by the resulting domain"
    for transport in sorted(site.pipes) if site.lists["transport_maps"] else ():
        yield (
            f"{main}: transport_maps: a recipient that a table sends to {transport}, which is a command (pipe), "
            "is treated as external"
        )
    for copy in site.lists["always_bcc"]:
        yield f"{main}: always_bcc: {copy} is treated as a recipient of every message"
    if not (site.words["local_transport"].startswith("local") and site.lists["mydestination"]):
        return
    if site.lists["alias_maps"]:
        yield (
            f"{main}: alias_maps: policies also test recipients by the target of the alias; a command is treated as "
            "external"
        )
    for relay in site.lists["luser_relay"]:
        yield f"{main}: luser_relay: mail for unknown users is treated as mail to {relay}"
    if site.lists["forward_path"]:
        yield (
            f"{main}: forward_path: users can forward their mail. A user whose forward file or home directory "
            f'{settings.user} cannot read is treated as external; set "forward_path =" to disable forward files'
        )


# -- main.cf ------------------------------------------------------------------------------------------------------


def _milters(name: str, postfix: Postfix, settings: Settings) -> Iterator[str]:
    entry = next((item for item in split_list(postfix.setting(name)) if lists_holdgate(item, settings, postfix)), None)
    if entry is None:
        yield f"{name}: does not list Holdgate's socket, so mail is not inspected; run: holdgate attach"
        return
    seconds = round(longest_inspection(settings).total_seconds())
    action = _option(entry, "default_action", postfix)
    if action == "accept":
        yield (
            f"{name}: default_action=accept delivers mail uninspected when the milter fails; set "
            "default_action=tempfail"
        )
    if action == "quarantine" and not settings.queue.adopt_uninspected:
        yield (
            f"{name}: default_action=quarantine holds mail uninspected when the milter is down, and sends no request; "
            "set queue.adopt_uninspected, or default_action=tempfail"
        )
    if (allowed := seconds_of(_option(entry, "content_timeout", postfix))) < seconds:
        yield (
            f"{name}: content_timeout is {round(allowed)} s, but an inspection can take {seconds} s, so Postfix can "
            f"defer a message while it is inspected; set at least {seconds}s, or run: holdgate attach"
        )


def _queue_ids(postfix: Postfix) -> Iterator[str]:
    if postfix.setting("enable_long_queue_ids") != "yes":
        yield "enable_long_queue_ids: must be yes, because short queue ids are reused; set enable_long_queue_ids = yes"


def _milter_header_checks(postfix: Postfix, settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Look up, as cleanup(8) does, the results for the headers by which Holdgate holds and routes.

    A site that only marks mail for another system to hold needs none.
    """
    name = "milter_header_checks"
    tables = Tables(settings.queue.postfix_config)
    names = split_list(postfix.setting(name))
    unreadable = _unreadable(names, tables)
    yield from (f"{name}: {problem}" for problem in unreadable.values())
    readable = [table for table in names if table not in unreadable]
    wanted: dict[str, str] = {}
    if settings.policy.trusted_scanners or holding(policies):
        wanted[f"{settings.policy.action_header}: {settings.policy.action_value}"] = "HOLD"
    for policy in policies.policy:
        wanted |= policy.action.lookups()
    for header, action in wanted.items():
        answer = tables.first_answer(readable, header)
        if is_action(answer, action):
            continue
        if answer is None:
            what = f'no table has a result for "{header}"' if names else "is not set"
        else:
            what = f'returns "{answer}" for "{header}"'
        yield f"{name}: {what}, but must return {action}; run: holdgate attach, or see postfix/milter_header_checks"


def _header_checks(postfix: Postfix, settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Check that the tables hold a held message again when it is requeued, and no other message."""
    if not (settings.policy.trusted_scanners or holding(policies)):
        return
    tables, mark = Tables(settings.queue.postfix_config), f"{headers.HELD}: yes"
    names = split_list(postfix.setting("header_checks"))
    unreadable = _unreadable(names, tables)
    yield from (f"header_checks: {problem}" for problem in unreadable.values())
    if not is_action(tables.first_answer([table for table in names if table not in unreadable], mark), "HOLD"):
        yield (
            f'header_checks: no table returns HOLD for "{mark}", so "postsuper -r ALL" would deliver held '
            "messages without "
            "a decision; run: holdgate attach, or see postfix/header_checks"
        )
    for name in ("mime_header_checks", "nested_header_checks"):
        names = split_list(postfix.setting(name))
        unreadable = _unreadable(names, tables)
        if is_action(tables.first_answer([table for table in names if table not in unreadable], mark), "HOLD"):
            yield (
                f'{name}: returns HOLD for "{mark}", so a message with such a field in one of its parts '
                "stays held without "
                "a request; set it to the value of header_checks without Holdgate's table"
            )


def _lifetime(postfix: Postfix, settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Yield where a message can be too old for Postfix when it is approved: it then gets one delivery attempt."""
    rules = [settings.moderation, *(policy.moderation_over(settings.moderation) for policy in policies.policy)]
    longest = max(_longest_wait(one) for one in rules)
    for name, mail in (("maximal_queue_lifetime", ""), ("bounce_queue_lifetime", " (mail of the null sender)")):
        allowed = timedelta(seconds=seconds_of(postfix.setting(name)))
        if allowed >= longest + _TIME_TO_DELIVER:
            continue
        yield (
            f"{name}: is {_postfix_time(allowed)}{mail}, but a decision can take {_postfix_time(longest)} "
            "(deadline, levels, "
            "days that do not count). A message that is approved late gets one delivery attempt and is then "
            "returned; set "
            f"at least {_postfix_time(longest + _TIME_TO_DELIVER)}, or a shorter deadline"
        )


def _longest_wait(moderation: ModerationSettings) -> timedelta:
    """Return the longest time from first request to last decision, as full calendar days if only working days count."""
    levels = moderation.deadline * len(moderation.chain)
    if not moderation.working_days:
        return levels
    begin = datetime.combine(min(moderation.holidays, default=date(2026, 1, 1)), time(), UTC)
    worktime = WorkTime.of(moderation, UTC)
    starts = [begin + timedelta(days=day - 7) for day in range(14 + 7 * len(moderation.holidays[:50]))]
    return max(worktime.later(start, levels) - start for start in starts)


def _postfix_time(duration: timedelta) -> str:
    """Return a duration in Postfix's notation, in days if it is longer than one (rounded up)."""
    seconds = round(duration.total_seconds())
    return (
        f"{-(-seconds // 86400)}d"
        if seconds >= 86400
        else f"{-(-seconds // 3600)}h"
        if seconds >= 3600
        else f"{seconds}s"
    )


def _aliases(settings: Settings) -> Iterator[str]:
    """Look up in each alias table as the milter does: if a lookup fails, every recipient counts as external."""
    try:
        site = read_site(settings.queue.postfix_config)
        tables = Tables(settings.queue.postfix_config, user=settings.user if os.geteuid() == 0 else "")
    except (OSError, SubprocessError, KeyError):
        return  # reported as a problem elsewhere
    local = ("alias_maps",) if site.words["local_transport"].startswith("local") and site.lists["mydestination"] else ()
    for name in (*MAPS, "sender_bcc_maps", *local):
        for table in site.lists[name]:
            try:
                tables.lookup_many(table, ["postmaster@localhost"])
            except TableError as error:
                yield (
                    f"{name}: {error}; until it works, recipients it can apply to are treated as external; "
                    f"{remedy_of(table)}"
                )


def _smtp_header_checks(postfix: Postfix, settings: Settings) -> Iterator[str]:
    name = "smtp_header_checks"
    unreadable = _unreadable(split_list(postfix.setting(name)), Tables(settings.queue.postfix_config))
    yield from (f"{name}: {problem}" for problem in unreadable.values())


def _unreadable(names: list[str], tables: Tables) -> dict[str, str]:
    """Return the tables whose lookups fail, each with the error and the remedy."""
    problems = {}
    for table in names:
        try:
            tables.lookup(table, "Subject: a question")
        except TableError as error:
            problems[table] = f"{error}; {remedy_of(table)}"
    return problems


def _option(entry: str, name: str, postfix: Postfix) -> str:
    """Return an option of one milter from the braces of its entry, or else the setting for all milters."""
    match = re.search(rf"\b{name}\s*=\s*([^\s,}}]+)", entry)
    return match[1] if match else postfix.setting(f"milter_{name}")


# -- master.cf ----------------------------------------------------------------------------------------------------


# Postfix's settings that send copies of mail to further recipients.
_COPIES = ("always_bcc", "recipient_bcc_maps", "sender_bcc_maps")


def _listener(postfix: Postfix, settings: Settings, policies: PolicyFile) -> Iterator[str]:
    writes = settings.policy.trusted_scanners or holding(policies) or any(p.action.alerted() for p in policies.policy)
    if not (wants_listener(settings) and writes):
        return
    name, listener = listener_name(settings), notice_listener(postfix.services(), settings)
    copies = [setting for setting in _COPIES if postfix.setting(setting)]
    if listener is None:
        yield f"no listener on {name} for Holdgate's notices (desk.notice_relay); run: holdgate attach"
    elif copies and "cleanup_service_name" not in listener.settings:
        yield (
            f"{name}: the recipients of copies ({', '.join(copies)}) get links with which they can decide; "
            "run: holdgate attach, or see postfix/master.cf"
        )
    if place := misplaced_socket(settings.desk.notice_relay, postfix):
        yield f'desk.notice_relay: Postfix listens on {place}; set it to "unix:{place}"'
    if is_open_to_all(settings):
        path = Path(postfix.setting("queue_directory")) / "public/holdgate-notice"
        yield (
            f"desk.notice_relay: every user of this machine can send uninspected mail through {name}; "
            f'set it to "unix:{path}", run: holdgate attach, and restart holdgate-desk'
        )


def _change_listener(postfix: Postfix, settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Yield errors if `desk.change_relay` names no listener that holds all mail, or if a policy needs one."""
    asking = next((one.name for one in policies.policy if one.action.sender_rules() is not None), "")
    if asking and settings.desk.change_relay is None:
        yield (
            f'desk.change_relay is not set, so senders who are asked by policy "{asking}" cannot leave recipients out; '
            "add /etc/holdgate/postfix/change.cf to master.cf, and set desk.change_relay"
        )
    elif asking and postfix.setting("enable_original_recipient") != "yes":
        yield "enable_original_recipient: must be yes; otherwise senders who are asked cannot leave recipients out"
    if isinstance(settings.desk.change_relay, Path) and not change_listener(postfix.services(), settings):
        yield (
            f"desk.change_relay: master.cf has no listener {settings.desk.change_relay.name} that holds all mail; "
            "run: holdgate attach"
        )


def _replace_listener(postfix: Postfix, settings: Settings) -> Iterator[str]:
    """Yield what is wrong where `desk.replacement_relay` names no listener that inspects and holds all mail."""
    relay = settings.desk.replacement_relay
    if relay is None:
        return
    listener = replace_listener(postfix.services(), settings)
    if not isinstance(relay, Path) or listener is None:
        name = relay.name if isinstance(relay, Path) else f"{relay[0]}:{relay[1]}"
        yield f"desk.replacement_relay: master.cf has no listener {name} that holds all mail; run: holdgate attach"
        return
    milters = listener.settings.get("smtpd_milters", postfix.setting("smtpd_milters"))
    if not lists_holdgate(milters, settings, postfix) or "no_milters" in listener.settings.get(
        "receive_override_options", postfix.setting("receive_override_options")
    ):
        yield f"{relay.name}: does not use Holdgate's milter; remove smtpd_milters and no_milters from its options"
    if postfix.setting("enable_original_recipient") != "yes":
        yield "enable_original_recipient: must be yes; otherwise programs cannot replace held messages"


def _split_listener(postfix: Postfix, settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Yield why a message waits for all of its recipients although a policy sets `split`."""
    if not any(policy.split and policy.action.handling is Handling.HOLD for policy in policies.policy):
        return
    relay, listener = settings.milter.split_relay, split_listener(postfix.services(), settings)
    if listener is None:
        yield (
            f"no listener {relay.name} (milter.split_relay), so all recipients of a message wait, even if a policy has "
            "split; run: holdgate attach"
        )
        return
    if place := misplaced_socket(relay, postfix):
        yield f'milter.split_relay: Postfix listens on {place}; set it to "unix:{place}"'
    restrictions = split_list(listener.settings.get("smtpd_recipient_restrictions", ""))
    if restrictions[:2] != ["check_client_access", "static:HOLD"]:
        yield f"{relay.name}: does not hold all mail that it accepts; run: holdgate attach, or see postfix/master.cf"
    services = postfix.services()
    wanted = split_milters(services, settings, postfix)
    if listener.settings.get("smtpd_milters", "") != wanted and not has_change_milters(services, settings):
        yield (
            f"{relay.name}: its smtpd_milters must be those after Holdgate in main.cf ({wanted or 'none'}), which may "
            "sign; run: holdgate attach"
        )
    if postfix.setting("enable_original_recipient") != "yes":
        yield "enable_original_recipient: must be yes; otherwise no message is split"


def _milters_by_client(postfix: Postfix, settings: Settings) -> Iterator[str]:
    """Yield which listeners of Holdgate's own show their mail to milters that a table names (postconf(5))."""
    if not postfix.setting("smtpd_milter_maps"):
        return
    services = postfix.services()
    own = (
        split_listener(services, settings),
        *change_listener(services, settings),
        replace_listener(services, settings),
    )
    for one in own:
        if one is not None and one.settings.get("smtpd_milter_maps", "inherited"):
            yield (
                f"{one.name}: smtpd_milter_maps of main.cf has precedence over its milters; add to it: "
                "-o smtpd_milter_maps="
            )


def _transports(postfix: Postfix, policies: PolicyFile) -> Iterator[str]:
    known = {service.name for service in postfix.services() if service.type == "unix"}
    for policy in policies.policy:
        for name in policy.action.transports():
            if name not in known:
                yield (
                    f'no transport "{name}", which policy "{policy.name}" uses; add it, as in '
                    f'"{name} unix - - n - - smtp", or correct the policy\'s transport'
                )
