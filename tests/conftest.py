"""Both databases that the store is for: each test that asks for a URL runs once on SQLite, once on PostgreSQL."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from testbed.postgres import PostgresError, PostgresServer

NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    except PostgresError as error:
        pytest.fail(f"{error}: run script/test as root, it installs what is missing")
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"], scope="session")
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Return a function that gives the URL of a new, empty database."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database
    directory: Path = tmp_path_factory.mktemp("sqlite")
    numbers = count(1)
    return lambda: f"sqlite:///{directory}/store{next(numbers)}.db"


@pytest.fixture
def url(new_url: NewUrl) -> str:
    """The URL of a new, empty database."""
    return new_url()
