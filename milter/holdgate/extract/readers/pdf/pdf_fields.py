"""The form fields of a PDF's page (ISO 32000-1:2008, 12.7): names, tooltips, values, choices and scripts.

A form can divide a number into several fields, one part or one letter in each. Adjacent short values of one row are
also passed on as one value, with the text next to the first field.
"""

import ctypes
import re
from typing import NamedTuple

import pypdfium2.raw as pdfium

from holdgate.extract.readers.pdf.pdf_calls import Handle, closing, wide_string
from holdgate.extract.readers.pdf.pdf_document import Strings

_SCRIPTS = range(pdfium.FPDF_ANNOT_AACTION_KEY_STROKE, pdfium.FPDF_ANNOT_AACTION_CALCULATE + 1)
_PART = re.compile(r"[A-Za-z0-9]{1,8}")
_FEWEST, _MOST = 7, 40
"""The number of letters and digits of a value that is worth joining."""
_GAP = 30.0
_LABEL_WIDTH, _LABEL_HEIGHT = 200.0, 16.0
"""Where a label can be, in points: to the left of the first field, or above it."""
_INDEX = re.compile(r"[\W\d_]+\Z")
_LONGEST_LABEL = 200


class Field(NamedTuple):
    """A form field with a short value, and its place on the page in points (y upward)."""

    left: float
    bottom: float
    right: float
    top: float
    name: str
    value: str


def read_field(form: Handle, annotation: Handle, place: str, strings: Strings) -> Field | None:
    """Pass on what a widget's form field contains; return it if its value can be a part of another one."""
    value, name, *others = (
        wide_string(function, form, annotation)
        for function in (
            pdfium.FPDFAnnot_GetFormFieldValue,
            pdfium.FPDFAnnot_GetFormFieldName,
            pdfium.FPDFAnnot_GetFormFieldAlternateName,
            pdfium.FPDFAnnot_GetFormFieldExportValue,
        )
    )
    for text in (value, name, *others):
        strings.add(text, place)
    for index in range(pdfium.FPDFAnnot_GetOptionCount(form, annotation)):
        strings.sink.budget.check_time()
        strings.add(wide_string(pdfium.FPDFAnnot_GetOptionLabel, form, annotation, index), place)
    for event in _SCRIPTS:
        strings.add(wide_string(pdfium.FPDFAnnot_GetFormAdditionalActionJavaScript, form, annotation, event), place)
    bounds = pdfium.FS_RECTF()
    if not _PART.fullmatch(value.strip()) or not pdfium.FPDFAnnot_GetRect(annotation, ctypes.byref(bounds)):
        return None
    return Field(bounds.left, bounds.bottom, bounds.right, bounds.top, others[0] or name, value.strip())


def join(page: Handle, fields: list[Field], place: str, strings: Strings) -> None:
    """Pass on the values that a row of adjacent fields has in parts."""
    rows = [row for row in _rows(fields) if len(row) > 1 and _FEWEST <= sum(len(one.value) for one in row) <= _MOST]
    if not rows:
        return
    with closing(pdfium.FPDFText_LoadPage(page), pdfium.FPDFText_ClosePage) as text_page:
        for row in rows:
            strings.sink.budget.check_time()
            value = ("" if all(len(one.value) == 1 for one in row) else "-").join(one.value for one in row)
            labels = (_label(text_page, row[0]) if text_page else "", _INDEX.sub("", row[0].name))
            for label in dict.fromkeys(filter(None, labels)):
                strings.add(f"{label}: {value}", place)
            if not any(labels):
                strings.add(value, place)


def _rows(fields: list[Field]) -> list[list[Field]]:
    """Group fields that are next to each other at the same height."""
    rows: list[list[Field]] = []
    for one in sorted(fields, key=lambda one: (-round(one.bottom / 4), one.left)):
        before = rows[-1][-1] if rows else None
        if (
            before is not None
            and abs(before.bottom - one.bottom) < (one.top - one.bottom) / 2
            and before.right - _GAP / 6 <= one.left <= before.right + _GAP
        ):
            rows[-1].append(one)
        else:
            rows.append([one])
    return rows


def _label(text_page: Handle, first: Field) -> str:
    """Return the text of the page to the left of a field, or else above it."""
    for left, top, right, bottom in (
        (first.left - _LABEL_WIDTH, first.top, first.left, first.bottom),
        (first.left - _GAP, first.top + _LABEL_HEIGHT, first.left + _LABEL_WIDTH, first.top),
    ):
        count = pdfium.FPDFText_GetBoundedText(text_page, left, top, right, bottom, None, 0)
        if 0 < count <= _LONGEST_LABEL:
            buffer = (ctypes.c_ushort * count)()
            pdfium.FPDFText_GetBoundedText(text_page, left, top, right, bottom, buffer, count)
            text = bytes(buffer).decode("utf-16-le", "replace").strip("\0 \r\n:")
            if text:
                return " ".join(text.split())
    return ""
