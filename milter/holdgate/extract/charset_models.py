"""Detects charsets by chardet, with its language models in 5 MB instead of 24, and with the same results.

chardet 7.7 scores a text with 353 tables of 65,536 bytes, one for each language and encoding. They have 17,304 rows of
256 bytes that differ. This module keeps each row once, and passes the rows that a text needs to chardet's own function.
For this it replaces four functions inside chardet. It then detects the charsets of samples; a chardet of another
version or form stays as it is, and only takes more memory.
"""

import importlib.resources
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from types import ModuleType
from typing import Any

import chardet
import chardet.models

# The version whose functions are replaced; the results of others are not known to be the same.
_VERSION = "7.7."
_ROW = 256
_TABLE = _ROW * _ROW

# Texts of several scripts, which together use each kind of table, and the encodings that chardet 7.7 detects.
_SAMPLES = (
    (
        "Bitte prüfen Sie die Größe der Straße in München; sie ist nicht überall gleich. ".encode("cp1252"),
        "Windows-1252",
    ),
    ("Проверьте, пожалуйста, договор до конца недели. Спасибо за помощь. ".encode("koi8-r"), "koi8-u"),
    ("Grüße aus Köln an die Ämter".encode("cp500"), "cp500"),
    ("ご確認をお願いいたします。".encode("shift_jis") * 9, "CP932"),
    (bytes(range(128, 256)) * 40, "ISO-8859-5"),
)

# A language, the number of a table as two bytes or the table itself, and the key of the model.
_Variant = tuple[str | None, bytes, str]


class _Rows:
    """The rows of all tables. `names` maps the key of each model to its table's number, as two bytes."""

    def __init__(self, tables: Iterator[tuple[str, bytes]], dot: Callable[[Any, Any, bytes], int]) -> None:
        self._dot = dot
        self.names: dict[str, bytes] = {}
        self._tables: dict[bytes, array[int]] = {}
        numbers: dict[bytes, int] = {}
        for key, table in tables:
            name = self.names[key] = len(self.names).to_bytes(2, "big")
            rows = (table[start : start + _ROW] for start in range(0, _TABLE, _ROW))
            self._tables[name] = array("H", [numbers.setdefault(row, len(numbers)) for row in rows])
        self._row = list(numbers).__getitem__
        self.forget()

    def forget(self) -> None:
        """Forget the text that was last scored."""
        self._scored: Any = None
        self._places: array[int] = array("i")
        self._pick: Callable[[Sequence[int]], tuple[int, ...]] = itemgetter(0, 0)

    def dot(self, indices: "array[int]", weights: "array[int]", name: bytes) -> int:
        """Return the product of a text's pairs of bytes with a table, as `chardet.models.dot_packed` does."""
        if self._scored is not indices:
            self._prepare(indices)
        return self._dot(self._places, weights, b"".join(map(self._row, self._pick(self._tables[name]))))

    def _prepare(self, indices: "array[int]") -> None:
        """Number the rows that a text needs; all tables are then scored with these."""
        needed: dict[int, int] = {}
        self._places = array("i", [needed.setdefault(i >> 8, len(needed)) << 8 | i & 255 for i in indices])
        self._pick = itemgetter(*needed, 0, 0)  # of fewer than two, it would not return a tuple
        self._scored = indices

    def table(self, name: bytes) -> bytes:
        """Return a whole table."""
        return b"".join(map(self._row, self._tables[name]))


class _Whole:
    """Gives chardet an index with whole tables where it looks into them itself, to tell two similar encodings apart.

    Before, it usually asks for the languages of the two. If it has not, it fails, and all tables are made.
    """

    def __init__(self, rows: _Rows, index: dict[str, list[_Variant]]) -> None:
        self._rows = rows
        self._index = index
        self._languages = {
            encoding: frozenset(language for language, _, _ in variants if language is not None)
            for encoding, variants in index.items()
        }
        self._asked: list[str] = []
        self.all = False

    def languages(self, encoding: str) -> frozenset[str]:
        """Return the languages of an encoding, as `chardet.pipeline.confusion` does."""
        self._asked = [*self._asked[-1:], encoding]
        return self._languages.get(encoding, frozenset())

    def index(self) -> dict[str, list[_Variant]]:
        """Return the index; it has whole tables for the encodings whose languages were asked last."""
        made = dict(self._index)
        for encoding in self._index if self.all else self._asked:
            variants = self._index.get(encoding, [])
            made[encoding] = [(language, self._rows.table(name), key) for language, name, key in variants]
        return made


def detect(data: bytes) -> str:
    """Return the name of the encoding that chardet detects, or ""."""
    if _COMPACT is None:
        return str(chardet.detect(data).get("encoding") or "")
    rows, whole = _COMPACT
    try:
        return _detected(data, whole)
    finally:
        rows.forget()


def _detected(data: bytes, whole: _Whole) -> str:
    try:
        return str(chardet.detect(data).get("encoding") or "")
    except IndexError:  # the number of a table is not a table
        whole.all = True
        return str(chardet.detect(data).get("encoding") or "")
    finally:
        whole.all = False


def _compacted() -> tuple[_Rows, _Whole] | None:
    """Load the models; return None, and change nothing, if this is not the chardet that this module knows."""
    models: Any = chardet.models
    replaced: list[tuple[ModuleType, str, Any]] = []
    try:
        # Without its compiled kernel it would not call `dot_packed`, and another version could read beyond a number.
        if not models._KERNEL_COMPILED or not chardet.__version__.startswith(_VERSION):
            return None
        norms: dict[str, float] = {}
        rows = _Rows(_models(norms), models.dot_packed)
        index = models._build_enc_index(rows.names)
        whole = _Whole(rows, index)
        _replace(replaced, "dot_packed", rows.dot)
        _replace(replaced, "_load_models_data", lambda: (rows.names, norms))
        looking = dict.fromkeys(("chardet.pipeline.confusion", "chardet.pipeline.postprocess"), whole.index)
        _replace(replaced, "get_enc_index", lambda: index, looking)
        _replace(replaced, "_modelled_languages", whole.languages)
        if all(_detected(sample, whole) == encoding for sample, encoding in _SAMPLES):
            rows.forget()
            return rows, whole
    except Exception:  # whatever another version raises, it then detects with its own tables
        pass
    for module, name, function in replaced:
        setattr(module, name, function)
    for _, _, function in replaced:
        if clear := getattr(function, "cache_clear", None):
            clear()
    return None


def _models(norms: dict[str, float]) -> Iterator[tuple[str, bytes]]:
    """Yield the key and the table of each model of chardet's `models.bin`, and add its norm to `norms`.

    All tables at once would leave a hole of 24 MB in the memory of the process.
    """
    data = importlib.resources.files(chardet.models).joinpath("models.bin").read_bytes()
    (count,) = struct.unpack_from(">4xI", data)
    place = 8
    for _ in range(count):
        (length,) = struct.unpack_from(">I", data, place)
        name = data[place + 4 : place + 4 + length].decode()
        (norms[name],) = struct.unpack_from(">d", data, place + 4 + length)
        place += 12 + length
    stream = zlib.decompressobj()
    rest = data[place:]
    for name in list(norms):
        table = b""
        while len(table) < _TABLE:
            if not (more := stream.decompress(rest, _TABLE - len(table))):
                raise ValueError("models.bin ends early")
            table += more
            rest = stream.unconsumed_tail
        yield name, table


def _replace(replaced: list[tuple[ModuleType, str, Any]], name: str, by: Any, elsewhere: Any = None) -> None:
    """Replace a function in all modules of chardet that import it; `elsewhere` has other ones for some modules."""
    for full, module in list(sys.modules.items()):
        if full.startswith("chardet.") and hasattr(module, name):
            replaced.append((module, name, getattr(module, name)))
            setattr(module, name, (elsewhere or {}).get(full, by))


_COMPACT = _compacted()
