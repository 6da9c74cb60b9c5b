"""The final destinations of a recipient as Postfix routes it: rewriting, aliases, forward files, blind copies.

A milter sees recipients as the client wrote them. trivial-rewrite(8), cleanup(8) and local(8) change them later:
``bob%partner.example@corp.example`` is delivered to bob, and an alias to its targets. This module uses Postfix's own
tables, in its order (ADDRESS_REWRITING_README, virtual(5), aliases(5), local(8)). If the destination is unknown (a
command, an unreadable forward file, a failed lookup), the result says so, and the recipient counts as external.
"""

import ipaddress
import pwd
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holdgate import maillog, metrics
from holdgate.config import Settings
from holdgate.notation import Network
from holdgate.phrases import failure_of
from holdgate.policy.expansion import TemplateError, filled
from holdgate.policy.forms import Rewriting, rewritten, targets, unquoted
from holdgate.policy.site import GENERIC, Site, masqueraded, read_site, without_extension
from holdgate.tables import TableError, Tables, is_pattern, state_of

# How many steps an alias is followed, and to how many addresses; Postfix's own limits are 1000 and 1000
# (virtual_alias_recursion_limit, virtual_alias_expansion_limit).
_DEPTH = 20
_MOST = 5000


@dataclass(frozen=True, slots=True)
class Route:
    """The destinations of one recipient, and why they are not known for certain ("" if they are)."""

    ends: tuple[str, ...]
    unknown: str = ""


@dataclass(slots=True)
class _RouteState:
    """The state while one recipient is followed."""

    ends: dict[str, None] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    next: list[str] = field(default_factory=list)
    unknown: str = ""

    def report_doubt(self, why: str) -> None:
        self.unknown = self.unknown or why

    def add(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            if address not in self.seen:
                self.seen.add(address)
                self.next.append(address)
        if len(self.seen) > _MOST:
            self.report_doubt(f"more than {_MOST} addresses")
            self.next.clear()


class Routes:
    """Finds destinations for one Postfix instance, with its current settings. Thread-safe."""

    def __init__(self, config: Path, tables: Tables, inbound: Sequence[Network] = ()) -> None:
        """Use the instance with this configuration. Clients in `inbound` submit mail from outside."""
        self._config = config
        self._inbound = inbound
        self._tables = tables
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._site: Site | None = None

    @classmethod
    def of(cls, settings: Settings, tables: Tables) -> "Routes":
        """Use the instance that the settings name."""
        return cls(settings.queue.postfix_config, tables, settings.policy.inbound_clients)

    def site(self) -> Site | None:
        """Return Postfix's settings, read again when main.cf or master.cf changes; None if they are unavailable."""
        state = state_of(self._config)
        with self._lock:
            if state != self._seen or self._site is None:
                try:
                    self._site = read_site(self._config)
                except (OSError, subprocess.SubprocessError) as error:
                    metrics.ERRORS.labels("routes").inc()
                    maillog.failed(stage="routes", error=failure_of(error))
                    self._site = None
                self._seen = state
            return self._site

    def route_of(self, recipient: str) -> Route:
        """Follow a recipient, as written in RCPT, to its destinations."""
        site = self.site()
        if site is None:
            return Route((recipient,), "Postfix's settings cannot be read")
        address, others, is_odd = rewritten(recipient, site.rewriting)
        state = _RouteState()
        state.add([address, *others])
        if is_odd:
            state.report_doubt("an address within an address")
        for _ in range(_DEPTH):
            addresses, state.next = state.next, []
            if not addresses:
                break
            self._step(site, state, addresses)
        else:
            state.report_doubt("an alias without an end")
        return Route((address, *(end for end in (*others, *state.ends) if end != address)), state.unknown)

    def copies(self, sender: str) -> Route:
        """Return who gets a copy of every message, and of every message from this sender."""
        site = self.site()
        if site is None:
            return Route((), "")
        state = _RouteState()
        copies = list(site.lists["always_bcc"])
        if sender:
            senders = [rewritten(sender, site.rewriting).address]
            for name in ("sender_canonical_maps", "canonical_maps"):  # cleanup(8) looks up the rewritten sender
                senders += self._mapped(site, state, name, senders[-1:]).get(senders[-1], [])
            for found in self._mapped(site, state, "sender_bcc_maps", senders).values():
                copies += found
        if not copies and not state.unknown:
            return Route((), "")
        routes = [self.route_of(copy) for copy in copies]
        ends = dict.fromkeys(end for route in routes for end in route.ends)
        return Route(tuple(ends), next((route.unknown for route in routes if route.unknown), state.unknown))

    def copies_by_recipient(self) -> bool:
        """Return whether mail for some recipients is copied to others."""
        site = self.site()
        return site is None or bool(site.lists["recipient_bcc_maps"])

    def are_copied(self, recipients: Iterable[str]) -> bool:
        """Return whether mail for some of these recipients is copied to others, or that is not certain.

        cleanup(8) looks up a recipient after canonical(5) rewriting; aliases count here too.
        """
        site = self.site()
        if site is None or not site.lists["recipient_bcc_maps"]:
            return site is None
        for recipient in recipients:
            address, others, is_odd = rewritten(recipient, site.rewriting)
            state, addresses = _RouteState(), [address, *others]
            for name in ("recipient_canonical_maps", "canonical_maps", "virtual_alias_maps"):
                addresses += [one for mapped in self._mapped(site, state, name, addresses).values() for one in mapped]
                if name == "canonical_maps":
                    addresses += [masqueraded(one, site) for one in addresses]
            copies = self._mapped(site, state, "recipient_bcc_maps", list(dict.fromkeys(addresses)))
            if copies or is_odd or state.unknown:
                return True
        return False

    def within(self, address: str) -> Route:
        """Return an address and the addresses inside it after rewriting, without aliases: where a bounce would go."""
        site = self.site()
        first, others, is_odd = rewritten(address, site.rewriting if site is not None else Rewriting())
        return Route((first, *others), "an address within an address" if is_odd else "")

    def is_inside(self, client_address: str, auth_user: str) -> bool:
        """Return whether a client is internal: not in `inbound`, and authenticated, on this machine, or in mynetworks.

        A client whose address cannot be determined is internal.
        """
        site = self.site()
        if auth_user or site is None:
            return True
        try:
            client = ipaddress.ip_address(client_address.removeprefix("IPv6:"))
        except ValueError:
            return True
        if any(client in network for network in self._inbound):
            return False
        return site.networks is None or client.is_loopback or any(client in network for network in site.networks)

    # -- one step -------------------------------------------------------------------------------------------------

    def _step(self, site: Site, state: _RouteState, addresses: list[str]) -> None:
        left = addresses
        for name in ("recipient_canonical_maps", "canonical_maps", "virtual_alias_maps"):
            found = self._mapped(site, state, name, left)
            for address, mapped in found.items():
                if mapped == [address]:
                    continue
                state.add(mapped)
                if address in mapped:
                    state.ends[address] = None
            left = [address for address in left if found.get(address, [address]) == [address]]
            if name == "canonical_maps":  # after it, cleanup(8) masquerades
                state.add(masqueraded(address, site) for address in left)
                left = [address for address in left if masqueraded(address, site) == address]
        for copies in self._mapped(site, state, "recipient_bcc_maps", addresses).values():
            state.add(copies)
        local = [address for address in left if self._is_local(site, state, address)]
        remote = [address for address in left if address not in local]
        state.ends.update(dict.fromkeys(remote))
        for name in GENERIC:  # smtp(8) sends the result without another lookup
            for mapped in self._mapped(site, state, name, remote).values():
                state.ends.update(dict.fromkeys(mapped))
        self._deliver(site, state, local)

    def _mapped(self, site: Site, state: _RouteState, name: str, addresses: Sequence[str]) -> dict[str, list[str]]:
        """Look up addresses in the tables of a setting: mailbox with extension, mailbox, and domain (virtual(5))."""
        found: dict[str, list[str]] = {}
        for table in site.lists[name]:
            left = [address for address in addresses if address not in found]
            keys = {address: list(self._keys(site, address, table)) for address in left}
            answers = self._look_up(state, table, [key for some in keys.values() for key in some])
            for address, some in keys.items():
                key = next((key for key in some if key in answers), None)
                if key is not None:
                    mapped = self._targets(site, state, answers[key], address)
                    found[address] = [self._extended(site, name, address, key, one) for one in mapped]
        return found

    def _extended(self, site: Site, name: str, address: str, key: str, target: str) -> str:
        """Add the extension of an address that was found without it (propagate_unmatched_extensions)."""
        kind = next((one for one in ("canonical", "generic") if name.endswith(f"{one}_maps")), name.partition("_")[0])
        local = address.rpartition("@")[0]
        plain = without_extension(local, site.words["recipient_delimiter"])
        if kind not in site.lists["propagate_unmatched_extensions"] or key.rpartition("@")[0] not in ("", plain):
            return target
        mailbox, _, domain = target.rpartition("@")
        return target if key.startswith("@") else f"{mailbox}{local[len(plain) :]}@{domain}"

    def _keys(self, site: Site, address: str, table: str) -> Iterator[str]:
        local, _, domain = address.rpartition("@")
        yield address
        if local.startswith('"'):  # after the quoted form Postfix looks up the unquoted one
            yield f"{unquoted(local)}@{domain}"
        if is_pattern(table):
            return
        plain = without_extension(local, site.words["recipient_delimiter"])
        if plain != local:
            yield f"{plain}@{domain}"
        if domain == site.words["myorigin"].lower() or domain in site.lists["mydestination"]:
            yield local
            if plain != local:
                yield plain
        yield f"@{domain}"

    def _look_up(self, state: _RouteState, table: str, keys: Sequence[str]) -> dict[str, str]:
        try:
            return self._tables.lookup_many(table, keys)
        except TableError as error:
            metrics.ERRORS.labels("routes").inc()
            maillog.failed(stage="routes", error=str(error))
            state.report_doubt(f"{table} cannot be asked")
            return {}

    def _targets(self, site: Site, state: _RouteState, answer: str, address: str) -> list[str]:
        found = []
        local, _, _ = address.rpartition("@")
        for target in targets(answer):
            if target.startswith("@"):
                found.append(f"{local}{target}".lower())
            elif target.startswith("|"):
                state.report_doubt("a command")
            elif target.startswith(":include:"):
                found += self._included(site, state, Path(target.removeprefix(":include:")))
            elif not target.startswith("/"):  # a file stays on this machine
                first, others, is_odd = rewritten(target.removeprefix("\\"), site.rewriting)
                if is_odd:
                    state.report_doubt("an address within an address")
                found += [first, *others]
        return found

    def _included(self, site: Site, state: _RouteState, path: Path) -> list[str]:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            state.report_doubt(f"{path} cannot be read")
            return []
        listed = ",".join(line for line in lines if line.strip() and not line.startswith("#"))
        if ":include:" in listed:
            state.report_doubt(f"{path} includes another list")
            return []
        return self._targets(site, state, listed, "")

    # -- local(8) -------------------------------------------------------------------------------------------------

    def _is_local(self, site: Site, state: _RouteState, address: str) -> bool:
        domain = address.rpartition("@")[2]
        for table in site.lists["transport_maps"]:
            keys = [address] if is_pattern(table) else list(self._transport_keys(site, address, domain))
            answers = self._look_up(state, table, keys)
            if answer := next((answers[key] for key in keys if answers.get(key)), ""):
                transport = answer.partition(":")[0]
                if transport in site.pipes:
                    state.report_doubt(f"the transport {transport} is a command")
                return transport == "local"
        classes = (("mydestination", "local_transport"), ("virtual_mailbox_domains", "virtual_transport"))
        return any(
            site.words[transport].startswith("local")
            and any(self._holds(state, entry, domain) for entry in site.lists[domains])
            for domains, transport in classes
        )

    def _transport_keys(self, site: Site, address: str, domain: str) -> Iterator[str]:
        """Yield the lookup keys of transport(5): the address, without extension, the domain, its parents, and "*"."""
        local = address.rpartition("@")[0]
        yield from dict.fromkeys((address, f"{without_extension(local, site.words['recipient_delimiter'])}@{domain}"))
        yield domain
        labels = domain.split(".")
        yield from (f".{'.'.join(labels[count:])}" for count in range(1, len(labels)))
        yield "*"

    def _holds(self, state: _RouteState, entry: str, domain: str) -> bool:
        """Return whether an entry of mydestination matches a domain; a file of domains counts as a match."""
        if entry.startswith("/"):
            return True
        if ":" in entry:
            return domain in self._look_up(state, entry, [domain])
        return entry == domain

    def _deliver(self, site: Site, state: _RouteState, addresses: Sequence[str]) -> None:
        """Follow what local(8) delivers: an alias, else a forward file, else the address for unknown users."""
        delimiter = site.words["recipient_delimiter"]
        names = {address: address.rpartition("@")[0] for address in addresses}
        found: dict[str, str] = {}
        for table in site.lists["alias_maps"]:
            keys = {key for name in names.values() for key in (name, without_extension(name, delimiter))}
            found = self._look_up(state, table, sorted(keys)) | found
        for address, name in names.items():
            user = without_extension(name, delimiter)
            answer = found.get(name, found.get(user))
            if answer is None:
                self._forward(site, state, address, user, name)
                continue
            mapped = self._targets(site, state, answer, address)
            own = {address, user, f"{user}@{site.words['myorigin']}".lower()}
            state.add(target for target in mapped if target not in own)
            if own.intersection(mapped):  # an alias that contains itself also delivers to the user (aliases(5))
                self._forward(site, state, address, user, name)

    def _forward(self, site: Site, state: _RouteState, address: str, user: str, name: str) -> None:
        state.ends[address] = None
        delimiter = name[len(user) : len(user) + 1]
        values = {
            "user": user,
            "local": name,
            "mailbox": name,
            "domain": address.rpartition("@")[2],
            "recipient": address,
            "recipient_delimiter": delimiter or site.words["recipient_delimiter"][:1],
        }
        extension = name[len(user) + 1 :]
        if delimiter and "/" not in extension:  # local(8) ignores an extension with a slash
            values["extension"] = extension
        try:
            account = pwd.getpwnam(user)
        except (KeyError, ValueError):
            for relay in site.lists["luser_relay"]:
                try:
                    state.add(self._targets(site, state, filled(relay, values).text, address))
                except TemplateError:
                    state.report_doubt(f"luser_relay {relay} is not understood")
            return
        values |= {"home": account.pw_dir, "shell": account.pw_shell}
        for allowed in site.lists["forward_expansion_filter"] or [""]:
            self._read_forward(site, state, address, values, allowed)

    def _read_forward(
        self, site: Site, state: _RouteState, address: str, values: Mapping[str, str], allowed: str
    ) -> None:
        """Follow the first forward file that is there, with paths of these values and allowed characters."""
        for template in site.lists["forward_path"]:
            try:
                found = filled(template, values, allowed)
            except TemplateError:
                state.report_doubt(f"forward_path {template} is not understood")
                continue
            if not found.is_complete:  # a name without a value, such as the extension of an address that has none
                continue
            path = Path(found.text)
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                state.report_doubt(f"{path} may be there and cannot be read")
                return
            lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
            state.add(self._targets(site, state, ",".join(lines), address))
            return
