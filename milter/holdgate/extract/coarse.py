"""Detects images without fine detail: if they contain a code, its modules are large.

A row through a code whose modules are narrower than four pixels has a step in shade every few pixels, and so has a
column if the code is turned. A map or a chart has hardly any. A reader of codes takes a quarter of the time for such an
image in half the size, and large modules are as legible there. Pillow does the work, in C.
"""

from PIL import Image, ImageChops

from holdgate.extract.grain import mapped

_SPAN = 64
"""The number of pixels of a row or column in which steps are counted."""
_FEW = 7
"""Each of 387 codes of all kinds, turned, blurred or pale, that half the size makes illegible has ten or more."""
_STEPS = [255 if step >= 4 else 0 for step in range(256)]
_STRIP = 256


def is_coarse(picture: Image.Image) -> bool:
    """Return whether an image in mode "L" has few steps everywhere. Most others are decided in the first strip."""
    width, height = picture.size
    if min(width, height) < _STRIP:
        return False
    tops = (*range(0, height - _STRIP, _STRIP - _SPAN), height - _STRIP)
    return not any(_has_detail(picture.crop((0, top, width, top + _STRIP))) for top in tops)


def _has_detail(strip: Image.Image) -> bool:
    half = _SPAN // 2
    for right, down in ((1, 0), (0, 1)):
        steps = mapped(ImageChops.difference(strip, ImageChops.offset(strip, right, down)), _STEPS)
        halves = steps.reduce((half, 1) if right else (1, half))
        spans = ImageChops.add(halves, ImageChops.offset(halves, -right, -down), scale=2)
        _, most = spans.getextrema()
        if most * _SPAN > _FEW * 255:  # type: ignore[operator]
            return True
    return False
