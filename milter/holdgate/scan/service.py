"""The scan service: gives each connecting daemon its own zygote. All run as a user that owns nothing else.

It checks which user connects, starts a zygote with the connection as its control socket, and sends one greeting. It
reads nothing from a connection. When a daemon closes its connection, exits or crashes, its zygote is killed at once,
and the kernel then kills the workers. When the service ends, the same happens to all zygotes.
"""

import contextlib
import os
import select
import signal
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass

from holdgate import daemon, maillog
from holdgate.phrases import failure_of
from holdgate.scan import wire
from holdgate.sockets import peer_user

# Zygotes per user at the same time: the milter's three, twice that during a reload, and some for old sessions.
PLACES = 16
# Interval between two watchdog notifications to systemd, in seconds.
_INTERVAL = 10.0
# A greeting has few bytes: it fits into the socket's buffer, unless the peer does not read.
_GREETING_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Served:
    """A running zygote, and a copy of its control socket, which shows when the daemon disconnects."""

    pid: int
    pidfd: int
    connection: socket.socket
    user_id: int
    is_disconnected: bool = False

    def kill(self) -> None:
        """Kill it without waiting for it."""
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


class ScanService:
    """Serves the users in `user_ids`, and root.

    `start` starts a zygote as a child of this process with the given control socket, and returns its process id.
    """

    def __init__(
        self, listener: socket.socket, *, user_ids: Collection[int], start: Callable[[socket.socket], int]
    ) -> None:
        self._listener = listener
        self._user_ids = frozenset(user_ids) | {0}
        self._start_zygote = start
        self._poll = select.poll()
        self._acts: dict[int, Callable[[], None]] = {}
        self._served: set[_Served] = set()
        self._watch(listener.fileno(), select.POLLIN, self._accept)

    def serve(self) -> None:
        """Serve until a signal handler raises an exception; then all zygotes are killed."""
        try:
            while True:
                daemon.notify("WATCHDOG=1")
                # All are looked up first: a descriptor that is closed in this round may be reused for one that is
                # opened in it.
                for act in [self._acts[descriptor] for descriptor, _ in self._poll.poll(_INTERVAL * 1000)]:
                    act()
        finally:
            for one in list(self._served):
                one.kill()
                self._reap(one)

    def _watch(self, descriptor: int, events: int, act: Callable[[], None]) -> None:
        self._poll.register(descriptor, events)
        self._acts[descriptor] = act

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._acts[descriptor]

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:  # the peer has disconnected, or there is no free descriptor
            maillog.failed(stage="socket", error=failure_of(error))
            return
        user_id = peer_user(connection)
        if refusal := self._refusal(user_id):
            maillog.failed(stage="peer", error=refusal)
            with connection:
                _greet(connection, {"error": refusal})
            return
        try:
            self._start(connection, user_id)
        except OSError as error:  # no process, no memory
            maillog.failed(stage="zygote", error=failure_of(error))
            with connection:
                _greet(connection, {"error": f"no zygote can be started: {error.strerror}"})

    def _refusal(self, user_id: int) -> str:
        if user_id not in self._user_ids:
            return f"user {user_id} is not one that may have mail inspected: see milter_user and desk_user"
        if sum(one.user_id == user_id for one in self._served) >= PLACES:
            return f"user {user_id} has {PLACES} zygotes already"
        return ""

    def _start(self, connection: socket.socket, user_id: int) -> None:
        control = connection.fileno()
        pid = self._start_zygote(connection)
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        served = _Served(pid, pidfd, connection, user_id)
        self._served.add(served)
        self._watch(pidfd, select.POLLIN, lambda: self._reap(served))
        # No event is requested, so that orders for the zygote do not wake this process; POLLHUP is always reported
        # (poll(2)).
        self._watch(control, 0, lambda: self._on_disconnect(served))
        _greet(connection, {"zygote": pid})

    def _on_disconnect(self, served: _Served) -> None:
        """Kill a zygote whose daemon has disconnected; its pidfd reports when it has ended."""
        if served in self._served:
            served.kill()
            served.is_disconnected = True
            self._forget(served.connection.fileno())

    def _reap(self, served: _Served) -> None:
        """Wait for a zygote that has ended, and close the copy of its socket, so that its daemon sees the end."""
        self._served.remove(served)
        code = os.waitstatus_to_exitcode(os.waitpid(served.pid, 0)[1])
        if not served.is_disconnected:
            self._forget(served.connection.fileno())
            if code != 0:
                maillog.failed(stage="zygote", error=f"a zygote of user {served.user_id} ended: {_exit_reason(code)}")
        self._forget(served.pidfd)
        os.close(served.pidfd)
        served.connection.close()


def _greet(connection: socket.socket, greeting: dict[str, object]) -> None:
    wire.set_timeout(connection, _GREETING_SECONDS)
    with contextlib.suppress(OSError):  # it has already disconnected
        wire.send(connection, greeting)


def _exit_reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
