"""PDFium's C functions in a form for Python: strings are returned as `str`, handles are closed, failures are None.

PDFium returns a string in two calls: the first, without a buffer, returns the needed number of bytes, the second fills
the buffer. Wide strings are UTF-16LE and end with a NUL (public/fpdf_doc.h, fpdf_annot.h of PDFium).
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2.raw as pdfium

STRING_BYTES = 20_000_000
"""Maximum size of a string of a PDF in bytes; the budget limits the text of a page instead."""

Handle = Any
"""A pointer from PDFium (a ctypes pointer of pypdfium2's generated bindings)."""


@contextmanager
def closing(handle: Handle, close: Callable[[Handle], object]) -> Iterator[Handle]:
    """Close a PDFium handle at the end of a block; None, PDFium's missing object, is yielded unchanged."""
    try:
        yield handle
    finally:
        if handle:
            close(handle)


def wide_string(function: Callable[..., int], *arguments: Any) -> str:
    """Call a function that fills (buffer, bytes) with UTF-16LE and returns the bytes it needs."""
    size = function(*arguments, None, 0)
    if not 2 < size <= STRING_BYTES:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    function(*arguments, buffer, size)
    return _decode(bytes(buffer)[:size])


def wide_string_out(function: Callable[..., int], *arguments: Any) -> str:
    """Call a function that fills (buffer, bytes, pointer to the bytes it needs) with UTF-16LE."""
    size = ctypes.c_ulong()
    if not function(*arguments, None, 0, size) or not 2 < size.value <= STRING_BYTES:
        return ""
    buffer = (ctypes.c_ushort * (size.value // 2 + 1))()
    function(*arguments, buffer, size.value, size)
    return _decode(bytes(buffer)[: size.value])


def byte_string(function: Callable[..., int], *arguments: Any) -> str:
    """Call a function that fills (buffer, bytes) with 7-bit or UTF-8 text and returns the bytes it needs."""
    size = function(*arguments, None, 0)
    if not 1 < size <= STRING_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(*arguments, buffer, size)
    return buffer.raw[:size].rstrip(b"\0").decode("utf-8", "replace")


def data_size(function: Callable[..., int], *arguments: Any) -> int | None:
    """Call a function that fills (buffer, bytes, pointer to the bytes it needs), and return how many bytes it needs."""
    size = ctypes.c_ulong()
    return size.value if function(*arguments, None, 0, size) else None


def data(function: Callable[..., int], size: int, *arguments: Any) -> bytes:
    """Return the `size` bytes that `data_size` announced."""
    buffer = ctypes.create_string_buffer(size or 1)
    function(*arguments, buffer, size, ctypes.c_ulong())
    return buffer.raw[:size]


def page_text(function: Callable[..., int], text_page: Handle, count: int) -> str:
    """Return `count` characters of a text page (FPDFText_GetText, UTF-16LE)."""
    buffer = (ctypes.c_ushort * (2 * count + 1))()
    written = function(text_page, 0, count, buffer)
    return _decode(bytes(memoryview(buffer)[:written].cast("B"))) if written > 1 else ""


def _decode(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace").rstrip("\0")


# Made once, at import: a new callback needs executable memory, which a confined worker cannot have.
_copied = bytearray()


def _copy_block(_file: int, block: int, size: int) -> int:
    _copied.extend(ctypes.string_at(block, size))
    return 1


_COPY = pdfium.FPDF_FILEWRITE(1, type(pdfium.FPDF_FILEWRITE().WriteBlock)(_copy_block))


def copy_without_encryption(document: Handle) -> bytes:
    """Return the file as PDFium rewrites it, its strings and streams decrypted."""
    _copied.clear()
    pdfium.FPDF_SaveAsCopy(document, _COPY, pdfium.FPDF_REMOVE_SECURITY)
    copy = bytes(_copied)
    _copied.clear()
    return copy
