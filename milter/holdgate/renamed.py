"""Settings, policy keys and rule keys that were renamed since an earlier version; updates the names in a file.

The names are changed in the file's text, so that comments and order are kept. The result is parsed again. If its
meaning differs from that of the original, nothing is changed, and the administrator reads what to rename by hand.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from holdgate.atomic import replace_file
from holdgate.configfile import ConfigError

Names = dict[tuple[str, str], str]
"""(table, old key) to new key; a table inside another is "outer.inner"."""

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
# A policy has its own moderation settings, with the same names as in the settings file.
POLICIES: Names = {(f"policy.{table}", old): new for (table, old), new in SETTINGS.items() if table == "moderation"}
RULES: Names = {
    ("shapes", "alone"): "without_evidence",
    ("shapes", "with_keyword"): "with_evidence",
    ("shapes", "in_company"): "needs_cooccurrence",
}
_HEADER = re.compile(r"(\s*\[\[?\s*)([\w.-]+)(\s*\]\]?\s*(?:#.*)?)$", re.DOTALL)
_KEY = re.compile(r"(\s*)([\w-]+)(\s*[=.])")


def rename(path: Path, names: Names) -> list[str]:
    """Update old names in a TOML file (UTF-8). Return one line per renamed key: the file, the old and the new name.

    New names are not changed. The file keeps its mode and owner. Raises ConfigError, and changes nothing, if the file
    is not valid TOML, has both an old and its new name, or writes an old name in an unusual form.
    """
    try:
        text = path.read_text(encoding="utf-8")
        before = tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; correct the path"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from error
    lines: dict[str, None] = {}
    wanted = _renamed(path, before, "", names, lines)
    found = list(lines)
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


def _renamed(path: Path, value: Any, table: str, names: Names, lines: dict[str, None]) -> Any:
    """Return a value with the new names in its tables, and add a line for each changed name to `lines`."""
    if isinstance(value, list):  # an array of tables
        return [_renamed(path, one, table, names, lines) for one in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, entry in value.items():
        name = names.get((table, str(key)), str(key))
        if name != key:
            if name in value:
                raise ConfigError([f"{path}: [{table}] has {key} and {name}; remove {key}, the older name"])
            lines[f"{path}: [{table}] {key} is now {name}"] = None
        result[name] = _renamed(path, entry, f"{table}.{key}" if table else key, names, lines)
    return result


def _edited(text: str, names: Names) -> str:
    table = ""
    lines = []
    for line in text.splitlines(keepends=True):
        if header := _HEADER.match(line):
            table = str(header[2])
            outer, _, key = table.rpartition(".")
            if new := names.get((outer, key)):
                line = f"{header[1]}{outer}.{new}{header[3]}"
        elif (found := _KEY.match(line)) and (new := names.get((table, str(found[2])))):
            line = f"{found[1]}{new}{line[found.start(3) :]}"
        lines.append(line)
    return "".join(lines)
