"""Drafts what `holdgate setup` writes: both settings files with the answers, checked before they are written."""

import difflib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdgate.atomic import replace_file
from holdgate.cli.setup_answers import NO_PAGE, Answers
from holdgate.cli.toml_edit import Change, edited
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.notation import format_relay
from holdgate.phrases import reason_of
from holdgate.policy.model import PolicyFile, policies_of

# Addresses whose X-Forwarded-For is trusted: a reverse proxy on this machine.
_LOOPBACK = ["127.0.0.1/32", "::1/128"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A file's old and new text; `old` is None if it does not exist yet."""

    path: Path
    old: str | None
    new: str

    @property
    def difference(self) -> str:
        """The difference to show, "" if there is none."""
        lines = difflib.unified_diff(
            (self.old or "").splitlines(),
            self.new.splitlines(),
            str(self.path),
            f"{self.path} (new)",
            lineterm="",
            n=1,
        )
        return "\n".join(lines)


def read(path: Path) -> str | None:
    """Return a file's text (UTF-8), or None if the file does not exist. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {_reason(error)}"]) from error


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return reason_of(error) if isinstance(error, OSError) else f"byte {error.start} is not UTF-8"


def draft(path: Path, settings: Settings, policies: PolicyFile, answers: Answers) -> list[Draft]:
    """Return the settings file and the policies file with the answers in them. Raises ConfigError.

    Only what differs is changed: a second run with the same answers changes nothing.
    """
    own, where = read(path), settings.policy.file
    policies_before = read(where)
    if policies_before is None:
        raise ConfigError([f"{where}: there is no such file; to install the packaged one, run: {_SHIPPED}"])
    return [
        Draft(path, own, edited(path, own or "", list(_settings(settings, answers)))),
        Draft(where, policies_before, edited(where, policies_before, list(_policies(policies, answers)))),
    ]


_SHIPPED = "apt install --reinstall -o Dpkg::Options::=--force-confmiss holdgate"


def _settings(settings: Settings, answers: Answers) -> Iterator[Change]:
    moderation, desk = settings.moderation, settings.desk
    yield from _unless(moderation.moderators == answers.moderators, "moderation", "moderators", answers.moderators)
    yield from _unless(moderation.managers == answers.managers, "moderation", "managers", answers.managers or None)
    sender = answers.notice_from or f"Holdgate <holdgate@{answers.own_domains[0]}>"
    yield from _unless(desk.notice_from == sender, "desk", "notice_from", sender)
    if answers.own_domains:
        yield from _unless(desk.own_domains == answers.own_domains, "desk", "own_domains", answers.own_domains)
    page: dict[str, Any] = dict.fromkeys(("public_url", "web_listen", "certificate", "private_key"))
    if answers.page != NO_PAGE:
        page |= {"public_url": answers.page, "web_listen": format_relay(answers.listen)}
        if answers.certificate is not None:
            page |= {"certificate": str(answers.certificate), "private_key": str(answers.private_key)}
    now = settings.model_dump(mode="json")["desk"]
    for key, value in page.items():
        yield from _unless((now[key] or None) == value, "desk", key, value)
    if answers.page != NO_PAGE and answers.certificate is None and not desk.trusted_proxies:
        yield Change("desk", "trusted_proxies", _LOOPBACK)


def _unless(same: bool, table: str, key: str, value: str | list[str] | None) -> Iterator[Change]:
    if not same:
        yield Change(table, key, value)


def _policies(policies: PolicyFile, answers: Answers) -> Iterator[Change]:
    yield from _unless(policies.internal_domains == answers.domains, "", "internal_domains", answers.domains)
    if answers.mode == "keep":
        return
    observing = answers.mode == "observe"
    # In mode observe nothing is held. Mail that was not read is held again only if the mode had allowed it.
    unread = policies.uninspected.name
    if observing and unread != "allow":
        yield Change("", "uninspected", "allow")
    elif not observing and unread == "allow" and any(policy.mode == "observe" for policy in policies.policy):
        yield Change("", "uninspected", "quarantine")
    for number, policy in enumerate(policies.policy):
        if (policy.mode == "observe") != observing:
            yield Change("policy", "mode", "observe" if observing else None, number)


def settings_of(drafts: list[Draft]) -> Settings:
    """Read the drafts as the daemons would. Raises ConfigError, each line with the place in the real file."""
    with tempfile.TemporaryDirectory(prefix="holdgate-setup-") as directory:
        files = []
        for one in drafts:
            file = Path(directory) / one.path.name
            file.write_text(one.new, encoding="utf-8")
            files.append(file)
        try:
            settings = load_settings(files[0])
            policies_of(settings.policy.model_copy(update={"file": files[1]}))
        except ConfigError as error:
            problems = error.problems
            for file, one in zip(files, drafts, strict=True):
                problems = [problem.replace(str(file), str(one.path)) for problem in problems]
            raise ConfigError(problems) from error
    return settings


def write(one: Draft) -> None:
    """Replace the file atomically by its draft. Raises ConfigError if the file was changed meanwhile."""
    if read(one.path) != one.old:
        raise ConfigError([f"{one.path}: was changed meanwhile, so setup did not change it; run setup again"])
    try:
        owner = one.path.stat() if one.old is not None else None
        replace_file(
            one.path,
            one.new.encode(),
            mode=None if owner else 0o644,
            uid=owner.st_uid if owner else -1,
            gid=owner.st_gid if owner else -1,
        )
    except OSError as error:
        raise ConfigError([f"{one.path}: cannot be written: {error.strerror}; it was not changed"]) from error
