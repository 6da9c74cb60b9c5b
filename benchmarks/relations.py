"""Wrong recipients: how many of 500 swapped ones are held, and how much other mail; and what comparing costs.

A site is drawn by a seed: people, clients, projects, two weeks of mail from which is learned, and a third week in which
some recipients are swapped. How long conversations are, how many people somebody writes to, how often a message answers
another one, and the words of subjects are taken from public mail, where it is there (`corpora.py`); names never are.
The thresholds were chosen with the seeds 1 and 2; the figures of the docs are of others. `--shape` draws sites of
other shapes. `--with-mail` learns at a fixed rate while a milter with a real Postfix gets as much mail as it takes.
"""

import argparse
import random
import re
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses
from pathlib import Path

from sqlalchemy import create_engine

from benchmarks.corpora import corpus, raw_ham
from benchmarks.mailing import account, concurrent_learning, letters
from holdgate.envelope import Envelope
from holdgate.policy.terms import RecipientRisk
from holdgate.quarantine.database import direct
from holdgate.quarantine.relations import Weight
from holdgate.quarantine.store import Store, migrate, open_store
from holdgate.relations.evaluator import Evaluator
from holdgate.relations.keys import Hasher
from holdgate.relations.memory import Memory
from holdgate.relations.names import place_of
from holdgate.relations.sent import WORD, Sent, subject_tokens
from holdgate.relations.teaching import Teacher
from holdgate.risks import Risks
from holdgate.scan.pool import Pool, PoolSettings
from testbed.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
OWN = "corp.example"
HELD = RecipientRisk.model_validate({"lookalike": True, "twin": True, "outlier": True, "content": "unusual"})
KINDS = ("same name in the autocomplete list", "look-alike", "wrong client", "private twin")
SWAPS = 500
LEAST_HELD, MOST_OTHER = 0.80, 0.02
MOST_BYTES, LEAST_LEARNED, MOST_OF_INSPECTION = 100, 200, 0.05
_BATCH, _INSPECTED = 100_000, 300
_COPY = "COPY relations (key, weight, day) FROM STDIN"
_DAYS, _TEST_DAYS = 10, 5
_FIRST_DAY = 20_000
_HALF_LIFE = 180.0
# Messages of ten minutes.
_TOGETHER = 10


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _listed("""
anna bob carl dora emil fay gina hugo ida jan kim lea max nora olaf paul rita sven tina uwe vera will zoe
""")
_LAST = tuple(
    begin + end
    for begin in _listed("sand lind berg stein hart wald beck roth holm kess brand feld gold krau marsh north west")
    for end in ("er", "son", "mann", "ley", "strom", "quist", "wood")
)
_STEMS = _listed("""
orchid falcon summit harbour granite meadow copper beacon willow anchor juniper marble cedar lantern saffron raven
delta compass velvet quartz heron maple onyx prairie tundra walnut zenith acorn bramble cobalt dynamo ember fjord
""")
_ADDED = _listed("""
group law partners consult media tech logistics capital energy pharma trading works
""")
_ENDS = _listed("""
example com de net org co.uk fr eu
""")
_PRIVATE = ("gmail.com", "outlook.com", "gmx.de", "web.de", "yahoo.com")
_WORDS = _listed("""
meeting offer invoice question update draft report schedule travel contract minutes order delivery status budget
plan review lunch feedback agenda proposal dates payment document signature details change request problem
""")
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True)
class Shape:
    """What is taken from public mail: numbers and common words."""

    answers: float = 0.6
    partners: tuple[int, ...] = (2, 2, 3, 3, 4, 5, 6, 8, 11, 15, 21, 30)
    lengths: tuple[int, ...] = (1, 1, 1, 2, 2, 3, 4, 6, 9)
    words: tuple[str, ...] = _WORDS


def shape_of_ham() -> Shape:
    """Return the shape of the public mail; a made one where it is absent."""
    threads: dict[str, set[str]] = defaultdict(set)
    lengths: Counter[str] = Counter()
    words: Counter[str] = Counter()
    answers = total = 0
    folder = corpus("ham")
    for content in raw_ham(folder) if folder is not None else ():
        header = BytesHeaderParser(policy=compat32).parsebytes(re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0])
        subject = str(header.get("Subject", ""))
        writers = [one for _, one in getaddresses([str(header.get("From", ""))])]
        tokens = subject_tokens(subject, "")
        total += 1
        answers += subject.lower().startswith("re:")
        words.update(token.removeprefix("word ") for token in tokens if token.startswith("word "))
        for token in tokens[:1]:
            lengths[token] += 1
            threads[token].update(writers)
    if not total:
        return Shape()
    partners: dict[str, set[str]] = defaultdict(set)
    for people in threads.values():
        for one in people:
            partners[one] |= people - {one}
    known = tuple(sorted(min(len(others), 60) for others in partners.values() if others))
    common = tuple(word for word, count in words.most_common(400) if count > 5)
    return Shape(answers / total, known, tuple(sorted(min(count, 20) for count in lengths.values())), common)


@dataclass
class Person:
    """A colleague: whom they write to with which weight, and their topics."""

    address: str
    clients: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    threads: list[tuple[str, list[str]]] = field(default_factory=list)
    book: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Kind:
    """What distinguishes sites: people, clients, and shares of messages.

    `unknown` go to a client at random, perhaps one that no sender has written to, `private` to a new private mailbox,
    `lists` to a fixed circle of recipients at several clients.
    """

    people: int = 60
    clients: int = 160
    unknown: float = 0.01
    private: float = 0.01
    lists: float = 0.0


SHAPES = {
    "usual": Kind(),
    "small": Kind(people=25, clients=40),
    "large": Kind(people=250, clients=700),
    "new": Kind(unknown=0.08, private=0.04),
    "lists": Kind(lists=0.15),
}


class Simulation:
    """A site with its clients, drawn by a seed."""

    def __init__(self, seed: int, shape: Shape, kind: Kind = SHAPES["usual"]) -> None:
        self.draw = random.Random(seed)
        self.shape = shape
        self.kind = kind
        draw = self.draw
        boxes = [f"{first}.{last}" for first in _FIRST for last in _LAST]
        draw.shuffle(boxes)
        self.people = [Person(f"{box}@{OWN}") for box in boxes[: kind.people]]
        self.domains = self._domains(kind.clients)
        self.staff = {domain: self._staff(domain) for domain in self.domains}
        self.projects = {domain: self._project(number) for number, domain in enumerate(self.domains)}
        self.joint = [frozenset(draw.sample(self.domains, 2)) for _ in range(kind.clients // 4)]
        for person in self.people:
            count = min(max(draw.choice(shape.partners), 3), 40, kind.clients // 2)
            person.clients = draw.sample(self.domains[: kind.clients * 13 // 16], count)
            person.weights = [1 / (rank + 1) for rank in range(count)]
        self.circles = [self._circle() for _ in range(6)] if kind.lists else []

    def _domains(self, count: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < count:
            words = [self.draw.choice(_STEMS)]
            if self.draw.random() < 0.7:
                words.append(self.draw.choice(_ADDED))
            mark = self.draw.choice(("", "-"))
            found[f"{mark.join(words)}.{self.draw.choice(_ENDS)}"] = None
        return list(found)

    def _staff(self, domain: str) -> list[str]:
        form = self.draw.choice(("{first}.{last}", "{first}", "{initial}{last}", "{last}", "{first}_{last}"))
        found: dict[str, None] = {}
        for _ in range(self.draw.choice((1, 2, 2, 3, 4, 6, 9))):
            first, last = self.draw.choice(_FIRST), self.draw.choice(_LAST)
            found[f"{form.format(first=first, last=last, initial=first[0])}@{domain}"] = None
        if self.draw.random() < 0.3:
            found[f"{self.draw.choice(('office', 'info', 'accounting'))}@{domain}"] = None
        return list(found)

    def _circle(self) -> list[str]:
        """Return the recipients of a list: one or two at each of several clients."""
        places = self.draw.sample(self.domains, self.draw.choice((4, 6, 8)))
        return [one for place in places for one in self.staff[place][: self.draw.choice((1, 2))]]

    def _project(self, number: int) -> str:
        return f"{self.draw.choice('bdfgklmnprstvz')}{self.draw.choice('aeiou')}{self.draw.choice('lmnrst')}" + "".join(
            chr(ord("a") + int(digit)) for digit in f"{number:03}"
        )

    def mail(self, day: int) -> Iterator[Sent]:
        """Yield the mail of one day."""
        for person in self.people:
            for _ in range(self.draw.choice((2, 4, 6, 8, 10, 14, 18))):
                yield self._message(person, day)

    def _message(self, person: Person, day: int) -> Sent:
        draw = self.draw
        subject = ""
        to: list[str] = []
        answers = bool(person.threads) and draw.random() < self.shape.answers
        if answers:
            subject, to = draw.choice(person.threads[-12:])
            to = list(to)
            if draw.random() < 0.04:
                to += self._some(place_of(to[0])) if draw.random() < 0.7 else self._client_of(person)[1][:1]
        else:
            client, to = self._client_of(person)
            words = draw.sample(self.shape.words, 2)
            if draw.random() < 0.5:
                words.append(self.projects.get(client, ""))
            subject = " ".join(filter(None, words))
            # Half of the conversations were begun by the other one: the first message from here is an answer.
            answers = draw.random() < 0.5
        if len(person.threads) > 200:
            del person.threads[:100]
        if not answers or draw.random() < 0.8:
            person.threads.append((subject, to))
        to = list(dict.fromkeys(to))
        person.book.update(to)
        inside = (draw.choice(self.people).address,) if draw.random() < 0.3 else ()
        return Sent(person.address, tuple(to), inside, tuple(subject_tokens(subject, person.address)), day, answers)

    def _client_of(self, person: Person) -> tuple[str, list[str]]:
        """Return a client and recipients there; sometimes a new person, a private address, or two clients."""
        draw = self.draw
        if self.circles and draw.random() < self.kind.lists:
            return "", draw.choice(self.circles)
        chance = draw.random()
        if chance < self.kind.private:
            return "", [f"{draw.choice(_FIRST)}{draw.choice(_LAST)}{draw.randrange(100)}@{draw.choice(_PRIVATE)}"]
        if chance < self.kind.private + self.kind.unknown:
            client = draw.choice(self.domains)  # perhaps one to which no sender has written
        else:
            (client,) = draw.choices(person.clients, person.weights)
        if draw.random() < 0.02:
            self.staff[client] = list(dict.fromkeys([*self.staff[client], *self._staff(client)]))
        to = self._some(client)
        if chance > 0.94:
            other = next((next(iter(pair - {client})) for pair in self.joint if client in pair), "")
            to += self._some(other)[:1] if other else []
        return client, to

    def _some(self, domain: str) -> list[str]:
        staff = self.staff.get(domain, [])
        return self.draw.sample(staff, min(len(staff), self.draw.choice((1, 1, 1, 2, 3)))) if staff else []

    # -- swaps ----------------------------------------------------------------------------------------------------

    def swapped(self, message: Sent, kind: str) -> Sent | None:
        """Return a message with one recipient swapped; None where this one has no such recipient."""
        person = next(one for one in self.people if one.address == message.sender)
        old = self.draw.choice(message.outside)
        new = {
            KINDS[0]: self._same_name,
            KINDS[1]: self._lookalike,
            KINDS[2]: self._wrong_client,
            KINDS[3]: self._private,
        }[kind](person, old, message)
        if not new or new in message.outside:
            return None
        return replace(message, outside=tuple(new if one == old else one for one in message.outside))

    def _same_name(self, person: Person, old: str, message: Sent) -> str:
        """Return the address that the list offers for the same first letters: of another domain, known or not."""
        begin = re.split(r"[._@]", old)[0][:3]
        places = set(message.places)
        offered = [one for one in person.book if one.startswith(begin) and place_of(one) not in places]
        offered += [one for staff in self.staff.values() for one in staff if one.split("@")[0] == old.split("@")[0]][:3]
        offered = [one for one in offered if place_of(one) not in places]
        return self.draw.choice(sorted(offered)) if offered else ""

    def _wrong_client(self, person: Person, old: str, message: Sent) -> str:
        places = set(message.places)
        offered = sorted(one for one in person.book if place_of(one) not in places and "@" not in place_of(one))
        return self.draw.choice(offered) if offered else ""

    def _private(self, person: Person, old: str, message: Sent) -> str:
        names = [one.split("@")[0] for one in (*message.inside, old) if re.search(r"[._]", one.split("@")[0])]
        if not names:
            return ""
        first, last = re.split(r"[._]", self.draw.choice(names))[:2]
        box = self.draw.choice(
            (f"{first}.{last}", f"{first}{last}", f"{last}.{first}", f"{first}_{last}77", f"{first}.{last}1")
        )
        return f"{box}@{self.draw.choice(_PRIVATE)}"

    def _lookalike(self, _person: Person, old: str, _message: Sent) -> str:
        local, _, domain = old.partition("@")
        if domain in _PRIVATE:
            return ""
        name, _, end = domain.partition(".")
        way = self.draw.randrange(8)
        if way == 0:
            return f"{local}@{name}.{self.draw.choice([one for one in _ENDS if one != end])}"
        if way == 1:
            return f"{local}@{name}-{self.draw.choice(_ADDED)}.{end}"
        if way == 2 and "-" in name:
            return f"{local}@{'-'.join(reversed(name.split('-')))}.{end}"
        if way == 3:
            like = name.replace("m", "rn", 1).replace("l", "1", 1).replace("o", "0", 1)
            return f"{local}@{like}.{end}" if like != name else ""
        if way == 4 and len(local) > 5:
            return f"{self._typo(local)}@{domain}"
        if way == 5 and "a" in name:
            return f"{local}@{name.replace('a', 'а', 1)}.{end}"
        return f"{local}@{self._typo(name)}.{end}"

    def _typo(self, word: str) -> str:
        at = self.draw.randrange(1, len(word) - 1)
        row = next((row for row in _KEYBOARD if word[at] in row), "")
        near = row[max(row.find(word[at]) - 1, 0)] if row else word[at]
        ways = (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + near + word[at + 1 :],
        )
        return self.draw.choice(ways)


@dataclass
class Outcome:
    """How many there were and how many were held, by kind of swap, and of other mail."""

    swaps: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    others: int = 0
    others_held: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Outcome") -> None:
        """Count another one too."""
        self.swaps += other.swaps
        self.held += other.held
        self.reasons += other.reasons
        self.others += other.others
        self.others_held += other.others_held


def try_site(seed: int, shape: Shape, store: Store, kind_of_site: Kind = SHAPES["usual"]) -> Outcome:
    """Learn two weeks of a site, and evaluate a third one with swaps in it; held messages are not learned."""
    simulation, hasher = Simulation(seed, shape, kind_of_site), Hasher(f"{seed}".encode() * 32)
    teacher, evaluator = Teacher(hasher, store.relations, _HALF_LIFE, [OWN]), Evaluator(hasher, [OWN])
    seconds = 0.0
    memory = Memory(store.relations, _HALF_LIFE, clock=lambda: seconds)
    outcome = Outcome()
    for day in range(_FIRST_DAY, _FIRST_DAY + _DAYS):
        teacher.write(teacher.gather(simulation.mail(day)))
    week = [list(simulation.mail(day)) for day in range(_FIRST_DAY + _DAYS, _FIRST_DAY + _DAYS + _TEST_DAYS)]
    wanted = [kind for kind in KINDS for _ in range(SWAPS // len(KINDS))]
    simulation.draw.shuffle(wanted)
    places = [(at, number) for at, messages in enumerate(week) for number in range(len(messages))]
    simulation.draw.shuffle(places)
    swapped: dict[tuple[int, int], tuple[str, Sent]] = {}
    for place in places:
        if not wanted:
            break
        if (message := simulation.swapped(week[place[0]][place[1]], wanted[-1])) is not None:
            swapped[place] = (wanted.pop(), message)
    for at, messages in enumerate(week):
        accepted = []
        for number, usual in enumerate(messages):
            kind, message = swapped.get((at, number), ("", usual))
            found = Risks(tuple(evaluator.risks(message, memory.view(message.day, 60))))
            is_held = any(HELD.is_among(found, one) for one in message.outside)
            if kind:
                outcome.swaps[kind] += 1
                outcome.held[kind] += is_held
            else:
                outcome.others += 1
                outcome.others_held += is_held
                if is_held:
                    outcome.reasons.update(
                        {one.kind for one in found.found if HELD.is_among(Risks((one,)), one.recipient)}
                    )
            if not is_held or not kind:  # a moderator releases messages that were held by mistake
                accepted.append(message)
            if number % _TOGETHER == 0:  # learned soon, as on a site; data that was read is cached for minutes
                teacher.write(teacher.gather(accepted))
                accepted = []
                seconds += 600
        teacher.write(teacher.gather(accepted))
    memory.close()
    return outcome


def main(arguments: list[str]) -> int:
    """Measure and print; return 1 where a threshold is not reached."""
    parser = argparse.ArgumentParser(prog="script/bench relations")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103], help="a site for each")
    parser.add_argument("--shape", choices=SHAPES, default="usual", help="what kind of site")
    parser.add_argument("--with-mail", action="store_true", help="measure only learning, while a milter gets mail")
    parser.add_argument("--edges", type=int, default=200_000, help="relations in the table whose cost is measured")
    parser.add_argument("--cost", action="store_true", help="measure the cost alone")
    parser.add_argument("--postgresql", action="store_true", help="measure the cost with PostgreSQL, too")
    parser.add_argument("--no-sqlite", action="store_true", help="measure the cost with PostgreSQL alone")
    given = parser.parse_args(arguments)
    shape = shape_of_ham()
    if given.with_mail:
        kept = [concurrent_learning.measure(_envelopes(shape), postgresql=one) for one in {False, given.postgresql}]
        return 0 if all(kept) else 1
    if given.cost:
        return _costs(given.edges, shape, sqlite=not given.no_sqlite, postgresql=given.postgresql or given.no_sqlite)
    print("public mail" if shape != Shape() else "no public mail here: numbers and words are made up")
    outcome = Outcome()
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as directory:
            store = _store(directory)
            one = try_site(seed, shape, store, SHAPES[given.shape])
            print(
                f"seed {seed}: {_share(one.held.total(), one.swaps.total())} of the swaps held, "
                f"{_share(one.others_held, one.others)} of {one.others} other messages"
            )
            outcome.add(one)
            store.close()
    print("\n| kind of swap | swaps | held |\n|---|---|---|")
    for kind in KINDS:
        print(f"| {kind} | {outcome.swaps[kind]} | {_share(outcome.held[kind], outcome.swaps[kind])} |")
    print(f"| all | {outcome.swaps.total()} | {_share(outcome.held.total(), outcome.swaps.total())} |")
    print(f"| other mail | {outcome.others} | {_share(outcome.others_held, outcome.others)} |")
    print(f"other mail was held for: {dict(outcome.reasons)}")
    _costs(given.edges, shape, sqlite=not given.no_sqlite, postgresql=given.postgresql or given.no_sqlite)
    held = outcome.held.total() / outcome.swaps.total()
    others = outcome.others_held / outcome.others
    return 0 if held >= LEAST_HELD and others <= MOST_OTHER else 1


def _envelopes(shape: Shape) -> list[Envelope]:
    """Return mail of two weeks as the milter has it."""
    simulation = Simulation(7, shape)
    return [
        Envelope(
            sender=one.sender,
            recipients=[*one.outside, *one.inside],
            subject=" ".join(token.removeprefix(WORD) for token in one.tokens if token.startswith(WORD)),
        )
        for day in range(_FIRST_DAY, _FIRST_DAY + _DAYS)
        for one in simulation.mail(day)
    ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _store(directory: str) -> Store:
    url = f"sqlite:///{directory}/holdgate.db"
    migrate(url)
    store = open_store(url)
    return store


def _costs(edges: int, shape: Shape, *, sqlite: bool, postgresql: bool) -> int:
    """Print the cost with each database; return 1 where a bound is not kept."""
    inspection = _inspection()
    print(f"\ninspection of a small plain message: {inspection * 1000:.1f} ms of CPU")
    kept = True
    if sqlite:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "holdgate.db")
            url = f"sqlite:///{path}"
            migrate(url)
            kept = _cost("SQLite", url, path.stat().st_size, lambda: path.stat().st_size, edges, shape, inspection)
    if postgresql:
        directory = tempfile.mkdtemp(prefix="holdgate-bench-")
        Path(directory).chmod(0o711)
        server = PostgresServer(Path(directory) / "server")
        try:
            server.start()
            url = server.new_database()
            migrate(url)
            engine = create_engine(url)

            def size() -> int:
                with engine.connect() as connection:
                    return int(connection.exec_driver_sql("SELECT pg_total_relation_size('relations')").scalar_one())

            kept &= _cost("PostgreSQL", url, size(), size, edges, shape, inspection)
            engine.dispose()
        finally:
            server.stop()
            shutil.rmtree(directory, ignore_errors=True)
    return 0 if kept else 1


def _inspection() -> float:
    """Return the processor time that a small plain message takes in a worker that stays, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        (small,) = letters.write(Path(folder), "small", "1", 1).iterdir()
        content = small.read_bytes()
    settings = PoolSettings(ROOT / "rules", Path("/nonexistent"), ("dlp-pii",), workers=1, reads_separately=True)
    with Pool(settings) as pool:
        for number in range(_INSPECTED + 10):
            if number == 10:  # the first ones warm up
                mine, theirs = time.process_time(), account.processor_seconds(*pool.zygotes)
            pool.inspect(content, is_plain=True)
        spent = time.process_time() - mine + account.processor_seconds(*pool.zygotes) - theirs
    return spent / _INSPECTED


def _insert(url: str, found: dict[int, Weight]) -> None:
    """Insert relations, in the order in which they come, faster than learning does."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            rows = ((key, one.weight, one.day) for key, one in found.items())
            connection.executemany("INSERT INTO relations (key, weight, day) VALUES (?, ?, ?)", rows)
        return
    with closing(direct(url)) as connection, connection.cursor().copy(_COPY) as copy:
        for key, one in found.items():
            copy.write_row((key, one.weight, one.day))


def _cost(
    name: str, url: str, before: int, size: Callable[[], int], edges: int, shape: Shape, inspection: float
) -> bool:
    """Print what a relation takes on disk, and what learning and comparing take in time, beside so many relations.

    Say whether the bounds are kept. `before` is the size of the empty table, in bytes.
    """
    for repeats in (False, True):  # then a tenth of them is seen again
        draw = random.Random(1)
        total = edges // 10 if repeats else edges
        for _ in range(0, total, _BATCH):
            many = min(_BATCH, total)
            keys = {draw.getrandbits(64) - 2**63: Weight(1.0 + draw.random(), _FIRST_DAY) for _ in range(many)}
            if repeats:
                with closing(open_store(url)) as store:
                    store.relations.add(keys, _HALF_LIFE)
            else:
                _insert(url, keys)
        with closing(open_store(url)) as store:
            count = store.relations.count()
        each = (size() - before) / count  # SQLite's journal is empty when the store is closed
        when = "after a tenth was seen again" if repeats else "new"
        print(f"{name}: {each:.0f} bytes for each of {count:,} relations, {when} (bound {MOST_BYTES})", flush=True)
    store = open_store(url)
    simulation, hasher = Simulation(7, shape), Hasher(b"7" * 32)
    teacher, evaluator = Teacher(hasher, store.relations, _HALF_LIFE, [OWN]), Evaluator(hasher, [OWN])
    weeks = [message for day in range(_FIRST_DAY, _FIRST_DAY + _DAYS) for message in simulation.mail(day)]
    begun, wall = time.process_time(), time.perf_counter()
    for at in range(0, len(weeks), 200):
        teacher.write(teacher.gather(weeks[at : at + 200]))
    used, wall = time.process_time() - begun, time.perf_counter() - wall
    rate = len(weeks) / wall
    spent = used / len(weeks) * 1e6
    print(f"{name}: learning: {rate:.0f} messages a second (bound {LEAST_LEARNED}), {spent:.0f} µs of CPU each")
    memory = Memory(store.relations, _HALF_LIFE)
    times = []
    for message in simulation.mail(_FIRST_DAY + _DAYS):
        begun = time.process_time()
        list(evaluator.risks(message, memory.view(message.day, 60)))
        times.append(time.process_time() - begun)
    times.sort()
    mean, median = statistics.mean(times), statistics.median(times)
    share = median / inspection
    print(
        f"{name}: comparing: {mean * 1e6:.0f} µs of CPU on average, {median * 1e6:.0f} µs in the median, "
        f"{times[len(times) * 99 // 100] * 1e6:.0f} µs at the 99th percentile; "
        f"the median is {share:.1%} of an inspection (bound {MOST_OF_INSPECTION:.0%}), "
        f"the average {mean / inspection:.1%}"
    )
    memory.close()
    store.close()
    return each <= MOST_BYTES and rate >= LEAST_LEARNED and share <= MOST_OF_INSPECTION
