"""Several mail servers on one PostgreSQL under mail and faults: nodes, desks, the pooler and the primary are killed.

``script/test soak --nodes 3 --messages N --seed S`` runs it and prints a table; a short run is a test. The primary has
a synchronous standby, which is promoted once, when the primary is lost permanently. The last node reaches the database
only through PgBouncer: without it, that node is cut off, while the others continue. People decide at two desks. The
ledger is that of the soak of one site (ledger.py); in addition, each request to a moderator is one mail.
"""

import argparse
import random
import shutil
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from holdgate.quarantine.incident import Answer, Incident
from testbed.pgbouncer import PgBouncer
from testbed.postgres import PostgresServer
from testbed.several import Node, certify, node_table
from testbed.site import DAEMONS, Site
from tests.e2e.desk import link_in, parsed, press, text_of
from tests.faults.ledger import Ledger
from tests.faults.moderators import MODERATORS, Moderators
from tests.faults.soak import Outcome, Supervisor, seen_at, settle, unfinished
from tests.faults.target import Target, send_signal
from tests.faults.traffic import Clients

_EXTRA = """\
[moderation]
moderators = ["{}", "{}"]
fallback = ["desk@corp.example"]
deadline = "10m"
reminders = []
"""


class _Everywhere(Moderators):
    """Decides at one desk, with requests of any desk."""

    def __init__(self, site: Site, sites: Sequence[Site], ledger: Ledger, seed: int, pause: float) -> None:
        super().__init__(site, ledger, seed, pause)
        self._sites = sites
        self._reads = [0] * len(sites)

    def _read_mail(self) -> None:
        for number, site in enumerate(self._sites):
            arrived = site.next_hop.deliveries[self._reads[number] :]
            self._reads[number] += len(arrived)
            self._note(arrived)

    def _page(self, incident: Incident, choice: Answer, person: str) -> bool:
        link = link_in(self._request(incident, person))
        here = f"{self._site.settings.desk.public_url}{urlsplit(link).path}"
        answer = press(here, decision=str(choice), comment="")
        word = "approved" if choice is Answer.APPROVE else "rejected"
        return answer.status_code == 200 and f"{person} {word} the message" in answer.text


class _Faults:
    """Applies faults to the sites. Each one returns when it is undone, except for what the daemons do automatically."""

    def __init__(
        self, targets: list[Target], primary: PostgresServer, pooler: PgBouncer, rng: random.Random, cut: float
    ) -> None:
        self._targets, self._primary, self._pooler, self._rng, self._cut = targets, primary, pooler, rng, cut

    def node_killed(self) -> None:
        """Kill every process of a node, with its Postfix."""
        target = self._rng.choice(self._targets)
        target.kill_all()
        time.sleep(self._rng.choice([0.5, 2]))  # so long the node is down
        target.site.postfix.start()

    def desk_killed(self) -> None:
        """Kill a desk."""
        target = self._rng.choice(self._targets)
        target.signal("desk", signal.SIGKILL)

    def agent_killed(self) -> None:
        """Kill one process of a daemon."""
        with suppress(KeyError):
            send_signal(self._rng.choice(self._targets).any_process(), signal.SIGKILL)

    def pooler_killed(self) -> None:
        """Kill the pooler, and start it again."""
        self._pooler.kill()
        time.sleep(0.5)
        self._pooler.start()

    def node_cut_off(self) -> None:
        """Cut the last node off from the database for a while."""
        self._pooler.kill()
        time.sleep(self._cut)
        self._pooler.start()

    def primary_killed(self) -> None:
        """Kill the primary during transactions, and start it again."""
        self._primary.kill()
        time.sleep(self._rng.choice([0.5, 2]))  # so long the node is down
        self._primary.resume()

    def all(self) -> list[Callable[[], None]]:
        """Return every fault that can be repeated."""
        faults = (self.node_killed, self.desk_killed, self.agent_killed, self.pooler_killed, self.primary_killed)
        return [*faults, self.node_cut_off]

    def promote(self, standby: PostgresServer) -> None:
        """Lose the primary permanently during transactions, and promote its standby."""
        self._primary.kill()
        standby.promote()
        self._primary = standby
        self._pooler.kill()
        self._pooler.lead_to(standby.directory)
        self._pooler.start()


def run(
    directory: Path,
    *,
    messages: int,
    seed: int,
    nodes: int = 3,
    clients: int = 2,
    pause: float = 0.2,
    share: float = 0.3,
    cut: float = 60.0,
    rest: float = 5.0,
    rounds: int = 1,
    verbose: bool = False,
) -> Outcome:
    """Run sites under mail until all messages were sent, and each fault was applied `rounds` times; undo, and evaluate.

    `clients` are those of each node, `cut` is for how long a node is cut off, `rest` the longest pause between faults,
    in seconds.
    """
    rng = random.Random(seed)
    ledger, outcome = Ledger(), Outcome()
    names = [f"mx{number}.corp.example" for number in range(1, nodes + 1)]
    certify(directory / "authority", names)
    directory.chmod(0o755)
    with ExitStack() as stack:
        primary = PostgresServer()
        stack.callback(primary.stop)
        primary.start()
        database = make_url(primary.new_database()).database
        standby = primary.standby()
        stack.callback(standby.stop)
        both = f"host={primary.directory}&host={standby.directory}&target_session_attrs=read-write"
        direct = f"postgresql://holdgate@/{database}?{both}"
        pooler = PgBouncer(f"postgresql://holdgate@/{database}?host={primary.directory}", connections=16)
        pooler.start()
        stack.callback(pooler.stop)
        targets: list[Target] = []
        for name in names:
            is_last = name == names[-1]
            (directory / name).mkdir()
            node = Node(
                directory / name,
                key=targets[0].site.settings.desk.token_key if targets else None,
                # The store of the tests themselves, and its migration, come first and go straight to it.
                store_url=direct if not is_last else pooler.url,
                extra=node_table(name, directory / "authority" / name) + _EXTRA.format(*MODERATORS),
                queue_extra='missing_after = "5m"\n',
            )
            node.next_hop.keeps = False
            targets.append(Target(node, ledger, rng, None))
            stack.callback(node.stop)
            node.start()
        sites = [target.site for target in targets]
        supervisors = [Supervisor(target) for target in targets]
        senders = [
            Clients(site, ledger, seed * 10 + number, clients, pause, share) for number, site in enumerate(sites)
        ]
        moderators = [
            _Everywhere(site, sites, ledger, seed * 10 + number, 0.3) for number, site in enumerate(sites[:2])
        ]
        sources: list[Clients | Moderators] = [*senders, *moderators]
        for part in (*supervisors, *sources):
            part.start()
        faults = _Faults(targets, primary, pooler, rng, cut)
        _inject(faults, standby, ledger, outcome, rng, messages=messages, rest=rest, rounds=rounds, verbose=verbose)
        for source in sources:
            source.stop()
        outcome.decisions = sum(one.count for one in moderators)
        for site in sites:
            settle(site)
        for one in supervisors:
            one.stop.set()
            one.join()
        _judge(targets, supervisors, outcome)
        if outcome.violations and verbose:
            for site in sites:
                for name in (*DAEMONS, "mail"):
                    log = site.postfix.log if name == "mail" else site.directory / f"{name}.log"
                    shutil.copy(log, f"/tmp/soak-{seed}-{site.directory.name}-{name}.log")
    return outcome


def _inject(
    faults: _Faults,
    standby: PostgresServer,
    ledger: Ledger,
    outcome: Outcome,
    rng: random.Random,
    *,
    messages: int,
    rest: float,
    rounds: int,
    verbose: bool,
) -> None:
    """Apply each fault in turn, with the failover between them, until there were enough messages and rounds."""
    wanted: list[Callable[[], None]] = []
    for _ in range(rounds):
        wanted += rng.sample(faults.all(), len(faults.all()))
    wanted.insert(len(wanted) // 2 + 1, lambda: faults.promote(standby))
    while wanted or len(ledger.attempts) < messages:
        fault = wanted.pop(0) if wanted else rng.choice(faults.all())
        name = getattr(fault, "__name__", "").replace("<lambda>", "standby_promoted")
        if verbose:
            print(f"{len(ledger.attempts):6} messages: {name}", flush=True)
        fault()
        outcome.faults[name] += 1
        time.sleep(1 + rng.random() * rest)


def _judge(targets: list[Target], supervisors: list[Supervisor], outcome: Outcome) -> None:
    """Write the observed outcome of all messages, decisions and requests to `outcome`."""
    ledger, sites = targets[0].ledger, [target.site for target in targets]
    seen = seen_at(targets, outcome)
    outcome.violations += [*ledger.violations(seen), *unfinished(sites[0])]
    outcome.violations += [line for one in supervisors for line in one.grown()]
    outcome.violations += _asked_too_often(sites, seen_ids={one.id for it in seen.values() for one in it.incidents})
    done = sites[0].command("audit", "verify")
    if done.returncode != 0:
        outcome.violations.append(f"audit verify: {done.stdout}{done.stderr}")
    outcome.attempts = len(ledger.attempts)
    outcome.accepted = sum(attempt.accepted is True for attempt in ledger.attempts.values())
    outcome.states.update(str(incident.state) for incident in sites[0].store.incidents())


def _asked_too_often(sites: Sequence[Site], seen_ids: set[str]) -> list[str]:
    """Return people who got more requests about a message than were due.

    After a crash, the same mail may be sent again, with the same Message-ID.
    """
    mails: dict[tuple[str, str], set[str]] = defaultdict(set)
    for site in sites:
        for delivery in site.next_hop.deliveries:
            for person in set(delivery.recipients) & set(MODERATORS):
                message = parsed(delivery)
                words = text_of(message)
                if "/t/" in words:
                    for name in _ids_in(words) & seen_ids:
                        mails[person, name].add(str(message["Message-ID"]))
    asked: Counter[str] = Counter()
    for name in {name for _, name in mails}:
        asked[name] = sum(event.event == "asked" for event in sites[0].store.history(name))
    return [
        f"doubled request: {person} about {name}: {len(found)} mails, asked {asked[name]} times"
        for (person, name), found in mails.items()
        if len(found) > max(asked[name], 1)
    ]


def _ids_in(words: str) -> set[str]:
    return {word.strip(".,:()") for word in words.split() if len(word.strip(".,:()")) == 14}


def report(directory: Path, given: argparse.Namespace) -> int:
    """Run with the options of the command line, and print the table; 0 if every promise was kept."""
    begun = time.monotonic()
    outcome = run(
        directory,
        messages=given.messages,
        seed=given.seed,
        nodes=given.nodes,
        clients=max(1, given.clients // given.nodes),
        pause=given.pause,
        share=given.share,
        rest=given.rest,
        rounds=2,
        verbose=True,
    )
    minutes = (time.monotonic() - begun) / 60
    print(f"seed {given.seed}, {given.nodes} nodes, {minutes:.0f} minutes\n{outcome.table()}")
    for line in (*(f"VIOLATION: {one}" for one in outcome.violations), *(f"  twice: {one}" for one in outcome.notes)):
        print(line)
    return 1 if outcome.violations else 0
