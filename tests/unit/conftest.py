"""Rules for the tests of single packages."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.support import postfix_commands


@pytest.fixture(autouse=True, scope="module")
def _known_postfix_commands() -> Iterator[None]:
    """Have Postfix's commands answer at once about files that were written just now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "run", postfix_commands.run)
        yield
