"""Which numbers are possible: one small function per kind, named by the rules as ``module:function``.

``stdnum:de.idnr`` is python-stdnum's module of that name; ``us:npi`` is the function ``npi`` in ``validators/us.py``.
A validator gets the compact value (letters and digits only, upper case) and returns whether it can be a real one.
"""

import importlib
import re
from collections.abc import Callable

Validator = Callable[[str], bool]
_NAME = re.compile(r"(stdnum):([a-z_]+(?:\.[a-z_0-9]+)*)|([a-z_]+):([a-z_0-9]+)")


class ValidatorError(ValueError):
    """A rule names a validator that does not exist."""


def resolve(name: str) -> Validator:
    """Return the validator that a rule calls `name`. Imports its module, so call it while loading rules only."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise ValidatorError(f'validator "{name}" is not written as stdnum:MODULE or MODULE:FUNCTION')
    library, module, own, function = parts.groups()
    try:
        if library:
            return _forgiving(_named(importlib.import_module(f"stdnum.{module}"), "is_valid", name))
        return _named(importlib.import_module(f"{__name__}.{own}"), function, name)
    except ImportError:
        raise ValidatorError(f'validator "{name}" does not exist') from None


def _named(module: object, function: str, name: str) -> Validator:
    found = getattr(module, function, None)
    if not callable(found):
        raise ValidatorError(f'validator "{name}" does not exist')
    validator: Validator = found
    return validator


def _forgiving(validator: Validator) -> Validator:
    """Treat an error as a refusal: python-stdnum looks up parts of a number without checking that they exist."""

    def forgiving(value: str) -> bool:
        try:
            return bool(validator(value))
        except (LookupError, ValueError):
            return False

    return forgiving
