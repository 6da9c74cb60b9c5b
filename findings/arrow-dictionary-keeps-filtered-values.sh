#!/usr/bin/env bash
# pyarrow 26.0.1 (Python 3.11): a column that is dictionary-encoded (pandas: category) keeps its whole dictionary when rows
# are filtered away. A file that was written after the filter, Arrow IPC or Parquet, holds the values of the rows that
# are no longer in the table. A plain string column does not.
#
# Seen:
#   plain column, Arrow: kept True, filtered away False
#   dictionary column, Arrow: kept True, filtered away True
#   dictionary column, Parquet: kept True, filtered away True
#
# A program that looks for personal data in such a file finds what its author believes to have removed. `unify_dictionaries`
# does not help; `Array.dictionary_decode()` before the filter does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pyarrow as pa
import pyarrow.parquet as pq

KEEP = pa.array([True, False])
PLAIN = pa.table({"name": ["a value that stays in the table", "another value that was filtered away from it" * 3]})
CODED = pa.table({"name": PLAIN["name"].dictionary_encode()})


def arrow(table):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def parquet(table):
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="none")
    return sink.getvalue()


for what, data in (
    ("plain column, Arrow", arrow(PLAIN.filter(KEEP))),
    ("dictionary column, Arrow", arrow(CODED.filter(KEEP))),
    ("dictionary column, Parquet", parquet(CODED.filter(KEEP))),
):
    print(f"{what}: kept {b'a value that stays' in data}, filtered away {b'filtered away' in data}")
PYTHON
diff "$work/seen" - <<'SEEN'
plain column, Arrow: kept True, filtered away False
dictionary column, Arrow: kept True, filtered away True
dictionary column, Parquet: kept True, filtered away True
SEEN
