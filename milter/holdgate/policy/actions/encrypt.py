"""Encrypt: the message is delivered through a Postfix transport to an encryption gateway."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from holdgate import headers
from holdgate.mistakes import written
from holdgate.policy.action import Action


class Encrypt(Action):
    """Accept a message and have Postfix route it: `milter_header_checks` returns FILTER for the route field."""

    name: ClassVar[str] = "encrypt"
    summary: ClassVar[str] = "recorded, and delivered through `transport`"
    strictness: ClassVar[int] = 30

    transport: str = Field("", description="The Postfix transport, as `encrypt:[gateway.corp.example]`.")

    @model_validator(mode="after")
    def _has_transport(self) -> Self:
        if not re.fullmatch(r"[a-z][\w-]*:\S*", self.transport):
            given = f"transport: {written(self.transport)} is no transport; write it"
            problem = given if self.transport else '"encrypt" needs transport; add it'
            raise ValueError(f'{problem}, as in transport = "encrypt:[gateway.corp.example]"')
        return self

    def fields(self, action_header: str) -> Mapping[str, str]:
        """Return the fields for the action and the route."""
        return {action_header: "Encrypt", headers.ROUTE: self.transport}

    def lookups(self) -> Mapping[str, str]:
        """Require that the route field sends the message through the transport."""
        return {f"{headers.ROUTE}: {self.transport}": f"FILTER {self.transport}"}

    def transports(self) -> Sequence[str]:
        """Return the transport's service."""
        return (self.transport.partition(":")[0],)

    def details(self) -> Iterator[tuple[str, str]]:
        """Yield the transport."""
        yield "transport", self.transport
