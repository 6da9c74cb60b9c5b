"""`holdgate rules`: lists what can be found, shows a rule, hashes values that never count, tests rules on a text."""

import argparse
import os
import pwd
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from holdgate.cli.output import print_error, print_result, progress, wants_json
from holdgate.config import RulesSettings, Settings
from holdgate.detect import Confidence, Detector, RuleError, never
from holdgate.detect.identifiers import Identifier
from holdgate.detect.loader import Loaded, load
from holdgate.detect.reference import markdown
from holdgate.mistakes import did_you_mean
from holdgate.phrases import counted

_GOOD, _WRONG, _TROUBLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options and subcommands of `holdgate rules` to its parser."""
    parser.add_argument("--rules", type=Path, help="shipped rules (default: those of this version)")
    parser.add_argument(
        "--local",
        type=Path,
        default=RulesSettings().local_directory,
        help="your own rules (default: %(default)s)",
    )
    parser.set_defaults(run=run)
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    listing = steps.add_parser("list", help="list identifiers and profiles")
    listing.add_argument("--markdown", action="store_true", help="write the reference page of all identifiers")
    showing = steps.add_parser("show", help="show one identifier or profile, and the file it comes from")
    showing.add_argument("name", help="id of an identifier or profile")
    hiding = steps.add_parser(
        "never",
        help="print hashes of values that never count, for never-count.toml",
        description="Reads values from standard input, one per line, and prints a table for never-count.toml in your "
        "own rules. Creates never-count.key there if it does not exist. Run it as root: only root and the "
        "scan workers can "
        "then read the key.",
    )
    hiding.add_argument("identifier", help='id of an identifier, with * for several ("phone-number", "*-bank-account")')
    testing = steps.add_parser(
        "test",
        help="run the samples of all rules, or test the rules on a text",
        description="Exit code 0: all samples pass, or the profile does not match; 1: a sample fails, or the profile "
        "matches; 2: a rule file has an error.",
    )
    testing.add_argument("--profile", default="dlp-pii", help="profile to evaluate (default: %(default)s)")
    testing.add_argument(
        "file", nargs="?", help='a text file, or "-" for standard input; without it, the samples are run'
    )


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `rules` to the subcommands of `holdgate`."""
    add_arguments(commands.add_parser("rules", help="list, show and test what detection looks for"))


def run(arguments: argparse.Namespace) -> int:
    """Run the command line; return the exit code."""
    shipped = arguments.rules or RulesSettings().shipped()
    local = arguments.local if arguments.local.is_dir() else None
    try:
        if arguments.step == "test":
            detector = Detector.from_rules(shipped, arguments.profile, local)
            return _try_text(detector, arguments) if arguments.file else _run_samples(detector, arguments)
        if arguments.step == "never":
            return _hash_values(arguments)
        loaded = load(shipped, local)
    except RuleError as error:
        print_error(arguments, str(error))
        return _TROUBLE
    if arguments.step == "show":
        return _show(loaded, arguments)
    if arguments.markdown:
        print(markdown(loaded), end="")
    else:
        _list(loaded, arguments)
    return _GOOD


def _hash_values(arguments: argparse.Namespace) -> int:
    """Print the hashes of the values on standard input as a table of never-count.toml."""
    directory, identifier = arguments.local, arguments.identifier
    path = directory / never.KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        key = never.read_key(directory)
    except OSError as error:
        print_error(arguments, f"{path}: {error.strerror}; correct --local, or run the command as root")
        return _TROUBLE
    except RuleError as error:
        print_error(arguments, str(error))
        return _TROUBLE
    hashes = [never.hash_value(key, line) for line in sys.stdin if any(map(str.isalnum, line))]
    lines = "".join(f'    "{hashed}",\n' for hashed in hashes)
    text = f'[[never]]\nidentifiers = ["{identifier}"]\nhashed = [\n{lines}]'
    print_result(arguments, text, identifiers=[identifier], hashed=hashes)
    return _GOOD


def _make_key(path: Path) -> None:
    """Create a key file, atomically, that the scan workers can read."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent, prefix=f".{path.name}.") as file:
        os.fchown(file.fileno(), -1, _readers_of(path.parent))
        os.fchmod(file.fileno(), 0o640)
        file.write(secrets.token_hex(never.LEAST_KEY) + "\n")
        file.flush()
        os.fsync(file.fileno())
        os.link(file.name, path)


def _readers_of(directory: Path) -> int:
    """Return the group of the scan workers' user, or that of the directory if it is unknown or not root's to give."""
    if os.geteuid() == 0:
        with suppress(KeyError):
            return pwd.getpwnam(Settings().account("scan")).pw_gid
    return directory.stat().st_gid


def _list(loaded: Loaded, arguments: argparse.Namespace) -> None:
    identifiers = {name: identifier.description for name, identifier in loaded.identifiers.items()}
    profiles = {name: profile.description for name, profile in loaded.profiles.items()}
    if wants_json(arguments):
        print_result(arguments, "", identifiers=identifiers, profiles=profiles)
        return
    for folder, descriptions in (("identifiers", identifiers), ("profiles", profiles)):
        print(f"{folder}:")
        for name, description in sorted(descriptions.items()):
            own = "  (yours)" if loaded.is_local(folder, name) else ""
            print(f"  {name:28} {description}{own}")


def _show(loaded: Loaded, arguments: argparse.Namespace) -> int:
    name = arguments.name
    found = [folder for folder in ("identifiers", "profiles") if (folder, name) in loaded.files]
    if not found:
        meant = did_you_mean(name, [known for _folder, known in loaded.files])
        print_error(arguments, f'there is no identifier or profile "{name}"; see: holdgate rules list{meant}')
        return _TROUBLE
    for folder in found:
        path = loaded.files[folder, name]
        text = path.read_text(encoding="utf-8")
        print_result(arguments, f"# {path}\n{text}".rstrip("\n"), name=name, kind=folder, file=path, text=text)
    return _GOOD


def _run_samples(detector: Detector, arguments: argparse.Namespace) -> int:
    """Run the samples of every identifier. A failing one is reported by its place in the file, not printed."""
    failed: list[str] = []
    count = 0
    identifiers = detector.loaded.identifiers.values()
    for identifier in progress(identifiers, "identifiers tried", len(identifiers)):
        for level in ("high", "medium", "low", "none"):
            for number, sample in enumerate(getattr(identifier.samples, level), 1):
                count += 1
                reached = reached_by(detector, identifier, sample)
                if reached != level:
                    path = detector.loaded.files["identifiers", identifier.id]
                    failed.append(f"{path}: samples.{level}, number {number}: reaches {reached}")
    print_result(
        arguments,
        "\n".join([*failed, f"{counted(count, 'sample')}, {len(failed)} failed"]),
        samples=count,
        failed=failed,
    )
    return _WRONG if failed else _GOOD


def reached_by(detector: Detector, identifier: Identifier, sample: str) -> Confidence | str:
    """Return the best confidence that an identifier reaches in a sample, or "none"."""
    matches = detector.find(sample.replace("«", "").replace("»", ""))
    return max((match.confidence for match in matches if match.identifier == identifier.id), default="none")


def _try_text(detector: Detector, arguments: argparse.Namespace) -> int:
    name = arguments.file
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        print_error(arguments, f"{name}: cannot be read: {error.strerror}; correct the path")
        return _TROUBLE
    explained = [str(explanation) for explanation in detector.explain(text)]
    evaluation = detector.evaluate(detector.find(text))
    hits = [f"{evaluation.profile}: {hit.rule}: {hit.severity}, {hit.count} unique" for hit in evaluation.hits]
    if wants_json(arguments):
        rows = [{"rule": hit.rule, "severity": hit.severity, "unique": hit.count} for hit in evaluation.hits]
        print_result(arguments, "", profile=evaluation.profile, hits=rows, matches=explained)
    else:
        print("".join(f"{line}\n" for line in (*explained, *hits)), end="")
    return _WRONG if evaluation else _GOOD
