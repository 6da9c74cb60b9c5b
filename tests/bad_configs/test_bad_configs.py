"""Every conflict, typing error and missing file in the configuration is reported in one clear line.

Each folder next to this file is a configuration with one thing wrong: `policies.toml` or `holdgate.toml` as an
administrator might leave it, and `expected-error`, the line that tells of it (paths are written as FILE).
"""

from pathlib import Path

import pytest

from holdgate.configfile import ConfigError, load_settings
from holdgate.policy.model import load_policies

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/expected-error"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_each_error_is_named(case: Path) -> None:
    policies, settings = case / "policies.toml", case / "holdgate.toml"
    load, path = (load_policies, policies) if policies.exists() else (load_settings, settings)
    with pytest.raises(ConfigError) as caught:
        load(path)
    output = [problem.replace(str(case) + "/", "") for problem in caught.value.problems]
    assert output == (case / "expected-error").read_text(encoding="utf-8").splitlines()


def test_the_directory_has_enough_cases() -> None:
    assert len(CASES) > 20
