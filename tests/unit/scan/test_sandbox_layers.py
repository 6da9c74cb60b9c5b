"""The order of the sandbox's layers and their system calls; this process is not confined."""

import ctypes
import errno
import os
import resource
from typing import Any

import pytest

from holdgate.scan import landlock, sandbox, seccomp
from holdgate.scan.sandbox import Protections, SandboxError, WorkerLimits

ALL = Protections(5, True, True, ())
NONE = Protections(0, False, False, ("x", "y"))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The recorded calls that would have changed this process, in order."""
    noted: list[Any] = []

    class Kernel:
        @staticmethod
        def capset(header: Any, sets: Any) -> int:
            noted.append(("capset", list(header), list(sets)))
            return 0

        @staticmethod
        def prctl(option: int, *arguments: Any) -> int:
            noted.append(("prctl", option, *(one.value for one in arguments)))
            return 0

    monkeypatch.setattr(sandbox, "_libc", Kernel)
    monkeypatch.setattr(sandbox, "_forget_environment", lambda: noted.append("environment"))
    monkeypatch.setattr(landlock, "restrict", lambda version: noted.append(("landlock", version)))
    monkeypatch.setattr(seccomp, "restrict", lambda: noted.append("seccomp"))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, value: noted.append(("limit", kind, value)))
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (0, resource.RLIM_INFINITY))
    monkeypatch.setattr(sandbox, "available", lambda: ALL)
    return noted


LIMITS = [
    ("limit", resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    ("limit", resource.RLIMIT_CPU, (1_800, 1_800)),
    ("limit", resource.RLIMIT_NOFILE, (16, 16)),
    ("limit", resource.RLIMIT_FSIZE, (0, 0)),
    ("limit", resource.RLIMIT_CORE, (0, 0)),
    ("limit", resource.RLIMIT_NPROC, (0, 0)),
]
TEMPLATE = [
    "environment",
    ("capset", [0x20080522, 0], [0] * 6),
    ("prctl", 38, 1, 0, 0, 0),
    ("prctl", 4, 0, 0, 0, 0),
    ("landlock", 5),
]


def test_the_template_drops_everything_except_the_right_to_fork(calls: list[Any]) -> None:
    assert sandbox.confine_template() is ALL
    assert calls == TEMPLATE


def test_a_worker_drops_the_remaining_rights(calls: list[Any]) -> None:
    sandbox.confine_rest(WorkerLimits(), ALL)
    assert calls == [("landlock", 5), *LIMITS, "seccomp"]


def test_confining_in_one_step_makes_the_same_calls(calls: list[Any]) -> None:
    assert sandbox.confine(WorkerLimits()) is ALL
    assert calls == [*TEMPLATE, ("landlock", 5), *LIMITS, "seccomp"]


def test_only_layers_that_the_kernel_lacks_are_skipped(calls: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "available", lambda: NONE)
    assert sandbox.confine(WorkerLimits()) is NONE
    assert calls == [*TEMPLATE[:-1], *LIMITS]


def test_a_limit_that_is_lower_already_stays(calls: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (0, 8 if kind == resource.RLIMIT_NOFILE else 10**12))
    sandbox.confine_rest(WorkerLimits(), ALL)
    assert ("limit", resource.RLIMIT_NOFILE, (8, 8)) in calls
    assert ("limit", resource.RLIMIT_CPU, (1_800, 1_800)) in calls


@pytest.mark.parametrize(
    ("owner", "name", "layer"),
    [
        (sandbox, "_forget_environment", "environment"),
        (landlock, "restrict", "landlock"),
        (resource, "setrlimit", "resource limits"),
        (seccomp, "restrict", "seccomp"),
    ],
)
@pytest.mark.parametrize(
    ("error", "reason"), [(OSError(errno.EPERM, "refused"), "refused"), (ValueError("odd"), "odd")], ids=["os", "value"]
)
def test_a_layer_that_cannot_be_applied_is_named(
    calls: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    layer: str,
    error: Exception,
    reason: str,
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(SandboxError, match=f"^workers cannot be confined: {layer}: {reason}$"):
        sandbox.confine(WorkerLimits())


@pytest.mark.parametrize(("call", "layer"), [("capset", "capabilities"), ("prctl", "no new privileges")])
def test_a_call_that_the_kernel_refuses_is_named(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, call: str, layer: str
) -> None:
    def refuse(*_: Any) -> int:
        ctypes.set_errno(errno.EPERM)
        return -1

    monkeypatch.setattr(sandbox._libc, call, refuse)
    with pytest.raises(
        SandboxError, match=f"^workers cannot be confined: {layer}: {call}: {os.strerror(errno.EPERM)}$"
    ):
        sandbox.confine_template()


@pytest.mark.parametrize("missing", ["", "no libseccomp"])
def test_parsers_and_the_filter_are_loaded_before_the_fork(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    done: list[str] = []
    monkeypatch.setattr(sandbox, "SECCOMP_MISSING", missing)
    monkeypatch.setattr(sandbox, "extract_preload", lambda: done.append("parsers"))
    monkeypatch.setattr(seccomp, "prepared", lambda: done.append("filter"))
    sandbox.preload()
    assert done == ["parsers"] + ([] if missing else ["filter"])


@pytest.mark.parametrize(
    ("abi", "missing", "network", "described"),
    [
        (6, "", True, "resource limits, no new privileges, landlock ABI 6 (files, network), seccomp"),
        (4, "", True, "resource limits, no new privileges, landlock ABI 4 (files, network), seccomp"),
        (3, "", False, "resource limits, no new privileges, landlock ABI 3 (files), seccomp"),
        (1, "", False, "resource limits, no new privileges, landlock ABI 1 (files), seccomp"),
    ],
)
def test_the_available_layers_are_described(
    monkeypatch: pytest.MonkeyPatch, abi: int, missing: str, network: bool, described: str
) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: abi)
    monkeypatch.setattr(sandbox, "SECCOMP_MISSING", missing)
    found = sandbox.available()
    assert (found.landlock_abi, found.landlock_network, found.seccomp, found.missing) == (abi, network, True, ())
    assert str(found) == described


def test_each_missing_layer_has_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(sandbox, "SECCOMP_MISSING", "no library")
    found = sandbox.available()
    assert found.seccomp is False
    first, second = found.missing
    assert "lsm=" in first
    assert "apt install libseccomp2" in second
    assert str(found) == f"resource limits, no new privileges; missing: {first}; missing: {second}"
