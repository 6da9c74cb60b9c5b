"""The filter of system calls, evaluated as by the kernel: the result for each call and its arguments."""

import ctypes
import errno
import fcntl
import os
import signal
import struct
import termios
from typing import Any

import pyseccomp
import pytest

from holdgate.scan import seccomp

ALLOWED, KILLED = 0x7FFF_0000, 0x8000_0000
ME = 4711


def refused(number: int) -> int:
    """The action that lets a call fail (SECCOMP_RET_ERRNO)."""
    return 0x0005_0000 | number


ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
ARCHITECTURE = ARCHITECTURES[os.uname().machine]


def run(program: bytes, number: int, arguments: tuple[int, ...] = (), architecture: int = ARCHITECTURE) -> int:
    """Run a program of classic BPF for a call, and return its action (seccomp(2), linux/bpf_common.h)."""
    padded = [value & 2**64 - 1 for value in (*arguments, 0, 0, 0, 0, 0, 0)][:6]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    instructions = list(struct.iter_unpack("=HBBI", program))
    register = place = 0
    while True:
        code, if_true, if_false, constant = instructions[place]
        place += 1
        match code:
            case 0x20:  # load a word
                (register,) = struct.unpack_from("=I", data, constant)
            case 0x54:
                register &= constant
            case 0x05:
                place += constant
            case 0x06:
                return int(constant)
            case 0x15 | 0x25 | 0x35 | 0x45:
                is_so = {
                    0x15: register == constant,
                    0x25: register > constant,
                    0x35: register >= constant,
                    0x45: bool(register & constant),
                }[code]
                place += if_true if is_so else if_false
            case _:
                raise AssertionError(f"instruction {code:#x}")


@pytest.fixture(scope="module")
def program() -> bytes:
    return struct.pack("=I", ME).join(seccomp.prepared.__wrapped__())


def number_of(call: str) -> int:
    number: int = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, call)
    if number < 0:
        pytest.skip(f"this architecture has no {call}")
    return number


WRITES = {
    "read only": (os.O_RDONLY, refused(errno.EACCES)),
    "of a descriptor": (os.O_RDONLY | os.O_CLOEXEC, refused(errno.EACCES)),
    "write": (os.O_WRONLY, KILLED),
    "both": (os.O_RDWR | os.O_CLOEXEC, KILLED),
    "create": (os.O_RDONLY | os.O_CREAT, KILLED),
    "empty": (os.O_RDONLY | os.O_TRUNC, KILLED),
    "write and create": (os.O_WRONLY | os.O_CREAT | os.O_TRUNC, KILLED),
}


@pytest.mark.parametrize(("flags", "action"), WRITES.values(), ids=WRITES)
def test_opening_for_reading_is_denied_and_for_writing_kills(program: bytes, flags: int, action: int) -> None:
    assert run(program, number_of("openat"), (0, 0, flags)) == action
    assert run(program, number_of("open"), (0, flags)) == action


PROTECTIONS = {
    "none": (0, ALLOWED),
    "read": (1, ALLOWED),
    "read and write": (3, ALLOWED),
    "execute": (4, refused(errno.EACCES)),
    "read and execute": (5, refused(errno.EACCES)),
    "all": (7, refused(errno.EACCES)),
}


@pytest.mark.parametrize(("protection", "action"), PROTECTIONS.values(), ids=PROTECTIONS)
@pytest.mark.parametrize("call", ["mmap", "mprotect"])
def test_mapping_executable_memory_is_denied(program: bytes, call: str, protection: int, action: int) -> None:
    assert run(program, number_of(call), (0, 4096, protection)) == action


CASES: dict[str, tuple[str, tuple[int, ...], int]] = {
    "a thread": ("clone", (0x1_0000 | 0x100,), refused(errno.EAGAIN)),
    "a process": ("clone", (0x100 | signal.SIGCHLD,), KILLED),
    "clone with its flags in memory": ("clone3", (), refused(errno.ENOSYS)),
    "the state of a descriptor": ("newfstatat", (3, 0, 0, 0x1000), ALLOWED),
    "the state of a descriptor, not of a link": ("newfstatat", (3, 0, 0, 0x1100), ALLOWED),
    "the state of a path": ("newfstatat", (3, 0, 0, 0x100), refused(errno.EACCES)),
    "statx of a descriptor": ("statx", (3, 0, 0x1000), ALLOWED),
    "statx of a path": ("statx", (3, 0, 0), refused(errno.EACCES)),
    "is it a terminal": ("ioctl", (1, termios.TCGETS), ALLOWED),
    "do not block": ("ioctl", (1, 0x5421), ALLOWED),
    "close on exec": ("ioctl", (1, 0x5451), ALLOWED),
    "how much is there to read": ("ioctl", (1, 0x541B), ALLOWED),
    "type into a terminal": ("ioctl", (1, 0x5412), refused(errno.ENOSYS)),
    "duplicate": ("fcntl", (1, fcntl.F_DUPFD), ALLOWED),
    "duplicate and close on exec": ("fcntl", (1, fcntl.F_DUPFD_CLOEXEC), ALLOWED),
    "flags of a descriptor": ("fcntl", (1, fcntl.F_GETFD), ALLOWED),
    "set flags of a descriptor": ("fcntl", (1, fcntl.F_SETFD), ALLOWED),
    "flags of a file": ("fcntl", (1, fcntl.F_GETFL), ALLOWED),
    "set flags of a file": ("fcntl", (1, fcntl.F_SETFL), ALLOWED),
    "own a descriptor's signals": ("fcntl", (1, fcntl.F_SETOWN), KILLED),
    "own them by thread": ("fcntl", (1, 15), KILLED),
    "choose a descriptor's signal": ("fcntl", (1, fcntl.F_SETSIG), KILLED),
    "a lease": ("fcntl", (1, fcntl.F_SETLEASE), refused(errno.ENOSYS)),
    "is it dumpable": ("prctl", (3,), ALLOWED),
    "its name": ("prctl", (15,), ALLOWED),
    "has it new privileges": ("prctl", (39,), ALLOWED),
    "name its memory": ("prctl", (0x53564D41,), ALLOWED),
    "be dumpable": ("prctl", (4, 1), refused(errno.ENOSYS)),
    "have no new privileges": ("prctl", (38,), refused(errno.ENOSYS)),
    "another filter": ("prctl", (22,), refused(errno.ENOSYS)),
    "read its limits": ("prlimit64", (0, 7, 0, 0x1000), ALLOWED),
    "change its limits": ("prlimit64", (0, 7, 0x1000, 0), refused(errno.ENOSYS)),
    "end itself": ("kill", (ME, 9), ALLOWED),
    "end its thread": ("tgkill", (ME, ME, 6), ALLOWED),
    "end another": ("kill", (ME + 1, 9), KILLED),
    "end its group": ("kill", (0, 9), KILLED),
    "end everything": ("kill", (-1, 9), KILLED),
    "end another's thread": ("tgkill", (ME - 1, ME, 6), KILLED),
    "a call of the future": ("", (), refused(errno.ENOSYS)),
    **{
        f"may {call}": (call, (1, 2, 3), ALLOWED) for call in ("read", "write", "futex", "brk", "exit_group", "sendmsg")
    },
    **{
        f"may not {call}": (call, (1, 2, 3), refused(errno.EACCES))
        for call in ("stat", "access", "readlink", "getcwd", "openat2", "getdents64", "sched_setaffinity")
    },
    **{
        f"never {call}": (call, (1, 2, 3), KILLED)
        for call in ("execve", "fork", "socket", "connect", "ptrace", "unlink", "setuid", "bpf", "memfd_create")
    },
}


@pytest.mark.parametrize(("call", "arguments", "action"), CASES.values(), ids=CASES)
def test_each_system_call_has_its_action(program: bytes, call: str, arguments: tuple[int, ...], action: int) -> None:
    assert run(program, number_of(call) if call else 0x2FFF, arguments) == action


def test_calls_of_another_architecture_kill(program: bytes) -> None:
    assert run(program, number_of("read"), (), 0x4000_0003) == KILLED


def test_the_filter_does_not_set_no_new_privileges_itself() -> None:
    """The template sets it (`sandbox.confine_template`); a filter that did would cost a system call in each worker."""
    filters: list[Any] = []

    class Filter(pyseccomp.SyscallFilter):  # type: ignore[misc]
        def set_attr(self, attribute: Any, value: int) -> None:
            filters.append((attribute, value))
            super().set_attr(attribute, value)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pyseccomp, "SyscallFilter", Filter)
        seccomp.prepared.__wrapped__()
    assert (pyseccomp.Attr.CTL_NNP, 0) in filters


# -- how it is applied ------------------------------------------------------------------------------------------------


def test_the_filter_is_applied_with_the_process_s_own_id(monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[bytes] = []

    class Kernel:
        @staticmethod
        def prctl(option: int, mode: Any, header: Any, *rest: Any) -> int:
            assert (option, mode.value, [one.value for one in rest]) == (22, 2, [0, 0])
            length = header._obj.length
            applied.append(ctypes.string_at(header._obj.instructions, length * 8))
            return 0

    monkeypatch.setattr(seccomp, "_libc", Kernel)
    seccomp.restrict()
    (program,) = applied
    assert len(program) % 8 == 0
    assert struct.pack("=I", seccomp._PID) not in program
    assert run(program, number_of("kill"), (os.getpid(), 9)) == ALLOWED
    assert run(program, number_of("tgkill"), (os.getpid() + 1, 1, 9)) == KILLED
    monkeypatch.setattr(os, "getpid", lambda: ME)
    seccomp.restrict()
    assert run(applied[1], number_of("kill"), (ME, 9)) == ALLOWED, "the next process gets its own"
    assert run(applied[1], number_of("kill"), (ME + 1, 9)) == KILLED
    assert len(applied[1]) == len(program)


def test_a_kernel_that_refuses_the_filter_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel:
        @staticmethod
        def prctl(*_: Any) -> int:
            ctypes.set_errno(errno.EINVAL)
            return -1

    monkeypatch.setattr(seccomp, "_libc", Kernel)
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)) as caught:
        seccomp.restrict()
    assert caught.value.errno == errno.EINVAL


def test_a_filter_without_the_process_s_id_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_PID_BYTES", b"none")
    with pytest.raises(OSError, match="does not name the process"):
        seccomp.prepared.__wrapped__()


def test_a_call_that_this_machine_does_not_know_needs_no_rule() -> None:
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    seccomp._add(rules, pyseccomp.KILL_PROCESS, "no_such_call")


def test_the_placeholder_is_not_a_possible_process_id() -> None:
    assert seccomp._PID > 2**22
