"""Proves who wrote a reply, in the ways that the site trusts: a server's results, SMTP AUTH, the client, a signature.

A token only says which request a mail is about: relays log the address that it is in. Each way returns in a word what
it rests on, for the history, or "" where it proves nothing.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

import authres

from holdgate import maillog
from holdgate.config import ReplySettings
from holdgate.desk.reply import Header
from holdgate.persons import Answerer, Persons, plain

# The field is written by the site's own server, and none is longer than a few hundred characters.
_RESULTS_LENGTH = 4000
_PASS = "pass"


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a mail came: its header, the SMTP client's address and AUTH name ("": unknown), and who signed it."""

    header: Header
    client: str = ""
    login: str = ""
    signers: tuple[str, ...] = ()


def find(settings: ReplySettings, arrival: Arrival, answerer: Answerer, persons: Persons) -> str:
    """Return what proves that `answerer` wrote the mail, "" for nothing. May raise TableError."""
    ways = {"results": _results, "login": _login, "client": _client, "smime": _signature}
    return next(
        (reported for way in settings.proof if (reported := ways[way](settings, arrival, answerer, persons))), ""
    )


def _results(settings: ReplySettings, arrival: Arrival, answerer: Answerer, persons: Persons) -> str:
    """Go by the topmost Authentication-Results (RFC 8601) of the named server: it adds its own above all others."""
    for value in arrival.header.values("Authentication-Results"):
        identity = value[:_RESULTS_LENGTH].split(";")[0].split("(")[0].split()
        if not identity or identity[0].lower() != settings.authserv_id.lower():
            continue
        try:
            field = authres.AuthenticationResultsHeader.parse_value(value[:_RESULTS_LENGTH])
        except Exception as error:  # the parser raises its own and others at what it does not know
            maillog.failed(stage="reply", error=f"Authentication-Results: {maillog.describe(error)}")
            return ""
        return _aligned(field.results or [], arrival.header.senders, answerer, persons)
    return ""


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
            # Two values of one property leave open which was tested.
            named[name] = "" if name in named else str(one.value or "").strip('"').lower()
        if method == "auth":
            # Whoever signed in as somebody else is not saved by the signature of the domain they share.
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
    """Say whether an identity's domain is the From header's, or one above it (relaxed alignment, RFC 7489, 3.1)."""
    identity = given.rpartition("@")[2]
    return domain == identity or ("." in identity and domain.endswith("." + identity))


def _login(settings: ReplySettings, arrival: Arrival, answerer: Answerer, persons: Persons) -> str:
    logins = [arrival.login] if arrival.login else []
    if settings.login_header:
        values = arrival.header.values(settings.login_header)
        # A second one was not written by the server that the site means.
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
    """Say whether an SMTP AUTH name or an address is that of the person who answers."""
    name = plain(name)
    if not name:
        return False
    full = f"{name}@{domain.lower()}" if domain and "@" not in name else name
    return bool({full, persons.own_address(full), persons.own_address(name)} & answerer.names)
