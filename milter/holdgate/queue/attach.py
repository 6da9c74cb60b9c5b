"""Adds Holdgate to a Postfix instance's settings and removes it, on copies first, so that a person can review them.

Existing settings are kept. Other milters keep their places, but Holdgate's comes before the first one that may sign
(DKIM signs the message as it is sent). Options that only Holdgate's milter needs are in the braces of its entry
(postconf(5), smtpd_milters). The earlier settings are kept in a file, for `detach`.

It is long because attach and detach undo each other: each setting that one adds, the other must know.
"""

import difflib
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from holdgate.atomic import replace_file
from holdgate.config import Settings
from holdgate.milters import in_postfix
from holdgate.queue import presence
from holdgate.queue.detach import FOLLOWERS, FOLLOWING, MAPS, MILTERS, remaining, remove_settings, written_before
from holdgate.queue.detach import VALUES as _SETTINGS
from holdgate.queue.listeners import (
    set_change_listener,
    set_notice_listener,
    set_replace_listener,
    set_split_listener,
)
from holdgate.queue.postfix import Postfix, PostfixError, seconds_of
from holdgate.queue.presence import (
    bypass_paths,
    holdgate_map,
    lists_holdgate,
)
from holdgate.tables import split_list

# Every parent directory is owned by root: a user with write access could change main.cf at the next detach.
STATE_DIRECTORY = Path("/etc/holdgate/attached")
_FILES = ("main.cf", "master.cf")

# Filters that never sign. Any other milter may sign, so Holdgate's comes before it.
_NO_SIGNERS = re.compile(r"clam|spamass|dmarc|greylist|spf|regex|sid-milter", re.ASCII)
# How much longer than Holdgate's own limits Postfix waits for the milter, in seconds.
_CONTENT_TIMEOUT = 300
_TIMEOUT = re.compile(r"\bcontent_timeout\s*=\s*(\d+[smhdw]?)(?=[\s,}])")
_CONTENT_GRACE = 60


class AttachError(Exception):
    """The operation is impossible; the argument states the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What `attach` keeps for `detach`: both files before the change, and fingerprints of the files after it.

    `settings` is each setting's text in main.cf before the first attach, `sockets` those that the milter had since.
    """

    before: dict[str, str]
    after: dict[str, str]
    settings: dict[str, str | None] = field(default_factory=dict)
    sockets: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """New content of an instance's files, the difference to show, and notes for a person.

    `sockets` are all with which the milter is or was attached.
    """

    config: Path
    content: dict[str, str]
    difference: str
    remarks: list[str]
    sockets: list[str]


# -- attach -------------------------------------------------------------------------------------------------------


def plan_attach(settings: Settings, *, scanner_only: bool = False) -> Plan:
    """Plan the changes for attaching. Raises AttachError if attaching is impossible, PostfixError if Postfix fails.

    `scanner_only` is for a site where another system holds the mail that Holdgate marks: it writes no table of header
    checks, and no listener.
    """
    config = settings.queue.postfix_config
    postfix = Postfix(config)
    entry = milter_entry(settings, postfix)
    earlier = [one for one in _sockets(_load_state(config)) if one != settings.milter.socket]
    with _copy(config) as copy:
        draft = Postfix(copy)
        changes = dict(_changes(settings, postfix, entry, earlier))
        if scanner_only:
            changes = {name: value for name, value in changes.items() if name in MILTERS or name in _SETTINGS}
        for name, value in changes.items():  # of several settings, postconf(1) adds the new ones in a random order
            draft.set({name: value})
        if not scanner_only:
            set_notice_listener(draft, settings)
            set_change_listener(draft, settings, postfix)
            set_split_listener(draft, settings)
            set_replace_listener(draft, settings)
        sockets = [*earlier, settings.milter.socket]
        return _plan(config, copy, list(bypass_paths(settings, postfix)), sockets)


def milter_entry(settings: Settings, postfix: Postfix) -> str:
    """Return Holdgate's entry for smtpd_milters, with the options that only it needs in braces. Raises AttachError."""
    queue_directory = Path(postfix.setting("queue_directory"))
    socket = in_postfix(settings.milter.socket, queue_directory)
    if socket.startswith("unix:/") and (chrooted := _chrooted(postfix)):
        raise AttachError(
            f"{', '.join(chrooted)} run chrooted in {queue_directory} and cannot reach {socket}: set milter.socket "
            f'to "unix:{queue_directory}/holdgate/milter.sock", restart holdgate-milter, and try again'
        )
    return f"{{ {socket}, default_action=tempfail, protocol=6, content_timeout={_content_timeout(settings)}s }}"


def _content_timeout(settings: Settings) -> int:
    """Return how long Postfix waits for the milter, in seconds."""
    return max(round(longest_inspection(settings).total_seconds()) + _CONTENT_GRACE, _CONTENT_TIMEOUT)


def longest_inspection(settings: Settings) -> timedelta:
    """Return the longest duration of an inspection: waiting for a worker, two attempts, and all again with OCR."""
    longest = settings.scan.time_limit * 2 + settings.scan.wait_limit
    if settings.ocr.mode != "off":
        longest += longest + settings.ocr.time_limit * 2
    return longest


def _changes(settings: Settings, postfix: Postfix, entry: str, earlier: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the settings of main.cf to change, with their new values."""
    yield from _milters(settings, postfix, entry, earlier)
    yield from _tables(postfix)
    yield from _values(postfix)


def _milters(settings: Settings, postfix: Postfix, entry: str, earlier: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in MILTERS:
        now = postfix.raw_setting(name)
        items = split_list(now)
        current: list[str] = []
        for item in items:
            if lists_holdgate(item, settings, postfix):
                current.append(_with_time(item, settings))
            elif not lists_holdgate(item, settings, postfix, earlier):
                current.append(item)  # the entry of a socket that the milter no longer has would defer all mail
        kept = now if current == items else ", ".join(current)
        if not lists_holdgate(postfix.setting(name), settings, postfix) and not (name != MILTERS[0] and _follows(now)):
            yield name, with_milter(kept, entry)
        elif kept != now:
            yield name, kept


def _tables(postfix: Postfix) -> Iterator[tuple[str, str]]:
    """Yield the lists of header checks; those that followed one with Holdgate's table keep the rest of it."""
    for name in MAPS:
        now = postfix.raw_setting(name)
        if holdgate_map(name) not in split_list(postfix.setting(name)):
            yield name, f"{holdgate_map(name)}, {now}" if now else holdgate_map(name)
    for name in FOLLOWERS:
        if postfix.raw_setting(name) in FOLLOWING:
            own = [
                item
                for item in split_list(postfix.raw_setting("header_checks"))
                if item != holdgate_map("header_checks")
            ]
            yield name, ", ".join(own)


def _values(postfix: Postfix) -> Iterator[tuple[str, str]]:
    known = postfix.defaults()
    for name, value in _SETTINGS.items():
        # A site's own value is kept if it differs from Postfix's default, except for the queue ids.
        default = name == "enable_long_queue_ids" or postfix.raw_setting(name) == known.get(name)
        if name in known and default and postfix.setting(name) != value:
            yield name, value


def _with_time(entry: str, settings: Settings) -> str:
    """Return an entry of Holdgate's milter with enough time for an inspection, which OCR and other settings extend."""
    match = _TIMEOUT.search(entry)
    if match is None or seconds_of(match[1]) >= longest_inspection(settings).total_seconds():
        return entry
    return f"{entry[: match.start(1)]}{_content_timeout(settings)}s{entry[match.end(1) :]}"


def _follows(value: str) -> bool:
    return "$smtpd_milters" in value or "${smtpd_milters}" in value


def with_milter(value: str, entry: str) -> str:
    """Return a list of milters with `entry` before the first one that may sign."""
    items = split_list(value)
    place = next((place for place, item in enumerate(items) if not _NO_SIGNERS.search(item)), len(items))
    return ", ".join([*items[:place], entry, *items[place:]])


def _chrooted(postfix: Postfix) -> list[str]:
    """Return the services that use milters and run chrooted."""
    return sorted(s.name for s in postfix.services() if s.command in ("smtpd", "cleanup") and s.chroot)


# -- detach -------------------------------------------------------------------------------------------------------


def plan_detach(settings: Settings) -> Plan:
    """Plan the removal: the earlier files or, if they were changed since, the current files without Holdgate's part."""
    config = settings.queue.postfix_config
    postfix = Postfix(config)
    saved = _load_state(config)
    now = _read(config)
    with _copy(config) as copy:
        for name in _FILES:
            if saved is not None and _fingerprint(now[name]) == saved.after[name]:
                (copy / name).write_text(saved.before[name], encoding="utf-8", errors="surrogateescape")
        draft = Postfix(copy)
        before, sockets = _before(saved), _sockets(saved)
        keep_listener = saved is not None and presence.LISTENER_LOG in saved.before["master.cf"]
        remove_settings(draft, settings, postfix, before, keep_listener=keep_listener, sockets=sockets)
        return _plan(config, copy, list(remaining(draft, settings, postfix, before)), sockets)


def _sockets(saved: SavedState | None) -> list[str]:
    return [] if saved is None else saved.sockets


def _before(saved: SavedState | None) -> dict[str, str | None]:
    """Return the settings' text before attach; empty if it is not known."""
    if saved is None:
        return {}
    if saved.settings:
        return saved.settings
    with tempfile.TemporaryDirectory(prefix="holdgate-attach-") as directory:  # kept by an earlier version
        for name in _FILES:
            (Path(directory) / name).write_text(saved.before[name], encoding="utf-8", errors="surrogateescape")
        return written_before(Postfix(Path(directory)))


# -- both ---------------------------------------------------------------------------------------------------------


def apply(plan: Plan) -> None:
    """Write a plan's content, have Postfix check it, and reload Postfix if it runs.

    Raises AttachError if Postfix's check fails; the earlier files are then restored.
    """
    old = _read(plan.config)
    _write(plan.config, plan.content)
    try:
        _postfix(plan.config, "check")
        if is_running(plan.config):
            _postfix(plan.config, "reload")
    except PostfixError as error:
        _write(plan.config, old)
        raise AttachError(f"Postfix does not accept the change, and it is undone: {error}") from error


def save_state(plan: Plan) -> None:
    """Keep the current files before `plan` is applied. What an earlier attach kept stays authoritative."""
    before = _read(plan.config)
    known = _load_state(plan.config)
    if known is not None and all(_fingerprint(before[name]) == known.after[name] for name in _FILES):
        before = known.before
    # Settings that an earlier attach added are not earlier settings, even if the files were changed since.
    written = _before(known) or written_before(Postfix(plan.config))
    state = SavedState(before, {name: _fingerprint(text) for name, text in plan.content.items()}, written, plan.sockets)
    STATE_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(_state(plan.config), json.dumps(asdict(state)).encode(), mode=0o600)


def delete_state(config: Path) -> None:
    """Delete what was kept, because Holdgate is removed."""
    _state(config).unlink(missing_ok=True)
    with suppress(OSError):  # files of another instance are kept there
        STATE_DIRECTORY.rmdir()


def is_running(config: Path) -> bool:
    """Return whether the instance runs."""
    try:
        _postfix(config, "status")
    except PostfixError:
        return False
    return True


def _state(config: Path) -> Path:
    return STATE_DIRECTORY / f"{str(config.resolve()).strip('/').replace('/', '_')}.json"


def _load_state(config: Path) -> SavedState | None:
    try:
        return SavedState(**json.loads(_state(config).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _plan(config: Path, copy: Path, remarks: list[str], sockets: list[str]) -> Plan:
    old, new = _read(config), _read(copy)
    lines: list[str] = []
    for name in _FILES:
        lines += difflib.unified_diff(
            old[name].splitlines(),
            new[name].splitlines(),
            str(config / name),
            f"{config / name} (new)",
            lineterm="",
            n=1,
        )
    return Plan(config, new, "\n".join(lines), remarks, sockets)


@contextmanager
def _copy(config: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="holdgate-attach-") as directory:
        copy = Path(directory)
        for name in _FILES:
            shutil.copy2(config / name, copy / name)
        yield copy


def _read(config: Path) -> dict[str, str]:
    try:
        return {name: (config / name).read_text(encoding="utf-8", errors="surrogateescape") for name in _FILES}
    except OSError as error:
        raise AttachError(f"{error.filename}: {error.strerror}: is Postfix configured?") from error


def _write(config: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        replace_file(config / name, text.encode("utf-8", "surrogateescape"))


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _postfix(config: Path, command: str) -> None:
    done = subprocess.run(
        ["postfix", "-c", str(config), command], capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        reported = done.stderr.strip().splitlines()
        raise PostfixError(f"postfix {command}: {reported[-1] if reported else f'exit {done.returncode}'}")
