"""The order of the test files: those that wait most of the time run next to those that compute."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeVar

T = TypeVar("T")

# These take longest, so they come first: at the end nothing would run next to them. The last ones need the package that
# the first builds meanwhile.
_LONGEST = (
    "tests/systemd/test_mail_server.py",
    "tests/systemd/test_pythons.py",
    "tests/compiled/",
    "tests/faults/",
    "tests/e2e/test_split.py",
    "tests/e2e/test_several_servers.py",
    "tests/e2e/test_failures.py",
    "tests/systemd/",
)
# They wait for servers and processes.
_WAITING = ("tests/e2e/", "tests/protocol/", "tests/monitoring/")


def mixed(one: Sequence[T], other: Sequence[T]) -> list[T]:
    """Merge two sequences, each in its order, so that every stretch has as large a share of each as the whole."""
    places = chain(
        ((index * len(other), 0, item) for index, item in enumerate(one)),
        ((index * len(one), 1, item) for index, item in enumerate(other)),
    )
    return [item for _, _, item in sorted(places, key=lambda place: place[:2])]


def ordered(files: Iterable[str]) -> list[str]:
    """Return the test files, given by their paths in the checkout, in the order in which they start."""
    given = list(dict.fromkeys(files))
    longest = sorted((file for file in given if file.startswith(_LONGEST)), key=lambda file: _first(file, _LONGEST))
    waiting = [file for file in given if file.startswith(_WAITING)]
    computing = [file for file in given if not file.startswith(_LONGEST + _WAITING)]
    return longest + mixed(waiting, computing)


def _first(file: str, prefixes: Sequence[str]) -> int:
    return next(index for index, prefix in enumerate(prefixes) if file.startswith(prefix))
