#!/usr/bin/env bash
# zstandard 0.25.0 (Python 3.11), pzstd 1.5.4 (Debian 12, package zstd) as the writer: pzstd, which compresses with several processors,
# begins each of its frames with a skippable frame that holds a size (RFC 8878, 3.1.2). ZstdDecompressor.decompressobj()
# ends at the first frame, and that is the skippable one: the result is b"", eof is True, and nothing is raised. read_to_iter()
# yields nothing, and ZstdDecompressor().decompress() fails. stream_reader() and copy_stream() read all. A program
# that unpacks with decompressobj(), like zlib's, takes each file of pzstd for an empty one. The loop that helps: as long as
# unused_data is not empty, go on with a new object. The documentation says that an object reads one frame, not that it may be an
# empty one in front (python-zstandard issue 196, for files with several frames, is open).
#
# Seen:
#   decompressobj: 0 of 23000000 bytes, eof True
#   read_to_iter: 0 of 23000000 bytes
#   stream_reader: 23000000 of 23000000 bytes
#   copy_stream: 23000000 of 23000000 bytes
#   decompressobj until nothing is left: 23000000 of 23000000 bytes
set -euo pipefail
dpkg -s zstd >/dev/null # apt install zstd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check zstandard==0.25.0
cd "$work"
seq -w 1 2875000 >data
pzstd -q -p 2 data -o data.zst
venv/bin/python - <<'PYTHON' | tee seen
import io
from pathlib import Path

import zstandard

data, packed = Path("data").read_bytes(), Path("data.zst").read_bytes()


def show(name, read, more=""):
    assert read == data or not read
    print(f"{name}: {len(read)} of {len(data)} bytes{more}")


one = zstandard.ZstdDecompressor().decompressobj()
show("decompressobj", one.decompress(packed), f", eof {one.eof}")
show("read_to_iter", b"".join(zstandard.ZstdDecompressor().read_to_iter(io.BytesIO(packed))))
show("stream_reader", zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read())
copy = io.BytesIO()
zstandard.ZstdDecompressor().copy_stream(io.BytesIO(packed), copy)
show("copy_stream", copy.getvalue())
left, parts = packed, []
while left:
    one = zstandard.ZstdDecompressor().decompressobj()
    parts.append(one.decompress(left))
    left = one.unused_data
show("decompressobj until nothing is left", b"".join(parts))
PYTHON
diff seen - <<'SEEN'
decompressobj: 0 of 23000000 bytes, eof True
read_to_iter: 0 of 23000000 bytes
stream_reader: 23000000 of 23000000 bytes
copy_stream: 23000000 of 23000000 bytes
decompressobj until nothing is left: 23000000 of 23000000 bytes
SEEN
