"""A site: Postfix, the three daemons and the next hop, with all their files below one directory, started together."""

import os
import shutil
import signal
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdgate.config import Settings
from holdgate.configfile import load_settings
from holdgate.daemon import die_with_parent
from holdgate.gate import probe
from holdgate.quarantine.store import Store, migrate, open_store
from holdgate.seal import add_key
from testbed.next_hop import NextHop
from testbed.ports import LOOPBACK, PATIENCE, T, free_port, is_listening, wait_for
from testbed.postfix import PostfixInstance

DAEMONS = {"milter": "holdgate.gate.main", "queue": "holdgate.queue.main", "desk": "holdgate.desk.main"}
# For a site with a separate user for its workers, before the others.
_SCAN = {"scan": "holdgate.scan.main"}

REPLY_DOMAIN = "approve.corp.example"
_ROOT = Path(__file__).parents[1]
_SHIPPED_POLICIES = _ROOT / "etc/policies.toml"

_SETTINGS = """\
user = "{user}"
scan_user = "{scan_user}"

[milter]
socket = "unix:{directory}/run/milter/milter.sock"
spool_directory = "{directory}/spool"
split_relay = "unix:{directory}/postfix/queue/public/holdgate-split"

[policy]
file = "{directory}/policies.toml"
{policy_extra}
[seal]
keys = "{directory}/seal.keys"

[rules]
directory = "{rules}"
local_directory = "{directory}/rules.d"

[store]
url = "{store_url}"
audit_head = "{state}/audit.head"

[queue]
socket = "{directory}/run/queue.sock"
postfix_config = "{directory}/postfix/etc"
{queue_extra}
[desk]
notice_relay = "unix:{directory}/postfix/queue/public/holdgate-notice"
change_relay = "unix:{directory}/postfix/queue/public/holdgate-change"
replacement_relay = "unix:{directory}/postfix/queue/public/holdgate-replace"
notice_from = "Holdgate <holdgate@corp.example>"
token_key = "{directory}/token.key"
templates = "{directory}/templates"
time_zone = "Europe/Berlin"
web_listen = "127.0.0.1:{web_port}"
public_url = "{public_url}"
lmtp_listen = "127.0.0.1:{lmtp_port}"
reply_address = "holdgate@{reply_domain}"
{desk_extra}
[replies]
{replies}
[metrics]
milter = "127.0.0.1:{milter_metrics}"
queue = "127.0.0.1:{queue_metrics}"
desk = "127.0.0.1:{desk_metrics}"
"""


class Site:
    """One site.

    `policies` is the policies file, by default the shipped one. `extra` is TOML appended to the settings file;
    `policy_extra`, `queue_extra` and `desk_extra` are lines of those tables. `replies` is the table of that name: by
    default, every submitting client is trusted. `services` are lines of master.cf and `changes` main.cf settings.
    `user` is the user to whom the daemons change. With `scan_user` there is a scan service, and workers run as that
    user; without it milter and desk start their own workers. `store_url` is an empty database, by default an SQLite
    file in the directory `state`, which also has the head of the audit trail; by default that is `directory`.
    `public_url` is the address of the page, by default that of this site's own desk. `environment` is added to the
    environment of daemons and commands.
    """

    def __init__(
        self,
        directory: Path,
        *,
        smtp_port: int | None = None,
        extra: str = "",
        policies: str = "",
        policy_extra: str = "",
        queue_extra: str = "",
        desk_extra: str = "",
        replies: str = 'proof = ["client"]\nclients = ["127.0.0.0/8"]\n',
        services: str = "",
        changes: dict[str, str] | None = None,
        user: str = "root",
        scan_user: str = "",
        store_url: str = "",
        public_url: str = "",
        state: Path | None = None,
    ) -> None:
        self.directory = directory
        self.state = state or directory
        self.config = directory / "holdgate.toml"
        self.scan_socket = directory / "run/scan/scan.sock"
        self.policies = directory / "policies.toml"
        self._policies = policies or _SHIPPED_POLICIES.read_text(encoding="utf-8")
        if not self._policies.endswith("\n"):
            self._policies += "\n"
        self._extra = extra
        self._services = services
        self._changes = changes or {}
        self._policy_extra = policy_extra
        self._queue_extra = queue_extra
        self._desk_extra = desk_extra
        self._replies = replies
        self._user = user
        self._scan_user = scan_user
        self._public_url = public_url
        self._store_url = store_url or f"sqlite:///{self.state}/holdgate.db"
        self.environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.next_hop = NextHop(directory)
        # Nothing listens on it: notices are submitted to a socket, and a test can check that.
        self._notice_port = free_port()
        self.web_port, self._lmtp_port = free_port(), free_port()
        # Replies of moderators are delivered to the desk, as by a transport map on a real site.
        transport = {"transport_maps": f"inline:{{{REPLY_DOMAIN}=lmtp:[{LOOPBACK}]:{self._lmtp_port}}}"}
        self._changes = transport | self._changes
        self.postfix = PostfixInstance(
            directory / "postfix",
            smtp_port=smtp_port or free_port(),
            relay_port=self.next_hop.port,
            milter=f"unix:{directory}/run/milter/milter.sock",
        )
        self.settings: Settings
        self.store: Store

    @property
    def daemons(self) -> list[str]:
        """The daemons of this site, in the order in which they start."""
        return ["scan", *DAEMONS] if self._scan_user else list(DAEMONS)

    # -- start and stop -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Write all files, create the store, and start everything; return when all of it answers."""
        self.prepare()
        self.next_hop.start()
        self.postfix.write(self._services, **self._changes)
        self.postfix.start()
        for name in self.daemons:
            self.start_daemon(name)

    def prepare(self) -> None:
        """Write the settings and create the store; start nothing."""
        self._write()
        migrate(self.settings.store.url)
        add_key(self.settings.seal.keys, keep=timedelta(days=1), group_id=os.getgid(), now=datetime.now(UTC))
        if self._user != "root":
            for path in (self.directory, *self.directory.glob("holdgate.db*"), self.directory / "spool"):
                shutil.chown(path, self._user)
        self.store = open_store(self.settings.store.url)

    def stop(self) -> None:
        """Stop everything that runs, in any state."""
        # The daemons first: a Postfix that is ending may not answer the queue agent.
        for name in list(self._processes):
            # libmilter takes up to 5 s to end normally, and nothing can be lost at this point.
            self.kill_daemon(name) if name == "milter" else self.stop_daemon(name)
        if self.postfix.config.exists():
            self.postfix.stop()
        self.next_hop.stop()
        if hasattr(self, "store"):
            self.store.close()

    def _write(self) -> None:
        # Postfix's processes can access the socket by the group of its directory, as on a real site.
        run = self.directory / "run"
        (run / "milter").mkdir(parents=True, exist_ok=True)
        shutil.chown(run / "milter", self._user, "postfix")
        (run / "milter").chmod(0o2750)
        (self.directory / "spool").mkdir(exist_ok=True)
        self.state.mkdir(exist_ok=True)
        self.directory.chmod(0o755)
        text = _SETTINGS.format(
            directory=self.directory,
            state=self.state,
            rules=_ROOT / "rules",
            policy_extra=self._policy_extra,
            queue_extra=self._queue_extra,
            desk_extra=self._desk_extra,
            replies=self._replies,
            web_port=self.web_port,
            lmtp_port=self._lmtp_port,
            reply_domain=REPLY_DOMAIN,
            user=self._user,
            scan_user=self._scan_user,
            store_url=self._store_url,
            public_url=self._public_url or f"http://{LOOPBACK}:{self.web_port}",
            milter_metrics=free_port(),
            queue_metrics=free_port(),
            desk_metrics=free_port(),
        )
        self.config.write_text(text + self._with_scan_socket(self._extra), encoding="utf-8")
        self.policies.write_text(self._policies, encoding="utf-8")
        self.settings = load_settings(self.config)

    def _with_scan_socket(self, extra: str) -> str:
        """Add the user of the workers to the table [scan], independent of the installed packages."""
        (self.directory / "run/scan").mkdir(exist_ok=True)
        line = f'socket = "{self.scan_socket if self._scan_user else ""}"\n'
        table = "[scan]\n"
        return extra.replace(table, table + line, 1) if table in extra else f"{extra}\n{table}{line}"

    # -- daemons --------------------------------------------------------------------------------------------------

    def start_daemon(self, name: str) -> None:
        """Start "milter", "queue", "desk" or "scan" and wait until it is ready."""
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", (DAEMONS | _SCAN)[name], "--config", self.config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"JOURNAL_STREAM": ""} | self.environment,
                preexec_fn=die_with_parent,  # no daemon of a killed site continues
            )
        self._processes[name] = process
        sockets = {
            "milter": self.directory / "run/milter/milter.sock",
            "queue": self.settings.queue.socket,
            "scan": self.scan_socket,
        }

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"holdgate-{name} ended at start: {self.log(name)[-500:]}")
            if name in sockets and not probe.listens(sockets[name]):
                return False
            return name == "scan" or is_listening(getattr(self.settings.metrics, name)[1])

        wait_for(ready, f"holdgate-{name} to be ready")

    def stop_daemon(self, name: str) -> None:
        """Stop a daemon normally."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill_daemon(self, name: str) -> None:
        """Kill a daemon as a crash would."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def reload(self, policies: str) -> None:
        """Replace the policies and have the milter reload them, as `systemctl reload` does."""
        self.policies.write_text(policies, encoding="utf-8")
        self._processes["milter"].send_signal(signal.SIGUSR1)

    def pid(self, name: str) -> int:
        """Return the process id of a daemon."""
        return self._processes[name].pid

    def log(self, name: str) -> str:
        """Return the log of a daemon."""
        path = self.directory / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def metrics(self, name: str) -> str:
        """Return the metrics of a daemon."""
        host, port = getattr(self.settings.metrics, name)
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=PATIENCE) as answer:
            content = answer.read()
        assert isinstance(content, bytes)
        return content.decode()

    # -- people ---------------------------------------------------------------------------------------------------

    def submit(self, content: bytes, sender: str, *recipients: str, options: tuple[str, ...] = ()) -> None:
        """Send a message through Postfix by SMTP. Raises smtplib's errors, with Postfix's reply."""
        with smtplib.SMTP(LOOPBACK, self.postfix.smtp_port, timeout=PATIENCE) as connection:
            connection.sendmail(sender, recipients, content, options)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `holdgate` command on this site."""
        return subprocess.run(
            [sys.executable, "-m", "holdgate.cli.main", "--config", self.config, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=os.environ | self.environment,
        )

    def wait_for(self, condition: Callable[[], T], what: str) -> T:
        """Return the first true value of a condition; after a failure print the daemons' logs."""
        try:
            return wait_for(condition, what)
        except TimeoutError as error:
            logs = "\n".join(f"--- {name}\n{self.log(name)[-2000:]}" for name in self.daemons)
            raise TimeoutError(f"{error}\n{logs}\n--- postfix\n{self.postfix.log.read_text()[-2000:]}") from None
