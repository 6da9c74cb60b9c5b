"""Drawings that are texts of pen movements: Gerber, G-code, HP-GL without labels, ReGIS, PSTricks with outlines.

The movements may draw letters: the text is read, and it is reported that the drawing is not. HP-GL with labels (LB) and
TeX with words are read as text.
"""

import re

from holdgate.extract.format import Format
from holdgate.extract.readers.texts import text
from holdgate.extract.reading import Document, Sink

NOT_READ = "drawing not read"
_HEAD = 4_000
_GERBER = re.compile(rb"%FS[LTD]?[AI]X\d\dY\d\d")  # Ucamco, The Gerber Layer Format Specification, 4.1
_HPGL = re.compile(
    rb"\s*(?:\x1b[^A-Za-z]{0,20}[A-Za-z]\s*)*(?:BP[^;\s]{0,20}[;\s]\s*)?(?:IN|DF)[;\s]\s*"
    rb"(?:[A-Z]{2}[-\d., ]*[;\s]\s*){3}"
)
_MOVE = re.compile(rb"^(?:N\d+[ \t]*)?G0?[0-3][ \t]*[XYZ][-+.\d]", re.MULTILINE)  # RS-274/NGC
_PEN = re.compile(rb"PD;?(?:PA|PR)?[-\d.]|PE[^;]{8}")
_REGIS = re.compile(rb"\x1bP\d*p")  # DEC, VT330/VT340 Programmer Reference Manual, volume 2
_MOVES, _OUTLINES = 20, 12


def read(document: Document, sink: Sink) -> None:
    """Pass on the text, and report that the drawing is not read."""
    sink.limited(NOT_READ)
    text.read(document, sink)


def _is_plot(data: bytes) -> bool:
    head = data[:_HEAD]
    if _GERBER.search(head):
        return True
    if _HPGL.match(head):
        return b"LB" not in data and len(_PEN.findall(data)) >= _MOVES
    if _REGIS.search(head):
        return data.count(b"V[") >= _OUTLINES
    if b"\\begin{pspicture}" in head:
        return data.count(b"\\closepath") >= _OUTLINES
    return len(_MOVE.findall(head)) >= _MOVES


FORMAT = Format(
    kind="plot",
    read=read,
    holds="drawings that are texts: Gerber, G-code, HP-GL, ReGIS, PSTricks",
    read_by="Holdgate",
    unread=f"what the pen draws (`{NOT_READ}`)",
    recognise=_is_plot,
    extensions="gbr gbx gtl gbl gko plt hpgl gcode nc ngc tex txt",
    textual=True,
)
