"""Blacks out matches in images: words that OCR recognises, and codes. Metadata and animations are removed.

The image keeps its format. A later inspection checks whether anything remains to be found.
"""

import io
import warnings
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageOps, ImageSequence

from holdgate.extract import codes, ocr
from holdgate.extract.ocr import OcrError, Pixels
from holdgate.extract.ocr_lines import with_digits
from holdgate.extract.readers.pictures.image import PILLOW_ERRORS, PILLOW_FORMATS, scaled
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Spans

# Once a place is black, OCR may read another line differently.
_ROUNDS = 3
_MARGIN = 0.2
"""How far a black box extends beyond its word, as a share of the word's height."""
_OPTIONS: dict[str, dict[str, object]] = {
    "PNG": {"optimize": True},
    "JPEG": {"quality": 90},
    "TIFF": {"compression": "tiff_deflate"},
    "WEBP": {"quality": 90},
    "BMP": {},
    "GIF": {},
}
_PAGES = 200


def rewrite(data: bytes, name: str, spans: Spans) -> bytes:
    """Return an image with all matches blacked out. Raises RefusedError."""
    out = io.BytesIO()
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as image:
            kind = "JPEG" if image.format == "MPO" else image.format or ""
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            if kind not in _OPTIONS or frames > (_PAGES if kind == "TIFF" else 1):
                raise RefusedError(name, "format")
            if image.width * image.height > ocr.current.limits.pixels:
                raise RefusedError(name, "too long")
            pages = [blacked(_plain(page), spans) for page in ImageSequence.Iterator(image)][:frames]
            more = {"save_all": True, "append_images": pages[1:]} if len(pages) > 1 else {}
            pages[0].save(out, kind, **_OPTIONS[kind], **more)
    except OcrError as error:
        raise RefusedError(name, "not read") from error
    except (*PILLOW_ERRORS, MemoryError) as error:
        raise RefusedError(name, "format") from error
    return out.getvalue()


def blacked(image: Image.Image, spans: Spans, places: Iterable[tuple[int, int, int, int]] = ()) -> Image.Image:
    """Return an image with the boxes `places` and all visible words of matches black, and codes with matches white.

    Without an OCR engine only codes are read. Raises OcrError.
    """
    image = image.copy()
    draw = ImageDraw.Draw(image)
    black = tuple(0 for _ in image.getbands())
    for box in places:
        draw.rectangle(box, fill=black)
    white = tuple(255 for _ in image.getbands())
    for code in codes.codes_in(image.convert("L")):
        if spans(code.text):
            draw.rectangle(code.box, fill=white)
    for _ in range(_ROUNDS):
        found = _words(image.convert("L"), spans)
        for left, top, right, bottom in found:
            margin = round(_MARGIN * (bottom - top)) + 1
            draw.rectangle((left - margin, top - margin, right + margin, bottom + margin), fill=black)
        if not found:
            break
    return image


def _words(grey: Image.Image, spans: Spans) -> list[tuple[int, int, int, int]]:
    """Return the boxes of the words that a match touches, as OCR reads the image now."""
    engine, limits = ocr.current.engine, ocr.current.limits
    if engine is None or not limits.may_hold_text(grey.width, grey.height):
        return []
    rows = engine.rows(Pixels(grey.width, grey.height, grey.tobytes()), limits.seconds)
    text, words = "", []
    for row in rows:
        start = len(text)
        for word in row:
            words.append((len(text), len(text) + len(word.text), word))
            text += word.text + " "
        text = text[:start] + with_digits(text[start:]) + "\n"
    hits: dict[tuple[int, int, int, int], None] = {}
    for start, end in spans(text):
        for first, last, word in words:
            if first < end and last > start:
                hits[(word.left, word.top, word.right, word.bottom)] = None
    return list(hits)


def _plain(image: Image.Image) -> Image.Image:
    """Return an image upright, without palette and metadata, in grey or colours."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("L", "RGB"):
        plain = upright
    elif upright.mode == "1":
        plain = upright.convert("L")
    elif upright.mode.startswith(("I", "F")):
        plain = scaled(upright)
    elif "A" in upright.mode or "transparency" in upright.info:
        coloured = upright.convert("RGBA")
        plain = Image.new("RGB", coloured.size, (255, 255, 255))
        plain.paste(coloured, mask=coloured.getchannel("A"))
    else:
        plain = upright.convert("RGB")
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    return bare
