"""What a worker process gives up before it reads the first message, and what it must have loaded until then.

A parser that is taken over by a hostile document finds itself in a process without files, network, programs, other
processes or secrets; all that is left to it is to give a wrong answer about the message it came with.
`docs/explanation/sandbox.md` says what each layer denies.
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
except (ImportError, RuntimeError) as error:  # pyseccomp raises RuntimeError where Debian's libseccomp2 is missing
    SECCOMP_MISSING = str(error)

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one worker process may use.

    `address_space` is in bytes and counts what is mapped, not what is resident; beyond it allocations fail and C++
    libraries abort. `cpu_seconds` holds for the worker's whole life, many messages; the time of one message is
    bounded by the pool. `open_files` is the highest descriptor a worker can receive, plus one.
    """

    address_space: int = 1 << 30
    cpu_seconds: int = 1_800
    open_files: int = 16


@dataclass(frozen=True, slots=True)
class Protections:
    """Which layers hold a worker; `missing` says in plain words which do not, and the remedy, for `holdgate check`."""

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
    """A layer that this kernel has could not be put on, the argument says which; the worker must not read anything."""


def preload() -> None:
    """Load all that reading a message needs, in the process that workers are forked from: later no file opens.

    What searching needs is loaded by `holdgate.detect.preload`. Raises SandboxError.
    """
    extract_preload()
    with _layer("seccomp"):
        if not SECCOMP_MISSING:
            seccomp.prepared()


def available() -> Protections:
    """Return what `confine` will put on here, without changing anything."""
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
    """Give up, for good, what a freshly forked single-threaded worker does not need. Call `preload` before the fork.

    Open descriptors stay usable: the worker talks through one it inherited. Raises SandboxError when a layer that is
    available cannot be put on; a layer that this kernel lacks is named in the result's `missing`.
    """
    protections = confine_template()
    confine_rest(limits, protections)
    return protections


def confine_rest(limits: WorkerLimits, protections: Protections) -> None:
    """Give up what a child of a process that called `confine_template` still has. Raises SandboxError.

    It is under the layers of its parent already; it gets a domain of landlock's of its own, in which are no siblings.
    """
    with _layer("landlock"):
        if protections.landlock_abi:
            landlock.restrict(protections.landlock_abi)
    # After landlock, which needs a descriptor for a moment; before seccomp, which lets no limit be changed.
    with _layer("resource limits"):
        _limit_resources(limits)
    with _layer("seccomp"):
        if protections.seccomp:
            seccomp.restrict()


def confine_template() -> Protections:
    """Give up what the process that workers are forked from does not need either: all but the right to fork.

    With that it keeps its system calls. Call it after `preload`. Raises SandboxError.
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
    """Empty the environment and overwrite the memory it came in: it may hold credentials of the service."""
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
    """Drop every capability; an ordinary user has none and nothing changes (capset(2))."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if _libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        _raise("capset")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        _raise("prctl")


def _raise(call: str) -> None:
    code = ctypes.get_errno()
    raise OSError(code, f"{call}: {os.strerror(code)}")
