"""Rewrites packages of XML in a ZIP archive (Office Open XML, OpenDocument) and plain ZIP archives, member by member.

The package is written as a new archive, without comments, extra fields, and data between and after the members.
"""

import binascii
import io
import re
import zipfile
from collections.abc import Collection, Iterator
from xml.parsers import expat

from holdgate.extract import zip_file
from holdgate.extract.budget import Budget, LimitReachedError
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Inside, Spans
from holdgate.rewrite.markup import XML_MASK, hidden, masked

# Images of tables and objects that LibreOffice creates again.
_PREVIEW = re.compile(r"(?:^|/)(?:Pictures/TablePreview\d+\.svm|ObjectReplacements/[^/]+)$")
_XML = (".xml", ".rels", ".vml", ".rdf", ".xhtml", ".svg")
_IMAGES = (".jpg", ".jpeg", ".png")
_TYPE = re.compile(r"\st=\"([^\"]*)\"")
_VALUE = re.compile(r"<v\b[^<>]*+>([^<]*)</v>")
_CALCULATED = re.compile(r"calcChain\.xml$")
_ENTRY = re.compile(rb"<(?:Override|Relationship)\b[^<>]*+(?<=/)>")
_ODF_VALUE = re.compile(r"\s(?:office:(?:value|date-value|time-value|boolean-value|currency)|table:formula)=\"[^\"]*\"")
_ODF_TAG = re.compile(r"<table:(?:covered-)?table-cell\b[^<>]*+>")

_WHITE_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg=="
_WHITE_JPEG = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAx"
    "NDQ0Hyc5PTgyPC4zNDL/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAB//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8Af3//2Q=="
)


def rewrite(
    data: bytes,
    name: str,
    kind: str,
    spans: Spans,
    values: Spans,
    known: Collection[str],
    inside: Inside,
    budget: Budget,
) -> bytes:
    """Return a package with all members rewritten; `known` as in `markup.masked`. Raises RefusedError."""
    out = io.BytesIO()
    drops_chain = False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
            names = [one.filename for one in source.infolist()]
            if len(set(names)) != len(names) or any(one.flag_bits & 1 for one in source.infolist()):
                raise RefusedError(name, "format")
            contents = []
            for entry in source.infolist():
                budget.spend_entry()
                budget.check_entry(entry.compress_size, entry.file_size)
                content = source.read(entry)
                budget.spend_bytes(len(content))
                if not entry.is_dir():
                    content, dropped = _member(entry.filename, content, name, kind, spans, values, known, inside)
                    drops_chain = drops_chain or dropped
                contents.append((entry, content))
            for entry, content in contents:
                if drops_chain and _CALCULATED.search(entry.filename):
                    continue
                if drops_chain and entry.filename in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
                    content = _without_chain(content)
                new = zipfile.ZipInfo(_renamed(entry.filename, kind, values), entry.date_time)
                new.external_attr = entry.external_attr
                packed = entry.compress_type if entry.compress_type in (0, 8) else zipfile.ZIP_DEFLATED
                target.writestr(new, content, packed)
    except (*zip_file.ERRORS, LimitReachedError) as error:
        raise RefusedError(name, "format") from error
    return out.getvalue()


def _without_chain(content: bytes) -> bytes:
    """Return a list of parts without the chain of calculations."""
    return _ENTRY.sub(lambda entry: b"" if b"calcChain" in entry[0] else entry[0], content)


def _renamed(member: str, kind: str, values: Spans) -> str:
    return hidden(member, values(member), "_") if kind == "zip" else member


def _member(
    member: str,
    content: bytes,
    name: str,
    kind: str,
    spans: Spans,
    values: Spans,
    known: Collection[str],
    inside: Inside,
) -> tuple[bytes, bool]:
    """Return a member rewritten, and whether formulas were dropped from it."""
    if kind != "zip" and _is_thumbnail(member):
        return _blank(member), False
    if kind == "odf" and _PREVIEW.search(member):
        return b"", False
    if kind != "zip" and member.lower().endswith(_XML):
        return _xml(member, content, name, kind, spans, values, known)
    return inside(f"{name} › {member}", content), False


def _is_thumbnail(member: str) -> bool:
    name = member.rpartition("/")[2].lower()
    return "thumbnail" in name and name.endswith(_IMAGES)


def _blank(member: str) -> bytes:
    """Return an image of one white pixel."""
    return binascii.a2b_base64(_WHITE_PNG if member.lower().endswith("png") else _WHITE_JPEG)


def _xml(
    member: str, content: bytes, name: str, kind: str, spans: Spans, values: Spans, known: Collection[str]
) -> tuple[bytes, bool]:
    if not content.strip():
        return content, False
    source = xml_text(content, name)
    new = masked(source, spans, values, known=known)
    has_dropped = False
    if new != source and kind == "ooxml" and "/worksheets/" in member:
        new, has_dropped = _cells(new, name)
    elif new != source and kind == "odf":
        new = _ODF_TAG.sub(_odf_cell, new)
    if new == source:
        return content, False
    encoded = new.encode()
    try:
        expat.ParserCreate().Parse(encoded, True)
    except expat.ExpatError as error:
        raise RefusedError(name, "format") from error
    return encoded, has_dropped


def xml_text(content: bytes, name: str) -> str:
    """Return XML as text with a declaration of UTF-8. Raises RefusedError if it declares entities."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    declared = re.match(rb"<\?xml[^>]*encoding=[\"']([\w.-]+)", content)
    if declared and declared[1].lower() not in (b"utf-8", b"utf-16", b"us-ascii", b"ascii"):
        encoding = declared[1].decode("ascii")
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise RefusedError(name, "format") from error
    if "<!ENTITY" in text:
        raise RefusedError(name, "format")
    return re.sub(r"^(<\?xml[^>]*encoding=[\"'])[\w.-]+", r"\g<1>UTF-8", text)


def _cells(source: str, name: str) -> tuple[str, bool]:
    """Store a masked value as text, and remove its formula, which would compute it; return whether one was removed."""
    pieces: list[str] = []
    done, has_dropped = 0, False
    for start, end, _ in _elements("c", source):
        cell, dropped = _cell(source[start:end], name)
        pieces += source[done:start], cell
        done, has_dropped = end, has_dropped or dropped
    return "".join((*pieces, source[done:])), has_dropped


def _cell(whole: str, name: str) -> tuple[str, bool]:
    """Return a cell as `_cells` stores it, and whether its formula was removed."""
    if XML_MASK not in whole:
        return whole, False
    value = _VALUE.search(whole)
    formulas = list(_elements("f", whole))
    first = whole[slice(*formulas[0][:2])] if formulas else ""
    if XML_MASK not in (value[1] if value else "") and XML_MASK not in first:
        return whole, False
    if formulas and 't="' in formulas[0][2]:  # shared with other cells
        raise RefusedError(name, "format")
    for start, end, _ in reversed(formulas):
        whole = whole[:start] + whole[end:]
    head = whole[: whole.index(">") + 1]
    rest = whole[len(head) :]
    kind = _TYPE.search(head)
    if kind is None or kind[1] not in ("s", "str", "inlineStr"):
        head = _TYPE.sub("", head).removesuffix(">").removesuffix("/") + ' t="str">'
    return head + rest, bool(formulas)


def _elements(tag: str, source: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each element with this tag begins and ends, and its start tag; not those inside one of them."""
    closing = f"</{tag}>"
    end, is_closed = 0, True
    for found in re.finditer(rf"<{tag}\b[^<>]*+>", source):
        if found.start() < end:
            continue
        if found[0].endswith("/>"):
            end = found.end()
        elif is_closed and (close := source.find(closing, found.end())) >= 0:
            end = close + len(closing)
        else:
            is_closed = False
            continue
        yield found.start(), end, found[0]


def _odf_cell(found: re.Match[str]) -> str:
    tag = found[0]
    if XML_MASK not in "".join(re.findall(r"(?:office:[\w-]*value|table:formula)=\"([^\"]*)\"", tag)):
        return tag
    tag = re.sub(
        r"\s(?:office:(?:value|date-value|time-value|boolean-value|currency)|table:formula)=\"[^\"]*\"", "", tag
    )
    return re.sub(r"((?:office|calcext):value-type=)\"[^\"]*\"", r'\1"string"', tag)
