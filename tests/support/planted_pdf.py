"""A PDF with one token in every place that can have text, as various programs write them."""

from tests.support.pdf_writer import FONT, PdfWriter

PAGE_PLACES = {
    "page text": "page 1",
    "invisible text": "page 1",
    "white text": "page 1",
    "text off the page": "page 1",
    "text in a form XObject": "page 1",
    "text split over two strings": "page 1",
    "text of a hidden layer": "page 1",
    "glyphs under ActualText": "page 1",
    "ActualText": "page 1",
    "alternate text of marked content": "page 1, alternative text",
    "annotation contents": "page 1, annotation",
    "annotation author": "page 1, annotation",
    "annotation subject": "page 1, annotation",
    "annotation rich text": "page 1, annotation",
    "free text annotation": "page 1, annotation",
    "annotation appearance": "page 1, annotation",
    "hidden annotation": "page 1, annotation",
    "link address": "page 1, link",
    "field value": "page 1, form field",
    "field name": "page 1, form field",
    "field tooltip": "page 1, form field",
    "field choice": "page 1, form field",
    "field script": "page 1, form field",
    "structure alternate text": "page 1, alternative text",
    "structure ActualText": "page 1, alternative text",
    "page label": "page 1, label",
}
DOCUMENT_PLACES = {
    "title": "document properties",
    "author": "document properties",
    "keywords": "document properties",
    "own property": "document strings",
    "XMP": "document properties",
    "XMP attribute": "document properties",
    "bookmark": "bookmark",
    "bookmark address": "bookmark",
    "document script": "script",
    "script in a stream": "document strings",
    "layer name": "document strings",
    "field without widget": "document strings",
    "button caption": "document strings",
    "signature reason": "signature",
    "signer": "document strings",
    "attachment name": "attachment",
    "attachment description": "attachment",
    "old value in UTF-16": "document strings",
    "hexadecimal string": "document strings",
}
EMBEDDED_PLACES = (
    "attached file",
    "file of an annotation",
    "associated file",
    "XFA data",
    "after the end",
)
PLACES = (*PAGE_PLACES, *DOCUMENT_PLACES, *EMBEDDED_PLACES)


def token(place: str) -> str:
    """Return the token at `place`: one word, which occurs nowhere else."""
    return f"TOKEN{PLACES.index(place):02d}X"


def planted_pdf(packed: bool = False) -> bytes:
    """Return the PDF; `packed` puts its objects into an object stream, as most writers do today."""
    t = token
    writer = PdfWriter()
    add, stream = writer.add, writer.stream
    font = add(FONT)
    catalog, tree, page, structure = (writer.reserve() for _ in range(4))

    layer = add(f"<< /Type /OCG /Name ({t('layer name')}) >>")
    box = "/BBox [0 0 500 500]"
    fonts = f"/Resources << /Font << /F1 {font} 0 R >> >>"
    form = stream(
        f"BT /F1 9 Tf 10 10 Td ({t('text in a form XObject')}) Tj ET".encode(),
        f"/Type /XObject /Subtype /Form {box} {fonts}",
    )
    split = t("text split over two strings")
    hidden = t("text of a hidden layer")
    lines = [
        f"BT /F1 12 Tf 50 700 Td ({t('page text')}) Tj ET",
        f"BT /F1 12 Tf 3 Tr 50 680 Td ({t('invisible text')}) Tj 0 Tr ET",
        f"BT /F1 12 Tf 1 g 50 660 Td ({t('white text')}) Tj 0 g ET",
        f"BT /F1 12 Tf 50 -300 Td ({t('text off the page')}) Tj ET",
        f"BT /F1 12 Tf 50 640 Td [({split[:4]}) -1 ({split[4:]})] TJ ET",
        f"/OC /Layer BDC BT /F1 12 Tf 50 620 Td ({hidden}) Tj ET EMC",
        f"/Span << /ActualText ({t('ActualText')}) >> BDC BT /F1 12 Tf 50 600 Td"
        f" ({t('glyphs under ActualText')}) Tj ET EMC",
        f"/Figure << /Alt ({t('alternate text of marked content')}) >> BDC 50 50 10 10 re f EMC",
        "/P << /MCID 0 >> BDC BT /F1 12 Tf 50 580 Td (tagged) Tj ET EMC",
        "/Form Do",
    ]
    contents = stream("\n".join(lines).encode(), compress=True)

    file = stream(t("attached file").encode(), "/Type /EmbeddedFile", compress=True)
    file_name, file_about = t("attachment name"), t("attachment description")
    specification = add(
        f"<< /Type /Filespec /F ({file_name}.txt) /UF ({file_name}.txt) /Desc ({file_about}) /EF << /F {file} 0 R >> >>"
    )
    note_file = stream(t("file of an annotation").encode(), "/Type /EmbeddedFile")
    associated = stream(t("associated file").encode(), "/Subtype /text#2Fplain", compress=True)
    associated_specification = add(f"<< /Type /Filespec /F (data.txt) /EF << /F {associated} 0 R >> >>")

    drawn = stream(
        f"BT /F1 9 Tf 1 1 Td ({t('annotation appearance')}) Tj ET".encode(),
        f"/Type /XObject /Subtype /Form {box} {fonts}",
        compress=True,
    )
    rectangle = "/Rect [10 10 90 40]"
    annotations = [
        f"/Subtype /Text /Contents ({t('annotation contents')}) /T ({t('annotation author')})"
        f" /Subj ({t('annotation subject')}) /RC (<body><p>{t('annotation rich text')}</p></body>)",
        f"/Subtype /FreeText /DA (/F1 9 Tf) /Contents ({t('free text annotation')})",
        f"/Subtype /Stamp /F 4 /AP << /N {drawn} 0 R >>",
        f"/Subtype /Text /F 2 /Contents ({t('hidden annotation')})",
        f"/Subtype /Link /A << /S /URI /URI (https://partner.example/{t('link address')}) >>",
        f"/Subtype /FileAttachment /FS << /Type /Filespec /F (note.txt) /EF << /F {note_file} 0 R >> >>",
    ]
    field = add(
        f"<< /Type /Annot /Subtype /Widget {rectangle} /FT /Tx /T ({t('field name')}) /TU ({t('field tooltip')})"
        f" /V ({t('field value')}) /AA << /K << /S /JavaScript /JS (// {t('field script')}) >> >> /P {page} 0 R >>"
    )
    choice = add(
        f"<< /Type /Annot /Subtype /Widget {rectangle} /FT /Ch /T (choice) /Opt [(a) ({t('field choice')})] /V (a) >>"
    )
    button = add(
        f"<< /Type /Annot /Subtype /Widget {rectangle} /FT /Btn /Ff 65536 /T (button)"
        f" /MK << /CA ({t('button caption')}) >> >>"
    )
    signature = add(
        f"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /Reason ({t('signature reason')})"
        f" /Name ({t('signer')}) /ByteRange [0 1 2 3] /Contents <{'30820a' * 40}> >>"
    )
    signed = add(f"<< /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /FT /Sig /T (signature) /V {signature} 0 R >>")
    orphan = add(f"<< /FT /Tx /T (orphan) /V ({t('field without widget')}) >>")
    references = [add(f"<< /Type /Annot {rectangle} {entries} >>") for entries in annotations]
    references += [field, choice, button, signed]
    annots = " ".join(f"{number} 0 R" for number in references)
    writer.put(
        page,
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {contents} 0 R /StructParents 0"
        f" /Resources << /Font << /F1 {font} 0 R >> /XObject << /Form {form} 0 R >>"
        f" /Properties << /Layer {layer} 0 R >> >> /Annots [{annots}] >>",
    )
    writer.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")

    paragraph = add(
        f"<< /Type /StructElem /S /P /P {structure} 0 R /Pg {page} 0 R /K 0"
        f" /Alt ({t('structure alternate text')}) /ActualText ({t('structure ActualText')}) >>"
    )
    parents = add(f"<< /Nums [0 [{paragraph} 0 R]] >>")
    writer.put(structure, f"<< /Type /StructTreeRoot /K [{paragraph} 0 R] /ParentTree {parents} 0 R >>")

    bookmarks = writer.reserve()
    bookmark = add(
        f"<< /Title ({t('bookmark')}) /Parent {bookmarks} 0 R"
        f" /A << /S /URI /URI (https://partner.example/{t('bookmark address')}) >> >>"
    )
    writer.put(bookmarks, f"<< /Type /Outlines /First {bookmark} 0 R /Last {bookmark} 0 R /Count 1 >>")

    xmp = stream(
        b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="%b"><dc:rights><rdf:Alt><rdf:li xml:lang="x-default">'
        b'%b</rdf:li></rdf:Alt></dc:rights></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        % (t("XMP attribute").encode(), t("XMP").encode()),
        "/Type /Metadata /Subtype /XML",
    )
    script = stream(f"app.alert('{t('script in a stream')}')".encode(), compress=True)
    template = stream(b'<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><config/>')
    datasets = stream(
        f'<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><a>{t("XFA data")}</a></xfa:datasets>'
        "</xdp:xdp>".encode(),
        compress=True,
    )
    utf16 = t("old value in UTF-16").encode("utf-16-be").hex()
    writer.put(
        catalog,
        f"<< /Type /Catalog /Pages {tree} 0 R /Metadata {xmp} 0 R /Outlines {bookmarks} 0 R"
        f" /StructTreeRoot {structure} 0 R /MarkInfo << /Marked true >>"
        f" /PageLabels << /Nums [0 << /P ({t('page label')}) >>] >>"
        f" /OCProperties << /OCGs [{layer} 0 R] /D << /OFF [{layer} 0 R] >> >>"
        f" /OpenAction << /S /JavaScript /JS {script} 0 R >> /AF [{associated_specification} 0 R]"
        f" /Names << /EmbeddedFiles << /Names [(one) {specification} 0 R] >>"
        f" /JavaScript << /Names [(js) << /S /JavaScript /JS (var a = '{t('document script')}') >>] >> >>"
        f" /AcroForm << /Fields [{field} 0 R {choice} 0 R {button} 0 R {signed} 0 R {orphan} 0 R] /SigFlags 3"
        f" /XFA [(template) {template} 0 R (datasets) {datasets} 0 R] >>"
        f" /PieceInfo << /Old <feff{utf16}> /Hex <{t('hexadecimal string').encode().hex()}> >> >>",
    )
    information = add(
        f"<< /Title ({t('title')}) /Author ({t('author')}) /Keywords ({t('keywords')}) /Case ({t('own property')})"
        " /CreationDate (D:20260301120000Z) >>"
    )
    trailer = f"/Root {catalog} 0 R /Info {information} 0 R"
    file_bytes = writer.packed_file(trailer) if packed else writer.file(trailer)
    return file_bytes + f"{t('after the end')} stands after the end of the file\n".encode()
