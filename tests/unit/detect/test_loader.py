"""Rule files: layers, and every error is reported with file, line, key and reason."""

from pathlib import Path

import pytest

from holdgate.detect import Detector, RuleError
from holdgate.detect.loader import load

GOOD = """id = "staff-number"
description = "Our staff number"
region = "global"
source = ["handbook"]

[keywords]
en = ["staff number"]

[[shapes]]
name = "S and six digits"
form = ["LDDDDDD"]
pattern = 'S\\d{6}'
without_evidence = "low"
with_evidence = "high"

[samples]
high = ["staff number S123456", "S123456 is my staff number"]
low = ["S123456"]
none = ["T123456", "S12345", "S1234567"]
"""
PROFILE = """id = "mine"
description = "test"

[[rules]]
name = "staff"
any = [{ identifiers = "staff-number", confidence = "low" }]
severity = { low = 1, high = 3 }
"""


def write(folder: Path, identifier: str = GOOD, profile: str = PROFILE, name: str = "staff-number") -> Path:
    for kind in ("identifiers", "profiles"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / "identifiers" / f"{name}.toml").write_text(identifier)
    (folder / "profiles" / "mine.toml").write_text(profile)
    return folder


def test_valid_rules_are_loaded_and_find_values(tmp_path: Path) -> None:
    detector = Detector.from_rules(write(tmp_path), "mine")
    matches = detector.find("staff number S123456, and S654321")
    assert [(match.identifier, match.start, match.end, str(match.confidence)) for match in matches] == [
        ("staff-number", 13, 20, "high"),
        ("staff-number", 26, 33, "high"),
    ]
    assert detector.evaluate(matches).severity == "low"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "staff-number"', 'id = "Staff"', ":1: id: not kebab-case"),
        ('region = "global"', 'region = "world"', ':3: region: neither "global"'),
        ('form = ["LDDDDDD"]', 'form = ["SDDDDDD"]', ':11: shapes.0.form: form "SDDDDDD": column 1'),
        ("'S\\d{6}'", "'(?=S)'", ":12: shapes.0.pattern: not an RE2 pattern"),
        ('without_evidence = "low"', 'without_evidence = "some"', ":13: shapes.0.without_evidence"),
        (
            'without_evidence = "low"',
            'without_evidence = "low"\nvalidator = "us:nothing"',
            ':14: shapes.0.validator: validator "us:nothing"',
        ),
        ('without_evidence = "low"', 'without_evidence = "low"\nfinder = "nobody"', "exactly one of form"),
        ('with_evidence = "high"', 'with_evidence = "none"', "with_evidence is lower than without_evidence"),
        (
            'without_evidence = "low"\nwith_evidence = "high"',
            'without_evidence = "none"\nwith_evidence = "none"',
            "without_evidence and with_evidence are both none",
        ),
        ('without_evidence = "low"', 'without_evidence = "low"\nalon = "low"', ":14: shapes.0.alon"),
        ('en = ["staff number"]', 'en = ["--"]', ':6: keywords: keyword "--"'),
        ('none = ["T123456", "S12345", "S1234567"]', 'none = ["x"]', ":16: samples: at least three near misses"),
        ("[samples]", "[samples", ":16: not valid TOML: Expected"),
        (
            'source = ["handbook"]',
            'source = ["handbook"]\nkeyword_lists = ["no-list"]',
            ":5: keyword_lists: there is no keyword list",
        ),
        (
            'form = ["LDDDDDD"]',
            'search = "x"\nfield_lists = ["no-list"]\nnear_identifiers = ["staff-number"]',
            ":12: shapes.0.field_lists: there is no keyword list",
        ),
    ],
)
def test_an_invalid_identifier_file_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(RuleError) as refused:
        load(tmp_path)
    assert f"staff-number.toml{message}" in str(refused.value) or message in str(refused.value)
    assert refused.value.path.name == "staff-number.toml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("staff-number", "staff-numbre", 'mine.toml:6: rules.0.any: there is no identifier "staff-numbre"'),
        ("low = 1, high = 3", "low = 3, high = 1", "mine.toml:7: rules.0.severity: counts must rise"),
        ('description = "test"', 'description = "test"\nextends = ["mine"]', "mine.toml:3: extends: extends itself"),
        (
            'description = "test"',
            'description = "test"\ndrop = ["other"]',
            "mine.toml:3: drop: there is no inherited rule",
        ),
        ('name = "staff"', 'name = "staff"\nnear = 10', "near needs two terms"),
    ],
)
def test_an_invalid_profile_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    write(tmp_path, profile=PROFILE.replace(old, new, 1))
    with pytest.raises(RuleError, match=r"mine\.toml") as refused:
        load(tmp_path)
    assert message in str(refused.value)


def test_a_rule_file_must_be_named_after_its_id(tmp_path: Path) -> None:
    write(tmp_path, name="other")
    with pytest.raises(RuleError, match=r"other\.toml:1: id: the file must be called staff-number\.toml"):
        load(tmp_path)


def test_a_local_file_replaces_the_shipped_one(tmp_path: Path) -> None:
    ours = write(tmp_path / "ours")
    local = write(tmp_path / "local", GOOD.replace("S\\d{6}", "T\\d{6}").replace("S123456", "T123456"))
    loaded = load(ours, local)
    assert loaded.is_local("identifiers", "staff-number")
    assert Detector.from_rules(ours, "mine", local).find("staff number T123456")
    assert not Detector.from_rules(ours, "mine", local).find("staff number S123456")


def test_a_local_search_pattern_is_applied_to_the_complete_text(tmp_path: Path) -> None:
    rule = GOOD.replace('form = ["LDDDDDD"]\npattern = ', "search = ")
    found = Detector.from_rules(write(tmp_path), "mine", write(tmp_path / "local", rule)).find(
        "é staff number xS123456x"
    )
    assert [(match.start, match.end) for match in found] == [(16, 23)]


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match='no profile "other"'):
        Detector.from_rules(write(tmp_path), "other")


def test_a_word_list_can_have_weights(tmp_path: Path) -> None:
    local = tmp_path / "local"
    (local / "lists").mkdir(parents=True)
    (local / "lists" / "projects.csv").write_text('# ours\nProject Nightjar,5\n"Heron, the grey"\n')
    profile = PROFILE.replace("staff-number", "list-projects").replace("high = 3", "high = 6")
    detector = Detector.from_rules(write(tmp_path / "ours"), "mine", write(local, profile=profile))
    assert detector.evaluate(detector.find("project NIGHTJAR, Project Nightjar")).hits[0].count == 5
    assert detector.evaluate(detector.find("Project Nightjar and Heron the grey")).severity == "high"
    assert detector.evaluate(detector.find("the nightjar")).severity is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,c\n", ":1: more than two columns"),
        ("word\n,3\n", ":2: no letters"),
        ("word,0\n", ":1: the weight"),
        ("# none\n", ":1: no words"),
        ("one\nOne\n", ":2: the word appears twice"),
        ('"open\n', ":1: not CSV"),
    ],
)
def test_an_invalid_word_list_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mine.csv").write_text(content)
    with pytest.raises(RuleError) as refused:
        load(write(tmp_path / "ours"), tmp_path)
    assert f"mine.csv{message}" in str(refused.value)
