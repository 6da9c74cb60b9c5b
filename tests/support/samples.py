"""One small file of each format that can be written by code, with a word in it that a reader must find."""

import binascii
import bz2
import gzip
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from email.message import EmailMessage
from functools import cache

import docx as python_docx
import libarchive
import msoffcrypto.format.ooxml

from tests.support.databases import dbase_file, sqlite_file

TOKEN = "Rosenquist-4711"
_TEXT = f"The word is {TOKEN}.\n".encode()


@cache
def samples() -> dict[str, bytes]:
    """Return the files by name."""
    found = {
        "text.txt": _TEXT,
        "utf16.txt": _TEXT.decode().encode("utf-16"),
        "page.html": f"<html><p title='x'>a <b>{TOKEN[:4]}</b>{TOKEN[4:]}</p></html>".encode(),
        "data.xml": f"<?xml version='1.0'?><a b='c'><d>{TOKEN}</d><!-- e --></a>".encode(),
        "table.csv": f'name;note\nx;"{TOKEN}"\n'.encode(),
        "event.ics": f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:{TOKEN}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".encode(),
        "card.vcf": f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{TOKEN}\r\nEND:VCARD\r\n".encode(),
        "text.gz": gzip.compress(_TEXT, mtime=0),
        "text.bz2": bz2.compress(_TEXT),
        "text.xz": lzma.compress(_TEXT),
        "text.lzma": lzma.compress(_TEXT, lzma.FORMAT_ALONE),
        "text.bin": b"\x00\x01\x02\x03" * 20 + TOKEN.encode() + b"\x00\xff" * 40 + TOKEN.encode("utf-16-le"),
        "mail.eml": message(),
        "mails.mbox": (b"From a@corp.example Mon Nov 23 09:00:00 2026\n" + message() + b"\n\n") * 2,
        "text.uue": b"see file\nbegin 644 a.txt\n" + _uuencoded(_TEXT) + b"`\nend\n",
        "signed.p7m": signed(message()),
        "archive.cab": cab(),
        "archive.rar": rar(),
        "archive5.rar": rar5(),
        "plain.tar": _tar(tarfile.USTAR_FORMAT),
        "members.zip": zipped({"a.txt": _TEXT, "b/c.html": b"<p>x</p>"}),
        "nested.zip": zipped({"inner.zip": zipped({"a.txt": _TEXT})}),
        "locked.docx": encrypted(docx(TOKEN), "VelvetSweatshop"),
        "drawing.svm": starview(starview_text(TOKEN), starview_text("below", height=9)),
        "people.db": sqlite_file("CREATE TABLE a(word TEXT)", ("INSERT INTO a VALUES (?)", (TOKEN,))),
        "people.dbf": dbase_file([("WORD", "C", 20)], [(TOKEN.encode(),)]),
        "oledata.mso": active_mime(_TEXT),
        "page.warc": warc(f"<p>{TOKEN}</p>".encode()),
        "._text.txt": apple_file({9: b"\0" * 32, 4: TOKEN.encode(), 2: b"\0" * 286}),
    }
    for extension, form, packed in (
        ("7z", "7zip", ""),
        ("iso", "iso9660", ""),
        ("cpio", "cpio_newc", ""),
        ("ar", "ar_svr4", ""),
        ("xar", "xar", ""),
        ("tar.zst", "ustar", "zstd"),
        ("tar.lz4", "ustar", "lz4"),
        ("tar.lz", "ustar", "lzip"),
        ("tar.Z", "ustar", "compress"),
    ):
        found[f"archive.{extension}"] = archived(form, packed)
    return found


def active_mime(content: bytes) -> bytes:
    """Return a file as Word saves it with a web page, with a header that was seen in practice."""
    header = bytes.fromhex("0001f004000000ffffffff000007f0") + struct.pack("<I", len(content)) + bytes(17)
    return b"ActiveMime\0" + header + struct.pack("<I", len(content)) + zlib.compress(content)


def warc(*pages: bytes, header: bytes = b"") -> bytes:
    """Return a web archive with a response for each page (ISO 28500)."""
    records = bytearray()
    for page in pages:
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + header + b"\r\n" + page
        records += b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n" % len(block) + block + b"\r\n\r\n"
    return bytes(records)


def message() -> bytes:
    """Return a message with a body in two forms and an attachment."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@corp.example", "b@partner.example", "note"
    mail.set_content(f"The word is {TOKEN}.\n")
    mail.add_alternative(f"<p>The word is {TOKEN}.</p>", subtype="html")
    mail.add_attachment(_TEXT, maintype="text", subtype="plain", filename="note.txt", cte="base64")
    raw = mail.as_bytes()
    for number, boundary in enumerate(dict.fromkeys(re.findall(rb"={15}\d+==", raw))):
        raw = raw.replace(boundary, b"boundary-%d" % number)
    return raw


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def archived(form: str, packed: str = "", passphrase: str = "") -> bytes:
    """Return an archive of two files that libarchive writes."""
    out = bytearray()
    with libarchive.custom_writer(
        lambda data: out.extend(data) or len(data), form, packed or None, passphrase=passphrase or None
    ) as archive:
        archive.add_file_from_memory("a.txt", len(_TEXT), _TEXT)
        archive.add_file_from_memory("second.txt", 6, b"second")
    return bytes(out)


def cab(flags: int = 0) -> bytes:
    """Return a cabinet of one stored file ([MS-CAB] 2.1 to 2.5).

    Flag 1 gives it names of a cabinet before it, 2 of one behind it, 4 reserved bytes everywhere.
    """
    extra, folder_extra, data_extra = b"", b"", b""
    if flags & 4:
        extra, folder_extra, data_extra = struct.pack("<HBB", 3, 1, 2) + b"abc", b"d", b"ef"
    extra += b"before.cab\0disk 1\0" * (flags & 1) + b"behind.cab\0disk 3\0" * (flags >> 1 & 1)
    file = struct.pack("<IIHHHH", len(_TEXT), 0, 0, 0x5000, 0, 0x20) + b"a.txt\0"
    file_at = 36 + len(extra) + 8 + len(folder_extra)
    data_at = file_at + len(file)
    data = struct.pack("<IHH", 0, len(_TEXT), len(_TEXT)) + data_extra + _TEXT
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, data_at + len(data), 0, file_at, 0, 3, 1, 1, 1, flags, 0, 0)
    return head + extra + struct.pack("<IHH", data_at, 1, 0) + folder_extra + file + data


def rar(file_flags: int = 0, main_flags: int = 0) -> bytes:
    """Return a RAR 4 archive of one stored file. Flag 0x4 of a file or 0x80 of the archive means encrypted."""
    name = b"a.txt"
    main = _rar_block(0x73, main_flags, bytes(6))
    fields = struct.pack(
        "<IIBIIBBHI", len(_TEXT), len(_TEXT), 3, zlib.crc32(_TEXT), 0x5B770000, 20, 0x30, len(name), 0x20
    )
    return (
        b"Rar!\x1a\x07\x00"
        + main
        + _rar_block(0x74, 0x8000 | file_flags, fields + name)
        + _TEXT
        + _rar_block(0x7B, 0, b"")
    )


def _rar_block(kind: int, flags: int, rest: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def rar5(encrypted: str = "") -> bytes:
    """Return the headers of a RAR 5 archive, `encrypted` in its "headers" or its "file"."""
    blocks = _rar5_block(b"\x04\x00\x00") if encrypted == "headers" else b""
    blocks += _rar5_block(b"\x01\x00\x00")
    extra = b"\x02\x01\x00" if encrypted == "file" else b""
    name = b"\x05a.txt"
    blocks += _rar5_block(
        b"\x02" + (b"\x03" + bytes([len(extra)]) if extra else b"\x02") + bytes([len(_TEXT)])
        + b"\x00" + bytes([len(_TEXT)]) + b"\x20\x00\x01" + name + extra
    )  # fmt: skip
    return b"Rar!\x1a\x07\x01\x00" + blocks + _TEXT + _rar5_block(b"\x05\x00\x00")


def _rar5_block(content: bytes) -> bytes:
    sized = bytes([len(content)]) + content
    return struct.pack("<I", zlib.crc32(sized)) + sized


def signed(content: bytes) -> bytes:
    """Return an opaque signature's structure (RFC 5652, 5.1) in indefinite lengths round `content` in two pieces."""
    half = len(content) // 2
    octets = b"\x24\x80" + _octets(content[:half]) + _octets(content[half:]) + b"\0\0"
    data = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80" + octets + b"\0\0\0\0"
    inner = b"\x30\x80\x02\x01\x01\x31\x00" + data + b"\x31\x00\0\0"
    return b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80" + inner + b"\0\0\0\0"


def _octets(content: bytes) -> bytes:
    return b"\x04\x84" + len(content).to_bytes(4, "big") + content


def starview(*records: bytes) -> bytes:
    """Return a StarView metafile with these records."""
    return b"VCLMTF" + struct.pack("<HI45xI", 1, 49, len(records)) + b"".join(records)


def starview_record(kind: int, body: bytes, version: int = 1) -> bytes:
    """Return one record of such a file."""
    return struct.pack("<HHI", kind, version, len(body)) + body


def starview_text(value: str, height: int = 5, widths: int = 0) -> bytes:
    """Return the record of a text array, as LibreOffice writes it: the text twice, in UTF-16."""
    wide = value.encode("utf-16-le")
    body = struct.pack("<iiI", 7, height, len(value)) + wide + struct.pack("<HHI", 0, len(value), widths)
    return starview_record(113, body + b"\1\0\0\0" * widths + struct.pack("<H", len(value)) + wide, 2)


def apple_file(entries: dict[int, bytes], magic: bytes = b"\x00\x05\x16\x07") -> bytes:
    """Return an AppleDouble file with entries by their ids, or by its `magic` an AppleSingle file."""
    at = 26 + 12 * len(entries)
    header = magic + struct.pack(">I16sH", 0x20000, b"Mac OS X", len(entries))
    for kind, entry in entries.items():
        header += struct.pack(">III", kind, at, len(entry))
        at += len(entry)
    return header + b"".join(entries.values())


def _uuencoded(content: bytes) -> bytes:
    return b"".join(binascii.b2a_uu(content[start : start + 45]) for start in range(0, len(content), 45))


def _tar(form: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(_TEXT)
        archive.addfile(info, io.BytesIO(_TEXT))
    return out.getvalue()


def docx(text: str) -> bytes:
    """Return a Word document with one paragraph."""
    document, file = python_docx.Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(file)
    return file.getvalue()


def encrypted(package: bytes, password: str) -> bytes:
    """Return an Office Open XML file encrypted with a password, as Office does it ([MS-OFFCRYPTO] 2.3.4.10)."""
    file = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(package)).encrypt(password, file)
    return file.getvalue()
