"""PDF files made to hang, crash or exhaust whatever reads them; each a few kB, each of another family."""

import zlib
from collections.abc import Callable

from support.pdf_writer import FONT, PdfWriter

_GIBIBYTE = 1 << 30


def _one_page(writer: PdfWriter, contents: str, resources: str = "", catalog: str = "", page: str = "") -> bytes:
    tree = writer.reserve()
    leaf = writer.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {contents}"
        f" /Resources << {resources} >> {page} >>"
    )
    writer.put(tree, f"<< /Type /Pages /Count 1 /Kids [{leaf} 0 R] >>")
    return writer.file(f"/Root {writer.add(f'<< /Type /Catalog /Pages {tree} 0 R {catalog} >>')} 0 R")


def page_tree_loop() -> bytes:
    """A page tree that is its own child and claims a million pages."""
    writer = PdfWriter()
    tree = writer.reserve()
    writer.put(tree, f"<< /Type /Pages /Count 1000000 /Kids [{tree} 0 R {tree} 0 R] >>")
    return writer.file(f"/Root {writer.add(f'<< /Type /Catalog /Pages {tree} 0 R >>')} 0 R")


def page_tree_depth() -> bytes:
    """A page tree of 20,000 levels."""
    writer = PdfWriter()
    levels = 20_000
    for level in range(levels):
        writer.add(f"<< /Type /Pages /Count 1 /Kids [{level + 2} 0 R] >>")
    writer.add(f"<< /Type /Page /Parent {levels} 0 R /MediaBox [0 0 9 9] >>")
    return writer.file(f"/Root {writer.add('<< /Type /Catalog /Pages 1 0 R >>')} 0 R")


def double_flate() -> bytes:
    """A content stream of 1 GiB, deflated twice into a few kB."""
    packer = zlib.compressobj(9)
    zeros = bytes(1 << 20)
    once = b"".join(packer.compress(zeros) for _ in range(_GIBIBYTE >> 20)) + packer.flush()
    writer = PdfWriter()
    contents = writer.stream(zlib.compress(once, 9), "/Filter [/FlateDecode /FlateDecode]")
    return _one_page(writer, f"{contents} 0 R")


def flood_of_operators() -> bytes:
    """A content stream of 256 MB of drawing operators."""
    writer = PdfWriter()
    packer = zlib.compressobj(9)
    block = b"0 0 m 9 9 l S\n" * 75_000
    packed = b"".join(packer.compress(block) for _ in range(256)) + packer.flush()
    contents = writer.stream(packed, "/Filter /FlateDecode")
    return _one_page(writer, f"{contents} 0 R")


def forms_of_forms() -> bytes:
    """Form XObjects that draw the next one ten times, twelve levels deep: 10^12 texts."""
    writer = PdfWriter()
    font = writer.add(FONT)
    inner = writer.stream(
        b"BT /F1 9 Tf (x) Tj ET",
        f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 {font} 0 R >> >>",
    )
    for _ in range(12):
        inner = writer.stream(
            b"/X Do " * 10,
            f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {inner} 0 R >> >>",
        )
    contents = writer.stream(b"/X Do")
    return _one_page(writer, f"{contents} 0 R", f"/XObject << /X {inner} 0 R >>")


def form_of_itself() -> bytes:
    """A form XObject that draws itself."""
    writer = PdfWriter()
    form = writer.reserve()
    body = b"/X Do /X Do"
    head = (
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length {len(body)}"
        f" /Resources << /XObject << /X {form} 0 R >> >> >>"
    )
    writer.put(form, head.encode() + b"\nstream\n" + body + b"\nendstream")
    contents = writer.stream(b"/X Do")
    return _one_page(writer, f"{contents} 0 R", f"/XObject << /X {form} 0 R >>")


def outline_loop() -> bytes:
    """Bookmarks whose next and first child lead back to the first."""
    writer = PdfWriter()
    outline, first, second = writer.reserve(), writer.reserve(), writer.reserve()
    writer.put(outline, f"<< /Type /Outlines /First {first} 0 R /Last {second} 0 R /Count 2 >>")
    writer.put(first, f"<< /Title (first) /Parent {outline} 0 R /Next {second} 0 R /First {second} 0 R >>")
    writer.put(second, f"<< /Title (second) /Parent {outline} 0 R /Next {first} 0 R /First {first} 0 R >>")
    return _one_page(writer, f"{writer.stream(b'')} 0 R", catalog=f"/Outlines {outline} 0 R")


def structure_loop() -> bytes:
    """A structure tree whose elements are their own children."""
    writer = PdfWriter()
    root, element = writer.reserve(), writer.reserve()
    writer.put(root, f"<< /Type /StructTreeRoot /K [{element} 0 R] /ParentTree << /Nums [0 [{element} 0 R]] >> >>")
    writer.put(
        element,
        f"<< /Type /StructElem /S /P /P {element} 0 R /Alt (again) /K [0 {element} 0 R {element} 0 R] >>",
    )
    contents = writer.stream(b"/P << /MCID 0 >> BDC 0 0 9 9 re f EMC")
    return _one_page(writer, f"{contents} 0 R", catalog=f"/StructTreeRoot {root} 0 R", page="/StructParents 0")


def annotation_flood() -> bytes:
    """A page with 200,000 annotations that are the same object."""
    writer = PdfWriter()
    note = writer.add("<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (again and again) >>")
    return _one_page(writer, f"{writer.stream(b'')} 0 R", page=f"/Annots [{f'{note} 0 R ' * 200_000}]")


def huge_page() -> bytes:
    """A page of 200 by 200 inches with a picture that claims 60,000 by 60,000 pixels."""
    writer = PdfWriter()
    image = writer.stream(
        b"\0" * 100,
        "/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceGray /BitsPerComponent 8",
        compress=True,
    )
    contents = writer.stream(b"14400 0 0 14400 0 0 cm /I Do")
    return _one_page(writer, f"{contents} 0 R", f"/XObject << /I {image} 0 R >>", page="/MediaBox [0 0 14400 14400]")


def object_stream_bomb() -> bytes:
    """An object stream of 256 MB that only the scan for strings unpacks."""
    packer = zlib.compressobj(9)
    block = b"(words) " * 131_072
    packed = b"".join(packer.compress(block) for _ in range(256)) + packer.flush()
    writer = PdfWriter()
    writer.stream(packed, "/Type /ObjStm /N 1 /First 0 /Filter /FlateDecode")
    return _one_page(writer, f"{writer.stream(b'')} 0 R")


def unclosed_strings() -> bytes:
    """Half a million brackets that never close."""
    writer = PdfWriter()
    writer.add("(" * 500_000)
    return _one_page(writer, f"{writer.stream(b'')} 0 R")


HOSTILE: tuple[Callable[[], bytes], ...] = (
    page_tree_loop, page_tree_depth, double_flate, flood_of_operators, forms_of_forms, form_of_itself, outline_loop,
    structure_loop, annotation_flood, huge_page, object_stream_bomb, unclosed_strings,
)  # fmt: skip
