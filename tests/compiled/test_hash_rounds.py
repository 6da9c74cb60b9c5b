"""The rounds of a password's hash in C give what hashlib and msoffcrypto give."""

import hashlib
import importlib.util
import struct
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msoffcrypto.method import ecma376_agile
from msoffcrypto.method.ecma376_agile import ECMA376Agile

from holdgate.extract.readers.office import decryption

SOURCE = Path(decryption.__file__).with_name("hash_rounds.c")
pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The module, compiled from the checkout's source."""
    library = tmp_path_factory.mktemp("rounds") / f"hash_rounds{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["cc", *options, f"-I{include}", SOURCE, "-o", library], check=True)
    spec = importlib.util.spec_from_file_location("hash_rounds", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def by_library() -> Iterator[object]:
    """msoffcrypto's own function, which is in its place again afterwards."""
    own = ECMA376Agile.__dict__["_derive_iterated_hash_from_password"]
    yield own.__func__
    ECMA376Agile._derive_iterated_hash_from_password = own


def _simply(name: str, value: bytes, count: int) -> bytes:
    for number in range(count):
        value = hashlib.new(name, struct.pack("<I", number) + value).digest()
    return value


@given(data=st.data(), name=st.sampled_from(["sha1", "sha512"]), count=st.integers(0, 600))
def test_a_repeated_hash_equals_that_of_hashlib(rounds: ModuleType, data: st.DataObject, name: str, count: int) -> None:
    size = hashlib.new(name).digest_size
    value = data.draw(st.binary(min_size=size, max_size=size))
    assert rounds.repeated(value, count) == _simply(name, value, count)


@pytest.mark.parametrize("name", ["sha1", "sha512"])
def test_numbers_of_more_than_two_bytes_are_counted(rounds: ModuleType, name: str) -> None:
    value = hashlib.new(name).digest()
    assert rounds.repeated(value, 70_000) == _simply(name, value, 70_000)


@pytest.mark.parametrize("size", [0, 19, 21, 32, 48, 63, 65])
def test_a_hash_of_another_function_is_refused(rounds: ModuleType, size: int) -> None:
    with pytest.raises(ValueError, match="not a hash"):
        rounds.repeated(b"x" * size, 1)


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA384", "SHA512", "unknown"])
def test_msoffcrypto_derives_the_same_key_with_the_compiled_function(
    rounds: ModuleType, by_library: object, algorithm: str
) -> None:
    """SHA-256 and SHA-384, which Office does not write, are left to the library."""
    assert callable(by_library)
    expected = by_library("VelvetSweatshop", b"salt" * 4, algorithm, 300).digest()
    decryption._install(rounds, ecma376_agile)
    found = ECMA376Agile._derive_iterated_hash_from_password("VelvetSweatshop", b"salt" * 4, algorithm, 300)
    assert found.digest() == expected
    assert isinstance(found, decryption._Hash) == (algorithm in ("SHA1", "SHA512", "unknown"))
