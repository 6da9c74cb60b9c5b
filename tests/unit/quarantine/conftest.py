from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.quarantine.store import Store, migrate, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/holdgate.db"
    migrate(url)
    opened = open_store(url)
    yield opened
    opened.close()
