# ruff: noqa: E501 (contents of files as they are)
"""Documents of office programs and phones: iWork, word processors, XPS, diagrams, sound and film."""

import base64
import io
import struct
import tempfile
import urllib.parse
import zipfile
import zlib
from pathlib import Path

import docx
import mutagen.id3
import numbers_parser
import pptx
from PIL import Image, PngImagePlugin

from benchmarks.programs.drawings import cairo
from benchmarks.programs.making import LINES, ROWS, maker


@maker("table.numbers", "lines.numbers", "package.numbers")
def iwork(name: str) -> bytes:
    """Write a Numbers document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.numbers")
        document = numbers_parser.Document()
        table = document.sheets[0].tables[0]
        rows = ROWS if name.startswith("table") else [(line,) for line in LINES]
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                table.write(y, x, cell)
        document.save(path)
        return path.read_bytes()


@maker("runs.docx", "table.docx", "header.docx", "textbox.docx", "letters.docx", "core.docx", "customxml.docx")
def word(name: str) -> bytes:
    """Write a document with python-docx."""
    document = docx.Document()
    kind = name.partition(".")[0]
    if kind == "runs":
        for line in LINES:
            paragraph = document.add_paragraph()
            for at in range(0, len(line), 3):
                paragraph.add_run(line[at : at + 3]).bold = at % 2 == 0
    elif kind == "letters":
        for line in LINES:
            paragraph = document.add_paragraph()
            for letter in line:
                paragraph.add_run(letter)
    elif kind == "table":
        table = document.add_table(len(ROWS), 4)
        for y, row in enumerate(ROWS):
            for x, cell in enumerate(row):
                table.cell(y, x).text = cell
    elif kind == "header":
        document.sections[0].header.paragraphs[0].text = "; ".join(LINES)
    elif kind == "core":
        document.core_properties.comments = "; ".join(LINES)
    else:
        document.add_paragraph("\n".join(LINES))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


@maker("runs.pptx", "table.pptx", "notes.pptx")
def slides(name: str) -> bytes:
    """Write slides with python-pptx."""
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    if name.startswith("notes"):
        slide.notes_slide.notes_text_frame.text = "\n".join(LINES)
    elif name.startswith("table"):
        table = slide.shapes.add_table(2, 4, 0, 0, 9_000_000, 900_000).table
        for y, row in enumerate(ROWS):
            for x, cell in enumerate(row):
                table.cell(y, x).text = cell
    else:
        frame = slide.shapes.add_textbox(0, 0, 9_000_000, 900_000).text_frame
        for line in LINES:
            paragraph = frame.add_paragraph()
            for at in range(0, len(line), 3):
                paragraph.add_run().text = line[at : at + 3]
    file = io.BytesIO()
    show.save(file)
    return file.getvalue()


@maker("words.xps", "letters.xps", "unicode-escape.xps", "paths.xps", "indices.xps")
def xps(name: str) -> bytes:
    """Write a page as XPS printers do: a run for each line, word or letter."""
    kind = name.partition(".")[0]
    glyphs = []
    for row, line in enumerate(LINES):
        pieces = (
            [line] if kind in ("unicode-escape", "indices") else list(line) if kind == "letters" else line.split(" ")
        )
        at = 50.0
        for piece in pieces:
            text = "" if kind == "indices" else ("{}" if kind == "unicode-escape" else "") + piece
            indices = ";".join(str(ord(letter) - 29) for letter in piece) if kind == "indices" else ""
            glyphs.append(
                f'<Glyphs OriginX="{at:.1f}" OriginY="{100 + 30 * row}" FontRenderingEmSize="12" UnicodeString="{text}"'
                f' Indices="{indices}" FontUri="/Resources/a.odttf" Fill="#FF000000"/>'
            )
            at += 6.6 * (len(piece) + (kind == "words"))
    if kind == "paths":
        found = cairo("cairo-path.svg").decode().split(' d="')[1:]
        glyphs = [f'<Path Fill="#FF000000" Data="{piece.partition(chr(34))[0]}"/>' for piece in found]
    page = f'<FixedPage xmlns="http://schemas.microsoft.com/xps/2005/06" Width="800" Height="600">{"".join(glyphs)}</FixedPage>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("Documents/1/Pages/1.fpage", page)
        archive.writestr("Resources/a.odttf", b"\0" * 100)
    return file.getvalue()


@maker("diagram.drawio", "diagram-url.drawio", "diagram.html", "diagram.drawio.svg", "diagram.drawio.png", "diagram.vdx",
       "board.excalidraw", "mind.xmind", "mind.mm", "notebook.ipynb")  # fmt: skip
def diagrams(name: str) -> bytes:
    """Pack a diagram as diagram editors do."""
    cells = "".join(f'<mxCell id="{n}" value="{line}" vertex="1"/>' for n, line in enumerate(LINES))
    model = f"<mxGraphModel><root>{cells}</root></mxGraphModel>"
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = base64.b64encode(squeeze.compress(urllib.parse.quote(model, safe="").encode()) + squeeze.flush()).decode()
    file = f'<mxfile host="a"><diagram id="x" name="Page-1">{packed}</diagram></mxfile>'
    if name == "diagram.drawio":
        return file.encode()
    if name == "diagram-url.drawio":
        return ("https://partner.example/#R" + urllib.parse.quote(file, safe="")).encode()
    if name == "diagram.html":
        config = '{"highlight":"#0000ff","xml":"' + file.replace('"', '\\"') + '"}'
        return f"<div class=\"mxgraph\" data-mxgraph='{config.replace(chr(38), '&amp;').replace('<', '&lt;')}'></div>".encode()
    if name.endswith(".svg"):
        escaped = file.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        return f'<svg xmlns="http://www.w3.org/2000/svg" content="{escaped}"><rect/></svg>'.encode()
    if name.endswith(".png"):
        info, out = PngImagePlugin.PngInfo(), io.BytesIO()
        info.add_text("mxfile", urllib.parse.quote(file, safe=""), zip=True)
        Image.new("RGB", (40, 40)).save(out, "PNG", pnginfo=info)
        return out.getvalue()
    if name.endswith(".vdx"):
        return (
            "<VisioDocument>"
            + "".join(f"<Shape><Text><cp/>{line}</Text></Shape>" for line in LINES)
            + "</VisioDocument>"
        ).encode()
    if name.endswith(".xmind"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("content.json", str([{"title": line} for line in LINES]).replace("'", '"'))
        return out.getvalue()
    if name.endswith(".mm"):
        return ("<map>" + "".join(f'<node TEXT="{line}"/>' for line in LINES) + "</map>").encode()
    if name.endswith(".ipynb"):
        rows = ",".join(f'"{line}\\n"' for line in LINES)
        return ('{"cells":[{"cell_type":"code","outputs":[{"data":{"text/plain":[' + rows + "]}}]}]}").encode()
    return ('{"elements":[' + ",".join(f'{{"type":"text","text":"{line}"}}' for line in LINES) + "]}").encode()


@maker("tags.mp3", "utf16.mp3", "tags.m4a", "info.wav", "list.avi", "comment.ogg", "comment.flac", "xmp.mp4", "subtitle.srt",
       "subtitle.vtt", "v1.mp3", "lyrics.mp3", "title.mkv-like.bin")  # fmt: skip
def media(name: str) -> bytes:
    """Write what people can write into sound and film."""
    line = "; ".join(LINES)
    if name.endswith(".mp3"):
        file = io.BytesIO()
        frames = b"\xff\xfb\x90\x00" + bytes(413)
        if name.startswith("v1"):
            return (
                frames * 20
                + b"TAG"
                + LINES[0][-22:].encode().ljust(30, b"\0")
                + LINES[1][-19:].encode().ljust(30, b"\0")
                + bytes(65)
            )
        tags = mutagen.id3.ID3()
        if name.startswith("lyrics"):
            tags.add(mutagen.id3.USLT(encoding=3, lang="eng", desc="", text=line))
        else:
            tags.add(mutagen.id3.TIT2(encoding=1 if "utf16" in name else 3, text=line))
        tags.save(file, v2_version=3 if "utf16" in name else 4)
        return file.getvalue() + frames * 20
    if name.endswith((".m4a", ".mp4")):
        return _mp4(line)
    if name.endswith((".wav", ".avi")):
        text = line.encode() + b"\0"
        info = b"INFOICMT" + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
        body = b"LIST" + struct.pack("<I", len(info)) + info
        kind = b"WAVE" if name.endswith("wav") else b"AVI "
        sound = (
            b"fmt "
            + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
            + b"data"
            + struct.pack("<I", 200)
            + b"\x80" * 200
        )
        return b"RIFF" + struct.pack("<I", 4 + len(sound) + len(body)) + kind + sound + body
    if name.endswith((".ogg", ".flac")):
        comment = f"DESCRIPTION={line}".encode()
        block = struct.pack("<I", 3) + b"abc" + struct.pack("<II", 1, len(comment)) + comment
        if name.endswith("flac"):
            return (
                b"fLaC\0\0\0\x22"
                + bytes(34)
                + b"\x84"
                + len(block).to_bytes(3, "big")
                + block
                + b"\xff\xf8"
                + bytes(range(200))
            )
        return (
            b"OggS\0\2"
            + bytes(20)
            + b"\1\x1e\1vorbis"
            + bytes(23)
            + b"OggS\0\0"
            + bytes(20)
            + b"\1\xff\3vorbis"
            + block
            + bytes(range(100))
        )
    if name.endswith((".srt", ".vtt")):
        return (
            "WEBVTT\n\n" * name.endswith("vtt")
            + "\n\n".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}" for n, text in enumerate(LINES))
        ).encode()
    return (
        b"\x1aE\xdf\xa3\x93B\x82\x88matroska" + b"\x7b\xa9" + bytes([0x80 | 0, 1]) + line.encode() + bytes(range(200))
    )


def _mp4(line: str) -> bytes:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body) + 8, kind) + body

    data = box(b"data", struct.pack(">II", 1, 0) + line.encode())
    items = box(
        b"meta", bytes(4) + box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9)) + box(b"ilst", box(b"\xa9cmt", data))
    )
    return (
        box(b"ftyp", b"M4A \0\0\0\0M4A mp42") + box(b"moov", box(b"udta", items)) + box(b"mdat", bytes(range(256)) * 4)
    )
