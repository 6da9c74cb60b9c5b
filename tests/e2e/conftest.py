"""A real site for each module: Postfix, the daemons and the next hop, below a separate directory."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from testbed.next_hop import NextHop
from testbed.postfix import PostfixError, require
from testbed.site import Site
from tests.e2e.browser import browser as browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = f"{Path(__file__).parent}/"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.postfix)


@contextmanager
def running_site(kind: type[Site] = Site, **options: Any) -> Iterator[Site]:
    try:
        require()
    except PostfixError as error:
        pytest.fail(f"{error}: run script/test as root, it installs what is missing")
    # Not pytest's own directory: Postfix's processes are not root and could not enter it.
    directory = Path(tempfile.mkdtemp(prefix="holdgate-site-"))
    site = kind(directory, **options)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NextHop]:
    """The encryption gateway that `encrypt` routes to."""
    next_hop = NextHop(tmp_path_factory.mktemp("gateway"))
    next_hop.start()
    yield next_hop
    next_hop.stop()


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """One site for all tests of a module, with its `SITE` options; tests distinguish their mail by recipient."""
    with running_site(**getattr(request.module, "SITE", {})) as running:
        yield running


@pytest.fixture
def new_site() -> Iterator[Callable[..., Site]]:
    """Start a site for one test, which may break it."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(running_site(**options))


@pytest.fixture
def open_files() -> Callable[[int], list[str]]:
    """Return the files that a process has open."""

    def names(pid: int) -> list[str]:
        return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]

    return names
