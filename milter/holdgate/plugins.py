"""Loads a site's modules by name, and what they declare: readers, actions, channels.

Only modules named in a setting are loaded; other files in the directory have no effect.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


class PluginError(Exception):
    """A module cannot be used; the message names the setting and the module, and says why."""


def load(setting: str, names: Iterable[str], directory: str | Path, attribute: str) -> Iterator[tuple[str, list[Any]]]:
    """Import modules and yield each with the list that it declares as `attribute`. Raises PluginError.

    `setting` is the setting that names them. `directory` is the last place where Python looks for the modules.
    """
    if str(directory) not in sys.path:
        sys.path.append(str(directory))
    for name in names:
        try:
            declared = list(getattr(importlib.import_module(name), attribute))
        except Exception as error:  # a site's module may raise any exception
            raise PluginError(f"{setting}: {name} cannot be used: {type(error).__name__}: {error}") from error
        yield name, declared
