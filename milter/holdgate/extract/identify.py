"""Which reader a document needs: its content decides, by signatures and a look into containers.

The name and the declared type are only compared with what the content is; where they disagree, policy hears of it.
Unknown content without control bytes is `text`; the rest is `binary`, of which only strings are read.
"""

import io
import re
import struct

import olefile

from holdgate.extract.charset import wide_codec
from holdgate.extract.readers.openxml import office_xml
from holdgate.extract.reading import Document

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "pdf"),  # ISO 32000-2, 7.5.2
    (0, b"{\\rt", "rtf"),
    (0, b"\x78\x9f\x3e\x22", "tnef"),  # [MS-OXTNEF] 2.1.3.1
    (0, b"Rar!\x1a\x07", "archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "archive"),
    (0, b"\x1f\x8b\x08", "compressed"),  # gzip, RFC 1952
    (0, b"BZh", "compressed"),
    (0, b"\xfd7zXZ\x00", "compressed"),
    (0, b"\x28\xb5\x2f\xfd", "compressed"),  # Zstandard, RFC 8878
    (0, b"\x1f\x9d", "compressed"),  # compress
    (0, b"\x1f\xa0", "compressed"),
    (0, b"LZIP", "compressed"),
    (0, b"\x5d\x00\x00", "compressed"),  # LZMA alone, as xz(1) guesses it
    (0, b"\x04\x22\x4d\x18", "compressed"),  # LZ4 frame format 1.6
    (0, b"MSCF\0\0\0\0", "archive"),  # [MS-CAB] 2.1
    (0, b"!<arch>\n", "archive"),
    (0, b"070701", "archive"),  # cpio
    (0, b"070702", "archive"),
    (0, b"070707", "archive"),
    (0, b"\xc7\x71", "archive"),
    (0, b"xar!", "archive"),
    (2, b"-lh", "archive"),
    (257, b"ustar", "archive"),  # POSIX.1, pax
    (0x8001, b"CD001", "archive"),  # ECMA-119, 8.4
    (0, b"\x89PNG\r\n\x1a\n", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"GIF8", "image"),
    (0, b"II*\0", "image"),
    (0, b"MM\0*", "image"),
    (8, b"WEBP", "image"),
    (0, b"\0\0\0\x0cjP  ", "image"),
    (0, b"\xff\x4f\xff\x51", "image"),
    (0, b"\0\0\1\0", "image"),  # icon
    (0, b"P4\n", "image"),  # Netpbm
    (0, b"P5\n", "image"),
    (0, b"P6\n", "image"),
    (4, b"ftypavif", "image"),  # ISO/IEC 23000-22
    (40, b" EMF", "metafile"),  # [MS-EMF] 2.2.9
    (0, b"\xd7\xcd\xc6\x9a", "metafile"),  # [MS-WMF] 2.3.2.3
    (0, b"\1\0\x09\0\0\3", "metafile"),
    (0, b"\1\0\x09\0\0\1", "metafile"),
    (0, b"VCLMTF", "starview"),
    (0, b"\0\5\x16\7", "apple"),  # AppleDouble, RFC 1740
    (0, b"\0\5\x16\0", "apple"),  # AppleSingle
    (0, b"\0\0\0\1Bud1", "apple"),  # .DS_Store
    (0, b"Salted__", "encrypted"),  # openssl enc
    (0, b"-----BEGIN PGP MESSAGE-----", "encrypted"),  # RFC 9580, 6.2
)
"""Offset, bytes and kind of each signature."""

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""[MS-CFB] 2.2"""

# A stream that only one kind of compound file has, in lower case.
_OLE_STREAMS = (
    ("worddocument", "word"),
    ("workbook", "excel"),
    ("book", "excel"),
    ("powerpoint document", "powerpoint"),
    ("pp97_dualstorage", "powerpoint"),
    ("__properties_version1.0", "msg"),
)

TEXTUAL = frozenset({"text", "html", "xml", "csv", "message", "mbox", "calendar", "card"})
"""Kinds that are text whichever reader reads them: among them no name or type is a lie worth a signal."""

_BY_EXTENSION: dict[str, frozenset[str]] = {
    extension: frozenset(kinds.split())
    for extensions, kinds in (
        ("pdf ai", "pdf"),
        ("docx docm dotx dotm xlsx xlsm xltx xltm xlsb xlam pptx pptm potx potm ppsx ppsm", "ooxml ole"),
        ("odt ods odp odg odf ott ots otp", "odf"),
        ("fodt fods fodp", "office-xml"),
        ("doc dot", "word old-word rtf ole office-xml"),
        ("xls xlt xlm", "excel old-excel ole office-xml"),
        ("ppt pot pps", "powerpoint ole"),
        ("msg", "msg"),
        ("rtf", "rtf"),
        ("zip jar war epub", "zip"),
        ("7z rar cab iso tar cpio", "archive"),
        ("gz tgz bz2 tbz xz txz zst", "compressed"),
        ("png jpg jpeg gif tif tiff bmp webp", "image"),
        ("txt htm html csv tsv eml mbox log md json yml yaml ini ics vcf", "textual"),
        ("xml", "textual office-xml"),
    )
    for extension in extensions.split()
}

_BY_TYPE: dict[str, frozenset[str]] = {
    declared: frozenset(kinds.split())
    for types, kinds in (
        ("application/pdf", "pdf"),
        ("application/msword", "word old-word rtf ole office-xml"),
        ("application/vnd.ms-excel", "excel old-excel ole office-xml textual"),
        ("application/vnd.ms-powerpoint", "powerpoint"),
        ("application/rtf text/rtf", "rtf"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "ooxml ole"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "ooxml ole"),
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "ooxml ole"),
        ("application/zip application/x-zip-compressed", "zip"),
        ("application/x-7z-compressed application/vnd.rar application/x-tar", "archive"),
        ("application/gzip application/x-gzip", "compressed"),
        ("image/png image/jpeg image/gif image/tiff image/bmp image/webp", "image"),
        ("text/plain text/html text/csv text/calendar text/vcard message/rfc822", "textual"),
        ("text/xml application/xml", "textual office-xml"),
    )
    for declared in types.split()
}

# Sizes of a BMP file's second header.
_BITMAP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 108, 124)}
# Word 2 ([MS-DOC] has its magic numbers' successors) and BIFF2 to BIFF4, which are no compound files.
_OLD_OFFICE = {b"\x9b\xa5": "old-word", b"\x9c\xa5": "old-word", b"\xdb\xa5": "old-word"}
_OLD_OFFICE |= {b"\x09\x00": "old-excel", b"\x09\x02": "old-excel", b"\x09\x04": "old-excel"}
_EXECUTABLE = (b"MZ", b"\x7fELF")
_TEXT_BYTES = bytes(byte for byte in range(256) if byte >= 32 or byte in b"\t\n\r\f\b\x1b")
_MARKUP = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:(!doctype\s+html|html|head|body|meta|title|script|style|table|div|p|br"
                     rb"|font|span|a|img|h[1-6]|center|b|i|u|ul|ol)[\s>/]|(\?xml|!doctype|[a-z_][\w.-]*(?::[\w.-]+)?[\s>/]))",
                     re.IGNORECASE | re.DOTALL)  # fmt: skip
_HEADER = re.compile(
    rb"(?:from|to|cc|received|return-path|date|subject|message-id|mime-version|content-type|content-transfer-encoding"
    rb"|delivered-to|reply-to|sender|dkim-signature|authentication-results|x-[a-z-]+|resent-from)"
    rb":.*(?:\r?\n[ \t].*)*\r?\n",
    re.IGNORECASE,
)
_MBOX = re.compile(rb"From \S.{0,200}\d\d:\d\d.*\r?\n(?=[!-9;-~]+:)")


def identify(document: Document) -> str:
    """Return the kind of document, a key of the driver's table of readers."""
    data = document.data
    head = data[:8]
    if head[:2] == b"PK" and head[2:4] in (b"\x03\x04", b"\x05\x06", b"\x07\x08", b"00"):
        return zip_kind(data)
    if head == OLE:
        return ole_kind(data)
    for offset, signature, kind in SIGNATURES:
        if data.startswith(signature, offset):
            return kind
    if (
        head.startswith(b"BM")
        and len(data) > 26
        and struct.unpack_from("<I", data, 14)[0] in (12, 40, 52, 56, 108, 124)
    ):
        return "image"
    if head.startswith(_EXECUTABLE):
        return "zip" if zip_directory(data) else "binary"
    if is_tar(data):
        return "archive"
    if head[:2] == b"\x30\x82" and data[4:8] == b"\x02\x01\x03\x30":
        return "encrypted"  # PKCS #12, RFC 7292, 4
    if is_text(data):
        return text_kind(document)
    if head[:2] in _OLD_OFFICE:
        return _OLD_OFFICE[head[:2]]
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if document.declared_type in ("application/pkcs7-mime", "application/x-pkcs7-mime") or (
        head[:1] == b"\x30" and b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" in data[:64]
    ):
        return "pkcs7"
    if zip_directory(data):
        return "zip"
    return "binary"


def is_text(data: bytes) -> bool:
    """Tell text from binary by the control bytes in its first and last 4,000 bytes (at most 2 in 100 are text's)."""
    sample = data[:4_000] + data[-4_000:]
    if len(sample.translate(None, _TEXT_BYTES)) * 50 <= len(sample):
        return True
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if wide := wide_codec(data):
        text = data[:4_000].decode(wide, "replace")
        return sum(letter < " " and letter not in "\t\n\r\f" for letter in text) * 50 <= len(text)
    return False


def is_tar(data: bytes) -> bool:
    """Tell a tar file without a magic number by the checksum of its first header (POSIX.1, `pax`)."""
    header = data[:512]
    if len(header) < 512 or not header[0]:
        return False
    try:
        wanted = int(header[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    return wanted == sum(header[:148]) + 8 * 32 + sum(header[156:])


def text_kind(document: Document) -> str:
    """Return the kind of a text: markup, a message, a table or plain."""
    data = document.data
    declared, extension = document.declared_type, extension_of(document.name)
    head = data[:2_000]
    if wide := wide_codec(data):
        head = head.decode(wide, "replace").encode()
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe")
    if declared == "message/rfc822":
        return "message"
    if found := _MARKUP.match(head):
        if found[2] and office_xml.owns(data):
            return "office-xml"
        return "html" if found[1] or b"<html" in head.lower() or document.declared_type == "text/html" else "xml"
    if declared == "text/html" or extension in ("htm", "html"):
        return "html"
    if head.startswith(b"%PDF-") or b"\n%PDF-" in head:
        return "pdf"
    if _MBOX.match(head):
        return "mbox"
    if extension == "eml":
        return "message"
    if (first := _HEADER.match(head)) and _HEADER.match(head, first.end()) and declared != "text/plain":
        return "message"
    if head[:6].upper() == b"BEGIN:":
        start = head[:40].upper()
        if start.startswith((b"BEGIN:VCALENDAR", b"BEGIN:VCARD")):
            return "card" if b"VCARD" in start else "calendar"
    if declared == "text/csv" or extension in ("csv", "tsv"):
        return "csv"
    if b"-----BEGIN PGP MESSAGE-----" in head[:200]:
        return "encrypted"
    return "text"


def zip_kind(data: bytes) -> str:
    """Tell Office Open XML and OpenDocument from other zip files, by the names in the directory."""
    directory = zip_directory(data) or data[:4_000]
    if b"[Content_Types].xml" in directory or b"[content_types].xml" in directory.lower():
        return "ooxml"
    if data[30:38] == b"mimetype" and b"application/vnd.oasis.opendocument" in data[38:120]:
        return "odf"
    if b"content.xml" in directory and b"META-INF/manifest.xml" in directory:
        return "odf"
    return "zip"


def zip_directory(data: bytes) -> bytes:
    """Return the central directory of a zip file, b"" if it has none (APPNOTE.TXT 4.3.12 and 4.3.16)."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or end + 22 > len(data):
        return b""
    (size,) = struct.unpack_from("<I", data, end + 12)
    if size == 0xFFFFFFFF:
        size = end
    start = max(0, end - size)
    return (
        data[start:end] if data.startswith(b"PK\x01\x02", start) or size == end else data[max(0, end - 200_000) : end]
    )


def ole_kind(data: bytes) -> str:
    """Tell the kinds of compound files by a stream that only one of them has."""
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            names = {entry[0].lower() for entry in ole.listdir()}
    except Exception:  # olefile raises OSError, IndexError, struct.error, ... on damage
        names = set()
        for stream, kind in _OLE_STREAMS:
            if "".join(f"{letter}\0" for letter in stream).encode() in data.lower():
                return kind
    for stream, kind in _OLE_STREAMS:
        if stream in names:
            return kind
    return "ole"


def extension_of(name: str) -> str:
    """Return the extension of a file name in lower case, without the dot."""
    return name.rpartition(".")[2].strip().lower() if "." in name else ""


def mismatch(document: Document, kind: str) -> str:
    """Say in a few words how name or declared type disagree with the content, "" if they do not."""
    family = "textual" if kind in TEXTUAL else kind
    # AppleDouble has the name of the file that it belongs to.
    if family in ("encrypted", "pkcs7", "apple") or not document.data:
        return ""
    extension = extension_of(document.name)
    if family not in _BY_EXTENSION.get(extension, (family,)):
        return f"type mismatch: {family} named .{extension}"
    if family not in _BY_TYPE.get(document.declared_type, (family,)):
        return f"type mismatch: {family} declared {document.declared_type}"
    return ""
