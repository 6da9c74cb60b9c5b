#!/usr/bin/env bash
# Python 3.13.5 (Debian 13), systemd-socket-activate of systemd 257: since 3.13, an asyncio server on a Unix socket removes the
# file when it is closed, also if the socket was handed to it (sock=), by systemd for example. systemd keeps listening on
# it, but no client finds it any more: after the service was stopped or restarted once, each connection fails with
# ENOENT until the socket unit is restarted. With Python 3.11 and 3.12, the same program worked. cleanup_socket=False keeps
# the file; Server.close() of any library on top, such as an SMTP or HTTP server that is given a socket, has to pass it on. The
# documentation describes cleanup_socket, not this (cpython issue 133354, open).
#
# Seen:
#   Python 3.13: the socket is there before True, after close() False
#   Python 3.13, cleanup_socket=False: the socket is there before True, after close() True
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=python3,systemd trixie "$work/root"
cat >"$work/root/serve.py" <<'PYTHON'
import asyncio
import os
import socket
import sys

OPTIONS = {} if sys.argv[1] == "default" else {"cleanup_socket": False}


async def answer(reader, writer):
    writer.close()


async def main():
    given = socket.socket(fileno=3)  # sd_listen_fds(3): the first one
    path = given.getsockname()
    before = os.path.exists(path)
    server = await asyncio.start_unix_server(answer, sock=given, **OPTIONS)
    server.close()
    await server.wait_closed()
    print(f"the socket is there before {before}, after close() {os.path.exists(path)}", flush=True)


asyncio.run(main())
PYTHON
cat >"$work/root/try" <<'TRY'
for options in default keep; do
  systemd-socket-activate --listen=/run/$options.sock python3 /serve.py $options >/run/$options.out 2>/run/$options.err &
  until python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' /run/$options.sock 2>/dev/null; do
    sleep 0.1
  done
  until grep -q . /run/$options.out; do sleep 0.1; done
  wait
done
echo "$(python3 -c 'import sys; print("Python %d.%d" % sys.version_info[:2])'): $(cat /run/default.out)"
echo "$(python3 -c 'import sys; print("Python %d.%d" % sys.version_info[:2])'), cleanup_socket=False: $(cat /run/keep.out)"
TRY
timeout 60 chroot "$work/root" bash /try | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
Python 3.13: the socket is there before True, after close() False
Python 3.13, cleanup_socket=False: the socket is there before True, after close() True
SEEN
