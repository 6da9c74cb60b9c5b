"""Rules for all tests, on a machine that may have other load, and the databases that the store supports."""

import gc
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from holdgate.detect import Detector
from holdgate.quarantine.store import migrate
from testbed.postgres import PostgresError, PostgresServer
from tests.support import once, parallel, results
from tests.support.order import ordered
from tests.support.rules import shipped

NewUrl = Callable[[], str]

# The processes that tests start run this checkout's code, whichever copy is installed.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "milter")
# Where Debian has postconf(1) and postmap(1). Any user may ask them, but the path of an ordinary user lacks it.
os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"

# The time of an example depends on how busy the machine is; speed is measured by script/bench.
settings.register_profile("holdgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("holdgate"), max_examples=15)  # the rest: script/test
settings.load_profile("holdgate")

# No module that is loaded now becomes garbage.
gc.disable()
once.share_statements()
once.share_structure()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the number of processes among which the tests are divided."""
    parser.addoption("--processes", type=int, default=0, help="fork so many processes when the tests are collected")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files into the order in which pytest-xdist gives them to its processes."""
    places = {file: place for place, file in enumerate(ordered(item.nodeid.split("::")[0] for item in items))}
    items.sort(key=lambda item: places[item.nodeid.split("::")[0]])


def pytest_collection_finish() -> None:
    """All modules are loaded now."""
    once.settle_heap()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in several processes if that was asked for."""
    count: int = session.config.getoption("processes")
    if not count or session.testsfailed or session.config.getoption("collectonly"):
        return None
    needed = {name for item in session.items if isinstance(item, pytest.Function) for name in item.fixturenames}
    if "detector" in needed:
        _detector()
    if "empty_store" in needed:
        _empty_store(session.config._tmp_path_factory)  # type: ignore[attr-defined]
    parallel.run(session, count)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """In a process of pytest-xdist, report each test once. --durations needs all reports."""
    if not hasattr(item.config, "workerinput") or item.config.getoption("durations"):
        return None
    results.run_and_report(item, nextitem)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """Nothing stays open when a test is over."""
    yield
    once.close_stores()


@cache
def _detector() -> Detector:
    return Detector(shipped(), "dlp-pii")


# The empty store, when it is made.
_empty_stores: list[Path] = []


def _empty_store(directories: pytest.TempPathFactory) -> Path:
    if not _empty_stores:
        _empty_stores.append(directories.mktemp("store") / "empty.db")
        migrate(f"sqlite:///{_empty_stores[0]}")
    return _empty_stores[0]


@pytest.fixture(scope="session")
def detector() -> Detector:
    """The shipped rules, compiled once, before processes are forked. No test changes it; `with_profile` copies it."""
    return _detector()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL server."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    except PostgresError as error:
        pytest.fail(f"{error}: run script/test as root, it installs what is missing")
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], scope="session")
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Return a function that gives the URL of a new, empty database. Tests with it run on SQLite and on PostgreSQL."""
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


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of SQLite's with nothing in it, made once, before processes are forked: each test copies it."""
    return _empty_store(tmp_path_factory)


@pytest.fixture(scope="session")
def new_store_url(request: pytest.FixtureRequest, new_url: NewUrl) -> NewUrl:
    """Return a function that gives the URL of a new store, as `migrate` leaves it: made once, then copied."""
    template = new_url()
    if template.startswith("postgresql"):
        migrate(template)
        server: PostgresServer = request.getfixturevalue("postgres")
        server.close_database(template)
        return lambda: server.new_database(template=str(make_url(template).database))
    empty: Path = request.getfixturevalue("empty_store")

    def copy() -> str:
        url = new_url()
        shutil.copy(empty, url.removeprefix("sqlite:///"))
        return url

    return copy


@pytest.fixture
def store_url(new_store_url: NewUrl) -> str:
    """The URL of a new store."""
    return new_store_url()
