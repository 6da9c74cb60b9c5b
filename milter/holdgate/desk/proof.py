"""Proves who wrote a reply, by the site's trusted methods: a server's results, SMTP AUTH, the client, a signature.

A token only identifies the request of a mail, because relays log the address that contains it. Each method returns one
word for its evidence, for the history, or "" if it proves nothing.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

import authres

from holdgate import maillog
from holdgate.config import ReplySettings
from holdgate.desk.reply import Header
from holdgate.persons import Answerer, Persons, plain

# The site's own server writes the field; it has at most a few hundred characters.
_RESULTS_LENGTH = 4000
_PASS = "pass"
_SERVER = re.compile(r'\s*(?:\((?:[^()\\]|\\.)*\)\s*)*(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^\s;("]+))(?=[\s;(]|$)')


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a mail arrived: its header, the SMTP client's address and AUTH name ("": unknown), and who signed it."""

    header: Header
    client: str = ""
    login: str = ""
    signers: tuple[str, ...] = ()


def find(settings: ReplySettings, arrival: Arrival, answerer: Answerer, persons: Persons) -> str:
    """Return what proves that `answerer` wrote the mail, "" for nothing. Can raise TableError."""
    ways = {"results": _results, "login": _login, "client": _client, "smime": _signature}
    return next(
        (reported for way in settings.proof if (reported := ways[way](settings, arrival, answerer, persons))), ""
    )


def _results(settings: ReplySettings, arrival: Arrival, answerer: Answerer, persons: Persons) -> str:
    """Use the topmost Authentication-Results (RFC 8601) of the named server, which adds its field above all others."""
    for value in arrival.header.values("Authentication-Results"):
        server, rest = _divided(value[:_RESULTS_LENGTH])
        if server != settings.authserv_id.lower():
            continue
        try:
            field = authres.AuthenticationResultsHeader.parse_value(server + rest)
        except Exception as error:  # the parser raises several exceptions for unknown input
            maillog.failed(stage="reply", error=f"Authentication-Results: {maillog.describe(error)}")
            return ""
        return _aligned(field.results or [], arrival.header.senders, answerer, persons)
    return ""


def _divided(value: str) -> tuple[str, str]:
    """Return the authserv-id (RFC 8601, 2.2) in lower case, and what follows it.

    A comment may precede the id, and it may be quoted.
    """
    match = _SERVER.match(value)
    return ("", "") if match is None else ((match["quoted"] or match["plain"] or "").lower(), value[match.end() :])


def _aligned(
    results: Iterable[authres.AuthenticationResult], senders: list[str], answerer: Answerer, persons: Persons
) -> str:
    domain = senders[0].rpartition("@")[2] if len(senders) == 1 else ""
    if not domain:
        return ""
    found = ""
    for result in results:
        if str(result.result).lower() != _PASS:
            continue
        method = str(result.method).lower()
        named: dict[str, str] = {}
        for one in result.properties:
            name = f"{one.type}.{one.name}".lower()
            # With two values of one property, it is unknown which was tested.
            named[name] = "" if name in named else str(one.value or "").strip('"').lower()
        if method == "auth":
            # If a person signed in as someone else, the signature of their common domain proves nothing.
            if not _is(named.get("smtp.auth", ""), answerer, persons, ""):
                return ""
            return "auth"
        if method == "dmarc" and named.get("header.from", "") == domain:
            found = found or "dmarc"
        if method == "dkim" and _covers(named.get("header.d") or named.get("header.i", ""), domain):
            found = found or "dkim"
        if method == "spf" and _covers(named.get("smtp.mailfrom", ""), domain):
            found = found or "spf"
    return found


def _covers(given: str, domain: str) -> bool:
    """Return whether an identity's domain is the From header's or a parent of it (relaxed alignment, RFC 7489, 3.1)."""
    identity = given.rpartition("@")[2]
    return domain == identity or ("." in identity and domain.endswith("." + identity))


def _login(settings: ReplySettings, arrival: Arrival, answerer: Answerer, persons: Persons) -> str:
    logins = [arrival.login] if arrival.login else []
    if settings.login_header:
        values = arrival.header.values(settings.login_header)
        # With two fields, at least one was not written by the site's server.
        logins += values if len(values) == 1 else []
    return "login" if any(_is(login, answerer, persons, settings.login_domain) for login in logins[:1]) else ""


def _client(settings: ReplySettings, arrival: Arrival, _answerer: Answerer, _persons: Persons) -> str:
    try:
        address = ipaddress.ip_address(arrival.client.removeprefix("IPv6:"))
    except ValueError:
        return ""
    return "client" if any(address in network for network in settings.clients) else ""


def _signature(_settings: ReplySettings, arrival: Arrival, answerer: Answerer, persons: Persons) -> str:
    return "smime" if any(_is(signer, answerer, persons, "") for signer in arrival.signers[:10]) else ""


def _is(name: str, answerer: Answerer, persons: Persons, domain: str) -> bool:
    """Return whether an SMTP AUTH name or an address belongs to the person who answers."""
    name = plain(name)
    if not name:
        return False
    full = f"{name}@{domain.lower()}" if domain and "@" not in name else name
    return bool({full, persons.own_address(full), persons.own_address(name)} & answerer.names)
