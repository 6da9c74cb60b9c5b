"""Detects images that are only grain: neighbouring pixels are unrelated.

A reader of codes finds the beginning of a code everywhere in grain, and takes ten times as long as for a photograph.
Any code has modules or bars: somewhere in it, pixels are like their neighbours, or all black or white. An image is
grain only if no tile of it has that. Pillow does the work, in C; most images are decided in the first strip.
"""

from PIL import Image, ImageChops

SMALLEST = 8_000
"""An image with fewer pixels is never treated as grain: it takes little time, and may be nothing but a code."""
_STRIP = 64
_TILE, _LARGE_TILE = 8, 16
# At this distance in pixels, two pixels of a code are as unrelated as two of grain.
_FAR = 11
_ALIKE = [255 if step <= 32 else 0 for step in range(256)]
_BLACK_OR_WHITE = [255 if shade < 64 or shade >= 192 else 0 for shade in range(256)]
# Shares of a tile's pixels: grain of all shades has half in the first, and fewer in the second.
_MOSTLY, _MANY = round(0.8 * 255), round(0.55 * 255)
# Where pixels are related, differences to the next pixel are smaller by this factor than those to a distant one.
_SMALLER = [round(0.72 * step) for step in range(256)]


def is_grain(picture: Image.Image) -> bool:
    """Return whether no part of an image in mode "L" can be a code."""
    width, height = picture.size
    if width * height < SMALLEST or min(width, height) < _STRIP:
        return False
    right = width // _LARGE_TILE * _LARGE_TILE  # the rest of a tile is narrower than a code
    tops = (*range(0, height - _STRIP, _STRIP), height - _STRIP)
    return not any(_has_order(picture.crop((0, top, right, top + _STRIP))) for top in tops)


def mapped(picture: Image.Image, table: list[int]) -> Image.Image:
    """Return what `Image.point` does with 256 integers; it rounds them each time, which takes 20 µs."""
    return picture._new(picture.im.point(table, None))


def _has_order(strip: Image.Image) -> bool:
    if _most(mapped(strip, _BLACK_OR_WHITE), _TILE) >= _MOSTLY:
        return True
    for right, down in ((1, 0), (0, 1)):
        near = _steps(strip, right, down)
        if _most(mapped(near, _ALIKE), _TILE) >= _MANY:
            return True
        far = _steps(strip, right * _FAR, down * _FAR).reduce(_LARGE_TILE)
        if _most(ImageChops.subtract(mapped(far, _SMALLER), near.reduce(_LARGE_TILE)), 1):
            return True
    return False


def _steps(strip: Image.Image, right: int, down: int) -> Image.Image:
    return ImageChops.difference(strip, ImageChops.offset(strip, right, down))


def _most(map_: Image.Image, tile: int) -> float:
    """Return the largest mean of a tile."""
    return float(map_.reduce(tile).getextrema()[1])  # type: ignore[arg-type]
