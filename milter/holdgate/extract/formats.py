"""The shipped formats: every reader's declaration, in the order in which identification tries them."""

from holdgate.extract.format import REGISTRY
from holdgate.extract.readers.archives import active_mime, apple, archive, compressed, warc
from holdgate.extract.readers.archives import zip as zip_reader
from holdgate.extract.readers.data import arrow, dbase, parquet, plist, sqlite
from holdgate.extract.readers.office import excel, iwork, ole, pst, rtf, tnef, word
from holdgate.extract.readers.openxml import hwpx, odf, office_xml, ooxml
from holdgate.extract.readers.pdf import pdf
from holdgate.extract.readers.pictures import image, metafile, starview
from holdgate.extract.readers.texts import (
    binary,
    calendar,
    card,
    certificate,
    csv,
    dxf,
    encrypted,
    html,
    mbox,
    named,
    openpgp,
    pkcs7,
    plot,
    postscript,
    text,
    xml,
)

__all__ = ["REGISTRY"]

REGISTRY.add(
    text.FORMAT,
    html.FORMAT,
    xml.FORMAT,
    csv.FORMAT,
    dxf.FORMAT,
    calendar.FORMAT,
    card.FORMAT,
    mbox.FORMAT,
    pkcs7.FORMAT,
    certificate.FORMAT,
    tnef.FORMAT,
    ooxml.FORMAT,
    office_xml.FORMAT,
    *ole.FORMATS,
    word.FORMAT,
    excel.FORMAT,
    odf.FORMAT,
    hwpx.FORMAT,
    iwork.FORMAT,
    rtf.FORMAT,
    pst.FORMAT,
    pdf.FORMAT,
    image.FORMAT,
    metafile.FORMAT,
    starview.FORMAT,
    zip_reader.FORMAT,
    archive.FORMAT,
    compressed.FORMAT,
    apple.FORMAT,
    active_mime.FORMAT,
    warc.FORMAT,
    openpgp.FORMAT,
    postscript.FORMAT,
    plot.FORMAT,
    arrow.FORMAT,
    parquet.FORMAT,
    sqlite.FORMAT,
    dbase.FORMAT,
    plist.FORMAT,
    encrypted.FORMAT,
    *named.FORMATS,
    binary.FORMAT,
)
