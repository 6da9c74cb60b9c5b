"""What all methods of deciding share: the store, the settings, the key for links, and lookups of managers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from holdgate import maillog, metrics
from holdgate.config import ModerationSettings, Settings
from holdgate.configfile import ConfigError
from holdgate.desk.channel import Channel, ChannelError
from holdgate.desk.channels import REGISTRY
from holdgate.desk.conversation import Conversation
from holdgate.desk.language.catalogue import SOURCE, languages
from holdgate.desk.tokens import Key
from holdgate.desk.worktime import WorkTime
from holdgate.plugins import PluginError
from holdgate.policy.model import load_actions
from holdgate.policy.watch import PolicyWatch
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.store import Actor, Store
from holdgate.tables import TableError, Tables
from holdgate.translated import text_in

ACTOR = Actor("holdgate-desk", "desk")


@dataclass(frozen=True, slots=True)
class Desk:
    """The context of the desk's functions. `key` creates and checks tokens; the command line decides without one.

    It needs the policies, which define who must approve: the constructor raises ConfigError without them.
    """

    store: Store
    settings: Settings
    key: Key = field(default_factory=Key.random)
    policies: PolicyWatch = field(init=False)
    channels: Mapping[str, Channel] = field(init=False)

    def __post_init__(self) -> None:
        load_actions(self.settings.policy)
        try:
            object.__setattr__(self, "channels", REGISTRY.make(self.settings))
        except (ChannelError, PluginError) as error:
            raise ConfigError([str(error)]) from error
        object.__setattr__(self, "policies", PolicyWatch(self.settings.policy.file))

    def moderation(self, incident: Incident) -> ModerationSettings:
        """Return the moderation settings for an incident."""
        return self.moderation_for(incident.policy)

    def moderation_for(self, policy: str) -> ModerationSettings:
        """Return the settings for incidents of a policy: those of `[moderation]`, with the policy's overrides."""
        return self.policies.moderation(policy, self.settings.moderation)

    def rule(self, incident: Incident, language: str) -> str:
        """Return the description of an incident's policy in a language, "" if there is none or no policy."""
        return self.policies.description(incident.policy, language)

    def reasons(self, incident: Incident, language: str) -> list[str]:
        """Return the reasons in a language that a sender can choose from, [] if they have to write one."""
        return [text_in(reason, language) for reason in self.moderation(incident).reasons]

    def language(self, person: str, policy: str = "", asked: Sequence[str] = ()) -> str:
        """Return the language of a person: from the table, else the first that their browser `asked` for.

        Without one it is that of the policy, or of the site. A failed lookup is ignored: sending the mail is more
        important than its language.
        """
        table = self.settings.desk.languages
        known = set(languages()) | {path.parent.name for path in self.settings.desk.templates.glob("*/words.toml")}
        found = ""
        if table and person:
            try:
                found = (self.tables.lookup(table, person.lower()) or "").strip().lower()[:2]
            except TableError as error:
                metrics.ERRORS.labels("languages").inc()
                maillog.failed(stage="languages", error=str(error))
        wanted = [found, *asked, self.moderation_for(policy).language, self.settings.moderation.language]
        return next((one for one in wanted if one in known), SOURCE)

    def work_time(self, incident: Incident) -> WorkTime:
        """Return which days count for an incident's deadline."""
        return WorkTime.of(self.moderation(incident), self.zone)

    @property
    def conversation(self) -> Conversation:
        """Return the conversation between sender and moderators."""
        return Conversation(self.store)

    @property
    def zone(self) -> tzinfo:
        """Return the time zone for times shown to people."""
        name = self.settings.desk.time_zone
        zone = ZoneInfo(name) if name else datetime.now().astimezone().tzinfo
        assert zone is not None
        return zone

    @property
    def tables(self) -> Tables:
        """Return Postfix's lookup tables, without cached results: a manager may just have changed."""
        return Tables(self.settings.queue.postfix_config)

    def notifies_outcome(self, incident: Incident) -> bool:
        """Return whether the sender is notified that a message was not delivered, as far as that is known.

        Whether they refused reports (RFC 3461, NOTIFY=NEVER) is known only when the report is due: then it is dropped.
        """
        return self.can_notify(incident.sender) and not self.store.outbox.report_dropped(incident.id)

    def can_notify(self, sender: str) -> bool:
        """Return whether a sender can be notified: not the null sender (RFC 5321, 4.5.5), and no external sender."""
        return self.settings.desk.is_own_sender(sender)


def next_time(desk: Desk, now: datetime) -> datetime:
    """Return when the next summary is due: the next `desk.digest_time`, today or tomorrow."""
    at = desk.settings.desk.digest_time
    local = now.astimezone(desk.zone).replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if local <= now:
        local += timedelta(days=1)
    return local.astimezone(UTC)
