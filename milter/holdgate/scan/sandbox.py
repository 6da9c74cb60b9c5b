"""What a worker process drops before it reads the first message, and what must be loaded before that.

A parser that a hostile document takes over runs in a process without files, network, programs, other processes or
secrets. It can only give a wrong answer about its own message. `docs/explanation/sandbox.md` describes each layer.
"""

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from holdgate.extract.preload import preload as extract_preload
from holdgate.scan import landlock

try:
    from holdgate.scan import seccomp

    SECCOMP_MISSING = ""
except (ImportError, RuntimeError) as error:  # pyseccomp raises RuntimeError if Debian's libseccomp2 is missing
    SECCOMP_MISSING = str(error)

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """The resource limits of one worker process.

    `address_space` is in bytes and counts mapped, not resident memory; beyond it allocations fail and C++ libraries
    abort.
    `cpu_seconds` applies to the worker's complete life, which can be many messages; the pool limits the time of one
    message.
    `open_files` is the highest descriptor that a worker can receive, plus one.
    """

    address_space: int = 1 << 30
    cpu_seconds: int = 1_800
    open_files: int = 16


@dataclass(frozen=True, slots=True)
class Protections:
    """Which layers confine a worker; `missing` names the missing ones and the remedy, for `holdgate check`."""

    landlock_abi: int
    landlock_network: bool
    seccomp: bool
    missing: tuple[str, ...]

    def __str__(self) -> str:
        active = ["resource limits", "no new privileges"]
        if self.landlock_abi:
            active.append(
                f"landlock ABI {self.landlock_abi} ({'files, network' if self.landlock_network else 'files'})"
            )
        if self.seccomp:
            active.append("seccomp")
        return "; missing: ".join((", ".join(active), *self.missing))


class SandboxError(Exception):
    """A layer that this kernel supports could not be applied (named in the argument). The worker must not read."""


def preload() -> None:
    """Load everything that reading a message needs, in the process that forks the workers: they cannot open files.

    `holdgate.detect.preload` loads what searching needs. Raises SandboxError.
    """
    extract_preload()
    with _layer("seccomp"):
        if not SECCOMP_MISSING:
            seccomp.prepared()


def available() -> Protections:
    """Return the layers that `confine` will apply here, without changing anything."""
    abi = landlock.abi()
    missing = []
    if not abi:
        missing.append(
            "kernel: lsm: landlock is not there, so seccomp alone keeps workers from files; boot Linux 5.13 or later "
            "with landlock in the list of its parameter lsm="
        )
    if SECCOMP_MISSING:
        missing.append(
            f"seccomp: {SECCOMP_MISSING}; without it nothing keeps workers from system calls; apt install libseccomp2"
        )
    return Protections(abi, abi >= 4, not SECCOMP_MISSING, tuple(missing))


def confine(limits: WorkerLimits) -> Protections:
    """Drop, permanently, what a newly forked single-threaded worker does not need. Call `preload` before the fork.

    Open descriptors stay usable: the worker communicates through an inherited one. Raises SandboxError if an available
    layer cannot be applied. Layers that this kernel lacks are listed in the result's `missing`.
    """
    protections = confine_template()
    confine_rest(limits, protections)
    return protections


def confine_rest(limits: WorkerLimits, protections: Protections) -> None:
    """Drop what a child of a process that called `confine_template` still has. Raises SandboxError.

    The layers of its parent already apply to it. It gets its own Landlock domain, which contains no sibling.
    """
    with _layer("landlock"):
        if protections.landlock_abi:
            landlock.restrict(protections.landlock_abi)
    # After Landlock, which briefly needs a descriptor; before seccomp, which forbids changing limits.
    with _layer("resource limits"):
        _limit_resources(limits)
    with _layer("seccomp"):
        if protections.seccomp:
            seccomp.restrict()


def confine_template() -> Protections:
    """Drop what the process that forks the workers does not need either: everything but the right to fork.

    For that right it keeps its system calls. Call it after `preload`. Raises SandboxError.
    """
    protections = available()
    with _layer("environment"):
        _forget_environment()
    with _layer("capabilities"):
        _drop_capabilities()
    with _layer("no new privileges"):
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _prctl(_PR_SET_DUMPABLE, 0)
    with _layer("landlock"):
        if protections.landlock_abi:
            landlock.restrict(protections.landlock_abi)
    return protections


@contextmanager
def _layer(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SandboxError(f"workers cannot be confined: {name}: {why}") from error


def _forget_environment() -> None:
    """Clear the environment and overwrite its memory: it may contain credentials of the service."""
    block = ctypes.POINTER(ctypes.c_void_p).in_dll(_libc, "environ")
    index = 0
    while block and (entry := block[index]):
        ctypes.memset(entry, 0, len(ctypes.string_at(entry)))
        index += 1
    os.environ.clear()
    _libc.clearenv()


def _limit_resources(limits: WorkerLimits) -> None:
    for kind, value in (
        (resource.RLIMIT_AS, limits.address_space),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lowered, lowered))


def _drop_capabilities() -> None:
    """Drop every capability (capset(2)). An ordinary user has none, so nothing changes."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if _libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        _raise("capset")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        _raise("prctl")


def _raise(call: str) -> None:
    code = ctypes.get_errno()
    raise OSError(code, f"{call}: {os.strerror(code)}")
