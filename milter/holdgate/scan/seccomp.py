"""The system calls that a worker may make: memory, time and its existing descriptors, but nothing that opens or starts.

A call from the list of attacks kills the process. A harmless attempt, such as a library's search for a font or a late
import, gets EACCES, which libraries handle. Every other call, including those of future kernels, gets ENOSYS, so that a
newer C library falls back instead of aborting.
"""

import ctypes
import errno
import fcntl
import functools
import os
import struct
import termios

import pyseccomp
from pyseccomp import ALLOW, ERRNO, KILL_PROCESS, MASKED_EQ, Arg

_CLONE_THREAD = 0x10000
_AT_EMPTY_PATH = 0x1000
_PROT_EXEC = 4
_F_SETOWN_EX = 15
_FIONBIO, _FIOCLEX, _FIONREAD = 0x5421, 0x5451, 0x541B
# fcntl(2) without the commands that make the kernel signal other processes (F_SETOWN, F_SETSIG, leases, notifications).
_FCNTL = (
    fcntl.F_DUPFD,
    fcntl.F_DUPFD_CLOEXEC,
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_SETFL,
)
_PR_GET_DUMPABLE, _PR_SET_NAME, _PR_GET_NO_NEW_PRIVS, _PR_SET_VMA = 3, 15, 39, 0x53564D41

# Placeholder in the filter for the id of the process that it will apply to: larger than any process id (2**22,
# proc(5)), and different from every other value in the filter.
_PID = 0x5EEC_0AAA
_PID_BYTES = struct.pack("=I", _PID)
# struct sock_filter has 8 bytes.
_INSTRUCTION = 8
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """struct sock_fprog (linux/filter.h)."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


# fmt: off
ALLOWED = (
    # existing descriptors
    "read", "readv", "pread64", "preadv", "write", "writev", "close", "close_range", "lseek", "_llseek", "fstat",
    "dup", "dup2", "dup3", "poll", "ppoll", "select", "pselect6", "shutdown",
    "recvfrom", "recvmsg", "sendto", "sendmsg", "getsockopt", "getsockname", "getpeername", "fadvise64",
    # memory
    "brk", "munmap", "mremap", "madvise", "mincore", "membarrier",
    # time and locks
    "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "setitimer", "getitimer",
    "alarm", "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "sched_yield",
    # signals and exit
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
    "restart_syscall", "exit", "exit_group",
    # information about itself
    "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getpgrp", "getpgid", "getrandom",
    "getrusage", "getrlimit", "times", "sysinfo", "uname", "getcpu", "sched_getaffinity",
    "capget",
)
_REFUSED = (
    "openat2", "stat", "lstat", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "statfs", "fstatfs",
    "getcwd", "chdir", "getdents", "getdents64", "getxattr", "lgetxattr", "sched_setaffinity",
)
_KILLED = (
    # start a program or a process
    "execve", "execveat", "fork", "vfork",
    # reach the network or other local services
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4",
    # access other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "process_madvise",
    # change files
    "creat", "truncate", "ftruncate", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat",
    "rmdir", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "chown",
    "fchown", "lchown", "fchownat", "utimensat", "setxattr", "memfd_create",
    # change its own privileges
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset", "setrlimit",
    "personality", "unshare", "setns", "chroot", "pivot_root", "mount", "umount2", "keyctl", "add_key", "request_key",
    # access the kernel
    "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "init_module",
    "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
)
# fmt: on


def restrict() -> None:
    """Apply the filter to this process for good. `no_new_privs` must be set. Raises OSError if the kernel refuses."""
    program = bytearray(struct.pack("=I", os.getpid()).join(prepared()))
    buffer = (ctypes.c_char * len(program)).from_buffer(program)
    header = _Program(len(program) // _INSTRUCTION, ctypes.addressof(buffer))
    arguments = (ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(header), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if _libc.prctl(_PR_SET_SECCOMP, *arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


@functools.cache
def prepared() -> tuple[bytes, ...]:
    """Return the filter in the kernel's form (struct sock_filter, linux/filter.h), cut wherever a process id belongs.

    libseccomp needs milliseconds to compile it, so that is done once, before the workers are forked.
    """
    rules = pyseccomp.SyscallFilter(ERRNO(errno.ENOSYS))
    rules.set_attr(pyseccomp.Attr.ACT_BADARCH, KILL_PROCESS)
    rules.set_attr(pyseccomp.Attr.CTL_NNP, 0)
    for action, calls in ((ALLOW, ALLOWED), (ERRNO(errno.EACCES), _REFUSED), (KILL_PROCESS, _KILLED)):
        for call in calls:
            _add(rules, action, call)
    _add_rules_by_argument(rules)
    with os.fdopen(os.memfd_create("filter", os.MFD_CLOEXEC), "rb") as file:
        rules.export_bpf(file)
        file.seek(0)
        program = file.read()
    if _PID_BYTES not in program:
        raise OSError(errno.EINVAL, "the filter does not name the process")
    return tuple(program.split(_PID_BYTES))


def _add_rules_by_argument(rules: pyseccomp.SyscallFilter) -> None:
    refuse = ERRNO(errno.EACCES)
    for call, flags in (("open", 1), ("openat", 2)):
        writing = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
        _add(rules, refuse, call, Arg(flags, MASKED_EQ, writing, 0))
        for flag in (os.O_WRONLY, os.O_RDWR):
            _add(rules, KILL_PROCESS, call, Arg(flags, MASKED_EQ, os.O_ACCMODE, flag))
        for flag in (os.O_CREAT, os.O_TRUNC):
            _add(rules, KILL_PROCESS, call, Arg(flags, MASKED_EQ, os.O_ACCMODE | flag, flag))
    # Memory never becomes executable: no new machine code in a worker.
    for call in ("mmap", "mmap2", "mprotect"):
        _add(rules, ALLOW, call, Arg(2, MASKED_EQ, _PROT_EXEC, 0))
        _add(rules, refuse, call, Arg(2, MASKED_EQ, _PROT_EXEC, _PROT_EXEC))
    # Creating a thread fails as if there were too many; creating a process is an attack. clone3 has its flags in
    # memory, where the filter cannot read them, so it gets ENOSYS and the C library uses clone instead.
    _add(rules, ERRNO(errno.EAGAIN), "clone", Arg(0, MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    _add(rules, KILL_PROCESS, "clone", Arg(0, MASKED_EQ, _CLONE_THREAD, 0))
    # Descriptors only, no paths.
    for call, flags in (("newfstatat", 3), ("fstatat64", 3), ("statx", 2)):
        _add(rules, ALLOW, call, Arg(flags, MASKED_EQ, _AT_EMPTY_PATH, _AT_EMPTY_PATH))
        _add(rules, refuse, call, Arg(flags, MASKED_EQ, _AT_EMPTY_PATH, 0))
    for request in (termios.TCGETS, _FIONBIO, _FIOCLEX, _FIONREAD):
        _add(rules, ALLOW, "ioctl", Arg(1, pyseccomp.EQ, request))
    for call in ("fcntl", "fcntl64"):
        for command in _FCNTL:
            _add(rules, ALLOW, call, Arg(1, pyseccomp.EQ, command))
        # With these, the kernel would send signals to another process of the same user, and could even kill it.
        for command in (fcntl.F_SETOWN, _F_SETOWN_EX, fcntl.F_SETSIG):
            _add(rules, KILL_PROCESS, call, Arg(1, pyseccomp.EQ, command))
    for option in (_PR_GET_DUMPABLE, _PR_SET_NAME, _PR_GET_NO_NEW_PRIVS, _PR_SET_VMA):
        _add(rules, ALLOW, "prctl", Arg(0, pyseccomp.EQ, option))
    _add(rules, ALLOW, "prlimit64", Arg(2, pyseccomp.EQ, 0))
    for call in ("tgkill", "kill"):
        _add(rules, ALLOW, call, Arg(0, pyseccomp.EQ, _PID))
        _add(rules, KILL_PROCESS, call, Arg(0, pyseccomp.NE, _PID))


def _add(rules: pyseccomp.SyscallFilter, action: int, call: str, *arguments: Arg) -> None:
    """Add a rule. A call that this libseccomp or this architecture does not have needs none."""
    number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, call)
    if number >= 0:
        rules.add_rule(action, number, *arguments)
