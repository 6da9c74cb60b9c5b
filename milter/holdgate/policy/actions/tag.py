"""Tag: the message is delivered with header fields of the policy, for a system after Postfix to act on."""

from typing import ClassVar

from holdgate.policy.action import Action


class Tag(Action):
    """Accept a message and add the policy's `headers`."""

    name: ClassVar[str] = "tag"
    summary: ClassVar[str] = "delivered with the fields of `headers`, recorded"
    strictness: ClassVar[int] = 20
    needs_headers: ClassVar[bool] = True
