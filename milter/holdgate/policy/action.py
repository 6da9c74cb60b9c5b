"""The base class of actions: what an action does with a message, what it needs, and its texts for people.

Each action is a class in its own module (`policy/actions/`). Everything that depends on the action uses it: the
policies file, the milter, `holdgate check`, the reference. A policy's action is an instance; its fields are the keys of
the policy that belong to this action.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from holdgate import mistakes, plugins
from holdgate.policy.asking import SenderRules

# The store has it in a column of 16 characters, the metrics in a label.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")


class Handling(IntEnum):
    """What Postfix does with the message, from the weakest to the strictest."""

    ACCEPT = 0
    """Accept it and deliver it."""
    HOLD = 1
    """Accept it and put it into the hold queue, until the moderators of its policy decide."""
    REFUSE = 2
    """Refuse it in the SMTP session with a 5xx reply."""
    DEFER = 3
    """Have the client retry later, with a 4xx reply."""


class Action(BaseModel):
    """One action. A subclass sets the class variables, declares the policy's keys as fields, and overrides methods.

    `name` is the word in policies, log, metrics and incidents. `strictness` orders the actions of one handling: a
    message gets the strictest action of its recipients, and a stricter handling has precedence. `summary` describes the
    outcome for people. `records` is true if an incident is recorded, `for_policies` if policies can have the action,
    `for_uninspected` if `uninspected` can, and `needs_headers` if a policy must add fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    summary: ClassVar[str]
    handling: ClassVar[Handling] = Handling.ACCEPT
    strictness: ClassVar[int] = 0
    records: ClassVar[bool] = True
    for_policies: ClassVar[bool] = True
    for_uninspected: ClassVar[bool] = False
    needs_headers: ClassVar[bool] = False

    def __str__(self) -> str:
        return self.name

    @classmethod
    def rank(cls) -> tuple[int, int]:
        """Return the action's place in the order of strictness."""
        return cls.handling, cls.strictness

    def fields(self, action_header: str) -> Mapping[str, str]:
        """Return the header fields to add to an accepted message.

        `action_header` is the name of the field that states the action (`policy.action_header`). The fields that cause
        a hold are added for every action that holds, whatever this returns.
        """
        return {}

    def alerted(self) -> Sequence[str]:
        """Return the addresses to notify of the message at once, by the mail `alert`."""
        return ()

    def joined(self, others: Iterable[Self]) -> Self:
        """Return the combined action if several policies with this action decided on a message; `others` come later."""
        return self

    def lookups(self) -> Mapping[str, str]:
        """Return what Postfix's milter_header_checks must return: header lines, each with its required result."""
        return {}

    def transports(self) -> Sequence[str]:
        """Return the transports of master.cf through which it sends mail."""
        return ()

    def sender_rules(self) -> SenderRules | None:
        """Return when the sender of a message that it holds is asked; None if moderators are asked."""
        return None

    def details(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of what `holdgate policy test` prints about it."""
        yield from ()


class ActionError(ValueError):
    """The name of an action is unknown, or an action's keys are invalid."""


class Registry:
    """The actions that policies can have."""

    def __init__(self) -> None:
        self.actions: dict[str, type[Action]] = {}
        self._reserved: frozenset[str] = frozenset()

    def reserve(self, keys: Iterable[str]) -> None:
        """Reserve keys that every policy has: no action can declare them."""
        self._reserved |= frozenset(keys)

    def add(self, *actions: type[Action]) -> None:
        """Register actions. Raises ActionError if a name, or a key of a policy, is already in use."""
        for one in actions:
            if not _NAME.fullmatch(one.name):
                raise ActionError(f'"{one.name}" is no name of an action: at most 16 characters of a-z, 0-9 and "-"')
            if one.name in self.actions:
                raise ActionError(f'the action "{one.name}" is declared twice')
            if reserved := sorted(self._reserved & one.model_fields.keys()):
                raise ActionError(f'the action "{one.name}" declares the key "{reserved[0]}", which every policy has')
            for key, owner in self.keys().items():
                if key in one.model_fields:
                    raise ActionError(f'the actions "{owner}" and "{one.name}" declare the same key "{key}"')
            self.actions[one.name] = one

    def keys(self) -> dict[str, str]:
        """Return the keys of a policy that belong to an action, each with the action's name."""
        return {key: one.name for one in self.actions.values() for key in one.model_fields}

    def make(self, name: str, keys: Mapping[str, Any]) -> Action:
        """Return the action `name` with its keys of a policy. Raises ActionError."""
        if name not in self.actions:
            known = [one.name for one in self.ordered() if one.for_policies]
            meant = mistakes.did_you_mean(name, known)
            raise ActionError(f"{mistakes.written(name)} is not allowed; write one of {', '.join(known)}{meant}")
        for key, owner in self.keys().items():
            if key in keys and owner != name:
                raise ActionError(f'"{name}" has no key {key}; it belongs to "{owner}"')
        try:
            return self.actions[name](**keys)
        except ValidationError as error:
            problems = [
                ": ".join(filter(None, (mistakes.place_of(detail["loc"]), mistakes.sentence(detail))))
                for detail in error.errors()
            ]
            raise ActionError("; ".join(problems)) from error

    def ordered(self) -> list[type[Action]]:
        """Return all actions from the weakest to the strictest."""
        return sorted(self.actions.values(), key=lambda one: one.rank())

    def add_modules(self, names: Iterable[str], directory: Path) -> None:
        """Import a site's modules by name and add the actions in their list ACTIONS, each once.

        Raises ActionError and PluginError.
        """
        for name, declared in plugins.load("policy.actions", names, directory, "ACTIONS"):
            if not all(isinstance(one, type) and issubclass(one, Action) for one in declared):
                raise ActionError(f"policy.actions: {name}: ACTIONS must be a tuple of subclasses of Action")
            try:
                self.add(*(one for one in declared if self.actions.get(one.name) is not one))
            except ActionError as error:
                raise ActionError(f"policy.actions: {name}: {error}") from error


REGISTRY = Registry()
"""The actions of this process. `policy.actions` adds the shipped ones, `Registry.add_modules` those of a site."""
