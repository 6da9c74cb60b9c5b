"""Formats that are recognised by their signature but have no reader: strings are read, and that is reported.

Without their own names, some of them would look like text (images written as source code or in white bytes), and no
policy could distinguish them from other data.
"""

import re
from collections.abc import Callable
from functools import partial

from holdgate.extract.format import Format
from holdgate.extract.readers.texts import binary
from holdgate.extract.reading import Document, Sink

_SIXEL = re.compile(rb"\s*\x1bP[\d;]{0,20}q")  # DEC STD 070, 9
_FOOTER = b"TRUEVISION-XFILE.\0"
_PCX_BITS = b"\1\2\4\x08"


def _read(what: str, document: Document, sink: Sink) -> None:
    """Pass on all strings, and report that no more was read."""
    sink.limited(f"{what}: only strings read")
    binary.read_strings(document.data, sink)


def _is_raster(data: bytes) -> bool:
    """Recognise images without a signature at their beginning: TGA by its end, others by their first fields."""
    if data.endswith(_FOOTER) or _SIXEL.match(data):
        return True
    if data[:1] == b"\x0a" and len(data) > 128 and data[1] in b"\0\2\3\4\5" and data[2] == 1 and data[3] in _PCX_BITS:
        return True
    head = data[:400].lstrip()
    return head.startswith(b"/* XPM */") or (head.startswith(b"#define ") and b"_width " in head and b"_bits[]" in head)


def _is_sound(document: Document) -> bool:
    """Recognise MPEG audio without a tag by two frame headers that agree (ISO/IEC 11172-3, 2.4.2.3)."""
    data = document.data
    return data[:1] == b"\xff" and len(data) > 1 and data[1] & 0xE6 == 0xE2 and data.count(data[:2], 2, 4_000) > 0


def _named(
    kind: str,
    what: str,
    holds: str,
    signatures: tuple[tuple[int, bytes], ...],
    extensions: str,
    recognise: Callable[[bytes], bool] | None = None,
    recognise_binary: Callable[[Document], bool] | None = None,
) -> Format:
    return Format(
        kind=kind,
        read=partial(_read, what),
        holds=holds,
        read_by="Holdgate",
        unread=f"everything but strings: `{what}: only strings read`",
        signatures=signatures,
        recognise=recognise,
        recognise_binary=recognise_binary,
        extensions=extensions,
    )


def _is_port(data: bytes) -> bool:
    """Recognise SPSS portable files, whose lines of 80 characters cut values (their name follows five splash lines)."""
    return b"SPSS PORT FILE" in data[:600]


FORMATS = (
    _named(
        "old-office",
        "old document",
        "WordPerfect, Lotus 1-2-3, Quattro Pro, spreadsheets, databases and old texts of Works",
        (
            (0, b"\xffWPC"),
            (0, b"\0\0\2\0\6\4\6\0"),
            (0, b"\0\0\2\0\4\4\6\0"),
            (0, b"\0\0\x1a\0\0\x10\4\0"),
            (0, b"\0\0\x1a\0\2\x10\4\0"),
            (0, b"\xff\0\2\0\4\4\5T"),
            (0, b"\x20T\2\0\0\0\5T\2\0"),  # Works database
            (0, b"\1\xfe\x32\3"),  # Works for DOS
        ),
        "wpd wp wk1 wk3 wk4 123 wks wb1 wdb wps",
    ),
    _named(
        "raster",
        "image",
        "images without a reader: HEIC, Photoshop, JPEG XL, JPEG XR, DjVu, TGA, PCX, DDS, SGI, QOI, ICNS, cursors, XBM,"
        " XPM, FITS, sixel",
        (
            (4, b"ftypheic"),  # ISO/IEC 23008-12
            (4, b"ftypheix"),
            (4, b"ftyphevc"),
            (4, b"ftypmif1"),
            (4, b"ftypmsf1"),
            (0, b"8BPS\0"),
            (0, b"\0\0\0\x0cJXL "),
            (0, b"\xff\x0a"),
            (0, b"II\xbc\1"),
            (0, b"AT&TFORM"),
            (0, b"DDS |\0\0\0"),
            (0, b"\1\xda"),
            (0, b"qoif"),
            (0, b"icns"),
            (0, b"\0\0\2\0"),
            (0, b"SIMPLE  ="),
            (0, b"BLP2"),
        ),
        "heic heif psd jxl jxr djvu tga pcx dds sgi qoi icns cur xbm xpm fits",
        recognise=_is_raster,
    ),
    _named(
        "media",
        "sound or film",
        "sound and film: MP3, MP4, QuickTime, Ogg, FLAC, WAV, AVI, Matroska, WebM, ASF, Flash, MIDI, AIFF",
        (
            (0, b"ID3\2"),
            (0, b"ID3\3"),
            (0, b"ID3\4"),
            (0, b"OggS\0"),
            (0, b"fLaC"),
            (8, b"WAVEfmt"),
            (8, b"AVI LIST"),
            (0, b"\x1aE\xdf\xa3"),
            (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
            (0, b"FLV\1"),
            (0, b"MThd\0\0"),
            (8, b"AIFF"),
            (8, b"AIFC"),
            (4, b"ftypisom"),
            (4, b"ftypiso"),
            (4, b"ftypmp4"),
            (4, b"ftypM4"),
            (4, b"ftypqt"),
            (4, b"ftyp3g"),
            (4, b"ftypdash"),
            (4, b"moov"),
        ),
        "mp3 mp4 m4a m4v mov ogg oga opus flac wav avi mkv webm wma wmv flv mid aiff",
        recognise_binary=_is_sound,
    ),
    _named(
        "cad",
        "drawing",
        "AutoCAD drawings (DWG, binary DXF)",
        ((0, b"AutoCAD Binary DXF\r\n"), *((0, b"AC10%d\0" % version) for version in (12, 14, 15, 18, 21, 24, 27, 32))),
        "dwg",
    ),
    _named("help", "help file", "compiled help: CHM, HLP", ((0, b"ITSF\3"), (0, b"?_\3\0")), "chm hlp"),
    _named(
        "onenote",
        "notebook",
        "OneNote sections and tables of contents",
        (
            (0, bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")),  # [MS-ONESTORE] 2.3.1
            (0, bytes.fromhex("a12fff43d9ef764c9ee210ea5722765f")),
        ),
        "one onetoc2",
    ),
    _named(
        "statistics",
        "table of a program",
        "tables of statistics programs and databases: SPSS, SAS, Stata, HDF5, ORC, Avro, Access",
        (
            (0, b"$FL2"),
            (0, b"$FL3"),
            (0, b"\x89HDF\r\n\x1a\n"),
            (0, b"Obj\1"),
            (0, b"<stata_dta>"),
            (0, b"\0" * 12 + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")),
            (0, b"HEADER RECORD*******LIBRARY HEADER RECORD"),
            (0, b"\0\1\0\0Standard Jet DB"),
            (0, b"\0\1\0\0Standard ACE DB"),
        ),
        "sav por sas7bdat xpt dta h5 hdf5 orc avro mdb accdb",
        recognise=_is_port,
        recognise_binary=lambda document: document.data.startswith(b"ORC"),
    ),
)
