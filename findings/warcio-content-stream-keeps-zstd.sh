#!/usr/bin/env bash
# warcio 1.8.1 (Python 3.11): ArcWarcRecord.content_stream() is the stream without the content codings of HTTP. For
# codings that it does not know, such as zstd (RFC 8878), which browsers ask for and crawlers record, it gives the
# compressed bytes without an error: a search in the content finds nothing. Of gzip with two members (RFC 1952, 2.2), it
# gives the first only. Whoever must read everything has to look at Content-Encoding and use raw_stream.
#
# Seen:
#   gzip, one member: b'first half, second half'
#   gzip, two members: b'first half, '
#   zstd: 28b52ffd…, the text is in it: False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check warcio==1.8.1 zstandard==0.25.0
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import gzip
import io

import zstandard
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter


def content(coding, body):
    archive = io.BytesIO()
    writer = WARCWriter(archive, gzip=True)
    fields = [("Content-Type", "text/plain"), ("Content-Encoding", coding), ("Content-Length", str(len(body)))]
    head = StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1")
    record = writer.create_warc_record(
        "http://www.corp.example/", "response", payload=io.BytesIO(body), http_headers=head
    )
    writer.write_record(record)
    archive.seek(0)
    return next(iter(ArchiveIterator(archive))).content_stream().read()


FIRST, SECOND = b"first half, ", b"second half"
print("gzip, one member:", content("gzip", gzip.compress(FIRST + SECOND)))
print("gzip, two members:", content("gzip", gzip.compress(FIRST) + gzip.compress(SECOND)))
packed = content("zstd", zstandard.compress((FIRST + SECOND) * 100))
print(f"zstd: {packed[:4].hex()}…, the text is in it: {(FIRST + SECOND) * 2 in packed}")
PYTHON
diff "$work/seen" - <<'SEEN'
gzip, one member: b'first half, second half'
gzip, two members: b'first half, '
zstd: 28b52ffd…, the text is in it: False
SEEN
