"""Runs a module while the kernel refuses a system call, as the seccomp filter of a container or a unit does.

    python -m tests.support.refusal landlock_restrict_self holdgate.gate.main --config FILE

Its children inherit the refusal. `kill` in front of the call's name kills the caller instead.
"""

import errno
import runpy
import sys

from pyseccomp import ALLOW, EQ, ERRNO, KILL_PROCESS, Arg, SyscallFilter

_PR_SET_SECCOMP = 22


def main() -> None:
    _, call, module, *arguments = sys.argv
    rules = SyscallFilter(ALLOW)
    if call.startswith("kill "):
        rules.add_rule(KILL_PROCESS, call.removeprefix("kill "))
    else:
        rules.add_rule(ERRNO(errno.EPERM), call)
    if call == "seccomp":
        # libseccomp falls back on the older way.
        rules.add_rule(ERRNO(errno.EPERM), "prctl", Arg(0, EQ, _PR_SET_SECCOMP))
    rules.load()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
