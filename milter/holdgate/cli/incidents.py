"""`holdgate list`, `show`, `release` and `reject`: look at incidents and decide on them."""

import argparse
import getpass
import json
import os
import time
from datetime import datetime

from holdgate.cli.output import print_error, print_result
from holdgate.cli.parsing import whole_number
from holdgate.configfile import ConfigError, load_settings
from holdgate.desk import classes, moderation
from holdgate.desk.changing import WITHOUT, CannotChangeError, Changer, RequestedChanges
from holdgate.desk.classes import Class, NotOfferedError
from holdgate.desk.context import Desk
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.remotenodes import RemoteNodes
from holdgate.node import name_of
from holdgate.quarantine.exported import exported
from holdgate.quarantine.incident import Actor, Answer, Change, Incident
from holdgate.quarantine.recorded import shown
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue.changed import EXCLUDE
from holdgate.queue.client import QueueClient
from holdgate.queue.mutual import NodeCertificate

_WAY = "command"
# Methods by which senders release their own messages: the link in a notice, or the answer to a request.
_BY_SENDER = (moderation.SELF_RELEASE, moderation.SENDER, moderation.CORRECTED)
# How long `release` and `reject` wait for the outcome of a decision, in seconds.
_PATIENCE = 30

_AS = "record the answer of this moderator, who must have a request; without it, the decision is final"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the four subcommands."""
    listing = commands.add_parser("list", help="list incidents")
    listing.add_argument("--state", choices=[str(state) for state in State], help="only those in this state")
    listing.add_argument("--self-released", action="store_true", help="only those that their sender released")
    listing.add_argument("--json", action="store_true", help="print one JSON object per line")
    listing.set_defaults(run=_list)

    show = commands.add_parser("show", help="show one incident: why it was held and what happened to it")
    show.add_argument("id", help="incident id or Postfix queue id")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    show.set_defaults(run=_show)

    release = commands.add_parser("release", help="approve a held message: Postfix sends it to its recipients")
    release.add_argument("id", help="incident id or Postfix queue id")
    release.add_argument("--comment", default="", help="the reason, for the history")
    release.add_argument("--as", dest="person", metavar="ADDRESS", default="", help=_AS)
    release.add_argument(
        "--without",
        metavar="NAME",
        action="append",
        default=[],
        help='remove the attachment with this name or number; "*": all. Can be given several times',
    )
    release.add_argument("--redacted", action="store_true", help="mask all matches in the message")
    release.add_argument(
        "--not-to",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="leave out this recipient. Can be given several times",
    )
    release.add_argument(
        "--allow",
        choices=["thread", "recipients"],
        help="for mail of a program: also allow answers in this thread for 24 hours, or later mail to these recipients",
    )
    release.add_argument(
        "--days",
        type=whole_number(1, 365),
        metavar="N",
        help="with --allow recipients: for this number of days (default: 1)",
    )
    release.add_argument(
        "--encrypted", action="store_true", help="send it through the transport of moderation.encrypt_through"
    )
    release.set_defaults(run=lambda arguments: _decide(arguments, Answer.APPROVE))

    reject = commands.add_parser("reject", help="reject a held message: it is returned to its sender")
    reject.add_argument("id", help="incident id or Postfix queue id")
    reject.add_argument("--comment", default="", help="the reason, for the sender and for the history")
    reject.add_argument("--as", dest="person", metavar="ADDRESS", default="", help=_AS)
    reject.set_defaults(run=lambda arguments: _decide(arguments, Answer.REJECT))


def _list(arguments: argparse.Namespace) -> int:
    store = open_store(load_settings(arguments.config).store.url)
    states = [State(arguments.state)] if arguments.state else None
    for incident in map(shown, store.incidents(states)):
        if arguments.self_released and incident.decided_how not in _BY_SENDER:
            continue
        if arguments.json:
            print(json.dumps(exported(incident)))
        else:
            recipients = ", ".join(incident.recipients[:3]) + (" …" if len(incident.recipients) > 3 else "")
            print(
                f"{incident.id}  {incident.state:9}  {_time(incident.created_at)}  "
                f"{_clean(incident.sender) or '<>'} → {_clean(recipients)}  {_found(incident)}"
            )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    store = open_store(load_settings(arguments.config).store.url)
    found = _find(store, arguments)
    if found is None:
        return 2
    incident = shown(found)
    history = store.history(incident.id)
    if arguments.json:
        print(json.dumps(exported(incident) | {"history": [exported(event) for event in history]}))
        return 0
    rows = [
        ("incident", incident.id),
        ("state", incident.state),
        ("node", incident.node),
        ("queue id", incident.queue_id),
        ("from", incident.sender or "<>"),
        ("header from", incident.header_from),
        ("to", ", ".join(incident.recipients)),
        ("at once to", ", ".join(incident.already_sent)),
        ("subject", incident.subject),
        ("size", f"{incident.size} bytes"),
        ("policy", incident.policy),
        ("inspection", f"{incident.status}; {incident.reason}" if incident.reason else incident.status),
        ("deadline", _time(incident.deadline_at) if incident.deadline_at else ""),
        ("decided by", incident.decided_by or ""),
        ("comment", incident.comment or ""),
        ("changes", _changes(incident)),
    ]
    for name, value in rows:
        if value:
            print(f"{name:12}{_clean(str(value))}")
    for finding in incident.findings:
        times = f"{finding['count']}×" if finding["count"] > 1 else ""
        print(f"{'found':12}{times}{finding['identifier']} ({finding['confidence']}): {', '.join(finding['masked'])}")
        print(f"{'':12}  in {_clean('; '.join(finding['parts']))}")
    for request in store.requests.of(incident.id):
        message = request.answer or ("opened" if request.opened_at else "no answer yet")
        print(f"{'asked':12}{_clean(request.moderator)} ({request.role}, step {request.level + 1}): {message}")
    for event in history:
        note = f": {_clean(event.note)}" if event.note else ""
        origin = f", from {_clean(event.origin)}" if event.origin else ""
        print(f"{_time(event.at):12}  {event.code} by {_clean(event.who)} ({event.how}{origin}){note}")
    return 0


def _changes(incident: Incident) -> str:
    """Return the changes with which an incident was approved, "" for none."""
    change = Change.of(incident)
    if change is None:
        return ""
    names = {WITHOUT: change.names or [str(number) for number in change.parts], EXCLUDE: change.recipients}
    chosen = [f"{kind}: {', '.join(names[kind])}" if names.get(kind) else kind for kind in change.kinds]
    return "; ".join([*chosen, *([f"signatures removed: {', '.join(change.signatures)}"] if change.signatures else [])])


def sent_text(incident: Incident) -> str:
    """Return who got a released message and who did not, as text."""
    change = Change.of(incident)
    excluded = [] if change is None else change.recipients
    text = f"released to {_clean(', '.join(one for one in incident.recipients if one not in excluded))}"
    return f"{text}; not to {_clean(', '.join(excluded))}" if excluded else text


def _decide(arguments: argparse.Namespace, choice: Answer) -> int:
    settings = load_settings(arguments.config)
    store = open_store(settings.store.url)
    incident = _find(store, arguments)
    if incident is None:
        return 2
    desk = Desk(store, settings)
    wanted = _class(arguments) if choice is Answer.APPROVE else None
    try:
        if wanted is not None:
            classes.check(desk, incident, wanted)
        change = _change(arguments, desk, incident) if choice is Answer.APPROVE else None
    except (CannotChangeError, UnreadableError, NotOfferedError) as error:
        print_error(arguments, f"{incident.id}: {_clean(str(error))}")
        return 2
    try:
        if arguments.person:
            request = moderation.request_of(desk, incident, arguments.person.lower())
            if request is None:
                print_error(
                    arguments,
                    f"{incident.id}: {_clean(arguments.person)} has no open request; see: holdgate show {incident.id}",
                )
                return 2
            actor = Actor(f"{request.moderator} ({person()})", _WAY)
            decided = moderation.answer(desk, request, choice, actor, arguments.comment, change=change)
        else:
            actor = Actor(person(), _WAY)
            decided = moderation.override(desk, incident, choice, actor, arguments.comment, change=change)
    except moderation.RefusedError as error:
        return _too_late(arguments, error)
    if decided.state is State.HELD:
        text = f"{decided.id}: approved by {arguments.person.lower()}; others must approve it too"
        return _report(arguments, decided, text, 0)
    if wanted is not None:
        classes.allow(desk, decided, wanted, actor)
    return _watch(arguments, desk, decided)


def _class(arguments: argparse.Namespace) -> Class | None:
    """Return the class that the options name, or None. Raises ConfigError."""
    if arguments.days is not None and arguments.allow != "recipients":
        raise ConfigError(["--days: is allowed only with --allow recipients; add it, or remove --days"])
    if arguments.allow is None:
        return None
    if arguments.without or arguments.redacted or arguments.encrypted or arguments.not_to:
        raise ConfigError(["--allow: is not possible together with changes of the message; remove one of them"])
    days = 1 if arguments.days is None else arguments.days
    return Class(0 if arguments.allow == "thread" else days)


def _change(arguments: argparse.Namespace, desk: Desk, incident: Incident) -> Change | None:
    """Return the changes that the options request, or None. Raises CannotChangeError and UnreadableError."""
    wanted = RequestedChanges(
        arguments.without, encrypted=arguments.encrypted, redacted=arguments.redacted, excluded=arguments.not_to
    )
    if not wanted.kinds:
        return None
    here = open_store(desk.settings.store.url, name_of(desk.settings))
    remote_nodes = RemoteNodes(here, NodeCertificate.of(desk.settings, here.certificates.is_revoked))
    previewer = Previewer(desk.settings, QueueClient(desk.settings.queue.socket), remote_nodes)
    try:
        prepared = Changer(desk, previewer).prepare(incident, wanted)
    finally:
        previewer.close()
        here.close()
    return prepared.change


def _too_late(arguments: argparse.Namespace, error: moderation.RefusedError) -> int:
    incident = error.incident
    message = {
        State.PENDING: "has not reached Postfix's hold queue yet; try again in some seconds",
        State.VANISHED: "is no longer in Postfix's queue: an operator deleted or released it",
        State.HELD: {
            moderation.Why.ALREADY_APPROVED: "already has this approval; others must approve it too",
            moderation.Why.DEADLINE_PASSED: "is past its deadline",
        }.get(error.why, f"is no longer with this person; see: holdgate show {incident.id}"),
    }.get(incident.state, f"is already {incident.state}")
    by = f", by {_clean(incident.decided_by)} ({incident.decided_how})" if incident.decided_by else ""
    print_error(arguments, f"{incident.id} {message}{by}")
    return 2


def _report(arguments: argparse.Namespace, incident: Incident, text: str, code: int) -> int:
    """Print the outcome of a decision, and return the exit code."""
    print_result(arguments, text, id=incident.id, state=str(incident.state), message=text, done=code == 0)
    return code


def _watch(arguments: argparse.Namespace, desk: Desk, incident: Incident) -> int:
    """Wait for the decision to be carried out, and print the outcome."""
    deadline = time.monotonic() + _PATIENCE
    now: Incident | None = incident
    while now is not None and now.closed_at is None and time.monotonic() < deadline:
        time.sleep(0.1)
        now = desk.store.incident(incident.id)
    if now is None or now.closed_at is None:
        # If the store is shared, the message may be at another server.
        shared = desk.settings.store.is_shared and incident.node
        place = (
            f"of node {incident.node} runs (holdgate nodes)" if shared else f"answers on {desk.settings.queue.socket}"
        )
        text = (
            f"{incident.id}: {incident.state}, but not carried out yet. The decision is recorded, and "
            "carried out when the "
            f"queue agent {place} and holdgate-desk can send notices."
        )
        return _report(arguments, incident, text, 2)
    if now.state is State.RELEASED:
        return _report(arguments, now, f"{now.id}: {sent_text(now)}", 0)
    if now.state is State.RETURNED:
        known = sender_notice_text(
            now, is_notified=desk.can_notify(now.sender), dropped=desk.store.outbox.report_dropped(now.id)
        )
        return _report(arguments, now, f"{now.id}: rejected and removed from the queue; {known}", 0)
    text = f"{now.id}: the message left Postfix's queue before this could be carried out"
    return _report(arguments, now, text, 2)


def sender_notice_text(incident: Incident, *, is_notified: bool, dropped: bool = False) -> str:
    """Return whether the sender of a rejected message knows of it, as text.

    `is_notified` is whether the desk notifies this sender, `dropped` whether the notice was not sent.
    """
    if not incident.sender:
        return "it has no sender to notify"
    sender = _clean(incident.sender)
    if is_notified and dropped:
        return f"{sender} is not notified: the message requested no report (NOTIFY=NEVER)"
    if is_notified:
        return f"{sender} has been notified"
    return f"{sender} is not notified: its domain is not in desk.own_domains"


def _find(store: Store, arguments: argparse.Namespace) -> Incident | None:
    found = store.find(arguments.id)
    if len(found) == 1:
        return found[0]
    # A queue id that was used twice (short ids): only one of the messages can still be waiting.
    waiting = [incident for incident in found if incident.state is State.HELD]
    if len(waiting) == 1:
        return waiting[0]
    name = _clean(arguments.id)
    if found:
        print_error(arguments, f'"{name}" matches several incidents; write the id of one, as "holdgate list" prints it')
    else:
        print_error(arguments, f'there is no incident "{name}"; see: holdgate list')
    return None


def person() -> str:
    """Return the user who runs the command; with sudo(8), the user who called it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _found(incident: Incident) -> str:
    return ", ".join(f"{f['count']}× {f['identifier']}" for f in incident.findings) or _clean(incident.policy)


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M %Z")


def _clean(text: str) -> str:
    """Make a sender's text safe for a terminal: no escape sequence, no bidi override, one line."""
    return "".join(character if character.isprintable() else " " for character in text)
