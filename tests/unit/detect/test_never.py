"""A site's values that never count: hashed, as ranges, in the source of a Postfix table."""

import shutil
from pathlib import Path

import pytest

from holdgate.detect import Detector, RuleError, never

RULES = Path(__file__).resolve().parents[3] / "rules"
KEY = "42" * 32
IBAN = "GB82 WEST 1234 5698 7654 32"
OTHER = "DE89 3704 0044 0532 0130 00"


PROFILE = """id = "few"
description = "test"

[[rules]]
name = "all"
any = [{ identifiers = "*", confidence = "low" }]
severity = { low = 1 }
"""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the shipped identifiers: all of them take longer to load than a test takes."""
    directory = tmp_path_factory.mktemp("rules")
    for folder, names in {"identifiers": ("iban", "phone-number"), "keywords": ("iban", "phone")}.items():
        (directory / folder).mkdir()
        for name in names:
            shutil.copy(RULES / folder / f"{name}.toml", directory / folder)
    (directory / "profiles").mkdir()
    (directory / "profiles/few.toml").write_text(PROFILE, encoding="utf-8")
    return directory


def site(rules: Path, directory: Path, text: str, key: str | None = KEY) -> Detector:
    (directory / never.FILE).write_text(text, encoding="utf-8")
    if key is not None:
        (directory / never.KEY_FILE).write_text(key, encoding="ascii")
    return Detector.from_rules(rules, "few", directory)


def found(detector: Detector, text: str) -> list[str]:
    return [match.identifier for match in detector.find(text)]


def test_a_hashed_value_never_counts(few: Path, tmp_path: Path) -> None:
    hashed = never.hash_value(bytes.fromhex(KEY), "gb82west12345698765432")
    detector = site(few, tmp_path, f'[[never]]\nidentifiers = ["iban"]\nhashed = ["{hashed}"]\n')
    assert found(detector, f"IBAN {IBAN}, IBAN {OTHER}") == ["iban"]
    assert "WEST" not in (tmp_path / never.FILE).read_text(encoding="utf-8")


def test_an_excluded_value_counts_for_other_identifiers(few: Path, tmp_path: Path) -> None:
    hashed = never.hash_value(bytes.fromhex(KEY), IBAN)
    detector = site(few, tmp_path, f'[[never]]\nidentifiers = ["phone-*"]\nhashed = ["{hashed}"]\n')
    assert found(detector, f"IBAN {IBAN}") == ["iban"]


def test_another_key_gives_another_hash() -> None:
    assert never.hash_value(b"a" * 32, IBAN) != never.hash_value(b"b" * 32, IBAN)


def test_a_range_never_counts(few: Path, tmp_path: Path) -> None:
    text = '[[never]]\nidentifiers = ["phone-number"]\nranges = ["+44 20 7946 0900 .. +44 20 7946 0958"]\n'
    detector = site(few, tmp_path, text, key=None)
    assert found(detector, "Tel. +44 20 7946 0958") == []
    assert found(detector, "Tel. +44 20 7946 0959") == ["phone-number"]
    assert found(detector, "Tel. +44 20 7946 0899") == ["phone-number"]


def test_values_of_a_table_source_never_count(few: Path, tmp_path: Path) -> None:
    (tmp_path / "ours").write_text("# our accounts\nGB82WEST12345698765432 footer\n  continued\n\n", encoding="utf-8")
    detector = site(few, tmp_path, '[[never]]\nidentifiers = ["*"]\ntable = "ours"\n')
    assert found(detector, f"IBAN {IBAN}, IBAN {OTHER}") == ["iban"]


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('[[never]]\nidentifiers = ["iban"]\nhashed = ["GB82"]\n', KEY, "64 hexadecimal"),
        ('[[never]]\nidentifiers = ["iban"]\nranges = ["9 .. 1"]\n', KEY, "FIRST .. LAST"),
        ('[[never]]\nidentifiers = ["iban"]\nranges = ["1 .. 100"]\n', KEY, "FIRST .. LAST"),
        ("[[never]]\nidentifiers = []\n", KEY, "must not be empty"),
        ('[[never]]\nidentifiers = ["iban"]\ntable = "missing"\n', KEY, "No such file"),
        (f'[[never]]\nidentifiers = ["iban"]\nhashed = ["{"0" * 64}"]\n', None, "holdgate rules never"),
        (f'[[never]]\nidentifiers = ["iban"]\nhashed = ["{"0" * 64}"]\n', "4242", "32 bytes"),
        (f'[[never]]\nidentifiers = ["iban"]\nhashed = ["{"0" * 64}"]\n', "no key", "not hexadecimal"),
    ],
)
def test_an_error_in_the_file_is_named(few: Path, tmp_path: Path, text: str, key: str | None, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        site(few, tmp_path, text, key)
