"""Reads a directory of rules, with an administrator's overrides: identifiers, keyword lists, profiles."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from holdgate.detect import finders, never, tomlfile, wordlists
from holdgate.detect.identifiers import Identifier, KeywordList
from holdgate.detect.never import Never
from holdgate.detect.profiles import Profile, Rule
from holdgate.detect.tomlfile import RuleError
from holdgate.detect.wordset import WordSet

Kind = TypeVar("Kind", Identifier, KeywordList, Profile)


@dataclass(frozen=True, slots=True)
class Loaded:
    """All rules by id, and the file of each. `weights` are those of words in an administrator's lists."""

    identifiers: dict[str, Identifier]
    keyword_lists: dict[str, KeywordList]
    profiles: dict[str, Profile]
    dictionaries: dict[str, WordSet]
    files: dict[tuple[str, str], Path]
    weights: dict[str, dict[str, int]]
    local_dir: Path | None = None
    never: Never = field(default_factory=Never)

    def is_local(self, folder: str, name: str) -> bool:
        """Whether a rule is the administrator's."""
        return self.local_dir is not None and self.files[folder, name].is_relative_to(self.local_dir)


def load(rules_dir: Path, local_dir: Path | None = None) -> Loaded:
    """Return the rules under `rules_dir`; a file of the same name under `local_dir` replaces the shipped one.

    Raises RuleError with file, line, key and reason for the first file with an error.
    """
    files: dict[tuple[str, str], Path] = {}
    loaded = Loaded(
        _read_all(rules_dir, local_dir, "identifiers", Identifier, files),
        _read_all(rules_dir, local_dir, "keywords", KeywordList, files),
        _read_all(rules_dir, local_dir, "profiles", Profile, files),
        _read_dictionaries(rules_dir, local_dir),
        files,
        {},
        local_dir,
        never.read(local_dir),
    )
    if local_dir is not None:
        for word_list in wordlists.read_all(local_dir):
            name = word_list.identifier.id
            if name in loaded.identifiers:
                raise RuleError(word_list.path, 1, f'there is an identifier "{name}" already')
            loaded.identifiers[name] = word_list.identifier
            loaded.dictionaries[name] = WordSet(word_list.weights)
            loaded.weights[name] = word_list.weights
            files["identifiers", name] = word_list.path
    if not loaded.identifiers:
        raise RuleError(rules_dir / "identifiers", 1, "no identifiers here; correct the path of the rules")
    for identifier in loaded.identifiers.values():
        _check_identifier(identifier, loaded)
    for profile in loaded.profiles.values():
        rules_of(profile.id, loaded)
    return loaded


def _read_all(
    rules_dir: Path, local_dir: Path | None, folder: str, model: type[Kind], files: dict[tuple[str, str], Path]
) -> dict[str, Kind]:
    paths = {path.stem: path for path in (rules_dir / folder).glob("*.toml")}
    if local_dir is not None:
        paths |= {path.stem: path for path in (local_dir / folder).glob("*.toml")}
    found: dict[str, Kind] = {}
    for stem, path in sorted(paths.items()):
        rule = tomlfile.read(path, model)
        if rule.id != stem:
            line = tomlfile.line_of(path.read_text(encoding="utf-8"), ("id",))
            raise RuleError(path, line, f"the file must be called {rule.id}.toml", "id")
        found[rule.id] = rule
        files[folder, rule.id] = path
    return found


def _read_dictionaries(rules_dir: Path, local_dir: Path | None) -> dict[str, WordSet]:
    """Return the words of each dictionary in lower case; lines that begin with # are comments."""
    paths = {path.stem: path for path in (rules_dir / "dictionaries").glob("*.txt")}
    if local_dir is not None:
        paths |= {path.stem: path for path in (local_dir / "dictionaries").glob("*.txt")}
    found: dict[str, WordSet] = {}
    for name, path in sorted(paths.items()):
        try:
            lines = path.read_text(encoding="utf-8").lower().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RuleError(path, 1, tomlfile.unreadable(error)) from None
        found[name] = WordSet(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    return found


def _refuse(loaded: Loaded, folder: str, name: str, key: tuple[str | int, ...], reason: str) -> RuleError:
    path = loaded.files[folder, name]
    line = tomlfile.line_of(path.read_text(encoding="utf-8"), key)
    return RuleError(path, line, reason, ".".join(map(str, key)))


def _check_identifier(identifier: Identifier, loaded: Loaded) -> None:
    """Refuse references of an identifier to names that do not exist."""
    for key in ("keyword_lists", "label_lists"):
        for name in getattr(identifier, key):
            if name not in loaded.keyword_lists:
                raise _refuse(loaded, "identifiers", identifier.id, (key,), f'there is no keyword list "{name}"')
    for name in identifier.evidence_identifiers:
        if name not in loaded.identifiers:
            raise _refuse(
                loaded, "identifiers", identifier.id, ("evidence_identifiers",), f'there is no identifier "{name}"'
            )
    for index, shape in enumerate(identifier.shapes):
        if shape.finder is not None and shape.finder not in finders.FINDERS:
            place = ("shapes", index, "finder")
            raise _refuse(loaded, "identifiers", identifier.id, place, f'there is no finder "{shape.finder}"')
        if shape.dictionary is not None and shape.dictionary not in loaded.dictionaries:
            place = ("shapes", index, "dictionary")
            raise _refuse(loaded, "identifiers", identifier.id, place, f'there is no dictionary "{shape.dictionary}"')
        for name in shape.field_lists:
            if name not in loaded.keyword_lists:
                place = ("shapes", index, "field_lists")
                raise _refuse(loaded, "identifiers", identifier.id, place, f'there is no keyword list "{name}"')
        for name in shape.near_identifiers:
            if name not in loaded.identifiers:
                place = ("shapes", index, "near_identifiers")
                raise _refuse(loaded, "identifiers", identifier.id, place, f'there is no identifier "{name}"')


def rules_of(profile_id: str, loaded: Loaded, seen: tuple[str, ...] = ()) -> list[Rule]:
    """Return the rules of a profile and of those it extends; its own rule overrides an inherited one of that name."""
    profile = loaded.profiles[profile_id]
    rules: dict[str, Rule] = {}
    for parent in profile.extends:
        if parent not in loaded.profiles:
            raise _refuse(loaded, "profiles", profile_id, ("extends",), f'there is no profile "{parent}"')
        if parent == profile_id or parent in seen:
            raise _refuse(loaded, "profiles", profile_id, ("extends",), f'extends itself through "{parent}"')
        rules |= {rule.name: rule for rule in rules_of(parent, loaded, (*seen, profile_id))}
    for name in profile.drop:
        if rules.pop(name, None) is None:
            raise _refuse(loaded, "profiles", profile_id, ("drop",), f'there is no inherited rule "{name}"')
    for index, rule in enumerate(profile.rules):
        rules[rule.name] = rule
        for part in ("all", "any", "none"):
            for term in getattr(rule, part):
                for name in (*term.identifiers, *term.without):
                    if name in loaded.identifiers or any(fnmatchcase(known, name) for known in loaded.identifiers):
                        continue
                    raise _refuse(
                        loaded, "profiles", profile_id, ("rules", index, part), f'there is no identifier "{name}"'
                    )
    return list(rules.values())
