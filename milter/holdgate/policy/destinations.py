"""The addresses to evaluate for a message: recipients, their destinations, copies, and the target of a bounce."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdgate.envelope import Envelope
from holdgate.policy.routes import Route, Routes


@dataclass(frozen=True, slots=True)
class Destination:
    """One address to evaluate: its name for people, the address, and whether it is internal.

    `recipient` is the envelope recipient that leads there; None for a copy of every message, or a bounce.
    """

    called: str
    address: str
    is_inside: bool
    recipient: str | None = None


def destinations(
    envelope: Envelope, routes: Routes | None, is_internal: Callable[[str], bool]
) -> Iterator[Destination]:
    """Yield the addresses to evaluate: recipients, their destinations, copies, and the target of a bounce.

    Raises TableError if `is_internal` does.
    """
    # The milter never gets a message without recipients. For one, the null entry applies the same rules.
    for recipient in envelope.recipients or [""]:
        route = _route(recipient, routes, is_internal)
        first, *more = route.ends
        yield Destination(recipient, first, not route.unknown and is_internal(first), recipient)
        yield from (Destination(f"{recipient} → {end}", end, is_internal(end), recipient) for end in more)
    if routes is None:
        return
    copies = routes.copies(envelope.sender)
    for end in copies.ends:
        yield Destination(f"copy to {end}", end, not copies.unknown and is_internal(end))
    yield from (Destination(f"bounce to {end}", end, False) for end in bounce(envelope, routes, is_internal))


def bounce(envelope: Envelope, routes: Routes | None, is_internal: Callable[[str], bool]) -> list[str]:
    """Return the external addresses to which a bounce would carry a message from inside.

    A bounce carries the message, or its header, to the envelope sender. An external client already has it. Raises
    TableError if `is_internal` does.
    """
    if routes is None or not envelope.sender or not routes.is_inside(envelope.client_address, envelope.auth_user):
        return []
    back = routes.within(envelope.sender)
    if not back.unknown and is_internal(back.ends[0]):
        return []
    return [end for end in back.ends if back.unknown or not is_internal(end)]


def _route(recipient: str, routes: Routes | None, is_internal: Callable[[str], bool]) -> Route:
    """Follow a recipient. One that is external in any case is not looked up."""
    if routes is None or not recipient:
        return Route((recipient,))
    written = routes.within(recipient)
    if not written.unknown and not is_internal(written.ends[0]) and not routes.copies_by_recipient():
        return written
    return routes.route_of(recipient)
