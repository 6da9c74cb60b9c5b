"""A sample picture, which the process that workers are forked from reads before the first fork."""

import io
import random

from PIL import ExifTags, Image

# Pixels of a side: enough to be searched for print.
_SIDE = 120


def picture() -> bytes:
    """Return a JPEG with metadata."""
    image = Image.frombytes("L", (_SIDE, _SIDE), random.Random(1).randbytes(_SIDE * _SIDE))
    metadata = Image.Exif()
    metadata.update({ExifTags.Base.Software: "Software", ExifTags.Base.XResolution: 72.0})
    target = io.BytesIO()
    image.save(target, "JPEG", exif=metadata)
    return target.getvalue()
