"""`holdgate-scan`: runs the workers that read messages for milter and desk, as a user of their own.

It listens on a unix socket that only those daemons may use, and starts a zygote for each that connects; see
`[scan] socket` of the settings. It reads no message, and opens neither store nor keys nor network. When it is
restarted, the daemons connect again. Mail that arrives meanwhile waits for some seconds, and is then deferred.
"""

import contextlib
import os
import signal
import socket
import sys
from types import FrameType

from holdgate import daemon, maillog, sockets
from holdgate.configfile import ConfigError
from holdgate.scan.service import ScanService

_NAME = "holdgate-scan"


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, config = daemon.begin(_NAME, __doc__)
    path = settings.scan.service()
    if path is None:
        reported = (
            f"{config}: [scan] socket: unset or empty, so no daemon uses the scan service; give the path of a socket"
        )
        daemon.refuse(ConfigError([reported]))
    try:
        user_ids = {daemon.ids_of(settings.account(name))[0] for name in ("milter", "desk")}
        # Where systemd has changed our user already, the directory gives the socket its group.
        group_id = daemon.ids_of(settings.user)[1] if os.geteuid() == 0 else None
        lock = sockets.claim(path, _NAME)
        listener = sockets.listen(path, group_id=group_id, kind=socket.SOCK_SEQPACKET)
        daemon.drop_privileges(settings.account("scan"))
    except (KeyError, OSError) as error:
        maillog.failed(stage="socket", error=str(error))
        sys.exit(daemon.EX_OSERR)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    service = ScanService(listener, user_ids=user_ids, readers_directory=settings.extract.directory)
    maillog.started(socket=path)
    daemon.notify("READY=1")
    try:
        service.serve()
    finally:
        with contextlib.suppress(OSError):  # in a directory of root's it stays, and the next one removes it
            path.unlink()
        os.close(lock)
        maillog.stopped()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
