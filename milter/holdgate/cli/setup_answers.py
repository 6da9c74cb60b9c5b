"""The input of `holdgate setup`: the answers, their defaults from Postfix and the files, and the questions."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from holdgate import mistakes
from holdgate.cli.check_people import no_person, no_sender
from holdgate.config import Section, Settings
from holdgate.configfile import ConfigError, read_toml
from holdgate.desk.moderators import MANAGER
from holdgate.notation import Address
from holdgate.policy.model import PolicyFile
from holdgate.policy.patterns import domain_mistake
from holdgate.tables import is_table, postconf, split_list

NO_PAGE = "none"
MODES = ("observe", "enforce", "keep")
_DOMAIN_SETTINGS = (
    "myorigin",
    "virtual_mailbox_domains",
    "virtual_alias_domains",
    "relay_domains",
    "mydestination",
)
_PUBLIC = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_LOCAL_ONLY = re.compile(r"(^|\.)(localhost|localdomain|local|invalid)$|^localhost\.")
_PAGE = re.compile(r"https?://[^/\s?#@]+(/[^\s?#]*)?")


class Answers(Section):
    """What setup cannot know. Each key is a key of the file of `--answers`."""

    domains: list[str] = Field(
        min_length=1,
        description="Your own domains: mail to them is internal. Patterns and Postfix tables are possible.",
    )
    moderators: list[str] = Field(
        min_length=1, description='Addresses of those who approve held mail, or "manager" for the sender\'s manager.'
    )
    managers: str = Field(
        "", description='Postfix table from a sender to their manager; needed if "manager" is among the moderators.'
    )
    page: str = Field(
        NO_PAGE, description='Address of the approval page, as in "https://approve.corp.example"; "none": no page.'
    )
    listen: Address = Field(("127.0.0.1", 9860), description="Where the page listens; a reverse proxy there does TLS.")
    certificate: Path | None = Field(None, description="TLS certificate chain (PEM), if the page does TLS itself.")
    private_key: Path | None = Field(None, description="The certificate's private key (PEM).")
    notice_from: str = Field("", description="From header of notices; unset: holdgate@ the first of `domains`.")
    mode: Literal["observe", "enforce", "keep"] = Field(
        "keep",
        description="`observe`: all mail is delivered, and what would be held is recorded; `enforce`: mail is held; "
        "`keep`: as the policies say now.",
    )

    @field_validator("domains")
    @classmethod
    def _domains(cls, value: list[str]) -> list[str]:
        for domain in value:
            if reported := domain_mistake(domain):
                raise ValueError(reported)
        return value

    @field_validator("moderators")
    @classmethod
    def _moderators(cls, value: list[str]) -> list[str]:
        for name in value:
            if re.search(r"[\s<>,;:\"()]", name):
                raise ValueError(mistakes.no_plain_address(name))
            if reported := no_person(name):
                raise ValueError(reported)
        return value

    @field_validator("managers")
    @classmethod
    def _managers(cls, value: str) -> str:
        if value and not is_table(value) and not value.startswith("/"):
            raise ValueError(
                f'"{value}" is no Postfix table; write one as in "ldap:/etc/holdgate/managers.cf", or the path of a '
                "file with lines of a sender and their manager"
            )
        return value

    @field_validator("certificate", "private_key")
    @classmethod
    def _files(cls, value: Path | None) -> Path | None:
        # systemd provides its credentials only while the unit runs.
        if value is not None and not value.is_relative_to("/run/credentials") and not value.is_file():
            raise ValueError(f'there is no file "{value}"; write its path on this machine')
        return value

    @field_validator("notice_from")
    @classmethod
    def _notice_from(cls, value: str) -> str:
        if value and (reported := no_sender(value)):
            raise ValueError(reported)
        return value

    @field_validator("page")
    @classmethod
    def _page(cls, value: str) -> str:
        if value == NO_PAGE or _PAGE.fullmatch(value):
            return value
        if value.casefold() == NO_PAGE:
            return NO_PAGE
        host = re.fullmatch(r"[\w.-]+(:\d+)?(/\S*)?", value)
        meant = f'did you mean "https://{value}"?' if host and value else f', or "{NO_PAGE}"'
        form = "" if host and value else 'write it as "https://approve.corp.example"'
        raise ValueError(f'"{value}" is no address of a page; {form}{meant}')

    @property
    def own_domains(self) -> list[str]:
        """The domains without patterns and tables, for `desk.own_domains`, which includes subdomains."""
        plain = (one.removeprefix("*.").removeprefix("*@") for one in self.domains if not is_table(one))
        return list(dict.fromkeys(one for one in plain if "*" not in one and "?" not in one))


def read_answers(path: Path, defaults: dict[str, Any]) -> Answers:
    """Read a file of answers (TOML, UTF-8), completed by `defaults`. Raises ConfigError."""
    return checked(read_toml(path), defaults, str(path))


def checked(given: dict[str, Any], defaults: dict[str, Any], place: str) -> Answers:
    """Return these answers, completed by `defaults`. Raises ConfigError, each line with `place` and the key."""
    try:
        answers = Answers.model_validate(defaults | given)
    except ValidationError as error:
        raise ConfigError([f"{place}: {_sentence(detail)}" for detail in error.errors()]) from error
    problems = []
    if MANAGER in answers.moderators and not answers.managers:
        problems.append(
            f'{place}: moderators: "{MANAGER}" needs managers; name a Postfix table from a sender to their manager, as '
            'in "ldap:/etc/holdgate/managers.cf"'
        )
    if not (answers.own_domains or answers.notice_from):
        problems.append(
            f"{place}: notice_from: domains contains no plain domain for the sender of notices; write a sender, as in "
            '"Holdgate <holdgate@corp.example>"'
        )
    if (answers.certificate is None) != (answers.private_key is None):
        problems.append(f"{place}: certificate and private_key must both be set, or neither; set the other one too")
    if problems:
        raise ConfigError(problems)
    return answers


def _sentence(detail: Any) -> str:
    where = mistakes.place_of(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{where}: {mistakes.unknown_key(str(detail['loc'][-1]), Answers.model_fields)}"
    if detail["type"] == "missing":
        return f"{where}: is missing, and Postfix's settings do not contain it; add it ({_help(str(detail['loc'][0]))})"
    return f"{where}: {mistakes.sentence(detail)}"


def _help(key: str) -> str:
    return (Answers.model_fields[key].description or "").rstrip(".")


# -- defaults -----------------------------------------------------------------------------------------------------


def defaults_of(settings: Settings, policies: PolicyFile) -> dict[str, Any]:
    """Return the answers that the files contain, or else Postfix; an answer that is in neither is left out."""
    found: dict[str, Any] = {"mode": mode_of(policies)}
    domains = policies.internal_domains or domains_of_postfix(settings.queue.postfix_config)
    if domains:
        found["domains"] = domains
    moderation, desk = settings.moderation, settings.desk
    if "moderators" in moderation.model_fields_set:
        found["moderators"] = moderation.moderators
    elif domains and not is_table(domains[0]):
        found["moderators"] = [f"postmaster@{domains[0].removeprefix('*.')}"]
    if moderation.managers:
        found["managers"] = moderation.managers
    if desk.public_url:
        found["page"] = desk.public_url
    if desk.web_listen is not None:
        found["listen"] = desk.web_listen
    if desk.certificate is not None:
        found |= {"certificate": desk.certificate, "private_key": desk.private_key}
    if "notice_from" in desk.model_fields_set:
        found["notice_from"] = desk.notice_from
    return found


def mode_of(policies: PolicyFile) -> str:
    """Return "observe" or "enforce" if all policies have the same mode, else "keep"."""
    modes = {policy.mode for policy in policies.policy}
    return modes.pop() if len(modes) == 1 else "keep"


def domains_of_postfix(config: Path) -> list[str]:
    """Return the domains of main.cf, without the machine's local names and without contents of tables.

    mydomain counts only if main.cf sets it: Postfix derives "co.uk" from the host name corp.co.uk.
    """
    try:
        values = [*postconf(config, "-nxh", "mydomain"), *postconf(config, "-xh", *_DOMAIN_SETTINGS)]
    except (OSError, subprocess.SubprocessError):
        return []
    found: dict[str, None] = {}
    for value in values:
        for entry in split_list(value.lower()):
            domain = _content_of(entry)
            if _PUBLIC.fullmatch(domain) and not _LOCAL_ONLY.search(domain):
                found[domain] = None
    return list(found)


def _content_of(entry: str) -> str:
    """Return the content of a file that is given as a value, such as Debian's myorigin = /etc/mailname."""
    if not entry.startswith("/"):
        return entry
    try:
        return Path(entry).read_text(encoding="utf-8", errors="replace").strip().lower()
    except OSError:
        return ""


# -- questions ----------------------------------------------------------------------------------------------------


def ask(defaults: dict[str, Any], read: Callable[[str], str], show: Callable[[str], None]) -> Answers:
    """Ask for each answer by `read`, which gets a prompt. An empty line is the default; an error is asked again."""
    given: dict[str, Any] = {}
    show("Four questions. Press Enter for the value in brackets. Nothing is changed before you confirm.")
    given["domains"] = _ask_one("domains", "1. Your own domains, to which mail is internal", defaults, read, show)
    if "moderators" not in defaults and not is_table(given["domains"][0]):
        defaults = defaults | {"moderators": [f"postmaster@{given['domains'][0].removeprefix('*.')}"]}
    moderators = '2. Who approves held mail: addresses, or "manager" for the sender\'s manager'
    given["moderators"] = _ask_one("moderators", moderators, defaults, read, show)
    if MANAGER in given["moderators"]:
        table = "   Postfix table from a sender to their manager, as in ldap:/etc/holdgate/managers.cf"
        given["managers"] = _ask_one("managers", table, defaults, read, show)
    page = "3. Address of the approval page, as in https://approve.corp.example, or none"
    given["page"] = _ask_one("page", page, {"page": NO_PAGE} | defaults, read, show)
    mode = "4. observe: deliver all mail and record what would be held; enforce: hold mail"
    given["mode"] = _ask_one("mode", mode, defaults, read, show)
    return checked(given, defaults, "answers")


_EXAMPLES = {
    "domains": "your domains, separated by commas, as in corp.example, *.corp.example",
    "moderators": 'addresses, separated by commas, as in boss@corp.example, or the word "manager"',
    "managers": "the table, as in ldap:/etc/holdgate/managers.cf, or the path of a file with lines SENDER MANAGER",
    "page": 'an address, as in https://approve.corp.example, or "none"',
    "mode": '"observe" or "enforce"',
}


def _ask_one(
    key: str, question: str, defaults: dict[str, Any], read: Callable[[str], str], show: Callable[[str], None]
) -> Any:
    default = defaults.get(key, "")
    shown = ", ".join(default) if isinstance(default, list) else str(default)
    many = key in ("domains", "moderators")
    # Valid values for the other answers, so that only one error is reported at a time.
    rest = {"domains": ["corp.example"], "moderators": ["anna@corp.example"]}
    while True:
        line = read(f"{question}{f' [{shown}]' if shown else ''}: ").strip() or shown
        value: Any = [one for one in re.split(r"[\s,]+", line) if one] if many else line
        if not line or (many and line.casefold() in ("y", "yes", "n", "no")):
            show(f"   Write {_EXAMPLES[key]}.")
            continue
        try:
            Answers.model_validate({**rest, key: value})
        except ValidationError as error:
            show("\n".join(f"   {_sentence(detail).partition(': ')[2]}" for detail in error.errors()))
            continue
        return value
