"""`holdgate status`: one screen that shows whether mail is inspected, what waits, and since when."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdgate import __version__
from holdgate.cli.check_daemons import refused_by_socket
from holdgate.cli.check_postfix import is_running
from holdgate.cli.output import colour, wants_json
from holdgate.cli.reload import mistakes
from holdgate.cli.scrape import scrape, value
from holdgate.config import Settings
from holdgate.configfile import load_settings
from holdgate.desk import canary
from holdgate.gate import probe
from holdgate.milters import place_of
from holdgate.node import rules_of
from holdgate.phrases import counted
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.nodes import differing
from holdgate.quarantine.states import DECIDED, State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue.client import AT_TERMINAL, QueueClient, QueueError
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.queue.presence import lists_holdgate

# Decisions are normally carried out within seconds; the usual reason for a delay is a notice that Postfix refuses.
_SOON = timedelta(minutes=15)
_OK, _TROUBLE = "ok", "NOT OK"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    status = commands.add_parser(
        "status",
        help="show on one screen whether there is a problem, and what waits",
        description="Exit code 0: no problem; 1: there is a problem, named in its line.",
    )
    status.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    store = open_store(settings.store.url)
    now = datetime.now(UTC)
    lines = [*_daemons(settings, arguments.config), *_postfix(settings)]
    lines += [*_incidents(store, settings, now), *_nodes(store, settings), *_canary(settings, now)]
    if wants_json(arguments):
        rows = [{"name": name, "ok": good, "message": reported} for name, good, reported in lines]
        print(json.dumps({"version": __version__, "config": str(arguments.config), "lines": rows}))
    else:
        print(f"Holdgate {__version__}, {arguments.config}")
        for name, good, reported in lines:
            print(f"  {name:16}{_shown(good)}{reported}")
    return 1 if any(good is False for _, good, _ in lines) else 0


def _shown(good: bool | None) -> str:
    word = f"{'' if good is None else _OK if good else _TROUBLE:8}"
    return word if good is None else colour("green" if good else "red", word)


_Line = tuple[str, bool | None, str]


def _daemons(settings: Settings, config: Path) -> Iterator[_Line]:
    for name in ("milter", "queue", "desk"):
        host, port = getattr(settings.metrics, name)
        text = scrape((host, port))
        if text is None:
            yield f"holdgate-{name}", False, f"does not answer on {host}:{port}; see: systemctl status holdgate-{name}"
            continue
        started = value(text, "process_start_time_seconds")
        since = f"up since {_time(datetime.fromtimestamp(started, UTC))}" if started else "up"
        stale = value(text, "holdgate_config_last_reload_successful") == 0 and name == "milter"
        yield f"holdgate-{name}", not stale, f"{since}; {_why_stale(config)}" if stale else since
    if service := settings.scan.service():
        listens = probe.listens(service) is not False
        yield "holdgate-scan", listens, "up" if listens else f"no process listens on {service}: mail is deferred"


def _why_stale(config: Path) -> str:
    """Return why the milter's settings are older than the files."""
    wrong = mistakes(config)
    more = f" (and {len(wrong) - 1} more: holdgate check)" if len(wrong) > 1 else ""
    reason = f"{wrong[0]}{more}" if wrong else "they have no error now; run: holdgate reload"
    return f"refused its files, and keeps the earlier ones: {reason}"


def _postfix(settings: Settings) -> Iterator[_Line]:
    postfix = Postfix(settings.queue.postfix_config)
    try:
        attached = lists_holdgate(postfix.setting("smtpd_milters"), settings, postfix)
    except PostfixError as error:
        yield "Postfix", False, str(error)
        return
    reported = (
        f"uses the milter ({settings.queue.postfix_config})"
        if attached
        else "does not use the milter; run: holdgate attach"
    )
    yield "Postfix", attached, reported
    if not is_running(postfix):
        yield "Postfix", False, "does not run, so no mail is accepted or sent; start it: systemctl start postfix"
    if probe.listens(place_of(settings.milter.socket)) is False:
        yield "milter socket", False, f"no process listens on {settings.milter.socket}: mail is deferred"
    elif owner := refused_by_socket(settings):
        yield "milter socket", False, f"Postfix's user {owner} cannot connect: mail is deferred; see: holdgate check"


def _incidents(store: Store, settings: Settings, now: datetime) -> Iterator[_Line]:
    try:
        messages = QueueClient(settings.queue.socket, timeout=AT_TERMINAL).held()
        queued = f", {counted(len(messages), 'message')} in Postfix's hold queue"
        good: bool | None = True
    except QueueError as error:
        queued, good = f"; {error}", False
    held = store.incidents({State.HELD})
    yield "held", good, f"{counted(len(held), 'incident')} without a decision{_oldest(held, now)}{queued}"
    late = [incident for incident in held if incident.deadline_at is not None and incident.deadline_at < now]
    if late:
        yield (
            "overdue",
            False,
            f"{counted(len(late), 'incident')} after the deadline; see: systemctl status holdgate-desk",
        )
    under_way = store.incidents({State.PENDING, *DECIDED})
    stuck = [incident for incident in under_way if now - (incident.decided_at or incident.created_at) > _SOON]
    yield (
        "under way",
        not stuck if under_way else None,
        f"{counted(len(under_way), 'incident')} decided or pending{_oldest(under_way, now)}",
    )
    counts = store.count()
    closed = ", ".join(f"{counts[state]} {state}" for state in State if counts.get(state) and state not in _OPEN)
    yield "closed", None, closed or "none yet"


def _nodes(store: Store, settings: Settings) -> Iterator[_Line]:
    """Yield the other mail servers that share the store, if it can be shared."""
    found = [one for one in store.nodes.all() if one.retired_at is None] if settings.store.is_shared else []
    others = differing(found, rules_of(settings))
    for one in found:
        silent = f"; silent for {_age(one.silent_for)}" if one.is_silent else ""
        rules = "; other policies or rules than here" if one.name in others else ""
        held = f"{one.name}: {one.open.get(State.HELD, 0)} held, {counted(one.waiting, 'decision')} to carry out"
        yield "node", not (silent or rules), f"{held}{silent}{rules}"


_OPEN = {State.PENDING, State.HELD, *DECIDED}


def _oldest(incidents: list[Incident], now: datetime) -> str:
    return f", the oldest for {_age(now - incidents[0].created_at)}" if incidents else ""


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} d"


def _canary(settings: Settings, now: datetime) -> Iterator[_Line]:
    last = canary.last_success(settings.canary.state)
    if last:
        yield "canary", None, f"last success {_age(now - datetime.fromtimestamp(last, UTC))} ago"
    else:
        yield "canary", None, "has never succeeded; enable it: systemctl enable --now holdgate-canary.timer"


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M %Z")
