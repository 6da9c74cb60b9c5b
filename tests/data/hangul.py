"""Writes documents of Hangul: HWP 5 (Hancom's "Hangul Document File Formats 5.0") and HWPX (KS X 6101)."""

import hashlib
import io
import struct
import zipfile
import zlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.data.compound_writer import Tree, compound

COMPRESSED, PASSWORD, DISTRIBUTED = 1, 2, 4

PARAGRAPH = "http://www.hancom.co.kr/hwpml/2011/paragraph"
SECTION = "http://www.hancom.co.kr/hwpml/2011/section"
HEAD = "http://www.hancom.co.kr/hwpml/2011/head"


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def counted(text: str) -> bytes:
    return struct.pack("<H", len(text)) + utf16(text)


def record(tag: int, data: bytes) -> bytes:
    size = min(len(data), 0xFFF)
    long = struct.pack("<I", len(data)) if size == 0xFFF else b""
    return struct.pack("<I", tag | size << 20) + long + data


def paragraph(text: str) -> bytes:
    return record(0x42, bytes(22)) + record(0x43, utf16(text + "\r")) + record(0x44, bytes(8))


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def distributed(content: bytes, seed: int, flat: bytes = bytes(252)) -> bytes:
    """Encrypt a stream as Hangul does for a distribution document: the key is in the record before it."""
    place = 4 + (seed & 15)
    digest = utf16(hashlib.sha1(b"4711", usedforsecurity=False).hexdigest().upper())
    plain = bytearray(seed.to_bytes(4, "little") + flat)
    plain[place : place + 80] = digest
    state, count, mask = seed, 0, 0
    for index in range(256):
        if not count:
            state = (state * 214013 + 2531011) % 2**32
            mask = state // 65536 % 256
            state = (state * 214013 + 2531011) % 2**32
            count = state // 65536 % 16 + 1
        if index >= 4:
            plain[index] ^= mask
        count -= 1
    encryptor = Cipher(algorithms.AES128(digest[:16]), modes.ECB()).encryptor()
    return record(0x1C, bytes(plain)) + encryptor.update(content + bytes(-len(content) % 16)) + encryptor.finalize()


def header(flags: int) -> bytes:
    return b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05010100, flags) + bytes(216)


def hwp(*paragraphs: bytes, flags: int = COMPRESSED, preview: str = "", **more: bytes | Tree) -> bytes:
    pack = deflated if flags & COMPRESSED else bytes
    styles = record(0x10, bytes(26)) + record(0x13, b"\0" + counted("Batang Token")) + record(0x1A, counted("Body"))
    return compound(
        {
            "FileHeader": header(flags),
            "DocInfo": pack(styles),
            "BodyText": {"Section0": pack(b"".join(paragraphs))},
            "PrvText": utf16(preview),
            **more,
        }
    )


def package(section: str, preview: str = "", **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/hwp+zip")
        archive.writestr(
            "Contents/header.xml",
            f'<hh:head xmlns:hh="{HEAD}"><hh:fontface lang="HANGUL"><hh:font face="Batang"/></hh:fontface>'
            '<hh:style name="Body" engName="Body"/><hh:trackChangeAuthor name="token-author"/></hh:head>',
        )
        archive.writestr(
            "Contents/section0.xml", f'<hs:sec xmlns:hs="{SECTION}" xmlns:hp="{PARAGRAPH}">{section}</hs:sec>'
        )
        archive.writestr("Preview/PrvText.txt", preview)
        for name, data in more.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def runs(*contents: str) -> str:
    return "<hp:p>" + "".join(f'<hp:run charPrIDRef="{n}">{run}</hp:run>' for n, run in enumerate(contents)) + "</hp:p>"


def text(content: str) -> str:
    return f"<hp:t>{content}</hp:t>"
