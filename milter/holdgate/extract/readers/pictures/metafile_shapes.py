"""The outlines that a Windows metafile fills, as boxes: polygons, and the figures of paths.

Follows [MS-EMF] 2.3.5 (drawing records), 2.3.10 (paths) and [MS-WMF] 2.3.3.15, 2.3.3.16 (polygons). Transforms are
ignored, because a program draws the letters of one line with the same transform.
"""

import struct

from holdgate.extract.readers.texts.outlines import Box, bounds

_EMF_END, _MOVE, _LINE, _CLOSE, _BEGIN_PATH, _END_PATH = 14, 27, 54, 61, 59, 60
# Records of points, and the bytes per coordinate: Bézier curves and lines that begin at the last point.
_CURVES = {5: 4, 6: 4, 88: 2, 89: 2}
_POLYGONS, _MANY_POLYGONS = {3: 4, 86: 2}, {8: 4, 91: 2}
_WMF_POLYGON, _WMF_MANY_POLYGONS = 0x0324, 0x0538
_MOST_POINTS = 1_000_000


def of_emf(data: bytes) -> list[Box]:
    """Return the boxes of all outlines of an enhanced metafile, as far as its records are complete."""
    found: list[Box | None] = []
    figure: list[tuple[float, float]] = []
    at = points = 0
    while at + 8 <= len(data) and points < _MOST_POINTS:
        kind, size = struct.unpack_from("<II", data, at)
        if kind == _EMF_END or size < 8:
            break
        record = data[at : at + size]
        at += size
        try:
            if kind in (_MOVE, _BEGIN_PATH, _END_PATH, _CLOSE):
                found.append(bounds(figure))
                figure = [struct.unpack_from("<ii", record, 8)] if kind == _MOVE else []
            elif kind == _LINE:
                figure.append(struct.unpack_from("<ii", record, 8))
            elif kind in _CURVES:
                (count,) = struct.unpack_from("<I", record, 24)
                figure += _points(record, 28, count, _CURVES[kind])
                points += count
            elif kind in _POLYGONS:
                (count,) = struct.unpack_from("<I", record, 24)
                found.append(bounds(_points(record, 28, count, _POLYGONS[kind])))
                points += count
            elif kind in _MANY_POLYGONS:
                polygons, total = struct.unpack_from("<II", record, 24)
                counts = struct.unpack_from(f"<{polygons}I", record, 32)
                found += _polygons(record, 32 + 4 * polygons, counts, _MANY_POLYGONS[kind])
                points += total
        except struct.error:
            continue
    return [box for box in found if box is not None]


def of_wmf(data: bytes, at: int) -> list[Box]:
    """Return the boxes of all polygons of an old metafile whose records begin at `at`, as far as they are complete."""
    found: list[Box | None] = []
    while at + 6 <= len(data):
        words, function = struct.unpack_from("<IH", data, at)
        if words < 3:
            break
        record = data[at : at + 2 * words]
        at += 2 * words
        try:
            if function == _WMF_POLYGON:
                (count,) = struct.unpack_from("<H", record, 6)
                found.append(bounds(_points(record, 8, count, 2)))
            elif function == _WMF_MANY_POLYGONS:
                (polygons,) = struct.unpack_from("<H", record, 6)
                counts = struct.unpack_from(f"<{polygons}H", record, 8)
                found += _polygons(record, 8 + 2 * polygons, counts, 2)
        except struct.error:
            continue
    return [box for box in found if box is not None]


def _points(record: bytes, at: int, count: int, size: int) -> list[tuple[float, float]]:
    """Return points of two coordinates of `size` bytes. Raises struct.error if the record is too short."""
    numbers = struct.unpack_from(f"<{2 * count}{'i' if size == 4 else 'h'}", record, at)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _polygons(record: bytes, at: int, counts: tuple[int, ...], size: int) -> list[Box | None]:
    found = []
    for count in counts:
        found.append(bounds(_points(record, at, count, size)))
        at += 2 * count * size
    return found
