from collections.abc import Iterator

import pytest

from holdgate.quarantine.store import Store, migrate, open_store


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    migrate(url)
    opened = open_store(url)
    yield opened
    opened.close()
