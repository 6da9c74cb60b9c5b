"""Alert: the message is delivered, and people are notified that it was sent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from holdgate.notation import OneOrMany
from holdgate.policy.action import Action


class Alert(Action):
    """Accept a message and notify people."""

    name: ClassVar[str] = "alert"
    summary: ClassVar[str] = "delivered, recorded, and the addresses of `notify` are notified"
    strictness: ClassVar[int] = 10

    notify: OneOrMany = Field([], description="Addresses that are notified.")

    @model_validator(mode="after")
    def _is_for_somebody(self) -> Self:
        if not self.notify:
            raise ValueError('"alert" needs notify; add it, as in notify = ["security@corp.example"]')
        return self

    def fields(self, action_header: str) -> Mapping[str, str]:
        """Return the field for the action."""
        return {action_header: "Alert"}

    def alerted(self) -> Sequence[str]:
        """Return the addresses that the policy names."""
        return self.notify

    def joined(self, others: Iterable[Self]) -> Self:
        """Notify everyone that one of the policies names, once."""
        return type(self)(notify=list(dict.fromkeys(address for one in (self, *others) for address in one.notify)))
