"""Each denial is tried for real in a forked child; each test states how the attempt must end."""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from holdgate.scan import landlock, sandbox, seccomp
from holdgate.scan.sandbox import WorkerLimits
from tests.support.confined import Outcome, limits_of_a_worker, run_confined

_libc = ctypes.CDLL(None, use_errno=True)


def errno_of(function: Callable[[], object]) -> Callable[[], int]:
    def call() -> int:
        try:
            function()
        except OSError as error:
            return error.errno or 0
        return 0

    return call


def test_computing_and_communicating_still_work() -> None:
    def work() -> tuple[int, bytes]:
        left.send(b"ping")
        return sum(range(1_000)), right.recv(4)

    left, right = socket.socketpair()
    with left, right:
        assert run_confined(work) == Outcome(result=(499_500, b"ping"))


def test_an_inherited_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(b"From: a")
    with path.open("rb") as file:
        outcome = run_confined(lambda: (file.read(), os.fstat(file.fileno()).st_size))
    assert outcome == Outcome(result=(b"From: a", 7))


def test_open_descriptors_stay_usable_and_no_more_can_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(b"x")
    limits = limits_of_a_worker()

    # The collector or a thread of an earlier test may have closed a descriptor below the limit, so one may still come.
    def duplicate_all() -> None:
        for _ in range(limits.open_files):
            os.dup(files[-1].fileno())

    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for _ in range(20)]
        duplicates = errno_of(duplicate_all)
        assert run_confined(lambda: (files[-1].read(), duplicates()), limits) == Outcome(result=(b"x", errno.EMFILE))


def test_opening_a_file_for_reading_is_denied(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("secret")
    assert run_confined(errno_of(path.read_text)) == Outcome(result=errno.EACCES)
    assert run_confined(errno_of(lambda: list(tmp_path.iterdir()))) == Outcome(result=errno.EACCES)
    assert run_confined(errno_of(path.stat)) == Outcome(result=errno.EACCES)


@pytest.mark.parametrize("mode", ["w", "a", "r+", "x"])
def test_opening_a_file_for_writing_kills_the_process(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("new" if mode == "x" else "old")
    if mode != "x":
        path.write_text("as it was")
    assert run_confined(lambda: path.open(mode)) == Outcome(killed_by=signal.SIGSYS)
    assert mode == "x" or path.read_text() == "as it was"


def test_an_inherited_file_cannot_grow(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        assert run_confined(errno_of(lambda: file.write(b"x"))) == Outcome(result=errno.EFBIG)


# x86-64 and arm64 (asm/unistd.h).
_TGKILL = 234 if os.uname().machine == "x86_64" else 131
_F_SETOWN_EX = 15

_ATTACKS: dict[str, Callable[[], object]] = {
    "tcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "connect": lambda: socket.create_connection(("192.0.2.1", 25), timeout=1),
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "fork": os.fork,
    # Processes of the same user: its siblings, the zygote, and the service's main process.
    "kill": lambda: os.kill(os.getppid(), 0),
    "kill the group": lambda: os.kill(0, 0),
    "kill everything": lambda: os.kill(-1, 0),
    "tgkill": lambda: _libc.syscall(ctypes.c_long(_TGKILL), os.getppid(), os.getppid(), 0),
    "queue a signal": lambda: _libc.sigqueue(os.getppid(), 0, None),
    "own a descriptor's signals": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid()),
    "own them by thread": lambda: fcntl.fcntl(0, _F_SETOWN_EX, struct.pack("ii", 1, os.getppid())),
    "choose a descriptor's signal": lambda: fcntl.fcntl(0, fcntl.F_SETSIG, signal.SIGKILL),
    "pidfd": lambda: os.pidfd_open(os.getppid()),
    "read memory": lambda: _libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0),
    "write memory": lambda: _libc.process_vm_writev(os.getppid(), None, 0, None, 0, 0),
    "unlink": lambda: Path("/nonexistent/file").unlink(),
    "setuid": lambda: os.setuid(0),
    "ptrace": lambda: _libc.ptrace(0, 0, None, None),
    "unshare": lambda: _libc.unshare(0x10000000),
}


@pytest.mark.parametrize("attack", _ATTACKS)
def test_a_forbidden_system_call_kills_the_process(attack: str) -> None:
    assert run_confined(_ATTACKS[attack]) == Outcome(killed_by=signal.SIGSYS)


def test_a_descriptor_can_still_be_queried_and_duplicated() -> None:
    def work() -> tuple[bool, bool]:
        double = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
        fcntl.fcntl(double, fcntl.F_SETFL, fcntl.fcntl(double, fcntl.F_GETFL) | os.O_NONBLOCK)
        return double > 2, os.get_inheritable(double)

    assert run_confined(work) == Outcome(result=(True, False))


def test_limits_cannot_be_raised_again() -> None:
    attempt = errno_of(lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 1)))
    assert run_confined(attempt) == Outcome(result=errno.ENOSYS)


def test_memory_over_the_limit_is_refused_and_less_is_not() -> None:
    assert run_confined(lambda: len(bytearray(1 << 30))).raised == "MemoryError()"
    assert run_confined(lambda: len(bytearray(200 << 20))) == Outcome(result=200 << 20)


@pytest.mark.slow(seconds=1)
def test_processor_time_over_the_limit_kills_the_process() -> None:
    def spin() -> None:
        while True:
            pass

    assert run_confined(spin, WorkerLimits(cpu_seconds=1)).killed_by in (signal.SIGXCPU, signal.SIGKILL)


def test_memory_cannot_become_executable() -> None:
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    executable = mmap.PROT_READ | mmap.PROT_EXEC
    assert run_confined(errno_of(lambda: mmap.mmap(-1, 4_096, flags, executable))) == Outcome(result=errno.EACCES)
    assert run_confined(lambda: len(mmap.mmap(-1, 4_096, flags, mmap.PROT_READ))) == Outcome(result=4_096)


def test_starting_a_thread_is_refused_without_killing_the_process() -> None:
    assert "can't start new thread" in run_confined(lambda: threading.Thread(target=int).start()).raised


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDGATE_TEST_SECRET", "hidden")
    getenv = _libc.getenv
    getenv.restype = ctypes.c_char_p
    assert run_confined(lambda: (dict(os.environ), getenv(b"HOLDGATE_TEST_SECRET"))) == Outcome(result=({}, None))


def test_the_memory_of_the_environment_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDGATE_TEST_SECRET", "hidden")
    getenv = _libc.getenv
    getenv.restype = ctypes.c_void_p
    address = getenv(b"HOLDGATE_TEST_SECRET")
    assert ctypes.string_at(address, 6) == b"hidden"
    assert run_confined(lambda: ctypes.string_at(address, 6)).result != b"hidden"


def test_no_core_file_and_no_privilege_remain() -> None:
    def state() -> tuple[object, ...]:
        header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        _libc.capget(header, sets)
        dumpable, no_new_privileges = _libc.prctl(3, 0, 0, 0, 0), _libc.prctl(39, 0, 0, 0, 0)
        core = resource.getrlimit(resource.RLIMIT_CORE)
        return core, resource.getrlimit(resource.RLIMIT_NPROC), dumpable, no_new_privileges, any(sets)

    assert run_confined(state) == Outcome(result=((0, 0), (0, 0), 0, 1, False))


def test_landlock_without_seccomp_denies_files_and_tcp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not landlock.abi():
        pytest.skip("this kernel has no landlock")
    monkeypatch.setattr(sandbox, "SECCOMP_MISSING", "not for this test")
    path = tmp_path / "file"
    path.write_text("x")
    assert run_confined(errno_of(path.read_text)) == Outcome(result=errno.EACCES)
    assert run_confined(errno_of(lambda: (tmp_path / "new").write_text("x"))) == Outcome(result=errno.EACCES)
    if landlock.abi() >= 4:
        connect = errno_of(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1))
        assert run_confined(connect) == Outcome(result=errno.EACCES)


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6])
def test_landlock_of_older_kernels_denies_files(version: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if landlock.abi() < version:
        pytest.skip(f"this kernel has no landlock ABI {version}")
    monkeypatch.setattr(sandbox, "SECCOMP_MISSING", "not for this test")
    monkeypatch.setattr(landlock, "abi", lambda: version)
    path = tmp_path / "file"
    path.write_text("x")
    assert run_confined(errno_of(path.read_text)) == Outcome(result=errno.EACCES)


def test_seccomp_without_landlock_denies_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    path = tmp_path / "file"
    path.write_text("x")
    assert run_confined(errno_of(path.read_text)) == Outcome(result=errno.EACCES)
    assert run_confined(lambda: path.write_text("y")) == Outcome(killed_by=signal.SIGSYS)


def test_missing_layers_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(sandbox, "SECCOMP_MISSING", "no libseccomp")
    protections = sandbox.available()
    assert (protections.landlock_abi, protections.landlock_network, protections.seccomp) == (0, False, False)
    assert "landlock" in str(protections)
    assert "no libseccomp" in str(protections)


def test_debian_12_has_landlock_for_files_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 2)
    assert str(sandbox.available()).startswith("resource limits, no new privileges, landlock ABI 2 (files)")


def test_a_layer_that_cannot_be_applied_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.EPERM, "refused")

    monkeypatch.setattr(seccomp, "restrict", refuse)
    assert "SandboxError" in run_confined(lambda: "read on regardless").raised


def test_a_child_of_a_confined_template_is_confined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The template may fork; its child may not, and neither has a file, a variable or a privilege."""
    monkeypatch.setenv("HOLDGATE_TEST_SECRET", "hidden")
    path = tmp_path / "file"
    path.write_text("x")
    attempt = errno_of(path.read_text)

    def template() -> tuple[object, ...]:
        protections = sandbox.confine_template()
        own = attempt() if protections.landlock_abi else errno.EACCES
        child = os.fork()
        if child == 0:
            sandbox.confine_rest(WorkerLimits(), protections)
            is_held = attempt() == errno.EACCES and not os.environ and _libc.prctl(39, 0, 0, 0, 0) == 1
            if is_held:
                os.fork()  # ends it
            os._exit(1)
        _, status = os.waitpid(child, 0)
        return own, dict(os.environ), os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS

    assert run_confined(template, confined=False) == Outcome(result=(errno.EACCES, {}, True))
