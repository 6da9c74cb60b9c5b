"""Finds Holdgate's part in a Postfix instance's settings, and the paths by which mail bypasses the milter."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from holdgate.config import Settings
from holdgate.milters import is_holdgate_milter
from holdgate.queue.postfix import Postfix, Service
from holdgate.tables import split_list

_MAPS_DIRECTORY = Path("/etc/holdgate/postfix")
# The syslog_name that identifies Holdgate's services in master.cf: its listener for notices, and the cleanup(8) of it.
LISTENER_LOG = "postfix/holdgate"
CLEANUP = "holdgate-cleanup"
# The same for copies that wait for some recipients: `milter.split_relay`.
SPLIT_LOG = "postfix/holdgate-split"
SPLIT_CLEANUP = "holdgate-split-cleanup"
# The same for messages that are approved with changes: `desk.change_relay`.
CHANGE_LOG = "postfix/holdgate-change"
CHANGE_CLEANUP = "holdgate-change-cleanup"
# The same for amended messages of programs: `desk.replacement_relay`.
REPLACE_LOG = "postfix/holdgate-replace"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_BY_CLIENT = (
    "smtpd_milter_maps: it has precedence over smtpd_milters. Mail from the clients in it is inspected only if the "
    "result names Holdgate's milter: add its entry there by hand, before the one that signs."
)
# The programs that use milters, and the settings that list these.
_MILTERS_OF = {"smtpd": "smtpd_milters", "cleanup": "non_smtpd_milters"}
_MAPS_OF = {"cleanup": ("milter_header_checks", "header_checks"), "smtp": ("smtp_header_checks",)}


def lists_holdgate(value: str, settings: Settings, postfix: Postfix, earlier: Iterable[str] = ()) -> bool:
    """Return whether a list of milters, macros expanded, has Holdgate's entry.

    `earlier` are sockets that the milter had when it was attached.
    """
    queue_directory = Path(postfix.setting("queue_directory"))
    sockets = (settings.milter.socket, *earlier)
    return any(is_holdgate_milter(entry, one, queue_directory) for entry in split_list(value) for one in sockets)


def holdgate_map(name: str) -> str:
    """Return Holdgate's table for a setting such as milter_header_checks."""
    return f"regexp:{_MAPS_DIRECTORY / name}"


def wants_listener(settings: Settings) -> bool:
    """Return whether notices are sent to this machine's Postfix, which then needs a listener for them."""
    relay = settings.desk.notice_relay
    return isinstance(relay, Path) or relay[0] in _LOOPBACK


def is_open_to_all(settings: Settings) -> bool:
    """Return whether every user of this machine can send through the listener for notices."""
    return wants_listener(settings) and not isinstance(settings.desk.notice_relay, Path)


def listener_name(settings: Settings) -> str:
    """Return the name in master.cf of the listener for notices: "host:port", or that of its socket."""
    relay = settings.desk.notice_relay
    if isinstance(relay, Path):
        return relay.name
    host, port = relay
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def notice_listener(services: Iterable[Service], settings: Settings) -> Service | None:
    """Return the service that accepts notices, with the same name or with another that has its port."""
    relay = settings.desk.notice_relay
    if isinstance(relay, Path):
        return next(
            (one for one in services if (one.name, one.type, one.command) == (relay.name, "unix", "smtpd")), None
        )
    host, port = relay
    names = {listener_name(settings), f"[{host}]:{port}", str(port)}
    if host in _LOOPBACK:
        names |= {f"localhost:{port}", f"127.0.0.1:{port}"}
    return next((service for service in services if service.type == "inet" and service.name in names), None)


def change_listener(services: Iterable[Service], settings: Settings) -> list[Service]:
    """Return the listener for changed messages and its cleanup(8); none if it does not hold all mail."""
    relay, known = settings.desk.change_relay, list(services)
    for one in known:
        holds = "static:HOLD" in one.settings.get("smtpd_recipient_restrictions", "")
        if isinstance(relay, Path) and holds and (one.name, one.type, one.command) == (relay.name, "unix", "smtpd"):
            cleanup = one.settings.get("cleanup_service_name")
            return [one, *(other for other in known if (other.name, other.command) == (cleanup, "cleanup"))]
    return []


def has_change_milters(services: Iterable[Service], settings: Settings) -> bool:
    """Return whether milters, which may sign, see the messages that the listener for changed messages accepts."""
    return any(one.settings.get("smtpd_milters") for one in change_listener(services, settings)[:1])


def split_milters(services: Iterable[Service], settings: Settings, postfix: Postfix) -> str:
    """Return the milters that see a copy for some recipients when it is held: those after Holdgate's.

    None, if milters see it when it is released (signing.py): a signature is valid for the time at which it is made.
    """
    if has_change_milters(services, settings):
        return ""
    return milters_after_holdgate(postfix.setting("smtpd_milters"), settings, postfix)


def replace_listener(services: Iterable[Service], settings: Settings) -> Service | None:
    """Return the listener for amended messages of programs; None if it does not hold all mail."""
    relay = settings.desk.replacement_relay
    for one in services:
        holds = "static:HOLD" in one.settings.get("smtpd_recipient_restrictions", "")
        if isinstance(relay, Path) and holds and (one.name, one.type, one.command) == (relay.name, "unix", "smtpd"):
            return one
    return None


def own_listeners(services: Iterable[Service]) -> list[Service]:
    """Return the listeners for notices that `attach` made, in this version or an earlier one."""
    return [one for one in services if one.command == "smtpd" and one.settings.get("syslog_name") == LISTENER_LOG]


def split_listener(services: Iterable[Service], settings: Settings) -> Service | None:
    """Return the service that accepts copies for recipients who wait."""
    named = (settings.milter.split_relay.name, "unix", "smtpd")
    return next((one for one in services if (one.name, one.type, one.command) == named), None)


def milters_after_holdgate(value: str, settings: Settings, postfix: Postfix) -> str:
    """Return the entries after Holdgate's in a list of milters, as one word for master.cf."""
    items = split_list(value)
    places = [place for place, item in enumerate(items) if lists_holdgate(item, settings, postfix)]
    behind = items[places[-1] + 1 :] if places else []
    return ",".join(re.sub(r"\s*([{},=])\s*", r"\1", re.sub(r"\s+", " ", item)).replace(" ", ",") for item in behind)


def misplaced_socket(relay: tuple[str, int] | Path, postfix: Postfix) -> str:
    """Return where a listener's socket would be, if the settings name another place, else ""."""
    if not isinstance(relay, Path):
        return ""
    place = Path(postfix.setting("queue_directory")) / "public" / relay.name
    return "" if place.resolve() == relay.resolve() else str(place)


def bypass_paths(settings: Settings, postfix: Postfix) -> Iterator[str]:
    """Yield what bypasses the milter: services with their own settings, filters, instances without Holdgate."""
    services = postfix.services()
    listeners = [
        notice_listener(services, settings),
        split_listener(services, settings),
        *change_listener(services, settings),
    ]
    for service in services:
        if service not in listeners and service.name != SPLIT_CLEANUP:
            yield from (f"master.cf: {service} {problem}" for problem in _own_settings(service, settings, postfix))
    if postfix.setting("smtpd_milter_maps"):
        yield f"main.cf: {_BY_CLIENT}"
    if postfix.setting("smtpd_proxy_filter"):
        yield "main.cf: smtpd_proxy_filter: Postfix shows milters no content; attach behind that filter."
    if (filters := content_filters(services, postfix)) and not _returns(services, settings, postfix):
        yield (
            f"{filters[0]}: mail that this filter returns is inspected a second time, and people are "
            "asked a second time about every message that they approved, unless the listener it returns to has "
            "receive_override_options=no_milters."
        )
    for other in postfix.setting("multi_instance_directories").replace(",", " ").split():
        yield (
            f"{other}: another Postfix instance; mail that it receives is not inspected. One Holdgate serves "
            "one instance: attach the one through which all outgoing mail passes (queue.postfix_config)."
        )


def content_filters(services: Iterable[Service], postfix: Postfix) -> list[str]:
    """Return where a content filter is set for mail that passed through the milter: "main.cf: content_filter", …

    Settings of a service apply to its own mail (FILTER_README, "Advanced content filter").
    """
    found = ["main.cf: content_filter"] if postfix.setting("content_filter") else []
    for service in services:
        if service.command in ("smtpd", "pickup") and service.settings.get("content_filter"):
            found.append(f"master.cf: {service}: content_filter")
    return found


def inspected_twice(settings: Settings, postfix: Postfix) -> Iterator[str]:
    """Yield the listeners that accept mail from a content filter and pass it to the milter a second time."""
    services = postfix.services()
    filters = content_filters(services, postfix)
    for service in _returns(services, settings, postfix) if filters else ():
        milters = service.settings.get("smtpd_milters", postfix.setting("smtpd_milters"))
        if _skips_milters(service) or not lists_holdgate(milters, settings, postfix):
            continue
        yield (
            f"{service}: mail comes back here from the filter ({filters[0]}) and through the milter a second time, so "
            "that people are asked twice about each message; add to it: -o receive_override_options=no_milters"
        )


def _returns(services: Iterable[Service], settings: Settings, postfix: Postfix) -> list[Service]:
    """Return the listeners to which a content filter returns mail: without content filter, or on a loopback address."""
    notices = notice_listener(services, settings)
    for_all = postfix.setting("content_filter")
    return [
        one
        for one in services
        if one.command == "smtpd"
        and one.type == "inet"
        and one != notices
        and not one.settings.get("content_filter", "" if _is_loopback(one) else for_all)
        and ("content_filter" in one.settings or _is_loopback(one))
    ]


def _is_back(service: Service, settings: Settings, postfix: Postfix) -> bool:
    """Return whether a service gets mail only from a content filter, after the milter inspected it."""
    return bool(_returns([service], settings, postfix)) and bool(content_filters(postfix.services(), postfix))


def _is_loopback(service: Service) -> bool:
    return service.name.rpartition(":")[0].strip("[]") in _LOOPBACK


def _skips_milters(service: Service) -> bool:
    return "no_milters" in service.settings.get("receive_override_options", "")


def _own_settings(service: Service, settings: Settings, postfix: Postfix) -> Iterator[str]:
    own = service.settings
    milters = _MILTERS_OF.get(service.command, "")
    if (
        milters in own
        and not lists_holdgate(own[milters], settings, postfix)
        and not _is_back(service, settings, postfix)
    ):
        yield (
            f"has separate milters (-o {milters}={own[milters]}): mail that it receives is not inspected. "
            "Add Holdgate's entry there by hand, before the one that signs."
        )
    if own.get("smtpd_milter_maps"):
        yield f"has a separate table: {_BY_CLIENT}"
    if _skips_milters(service) and not _is_back(service, settings, postfix):
        yield "has no_milters: mail that it receives is not inspected."
    if own.get("smtpd_proxy_filter"):
        yield (
            "has an smtpd_proxy_filter before the queue: Postfix shows milters no content there. "
            "Attach to the Postfix behind that filter instead."
        )
    if service.command == "pickup" and "no_header_body_checks" in own.get("receive_override_options", ""):
        yield "has no_header_body_checks: held mail that is requeued (postsuper -r) is delivered without a decision."
    for maps in _MAPS_OF.get(service.command, ()):
        if maps in own and holdgate_map(maps) not in split_list(own[maps]):
            yield f"has header checks of its own (-o {maps}={own[maps]}): add {holdgate_map(maps)} there by hand."
