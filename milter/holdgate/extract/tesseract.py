"""OCR by Tesseract (tesserocr) with Debian's language data; the only user of tesserocr.

Only raw grey pixels go in: the image decoders bundled with tesserocr are old and stay unused.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from holdgate.extract.ocr import OcrError, Pixels, language_data, missing_languages, package_of

# Threads cost more than they bring on a page, and a confined worker cannot start any. OpenMP reads it when loaded.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

import tesserocr

_ASSUMED_DPI = 200
# Stripes at an impossible resolution: Tesseract loads orientation data, and opens where its warnings go (/dev/null),
# when it first needs them, which is too late in a confined worker.
_SAMPLE = Pixels(400, 120, bytes(255 if column // 20 % 2 else 0 for column in range(400)) * 120, dpi=1)


class TesseractEngine:
    """Tesseract with the languages of a site; orientation is detected, so that pages lying on their side are read."""

    def __init__(self, languages: Sequence[str] = ("deu", "eng"), share: Path = Path("/usr/share")) -> None:
        """Load language data and what Tesseract would load later. Raises OcrError naming a missing package."""
        for language in missing_languages(languages, share):
            raise OcrError(f"no Tesseract data for {language}: install {package_of(language)}")
        self._api = tesserocr.PyTessBaseAPI(
            path=str(language_data(share)),
            lang="+".join(languages),
            psm=tesserocr.PSM.AUTO_OSD,
            oem=tesserocr.OEM.LSTM_ONLY,
        )
        self.recognise(_SAMPLE, 10.0)

    def recognise(self, pixels: Pixels, seconds: float) -> str:
        """Return the text of a picture, lines as they stand."""
        api = self._api
        try:
            api.SetImageBytes(pixels.data, pixels.width, pixels.height, 1, pixels.width)
            api.SetSourceResolution(pixels.dpi or _ASSUMED_DPI)
            if not api.Recognize(max(1, int(seconds * 1_000))):
                raise OcrError("time limit")
            text: str = api.GetUTF8Text()
        except RuntimeError as error:
            raise OcrError("not recognised") from error
        finally:
            api.Clear()
        return text.strip()
