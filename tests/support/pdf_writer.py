"""Writes PDF files object by object (ISO 32000-1, 7.5), so that a test decides every byte."""

import zlib
from dataclasses import dataclass, field


@dataclass(slots=True)
class PdfWriter:
    """Collects objects and writes the file; object numbers count from 1 in the order of `add`."""

    objects: list[bytes] = field(default_factory=list)

    def reserve(self) -> int:
        """Return the number of an object that `put` fills later."""
        self.objects.append(b"null")
        return len(self.objects)

    def put(self, number: int, content: str | bytes) -> int:
        """Fill object `number`; strings are written as Latin-1."""
        self.objects[number - 1] = content.encode("latin-1") if isinstance(content, str) else content
        return number

    def add(self, content: str | bytes) -> int:
        """Add an object and return its number."""
        return self.put(self.reserve(), content)

    def stream(self, content: bytes, entries: str = "", compress: bool = False) -> int:
        """Add a stream object with its /Length and return its number."""
        if compress:
            content = zlib.compress(content)
            entries += " /Filter /FlateDecode"
        head = f"<< /Length {len(content)} {entries} >>\nstream\n".encode("latin-1")
        return self.add(head + content + b"\nendstream")

    def file(self, trailer: str) -> bytes:
        """Return the file with a classic cross-reference table; `trailer` has /Root and further entries."""
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        offsets = []
        for number, content in enumerate(self.objects, 1):
            offsets.append(len(out))
            out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
        out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        return (
            bytes(out)
            + f"trailer << /Size {len(offsets) + 1} {trailer} >>\n".encode("latin-1")
            + (b"startxref\n%d\n%%%%EOF\n" % start)
        )

    def packed_file(self, root: str) -> bytes:
        """Return the file with its objects in one object stream and a cross-reference stream (7.5.7)."""
        packed = {number: content for number, content in enumerate(self.objects, 1) if b"\nstream\n" not in content}
        index, body = bytearray(), bytearray()
        for number, content in packed.items():
            index += b"%d %d " % (number, len(body))
            body += content + b"\n"
        holder = self.stream(bytes(index + body), f"/Type /ObjStm /N {len(packed)} /First {len(index)}", compress=True)
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        rows = [b"\0\0\0\0\0\xff\xff"]
        positions = {number: position for position, number in enumerate(packed)}
        for number, content in enumerate(self.objects, 1):
            if number in packed:
                rows.append(b"\2" + holder.to_bytes(4, "big") + positions[number].to_bytes(2, "big"))
                continue
            rows.append(b"\1" + len(out).to_bytes(4, "big") + b"\0\0")
            out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
        start = len(out)
        rows.append(b"\1" + start.to_bytes(4, "big") + b"\0\0")
        table = zlib.compress(b"".join(rows))
        out += (
            f"{len(rows) - 1} 0 obj\n<< /Type /XRef /Size {len(rows)} /W [1 4 2] /Length {len(table)} "
            f"/Filter /FlateDecode {root} >>\nstream\n"
        ).encode("latin-1")
        return bytes(out) + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start


FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def simple_pdf(*pages: str, info: str = "") -> bytes:
    """Return a PDF with one line of Helvetica text a page; `info` is the content of the information dictionary."""
    writer = PdfWriter()
    font = writer.add(FONT)
    tree = writer.reserve()
    kids = []
    for text in pages:
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        content = writer.stream(f"BT /F1 12 Tf 72 700 Td ({escaped}) Tj ET".encode("latin-1"), compress=True)
        kids.append(
            writer.add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R "
                f"/Resources << /Font << /F1 {font} 0 R >> >> >>"
            )
        )
    references = " ".join(f"{kid} 0 R" for kid in kids)
    writer.put(tree, f"<< /Type /Pages /Count {len(kids)} /Kids [{references}] >>")
    root = writer.add(f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return writer.file(f"/Root {root} 0 R" + (f" /Info {writer.add(f'<< {info} >>')} 0 R" if info else ""))
