"""Where we stand in a Postfix instance's settings, and by which ways mail passes us there."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from holdgate.config import Settings
from holdgate.milters import is_ours
from holdgate.queue.postfix import Postfix, Service
from holdgate.tables import split_list

_MAPS_DIRECTORY = Path("/etc/holdgate/postfix")
# By which syslog_name we know what is ours in master.cf, and the cleanup(8) that our notices go through.
LISTENER_LOG = "postfix/holdgate"
CLEANUP = "holdgate-cleanup"
# The same of what waits for some recipients only: `milter.split_relay`.
SPLIT_LOG = "postfix/holdgate-split"
SPLIT_CLEANUP = "holdgate-split-cleanup"
# The same of messages that are approved with changes: `desk.change_relay`.
CHANGE_LOG = "postfix/holdgate-change"
CHANGE_CLEANUP = "holdgate-change-cleanup"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# Which programs speak to milters, and by which setting they know theirs.
_MILTERS_OF = {"smtpd": "smtpd_milters", "cleanup": "non_smtpd_milters"}
_MAPS_OF = {"cleanup": ("milter_header_checks", "header_checks"), "smtp": ("smtp_header_checks",)}


def names_us(value: str, settings: Settings, postfix: Postfix) -> bool:
    """Say whether a list of milters, macros expanded, has an entry of ours."""
    queue_directory = Path(postfix.setting("queue_directory"))
    return any(is_ours(entry, settings.milter.socket, queue_directory) for entry in split_list(value))


def our_map(name: str) -> str:
    """Return our table for a setting such as milter_header_checks."""
    return f"regexp:{_MAPS_DIRECTORY / name}"


def wants_listener(settings: Settings) -> bool:
    """Say whether our notices go to this machine's Postfix, which then has to listen for them."""
    relay = settings.desk.notice_relay
    return isinstance(relay, Path) or relay[0] in _LOOPBACK


def is_open_to_all(settings: Settings) -> bool:
    """Say whether each user of this machine can send through the listener for our notices."""
    return wants_listener(settings) and not isinstance(settings.desk.notice_relay, Path)


def listener_name(settings: Settings) -> str:
    """Return the name in master.cf of the listener for our notices: "host:port", or that of its socket."""
    relay = settings.desk.notice_relay
    if isinstance(relay, Path):
        return relay.name
    host, port = relay
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def notice_listener(services: Iterable[Service], settings: Settings) -> Service | None:
    """Return the service that takes our notices, by its own name or by another that has its port."""
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
    """Return the listener for changed messages and its cleanup(8); nothing where it does not hold all mail."""
    relay, known = settings.desk.change_relay, list(services)
    for one in known:
        holds = "static:HOLD" in one.settings.get("smtpd_recipient_restrictions", "")
        if isinstance(relay, Path) and holds and (one.name, one.type, one.command) == (relay.name, "unix", "smtpd"):
            cleanup = one.settings.get("cleanup_service_name")
            return [one, *(other for other in known if (other.name, other.command) == (cleanup, "cleanup"))]
    return []


def own_listeners(services: Iterable[Service]) -> list[Service]:
    """Return the listeners for our notices that `attach` made, of this version or an earlier one."""
    return [one for one in services if one.command == "smtpd" and one.settings.get("syslog_name") == LISTENER_LOG]


def split_listener(services: Iterable[Service], settings: Settings) -> Service | None:
    """Return the service that takes copies for recipients who wait."""
    named = (settings.milter.split_relay.name, "unix", "smtpd")
    return next((one for one in services if (one.name, one.type, one.command) == named), None)


def milters_behind_us(value: str, settings: Settings, postfix: Postfix) -> str:
    """Return the entries after ours of a list of milters, as one word for master.cf."""
    items = split_list(value)
    ours = [place for place, item in enumerate(items) if names_us(item, settings, postfix)]
    behind = items[ours[-1] + 1 :] if ours else []
    return ",".join(re.sub(r"\s*([{},=])\s*", r"\1", re.sub(r"\s+", " ", item)).replace(" ", ",") for item in behind)


def misplaced_socket(relay: tuple[str, int] | Path, postfix: Postfix) -> str:
    """Return where the socket of a listener would be, when the settings name another place, else ""."""
    if not isinstance(relay, Path):
        return ""
    place = Path(postfix.setting("queue_directory")) / "public" / relay.name
    return "" if place.resolve() == relay.resolve() else str(place)


def bypass_paths(settings: Settings, postfix: Postfix) -> Iterator[str]:
    """Yield what stays outside: services with settings of their own, filters, instances that are not ours."""
    services = postfix.services()
    ours = [
        notice_listener(services, settings),
        split_listener(services, settings),
        *change_listener(services, settings),
    ]
    for service in services:
        if service not in ours and service.name != SPLIT_CLEANUP:
            yield from (f"master.cf: {service} {problem}" for problem in _own_settings(service, settings, postfix))
    if postfix.setting("smtpd_proxy_filter"):
        yield "main.cf: smtpd_proxy_filter: Postfix shows milters no content; attach behind that filter."
    if (filters := content_filters(services, postfix)) and not _returns(services, settings, postfix):
        yield (
            f"{filters[0]}: mail that this filter hands back is inspected a second time, and people are "
            "asked a second time about every message that they approved, unless the listener it comes back to says "
            "receive_override_options=no_milters."
        )
    for other in postfix.setting("multi_instance_directories").replace(",", " ").split():
        yield (
            f"{other}: another Postfix instance; what it takes in is not inspected. One Holdgate serves one instance: "
            "attach the one through which all outgoing mail passes (queue.postfix_config)."
        )


def content_filters(services: Iterable[Service], postfix: Postfix) -> list[str]:
    """Return where a content filter after the queue is set that mail through us goes to: "main.cf: content_filter", …

    Settings of a service count for its own mail (FILTER_README, "Advanced content filter").
    """
    found = ["main.cf: content_filter"] if postfix.setting("content_filter") else []
    for service in services:
        if service.command in ("smtpd", "pickup") and service.settings.get("content_filter"):
            found.append(f"master.cf: {service}: content_filter")
    return found


def asked_twice(settings: Settings, postfix: Postfix) -> Iterator[str]:
    """Yield the listeners that take mail back from a content filter and show it to us a second time."""
    services = postfix.services()
    filters = content_filters(services, postfix)
    for service in _returns(services, settings, postfix) if filters else ():
        milters = service.settings.get("smtpd_milters", postfix.setting("smtpd_milters"))
        if _passes_us(service) or not names_us(milters, settings, postfix):
            continue
        yield (
            f"{service}: mail comes back here from the filter ({filters[0]}) and through the milter a second time, so "
            "that people are asked twice about each message; add to it: -o receive_override_options=no_milters"
        )


def _returns(services: Iterable[Service], settings: Settings, postfix: Postfix) -> list[Service]:
    """Return the listeners to which a content filter returns mail: they set it off, or are on a loopback address."""
    ours = notice_listener(services, settings)
    for_all = postfix.setting("content_filter")
    return [
        one
        for one in services
        if one.command == "smtpd"
        and one.type == "inet"
        and one != ours
        and not one.settings.get("content_filter", "" if _is_loopback(one) else for_all)
        and ("content_filter" in one.settings or _is_loopback(one))
    ]


def _is_back(service: Service, settings: Settings, postfix: Postfix) -> bool:
    """Say whether mail comes to a service from a content filter only, which got it through us."""
    return bool(_returns([service], settings, postfix)) and bool(content_filters(postfix.services(), postfix))


def _is_loopback(service: Service) -> bool:
    return service.name.rpartition(":")[0].strip("[]") in _LOOPBACK


def _passes_us(service: Service) -> bool:
    return "no_milters" in service.settings.get("receive_override_options", "")


def _own_settings(service: Service, settings: Settings, postfix: Postfix) -> Iterator[str]:
    own = service.settings
    milters = _MILTERS_OF.get(service.command, "")
    if milters in own and not names_us(own[milters], settings, postfix) and not _is_back(service, settings, postfix):
        yield (
            f"has milters of its own (-o {milters}={own[milters]}): what comes in there is not inspected. "
            "Add our entry there by hand, before the one that signs."
        )
    if _passes_us(service) and not _is_back(service, settings, postfix):
        yield "says no_milters: what comes in there is not inspected."
    if own.get("smtpd_proxy_filter"):
        yield (
            "has an smtpd_proxy_filter before the queue: Postfix shows milters no content there. "
            "Attach to the Postfix behind that filter instead."
        )
    if service.command == "pickup" and "no_header_body_checks" in own.get("receive_override_options", ""):
        yield "says no_header_body_checks: held mail that is requeued (postsuper -r) is delivered, and nobody decided."
    for maps in _MAPS_OF.get(service.command, ()):
        if maps in own and our_map(maps) not in split_list(own[maps]):
            yield f"has header checks of its own (-o {maps}={own[maps]}): add {our_map(maps)} there by hand."
