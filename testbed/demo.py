"""The demo: a complete site in a sandbox, a few messages through it, and the outcome of each in plain words."""

import argparse
import fcntl
import shutil
import signal
import sys
from email.message import EmailMessage, Message
from pathlib import Path

from holdgate import headers
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.next_hop import Delivery
from testbed.ports import is_free, wait_for
from testbed.postfix import PostfixError, PostfixInstance, require
from testbed.postgres import PostgresError
from testbed.several import Several
from testbed.site import Site
from testbed.walk import DemoError, command, delivered, plain
from testbed.walk_several import NAMES, walk

# Below /run only root can write, and nothing remains after a reboot.
_DIRECTORY = Path("/run/holdgate-demo")
_PORT = 2525


def main() -> None:
    """Run the demo and exit with 0, or print in one sentence what prevents it and exit with 1."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="walk through it alone and stop")
    parser.add_argument("--port", type=int, default=_PORT, help="SMTP port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument(
        "--nodes", type=int, choices=range(1, len(NAMES) + 1), default=1, help="mail servers with one approval desk"
    )
    arguments = parser.parse_args()
    if not 0 < arguments.port <= 2**16 - arguments.nodes:
        parser.error("--port: a port is a number from 1 to 65535")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        require()
        with _Alone(_DIRECTORY):
            if arguments.nodes == 1:
                _run(arguments.port, once=arguments.once)
            else:
                _run_several(arguments.port, arguments.nodes, once=arguments.once)
    except (DemoError, PostfixError, PostgresError, TimeoutError, RuntimeError) as error:
        print(f"script/demo: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left behind.")


class _Alone:
    """Prevents a second demo, and removes the remains of a killed one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> None:
        self._lock = Path(f"{self._directory}.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError("the demo is running already; end it with Ctrl-C first") from None
        if self._directory.exists():
            for site in (self._directory, *(self._directory / name for name in NAMES)):
                if (site / "postfix").exists():
                    PostfixInstance(site / "postfix", smtp_port=0, relay_port=0, milter="").stop()
            shutil.rmtree(self._directory)
        self._directory.mkdir()

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._lock.close()
        Path(f"{self._directory}.lock").unlink(missing_ok=True)


def _run(port: int, *, once: bool) -> None:
    if not is_free(port):
        raise DemoError(f"port {port} on 127.0.0.1 is in use; free it, or choose another: script/demo --port 2526")
    site = Site(_DIRECTORY, smtp_port=port)
    print("Starting Postfix, the milter, the queue agent, the desk and a stand-in for the recipients' mail server …")
    try:
        site.start()
        _send_all(site)
        if once:
            _decide(site)
        else:
            _stay(site)
    finally:
        site.stop()


def _run_several(port: int, count: int, *, once: bool) -> None:
    """Run several mail servers, at `port` and the following ports."""
    ports = dict(zip(NAMES, range(port, port + count), strict=False))
    if taken := [str(one) for one in ports.values() if not is_free(one)]:
        raise DemoError(f"port {', '.join(taken)} on 127.0.0.1 is in use; choose another: script/demo --port 2626")
    several = Several(_DIRECTORY, ports, desks=2, extra=f'[moderation]\nmoderators = ["{sample_mail.MODERATOR}"]\n')
    print(f"Starting PostgreSQL, {count} Postfix instances with milter and queue agent, two desks, a load balancer …")
    try:
        several.start()
        walk(several)
        if not once:
            _stay_at(several)
    finally:
        several.stop()


def _stay_at(several: Several) -> None:
    first = several.nodes[0]
    command_line = f"{Path(sys.executable).with_name('holdgate')} -c {first.config}"
    lines = "\n".join(f"  127.0.0.1:{one.postfix.smtp_port}  {one.config}" for one in several.nodes)
    print(
        f"""
Try next, from another terminal:

  {command_line} nodes
  {command_line} list

The page of both desks: {several.url} (sign in as {sample_mail.MODERATOR}; the code lands in
  {_DIRECTORY}/*/{first.next_hop.maildir.name}/new)
Send more through any of these, and use its settings file with holdgate -c:
{lines}

Ctrl-C ends it all.""",
        flush=True,
    )
    while True:
        signal.pause()


def _send_all(site: Site) -> None:
    print(f"\nA site for corp.example runs on 127.0.0.1:{site.postfix.smtp_port}. Four messages are sent through it:\n")
    delivered, held = 0, 0
    for message, why in (
        (sample_mail.clean(), "nothing in it"),
        (sample_mail.number_in_text(), "a social security number in the text"),
        (sample_mail.card_in_document(), "a card number in a Word document"),
        (sample_mail.card_in_zip(), "the same document in a zip archive"),
    ):
        _send(site, message)
        print(f"  “{message['Subject']}” ({why})")
        incident, delivery = _outcome(site, message)
        if delivery is not None:
            delivered += 1
            print("    → delivered at once")
        elif incident is not None:
            held += 1
            found = ", ".join(f"{f['identifier']} {f['masked'][0]} in {f['parts'][0]}" for f in incident.findings)
            print(f"    → held as {incident.id}: {found}")
    if (delivered, held) != (1, 3):
        raise DemoError("one message should have been delivered and three held, and that is not what happened")


def _send(site: Site, message: EmailMessage) -> None:
    site.submit(message.as_bytes(), sample_mail.SENDER, sample_mail.RECIPIENT)


def _outcome(site: Site, message: Message) -> tuple[Incident | None, Delivery | None]:
    """Wait until a message is either held or delivered."""

    def seen() -> tuple[Incident | None, Delivery | None] | None:
        delivery = next((d for d in site.next_hop.deliveries if d.message["Message-ID"] == message["Message-ID"]), None)
        held = (i for i in site.store.incidents([State.HELD]) if i.message_id == message["Message-ID"])
        incident = next(held, None)
        return (incident, delivery) if incident or delivery else None

    return wait_for(seen, f"“{message['Subject']}” to be held or delivered") or (None, None)


def _decide(site: Site) -> None:
    """Release one message, reject one, and show the mailboxes."""
    first, second, third = site.store.incidents([State.HELD])
    print("\nA moderator looks at the list:\n")
    command(site, "list", "--state", "held")
    print(f"\nand approves {second.id}, the Word document:\n")
    command(site, "release", second.id, "--comment", "The travel office needs it.")
    wait_for(lambda: delivered(site, second), "the released message to reach its recipient")
    delivery = delivered(site, second)
    if delivery is None or any(name in delivery.message for name in headers.ALL):
        raise DemoError("the delivered message still carries our headers")
    print(f"    → {sample_mail.RECIPIENT} has it, without a trace of our headers")
    _show_notices(site, second)
    print(f"\nand rejects {first.id}, the social security number:\n")
    command(site, "reject", first.id, "--comment", "Please use the personnel portal for this.")
    _show_notices(site, first)
    if delivered(site, first) or delivered(site, third):
        raise DemoError("a message that was not approved was delivered")
    print(
        f"\n{third.id} still waits. After two days it would be returned to its sender. "
        "This is the end of the demonstration."
    )


def _show_notices(site: Site, incident: Incident) -> None:
    """Wait until the sender is notified of a decision, and show the notice."""

    def about_it() -> list[tuple[str, str]]:
        notices = [delivery.message for delivery in site.next_hop.to(sample_mail.SENDER)]
        texts = [(str(notice["Subject"]), plain(notice)) for notice in notices]
        return [(subject, text) for subject, text in texts if incident.id in text]

    ((subject, text),) = wait_for(about_it, f"{sample_mail.SENDER} to be notified of {incident.id}")
    print(f"    → {sample_mail.SENDER} was notified, “{subject}”:\n")
    print("\n".join(f"        {line}".rstrip() for line in text.splitlines()))


def _stay(site: Site) -> None:
    command = f"{Path(sys.executable).with_name('holdgate')} -c {site.config}"
    held = site.store.incidents([State.HELD])
    print(
        f"""
Try next, from another terminal:

  {command} list
  {command} show {held[0].id}
  {command} release {held[1].id}
  {command} reject {held[0].id} --comment 'Please use the portal.'

Delivered messages and notices to senders are in
  {site.next_hop.maildir}/new
Send more through 127.0.0.1:{site.postfix.smtp_port} with any mail program. The logs of Postfix and of Holdgate:
  {site.postfix.log}
  {site.directory}/*.log
Metrics for Prometheus: http://127.0.0.1:{site.settings.metrics.milter[1]}/metrics

Ctrl-C ends it all.""",
        flush=True,
    )
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
