"""Plain text in any charset, and what older mailers put inside it: uuencode, yEnc, BinHex and OpenPGP blocks."""

from holdgate.extract import charset
from holdgate.extract.reading import Document, Sink


def read(document: Document, sink: Sink) -> None:
    """Hand over the text in its best reading, then each other plausible one."""
    first, *others = charset.readings(document.data, document.charset)
    sink.text(first)
    for other in others:
        sink.text(other, "in another charset")
