"""Images: the data that cameras and editors add (EXIF, XMP, IPTC, comments), and the text in them by OCR.

Pillow decodes them only if OCR is on: size and metadata are in the headers. Every page of a TIFF and every frame of an
animation is a separate image.
"""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from functools import partial
from typing import cast

from PIL import AvifImagePlugin, ExifTags, Image, ImageFile, ImageOps, IptcImagePlugin, UnidentifiedImageError

from holdgate.extract import ocr
from holdgate.extract.budget import LimitReachedError
from holdgate.extract.extents import images
from holdgate.extract.format import Format
from holdgate.extract.ocr import Pixels
from holdgate.extract.readers.pictures import other_blocks
from holdgate.extract.readers.pictures.xmp import xmp_text
from holdgate.extract.readers.texts import blocks
from holdgate.extract.reading import Document, Sink, UnreadableError

PILLOW_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "DIB", "WEBP", "JPEG2000", "PPM", "ICO", "PCX", "TGA", "AVIF")
PLACE = "image properties"
TEXT_BYTES = 500_000
"""A text chunk of an image is unpacked to at most this many bytes; Pillow refuses one beyond a million."""
TRAILING_BYTES = 32
_LONGEST_SIDE = 30_000
_OPAQUE = 255
_FAINT = 25
"""A pixel that is less opaque cannot be seen."""
_SINGLE = frozenset({"PNG", "JPEG"})
THUMBNAIL_SIZE = 512
"""The larger side in pixels of LibreOffice 25's thumbnails; Office's are smaller."""
PREVIEW_SIZE = 1_100
"""The larger side in pixels of the previews in iWork documents."""
SQUARE = 1.2
"""Dots count as square up to this ratio of resolutions; fax pages (204 by 98 dpi) are stretched before OCR."""

_XP_TAGS = range(0x9C9B, 0x9CA0)
_COMMENT_CODES = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", b"\0" * 8: "utf-8"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")
_THUMBNAIL = re.compile(r"(?:thumbnails|docprops)/thumbnail\.(?:png|jpe?g)", re.IGNORECASE)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_END = 0xD9
# Sizes of a BMP file's second header.
_BITMAP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 108, 124)}

# Pillow's plug-ins raise any exception that a damaged file causes.
PILLOW_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError, OverflowError,
    ZeroDivisionError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip

# A confined worker cannot start threads, and libavif fails without those that it requests.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
# The size is checked before an image is decoded, so Pillow's own warning is not needed.
Image.MAX_IMAGE_PIXELS = None


def read(document: Document, sink: Sink) -> None:
    """Read an image. One that Pillow cannot open is `damaged`, or in a format that is not read."""
    _read_trailing(document.data, sink)
    try:
        with warnings.catch_warnings(action="ignore"), _opened(document.data) as image:
            _read_metadata(document.data, image, sink)
            _read_frames(document.data, image, sink)
    except UnidentifiedImageError as error:
        raise UnreadableError("damaged or unknown image format") from error
    except MemoryError as error:
        raise LimitReachedError("image too large") from error
    except PILLOW_ERRORS as error:
        raise UnreadableError("damaged") from error


def read_thumbnail(path: str, data: bytes, sink: Sink) -> bool:
    """Read the metadata of the first page's thumbnail in an Office package; return whether it is one.

    Its letters are too small to be read, and the document contains them as text.
    """
    return _THUMBNAIL.fullmatch(path) is not None and read_preview(data, sink, THUMBNAIL_SIZE)


def read_preview(data: bytes, sink: Sink, largest: int = PREVIEW_SIZE) -> bool:
    """Read the metadata of an image that a program made of a document; return whether it is as small as a preview."""
    try:
        with warnings.catch_warnings(action="ignore"), _opened(data) as image:
            if max(image.size) > largest:
                return False
            _read_metadata(data, image, sink)
    except (*PILLOW_ERRORS, MemoryError):
        return False
    _read_trailing(data, sink)
    return True


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)


def _read_frames(data: bytes, image: Image.Image, sink: Sink) -> None:
    pages = "page" if image.format == "TIFF" else "frame"
    for number in range(sink.budget.limits.pdf_pages):
        sink.budget.check_time()
        try:
            image.seek(number)
        except EOFError:
            return
        width, height = image.size
        place = f"{pages} {number + 1}" if getattr(image, "is_animated", False) else ""
        ocr.current.read(width, height, partial(_pixels, data, image, number, sink), sink, place)
        # The next frame of an animation is drawn over this one, so it is too large if this one is.
        if width * height > ocr.current.limits.pixels or not _has_more_pictures(image):
            return
    sink.limited("too many frames")


def _has_more_pictures(image: Image.Image) -> bool:
    """Return whether to look for another frame. An MPO file's further images are smaller copies of its first."""
    return image.format != "MPO" and hasattr(image, "n_frames")


def _pixels(data: bytes, image: Image.Image, number: int, sink: Sink) -> Pixels:
    """Decode the current frame of `image`; for a truncated image, use the existing rows."""
    try:
        image.draft("L", image.size)  # a JPEG is decoded without its colours
        image.load()
    except PILLOW_ERRORS as error:
        sink.limited("damaged")
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image = _opened(data)
            image.seek(number)
            image.load()
        except PILLOW_ERRORS:
            raise UnreadableError("damaged") from error
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    x, y = (float(value) for value in image.info.get("dpi", (0, 0)))
    grey = _grey(image)
    is_single = image.format in _SINGLE and getattr(image, "n_frames", 1) == 1
    if is_single and grey is not image:
        image.close()  # its colours need four times the memory of the grey pixels
    if x > 0 and y > 0 and max(x, y) > SQUARE * min(x, y):
        dots = max(x, y)
        grey = grey.resize((round(grey.width * dots / x), round(grey.height * dots / y)))
        x = dots
    pixels = Pixels(grey.width, grey.height, grey.tobytes(), round(x) if 70 <= x <= 1_200 else 0)
    if is_single:
        image.close()
    return pixels


def _grey(image: Image.Image) -> Image.Image:
    """Return an image upright and in mode "L", transparent parts in contrast to letters: itself if it is so already."""
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # or it would be copied
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        return scaled(image)
    if "A" in image.mode or "transparency" in image.info:
        image = _on_background(image)
    return image if image.mode == "L" else image.convert("L")


def scaled(image: Image.Image) -> Image.Image:
    """Return an image with more than 8 bits per pixel in mode "L", its darkest value black and its lightest white.

    Image.convert() of Pillow makes all values above 255 white instead: a scan with 16 bits becomes a blank page.
    """
    values = image.convert("F")  # getextrema() does not know the modes of TIFF files in the byte order of a Mac
    low, high = cast(tuple[float, float], values.getextrema())
    scale = 255 / max(high - low, 1)
    return values.point(lambda value: value * scale - low * scale).convert("L")


def _on_background(image: Image.Image) -> Image.Image:
    """Put a transparent image on white, or on black if its opaque parts are mostly white.

    If its transparent parts have colours that could be letters, the image without transparency is added below it:
    programs differ in what they show, and a receiver can see both.
    """
    if image.mode != "RGBA":
        image = image.convert("LA")
    grey, alpha = image.convert("L"), image.getchannel("A")
    if alpha.getextrema()[0] == _OPAQUE:
        return grey
    histogram = grey.histogram(alpha.point(lambda value: 255 if value > 127 else 0))
    bright = sum(histogram[128:]) > sum(histogram[:128])
    background = Image.new("L", grey.size, 0 if bright else 255)
    background.paste(grey, mask=alpha)
    shown = alpha.histogram()
    # Letters have a border of pixels in part transparent, few of them almost so.
    faint = _FAINT if sum(shown[1:_FAINT]) > sum(shown[_FAINT:_OPAQUE]) else 1
    hidden = grey.histogram(alpha.point(lambda value: 255 if value < faint else 0))
    shades = [shade for shade, count in enumerate(hidden) if count]
    if not shades or shades[-1] - shades[0] < ocr.BLANK_CONTRAST:
        return background
    both = Image.new("L", (grey.width, 2 * grey.height))
    both.paste(background, (0, 0))
    both.paste(grey, (0, grey.height))
    return both


def _read_metadata(data: bytes, image: Image.Image, sink: Sink) -> None:
    seen: set[str] = set()
    try:
        for text in _metadata(data, image, sink):
            cleaned = _CONTROLS.sub(" ", text).strip()
            if cleaned and cleaned not in seen:
                seen.add(cleaned)
                sink.text(cleaned, PLACE)
                blocks.read(text, sink)
    except PILLOW_ERRORS:
        sink.limited("damaged image properties")


def _metadata(data: bytes, image: Image.Image, sink: Sink) -> Iterator[str]:
    """Yield the texts of an image's metadata, in any block."""
    if data.startswith(_PNG_SIGNATURE):
        # Pillow would first decode the complete image.
        yield from _png_texts(data, sink)
        yield from other_blocks.texts(data)
        return
    yield from _exif_texts(image.getexif())
    comment = image.info.get("comment")
    if comment:
        yield comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
    xmp = image.info.get("xmp")
    if xmp:
        yield from xmp_text(xmp.encode() if isinstance(xmp, str) else xmp)
    iptc = IptcImagePlugin.getiptcinfo(cast(ImageFile.ImageFile, image)) or {}
    for values in iptc.values():
        for value in values if isinstance(values, list) else [values]:
            yield value.decode("utf-8", "replace")
    yield from other_blocks.texts(data)


def _exif_texts(exif: Image.Exif) -> Iterator[str]:
    """Yield strings of the EXIF directories (CIPA DC-008), including UserComment and Windows' own tags."""
    directories = [exif, exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)]
    for directory in directories:
        for tag, value in directory.items():
            if isinstance(value, str):
                yield value
            elif isinstance(value, bytes) and tag in _XP_TAGS:
                yield value.decode("utf-16-le", "replace")
            elif isinstance(value, bytes) and tag == ExifTags.Base.UserComment and value[:8] in _COMMENT_CODES:
                yield value[8:].decode(_COMMENT_CODES[value[:8]], "replace")


def _png_texts(data: bytes, sink: Sink) -> Iterator[str]:
    """Yield the text chunks of a PNG (ISO/IEC 15948, 11.3.4), including those after the pixels."""
    position = len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += 12 + length
        if kind == b"tEXt":
            yield body.replace(b"\0", b": ", 1).decode("latin-1")
        elif kind == b"zTXt":
            key, _, packed = body.partition(b"\0")
            yield f"{key.decode('latin-1')}: {_inflated(packed[1:], sink).decode('latin-1')}"
        elif kind == b"iTXt":
            yield from _international_text(body, sink)
        elif kind == b"eXIf":
            exif = Image.Exif()
            exif.load(body)
            yield from _exif_texts(exif)
        elif kind == b"IEND":
            return


def _international_text(body: bytes, sink: Sink) -> Iterator[str]:
    key, _, rest = body.partition(b"\0")
    packed, (_language, _, rest) = rest[:1] == b"\1", rest[2:].partition(b"\0")
    translated, _, text = rest.partition(b"\0")
    if packed:
        text = _inflated(text, sink)
    if key == b"XML:com.adobe.xmp":
        yield from xmp_text(text)
    else:
        yield f"{(translated or key).decode('utf-8', 'replace')}: {text.decode('utf-8', 'replace')}"


def _inflated(packed: bytes, sink: Sink) -> bytes:
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(packed, TEXT_BYTES)
    except zlib.error:
        sink.limited("damaged image comment")
        return b""
    if inflate.unconsumed_tail:
        sink.limited("image comment too large")
    return text


def _read_trailing(data: bytes, sink: Sink) -> None:
    """Pass on data after the end of a PNG or JPEG, which may be a document."""
    if data.startswith(_PNG_SIGNATURE):
        end = data.find(b"IEND", len(_PNG_SIGNATURE)) + 8
    elif data.startswith(b"\xff\xd8"):
        end = _jpeg_end(data)
    else:
        return
    if end >= 8 and len(data[end:].strip(b"\0 \r\n")) > TRAILING_BYTES:
        sink.embedded(data[end:], "after the image")


def _jpeg_end(data: bytes) -> int:
    """Return where a JPEG ends (ITU-T T.81, B.1.1): segments have lengths, pixels end at the next marker."""
    position = 2
    while marker := _JPEG_MARKER.search(data, position):
        position = marker.end()
        kind = data[position - 1]
        if kind == _JPEG_END:
            return position
        if kind > 1:
            position += int.from_bytes(data[position : position + 2], "big")
    return -1


def _is_bitmap(data: bytes) -> bool:
    if data.startswith(b"BM"):
        return data[14:18] in _BITMAP_HEADERS and len(data) > 26
    return _is_bare_bitmap(data)


def _is_bare_bitmap(data: bytes) -> bool:
    """Recognise by its fixed fields a bitmap without a file header, as clipboards and OLE objects have it."""
    if len(data) < 40 or data[:4] not in _BITMAP_HEADERS - {b"\x0c\0\0\0"}:
        return False
    width, height, planes, bits, packing = struct.unpack_from("<iiHHI", data, 4)
    plain = planes == 1 and bits in (1, 4, 8, 16, 24, 32) and packing <= 6
    return plain and 0 < width <= _LONGEST_SIDE and 0 < abs(height) <= _LONGEST_SIDE


FORMAT = Format(
    kind="image",
    read=read,
    claims=images.of_image,
    holds="images: metadata, QR and bar codes, and text by OCR",
    read_by="Pillow, zxing-cpp, Tesseract",
    unread="text in images while OCR is off (`image not read`); handwriting",
    signatures=(
        (0, b"\x89PNG\r\n\x1a\n"),
        (0, b"\xff\xd8\xff"),
        (0, b"GIF8"),
        (0, b"II*\0"),
        (0, b"MM\0*"),
        (8, b"WEBP"),
        (0, b"\0\0\0\x0cjP  "),
        (0, b"\xff\x4f\xff\x51"),
        (0, b"\0\0\1\0"),  # icon
        (0, b"P4\n"),  # Netpbm
        (0, b"P5\n"),
        (0, b"P6\n"),
        (4, b"ftypavif"),  # ISO/IEC 23000-22
    ),
    recognise=_is_bitmap,
    extensions="png jpg jpeg gif tif tiff bmp webp",
    types="image/png image/jpeg image/gif image/tiff image/bmp image/webp",
)
