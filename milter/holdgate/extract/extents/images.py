"""The extents of images, except PNG and JPEG, whose reader handles data after the image itself."""

import struct

Spans = list[tuple[int, int]]

_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TIFF_EXTENTS = {273: 279, 324: 325, 513: 514}
"""Tags with offsets of pixels, and those with their lengths (TIFF 6.0): strips, tiles, JPEG."""
_TIFF_DIRECTORIES = {330, 34_665, 34_853, 40_965}
_MOST_DIRECTORIES = 10_000
_BITMAP_FIELDS = 3
_EMF_END = 14


def of_image(data: bytes) -> Spans:
    """The image, to the end given by its headers and blocks."""
    if data.startswith(b"GIF8"):
        return [(0, _gif_end(data))]
    if data.startswith((b"II*\0", b"MM\0*")):
        return [(0, _tiff_end(data))]
    if data[8:12] == b"WEBP":
        (size,) = struct.unpack_from("<I", data, 4)
        return [(0, 8 + size + size % 2)]
    if data.startswith(b"BM"):
        return [(0, _bitmap_end(data))]
    if data[:1] in b"\x28\x34\x38\x6c\x7c" and data[1:4] == b"\0\0\0" and data[12:14] == b"\1\0":
        return [(0, _bare_bitmap_end(data))]
    if data.startswith(b"\0\0\1\0"):
        return [(0, _icon_end(data))]
    if data.startswith(b"\xff\x4f\xff\x51"):
        return [(0, _codestream_end(data, 0))]
    if data[4:8] in (b"jP  ", b"ftyp"):
        return [(0, _boxes_end(data))]
    if data[:2] in (b"P4", b"P5", b"P6"):
        return [(0, _netpbm_end(data))]
    return [(0, len(data))]


def of_metafile(data: bytes) -> Spans:
    """The records up to the one that ends the file ([MS-WMF] 2.3.2.1, [MS-EMF] 2.3.4.1)."""
    if data.startswith(b"\1\0\0\0") and data[40:44] == b" EMF":
        position, kind = 0, 0
        while kind != _EMF_END:
            kind, size = struct.unpack_from("<II", data, position)
            position += max(size, 8)
        return [(0, position)]
    position = 40 if data.startswith(b"\xd7\xcd\xc6\x9a") else 18
    while True:
        words, function = struct.unpack_from("<IH", data, position)
        position += 2 * max(words, 3)
        if not function:
            return [(0, position)]


def _gif_end(data: bytes) -> int:
    """Blocks up to the trailer (GIF89a, 27)."""
    flags = data[10]
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while data[position] != 0x3B:
        if data[position] == 0x2C:
            flags = data[position + 9]
            position += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        else:
            position += 2
        while data[position]:
            position += 1 + data[position]
        position += 1
    return position + 1


def _tiff_end(data: bytes) -> int:
    """The data to which the directories refer: values, strips, tiles and subdirectories (TIFF 6.0)."""
    order = "<" if data.startswith(b"II") else ">"
    waiting = [struct.unpack_from(f"{order}I", data, 4)[0]]
    seen: set[int] = set()
    end = 8
    while waiting and len(seen) < _MOST_DIRECTORIES:
        place = waiting.pop()
        if not place or place in seen:
            continue
        seen.add(place)
        (count,) = struct.unpack_from(f"{order}H", data, place)
        numbers: dict[int, list[int]] = {}
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind, amount = struct.unpack_from(f"{order}HHI", data, entry)
            size = _TIFF_SIZES.get(kind, 1) * amount
            at = entry + 8 if size <= 4 else struct.unpack_from(f"{order}I", data, entry + 8)[0]
            end = max(end, at + size)
            if kind in (3, 4, 13) and at + size <= len(data):
                numbers[tag] = list(struct.unpack_from(f"{order}{amount}{'H' if kind == 3 else 'I'}", data, at))
        for offsets, lengths in _TIFF_EXTENTS.items():
            ends = map(sum, zip(numbers.get(offsets, ()), numbers.get(lengths, ()), strict=False))
            end = max([end, *ends])
        waiting += [offset for tag in _TIFF_DIRECTORIES for offset in numbers.get(tag, ())]
        end = max(end, place + 6 + 12 * count)
        waiting.append(struct.unpack_from(f"{order}I", data, place + 2 + 12 * count)[0])
    return end


def _bitmap_end(data: bytes) -> int:
    """The end of the pixels, because programs write a wrong file size."""
    (start,) = struct.unpack_from("<I", data, 10)
    if data[14] == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return int(start + (width * bits + 31) // 32 * 4 * height)
    width, height, _, bits, packing, size = struct.unpack_from("<iiHHII", data, 18)
    plain = (abs(width) * bits + 31) // 32 * 4 * abs(height)
    return int(start + (plain if packing in (0, _BITMAP_FIELDS) else size))


def _bare_bitmap_end(data: bytes) -> int:
    """Header, masks, colours and pixels of a bitmap without a file header ([MS-WMF] 2.2.2.9)."""
    header, width, height, _, bits, packing, size, _, _, colours = struct.unpack_from("<IiiHHIIiiI", data)
    plain = (abs(width) * bits + 31) // 32 * 4 * abs(height)
    masks = 12 if header == 40 and packing == _BITMAP_FIELDS else 0
    table = 4 * (colours or (1 << bits if bits <= 8 else 0))
    return int(header + masks + table + (plain if packing in (0, _BITMAP_FIELDS) else size))


def _icon_end(data: bytes) -> int:
    (count,) = struct.unpack_from("<H", data, 4)
    entries = (struct.unpack_from("<II", data, 14 + 16 * number) for number in range(count))
    return max((size + offset for size, offset in entries), default=6)


def _boxes_end(data: bytes) -> int:
    """Consecutive boxes (ISO/IEC 14496-12, 4.2); one without a size extends to the end of its codestream."""
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        if not kind.isascii() or not kind.decode("ascii").isprintable():
            break
        if size == 0:
            return _codestream_end(data, position + 8) if kind == b"jp2c" else len(data)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size < 8 or position + size > len(data):
            break
        position += size
    return position


def _codestream_end(data: bytes, start: int) -> int:
    """Markers, then tile-parts with their lengths, then the end mark (ISO/IEC 15444-1, A.4)."""
    position = start + 2
    while (marker := data[position : position + 2]) != b"\xff\xd9":
        if marker == b"\xff\x90":
            (length,) = struct.unpack_from(">I", data, position + 6)
            if not length:
                return data.index(b"\xff\xd9", position) + 2
            position += length
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return position + 2


def _netpbm_end(data: bytes) -> int:
    """Size and depth as numbers, then the pixels, for each image (Netpbm formats)."""
    position = 0
    while data[position : position + 2] in (b"P4", b"P5", b"P6"):
        kind = data[position + 1 : position + 2]
        position += 2
        numbers: list[int] = []
        while len(numbers) < (2 if kind == b"4" else 3):
            while data[position : position + 1].isspace() or data[position : position + 1] == b"#":
                position = data.index(b"\n", position) + 1 if data[position : position + 1] == b"#" else position + 1
            start = position
            while data[position : position + 1].isdigit():
                position += 1
            numbers.append(int(data[start:position]))
        width, height = numbers[:2]
        row = -(-width // 8) if kind == b"4" else width * (3 if kind == b"6" else 1) * (1 + (numbers[2] > 255))
        position += 1 + row * height
        while data[position : position + 1].isspace():
            position += 1
    return position
