"""Landlock (Linux 5.13 and later): a process drops its right to open files and, on newer kernels, to use the network.

Sources: Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h of the kernel. glibc has no
functions for it, so the three system calls, which have the same numbers on every architecture, are called directly.
"""

import ctypes
import os

_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_RULESET_VERSION = 1

# Rights by the ABI version that introduced them, each with the mask of all rights of that version.
_FILE_RIGHTS = ((1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (5, 0xFFFF))
_NETWORK_RIGHTS = (4, 0x3)
_SCOPES = (6, 0x3)

_libc = ctypes.CDLL(None, use_errno=True)


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


def abi() -> int:
    """Return the Landlock version of this kernel, or 0 if it is missing or disabled."""
    version: int = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_RULESET_VERSION))
    return max(version, 0)


def restrict(version: int) -> None:
    """Deny this thread every file, TCP connections (ABI 4) and signals to others (ABI 6). This cannot be undone.

    Open files stay usable. `no_new_privs` must be set. Raises OSError if the kernel refuses.
    """
    attributes = _RulesetAttributes(
        handled_access_fs=next(mask for since, mask in reversed(_FILE_RIGHTS) if version >= since),
        handled_access_net=_NETWORK_RIGHTS[1] if version >= _NETWORK_RIGHTS[0] else 0,
        scoped=_SCOPES[1] if version >= _SCOPES[0] else 0,
    )
    # An older kernel refuses unknown fields unless they are zero; it accepts every structure size that it knows.
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), size, ctypes.c_uint32(0)))
    try:
        _checked(_libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
