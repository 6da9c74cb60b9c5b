"""Says who holds a message: Postfix for our header, or the milter by asking for quarantine.

A milter that asks for quarantine ends the message's way through the milters (seen on Postfix 3.7 and 3.10): a signer
behind us would not see it, and what is released would leave without a signature. `milter_header_checks` holds as well
and lets the others go on. So quarantine is asked for wherever it takes nothing from anybody, and else only when Postfix
would not hold the message for our header.
"""

import functools
import subprocess
from pathlib import Path

from holdgate import maillog, metrics
from holdgate.milters import is_ours
from holdgate.tables import TableError, Tables, postconf, says, split_list

_SETTINGS = ("queue_directory", "milter_header_checks", "smtpd_milters", "non_smtpd_milters")


def needs_milter_quarantine(config: Path, socket: str, header: tuple[str, str]) -> bool:
    """Say whether the milter has to ask for quarantine itself, given the header field it adds to what is to be held.

    `config` is the configuration directory of Postfix. Its two files are read again once one of them has changed, its
    tables are asked each time: an answer of a minute ago may be wrong. `socket` is our own, as `milter.socket` says.
    When in doubt it has to.
    """
    try:
        stamps = tuple(_stamp(config / name) for name in ("main.cf", "master.cf"))
        (queue_directory, checks, *milters), has_own_tables = _settings(config, stamps)
        if not any(_is_followed(split_list(entries), socket, Path(queue_directory)) for entries in milters):
            return True
        if has_own_tables:
            return True  # a service has tables of its own, and which service takes this message is not known here
        return not says(Tables(config).first_answer(split_list(checks), "{}: {}".format(*header)), "HOLD")
    except (OSError, subprocess.SubprocessError, TableError) as error:
        metrics.ERRORS.labels("hold-check").inc()
        maillog.failed(stage="hold-check", error=f"{type(error).__name__}: {error}")
        return True


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return what changes whenever a file is written or exchanged."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=4)
def _settings(config: Path, _stamps: tuple[tuple[int, int, int], ...]) -> tuple[tuple[str, ...], bool]:
    """Return `_SETTINGS`, and whether a service of master.cf has tables of its own; for files with these stamps."""
    values = tuple(postconf(config, "-xh", *_SETTINGS))
    return values, bool(postconf(config, "-P", "*/*/milter_header_checks"))


def _is_followed(entries: list[str], socket: str, queue_directory: Path) -> bool:
    """Say whether a list of milters has others behind us."""
    ours = [is_ours(entry, socket, queue_directory) for entry in entries]
    return True in ours and not ours[-1]
