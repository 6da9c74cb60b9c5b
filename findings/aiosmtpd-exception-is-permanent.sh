#!/usr/bin/env bash
# aiosmtpd 1.4.6 (Python 3.11): an exception in handle_DATA is answered with 500, a permanent error, and the exception's text.
# Postfix, or any client, then gives up at once: a full disk or a lost database connection makes mail bounce that would have
# been delivered an hour later. A method handle_exception() of the handler replaces this answer, for all commands.
#
# Seen:
#   without handle_exception: 500 Error: (OSError) [Errno 28] No space left on device
#   with handle_exception: 451 try again later
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check aiosmtpd==1.4.6
"$work/venv/bin/python" - 2>/dev/null <<'PYTHON' | tee "$work/seen"
import errno
import os
import smtplib
import socket

from aiosmtpd.controller import Controller


class Plain:
    async def handle_DATA(self, server, session, envelope):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Careful(Plain):
    async def handle_exception(self, error):
        return "451 try again later"


def answer(handler):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("a@corp.example", ["b@partner.example"], "Subject: x\r\n\r\ntext\r\n")
    except smtplib.SMTPDataError as error:
        return f"{error.smtp_code} {error.smtp_error.decode()}"
    finally:
        controller.stop()


print("without handle_exception:", answer(Plain()))
print("with handle_exception:", answer(Careful()))
PYTHON
diff "$work/seen" - <<'SEEN'
without handle_exception: 500 Error: (OSError) [Errno 28] No space left on device
with handle_exception: 451 try again later
SEEN
