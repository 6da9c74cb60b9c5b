"""The policies file: an ordered list of policies and exemptions. It becomes active only if all of it is valid."""

import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from holdgate import headers, mistakes
from holdgate.config import ModerationSettings, PolicySettings, Settings
from holdgate.configfile import ConfigError, read_toml
from holdgate.findings import Severity
from holdgate.notation import Network, OneOrMany, Size
from holdgate.plugins import PluginError
from holdgate.policy.action import REGISTRY, Action, ActionError
from holdgate.policy.actions import Quarantine
from holdgate.risks import MACHINE, Risk, Risks

UNINSPECTED = "uninspected"
"""The policy name of incidents that no policy decided, but the setting `uninspected`."""

# "adopted" is the policy name of incidents for unmanaged held messages (quarantine/recorded.py).
_RESERVED = (UNINSPECTED, "adopted")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _one_network_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _action(value: object) -> object:
    """Convert the name of an action, or the name with its keys of the policy, to the action."""
    match value:
        case str():
            return REGISTRY.make(value, {})
        case (str(name), dict(keys)):
            return REGISTRY.make(name, keys)
    return value


def _action_alone(value: object) -> object:
    """Convert the name of an action that needs no keys to the action."""
    allowed = [one.name for one in REGISTRY.ordered() if one.for_uninspected]
    if isinstance(value, str) and value not in allowed:
        raise ValueError(f"{mistakes.written(value)} is not allowed; write one of {', '.join(allowed)}")
    return _action(value)


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
    if not isinstance(value, str):
        return value
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f'"{value}" is no time zone; write one as "Europe/Berlin"') from error


def _time(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"(\d\d):(\d\d)", value)
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            raise ValueError(f'{mistakes.written(value)} is no time of day; write it as "08:30"')
        return time(int(match[1]), int(match[2]))
    return value


# Address patterns (`*@corp.example`) or Postfix tables (`ldap:/etc/…`): see `policy.conditions`.
Patterns = OneOrMany
Networks = Annotated[list[Network], BeforeValidator(_one_network_or_many)]
Days = Annotated[frozenset[int], BeforeValidator(_days)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
TimeOfDay = Annotated[time, BeforeValidator(_time)]
GivenAction = Annotated[Action, BeforeValidator(_action)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class TimeWindow(_Table):
    """When a policy applies. Without `days` every day; `from` later than `until` reaches over midnight."""

    days: Days = Field(frozenset(range(7)), description='"mon-fri", or a list: ["mon", "wed"].')
    begin: TimeOfDay = Field(time(0, 0), alias="from", description="Time of day, as 08:30.")
    end: TimeOfDay = Field(time(0, 0), alias="until", description="00:00 is the end of the day.")
    zone: Zone = Field(ZoneInfo("UTC"), description="As Europe/Berlin.")


class Attachment(_Table):
    """What an attachment must be: every given condition, on one and the same file. The body is no attachment."""

    name: Patterns = Field([], description="Patterns of file names, as `*.xlsx`.")
    type: Patterns = Field([], description="Names of readers: pdf, ooxml, zip, image, …, by content, not by name.")
    larger_than: Size = Field(0, description="Size of its content in bytes.")
    inside: bool = Field(True, description="Whether files inside attachments count too, as those of an archive.")


class Need(_Table):
    """What must have been found of one identifier (or pattern of identifiers, as `us-*`)."""

    id: str = Field(description="Id of an identifier, or a pattern of ids.")
    count: int = Field(1, ge=1, description="How many different values at least.")
    confidence: Literal["low", "medium", "high"] = Field("medium", description="The least confidence that counts.")


class RecipientRisk(_Table):
    """What must be unusual about a recipient, any of it. See [the right recipient](../howto/recipients.md)."""

    new: bool = Field(
        False,
        description="No sender of the site has written to the recipient's domain; with free mail, to the address. "
        "One message is enough.",
    )
    lookalike: bool = Field(
        False,
        description="The sender has not written there, and the address or domain resembles another one: "
        "one of the sender's correspondents, one of the site's, or one of `internal_domains`.",
    )
    twin: bool = Field(
        False, description="A new private mailbox, as at gmail.com, with the name of a colleague or correspondent."
    )
    outlier: bool = Field(
        False, description="The recipient's domain has never been together with the message's other domains."
    )
    content: Literal["unusual"] | None = Field(
        None,
        description="A single value (one IBAN), a document like the attached one, words of the subject, kinds of "
        "personal data or the conversation of this message went to only one domain until now, and this is another one.",
    )
    many: int = Field(0, ge=0, description="More external recipients than this are visible in To and Cc; 0: off.")
    similar_count: int = Field(
        3, ge=1, description="For `lookalike`: the least number of messages to the similar address."
    )
    when_unknown: Literal["no-match", "match"] = Field(
        "no-match",
        description="Whether the condition is true when the store does not answer in time. It is never true while "
        "`relations.mode` is not `on`, apart from `many`.",
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


class MachineLimits(_Table):
    """What must be new or too many in mail of a program, any of it. See [machine accounts](../howto/machines.md)."""

    first: bool = Field(False, description="The account has never sent to the recipient.")
    new_recipients: int = Field(
        0,
        ge=0,
        description="The recipient is new, and more than this number are within 24 hours; 0: off.",
    )
    messages: int = Field(0, ge=0, description="More messages than this within an hour, held ones included; 0: off.")
    links: Annotated[int, Field(ge=1)] | Literal["new"] | None = Field(
        None,
        description='A link leads to a host that the account has never sent (`"new"`), or to more than this number of '
        "such hosts within 24 hours.",
    )
    attachments: Annotated[int, Field(ge=1)] | Literal["new"] | None = Field(
        None,
        description='An attachment is of a kind that the account has never sent (`"new"`), or more than this number of '
        "such kinds are within 24 hours. A kind is the type and the name, without words with digits.",
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


class Conditions(_Table):
    """All that is given must be true; of several values of one condition any."""

    sender: Patterns = Field([], description="Envelope sender: addresses, `*@domain`, or a Postfix table.")
    not_sender: Patterns = Field([], description="Senders it is not for.")
    auth_user: Patterns = Field([], description="User that authenticated to Postfix (SASL), patterns or a table.")
    client: Networks = Field([], description="Networks of the SMTP client.")
    recipient: Patterns = Field([], description="Envelope recipient: addresses, `*@domain`, or a Postfix table.")
    not_recipient: Patterns = Field([], description="Recipients it is not for.")
    direction: Literal["any", "outbound", "internal"] = Field(
        "any", description="`outbound`: the recipient is in none of `internal_domains`; `internal`: in one of them."
    )
    subject: Patterns = Field([], description="Patterns of the decoded subject, as `*confidential*`.")
    header: dict[str, str] = Field({}, description="Header fields and the pattern of each one's decoded value.")
    larger_than: Size = Field(0, description="Size of the whole message in bytes.")
    attachment: Attachment | None = Field(None, description="What some attachment must be, see below.")
    profile: dict[str, Severity] = Field({}, description="Profiles and the severity each must reach; any of them.")
    found: list[Need] = Field([], description="Identifiers that must all have been found.")
    not_found: list[Need] = Field([], description="Identifiers none of which may have been found.")
    only: OneOrMany = Field(
        [],
        description="Ids of identifiers, or patterns of ids: true when nothing else was found, of any confidence, even "
        "the lowest. True as well when nothing was found at all.",
    )
    inspection: list[Literal["complete", "limited", "failed", "encrypted"]] = Field(
        [], description="Outcomes of the inspection; `encrypted`: some part is."
    )
    recipient_risk: RecipientRisk | None = Field(
        None, description="What must be unusual about the recipient, see below. Needs `relations.mode`."
    )
    machine: MachineLimits | None = Field(
        None, description="What must be new or too many in mail of a program, see below. Needs `machines.mode`."
    )
    during: TimeWindow | None = Field(None, description="When it applies, see below.")
    not_during: TimeWindow | None = Field(None, description="When it does not apply, as in `during`.")
    expires: date | None = Field(
        None, description="The last day on which it applies, in UTC. Afterwards it matches no message."
    )


class Policy(Conditions):
    """One policy: its conditions, and what is done when they are all true."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Its name in incidents, log and commands.")
    description: str = Field("", description="A sentence for auditors and moderators.")
    action: GivenAction = Field(description="What is done with the message: one of the actions above.")
    mode: Literal["enforce", "observe"] = Field(
        "enforce", description="`observe`: the incident is recorded, the message is not touched."
    )
    moderation: ModerationSettings | None = Field(
        None, description="Who is asked, and by when: any key of `[moderation]` in the [settings](config.md)."
    )
    split: bool = Field(
        False,
        description="Hold or refuse a message only for the recipients that this policy decides for; the others get it "
        "at once, and its sender gets a report of those refused. Without it, the strictest action applies to all.",
    )
    ocr: bool = Field(False, description="Read pictures of mail it is about, when `ocr.mode` is `policies`.")
    headers: dict[str, str] = Field({}, description="Header fields to add, for `tag` and any other action.")

    @model_validator(mode="before")
    @classmethod
    def _keys_of_its_action(cls, content: Any) -> Any:
        """Move the keys that belong to an action into the action; the policy itself does not declare them."""
        if not isinstance(content, dict) or not isinstance(content.get("action"), str):
            return content
        keys = REGISTRY.keys()
        given = {key: value for key, value in content.items() if key in keys}
        rest = {key: value for key, value in content.items() if key not in keys}
        return {**rest, "action": (content["action"], given)}

    @model_validator(mode="after")
    def _fits_together(self) -> "Policy":
        if self.name in _RESERVED:
            raise ValueError(f'name: "{self.name}" is what incidents without a policy are called')
        if not self.action.for_policies:
            raise ValueError(f"{self.action} is no action of a policy")
        if self.action.needs_headers and not self.headers:
            raise ValueError(f'action "{self.action}" needs [policy.headers]')
        for name, value in self.headers.items():
            if not re.fullmatch(r"[!-9;-~]+", name) or not re.fullmatch(r"[ -~]*", value):
                raise ValueError(f'headers: "{name}" is no header field of printable ASCII')
            if name.lower().startswith("x-holdgate-") or name.lower() == headers.INSPECTED.lower():
                raise ValueError(f"headers: {name} is written by Holdgate itself")
        return self

    def moderation_over(self, base: ModerationSettings) -> ModerationSettings:
        """Return the moderation settings `base` with the values that this policy overrides."""
        own = self.moderation
        return (
            base if own is None else base.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
        )


REGISTRY.reserve(Policy.model_fields)


class Exemption(_Table):
    """Mail that no policy is for, until a day, for a reason: both must be given."""

    reason: str = Field(min_length=1, description="The reason, for later readers of the file.")
    expires: date = Field(description="The last day on which it is valid, in UTC.")
    policy: Patterns = Field([], description="Names of the policies it lifts; none means all.")
    sender: Patterns = Field([], description="As in a policy.")
    recipient: Patterns = Field([], description="As in a policy.")
    auth_user: Patterns = Field([], description="As in a policy.")
    client: Networks = Field([], description="As in a policy.")

    @model_validator(mode="after")
    def _has_subject(self) -> "Exemption":
        if not (self.sender or self.recipient or self.auth_user or self.client):
            raise ValueError("an exemption needs at least one of: sender, recipient, auth_user or client")
        return self


class End(_Table):
    """The last table of the file, empty."""


class PolicyFile(_Table):
    """The whole file."""

    ends: bool = Field(
        False,
        description="`true`: the file's last line is `[end]`. A file that was cut, by a full disk or a copy that broke "
        "off, lacks that line and is refused.",
    )

    internal_domains: Patterns = Field([], description="Internal domains: `corp.example`, `*.corp.example`.")
    uninspected: Annotated[Action, BeforeValidator(_action_alone)] = Field(
        Quarantine(),
        description="Action for mail that was not fully inspected, unless a policy with a stricter action or with the "
        "condition `inspection` decides: quarantine, block, tempfail or allow.",
    )
    policy: list[Policy] = []
    exemption: list[Exemption] = []
    end: End | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> "PolicyFile":
        names = [policy.name for policy in self.policy]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'two policies are called "{name}"')
        for number, exemption in enumerate(self.exemption):
            for name in exemption.policy:
                if name not in names:
                    raise ValueError(f'exemption {number + 1} names the policy "{name}", which is not there')
        return self

    def risks(self) -> tuple[RecipientRisk, ...]:
        """Return the recipient risks that policies have as conditions."""
        return tuple(policy.recipient_risk for policy in self.policy if policy.recipient_risk is not None)

    def machines(self) -> tuple[MachineLimits, ...]:
        """Return the limits for mail of programs that policies have as conditions."""
        return tuple(policy.machine for policy in self.policy if policy.machine is not None)

    def profiles(self) -> tuple[str, ...]:
        """Return the profiles that policies use, each once, in order."""
        return tuple(dict.fromkeys(name for policy in self.policy for name in policy.profile))


def policies_of(settings: PolicySettings, file: Path | None = None) -> PolicyFile:
    """Read a site's policies file, or another `file`, with the site's own actions. Raises ConfigError."""
    load_actions(settings)
    return load_policies(file or settings.file)


def load_actions(settings: PolicySettings) -> None:
    """Register the site's own actions in this process. Raises ConfigError."""
    try:
        REGISTRY.add_modules(settings.actions, settings.actions_directory)
    except (ActionError, PluginError) as error:
        raise ConfigError([str(error)]) from error


def load_policies(path: Path) -> PolicyFile:
    """Read the policies file (TOML, UTF-8). Raises ConfigError with one line for each problem.

    A file without a policy, or a truncated one, is an error: to accept all mail, a site must write that explicitly.
    """
    content = read_toml(path)
    try:
        policies = PolicyFile.model_validate(content)
    except ValidationError as error:
        raise ConfigError([f"{path}: {_problem(content, detail)}" for detail in error.errors()]) from error
    if missing := _what_is_missing(path, policies):
        raise ConfigError([f"{path}: {missing}"])
    return policies


def _what_is_missing(path: Path, policies: PolicyFile) -> str:
    """Return what a complete file lacks, "" if nothing."""
    if not policies.policy:
        return (
            "no policy, so that all mail would pass; write at least one [[policy]]. "
            'One with action = "allow" and no condition lets all mail pass'
        )
    if policies.ends and policies.end is None:
        return 'it says "ends = true" and has no [end] as its last line: it was cut; put the whole file in place'
    if not path.read_bytes().endswith(b"\n"):
        return "its last line has no line break, as in a file that was cut; look at its end, and add the line break"
    return ""


def _problem(content: dict[str, Any], detail: Any) -> str:
    """Return one of pydantic's errors with the policy's name and the key."""
    steps = list(detail["loc"])
    place = ""
    if len(steps) >= 2 and isinstance(steps[1], int):
        entries = content.get(str(steps[0]))
        entry = entries[steps[1]] if isinstance(entries, list) and len(entries) > steps[1] else {}
        name = entry.get("name") if isinstance(entry, dict) else None
        place = f'{steps[0]} "{name}": ' if name else f"{steps[0]} {steps[1] + 1}: "
        steps = steps[2:]
    key = mistakes.place_of(steps)
    reported = _unknown(key, place) if detail["type"] == "extra_forbidden" else mistakes.sentence(detail)
    return f"{place}{key + ': ' if key else ''}{reported}"


def _unknown(key: str, place: str) -> str:
    """Return that a key is unknown, with the known keys."""
    table, _, name = key.rpartition(".")
    tables: dict[str, Any] = {"attachment": Attachment, "during": TimeWindow, "not_during": TimeWindow}
    tables |= {"moderation": ModerationSettings, "recipient_risk": RecipientRisk, "machine": MachineLimits}
    if table:
        known = tables.get(table, Need)
    else:
        known = Exemption if place.startswith("exemption") else Policy if place else PolicyFile
    names = [field.alias or field_name for field_name, field in known.model_fields.items()]
    if known is Policy:
        names += REGISTRY.keys()
    elsewhere: dict[str, list[str]] = {}
    if not place:
        elsewhere = {one: ["holdgate.toml, another file"] for one in Settings.model_fields}
        elsewhere |= {one: ["a [[policy]]"] for one in (*Policy.model_fields, *REGISTRY.keys())}
        elsewhere = {one: where for one, where in elsewhere.items() if one not in PolicyFile.model_fields}
    return mistakes.unknown_key(name, names, elsewhere)
