"""What is unusual about the recipients of a message: found by `relations`, asked for by policies, kept in incidents."""

from dataclasses import dataclass

NEW, LOOKALIKE, TWIN, OUTLIER, CONTENT, MANY = "new", "lookalike", "twin", "outlier", "content", "many"
MACHINE_FIRST, MACHINE_RECIPIENT, MACHINE_MESSAGES = "machine-first", "machine-recipient", "machine-messages"
MACHINE_LINK, MACHINE_ATTACHMENT = "machine-link", "machine-attachment"
MACHINE = (MACHINE_FIRST, MACHINE_RECIPIENT, MACHINE_MESSAGES, MACHINE_LINK, MACHINE_ATTACHMENT)
"""What is new, or how many it is, in mail of a program."""
KINDS = (NEW, LOOKALIKE, TWIN, OUTLIER, CONTENT, MANY)


@dataclass(frozen=True, slots=True)
class Risk:
    """One unusual thing about one recipient, "" for the whole message.

    `similar` is what was perhaps meant: an address, a domain, or "bob@" for that mailbox at a domain that is not known
    in clear; "" where nothing is. For an outlier it is one of the domains beside it. `count` is how often mail went
    there, as far as it is remembered, or for `many` the number of recipients. `whose` says by whom: "sender" or "site";
    "own" is for a domain or a colleague of the site.

    Of mail of programs `whose` is the account, masked, `similar` the host of a link or the form of an attachment's
    name, and `count` which one of its kind this is that is new within 24 hours, or how many messages within an hour.
    """

    kind: str
    recipient: str
    similar: str = ""
    count: int = 0
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Risks:
    """All that was found about a message. `unknown` says that what was learned could not be read in time."""

    found: tuple[Risk, ...] = ()
    unknown: bool = False
