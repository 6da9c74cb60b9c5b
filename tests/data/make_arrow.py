"""Writes the Arrow files of the tests: `pip install pyarrow==26.0.1`, then `python tests/data/make_arrow.py`."""

from pathlib import Path

import pyarrow as pa
from pyarrow import feather

FOLDER = Path(__file__).parent / "arrow"
TABLE = pa.table(
    {
        "name": ["Alice", "Bob", None, "Rosenquist"],
        "note": ["one", "", "three", "four"],
        "small": pa.array([1, 2, 3, 4], pa.int32()),
        "number": pa.array([4111111111111111, 5, None, 4012888888881881], pa.int64()),
        "many": pa.array([["a", "b"], [], None, ["Rosenquist-inside"]], pa.list_(pa.string())),
        "inner": pa.array([{"deep": "Rosenquist-below"}] * 4, pa.struct([("deep", pa.string())])),
        "kind": pa.array(["red", "Rosenquist-red", "red", "blue"]).dictionary_encode(),
        "large": pa.array(["x", "y", "z", "Rosenquist-large"], pa.large_string()),
        "true": pa.array([True, False, None, True]),
    }
)


def main() -> None:
    """Write each file."""
    for compression in ("uncompressed", "lz4", "zstd"):
        feather.write_feather(TABLE, FOLDER / f"{compression}.feather", compression=compression)
    with pa.OSFile(str(FOLDER / "stream.arrows"), "wb") as sink, pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    views = pa.table({"before": ["first"], "view": pa.array(["Rosenquist, a long value of a view"], pa.string_view())})
    with pa.OSFile(str(FOLDER / "views.arrow"), "wb") as sink, pa.ipc.new_file(sink, views.schema) as writer:
        writer.write_table(views)


if __name__ == "__main__":
    main()
