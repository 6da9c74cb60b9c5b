#!/usr/bin/env bash
# Python 3.14.8 (Debian testing): multiprocessing starts its processes by "forkserver" since 3.14. The server is started with the first
# process and keeps the environment, umask, limits and priority of that moment. What the program changes later does not
# reach the processes it starts after that, also not a process pool of concurrent.futures: a proxy or time zone in os.environ that a reload
# of the settings changed, a umask for private files, a lower memory limit for workers. With "fork", the default until 3.13, and
# with "spawn", a process has the values of the moment of its start. Only the current directory is passed on. After the program gave up
# root with os.setuid(), start() raises PermissionError, for the server's socket belongs to root; until 3.13 a daemon could start
# workers before and after. The documentation describes the server, and says nothing of these values.
#
# Seen, when all was changed after a first process had ended:
#   default method: forkserver
#   forkserver: os.environ 'first', umask 0o22, files 256, nice 0, directory /var
#   spawn: os.environ 'second', umask 0o77, files 128, nice 5, directory /var
#   fork: os.environ 'second', umask 0o77, files 128, nice 5, directory /var
#   after setuid: forkserver PermissionError, spawn started, fork started
set -euo pipefail
# As root, with: apt install mmdebstrap. The copy of testing may be older than its signature lasts.
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include=python3 forky "$work/root"
cat >"$work/root/try.py" <<'PYTHON'
import multiprocessing
import os
import resource
import sys


def show(name):
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    values = f"umask {oct(os.umask(0o22))}, files {files}, nice {os.nice(0)}, directory {os.getcwd()}"
    print(f"{name}: os.environ {os.environ['SETTING']!r}, {values}", flush=True)


def run(method, work, *values):
    process = multiprocessing.get_context(method).Process(target=work, args=values)
    process.start()
    process.join()
    return process.exitcode


def nothing():
    pass


def after_setuid(method):
    try:
        return f"{method} {'started' if run(method, nothing) == 0 else 'failed'}"
    except PermissionError as error:
        return f"{method} {type(error).__name__}"


def change(setting, umask, files, nice):
    os.environ["SETTING"] = setting
    os.umask(umask)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, 256))
    os.nice(nice)


if __name__ == "__main__":
    print("default method:", multiprocessing.get_start_method(), flush=True)
    change("first", 0o22, 256, 0)
    run("forkserver", nothing)
    change("second", 0o77, 128, 5)
    os.chdir("/var")
    for method in ("forkserver", "spawn", "fork"):
        run(method, show, method)
    os.setgid(65534)
    os.setuid(65534)
    print("after setuid:", ", ".join(map(after_setuid, ("forkserver", "spawn", "fork"))), flush=True)
    os._exit(0)  # root's directory of the server cannot be removed
PYTHON
chroot "$work/root" python3 /try.py | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
default method: forkserver
forkserver: os.environ 'first', umask 0o22, files 256, nice 0, directory /var
spawn: os.environ 'second', umask 0o77, files 128, nice 5, directory /var
fork: os.environ 'second', umask 0o77, files 128, nice 5, directory /var
after setuid: forkserver PermissionError, spawn started, fork started
SEEN
