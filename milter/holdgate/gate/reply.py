"""What the session wants Postfix to do at the end of a message, in terms of the mail, not of the protocol."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one message: deferred (4xx), or accepted with these changes.

    `remove` are header fields to take off, by name and by place among the fields of that name (counted from 1), in
    the order in which they have to go. `add` are fields to append. `hold` is the reason for which
    Postfix is asked to put the message in its hold queue, "" where it is not: the message passes, or is held for a
    field of `add`. `bare_bounce` is the envelope sender to whom a bounce is to carry the header alone (RFC 3461,
    RET=HDRS), "" where it may carry what the client asked for. `block` is the text with which the message is refused
    (5xx), "" to accept it. `drop` are recipients who are taken off the message: they have a copy of their own.
    """

    tempfail: bool = False
    remove: list[tuple[str, int]] = field(default_factory=list)
    add: list[tuple[str, str]] = field(default_factory=list)
    hold: str = ""
    bare_bounce: str = ""
    block: str = ""
    drop: list[str] = field(default_factory=list)


TEMPFAIL = Reply(tempfail=True)
