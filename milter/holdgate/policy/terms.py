"""The conditions of policies, as the policies file declares them; `conditions` evaluates them."""

import re
from datetime import date, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from holdgate import mistakes
from holdgate.findings import Severity
from holdgate.notation import Network, OneOrMany, Size
from holdgate.risks import MACHINE, Risk, Risks

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _one_network_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _days(value: object) -> object:
    """Convert "mon-fri" or ["mon", "wed"] to weekday numbers; Monday is 0."""
    if isinstance(value, str):
        first, separator, last = value.lower().partition("-")
        if first in _DAYS and (not separator or last in _DAYS):
            begin, end = _DAYS.index(first), _DAYS.index(last or first)
            return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    if isinstance(value, list) and all(isinstance(day, str) and day.lower() in _DAYS for day in value):
        return frozenset(_DAYS.index(day.lower()) for day in value)
    raise ValueError(f'{mistakes.written(value)} names no days; write "mon-fri" or ["mon", "wed"]')


def _zone(value: object) -> object:
    if isinstance(value, ZoneInfo):
        return value
    if not isinstance(value, str):
        raise ValueError(mistakes.no_zone(value))
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name is too long for a file
        raise ValueError(mistakes.no_zone(value)) from error


def _time(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"(\d\d):(\d\d)", value)
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            raise ValueError(f'{mistakes.written(value)} is no time of day; write it as "08:30"')
        return time(int(match[1]), int(match[2]))
    if not isinstance(value, time):
        raise ValueError(f'{mistakes.written(value)} is no time of day; write it as "08:30"')
    return value


# Address patterns (`*@corp.example`) or Postfix tables (`ldap:/etc/…`): see `policy.conditions`.
Patterns = OneOrMany
Networks = Annotated[list[Network], BeforeValidator(_one_network_or_many)]
Days = Annotated[frozenset[int], BeforeValidator(_days)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
TimeOfDay = Annotated[time, BeforeValidator(_time)]


class Table(BaseModel):
    """A table of the file: it cannot be changed, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class TimeWindow(Table):
    """When a policy applies. If `from` is later than `until`, the window spans midnight."""

    days: Days = Field(frozenset(range(7)), description='"mon-fri", or a list: ["mon", "wed"].')
    begin: TimeOfDay = Field(time(0, 0), alias="from", description='Time of day at which it begins, as "08:30".')
    end: TimeOfDay = Field(
        time(0, 0), alias="until", description='Time of day at which it ends; "00:00" is the end of the day.'
    )
    zone: Zone = Field(ZoneInfo("UTC"), description='Time zone, as "Europe/Berlin".')


class Attachment(Table):
    """Conditions on an attachment: one file must meet all that are given. The body is no attachment."""

    name: Patterns = Field([], description="Patterns of file names, as `*.xlsx`.")
    type: Patterns = Field(
        [], description="Kinds of documents, as in [formats](formats.md): pdf, ooxml, zip, image, … by content."
    )
    larger_than: Size = Field(0, description="True if its content is larger than this number of bytes.")
    inside: bool = Field(True, description="Whether files inside attachments count too, such as those of an archive.")


class Need(Table):
    """How much must have been found of an identifier."""

    id: str = Field(description="Id of an [identifier](identifiers.md), or a pattern of ids, as `us-*`.")
    count: int = Field(1, ge=1, description="Minimum number of different values.")
    confidence: Literal["low", "medium", "high"] = Field(
        "medium", description="Minimum confidence. Matches with a lower one do not count."
    )


class RecipientRisk(Table):
    """True if one of these is unusual about a recipient. See [the right recipient](../howto/recipients.md)."""

    new: bool = Field(
        False,
        description="No sender of the site has ever written to the recipient's domain; at a provider of free mail, to "
        "the address.",
    )
    lookalike: bool = Field(
        False,
        description="The sender has not written there, and the address or domain resembles one of the sender's or the "
        "site's correspondents; or the domain resembles one of `internal_domains`, and few have written there.",
    )
    twin: bool = Field(
        False, description="A new private mailbox, as at gmail.com, with the name of a colleague or correspondent."
    )
    outlier: bool = Field(
        False, description="The recipient's domain has never been together with the message's other domains."
    )
    content: Literal["unusual"] | None = Field(
        None,
        description='"unusual": something in this message went to only one domain until now, and this is another one: '
        "a single value (one IBAN), a document like the attached one, words of the subject, kinds of personal data, or "
        "the conversation.",
    )
    many: int = Field(0, ge=0, description="More external recipients than this are visible in To and Cc; 0: off.")
    similar_count: int = Field(
        3,
        ge=1,
        description="For `lookalike`: minimum number of messages to the similar address, if other senders wrote them.",
    )
    when_unknown: Literal["no-match", "match"] = Field(
        "no-match",
        description="Whether the condition is true if the store does not answer in time. If `relations.mode` is not "
        "`on`, only `many` can be true.",
    )

    @model_validator(mode="after")
    def _has_condition(self) -> "RecipientRisk":
        if not self.needs_relations and not self.many:
            raise ValueError("recipient_risk must name a risk: new, lookalike, twin, outlier, content or many")
        return self

    @property
    def needs_relations(self) -> bool:
        """Whether it has a condition other than the number of recipients."""
        return self.new or self.lookalike or self.twin or self.outlier or self.content is not None

    def is_among(self, risks: Risks, recipient: str) -> bool:
        """Return whether one of these risks was found for a recipient (in lower case) or for the complete message."""
        if risks.unknown and self.when_unknown == "match":
            return True
        return any(one.recipient in ("", recipient) and self._asks_for(one) for one in risks.found)

    def _asks_for(self, risk: Risk) -> bool:
        match risk.kind:
            case "many":
                return 0 < self.many < risk.count
            case "lookalike":
                return self.lookalike and (risk.whose == "own" or risk.count >= self.similar_count)
            case "content":
                return self.content is not None
        return risk.kind not in MACHINE and bool(getattr(self, risk.kind))


class MachineLimits(Table):
    """True if one of these is new or too many in a program's mail. See [machine accounts](../howto/machines.md)."""

    first: bool = Field(False, description="The account has never sent to the recipient.")
    new_recipients: int = Field(
        0,
        ge=0,
        description="The recipient is new, and the account has more than this number of new recipients within 24 "
        "hours; 0: off.",
    )
    messages: int = Field(
        0,
        ge=0,
        description="The account has sent more messages than this within an hour, including held ones; 0: off.",
    )
    links: Annotated[int, Field(ge=1)] | Literal["new"] | None = Field(
        None,
        description='A link leads to a host that the account has never sent (`"new"`), or to more than this number of '
        "such hosts within 24 hours.",
    )
    attachments: Annotated[int, Field(ge=1)] | Literal["new"] | None = Field(
        None,
        description='An attachment is of a kind that the account has never sent (`"new"`), or the account has sent '
        "more than this number of such kinds within 24 hours. A kind is the type and the name, without words with "
        "digits.",
    )

    @model_validator(mode="after")
    def _has_condition(self) -> "MachineLimits":
        if not (self.first or self.new_recipients or self.messages or self.links or self.attachments):
            raise ValueError("machine must name a limit: first, new_recipients, messages, links or attachments")
        return self

    def is_among(self, risks: Risks, recipient: str) -> bool:
        """Return whether a recipient (in lower case) or the complete message exceeds one of these limits."""
        return any(one.recipient in ("", recipient) and self.is_over(one) for one in risks.found)

    def is_over(self, risk: Risk) -> bool:
        """Return whether a risk exceeds its limit."""
        match risk.kind:
            case "machine-first":
                return self.first
            case "machine-recipient":
                return 0 < self.new_recipients < risk.count
            case "machine-messages":
                return 0 < self.messages < risk.count
            case "machine-link":
                return _is_over(self.links, risk.count)
            case "machine-attachment":
                return _is_over(self.attachments, risk.count)
        return False


def _is_over(limit: int | str | None, count: int) -> bool:
    return limit == "new" or (isinstance(limit, int) and count > limit)


class Conditions(Table):
    """All conditions that are given must be true. If a condition has several values, one of them is enough."""

    sender: Patterns = Field([], description="Envelope sender: addresses, `*@domain`, or a Postfix table.")
    not_sender: Patterns = Field([], description="Senders for whom the policy does not apply.")
    auth_user: Patterns = Field([], description="SMTP AUTH name: patterns or a Postfix table.")
    client: Networks = Field([], description="Networks of the SMTP client.")
    recipient: Patterns = Field([], description="Envelope recipient: addresses, `*@domain`, or a Postfix table.")
    not_recipient: Patterns = Field([], description="Recipients for whom the policy does not apply.")
    direction: Literal["any", "outbound", "internal"] = Field(
        "any", description="`outbound`: the recipient is in none of `internal_domains`; `internal`: in one of them."
    )
    subject: Patterns = Field([], description="Patterns of the decoded subject, as `*confidential*`.")
    header: dict[str, str] = Field(
        {}, description='Header fields, each with a pattern of its decoded value: `{ X-Project = "secret*" }`.'
    )
    larger_than: Size = Field(0, description="True if the complete message is larger than this number of bytes.")
    attachment: Attachment | None = Field(None, description="Conditions on an attachment, see below.")
    profile: dict[str, Severity] = Field(
        {},
        description='Profiles, each with the severity that it must reach: `{ dlp-pii = "low" }`. One is enough.',
    )
    found: list[Need] = Field([], description="Identifiers that must all have been found, see below.")
    not_found: list[Need] = Field([], description="Identifiers of which none must have been found, see below.")
    only: OneOrMany = Field(
        [],
        description="Ids of identifiers, or patterns of ids: true if no other identifier was found, with any "
        "confidence. Also true if nothing was found.",
    )
    inspection: list[Literal["complete", "limited", "failed", "encrypted"]] = Field(
        [], description="Statuses of the inspection; `encrypted`: the message has an encrypted part."
    )
    recipient_risk: RecipientRisk | None = Field(
        None, description='What must be unusual about the recipient, see below. Needs `relations.mode = "on"`.'
    )
    machine: MachineLimits | None = Field(
        None, description='What must be new or too many in mail of a program, see below. Needs `machines.mode = "on"`.'
    )
    during: TimeWindow | None = Field(None, description="The times at which it applies, see below.")
    not_during: TimeWindow | None = Field(None, description="The times at which it does not apply, as in `during`.")
    expires: date | None = Field(
        None, description="The last day on which it applies, in UTC. Afterwards it matches no message."
    )
