"""No validator of ours raises, whatever letters and digits it is given."""

import importlib
import pkgutil
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import validators

MODULES = [
    importlib.import_module(f"{validators.__name__}.{found.name}")
    for found in pkgutil.iter_modules(validators.__path__)
]
FUNCTIONS = [
    pytest.param(function, id=f"{module.__name__.rpartition('.')[2]}-{name}")
    for module in MODULES
    for name, function in vars(module).items()
    if isinstance(function, FunctionType)
    and function.__module__ == module.__name__
    and function.__annotations__ == {"value": str, "return": bool}
]
VALUES = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=24) | st.from_regex(
    "[0-9]{6,20}|[0-9A-Z]{6,20}", fullmatch=True
)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(value=VALUES)
def test_no_validator_raises(function: FunctionType, value: str) -> None:
    assert function(value) in (True, False)
