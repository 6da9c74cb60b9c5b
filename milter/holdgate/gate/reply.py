"""The session's instructions for Postfix at the end of a message, in terms of mail, not of the protocol."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """The milter's response to one message: deferred (4xx), or accepted with these changes.

    `remove` are header fields to remove, by name and position among the fields of that name (counted from 1), in the
    order of removal. `add` are fields to append. `hold` is the reason for a quarantine request, or "" for none: then
    the message is accepted, or held because of a field of `add`. `bare_bounce` is the envelope sender whose bounces
    must carry the header only (RFC 3461, RET=HDRS), or "" if the client's choice applies. `block` is the text with
    which the message is refused (5xx), or "" to accept it. `drop` are recipients to remove from the message, because
    they have their own copy.
    """

    tempfail: bool = False
    remove: list[tuple[str, int]] = field(default_factory=list)
    add: list[tuple[str, str]] = field(default_factory=list)
    hold: str = ""
    bare_bounce: str = ""
    block: str = ""
    drop: list[str] = field(default_factory=list)


TEMPFAIL = Reply(tempfail=True)
