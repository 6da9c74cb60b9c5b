"""Text in images: which images can contain text, the limits for reading them, and the engine that reads them.

Readers pass pixels to `current`. Without an engine, it reports images large enough for a document as `image not read`;
with one, it adds their text. The engine can run in this process (`extract.tesseract`) or behind a socket: only width,
height and grey pixels are sent, and text is returned.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from PIL import Image

from holdgate.extract import codes
from holdgate.extract.budget import Budget
from holdgate.extract.legibility import may_hold_text
from holdgate.extract.ocr_lines import Word
from holdgate.extract.reading import Sink

NOT_READ = "image not read"
_REMEMBERED = 2_000
BLANK_CONTRAST = 24
"""Shades that differ by less are no letters."""
_SHARE = Path("/usr/share")


@dataclass(frozen=True, slots=True)
class OcrLimits:
    """The limits of OCR, and the images that it is for. Sizes in pixels, times in seconds.

    An image smaller than `smallest_width` by `smallest_height` is an icon, a line or a tracking pixel: text in it is
    not read, and that is not a limitation. The same applies to a photograph or a logo in which `legibility` finds no
    line of letters. If each of these made its mail `limited`, the status would be useless. For the same reason an image
    below `noticed_pixels`, such as a company name as a logo, is not a limitation while OCR is off; with OCR it is read.
    Pages of a PDF that show images of `noticed_pixels` or more in total, and no text, are scans.
    """

    pages: int = 20
    pixels: int = 40_000_000
    seconds: float = 10.0
    message_seconds: float = 60.0
    smallest_width: int = 100
    smallest_height: int = 30
    noticed_pixels: int = 60_000

    def may_hold_text(self, width: int, height: int) -> bool:
        """Return whether letters fit on an image, upright or turned."""
        return max(width, height) >= self.smallest_width and min(width, height) >= self.smallest_height


@dataclass(frozen=True, slots=True)
class Pixels:
    """An image for OCR: 8-bit grey, rows from the top without padding, at about `dpi` (0 if unknown)."""

    width: int
    height: int
    data: bytes
    dpi: int = 0


class OcrError(Exception):
    """The engine could not read an image, or not in time; `text` is what it had read."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.text = text


class OcrEngine(Protocol):
    """Converts pixels to text."""

    def recognise(self, pixels: Pixels, seconds: float) -> str:
        """Return the text of an image; raise OcrError if that takes longer than `seconds`, or fails."""

    def rows(self, pixels: Pixels, seconds: float) -> list[list[Word]]:
        """Return the words of each line with their boxes, once per reading; raise OcrError as `recognise` does."""


@dataclass(slots=True)
class Ocr:
    """Reads the images of a message with `engine`, or reports them as unread without one.

    Texts are cached by the hash of the pixels, because the same letterhead occurs in much mail.
    """

    engine: OcrEngine | None = None
    limits: OcrLimits = field(default_factory=OcrLimits)
    _texts: OrderedDict[bytes, str] = field(default_factory=OrderedDict)
    _budget: Budget | None = None
    _pages: int = 0
    _seconds: float = 0.0

    def read(
        self, width: int, height: int, pixels: Callable[[], Pixels], sink: Sink, place: str, *, scan: bool = False
    ) -> None:
        """Read an image of `width` by `height`; `pixels`, which can raise OcrError, is called only if needed.

        A `scan` is known to contain text. Codes are read without an engine, but not those in a scan.
        """
        if min(width, height) < codes.SMALLEST:
            return
        if width * height > self.limits.pixels or (scan and self.engine is None):
            sink.limited(NOT_READ)
            return
        try:
            picture = pixels()
            if is_blank(picture):
                return
            image = image_of(picture)
            if found := codes.codes_in(image, picture.data):
                for text in dict.fromkeys(code.text for code in found):
                    sink.text(text, f"{place}, code" if place else "code")
                image = codes.without(image, found)
            if not self._may_hold_text(width, height) or not (scan or may_hold_text(image)):
                return
            self._begin(sink.budget)
            if self.engine is None or self._exhausted():
                sink.limited(NOT_READ)
                return
            text = self._text(picture, sink)
        except OcrError as error:
            sink.limited(NOT_READ)
            text = error.text
        if text:
            sink.text(text, place)

    def _may_hold_text(self, width: int, height: int) -> bool:
        """Return whether text in an image of this size matters: without an engine, that in a logo does not."""
        noticed = self.engine is not None or width * height >= self.limits.noticed_pixels
        return noticed and self.limits.may_hold_text(width, height)

    def forget(self) -> None:
        """Clear the cache of texts: another engine may read other words."""
        self._texts.clear()

    def _begin(self, budget: Budget) -> None:
        """Start a message's time for OCR; a message is identified by its budget."""
        if self._budget is not budget:
            self._budget, self._pages, self._seconds = budget, 0, 0.0

    def _exhausted(self) -> bool:
        return self._pages >= self.limits.pages or self._seconds >= self.limits.message_seconds

    def _text(self, picture: Pixels, sink: Sink) -> str:
        assert self.engine is not None
        key = hashlib.blake2b(picture.data, digest_size=16, salt=picture.width.to_bytes(8, "big")).digest()
        if key in self._texts:
            self._texts.move_to_end(key)
            return self._texts[key]
        begun = time.monotonic()
        try:
            text = self.engine.recognise(picture, min(self.limits.seconds, self.limits.message_seconds - self._seconds))
        finally:
            self._pages += 1
            self._spend(time.monotonic() - begun, sink.budget)
        self._texts[key] = text
        if len(self._texts) > _REMEMBERED:
            self._texts.popitem(last=False)
        return text

    def _spend(self, seconds: float, budget: Budget) -> None:
        """Count the time of OCR separately; the clocks of part and message are paused."""
        self._seconds += seconds
        budget.deadline += seconds
        budget.part_deadline += seconds


def language_data(share: Path) -> Path | None:
    """Return the directory of Debian's language data for its newest Tesseract, or None."""
    return max(share.glob("tesseract-ocr/*/tessdata"), default=None)


def missing_languages(languages: Iterable[str], share: Path = _SHARE) -> list[str]:
    """Return which of `languages`, and of the data that is always needed (orientation), are missing here."""
    folder = language_data(share)
    wanted = (*languages, "osd")
    return [name for name in wanted if folder is None or not (folder / f"{name}.traineddata").is_file()]


def package_of(language: str) -> str:
    """Return the name of Debian's package with a language's data."""
    return f"tesseract-ocr-{language.replace('_', '-')}"


def is_blank(picture: Pixels) -> bool:
    """Return whether an image has no contrast that letters could have."""
    if not picture.data:
        return True
    low, high = cast(tuple[int, int], image_of(picture).getextrema())
    return high - low < BLANK_CONTRAST


def image_of(picture: Pixels) -> Image.Image:
    """Return an image as a Pillow image, without copying its pixels."""
    return Image.frombuffer("L", (picture.width, picture.height), picture.data, "raw", "L", 0, 1)


current = Ocr()
"""The instance that the readers of this process use. `configure` sets it before the first message."""


def configure(engine: OcrEngine | None, limits: OcrLimits) -> None:
    """Switch OCR on with `engine`, or off with None."""
    current.engine, current.limits = engine, limits
    current.forget()
