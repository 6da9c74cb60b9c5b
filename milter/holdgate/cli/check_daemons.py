"""What `holdgate check` sees of the daemons: their user, what he may read and write, their workers, their sockets."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

from holdgate.config import RulesSettings, Settings
from holdgate.gate import probe
from holdgate.milters import Place, place_of
from holdgate.queue.client import QueueClient, QueueError
from holdgate.scan import sandbox
from holdgate.scan.pool import Pool, PoolSettings, ScanError


def user(path: Path, settings: Settings) -> Iterator[str]:
    """Yield that the daemons' user does not exist."""
    try:
        pwd.getpwnam(settings.user)
    except KeyError:
        yield f'{path}: user: there is no user "{settings.user}"; create it: systemd-sysusers, or adduser --system'


def permissions(path: Path, settings: Settings) -> Iterator[str]:
    """Yield what the daemons' user may not read or write. What is not there is named elsewhere."""
    try:
        entry = pwd.getpwnam(settings.user)
    except KeyError:
        return
    written = {"[milter] spool_directory": settings.milter.spool_directory}
    milter = place_of(settings.milter.socket)
    if isinstance(milter, Path):
        written["[milter] socket"] = milter.parent
    if settings.store.url.startswith("sqlite:///"):
        database = Path(settings.store.url.removeprefix("sqlite:///"))
        # SQLite makes its journal beside the database.
        written |= {"[store] url": database, "[store] url: the directory": database.parent}
    read: dict[str, Path | None] = {
        "the settings": path,
        "[policy] file": settings.policy.file,
        "[rules] local_directory": settings.rules.local_directory,
        "[seal] keys": settings.seal.keys,
        "[desk] certificate": settings.desk.certificate,
        "[desk] private_key": settings.desk.private_key,
    }
    if settings.desk.token_key.exists():
        read["[desk] token_key"] = settings.desk.token_key
    else:
        written["[desk] token_key: the directory"] = settings.desk.token_key.parent
    for key, file in written.items():
        if file.exists() and not _may(entry, "-w", file):
            yield f"{path}: {key}: {settings.user} cannot write {file}; chown {settings.user} {file}"
    for key, readable in read.items():
        if readable is not None and readable.exists() and not _may(entry, "-r", readable):
            yield f"{path}: {key}: {settings.user} cannot read {readable}; chgrp {settings.user} it, and chmod g+r"


def confinement(_path: Path, _settings: Settings) -> Iterator[str]:
    """Yield what keeps workers from being confined, by what the kernel has and by trying one for real."""
    yield from sandbox.available().missing
    try:
        # Whatever is wrong with a site's own rules, the workers are tried with ours.
        Pool(PoolSettings(rules=RulesSettings().shipped(), workers=1)).close()
    except ScanError as error:
        yield f"this machine: {error}; where a container or a unit's SystemCallFilter= refuses it, let it through"


def absent(settings: Settings) -> Iterator[str]:
    """Yield the daemons that do not run, which is as it should be before the first start."""
    for name, address in _sockets(settings).items():
        if probe.listens(address) is False:
            yield f"{name} does not run; start it: systemctl start {name}"


def answers(path: Path, settings: Settings) -> Iterator[str]:
    """Yield the sockets of daemons that run which do not answer as they should."""
    sockets = _sockets(settings)
    if probe.listens(sockets["holdgate-milter"]) and not probe.answers(settings.milter.socket):
        yield f"{path}: [milter] socket: holdgate-milter does not answer there; systemctl restart holdgate-milter"
    if probe.listens(sockets["holdgate-queue"]):
        try:
            QueueClient(settings.queue.socket).held()
        except QueueError as error:
            yield f"{path}: [queue] socket: {error}; systemctl restart holdgate-queue"
    if probe.listens(sockets["holdgate-desk"]):
        for key, address in (("web", settings.desk.web), ("lmtp", settings.desk.lmtp)):
            if address is not None and probe.listens(address) is False:
                yield f"{path}: [desk] {key}: holdgate-desk does not listen there; systemctl restart holdgate-desk"


def _sockets(settings: Settings) -> dict[str, Place]:
    return {
        "holdgate-milter": place_of(settings.milter.socket),
        "holdgate-queue": settings.queue.socket,
        "holdgate-desk": settings.metrics.desk,
    }


def _may(user: pwd.struct_passwd, option: str, path: Path) -> bool:
    """Ask test(1) as `user`; only root can, for anybody else the answer is yes."""
    if os.geteuid() != 0:
        return True
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    command = ["test", option, str(path.resolve())]
    done = subprocess.run(command, check=False, cwd="/", user=user.pw_uid, group=user.pw_gid, extra_groups=groups)
    return done.returncode == 0
