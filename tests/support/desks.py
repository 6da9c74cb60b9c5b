"""Shared by the tests of a desk: reading the shipped templates takes longer than composing a mail with them."""

from datetime import tzinfo
from functools import cache
from pathlib import Path

from holdgate.desk.context import Desk
from holdgate.desk.templates import Templates


@cache
def _shipped(zone: tzinfo) -> Templates:
    return Templates(Path("/nonexistent"), zone)


def templates_of(desk: Desk) -> Templates:
    """Return the templates of a desk: the shared ones, or separate ones if the site has its own files."""
    directory = desk.settings.desk.templates
    return Templates(directory, desk.zone) if directory.exists() else _shipped(desk.zone)
