"""Meets each call of the store about one item, so that a test can have it fail."""

from collections.abc import Callable, Collection
from typing import Any

import pytest

from holdgate.quarantine.allowances import Allowances
from holdgate.quarantine.digests import Digests
from holdgate.quarantine.incidents import Incidents
from holdgate.quarantine.outbox import Outbox
from holdgate.quarantine.replacements import Replacements
from holdgate.quarantine.requests import Requests
from holdgate.quarantine.store import Store

STORES: tuple[type, ...] = (Store, Incidents, Requests, Outbox, Digests, Replacements, Allowances)
_NAMES = ("id", "incident_id", "queue_id", "person")


def calls_about(monkeypatch: pytest.MonkeyPatch, names: Collection[str], reach: Callable[[str], None]) -> None:
    """Have `reach` called first by each call of the store with an argument that has one of these names, or is one.

    A name is the id of an incident, a queue id, or a person. `reach` gets the name of the call, and may raise.
    """
    wanted = set(names)

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: object, *rest: Any, **more: Any) -> Any:
            given = {getattr(one, key, None) for one in rest for key in _NAMES}
            if wanted & (given | {one for one in rest if isinstance(one, str)}):
                reach(name)
            return real(self, *rest, **more)

        return call

    for kind in STORES:
        for name, real in list(vars(kind).items()):
            if callable(real) and not name.startswith("_"):
                monkeypatch.setattr(kind, name, watched(f"{kind.__name__}.{name}", real))
