"""OCR by Tesseract (tesserocr) with Debian's language data; the only user of tesserocr.

Only raw grey pixels go in: the image decoders bundled with tesserocr are old and stay unused. Each image is read twice:
with the page's layout, and as one block, in which the lines of lists and tables stay together. Print that is much
 larger or smaller than Tesseract was trained for is read once more in that size.
"""

import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from holdgate.extract.ocr import OcrError, Pixels, image_of, language_data, missing_languages, package_of
from holdgate.extract.ocr_lines import Word, height_of, lines_of, merged, rows_of

# On one page threads cost more time than they save, and a confined worker cannot start any. OpenMP reads this at load.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

import tesserocr

_ASSUMED_DPI = 200
_BEST_HEIGHT = 25
"""Height in pixels at which words are recognised best; measured by `script/bench pdf ocr`."""
_GOOD_HEIGHTS = range(18, 36)
_LEAST_SCALE, _MOST_SCALE = 0.1, 3.0
_MOST_PIXELS = 12_000_000
"""An image is not enlarged beyond this."""
# The inverse rotation for an image turned clockwise by this many quarter turns (Tesseract's Orientation).
_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
# Stripes at an impossible resolution: on first use, Tesseract loads orientation data and opens the target of its
# warnings (/dev/null), which a confined worker could not do.
_SAMPLE = Pixels(400, 120, bytes(255 if column // 20 % 2 else 0 for column in range(400)) * 120, dpi=1)


_WORD = tesserocr.RIL.WORD


@dataclass(slots=True)
class _Reading:
    """The result of one reading: text, words with their boxes, and the number of words by their quarter turns."""

    text: str
    words: list[Word] = field(default_factory=list)
    turns: Counter[int] = field(default_factory=Counter)

    @property
    def quarters(self) -> int:
        """The number of clockwise quarter turns of most words."""
        return max(self.turns, key=self.turns.__getitem__, default=0)


class TesseractEngine:
    """Tesseract with the languages of a site; orientation is detected, so that rotated pages are read."""

    def __init__(self, languages: Sequence[str] = ("deu", "eng"), share: Path = Path("/usr/share")) -> None:
        """Load language data and what Tesseract would load later. Raises OcrError with a missing package's name."""
        for language in missing_languages(languages, share):
            raise OcrError(f"no Tesseract data for {language}: install {package_of(language)}")
        self._api = tesserocr.PyTessBaseAPI(
            path=str(language_data(share)),
            lang="+".join(languages),
            oem=tesserocr.OEM.LSTM_ONLY,
        )
        self.recognise(_SAMPLE, 10.0)

    def recognise(self, pixels: Pixels, seconds: float) -> str:
        """Return the text of an image: the first reading, then the lines that further readings add.

        Raises OcrError; its `text` is what had been read.
        """
        end = time.monotonic() + seconds
        first = self._read(pixels, tesserocr.PSM.AUTO_OSD, end)
        quarters = first.quarters
        rows = lines_of(_turned(word, pixels, quarters) for word in first.words)
        try:
            block = self._read(_upright(pixels, quarters), tesserocr.PSM.SINGLE_BLOCK, end)
            others = [rows, block.text.splitlines()]
            height = round(height_of(block.words))
            if height and height not in _GOOD_HEIGHTS and (scaled := _scaled(pixels, quarters, height)):
                others.append(self._read(scaled, tesserocr.PSM.SINGLE_BLOCK, end).text.splitlines())
        except OcrError as error:
            raise OcrError(str(error), merged(first.text, rows)) from error
        return merged(first.text, *others)

    def rows(self, pixels: Pixels, seconds: float) -> list[list[Word]]:
        """Return the words of each line that each reading gives, with their boxes in `pixels`. Raises OcrError."""
        end = time.monotonic() + seconds
        words = self._read(pixels, tesserocr.PSM.AUTO_OSD, end)
        quarters = words.quarters
        upright = _upright(pixels, quarters)
        readings = [([_turned(word, pixels, quarters) for word in words.words], 1.0)]
        block = self._read(upright, tesserocr.PSM.SINGLE_BLOCK, end)
        readings.append((block.words, 1.0))
        height = round(height_of(block.words))
        if height and height not in _GOOD_HEIGHTS and (scaled := _scaled(pixels, quarters, height)):
            larger = self._read(scaled, tesserocr.PSM.SINGLE_BLOCK, end)
            readings.append((larger.words, scaled.width / upright.width))
        return [
            [_turned(_sized(word, scale), upright, -quarters % 4) for word in row]
            for found, scale in readings
            for row in rows_of(found)
        ]

    def _read(self, pixels: Pixels, layout: int, end: float) -> _Reading:
        """Read pixels once, until `end` on the monotonic clock. Raises OcrError."""
        api = self._api
        try:
            api.SetPageSegMode(layout)
            api.SetImageBytes(pixels.data, pixels.width, pixels.height, 1, pixels.width)
            api.SetSourceResolution(pixels.dpi or _ASSUMED_DPI)
            if not api.Recognize(max(1, int((end - time.monotonic()) * 1_000))):
                raise OcrError("time limit")
            reading = _Reading(api.GetUTF8Text().strip())
            found = api.GetIterator()
            for word in tesserocr.iterate_level(found, _WORD) if found is not None else ():
                if not word.Empty(_WORD):
                    reading.words.append(Word(word.GetUTF8Text(_WORD), *word.BoundingBox(_WORD)))
                    reading.turns[int(word.Orientation()[0])] += 1
        except RuntimeError as error:
            raise OcrError("not recognised") from error
        finally:
            api.Clear()
        return reading


def _upright(pixels: Pixels, quarters: int) -> Pixels:
    """Return pixels with quarter turns undone."""
    if not quarters:
        return pixels
    image = image_of(pixels).transpose(_TURNS[quarters])
    return Pixels(image.width, image.height, image.tobytes(), pixels.dpi)


def _scaled(pixels: Pixels, quarters: int, height: float) -> Pixels | None:
    """Return upright pixels in the size at which words of `height` are recognised best; None if too many."""
    scale = min(max(_BEST_HEIGHT / height, _LEAST_SCALE), _MOST_SCALE)
    if pixels.width * pixels.height * scale**2 > max(_MOST_PIXELS, pixels.width * pixels.height):
        return None
    upright = image_of(_upright(pixels, quarters))
    size = max(1, round(upright.width * scale)), max(1, round(upright.height * scale))
    image = upright.resize(size, Image.Resampling.LANCZOS)
    return Pixels(image.width, image.height, image.tobytes())


def _sized(word: Word, scale: float) -> Word:
    """Return a word with its box in the image before it was enlarged by `scale`."""
    if scale == 1:
        return word
    left, top = int(word.left / scale), int(word.top / scale)
    return Word(word.text, left, top, math.ceil(word.right / scale), math.ceil(word.bottom / scale))


def _turned(word: Word, pixels: Pixels, quarters: int) -> Word:
    """Return a word with its box after the page's quarter turns are undone."""
    left, top, right, bottom = word.left, word.top, word.right, word.bottom
    if quarters == 1:
        left, top, right, bottom = top, pixels.width - right, bottom, pixels.width - left
    elif quarters == 2:
        left, top, right, bottom = (
            pixels.width - right, pixels.height - bottom, pixels.width - left, pixels.height - top
        )  # fmt: skip
    elif quarters == 3:
        left, top, right, bottom = pixels.height - bottom, left, pixels.height - top, right
    return Word(word.text, left, top, right, bottom)
