"""Data of a complete PDF: properties, bookmarks, attachments, scripts, XFA forms, signatures, page labels."""

import ctypes
import hashlib
from dataclasses import dataclass, field

import pypdfium2.raw as pdfium

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.readers.pdf.pdf_calls import (
    Handle,
    byte_string,
    data,
    data_size,
    wide_string,
)
from holdgate.extract.reading import Sink

BOOKMARKS = 100_000
VERSIONS = 10_000

_PROPERTIES = (b"Title", b"Author", b"Subject", b"Keywords", b"Creator", b"Producer")
_FILE_ACTIONS = (pdfium.PDFACTION_LAUNCH, pdfium.PDFACTION_REMOTEGOTO)


@dataclass(slots=True)
class Strings:
    """Passes strings and files of one document to the sink; each is passed on only once by `add_new` and `add_file`."""

    sink: Sink
    seen: set[str] = field(default_factory=set)
    files: set[bytes] = field(default_factory=set)

    def add(self, text: str, place: str) -> None:
        """Pass on a string, even if it was passed on before."""
        text = text.strip("\0 \t\r\n")
        if text:
            self.seen.add(text)
            self.sink.text(text, place)

    def add_new(self, text: str, place: str) -> None:
        """Pass on a string unless the same one was passed on before."""
        text = text.strip("\0 \t\r\n")
        if text and text not in self.seen:
            self.add(text, place)

    def add_file(self, content: bytes, name: str, declared_type: str = "") -> None:
        """Pass on an embedded file unless the same bytes were passed on before."""
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if digest not in self.files:
            self.files.add(digest)
            self.sink.embedded(content, name, declared_type)


def read_properties(document: Handle, strings: Strings) -> None:
    """Pass on the document information dictionary (ISO 32000-1, 14.3.3); custom keys are read with the strings."""
    for key in _PROPERTIES:
        strings.add(wide_string(pdfium.FPDF_GetMetaText, document, key), "document properties")


def read_page_label(document: Handle, index: int, place: str, strings: Strings) -> None:
    """Pass on the label of a page (12.4.2) if it is more than its number."""
    label = wide_string(pdfium.FPDF_GetPageLabel, document, index)
    if label != str(index + 1):
        strings.add(label, f"{place}, label")


def read_bookmarks(document: Handle, strings: Strings) -> None:
    """Pass on titles and link targets of the outline (12.3.3); a circular outline is read once."""
    visited: set[int | None] = set()
    stack = [pdfium.FPDFBookmark_GetFirstChild(document, None)]
    while stack:
        bookmark = stack.pop()
        address = ctypes.cast(bookmark, ctypes.c_void_p).value
        if not bookmark or address in visited:
            continue
        visited.add(address)
        if len(visited) > BOOKMARKS:
            strings.sink.limited("too many bookmarks")
            return
        strings.sink.budget.check_time()
        strings.add(wide_string(pdfium.FPDFBookmark_GetTitle, bookmark), "bookmark")
        read_action(document, pdfium.FPDFBookmark_GetAction(bookmark), "bookmark", strings)
        stack.append(pdfium.FPDFBookmark_GetNextSibling(document, bookmark))
        stack.append(pdfium.FPDFBookmark_GetFirstChild(document, bookmark))


def read_action(document: Handle, action: Handle, place: str, strings: Strings) -> None:
    """Pass on the address or the file that an action opens (12.6.4)."""
    kind = pdfium.FPDFAction_GetType(action) if action else pdfium.PDFACTION_UNSUPPORTED
    if kind == pdfium.PDFACTION_URI:
        strings.add(byte_string(pdfium.FPDFAction_GetURIPath, document, action), place)
    elif kind in _FILE_ACTIONS:
        strings.add(byte_string(pdfium.FPDFAction_GetFilePath, action), place)


def read_attachments(document: Handle, strings: Strings) -> None:
    """Pass on the embedded files (7.11.4) of the document's name tree."""
    for index in range(pdfium.FPDFDoc_GetAttachmentCount(document)):
        strings.sink.budget.check_time()
        if attached := pdfium.FPDFDoc_GetAttachment(document, index):
            read_attachment(attached, "attachment", strings)


def read_attachment(attached: Handle, place: str, strings: Strings) -> None:
    """Pass on one embedded file with its name and description. Its size is checked before it is fetched."""
    budget = strings.sink.budget
    name = wide_string(pdfium.FPDFAttachment_GetName, attached)
    strings.add_new(name, place)
    strings.add_new(wide_string(pdfium.FPDFAttachment_GetDescription, attached), place)
    size = data_size(pdfium.FPDFAttachment_GetFile, attached)
    if size is None:
        strings.sink.limited("attached file not stored in the document")
        return
    if size > budget.limits.entry_bytes:
        raise LimitReachedError("member too large")
    budget.spend_bytes(size)
    content = data(pdfium.FPDFAttachment_GetFile, size, attached)
    strings.add_file(content, name, wide_string(pdfium.FPDFAttachment_GetSubtype, attached).lower())


def read_scripts(document: Handle, strings: Strings) -> None:
    """Pass on the scripts of the document's name tree (12.6.4.16) and report that it has some."""
    for index in range(pdfium.FPDFDoc_GetJavaScriptActionCount(document)):
        script = pdfium.FPDFDoc_GetJavaScriptAction(document, index)
        if not script:
            continue
        try:
            strings.sink.budget.check_time()
            if not index:
                strings.sink.signal("PDF with script")
            strings.add(wide_string(pdfium.FPDFJavaScriptAction_GetScript, script), "script")
        finally:
            pdfium.FPDFDoc_CloseJavaScriptAction(script)


def read_xfa(document: Handle, strings: Strings) -> None:
    """Pass on an XFA form (12.7.8): its packets are pieces of one XML document, which the XML reader reads."""
    packets = []
    for index in range(max(0, pdfium.FPDF_GetXFAPacketCount(document))):
        size = data_size(pdfium.FPDF_GetXFAPacketContent, document, index)
        if size:
            strings.sink.budget.spend_bytes(size)
            packets.append(data(pdfium.FPDF_GetXFAPacketContent, size, document, index))
    if packets:
        strings.add_file(b"".join(packets), "XFA form.xml", "application/xml")


def version_ends(document: Handle) -> list[int]:
    """Return the offsets at which the versions of an incrementally updated file (7.5.6) end, oldest first."""
    count = pdfium.FPDF_GetTrailerEnds(document, None, 0)
    ends = (ctypes.c_uint * min(count, VERSIONS))()
    pdfium.FPDF_GetTrailerEnds(document, ends, len(ends))
    return list(ends)


def read_signatures(document: Handle, strings: Strings) -> None:
    """Pass on the reasons of signatures (12.8.1); signer, place and contact are read with the strings."""
    for index in range(max(0, pdfium.FPDF_GetSignatureCount(document))):
        strings.sink.budget.check_time()
        if signature := pdfium.FPDF_GetSignatureObject(document, index):
            strings.add(wide_string(pdfium.FPDFSignatureObj_GetReason, signature), "signature")
