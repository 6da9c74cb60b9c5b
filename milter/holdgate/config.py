"""The settings: each declared once here, with its default, unit and meaning, and checked as a whole.

`docs/reference/config.md` is generated from these declarations, and a test compares the two. How a file of them is read
is in `configfile`. It is one long module because it is one list: an administrator reads it as one file, and checks name
settings of other tables.
"""

import re
import sys
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, field_validator, model_validator

from holdgate.findings import Severity
from holdgate.notation import Address, Duration, Network, Relay, Size

SCAN_SOCKET = Path("/run/holdgate/scan/scan.sock")
"""Where the package has the scan service listen. Its directory is made before any daemon starts (tmpfiles.d)."""


class Section(BaseModel):
    """A table of the settings file. A key that is not declared is an error, so a typing mistake is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class MilterSettings(Section):
    """How Postfix reaches the milter, and how messages are kept while they come in."""

    socket: str = Field(
        "unix:/var/spool/postfix/holdgate/milter.sock",
        pattern=r"^(unix:/.+|inet6?:\d+@.+)$",
        description='Where the milter listens: "unix:/path" (faster) or "inet:PORT@HOST". '
        "A chrooted smtpd, as Debian's is, needs a path below Postfix's queue directory. A directory with the setgid "
        "bit lends its group to the socket: whoever is in it may connect.",
    )
    spool_directory: Path = Field(
        Path("/var/lib/holdgate/spool"),
        description="Directory for messages larger than `spool_memory` while they are inspected. The files have no "
        "name, so nothing is left behind when the daemon ends.",
    )
    spool_memory: Size = Field(
        2**20, description="Messages up to this size are kept in memory while they are inspected, larger ones on disk."
    )
    timeout: Duration = Field(
        timedelta(seconds=600),
        description="How long the milter waits for Postfix's next step; then it closes the connection.",
    )


class ScanSettings(Section):
    """The worker processes that read messages."""

    socket: Path | None = Field(
        None,
        description="Unix socket of the scan service `holdgate-scan`. It runs the workers of milter and desk as its "
        "own user. Unset means `/run/holdgate/scan/scan.sock` if that directory exists, as with the package; elsewhere "
        'each daemon starts its workers itself, as its own user. `""` always means the latter; the units of the '
        "package need a drop-in for it. Commands always start their own workers.",
    )
    workers: int = Field(
        0, ge=0, le=256, description="Messages read at once; 0 means one for each CPU. Small ones have a place more."
    )
    time_limit: Duration = Field(
        timedelta(seconds=30), description="Longest inspection of one message; after it the worker is killed."
    )
    wait_limit: Duration = Field(
        timedelta(seconds=120), description="How long a message may wait for a free worker before it is deferred (4xx)."
    )
    retire_after: int = Field(
        500,
        ge=1,
        description="A process reads at most so many messages of plain text. All other mail, and with 1 each message, "
        "has a process of its own.",
    )

    @field_validator("socket")
    @classmethod
    def _absolute_or_empty(cls, value: Path | None) -> Path | None:
        if value is None or value == Path() or value.is_absolute():
            return value
        raise ValueError('write an absolute path, or "" for workers without the service')

    def service(self) -> Path | None:
        """Return the scan service's socket; None where daemons start their workers themselves."""
        if self.socket is None:
            return SCAN_SOCKET if SCAN_SOCKET.parent.is_dir() else None
        return None if self.socket == Path() else self.socket


class OcrSettings(Section):
    """Text in pictures and scanned pages: off, for all mail, or for mail that a policy with `ocr = true` is about."""

    mode: Literal["off", "on", "policies"] = Field("off", description="See [read text in pictures](../howto/ocr.md).")
    languages: list[str] = Field(
        ["eng", "deu"], min_length=1, description="Languages of Tesseract; each needs Debian's tesseract-ocr-LANGUAGE."
    )
    workers: int = Field(
        1, ge=1, le=256, description="Worker processes for OCR, beside those of `scan`, at low priority."
    )
    time_limit: Duration = Field(
        timedelta(seconds=60), description="Longest OCR of one message, on top of `scan.time_limit`."
    )


class ExtractSettings(Section):
    """Readers of file formats that a site adds to the shipped ones."""

    readers: list[str] = Field(
        [],
        description="Python modules that declare `FORMATS`; see [add a reader](../howto/add-a-reader.md).",
    )
    directory: Path = Field(
        Path("/etc/holdgate/readers"), description="Where these modules are, if Python does not find them elsewhere."
    )


class RulesSettings(Section):
    """Where the rules stand."""

    directory: Path | None = Field(
        None, description="The shipped rules; unset means those that were installed with this version."
    )
    local_directory: Path = Field(
        Path("/etc/holdgate/rules.d"), description="Your own rules and changes, read after the shipped ones."
    )

    def shipped(self) -> Path:
        """Return the directory of the shipped rules: the setting, a checkout's own, or where they were installed."""
        if self.directory is not None:
            return self.directory
        checkout = Path(__file__).parents[2] / "rules"
        return checkout if checkout.is_dir() else Path(sys.prefix) / "share/holdgate/rules"


class PolicySettings(Section):
    """Who may send what to whom: the policies stand in a file of their own."""

    file: Path = Field(
        Path("/etc/holdgate/policies.toml"), description="The policies, in order (see [policies](policies.md))."
    )
    actions: list[str] = Field(
        [], description="Python modules that declare `ACTIONS`; see [add an action](../howto/add-an-action.md)."
    )
    actions_directory: Path = Field(
        Path("/etc/holdgate/actions"), description="Where these modules are, if Python does not find them elsewhere."
    )
    action_header: str = Field(
        "X-Netskope-Action",
        pattern=r"^[!-9;-~]+$",
        description="Name of the header that says what a policy wants done with the message.",
    )
    action_value: str = Field(
        "Quarantine", pattern=r"^[ -~]+$", description="Its value for mail that waits for approval."
    )
    inbound_clients: list[Network] = Field(
        [],
        description="Networks of relays that hand us mail from outside although Postfix counts them as ours "
        "(`mynetworks`), such as a spam filter. Of mail from inside a bounce may carry the content to an envelope "
        "sender outside, who therefore counts as a recipient; of mail from outside it does not.",
    )
    trusted_scanners: list[Network] = Field(
        [],
        description="Networks of other scanners, such as Netskope's SMTP proxy. Mail from there that carries "
        "`X-Netskope-Inspected: true` is not inspected again, and `trusted_scanner_headers` are believed.",
    )
    trusted_scanner_headers: dict[str, str] = Field(
        {"X-Netskope-Action": "quarantine", "X-Panw-Action": "quarantine"},
        description="Headers by which a trusted scanner says that a message must be held, and the pattern of each "
        "value, without regard to case.",
    )


class SealSettings(Section):
    """The seal by which we know mail again that we have inspected (see [headers](headers.md))."""

    keys: Path = Field(
        Path("/etc/holdgate/seal.keys"),
        description="File of the keys, made by `holdgate seal new-key`; without it no seal is written or believed.",
    )
    lifetime: Duration = Field(timedelta(hours=1), description="How long after the inspection a seal is believed.")


class StoreSettings(Section):
    """Where incidents are recorded."""

    url: str = Field(
        "sqlite:////var/lib/holdgate/holdgate.db",
        description='"sqlite:////path", or "postgresql://ROLE@HOST/DATABASE?passfile=/path": see '
        "[use PostgreSQL](../howto/postgresql.md).",
    )
    audit_head: Path = Field(
        Path("/var/lib/holdgate/audit.head"),
        description="File outside the database in which `holdgate-desk` keeps the audit trail's newest hash, for "
        "`holdgate audit verify` to compare. The log has it too. The desk's user must be able to write its directory.",
    )
    audit_logs: list[str] = Field(
        [],
        description="Log files, by patterns such as `/var/log/holdgate/*.log*`, in which `holdgate audit verify` looks "
        "for hashes besides the journal: one that another machine keeps proves the most. Whoever can write to such a "
        "file can raise a false alarm, so do not name one that every user can log to.",
    )

    @property
    def is_shared(self) -> bool:
        """Whether several machines can use the store."""
        return not self.url.startswith("sqlite:")

    @field_validator("url")
    @classmethod
    def _known_and_without_password(cls, value: str) -> str:
        if re.match(r"sqlite:///|postgresql(\+psycopg)?://", value) is None:
            raise ValueError('write "sqlite:////path" or "postgresql://ROLE@HOST/DATABASE"')
        parts = urlsplit(value)
        if parts.password is not None or "password" in parse_qs(parts.query, keep_blank_values=True):
            raise ValueError("a password does not belong here, where everybody may read it: name a file by ?passfile=")
        return value


class QueueSettings(Section):
    """The queue agent, the only part that touches Postfix's queue."""

    socket: Path = Field(
        Path("/run/holdgate/queue.sock"), description="Unix socket of the agent; root and `user` may connect."
    )
    postfix_config: Path = Field(
        Path("/etc/postfix"), description="Configuration directory of the Postfix instance whose hold queue is ours."
    )
    interval: Duration = Field(
        timedelta(minutes=1),
        description="How often the hold queue is listed even though its directory has not changed. A change of queue "
        "or store is seen within a second or two whatever this says.",
    )
    missing_after: Duration = Field(
        timedelta(minutes=10),
        description="An incident whose message has not shown up in the hold queue by then is an alarm and is closed.",
    )
    adopt_uninspected: bool = Field(
        False,
        description="Ask a moderator about held mail without `X-Holdgate-Status`: it has not come through the milter. "
        "Needed with `milter_default_action = quarantine`: see [attach](../howto/attach.md).",
    )


class ModerationSettings(Section):
    """Who is asked about a held message, and by when he has to decide. A policy may override each of these."""

    moderators: list[str] = Field(
        ["manager"],
        min_length=1,
        description='Addresses of those who decide; "manager" stands for the sender\'s manager. All are asked, '
        "and the first decision counts.",
    )
    levels: list[Annotated[list[str], Field(min_length=1)]] = Field(
        [],
        description='Instead of `moderators` a chain, as in [["manager"], ["law@corp.example"]]: the next are asked '
        "when the ones before have approved, each with a deadline of their own; any refusal ends it.",
    )
    approvals: int = Field(
        1, ge=1, le=5, description="How many different people must approve at each level; 2 for four eyes."
    )
    managers: str = Field(
        "",
        description="Postfix table from a sender's address to his manager's, as in \"ldap:/etc/holdgate/managers.cf\", "
        'or the path of a file with lines "SENDER MANAGER". Looked up by SMTP AUTH name and envelope sender, for the '
        "null sender by From.",
    )
    managers_retry_for: Duration = Field(
        timedelta(minutes=15), description="How long a table that does not answer is asked again before the fallback."
    )
    deputies: dict[str, str] = Field(
        {}, description="Deputy of a moderator, both by address: asked as soon as an automatic reply says he is away."
    )
    fallback: list[str] = Field(
        ["postmaster"],
        min_length=1,
        description="Who is asked where nobody else can be: no manager found, he is the sender or a recipient, or the "
        "request came back. There is always somebody, for mail is never released because there is no moderator.",
    )
    deadline: Duration = Field(
        timedelta(days=2), description="A held message that nobody decided on by then goes back to its sender."
    )
    working_days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        [],
        description='Days that count for `deadline` and `reminders`, as in ["mon", "tue", "wed", "thu", "fri"]; empty: '
        "every day, holidays too.",
    )
    holidays: list[date] = Field([], description="Dates that do not count although they are working days.")
    reminders: list[Duration] = Field(
        [timedelta(days=1)], description="How long before the deadline those who have not answered are reminded."
    )
    notify_over: list[str] = Field(
        [],
        description="Channels that carry requests and reminders in addition to mail, by name; see `[channels]`.",
    )
    forward_to: list[str] = Field(
        [],
        description="Addresses and domains to which a moderator may forward the question; empty: those of "
        "`desk.own_domains`.",
    )
    attach_original: bool = Field(
        False,
        description="Attach the held message to the request: it then lies unmasked in the moderator's mailbox.",
    )
    reveal: bool = Field(True, description="Allow a moderator to see a single match unmasked; each time is recorded.")
    language: str = Field(
        "en", pattern=r"^[a-z]{2,8}$", description="Language of mail to people who are not in `desk.languages`."
    )
    notify_sender_on_hold: bool = Field(
        False, description="Tell the sender at once that his message waits, with a link by which he may withdraw it."
    )
    reasons: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        [],
        max_length=20,
        description='Reasons that a sender can choose from on the page, as in ["They asked for it", "Contract"]; '
        "empty: they write one.",
    )
    self_release: bool = Field(
        False,
        description="Let the sender release the message by the link in the notice that it waits, with a reason. Not "
        "where more than one approval is needed, nor for a message that was not read whole. The moderators are asked "
        "as well, and can decide first.",
    )
    self_release_severity: Severity = Field(
        Severity.MEDIUM,
        description="The highest severity of a profile up to which a sender may release: low, medium, high or "
        "critical.",
    )
    self_release_recipients: int = Field(
        10, ge=1, le=1000, description="The most recipients of a message that its sender may release."
    )
    self_release_per_day: int = Field(
        5, ge=1, le=1000, description="How many messages a sender may release within 24 hours."
    )
    notify_sender_on_approval: bool = Field(True, description="Tell the sender that the moderator responded Approve.")
    return_original: bool = Field(
        True, description="Return a rejected message with its text (up to `desk.return_size`), not its header alone."
    )
    retention: Duration = Field(
        timedelta(days=90),
        description="How long after its end an incident keeps its content: subject, comment, masked samples.",
    )

    @field_validator("moderators", "fallback", "levels", "deputies")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        flat: list[str] = []
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            flat.extend(item if isinstance(item, list) else [item])
        for address in flat:
            if not re.fullmatch(r"[^@\s<>,;:\"()]+(@[^@\s<>,;:\"()]+)?", address):
                raise ValueError(f'"{address}" is not a plain address')
        return value

    @field_validator("fallback")
    @classmethod
    def _people(cls, value: list[str]) -> list[str]:
        if "manager" in value:
            raise ValueError("the fallback is for when there is no manager: name addresses")
        return value

    @property
    def chain(self) -> list[list[str]]:
        """The levels, one where `levels` is not set."""
        return self.levels or [self.moderators]


class ChannelSettings(Section):
    """Ways to notify people in addition to mail."""

    modules: list[str] = Field(
        [], description="Python modules that declare `CHANNELS`; see [add a channel](../howto/add-a-channel.md)."
    )
    directory: Path = Field(
        Path("/etc/holdgate/channels"), description="Where these modules are, if Python does not find them elsewhere."
    )
    options: dict[str, dict[str, Any]] = Field(
        {}, description="A table of options for each channel, by its name, as `[channels.options.chat]`."
    )


class ApiToken(Section):
    """A program or person that can use the JSON API."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="The name in the audit trail.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description='SHA-256 of the token, as "holdgate token NAME" prints it.'
    )
    may_decide: bool = Field(False, description="Whether the token can decide, not only read.")


class DeskSettings(Section):
    """How people are reached: mail, the web page, replies by mail, the API."""

    notice_relay: Relay = Field(
        Path("/var/spool/postfix/public/holdgate-notice"),
        description="SMTP listener that takes our notices without filtering them (see `postfix/master.cf`): "
        '"unix:/path" below `public` in Postfix\'s queue directory, which root and the group `postdrop` alone may '
        "enter. By host:port on this machine each local user could send mail through it that nobody inspects.",
    )
    notice_from: str = Field("Holdgate <holdgate@localhost>", description="From header of notices.")
    own_domains: list[str] = Field(
        [],
        description="Domains of our own senders, with what is below them; empty: the domain of `notice_from`. A sender "
        "of any other domain is told nothing, for his address may be forged.",
    )
    return_size: Size = Field(
        50_000,
        description="A returned message up to this size is attached whole, a larger one with its headers only "
        "(Postfix: `bounce_size_limit`).",
    )
    time_zone: str = Field("", description='Zone of times in mail and pages, as in "Europe/Berlin"; "": the system\'s.')
    templates: Path = Field(
        Path("/etc/holdgate/templates"), description="Your own templates; a file here is used instead of ours."
    )
    token_key: Path = Field(
        Path("/var/lib/holdgate/token.key"),
        description="File with the secret by which links and reply addresses are made; written at the first start.",
    )
    house: str = Field("", max_length=60, description="Name of your organisation at the head of mail and pages.")
    house_mark: str = Field("", max_length=2, description="One or two letters beside it; unset: the first of `house`.")
    languages: str = Field(
        "",
        description='Postfix table of the languages of people, address to "de", as in "hash:/etc/holdgate/languages". '
        "Others read the language of their browser, of the policy (`moderation.language`), or of the site.",
    )
    digest_time: time = Field(time(8, 0), description="When daily summaries are sent to those who want one, as 08:00.")
    web_listen: Address | None = Field(None, description="Where the web page and the API listen; unset: there is none.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s?#]+(/[^\s?#]*)?)?$",
        description='What people\'s browsers call the page, as in "https://approve.corp.example".',
    )
    certificate: Path | None = Field(None, description="TLS certificate chain (PEM); unset where a proxy does TLS.")
    private_key: Path | None = Field(None, description="The certificate's private key (PEM).")
    trusted_proxies: list[IPvAnyNetwork] = Field(
        [], description="Networks of reverse proxies, whose `X-Forwarded-For` and `user_header` are believed."
    )
    user_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description='Header in which a trusted proxy names the user by mail address, as in "X-Remote-User"; "": none.',
    )
    proxy_secret: Path | None = Field(
        None,
        description="File with a secret of 32 characters and more that a trusted proxy sends in the header "
        "`X-Holdgate-Proxy`; without it nothing that a proxy says is believed. Unset: its address is proof enough.",
    )
    session_lifetime: Duration = Field(timedelta(hours=12), description="How long somebody stays signed in.")
    lmtp_listen: Address | None = Field(
        None, description="Where replies by mail and returned requests come in by LMTP; unset: not at all."
    )
    reply_address: str = Field(
        "",
        pattern=r"^([!#-'*\-/-9=?A-Z^-~]{1,20}@[A-Za-z0-9.-]+)?$",
        description='Address whose mail Postfix hands to `lmtp`, as in "holdgate@approve.corp.example"; what we add '
        'stands behind a "+".',
    )
    api_tokens: list[ApiToken] = Field([], description="Who may use the JSON API.")

    @model_validator(mode="after")
    def _together(self) -> "DeskSettings":
        if self.web_listen is not None and not self.public_url:
            raise ValueError("web needs public_url: links in mail are made of it")
        if self.lmtp_listen is not None and not self.reply_address:
            raise ValueError("lmtp needs reply_address: it is where moderators reply to")
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key belong together")
        if self.user_header and not self.trusted_proxies:
            raise ValueError("user_header needs trusted_proxies: anybody could write it")
        return self

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f'no time zone "{value}"') from error
        return value


class ReplySettings(Section):
    """Who may decide by mail, and what proves it. A token alone proves nothing: relays log the addresses it is in."""

    proof: list[Literal["results", "login", "client", "smime"]] = Field(
        [],
        description="What proves who wrote a reply, any of these: `results` (Authentication-Results of `authserv_id`), "
        "`login` (SMTP AUTH), `client` (`clients`), `smime` (a signature). Empty: replies decide nothing, and are "
        "answered with the link.",
    )
    authserv_id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Name of the server whose Authentication-Results (RFC 8601) are believed; it must remove fields "
        "with this name that come from outside. A pass of dmarc, dkim, spf or auth must agree with From.",
    )
    login_header: str = Field(
        "",
        pattern=r"^[!-9;-~]*$",
        description="Header field in which your submission server names the SMTP AUTH user, and of which it removes "
        "copies; not needed for mail that comes through the milter with SMTP AUTH.",
    )
    login_domain: str = Field("", description="Domain of SMTP AUTH names that have none.")
    clients: list[Network] = Field(
        [],
        description="Networks of SMTP clients that let nobody write in another's name, such as a webmail server.",
    )
    authorities: Path | None = Field(
        None,
        description="Certificate authorities (PEM) of moderators' S/MIME certificates, instead of the system's.",
    )
    same_person: str = Field(
        "",
        description="Postfix table from an address or SMTP AUTH name to the person's own address, or the path of a "
        'file with lines "ALIAS ADDRESS": replies from an alias count as the person\'s.',
    )
    delegates: str = Field(
        "",
        description="Postfix table from a moderator's address, or that of a mailing list, to those who may reply in "
        'its place, or the path of a file with lines "MODERATOR ADDRESS, ADDRESS".',
    )

    @model_validator(mode="after")
    def _complete(self) -> "ReplySettings":
        needs = {"results": "authserv_id", "client": "clients", "smime": "authorities"}
        for way, name in needs.items():
            if way in self.proof and not getattr(self, name):
                raise ValueError(f'proof = "{way}" needs {name}')
        return self


class CanarySettings(Section):
    """The message that `holdgate canary` sends to itself, through the whole way."""

    submit: Address = Field(("127.0.0.1", 25), description="SMTP listener that takes the message, as it takes others.")
    sender: str = Field(
        "", description='Its envelope sender; "" is the null sender, to whom nothing is ever returned or told.'
    )
    recipient: str = Field(
        "holdgate+canary@localhost",
        description="Its recipient, who is also asked for approval. The policies must treat it as external, and its "
        "mail must be discarded. The package sets this up for the default if Postfix delivers locally and "
        "`recipient_delimiter` is +; otherwise name a recipient that is routed to the transport discard.",
    )
    step_timeout: Duration = Field(
        timedelta(minutes=5), description="How long each step may take before the canary counts as failed."
    )
    state: Path = Field(
        Path("/var/lib/holdgate/canary"), description="File that says when it last worked, for the metrics."
    )


class NodeSettings(Section):
    """Which mail server this is, where [several servers](../howto/several-servers.md) share a store."""

    name: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,254})?$",
        description="Name of this mail server. Each server that uses the same store needs another one. Unset means "
        "Postfix's `myhostname`.",
    )


class MetricsSettings(Section):
    """Where Prometheus scrapes each daemon. An empty address cannot be given; bind to a loopback address."""

    milter: Address = Field(("127.0.0.1", 9851), description="Address of `holdgate-milter`'s metrics.")
    queue: Address = Field(("127.0.0.1", 9852), description="Address of `holdgate-queue`'s metrics.")
    desk: Address = Field(("127.0.0.1", 9853), description="Address of `holdgate-desk`'s metrics.")


class Settings(Section):
    """All settings, a table for each room."""

    user: str = Field(
        "holdgate",
        description="System user of the half of `holdgate-queue` that is not root, and owner of the store. The users "
        "of the other daemons are in its group. A daemon that root starts changes to its user.",
    )
    milter_user: str = Field(
        "", description="System user of `holdgate-milter`; unset means `holdgate-milter`, or `user` if that is set."
    )
    desk_user: str = Field(
        "", description="System user of `holdgate-desk`; unset means `holdgate-desk`, or `user` if that is set."
    )
    scan_user: str = Field(
        "",
        description="System user of `holdgate-scan` and of all workers, in no group of the others; unset means "
        "`holdgate-scan`, or `user` if that is set.",
    )
    milter: MilterSettings = MilterSettings()
    scan: ScanSettings = ScanSettings()
    extract: ExtractSettings = ExtractSettings()
    ocr: OcrSettings = OcrSettings()
    rules: RulesSettings = RulesSettings()
    policy: PolicySettings = PolicySettings()
    seal: SealSettings = SealSettings()
    store: StoreSettings = StoreSettings()
    node: NodeSettings = NodeSettings()
    queue: QueueSettings = QueueSettings()
    moderation: ModerationSettings = ModerationSettings()
    channels: ChannelSettings = ChannelSettings()
    desk: DeskSettings = DeskSettings()
    replies: ReplySettings = ReplySettings()
    canary: CanarySettings = CanarySettings()
    metrics: MetricsSettings = MetricsSettings()

    def account(self, daemon: Literal["milter", "queue", "desk", "scan"]) -> str:
        """Return the system user of a daemon; of `holdgate-queue`, that of its unprivileged half."""
        if daemon == "queue":
            return self.user
        given = {"milter": self.milter_user, "desk": self.desk_user, "scan": self.scan_user}[daemon]
        return given or (self.user if "user" in self.model_fields_set else f"holdgate-{daemon}")
