"""Detection: accuracy, false hits on real mail, obfuscations, speed, linearity, load; each against its threshold."""

import argparse
import hashlib
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import holdgate
from benchmarks import addresses, against, corpora, evasions, names, office
from benchmarks.calibration import unit
from holdgate.detect import Confidence, Detector, Match

RULES = Path(__file__).resolve().parents[1] / "rules"
LABELS = {
    "CREDIT_CARD": "payment-card",
    "IBAN_CODE": "iban",
    "US_SSN": "us-ssn",
    "PHONE_NUMBER": "phone-number",
    "EMAIL_ADDRESS": "email-address",
    "US_DRIVER_LICENSE": "us-drivers-license",
}
COMMON_IN_MAIL = {"phone-number", "email-address", "ip-address", "organisation"}
# What is right in messages of the ham corpus, by the first digits of the SHA-256 of their text: a person of Indian
# descent; a pregnancy, and a date of birth.
RIGHT = {"afd3460650744b79": {"ethnic-origin"}, "597b72d527ef8cdc": {"medical-term", "date-of-birth"}}
ROUNDS = 5
OFFICE_MAILS = 4_000


def threshold(name: str, value: float, bound: float, unit: str = "", at_most: bool = False) -> bool:
    """Print a measured value with its threshold."""
    kept = value <= bound if at_most else value >= bound
    sign = "≤" if at_most else "≥"
    print(f"  {name:44} {value:10.3f} {unit:5} limit {sign} {bound:g}  {'kept' if kept else 'MISSED'}")
    return kept


def accuracy(detector: Detector) -> bool:
    """Span match at IoU ≥ 0.5 and same type, confidence medium and up, over all labelled sentences."""
    folder = corpora.corpus("presidio-research")
    if folder is None:
        return True
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for path in sorted(folder.glob("*.json")):
        for sample in json.loads(path.read_text(encoding="utf-8")):
            gold = [
                (LABELS[span["entity_type"]], span["start_position"], span["end_position"])
                for span in sample["spans"]
                if span["entity_type"] in LABELS
            ]
            for match in detector.find(sample["full_text"]):
                if match.identifier not in LABELS.values() or match.confidence < Confidence.MEDIUM:
                    continue
                hit = next(
                    (span for span in gold if span[0] == match.identifier and _overlap(span, match) >= 0.5), None
                )
                if hit is None:
                    wrong[match.identifier] += 1
                else:
                    gold.remove(hit)
                    right[match.identifier] += 1
            missed.update(span[0] for span in gold)
    print("accuracy on presidio-research (both sets), confidence medium and up")
    kept = True
    for name in LABELS.values():
        kept &= threshold(
            f"F1 {name} ({right[name]} right, {wrong[name]} wrong, {missed[name]} missed)",
            _f1(right[name], wrong[name], missed[name]),
            0.90,
        )
    return threshold("F1 micro", _f1(right.total(), wrong.total(), missed.total()), 0.97) and kept


def _overlap(span: tuple[str, int, int], match: Match) -> float:
    common = min(span[2], match.end) - max(span[1], match.start)
    return common / (max(span[2], match.end) - min(span[1], match.start))


def _f1(right: int, wrong: int, missed: int) -> float:
    return 2 * right / max(2 * right + wrong + missed, 1)


def false_hits(detector: Detector) -> bool:
    """Count the matches in real mail, without those of `RIGHT`; a person has to read new ones."""
    folder = corpora.corpus("ham")
    if folder is None:
        return True
    texts = corpora.ham(folder)
    kinds: dict[str, int] = defaultdict(int)
    hit = severe = 0
    for text in texts:
        matches = detector.find(text)
        found = {match.identifier for match in matches if match.confidence >= Confidence.MEDIUM} - COMMON_IN_MAIL
        for name in found:
            kinds[name] += 1
        hit += bool(found - RIGHT.get(hashlib.sha256(text.encode()).hexdigest()[:16], set()))
        severe += detector.evaluate(matches).severity is not None
    print(f"real mail: {len(texts)} messages of ham, other than {', '.join(sorted(COMMON_IN_MAIL))}")
    for name, count in sorted(kinds.items(), key=lambda item: -item[1]):
        print(f"    {name}: {count} messages at medium and up")
    print(f"    profile {detector.profile} holds for {severe} messages")
    return threshold("messages with a hit not known as right, per 1000", 1000 * hit / len(texts), 0.7, at_most=True)


def false_office(detector: Detector) -> bool:
    """Count the matches in office mail that has no personal numbers, and the method of each."""
    kinds, methods = Counter[str](), Counter[str]()
    hit = 0
    for text in office.mails(OFFICE_MAILS, seed=5):
        found = [
            match
            for match in detector.find(text)
            if match.confidence >= Confidence.MEDIUM and match.identifier not in COMMON_IN_MAIL | office.NAMED
        ]
        hit += bool(found)
        kinds.update(match.identifier for match in found)
        methods.update(match.evidence.obfuscation for match in found if match.evidence.obfuscation)
    print(f"office mail without anybody's number: {OFFICE_MAILS} messages made from a seed")
    for name, count in [*kinds.most_common(), *methods.most_common()]:
        print(f"    {name}: {count}")
    return threshold("messages with a false hit, per 1000", 1000 * hit / OFFICE_MAILS, 1.0, at_most=True)


def deobfuscation(detector: Detector) -> bool:
    """Compare, for each method, the obfuscated values that it finds with its false hits in mail without any."""
    generator = random.Random(1)
    right, wrong = Counter[str](), Counter[str]()
    for obfuscation in evasions.OBFUSCATIONS.values():
        for kind, make in evasions.VALUES.items():
            for text in (evasions.sentence(kind, make(generator), obfuscation, generator) for _ in range(5)):
                right.update(_tricks(detector, text, kind))
    folder = corpora.corpus("ham")
    for text in office.mails(OFFICE_MAILS, seed=5) + (corpora.ham(folder) if folder is not None else []):
        wrong.update(_tricks(detector, text))
    print("methods: obfuscated values that each finds, and hits at medium and up that it makes up in mail without any")
    kept = True
    for method in sorted(right | wrong):
        good = right[method] > wrong[method]
        kept &= good
        print(f"    {method:24} {right[method]:6} right {wrong[method]:6} wrong{'' if good else '  MISSED'}")
    return kept


def _tricks(detector: Detector, text: str, kind: str = "") -> list[str]:
    """Return the methods of the hits at medium and up in a text, of one kind or of all."""
    return [
        match.evidence.obfuscation
        for match in detector.find(text)
        if match.evidence.obfuscation
        and match.confidence >= Confidence.MEDIUM
        and match.identifier == (kind or match.identifier)
    ]


def obfuscations(detector: Detector) -> bool:
    """Try every obfuscation on cards, SSNs and IBANs, each in a sentence with a keyword."""
    generator = random.Random(1)
    print(
        "obfuscations: 20 random values a kind, in a sentence with a keyword; found at medium and up, by card/SSN/IBAN"
    )
    shares: list[float] = []
    for name, obfuscation in evasions.OBFUSCATIONS.items():
        found = []
        for kind, make in evasions.VALUES.items():
            hits = sum(evasions.is_found(detector, kind, make(generator), obfuscation, generator) for _ in range(20))
            found.append(hits / 20)
        shares.extend(found)
        if min(found) < 1:
            print(f"    {name:32} " + " ".join(f"{share:5.0%}" for share in found))
    return threshold(f"mean over {len(evasions.OBFUSCATIONS)} obfuscations and 3 kinds", statistics.mean(shares), 0.90)


def naming(detector: Detector) -> bool:
    """Measure names of persons and organisations separately, against other people's labels, and their speed."""
    asking = detector.with_profile("dlp-names")
    print("names by themselves, any confidence")
    for corpus, counts in [
        ("presidio-research", names.accuracy(asking)),
        *names.others(asking),
        *names.in_letters(asking),
    ]:
        for kind in names.KINDS.values():
            print_f1(corpus, kind, counts)
    folder = corpora.corpus("ham")
    if folder is None:
        return True
    return threshold(
        "speed of names in whole mail, one core", names.rate(asking, detector, corpora.ham(folder)), 2, "MB/s"
    )


def print_f1(corpus: str, kind: str, counts: Counter[tuple[str, str]]) -> None:
    """Print how many of a kind are right, wrong and missed."""
    right, wrong, missed = (counts[kind, what] for what in ("right", "wrong", "missed"))
    score = _f1(right, wrong, missed)
    print(f"    {corpus:24} F1 {kind} {score:.3f} ({right} right, {wrong} wrong, {missed} missed)")


def fresh(detector: Detector) -> bool:
    """Measure names and addresses in letters that nobody chose anything by, and addresses by country."""
    asking = detector.with_profile("dlp-names")
    print("names and addresses in fresh letters, any confidence")
    countries = Counter[tuple[str, str]]()
    for corpus, counts, found in names.in_fresh(asking):
        for kind in (*names.KINDS.values(), names.ADDRESS):
            print_f1(corpus, kind, counts)
        countries += found
    for country in sorted({country for country, _ in countries}):
        right, missed = countries[country, "right"], countries[country, "missed"]
        print(f"    addresses in {country}: {right} of {right + missed}")
    return True


def postal(detector: Detector) -> bool:
    """Count addresses without a postcode, of any confidence, in sentences with town, without one, and without any."""
    print("postal addresses without a postcode, any confidence")
    for language, group, counts in addresses.without_postcode(detector):
        print(f"    {language} {group:8} {counts['right']} right, {counts['wrong']} wrong, {counts['missed']} missed")
    return True


def seconds_each(detector: Detector, texts: list[str]) -> list[float]:
    """Return for each text the CPU seconds that it took, the least of some rounds."""
    best = [float("inf")] * len(texts)
    for _ in range(ROUNDS):
        for number, text in enumerate(texts):
            began = time.process_time()
            detector.find(text)
            best[number] = min(best[number], time.process_time() - began)
    return best


def rate(detector: Detector, texts: list[str]) -> float:
    """Return KB of UTF-8 in a unit of work (see `benchmarks/calibration.py`)."""
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return size / sum(seconds_each(detector, texts)) / 1e3 * unit()


def figures(generator: random.Random, size: int) -> str:
    """Return a log-like text, full of numbers, dates, addresses and hexadecimal words."""
    lines: list[str] = []
    length = 0
    while length < size:
        line = (
            f"2026-{generator.randint(1, 12):02}-{generator.randint(1, 28):02} {generator.randint(0, 23):02}:"
            f"{generator.randint(0, 59):02}:{generator.randint(0, 59):02} node{generator.randint(1, 99)} job "
            f"{generator.randrange(10**9)} took {generator.random() * 100:.3f} s, {generator.randrange(10**12)} bytes "
            f"from 192.0.2.{generator.randrange(255)}:{generator.randrange(65536)} id "
            f"{generator.randrange(16**12):012x}"
        )
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)


def speed(detector: Detector) -> bool:
    """Measure one core, all identifiers loaded."""
    kept = True
    generator = random.Random(2)
    folder = corpora.corpus("ham")
    print(f"speed, all identifiers loaded; a unit is {1e3 * unit():.2f} ms here")
    if folder is not None:
        texts = corpora.ham(folder)
        kept &= threshold("ham, message by message", rate(detector, texts), 6, "KB")
        together = "\n".join(texts)
        starts = [generator.randrange(len(together) - 3000) for _ in range(1000)]
        times = sorted(best / unit() for best in seconds_each(detector, [together[at : at + 3000] for at in starts]))
        kept &= threshold("3 KB of ham, p50", times[500], 0.35, "units", at_most=True)
        kept &= threshold("3 KB of ham, p99", times[990], 1.0, "units", at_most=True)
    logs = [figures(generator, 20_000) for _ in range(50)]
    return threshold("digit-heavy: synthetic logs of 20 KB", rate(detector, logs), 4, "KB") and kept


_PROSE = "The quick brown fox wrote to the board on 12 May 2026 about 1,250 boxes. "
HOSTILE: dict[str, str] = {
    "digits": "0123456789",
    "digits with spaces": "1234 5678 ",
    "digits one by one": "4 1 ",
    "keywords": "card number ssn ",
    "keywords with digits": "card 4111 ",
    "at signs": "@",
    "at signs with letters": "a@b",
    "addresses": "a@b.example ",
    "opening tags": "<b>",
    "tags with attributes": "<a href=x>",
    "unclosed tags": "<a ",
    "combining characters": "a\u0301",
    "invisible characters": "1\u200b",
    "entities": "&#49;",
    "base64": "QUJDREVGR0hJSktM",
    "plus and parentheses": "+(0",
    "hyphens": "1-",
    "commas": "1,",
    "tabs": "a\t",
    "dots": "1.",
    "capitals": "Ab Cd ",
    "colons": "1:",
    "percent": "%41",
    "double quotes": '":"1',
}


def linearity(detector: Detector, megabytes: int) -> bool:
    """Measure hostile input: its cost per byte compared with ordinary mail, or that it was cut as limited."""
    folder = corpora.corpus("ham")
    ordinary = rate(detector, corpora.ham(folder) if folder is not None else [40 * _PROSE])
    print(f"hostile input, {megabytes} MB each: cost a byte against ordinary mail ({ordinary:.1f} KB a unit)")
    size = megabytes * 1_000_000
    base = 1_000 * megabytes / ordinary * unit()
    kept = True
    for name, piece in HOSTILE.items():
        text = piece * (size // len(piece.encode()))
        scan = detector.scan(text)
        ratio = _seconds(detector, text) / base
        limited = f", limited: {scan.limited}" if scan.limited else ""
        good = ratio <= 2 or bool(scan.limited)
        kept &= good
        print(f"    {name:24} {ratio:6.2f} times{limited}{'' if good else '  MISSED'}")
    return kept


def _seconds(detector: Detector, text: str) -> float:
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        detector.find(text)
        best = min(best, time.process_time() - started)
    return best


def load() -> bool:
    """Measure a new interpreter that loads all rules, and its imports separately."""
    program = (
        "import sys, time; from pathlib import Path; began = time.process_time();"
        "from holdgate.detect import Detector; imported = time.process_time();"
        "Detector.from_rules(Path(sys.argv[1])); loaded = time.process_time();"
        "status = Path('/proc/self/status').read_text();"
        "print(imported - began, loaded - imported, status.partition('VmHWM:')[2].split()[0])"
    )
    path = {"PYTHONPATH": str(Path(holdgate.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", program, RULES], env=path, capture_output=True, text=True, check=True)
    imports, rules, kilobytes = map(float, run.stdout.split())
    print("load, fresh interpreter")
    kept = threshold("import and load all rules", (imports + rules) / unit(), 1_000, "units", at_most=True)
    print(f"    of that, imports {imports:.2f} s")
    return threshold("resident memory", kilobytes / 1024, 150, "MB", at_most=True) and kept


def main(arguments: list[str]) -> int:
    """Run the measurements named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="script/bench detect", description=__doc__)
    known = (
        "accuracy",
        "ham",
        "office",
        "names",
        "fresh",
        "addresses",
        "obfuscations",
        "deobfuscation",
        "speed",
        "linearity",
        "load",
    )
    parser.add_argument("what", nargs="*", help=", ".join(known))
    parser.add_argument("--profile", default="dlp-pii")
    parser.add_argument("--megabytes", type=int, default=10, help="size of each hostile input")
    parser.add_argument("--against", metavar="REV", help="measure speed against a revision's build, and nothing else")
    chosen = parser.parse_args(arguments)
    if chosen.against:
        return 0 if against.measure("detect", chosen.against) else 1
    if set(chosen.what) - set(known):
        parser.error(f"there is only {', '.join(known)}")
    detector = Detector.from_rules(RULES, chosen.profile)
    steps: dict[str, Callable[[], bool]] = {
        "accuracy": lambda: accuracy(detector),
        "ham": lambda: false_hits(detector),
        "office": lambda: false_office(detector),
        "names": lambda: naming(detector),
        "fresh": lambda: fresh(detector),
        "addresses": lambda: postal(detector),
        "deobfuscation": lambda: deobfuscation(detector),
        "obfuscations": lambda: obfuscations(detector),
        "speed": lambda: speed(detector),
        "linearity": lambda: linearity(detector, chosen.megabytes),
        "load": load,
    }
    kept = [steps[name]() for name in known if name in (chosen.what or known)]
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return 0 if all(kept) else 1
