"""`holdgate-scan`: runs the workers that inspect messages for milter and desk, as a separate user.

It listens on a unix socket that only those daemons can use, and starts a zygote for each connection; see
`[scan] socket` in the settings. It reads no message, and opens no store, keys or network. When it is restarted, the
daemons connect again. Mail that arrives meanwhile waits for some seconds, and is then deferred.
"""

import os
import socket
import sys

from holdgate import daemon, maillog, sockets
from holdgate.configfile import ConfigError
from holdgate.phrases import failure_of
from holdgate.scan.reexec import ServerArguments, exec_server

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
        # If systemd has already changed the user, the socket gets the group of its directory.
        group_id = daemon.ids_of(settings.user)[1] if os.geteuid() == 0 else None
        lock = sockets.claim(path, _NAME)
        listener = sockets.listen(path, group_id=group_id, kind=socket.SOCK_SEQPACKET)
        daemon.drop_privileges(settings.account("scan"))
        exec_server(
            ServerArguments(
                program=_NAME,
                verbose=maillog.is_verbose(),
                path=str(path),
                listener=listener.fileno(),
                lock=lock,
                user_ids=tuple(user_ids),
                readers_directory=str(settings.extract.directory),
            )
        )
    except (KeyError, OSError) as error:
        maillog.failed(stage="socket", error=failure_of(error))
        sys.exit(daemon.EX_OSERR)


if __name__ == "__main__":
    main()
