"""Settings and rule keys that have another name since an earlier version, and how a file gets the new names.

The names are changed in the text of the file, so that comments and order stay. The result is parsed again: where it
does not mean what the file meant before, nothing is changed, and the administrator reads what to rename by hand.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from holdgate.atomic import replace_file
from holdgate.configfile import ConfigError

Names = dict[tuple[str, str], str]
"""(table, old key) to new key."""

SETTINGS: Names = {
    ("moderation", "managers_patience"): "managers_retry_for",
    ("moderation", "tell_sender_held"): "notify_sender_on_hold",
    ("moderation", "tell_sender_approved"): "notify_sender_on_approval",
    ("policy", "foreign_marks"): "trusted_scanner_headers",
    ("desk", "web"): "web_listen",
    ("desk", "lmtp"): "lmtp_listen",
    ("desk", "session"): "session_lifetime",
    ("canary", "patience"): "step_timeout",
}
RULES: Names = {
    ("shapes", "alone"): "without_evidence",
    ("shapes", "with_keyword"): "with_evidence",
    ("shapes", "in_company"): "needs_cooccurrence",
}
_HEADER = re.compile(r"\s*\[\[?\s*([\w-]+)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"(\s*)([\w-]+)(\s*[=.])")


def rename(path: Path, names: Names) -> list[str]:
    """Give a TOML file (UTF-8) the new names. Return what was renamed, a line each: the file, the old and the new name.

    A name that is new already stays. The file keeps its mode and owner. Raises ConfigError, and changes nothing, where
    the file is not valid TOML, has the old and the new name side by side, or writes an old name in an uncommon way.
    """
    try:
        text = path.read_text(encoding="utf-8")
        before = tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from error
    wanted, found = _renamed(path, before, names)
    if not found:
        return []
    changed = _edited(text, names)
    try:
        after = tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        after = {}
    if after != wanted:
        raise ConfigError([f"{line}; rename it by hand, then run this command again" for line in found])
    owner = path.stat()
    replace_file(path, changed.encode(), uid=owner.st_uid, gid=owner.st_gid)
    return found


def _renamed(path: Path, content: dict[str, Any], names: Names) -> tuple[dict[str, Any], list[str]]:
    """Return what a file means with the new names, and the lines that say what has changed."""
    lines: dict[str, None] = {}
    result: dict[str, Any] = {}
    for table, value in content.items():
        new: list[Any] = []  # arrays of tables are lists
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                new.append(one)
                continue
            entries: dict[str, Any] = {}
            for key, entry in one.items():
                name = names.get((table, str(key)), str(key))
                if name != key:
                    if name in one:
                        raise ConfigError([f"{path}: [{table}] has {key} and {name}; remove {key}, the older name"])
                    lines[f"{path}: [{table}] {key} is now {name}"] = None
                entries[name] = entry
            new.append(entries)
        result[table] = new if isinstance(value, list) else new[0]
    return result, list(lines)


def _edited(text: str, names: Names) -> str:
    table = ""
    lines = []
    for line in text.splitlines(keepends=True):
        if header := _HEADER.match(line):
            table = str(header[1])
        elif (key := _KEY.match(line)) and (table, str(key[2])) in names:
            line = f"{key[1]}{names[table, str(key[2])]}" + line[key.start(3) :]
        lines.append(line)
    return "".join(lines)
