#!/usr/bin/env bash
# pyarrow 26.0.1 (Python 3.11): Table.slice() before writing Arrow IPC (Feather) does not cut the text of a column where the
# slice ends. The buffer is cut at the next multiple of 64 bytes, so up to 63 bytes of the rows behind the slice are in
# the file. No reader of the format shows them. Table.take() and Table.filter() copy, and leave nothing.
#
# Seen (ten rows of 100,000, each value 10 bytes):
#   slice: row 9 True, row 11 True, row 99999 False
#   take: row 9 True, row 11 False, row 99999 False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pyarrow as pa

TABLE = pa.table({"name": [f"row-{number:06}" for number in range(100_000)]})


def arrow(table):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


for what, data in (("slice", arrow(TABLE.slice(0, 10))), ("take", arrow(TABLE.take(list(range(10)))))):
    print(f"{what}: " + ", ".join(f"row {number} {b'row-%06d' % number in data}" for number in (9, 11, 99_999)))
PYTHON
diff "$work/seen" - <<'SEEN'
slice: row 9 True, row 11 True, row 99999 False
take: row 9 True, row 11 False, row 99999 False
SEEN
