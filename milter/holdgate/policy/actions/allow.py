"""Allow: the message is delivered, and only the log mentions it."""

from typing import ClassVar

from holdgate.policy.action import Action


class Allow(Action):
    """Accept a message as if no policy matched."""

    name: ClassVar[str] = "allow"
    summary: ClassVar[str] = "delivered; nothing is recorded"
    records: ClassVar[bool] = False
    for_uninspected: ClassVar[bool] = True
