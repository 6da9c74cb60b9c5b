"""What is unusual about a message's recipients: found by `relations`, used by policies, stored in incidents."""

from dataclasses import dataclass

NEW, LOOKALIKE, TWIN, OUTLIER, CONTENT, MANY = "new", "lookalike", "twin", "outlier", "content", "many"
MACHINE_FIRST, MACHINE_RECIPIENT, MACHINE_MESSAGES = "machine-first", "machine-recipient", "machine-messages"
MACHINE_LINK, MACHINE_ATTACHMENT = "machine-link", "machine-attachment"
MACHINE = (MACHINE_FIRST, MACHINE_RECIPIENT, MACHINE_MESSAGES, MACHINE_LINK, MACHINE_ATTACHMENT)
"""What is new in mail of a program, or occurs too often."""
KINDS = (NEW, LOOKALIKE, TWIN, OUTLIER, CONTENT, MANY)


COLLEAGUES = "colleagues"


@dataclass(frozen=True, slots=True)
class Risk:
    """One unusual thing about one recipient; the recipient is "" if it concerns the complete message.

    `similar` is what was probably meant: an address, a domain, or "bob@" for this mailbox at a domain that is not known
    in clear text; "" if nothing is similar. For an outlier it is one of the other recipients' domains. `count` is how
    often mail was sent there, as far as remembered; for `many` it is the number of recipients. `whose` states by whom:
    "sender" or "site"; "own" is for a domain or a colleague of the site. COLLEAGUES is as "site", but the sender must
    not see the name. For content, "value" means a single value, such as one IBAN: `similar` is its identifier.
    "document" means an attachment.

    For mail of programs, `whose` is the account, masked. `similar` is the host of a link or the pattern of an
    attachment's name. `count` is the number of new things of this kind within 24 hours, this one included, or of
    messages within an hour.
    """

    kind: str
    recipient: str
    similar: str = ""
    count: int = 0
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Risks:
    """Everything found about a message. `unknown` is true if the learned data could not be read in time."""

    found: tuple[Risk, ...] = ()
    unknown: bool = False

    def kinds(self) -> list[str]:
        """Return the kinds that were found, in alphabetical order, and "unknown" at the end."""
        return sorted({one.kind for one in self.found}) + ["unknown"] * self.unknown
