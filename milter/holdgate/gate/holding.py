"""Decides how a message is held: by Postfix because of Holdgate's header, or by the milter's request for quarantine.

When a milter requests quarantine, Postfix calls no further milters (seen on Postfix 3.7 and 3.10). A signing milter
after Holdgate would not see the message, so it would leave unsigned after approval. `milter_header_checks` holds too,
and later milters still see the message. So the milter requests quarantine if no other milter follows it, and otherwise
only if Postfix would not hold the message because of the header.
"""

import functools
import subprocess
from pathlib import Path

from holdgate import maillog, metrics
from holdgate.milters import is_holdgate_milter
from holdgate.phrases import failure_of
from holdgate.tables import TableError, Tables, is_action, postconf, split_list

_SETTINGS = ("queue_directory", "milter_header_checks", "smtpd_milters", "non_smtpd_milters")


def needs_milter_quarantine(config: Path, socket: str, header: tuple[str, str]) -> bool:
    """Return whether the milter must request quarantine itself, given the header field that it adds to a held message.

    `config` is Postfix's configuration directory. Its two files are read again when one has changed. Its tables are
    looked up each time, because a cached result may be wrong. `socket` is the setting `milter.socket`. Returns true
    when in doubt.
    """
    try:
        stamps = tuple(_stamp(config / name) for name in ("main.cf", "master.cf"))
        (queue_directory, checks, *milters), has_own_tables = _settings(config, stamps)
        if not any(_is_followed(split_list(entries), socket, Path(queue_directory)) for entries in milters):
            return True
        if has_own_tables:
            return True  # a service has its own tables, and it is unknown here which service receives this message
        return not is_action(Tables(config).first_answer(split_list(checks), "{}: {}".format(*header)), "HOLD")
    except (OSError, subprocess.SubprocessError, TableError) as error:
        metrics.ERRORS.labels("hold-check").inc()
        maillog.failed(stage="hold-check", error=failure_of(error))
        return True


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return values that change whenever a file is written or replaced."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=4)
def _settings(config: Path, _stamps: tuple[tuple[int, int, int], ...]) -> tuple[tuple[str, ...], bool]:
    """Return `_SETTINGS`, and whether a service of master.cf has its own tables, for files with these stamps."""
    values = tuple(postconf(config, "-xh", *_SETTINGS))
    return values, bool(postconf(config, "-P", "*/*/milter_header_checks"))


def _is_followed(entries: list[str], socket: str, queue_directory: Path) -> bool:
    """Return whether a list of milters has others after Holdgate."""
    are_holdgate = [is_holdgate_milter(entry, socket, queue_directory) for entry in entries]
    return True in are_holdgate and not are_holdgate[-1]
