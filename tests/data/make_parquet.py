"""Writes the Parquet files of the tests: `pip install pyarrow==26.0.1`, then `python tests/data/make_parquet.py`."""

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

FOLDER = Path(__file__).parent / "parquet"
TABLE = pa.table(
    {
        "name": ["Alice", "", None, "Rosenquist"],
        "number": pa.array([4111111111111111, 5, None, 4012888888881881], pa.int64()),
        "share": pa.array([0.5, None, 219099999.0, 1e300], pa.float64()),
        "many": pa.array([["a", "b"], [], None, ["Rosenquist-inside"]], pa.list_(pa.string())),
        "inner": pa.array([{"deep": "Rosenquist-below"}] * 4, pa.struct([("deep", pa.string())])),
        "fixed": pa.array([b"Rosenquist-12345"] * 4, pa.binary(16)),
    }
)
TEXTS = ["name", "many.list.element", "inner.deep"]
PLAIN = {"use_dictionary": False, "compression": "none"}
FORMS: dict[str, dict[str, object]] = {
    **{name: {"compression": name} for name in ("none", "snappy", "gzip", "zstd", "lz4", "brotli")},
    "plain": {"use_dictionary": False, "compression": "snappy"},
    "pages2": {"data_page_version": "2.0", "use_dictionary": False, "compression": "snappy"},
    "lengths": {
        **PLAIN,
        "column_encoding": {**dict.fromkeys(TEXTS, "DELTA_LENGTH_BYTE_ARRAY"), "share": "BYTE_STREAM_SPLIT"},
    },
    "deltas": {
        **PLAIN,
        "column_encoding": {**dict.fromkeys(TEXTS, "DELTA_BYTE_ARRAY"), "number": "DELTA_BINARY_PACKED"},
    },
}


def main() -> None:
    """Write each file."""
    FOLDER.mkdir(exist_ok=True)
    for name, options in FORMS.items():
        parquet.write_table(TABLE, FOLDER / f"{name}.parquet", write_statistics=False, store_schema=False, **options)


if __name__ == "__main__":
    main()
