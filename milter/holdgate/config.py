"""Declares every setting once, with its default, unit and meaning, and checks them together.

`docs/reference/config.md` is generated from these declarations; a test compares the two. `configfile` reads the file.
This is one long module because an administrator reads the settings as one list, and checks refer to other tables.
"""

import re
import sys
from datetime import date, time, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from holdgate.findings import Severity
from holdgate.mistakes import no_plain_address, no_zone
from holdgate.notation import Address, Duration, Network, Relay, Size, SomeTime, UnixSocket, format_duration
from holdgate.translated import ShortTranslated

SCAN_SOCKET = Path("/run/holdgate/scan/scan.sock")
"""The socket on which the packaged scan service listens. tmpfiles.d creates its directory before any daemon starts."""


class Section(BaseModel):
    """A table of the settings file. An undeclared key is an error, so that a typing error is found."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class MilterSettings(Section):
    """How Postfix connects to the milter, and where messages are stored during inspection."""

    socket: str = Field(
        "unix:/var/spool/postfix/holdgate/milter.sock",
        pattern=r"^(unix:/.+|inet6?:\d+@.+)$",
        description='Where the milter listens: "unix:/path" (faster) or "inet:PORT@HOST". A chrooted smtpd, as on '
        "Debian, needs a path below Postfix's queue directory. If the directory has the setgid bit, the "
        "socket gets the directory's group, and members of that group can connect.",
    )
    spool_directory: Path = Field(
        Path("/var/lib/holdgate/spool"),
        description="Directory for messages larger than `spool_memory` during inspection. The files have no name, "
        "so none is left when the daemon exits.",
    )
    spool_memory: Size = Field(
        2**20, description="Messages up to this size are kept in memory during inspection, larger ones on disk."
    )
    split_relay: UnixSocket = Field(
        Path("/var/spool/postfix/public/holdgate-split"),
        description="SMTP listener that holds all mail it accepts (see `postfix/master.cf`). It gets the copy of a "
        'message for the recipients who must wait (`split` of a policy). "unix:/path" below `public` in Postfix\'s '
        "queue directory. If the socket does not exist, all recipients wait.",
    )
    timeout: SomeTime = Field(
        timedelta(seconds=600),
        description="Maximum time that the milter waits for Postfix's next step. Then it closes the connection.",
    )


class ScanSettings(Section):
    """The worker processes that inspect messages."""

    socket: Path | None = Field(
        None,
        description="Unix socket of the scan service `holdgate-scan`. It runs the workers of milter and desk as its "
        "own user. Unset means `/run/holdgate/scan/scan.sock` if that directory exists, as with the package; elsewhere "
        'each daemon starts its workers itself, as its own user. `""` always means the latter; the units of the '
        "package need a drop-in for it. Commands always start their own workers.",
    )
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="Number of messages that are inspected at the same time; 0 means one for each CPU. Small "
        "messages have additional places.",
    )
    time_limit: Duration = Field(
        timedelta(seconds=30),
        description="Maximum time to inspect one message. The worker is killed when it is exceeded.",
    )
    wait_limit: Duration = Field(
        timedelta(seconds=120),
        description="Maximum time that a message waits for a free worker. Then it is deferred (4xx).",
    )
    retire_after: int = Field(
        500,
        ge=1,
        description="Maximum number of messages of plain text and ordinary HTML that one process inspects. All "
        "other mail, and with 1 every message, has a separate process.",
    )

    @field_validator("socket")
    @classmethod
    def _absolute_or_empty(cls, value: Path | None) -> Path | None:
        if value is None or value == Path() or value.is_absolute():
            return value
        raise ValueError('write an absolute path, or "" for workers without the service')

    @field_validator("time_limit")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if not value:
            raise ValueError('"0s" is no time: each message would be deferred; write a longer one, as in "30s"')
        return value

    def service(self) -> Path | None:
        """Return the scan service's socket, or None if daemons start their workers themselves."""
        if self.socket is None:
            return SCAN_SOCKET if SCAN_SOCKET.parent.is_dir() else None
        return None if self.socket == Path() else self.socket


class OcrSettings(Section):
    """Text in images and scanned pages: off, for all mail, or for mail that meets a policy with `ocr = true`."""

    mode: Literal["off", "on", "policies"] = Field("off", description="See [read text in images](../howto/ocr.md).")
    languages: list[str] = Field(
        ["eng", "deu"], min_length=1, description="Languages of Tesseract; each needs Debian's tesseract-ocr-LANGUAGE."
    )
    workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Number of worker processes for OCR, in addition to those of `scan`, with low priority.",
    )
    time_limit: SomeTime = Field(
        timedelta(seconds=60), description="Maximum time for OCR of one message, in addition to `scan.time_limit`."
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
    """Directories of the rules."""

    directory: Path | None = Field(
        None, description="The shipped rules; unset means those installed with this version."
    )
    local_directory: Path = Field(
        Path("/etc/holdgate/rules.d"), description="Your own rules and changes, which are read after the shipped ones."
    )

    def shipped(self) -> Path:
        """Return the directory of the shipped rules: the setting, else that of the checkout, else the installed one."""
        if self.directory is not None:
            return self.directory
        checkout = Path(__file__).parents[2] / "rules"
        return checkout if checkout.is_dir() else Path(sys.prefix) / "share/holdgate/rules"


class PolicySettings(Section):
    """Who may send what to whom. The policies are in a separate file."""

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
        description="Name of the header field that states what the policy does with the message.",
    )
    action_value: str = Field("Quarantine", pattern=r"^[ -~]+$", description="Its value for held mail.")
    inbound_clients: list[Network] = Field(
        [],
        description="Networks of relays that submit mail from outside although Postfix lists them in `mynetworks`, "
        "such as a spam filter. For mail from inside, an external envelope sender counts as a "
        "recipient, because a bounce can carry the content to it. For mail from these networks it does "
        "not.",
    )
    trusted_scanners: list[Network] = Field(
        [],
        description="Networks of other scanners, such as Netskope's SMTP proxy. Mail from them with "
        "`X-Netskope-Inspected: true` is not inspected again, and `trusted_scanner_headers` are "
        "trusted.",
    )
    trusted_scanner_headers: dict[str, str] = Field(
        {"X-Netskope-Action": "quarantine", "X-Panw-Action": "quarantine"},
        description="Header fields with which a trusted scanner requests a hold, and the pattern of each value. "
        "Case does not matter.",
    )


class SealSettings(Section):
    """The seal, with which Holdgate recognises mail that it has inspected (see [headers](headers.md))."""

    keys: Path = Field(
        Path("/etc/holdgate/seal.keys"),
        description="File of the keys, created by `holdgate seal new-key`. Without it, no seal is written or accepted.",
    )
    lifetime: SomeTime = Field(timedelta(hours=1), description="How long after the inspection a seal is valid.")


def url_mistake(value: str) -> str:
    """Return the error in the form of a store's URL, "" if there is none. The URL is not repeated."""
    if re.match(r"sqlite:///|postgresql(\+psycopg)?://", value) is None:
        return 'is no URL of a store; write "sqlite:////path" or "postgresql://ROLE@HOST/DATABASE"'
    if re.match(r"sqlite:///(?!/|:memory:|file:)", value):
        return 'has a relative path, which depends on the directory; write four slashes: "sqlite:////path"'
    return ""


class StoreSettings(Section):
    """The database of incidents."""

    url: str = Field(
        "sqlite:////var/lib/holdgate/holdgate.db",
        description='"sqlite:////path", or "postgresql://ROLE@HOST/DATABASE?passfile=/path": see '
        "[use PostgreSQL](../howto/postgresql.md).",
    )
    listen_url: str = Field(
        "",
        description="URL of a direct connection to the same PostgreSQL, over which the daemons are woken (LISTEN). "
        "Set it if `url` leads to a pooler in transaction mode, through which no notification arrives. Unset "
        "means `url`.",
    )
    audit_head: Path = Field(
        Path("/var/lib/holdgate/audit.head"),
        description="File outside the database for the newest hash of each chain of the audit trail. "
        "`holdgate-desk` writes it, and `holdgate audit verify` compares it. The log contains the "
        "hashes too. The desk's user must be able to write to the directory.",
    )
    audit_logs: list[str] = Field(
        [],
        description="Log files, as patterns such as `/var/log/holdgate/*.log*`, in which `holdgate audit verify` "
        "searches for hashes in addition to the journal. A file on another machine proves the most. A "
        "user who can write to such a file can raise a false alarm, so do not name one that every user "
        "can log to.",
    )

    @property
    def is_shared(self) -> bool:
        """Whether several machines can use the store."""
        return not self.url.startswith("sqlite:")

    @field_validator("url", "listen_url")
    @classmethod
    def _known_and_without_password(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "listen_url" and not value:
            return value
        if reported := url_mistake(value):
            raise ValueError(reported)
        parts = urlsplit(value)
        try:
            _ = parts.port
        except ValueError:
            raise ValueError(
                'several hosts with ports are written "postgresql://ROLE@/DATABASE?host=HOST:PORT&host=HOST:PORT"'
            ) from None
        if parts.password is not None or "password" in parse_qs(parts.query, keep_blank_values=True):
            raise ValueError("contains a password, and this file is world-readable; remove it and add ?passfile=FILE")
        return value


class QueueSettings(Section):
    """The queue agent, the only part that accesses Postfix's queue."""

    socket: Path = Field(
        Path("/run/holdgate/queue.sock"), description="Unix socket of the agent. Root and `user` can connect."
    )
    postfix_config: Path = Field(
        Path("/etc/postfix"),
        description="Configuration directory of the Postfix instance whose hold queue Holdgate uses.",
    )
    interval: SomeTime = Field(
        timedelta(minutes=1),
        description="How often the hold queue is listed although its directory has not changed. Changes of queue or "
        "store are detected within two seconds, whatever the value.",
    )
    missing_after: SomeTime = Field(
        timedelta(minutes=10),
        description="If the message of an incident is not in the hold queue after this time, the incident is closed "
        "and an alarm is raised (`never-held`).",
    )
    adopt_uninspected: bool = Field(
        False,
        description="Send requests about held mail without `X-Holdgate-Status`, which the milter has not inspected. "
        "Needed with `milter_default_action = quarantine`: see [attach](../howto/attach.md).",
    )


ChangeKind = Literal["redact", "without-attachments", "encrypt", "without-recipients"]


class ModerationSettings(Section):
    """Who decides on a held message, and until when. A policy can override each of these."""

    moderators: list[str] = Field(
        ["manager"],
        min_length=1,
        description='Addresses of the moderators; "manager" is the sender\'s manager. All get a request, and the '
        "first decision counts.",
    )
    levels: list[Annotated[list[str], Field(min_length=1)]] = Field(
        [],
        description='Approval levels, instead of `moderators`, as in [["manager"], ["law@corp.example"]]. A level '
        "begins when the one before has approved, with a new deadline. A single rejection ends the "
        "process.",
    )
    approvals: int = Field(1, ge=1, le=5, description="Number of different people that must approve at each level.")
    managers: str = Field(
        "",
        description="Postfix table from a sender's address to the manager's address, as in "
        '"ldap:/etc/holdgate/managers.cf", or the path of a file with lines "SENDER MANAGER". The SMTP '
        "AUTH name is looked up, then the envelope sender; for the null sender, the From address.",
    )
    managers_retry_for: Duration = Field(
        timedelta(minutes=15),
        description="How long a table that cannot be queried is retried. Then the fallback gets the request.",
    )
    deputies: dict[str, str] = Field(
        {},
        description="Deputies, from the moderator's address to the deputy's. A deputy gets the request as soon as "
        "an automatic reply states that the moderator is away.",
    )
    fallback: list[str] = Field(
        ["postmaster"],
        min_length=1,
        description="Moderators who are asked if no other one is available: no manager was found, the manager is the "
        "sender or a recipient, or the request bounced. Must not be empty, because mail is never released without a "
        "decision.",
    )
    deadline: Duration = Field(
        timedelta(days=2), description="A held message without a decision is returned to its sender after this time."
    )
    working_days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        [],
        description='Days that count for `deadline` and `reminders`, as in ["mon", "tue", "wed", "thu", "fri"]; '
        "empty: every day, including holidays.",
    )
    holidays: list[date] = Field([], description="Dates that do not count although they are working days.")
    reminders: list[Duration] = Field(
        [timedelta(days=1)], description="How long before the deadline moderators who have not answered get a reminder."
    )
    notify_over: list[str] = Field(
        [],
        description="Channels that carry requests and reminders in addition to mail, by name; see `[channels]`.",
    )
    forward_to: list[str] = Field(
        [],
        description="Addresses and domains to which a moderator can forward the question; empty: those of "
        "`desk.own_domains`.",
    )
    attach_original: bool = Field(
        False,
        description="Attach the held message to the request. It is then unmasked in the moderator's mailbox.",
    )
    reveal: bool = Field(True, description="Allow moderators to see a single match unmasked. Each time is recorded.")
    language: str = Field(
        "en", pattern=r"^[a-z]{2,8}$", description="Language of mail to people who are not in `desk.languages`."
    )
    notify_sender_on_hold: bool = Field(
        False, description="Notify senders at once that their message is held, with a link to withdraw it."
    )
    reasons: list[ShortTranslated] = Field(
        [],
        max_length=20,
        description='Reasons that a sender can choose from on the page, as in ["They asked for it", "Contract"]; each '
        'can be a table of languages: `{ en = "Contract", de = "Vertrag" }`. The chosen one is recorded in '
        "`language`. Empty: the sender writes one.",
    )
    self_release: bool = Field(
        False,
        description="Let senders release their own message, with a reason, by the link in the notice that it is "
        "held. Not possible if more than one approval is needed, or if the message was not fully "
        "inspected. The moderators get requests too, and can decide first.",
    )
    self_release_severity: Severity = Field(
        Severity.MEDIUM,
        description="The highest severity of a profile with which a sender can release a message: low, medium, high "
        "or critical.",
    )
    self_release_recipients: int = Field(
        10, ge=1, le=1000, description="Maximum number of recipients of a message that its sender can release."
    )
    self_release_per_day: int = Field(
        5, ge=1, le=1000, description="Maximum number of messages that a sender can release within 24 hours."
    )
    classes: bool = Field(
        False,
        description="Let a moderator allow a class of a program's mail with an approval: answers in the thread for 24 "
        "hours, or mail to its recipients for some days. This disables only the condition `machine`, see [machine "
        "accounts](../howto/machines.md#allow-what-follows). Not possible if more than one approval is needed.",
    )
    classes_days: int = Field(
        30, ge=1, le=365, description="Maximum number of days for which mail to a recipient can be allowed."
    )
    changes: list[ChangeKind] = Field(
        [],
        description="Changes with which a moderator can approve a message: `redact`, `without-attachments`, `encrypt`, "
        "`without-recipients`. Not possible if more than one approval is needed. `desk.change_relay` must be set.",
    )
    encrypt_through: str = Field(
        "",
        description="Postfix transport for messages that are approved with `encrypt`, as in "
        '"encrypt:[gateway.corp.example]".',
    )
    notify_sender_on_approval: bool = Field(True, description="Notify the sender that the moderator responded Approve.")
    return_original: bool = Field(
        True,
        description="Return a rejected message with its text (up to `desk.return_size`). If false, only the header "
        "is returned.",
    )
    retention: Duration = Field(
        timedelta(days=90),
        description="How long a closed incident keeps its content: subject, comment, masked samples.",
    )

    @field_validator("moderators", "fallback", "levels", "deputies")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        flat: list[str] = []
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            flat.extend(item if isinstance(item, list) else [item])
        for address in flat:
            if not re.fullmatch(r"[^@\s<>,;:\"()]+(@[^@\s<>,;:\"()]+)?", address):
                raise ValueError(no_plain_address(address))
        return value

    @field_validator("encrypt_through")
    @classmethod
    def _transport(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z][a-z0-9_-]*:[!-~]*", value):
            raise ValueError(f'"{value}" is no transport; write it as in "encrypt:[gateway.corp.example]"')
        return value

    @field_validator("deadline")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if not value:
            raise ValueError('"0s" is no time: each message would go back at once; write a longer one, as in "2d"')
        return value

    @field_validator("fallback")
    @classmethod
    def _people(cls, value: list[str]) -> list[str]:
        if "manager" in value:
            raise ValueError(
                "manager is not allowed here, because the fallback is for when there is none; write addresses"
            )
        return value

    @property
    def chain(self) -> list[list[str]]:
        """Return the approval levels; there is one if `levels` is not set."""
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
    """How people are notified and how they answer: mail, the web page, replies by mail, the API."""

    notice_relay: Relay = Field(
        Path("/var/spool/postfix/public/holdgate-notice"),
        description="SMTP listener that accepts Holdgate's notices without filtering (see `postfix/master.cf`): "
        '"unix:/path" below `public` in Postfix\'s queue directory, which only root and the group '
        "`postdrop` can enter. Through host:port, every local user could send mail without inspection.",
    )
    change_relay: Relay | None = Field(
        None,
        description="SMTP listener that puts all mail into the hold queue, for messages that are approved with changes "
        '(see `postfix/change.cf`): "unix:/path" below `public` in Postfix\'s queue directory. Unset: no changes.',
    )
    replacement_relay: Relay | None = Field(
        None,
        description="SMTP listener that shows mail to the milter and then holds all of it, for amended messages that "
        'programs send in the place of held ones (see `postfix/replace.cf`): "unix:/path" below `public` in Postfix\'s '
        "queue directory. Unset: not possible.",
    )
    replacement_size: Size = Field(25_000_000, description="Maximum size of an amended message, in bytes.")
    notice_from: str = Field("Holdgate <holdgate@localhost>", description="From header of notices.")
    own_domains: list[str] = Field(
        [],
        description="Domains of your senders, including their subdomains; empty: the domain of `notice_from`. "
        "Senders in other domains are not notified, because their addresses may be forged.",
    )
    return_size: Size = Field(
        50_000,
        description="A returned message up to this size is attached completely, a larger one with its header only "
        "(Postfix: `bounce_size_limit`).",
    )
    time_zone: str = Field("", description='Time zone in mail and pages, as in "Europe/Berlin"; "": the system\'s.')
    templates: Path = Field(
        Path("/etc/holdgate/templates"), description="Your own templates; a file here replaces the built-in one."
    )
    token_key: Path = Field(
        Path("/var/lib/holdgate/token.key"),
        description="File with the secret that signs links and reply addresses; created at the first start.",
    )
    house: str = Field("", max_length=60, description="Name of your organisation at the top of mail and pages.")
    house_mark: str = Field(
        "", max_length=2, description="One or two letters next to it; unset: the first letter of `house`."
    )
    languages: str = Field(
        "",
        description='Postfix table from people\'s addresses to their language, as in "hash:/etc/holdgate/languages" '
        'with lines "ADDRESS de". Other people read the language of their browser, of the policy '
        "(`moderation.language`), or of the site.",
    )
    digest_time: time = Field(
        time(8, 0), description='Time of day at which daily summaries are sent to people who ordered one, as "08:00".'
    )
    web_listen: Address | None = Field(None, description="Address of the web page and the API; unset: switched off.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s?#]+(/[^\s?#]*)?)?$",
        description='URL of the page in people\'s browsers, as in "https://approve.corp.example".',
    )
    certificate: Path | None = Field(None, description="TLS certificate chain (PEM); unset if a proxy does TLS.")
    private_key: Path | None = Field(None, description="The certificate's private key (PEM).")
    trusted_proxies: list[Network] = Field(
        [], description="Networks of reverse proxies, whose `X-Forwarded-For` and `user_header` are trusted."
    )
    user_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description='Header in which a trusted proxy names the user by mail address, as in "X-Remote-User"; "": none.',
    )
    proxy_secret: Path | None = Field(
        None,
        description="File with a secret of at least 32 characters that a trusted proxy sends in the header "
        "`X-Holdgate-Proxy`. Without the header, the proxy is not trusted. Unset: the proxy's address "
        "is sufficient.",
    )
    ask_number: bool = Field(
        False,
        description="Require a two-digit number, which only the mail shows, for everything that is sent on a page that "
        "a link opened (decide, forward, ask the sender, show a match; a sender's reason, release and withdrawal). "
        "This stops programs that open links and fill in forms, and people who got the link without its mail. People "
        "who signed in need no number.",
    )
    session_lifetime: SomeTime = Field(timedelta(hours=12), description="How long a person stays signed in.")
    lmtp_listen: Address | None = Field(
        None, description="LMTP address for replies by mail and returned requests; unset: switched off."
    )
    reply_address: str = Field(
        "",
        pattern=r"^([!#-'*\-/-9=?A-Z^-~]{1,20}@[A-Za-z0-9.-]+)?$",
        description='Address whose mail Postfix delivers to `lmtp_listen`, as in "holdgate@approve.corp.example". '
        'Holdgate adds a token after a "+".',
    )
    api_tokens: list[ApiToken] = Field([], description="Tokens for the JSON API.")

    @model_validator(mode="after")
    def _together(self) -> "DeskSettings":
        if self.web_listen is not None and not self.public_url:
            raise ValueError(
                "web_listen is set, but public_url is empty; set it to the URL of the page, for the links in mail"
            )
        if self.lmtp_listen is not None and not self.reply_address:
            raise ValueError(
                "lmtp_listen is set, but reply_address is empty; set it to the address that moderators reply to"
            )
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key must both be set, or neither; set the other one too")
        if self.user_header and not self.trusted_proxies:
            raise ValueError(
                "user_header is set, but trusted_proxies is empty; set it, because any client can write the header"
            )
        return self

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name is too long for a file
                raise ValueError(no_zone(value)) from error
        return value

    def is_own_sender(self, sender: str) -> bool:
        """Return whether a sender can be notified: not the null sender (RFC 5321, 4.5.5), and no external sender."""
        domain = sender.rpartition("@")[2].lower()
        own = self.own_domains or [parseaddr(self.notice_from)[1].rpartition("@")[2]]
        return bool(sender) and any(domain == one.lower() or domain.endswith("." + one.lower()) for one in own)


class ReplySettings(Section):
    """Who can decide by mail, and what proves it. A token proves nothing, because relays log it."""

    proof: list[Literal["results", "login", "client", "smime"]] = Field(
        [],
        description="What proves the writer of a reply, any of these: `results` (Authentication-Results of "
        "`authserv_id`), `login` (SMTP AUTH), `client` (`clients`), `smime` (a signature). Empty: "
        "replies decide nothing and are answered with the link.",
    )
    authserv_id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Name of the server whose Authentication-Results (RFC 8601) are trusted. It must remove fields "
        "with this name that arrive from outside. A pass of dmarc, dkim, spf or auth must match the "
        "From address.",
    )
    login_header: str = Field(
        "",
        pattern=r"^[!-9;-~]*$",
        description="Header field in which your submission server names the SMTP AUTH user. The server must remove "
        "copies of it. Not needed for mail that arrives through the milter with SMTP AUTH.",
    )
    login_domain: str = Field("", description="Domain of SMTP AUTH names without a domain.")
    clients: list[Network] = Field(
        [],
        description="Networks of SMTP clients that let no person write in another's name, such as a webmail server.",
    )
    authorities: Path | None = Field(
        None,
        description="Certificate authorities (PEM) of moderators' S/MIME certificates, instead of the system's.",
    )
    same_person: str = Field(
        "",
        description="Postfix table from an address or SMTP AUTH name to the person's main address, or the path of a "
        'file with lines "ALIAS ADDRESS". Replies from an alias count as the person\'s.',
    )
    delegates: str = Field(
        "",
        description="Postfix table from the address of a moderator or mailing list to those who can reply instead, "
        'or the path of a file with lines "MODERATOR ADDRESS, ADDRESS".',
    )

    @model_validator(mode="after")
    def _complete(self) -> "ReplySettings":
        needs = {"results": "authserv_id", "client": "clients", "smime": "authorities"}
        for way, name in needs.items():
            if way in self.proof and not getattr(self, name):
                raise ValueError(f'proof has "{way}", but {name} is not set; set it')
        return self


class CanarySettings(Section):
    """The test message that `holdgate canary` sends to itself through all steps."""

    submit: Address = Field(("127.0.0.1", 25), description="SMTP listener to which the message is submitted.")
    sender: str = Field("", description='Its envelope sender; "" is the null sender, who is never notified.')
    recipient: str = Field(
        "holdgate+canary@localhost",
        description="Its recipient, who is also asked for approval. The policies must treat it as external, and its "
        "mail must be discarded. The package sets this up for the default if Postfix delivers locally and "
        "`recipient_delimiter` is +; otherwise name a recipient that is routed to the transport discard.",
    )
    step_timeout: SomeTime = Field(
        timedelta(minutes=5), description="Maximum time for each step. Then the canary has failed."
    )
    state: Path = Field(
        Path("/var/lib/holdgate/canary"), description="File with the time of the last success, for the metrics."
    )


class RelationsSettings(Section):
    """Who writes to whom: learned from mail that went out, for the condition `recipient_risk` of policies."""

    mode: Literal["off", "learn", "on"] = Field(
        "off",
        description="`learn`: only learn; `on`: also evaluate `recipient_risk` in policies. See "
        "[the right recipient](../howto/recipients.md).",
    )
    key: Path = Field(
        Path("/var/lib/holdgate/relations.key"),
        description="File with the secret by which addresses are hashed; created at the first start. Servers that "
        "share a store need the same one. With another key, everything has to be learned again.",
    )
    half_life: Duration = Field(
        timedelta(days=180), description="After this time without mail, a relation counts half as much."
    )
    retention: Duration = Field(
        timedelta(days=400), description="Relations that were not used for this time are deleted."
    )
    time_limit: Duration = Field(
        timedelta(seconds=1),
        description="Maximum time that a message waits for what was learned. After it, see `when_unknown` in the "
        "[policies](policies.md).",
    )
    queue_size: int = Field(
        10_000,
        ge=1,
        le=1_000_000,
        description="Maximum number of messages that wait to be learned. When it is reached, further ones are not "
        "learned (`holdgate_relations_dropped_total`).",
    )
    names_for_sender: Literal["site", "own"] = Field(
        "site",
        description="Which similar recipients a sender who is asked sees by name: `site`: correspondents of all "
        "senders; `own`: only their own. Moderators see both.",
    )
    except_for: list[str] = Field(
        [],
        description="Addresses and domains that are neither learned nor compared, as senders or as recipients. "
        "To delete what was learned before, run `holdgate relations forget ADDRESS`.",
    )

    @field_validator("half_life", "retention")
    @classmethod
    def _days(cls, value: timedelta) -> timedelta:
        if value < timedelta(days=7):
            raise ValueError(f'"{format_duration(value)}" is too short; write at least "7d"')
        return value


class MachineSettings(Section):
    """Accounts of programs: what each has sent is remembered, for the condition `machine` of policies."""

    mode: Literal["off", "learn", "on"] = Field(
        "off",
        description="`learn`: only count and learn; `on`: also evaluate `machine` in policies. See "
        "[machine accounts](../howto/machines.md).",
    )
    accounts: str = Field(
        "",
        description='Postfix table of the accounts, as in "texthash:/etc/holdgate/machines": from the SMTP AUTH name, '
        "or from the client's address or network (as in access(5)), to the address of the owner. The key that is "
        "found is the name of the account.",
    )
    time_limit: Duration = Field(
        timedelta(seconds=10),
        description="Maximum time that a message of a program waits until it is counted. Then it is deferred (4xx) if "
        "a policy has the condition `machine`.",
    )
    retention: Duration = Field(
        timedelta(days=400), description="What an account has not sent for this time is new again."
    )

    @model_validator(mode="after")
    def _has_accounts(self) -> "MachineSettings":
        if self.mode != "off" and not re.fullmatch(r"[a-z]+:\S.*", self.accounts):
            raise ValueError('accounts: name a Postfix table, as in "texthash:/etc/holdgate/machines"')
        return self


class NodeSettings(Section):
    """Which mail server this is, where [several servers](../howto/several-servers.md) share a store."""

    name: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,254})?$",
        description="Name of this mail server. Each server that uses the same store needs another one. Unset means "
        "Postfix's `myhostname`.",
    )
    listen: Address | None = Field(
        None,
        description="Address at which desks of other nodes read messages that this node holds, by TLS with "
        "certificates on both sides. Unset: they cannot. Allow only the other nodes in your firewall.",
    )
    address: Address | None = Field(
        None,
        description="Address at which other nodes reach `listen`. Unset: `listen` itself, or the name of the node with "
        "the same port if `listen` is 0.0.0.0 or [::].",
    )
    authority: Path | None = Field(
        None,
        description="Certificate (PEM) of the authority that signs the certificates of your nodes, and of nothing "
        "else. `holdgate nodes certificate` makes these three files.",
    )
    certificate: Path | None = Field(None, description="This node's certificate (PEM), which contains its name.")
    private_key: Path | None = Field(
        None, description="The certificate's private key (PEM); readable by root and the group `holdgate`."
    )

    @model_validator(mode="after")
    def _complete(self) -> "NodeSettings":
        files = [self.authority, self.certificate, self.private_key]
        if any(files) and not all(files):
            raise ValueError(
                "authority, certificate and private_key must all be set, or none of them; set the others too"
            )
        if self.listen is not None and self.certificate is None:
            raise ValueError(
                "listen is set, but certificate is not; make certificates: holdgate nodes certificate NAME"
            )
        if self.address is not None and self.listen is None:
            raise ValueError("address is set, but listen is not, so other nodes reach nothing there; set listen")
        return self


class MetricsSettings(Section):
    """Addresses at which Prometheus scrapes the daemons. They cannot be switched off: keep them on loopback."""

    milter: Address = Field(("127.0.0.1", 9851), description="Address of `holdgate-milter`'s metrics.")
    queue: Address = Field(("127.0.0.1", 9852), description="Address of `holdgate-queue`'s metrics.")
    desk: Address = Field(("127.0.0.1", 9853), description="Address of `holdgate-desk`'s metrics.")


class Settings(Section):
    """All settings, one table for each part."""

    user: str = Field(
        "holdgate",
        description="System user of `holdgate-queue`'s process without privileges, and owner of the store. The users "
        "of the other daemons are in its group. A daemon that root starts changes to its user.",
    )
    milter_user: str = Field(
        "",
        description="System user of `holdgate-milter`; unset means `holdgate-milter`, or `user` if that is not "
        "`holdgate`.",
    )
    desk_user: str = Field(
        "",
        description="System user of `holdgate-desk`; unset means `holdgate-desk`, or `user` if that is not `holdgate`.",
    )
    scan_user: str = Field(
        "",
        description="System user of `holdgate-scan` and of all workers, in no group of the others; unset means "
        "`holdgate-scan`, or `user` if that is not `holdgate`.",
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
    relations: RelationsSettings = RelationsSettings()
    machines: MachineSettings = MachineSettings()
    queue: QueueSettings = QueueSettings()
    moderation: ModerationSettings = ModerationSettings()
    channels: ChannelSettings = ChannelSettings()
    desk: DeskSettings = DeskSettings()
    replies: ReplySettings = ReplySettings()
    canary: CanarySettings = CanarySettings()
    metrics: MetricsSettings = MetricsSettings()

    def account(self, daemon: Literal["milter", "queue", "desk", "scan"]) -> str:
        """Return the system user of a daemon. For `holdgate-queue` it is the user of its unprivileged process."""
        if daemon == "queue":
            return self.user
        given = {"milter": self.milter_user, "desk": self.desk_user, "scan": self.scan_user}[daemon]
        # Writing the default into the file changes nothing: the systemd units name the users of the daemons.
        shared = self.user if self.user != type(self).model_fields["user"].default else ""
        return given or shared or f"holdgate-{daemon}"
