"""Plain text in any charset, with the files that older programs and people put inside it."""

import binascii
import re

from holdgate.extract import charset, identify
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import blocks, drawn, printed, undone
from holdgate.extract.reading import Document, Sink

_ENRICHED = identify.ENRICHED
_ESCAPED_SPACES = 3
"""This many show quoted-printable that no field declares: an escape's digits would be read as part of a number."""

# A web archive of an editor that writes white space before a field's colon, as in RFC 5322 (4.5).
_ARCHIVE = re.compile(rb"(?:from|subject|date)[ \t]+:.*\n(?:.*\n){0,20}?mime-version[ \t]+:", re.IGNORECASE)
_FIELD = re.compile(rb"^((?:from|subject|date|mime-version|content-[a-z-]+))[ \t]+:", re.IGNORECASE | re.MULTILINE)


def read(document: Document, sink: Sink) -> None:
    """Pass on the text in its best reading, then in each other plausible one, then the files inside it."""
    data = document.data
    first, *others = charset.readings(data, document.charset)
    sink.text(first)
    for other in others:
        sink.text(other, "in another charset")
    if plain := undone.terminal(first):
        sink.text(plain, "terminal codes undone")
    if document.joins_lines and (plain := undone.flowed(first)):
        sink.text(plain, "lines joined")
    if document.declared_type in _ENRICHED and (plain := undone.enriched(first)) != first:
        sink.text(plain, "formatting undone")
    if plain := undone.marked(first):
        sink.text(plain, "markup undone")
    if plain := printed.pcl(first) or printed.troff(first):
        sink.text(plain, "as printed")
    for image in drawn.drawings(first):
        sink.budget.spend_entry()
        sink.budget.spend_bytes(len(image))
        sink.embedded(image, "drawing in characters")
    if joined := undone.runs(first):
        sink.text("\n".join(joined), "runs joined")
    if data.count(b"=20") >= _ESCAPED_SPACES:
        decoded = charset.decode(binascii.a2b_qp(data), document.charset).splitlines()
        before = set(first.splitlines())
        sink.text("\n".join(line for line in decoded if line not in before), "quoted-printable undone")
    blocks.read(first, sink, data)
    if _ARCHIVE.match(data):
        sink.budget.spend_bytes(len(data))
        sink.embedded(_FIELD.sub(rb"\1:", data), "", "message/rfc822")
    if piece := identify.binary_part(data):
        sink.budget.spend_entry()
        sink.embedded(piece, "binary data in the text")


FORMAT = Format(
    kind="text",
    read=read,
    holds="plain text, with uuencode, yEnc, BinHex, base64, base85, dumps, lists of bytes and binary patches inside",
    read_by="Holdgate, chardet",
    unread=blocks.UNREAD,
    extensions="txt htm html csv tsv eml mbox log md json yml yaml ini ics vcf xml plist cer crt csr",
    types="text/plain text/html text/csv text/calendar text/vcard text/xml message/rfc822 application/xml"
    " application/vnd.ms-excel application/pkix-cert application/x-x509-ca-cert application/x-x509-user-cert"
    " application/pkcs10",
    textual=True,
)
