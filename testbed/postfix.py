"""A private Postfix instance: its own configuration, queue, data and log, on loopback ports, next to the system's.

Its settings are those of the files in `postfix/` that administrators get, with paths and ports changed, so that the
end-to-end tests test these files.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from holdgate.queue.postfix import Postfix
from testbed.ports import is_listening, wait_for

_SHIPPED = Path(__file__).parents[1] / "postfix"
_MASTER = """\
{smtp_port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
lmtp      unix - - n - - lmtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


# Time limit for sendmail(1), in seconds: if it cannot write to the queue, it retries for ever.
_SENDMAIL = 120


class PostfixError(Exception):
    """The instance could not be set up or started."""


class PostfixInstance:
    """One instance below `directory`. Everything it delivers is sent to `relay_port`, for every recipient.

    `notice_port` is from a version in which notices were sent by TCP, and has no effect any more.
    """

    def __init__(self, directory: Path, *, smtp_port: int, relay_port: int, milter: str, notice_port: int = 0) -> None:
        self.directory = directory
        self.config = directory / "etc"
        self.queue = directory / "queue"
        self.log = directory / "mail.log"
        self.smtp_port = smtp_port
        # The environment of Postfix's processes, as far as `import_environment` allows it.
        self.environment: dict[str, str] = {}
        self._relay_port = relay_port
        self._milter = milter

    def write(self, services: str = "", **changes: str) -> None:
        """Write the configuration; `services` are lines for master.cf, `changes` main.cf settings with precedence."""
        directory = self.directory
        for path in (self.config, self.queue, directory / "data"):
            path.mkdir(parents=True, exist_ok=True)
        shutil.chown(directory / "data", "postfix", "postfix")
        maps = {name: directory / name for name in ("milter_header_checks", "header_checks", "smtp_header_checks")}
        for name in (*maps, "change_header_checks"):
            shutil.copy(_SHIPPED / name, directory / name)
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": str(self.queue),
            "data_directory": str(directory / "data"),
            "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin",
            "sendmail_path": "/usr/sbin/sendmail",
            "maillog_file": str(self.log),
            "maillog_file_prefixes": str(directory),
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "myhostname": "mail.corp.example",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",
            "relayhost": f"[127.0.0.1]:{self._relay_port}",
            "smtp_dns_support_level": "disabled",
            "smtpd_peername_lookup": "no",
            "smtputf8_enable": "yes",
            "minimal_backoff_time": "1s",
            "maximal_backoff_time": "5s",
            "queue_run_delay": "1s",
        }
        settings |= dict(_settings(_SHIPPED / "main.cf"))
        settings |= {"smtpd_milters": self._milter}
        settings |= {name: f"regexp:{path}" for name, path in maps.items()}
        settings |= changes
        # Logical lines, so that neither a shell nor postconf interprets the values.
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self.config / "main.cf").write_text(text, encoding="utf-8")
        listeners = "".join(
            (_SHIPPED / name).read_text(encoding="utf-8") for name in ("master.cf", "change.cf", "replace.cf")
        )
        listeners = listeners.replace("/etc/holdgate/postfix", str(directory))
        master = _MASTER.format(smtp_port=f"127.0.0.1:{self.smtp_port}") + listeners + services
        (self.config / "master.cf").write_text(master, encoding="utf-8")
        # World-readable, as /etc/postfix is, because Postfix's own processes do not run as root.
        for path in (directory, self.config, self.queue):
            path.chmod(0o755)

    def start(self) -> None:
        """Start Postfix and wait until it answers. After a kill, the instance is cleaned up first."""
        self.stop()
        done = subprocess.run(
            [_sbin("postfix"), "-c", str(self.config), "start"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | self.environment,
        )
        if done.returncode != 0:
            raise PostfixError(f"postfix start: {done.stderr.strip() or self._log_tail()}")
        try:
            wait_for(lambda: is_listening(self.smtp_port), "Postfix to listen")
        except TimeoutError:
            raise PostfixError(f"Postfix does not listen: {self._log_tail()}") from None

    def stop(self) -> None:
        """Stop Postfix, if it runs, and wait until its master has ended."""
        pid_file = self.queue / "pid/master.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text() or 0)
        subprocess.run([_sbin("postfix"), "-c", str(self.config), "stop"], capture_output=True, check=False)
        wait_for(lambda: not pid or not _is_master(pid), "Postfix to stop")

    def reload(self) -> None:
        """Have Postfix reload its configuration. Raises PostfixError."""
        command = [_sbin("postfix"), "-c", str(self.config), "reload"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PostfixError(f"postfix reload: {done.stderr.strip() or self._log_tail()}")

    def rewrite(self, name: str, text: str) -> None:
        """Replace the content of main.cf or master.cf and reload.

        The file changes at once: master(8) reads it after the command has ended, and a half-written one ends it.
        """
        written = self.config / f"{name}.new"
        written.write_text(text, encoding="utf-8")
        written.replace(self.config / name)
        self.reload()

    def sendmail(self, message: bytes, sender: str, *recipients: str) -> None:
        """Submit a message with sendmail(1): by postdrop and pickup, not SMTP."""
        command = [_sbin("sendmail"), "-C", str(self.config), "-i", "-f", sender, "--", *recipients]
        subprocess.run(command, input=message, check=True, capture_output=True, timeout=_SENDMAIL)

    def held_ids(self) -> list[str]:
        """Return the queue ids in the hold queue."""
        return [message.queue_id for message in Postfix(self.config).held()]

    def show(self, queue_id: str) -> bytes:
        """Return a queued message, with LF line ends."""
        return Postfix(self.config).show(queue_id, header_only=False)

    def postsuper(self, action: str, queue_id: str) -> None:
        """Run postsuper(1) as an operator might: "-d", "-H", "-h"."""
        command = [_sbin("postsuper"), "-c", str(self.config), action, queue_id]
        subprocess.run(command, capture_output=True, check=True)

    def wake_pickup(self) -> None:
        """Have requeued messages picked up now; Postfix checks once a minute."""
        command = [_sbin("postkick"), "-c", str(self.config), "public", "pickup", "W"]

        def is_woken() -> bool:
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode != -signal.SIGPIPE:  # pickup(8) ended when postkick(1) had just connected
                done.check_returncode()
            return done.returncode == 0

        wait_for(is_woken, "pickup to be woken")

    def _log_tail(self) -> str:
        return " / ".join(self.log.read_text().splitlines()[-3:]) if self.log.exists() else "no log"


def _settings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the settings of a main.cf without continuation lines."""
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"(\w+) *= *(.*)", line)
        if match:
            yield match[1], match[2]


def _sbin(program: str) -> str:
    return f"/usr/sbin/{program}"


def _is_master(pid: int) -> bool:
    try:
        return "master" in Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return False


def require() -> None:
    """Raise PostfixError with one sentence if a private instance cannot run."""
    if os.geteuid() != 0:
        raise PostfixError("Postfix can only be started by root")
    if not Path("/usr/sbin/postfix").exists():
        raise PostfixError("Postfix is not installed")
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        raise PostfixError("Postfix is not installed completely: there is no user postfix") from None
