"""Whether a picture is nothing but grain: neighbouring pixels that have nothing to do with each other.

A reader of codes finds the beginning of one everywhere in grain, and takes ten times as long as for a photograph. A
code of any kind has modules or bars: somewhere in it pixels are like their neighbours, or are all black or white. A
picture is grain only if no tile of it has that. Pillow does the work, in C; most pictures end it in the first strip.
"""

from PIL import Image, ImageChops

SMALLEST = 8_000
"""A picture with fewer pixels is never called grain: it costs little, and a code may be all of it."""
_STRIP = 64
_TILE, _LARGE_TILE = 8, 16
# So far apart, in pixels, two of a code have no more to do with each other than two of grain.
_FAR = 11
_ALIKE = [255 if step <= 32 else 0 for step in range(256)]
_BLACK_OR_WHITE = [255 if shade < 64 or shade >= 192 else 0 for shade in range(256)]
# Of the pixels of a tile: grain of all shades has half in the first, and fewer in the second.
_MOSTLY, _MANY = round(0.8 * 255), round(0.55 * 255)
# Steps to the next pixel are this much smaller than those to one far away, where pixels belong together.
_SMALLER = [round(0.72 * step) for step in range(256)]


def is_grain(picture: Image.Image) -> bool:
    """Say whether no part of a picture in mode "L" can be a code."""
    width, height = picture.size
    if width * height < SMALLEST or min(width, height) < _STRIP:
        return False
    right = width // _LARGE_TILE * _LARGE_TILE  # what is left of a tile is narrower than a code
    tops = (*range(0, height - _STRIP, _STRIP), height - _STRIP)
    return not any(_has_order(picture.crop((0, top, right, top + _STRIP))) for top in tops)


def _has_order(strip: Image.Image) -> bool:
    if _most(strip.point(_BLACK_OR_WHITE), _TILE) >= _MOSTLY:
        return True
    for right, down in ((1, 0), (0, 1)):
        near = _steps(strip, right, down)
        if _most(near.point(_ALIKE), _TILE) >= _MANY:
            return True
        far = _steps(strip, right * _FAR, down * _FAR).reduce(_LARGE_TILE)
        if _most(ImageChops.subtract(far.point(_SMALLER), near.reduce(_LARGE_TILE)), 1):
            return True
    return False


def _steps(strip: Image.Image, right: int, down: int) -> Image.Image:
    return ImageChops.difference(strip, ImageChops.offset(strip, right, down))


def _most(map_: Image.Image, tile: int) -> float:
    """Return the largest mean of a tile."""
    return float(map_.reduce(tile).getextrema()[1])  # type: ignore[arg-type]
