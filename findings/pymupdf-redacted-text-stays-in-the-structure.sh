#!/usr/bin/env bash
# PyMuPDF 2.0 (MuPDF 1.28.5), pikepdf 10.18.0 as the writer: in a tagged PDF, an element of the structure can repeat what is
# drawn, as ActualText or as alternate text (ISO 32000-2, 14.9.3 and 14.9.4). Page.apply_redactions() takes the text out of
# the content of the page and the alternate text out of the element, but leaves its ActualText, and bookmarks. Saving with
# garbage=4 and clean=True keeps them, and so does Document.scrub(). The very Page.get_text() with which one looks whether
# a redaction worked returns the removed text. Delete StructTreeRoot and the bookmarks, or draw the pages as pictures.
#
# Seen:
#   before: 'pay GB82WEST12345698765432'
#   after: 'pay GB82WEST12345698765432'
#   in the saved file: content False, Alt False, ActualText True, bookmark True
#   after scrub: content False, Alt False, ActualText True, bookmark True
#   without StructTreeRoot: 'pay'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pymupdf==2.0 pikepdf==10.18.0
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pikepdf
import pymupdf
from pikepdf import Dictionary, Name

NUMBER = "GB82WEST12345698765432"


def tagged():
    pdf, out = pikepdf.new(), io.BytesIO()
    page = pdf.add_blank_page(page_size=(300, 300))
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    page.Resources = Dictionary(Font=Dictionary(F1=font))
    drawn = f"/P << /MCID 0 >> BDC BT /F1 12 Tf 50 200 Td (pay {NUMBER}) Tj ET EMC"
    page.Contents = pdf.make_stream(drawn.encode())
    tree = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    text = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.P, P=tree, Pg=page.obj, K=0))
    text.ActualText = pikepdf.String(f"pay {NUMBER}")
    text.Alt = pikepdf.String(f"a slip with {NUMBER}")
    tree.K, tree.ParentTree, page.StructParents = text, pdf.make_indirect(Dictionary(Nums=[0, [text]])), 0
    pdf.Root.StructTreeRoot, pdf.Root.MarkInfo = tree, Dictionary(Marked=True)
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem(f"Transfer {NUMBER}", 0))
    pdf.save(out)
    return out.getvalue()


def texts(page):
    return " and ".join(repr(line.strip()) for line in page.get_text().splitlines() if line.strip())


def kept(document):
    with pikepdf.open(io.BytesIO(document.tobytes(garbage=4, clean=True))) as pdf:
        text = pdf.Root.StructTreeRoot.K
        text = text[0] if isinstance(text, pikepdf.Array) else text
        pdf.pages[0].contents_coalesce()
        with pdf.open_outline() as outline:
            places = {
                "content": pdf.pages[0].Contents.read_bytes().decode("latin-1"),
                "Alt": str(text.get("/Alt", "")),
                "ActualText": str(text.get("/ActualText", "")),
                "bookmark": outline.root[0].title,
            }
        return ", ".join(f"{name} {NUMBER in value}" for name, value in places.items())


document = pymupdf.open(stream=tagged())
print("before:", texts(document[0]))
for place in document[0].search_for(NUMBER):
    document[0].add_redact_annot(place)
document[0].apply_redactions()
print("after:", texts(document[0]))
print("in the saved file:", kept(document))
document.scrub()
print("after scrub:", kept(document))
document.xref_set_key(document.pdf_catalog(), "StructTreeRoot", "null")
print("without StructTreeRoot:", texts(pymupdf.open(stream=document.tobytes(garbage=4))[0]))
PYTHON
diff "$work/seen" - <<'SEEN'
before: 'pay GB82WEST12345698765432'
after: 'pay GB82WEST12345698765432'
in the saved file: content False, Alt False, ActualText True, bookmark True
after scrub: content False, Alt False, ActualText True, bookmark True
without StructTreeRoot: 'pay'
SEEN
