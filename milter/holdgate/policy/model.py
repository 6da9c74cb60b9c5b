"""The policies file: an ordered list of policies and exemptions. It becomes active only if all of it is valid."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from holdgate import headers, mistakes
from holdgate.config import ModerationSettings, PolicySettings, Settings
from holdgate.configfile import ConfigError, read_toml
from holdgate.plugins import PluginError
from holdgate.policy.action import REGISTRY, Action, ActionError
from holdgate.policy.actions import Quarantine
from holdgate.policy.terms import (
    Attachment,
    Conditions,
    MachineLimits,
    Need,
    Networks,
    Patterns,
    RecipientRisk,
    Table,
    TimeWindow,
)
from holdgate.translated import Translated

UNINSPECTED = "uninspected"
"""The policy name of incidents that no policy decided, but the setting `uninspected`."""

# "adopted" is the policy name of incidents for unmanaged held messages (quarantine/recorded.py).
_RESERVED = (UNINSPECTED, "adopted")


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


GivenAction = Annotated[Action, BeforeValidator(_action)]


class Policy(Conditions):
    """One policy: its name, its action, and conditions. Without a condition, it matches every message."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Its name in incidents, log and commands: a-z, 0-9 and -."
    )
    description: Translated = Field(
        {},
        description="A sentence for moderators, senders and auditors, or one for each language: `{ en = …, de = … }`.",
    )
    action: GivenAction = Field(description="One of the actions above.")
    mode: Literal["enforce", "observe"] = Field(
        "enforce", description="`observe`: an incident is recorded, and the action is not carried out."
    )
    moderation: ModerationSettings | None = Field(
        None,
        description="Who is asked, and until when: any key of `[moderation]` in the [settings](config.md), for "
        "messages that this policy holds. `[policy.moderation]` below the policy is the same.",
    )
    split: bool = Field(
        False,
        description="Hold or refuse a message only for the recipients that this policy decides for; the others get it "
        "at once, and its sender gets a report of those refused. Without it, the strictest action applies to all.",
    )
    ocr: bool = Field(
        False, description='Read text in images of mail that meets its other conditions, if `ocr.mode = "policies"`.'
    )
    headers: dict[str, str] = Field({}, description="Header fields to add, with any action; needed for `tag`.")

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
            raise ValueError(f'name: "{self.name}" is reserved for incidents without a policy; write another name')
        if not self.action.for_policies:
            allowed = [one.name for one in REGISTRY.ordered() if one.for_policies]
            raise ValueError(
                f'action: "{self.action}" is allowed for uninspected only; write one of {", ".join(allowed)}'
            )
        if self.action.needs_headers and not self.headers:
            raise ValueError(
                f'action: "{self.action}" needs header fields; add them: headers = {{ X-Label = "internal" }}'
            )
        for name, value in self.headers.items():
            if not re.fullmatch(r"[!-9;-~]+", name) or not re.fullmatch(r"[ -~]*", value):
                raise ValueError(
                    f'headers: "{name}" must have a name without a colon, and a value on one line, in printable ASCII'
                )
            if name.lower().startswith("x-holdgate-") or name.lower() == headers.INSPECTED.lower():
                raise ValueError(f'headers: "{name}" is written by Holdgate itself; remove it')
        return self

    def moderation_over(self, base: ModerationSettings) -> ModerationSettings:
        """Return the moderation settings `base` with the values that this policy overrides."""
        own = self.moderation
        return (
            base if own is None else base.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
        )


REGISTRY.reserve(Policy.model_fields)


class Exemption(Table):
    """Mail for which policies are disabled. At least one of the last four keys must be given."""

    reason: str = Field(min_length=1, description="The reason, for later readers of the file.")
    expires: date = Field(description="The last day on which it is valid, in UTC.")
    policy: Patterns = Field([], description="Names of the policies that it disables; none means all.")
    sender: Patterns = Field([], description="As in a policy.")
    recipient: Patterns = Field([], description="As in a policy.")
    auth_user: Patterns = Field([], description="As in a policy.")
    client: Networks = Field([], description="As in a policy.")

    @model_validator(mode="after")
    def _has_subject(self) -> "Exemption":
        if not (self.sender or self.recipient or self.auth_user or self.client):
            raise ValueError("an exemption needs at least one of: sender, recipient, auth_user or client")
        return self


class End(Table):
    """The last table of the file, empty."""


class PolicyFile(Table):
    """Keys at the top of the file, before the first table."""

    ends: bool = Field(
        False,
        description="`true`: the file's last line is `[end]`. If that line is missing, because a full disk or an "
        "interrupted copy truncated the file, the file is refused.",
    )

    internal_domains: Patterns = Field(
        [], description="Internal domains: `corp.example`, `*.corp.example`. Without any, all mail is outbound."
    )
    uninspected: Annotated[Action, BeforeValidator(_action_alone)] = Field(
        Quarantine(),
        description="Action for mail that was not fully inspected, unless a policy with a stricter action or with the "
        "condition `inspection` decides: quarantine, block, tempfail or allow.",
    )
    policy: list[Policy] = Field([])
    exemption: list[Exemption] = Field([])
    end: End | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> "PolicyFile":
        names = [policy.name for policy in self.policy]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'two policies have the name "{name}"; give each another one')
        for number, exemption in enumerate(self.exemption):
            for name in exemption.policy:
                if name not in names:
                    meant = mistakes.did_you_mean(name, names)
                    raise ValueError(
                        f'exemption {number + 1}: policy: there is no policy "{name}"; write one of '
                        f"{', '.join(names)}{meant}"
                    )
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
            "contains no policy, so all mail would be delivered; write at least one [[policy]]. "
            'One with action = "allow" and no condition delivers all mail'
        )
    if policies.ends and policies.end is None:
        return 'contains "ends = true", but does not end with [end], so it was cut; install the complete file'
    if not path.read_bytes().endswith(b"\n"):
        return "its last line has no line break, as in a file that was cut; check its end, and add the line break"
    return ""


def _problem(content: dict[str, Any], detail: Any) -> str:
    """Return one of pydantic's errors with the policy's name and the key."""
    steps = list(detail["loc"])
    place = ""
    if len(steps) >= 2 and isinstance(steps[1], int):
        entries = content.get(str(steps[0]))
        entry = entries[steps[1]] if isinstance(entries, list) and len(entries) > steps[1] else {}
        name = entry.get("name") if isinstance(entry, dict) else None
        place = f'{steps[0]} "{name}": ' if isinstance(name, str) and name else f"{steps[0]} {steps[1] + 1}: "
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
