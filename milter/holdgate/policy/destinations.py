"""Who is judged for a message: recipients, where each leads to, who gets a copy, and whom a bounce would reach."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdgate.envelope import Envelope
from holdgate.policy.routes import Routes, Way


@dataclass(frozen=True, slots=True)
class Destination:
    """Somebody who is judged: what a person may call them, the address, and whether it is inside.

    `recipient` is the envelope recipient that leads there, None for who gets a copy of all, or a bounce.
    """

    called: str
    address: str
    is_inside: bool
    recipient: str | None = None


def destinations(
    envelope: Envelope, routes: Routes | None, is_internal: Callable[[str], bool]
) -> Iterator[Destination]:
    """Yield who is to be judged: recipients, where each leads to, who gets a copy, and whom a bounce would reach.

    Raises TableError where `is_internal` does.
    """
    # A message without recipients does not reach us; the null entry keeps the rules the same for one that would.
    for recipient in envelope.recipients or [""]:
        way = _way(recipient, routes, is_internal)
        first, *more = way.ends
        yield Destination(recipient, first, not way.unknown and is_internal(first), recipient)
        yield from (Destination(f"{recipient} → {end}", end, is_internal(end), recipient) for end in more)
    if routes is None:
        return
    copies = routes.copies(envelope.sender)
    for end in copies.ends:
        yield Destination(f"copy to {end}", end, not copies.unknown and is_internal(end))
    yield from (Destination(f"bounce to {end}", end, False) for end in bounce(envelope, routes, is_internal))


def bounce(envelope: Envelope, routes: Routes | None, is_internal: Callable[[str], bool]) -> list[str]:
    """Return the addresses outside to which a bounce would carry what comes from inside.

    A bounce carries the message, or its header, to the envelope sender. Whoever sent it from outside has it. Raises
    TableError where `is_internal` does.
    """
    if routes is None or not envelope.sender or not routes.is_inside(envelope.client_address, envelope.auth_user):
        return []
    back = routes.within(envelope.sender)
    if not back.unknown and is_internal(back.ends[0]):
        return []
    return [end for end in back.ends if back.unknown or not is_internal(end)]


def _way(recipient: str, routes: Routes | None, is_internal: Callable[[str], bool]) -> Way:
    """Follow a recipient, but for one that is outside whatever its way is: that costs no question."""
    if routes is None or not recipient:
        return Way((recipient,))
    written = routes.within(recipient)
    if not written.unknown and not is_internal(written.ends[0]) and not routes.copies_by_recipient():
        return written
    return routes.way_of(recipient)
