"""Drawings and pages: PostScript, SVG, PDF, XPS and images, made with widely used libraries."""

import base64
import io

import cairocffi
import ezdxf
import fitz
import matplotlib as mpl
import pillow_heif
import segno
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from reportlab.graphics import renderPS, renderSVG
from reportlab.graphics.shapes import Drawing, String
from reportlab.pdfgen import canvas

from benchmarks.programs.making import LINES, maker, run


def _figure() -> Figure:
    figure = Figure(figsize=(6, 3))
    for number, line in enumerate(LINES):
        figure.text(0.05, 0.8 - 0.2 * number, line, fontsize=14)
    return figure


@maker("mpl-type3.ps", "mpl-type42.ps", "mpl-type3.eps", "mpl-paths.svg", "mpl-text.svg", "mpl-type3.pdf",
       "mpl-type42.pdf", "mpl.png", "mpl.svgz", "mpl.pgf")  # fmt: skip
def matplotlib(name: str) -> bytes:
    """Draw the lines as text of a figure."""
    form = name.rpartition(".")[2]
    settings = {
        "ps.fonttype": 42 if "42" in name else 3,
        "pdf.fonttype": 42 if "42" in name else 3,
        "svg.fonttype": "none" if "text" in name else "path",
    }
    file = io.BytesIO()
    with mpl.rc_context(settings):
        _figure().savefig(file, format=form)
    return file.getvalue()


@maker("cairo.ps", "cairo.eps", "cairo.svg", "cairo.pdf", "cairo-path.ps", "cairo-path.svg", "cairo-path.pdf")
def cairo(name: str) -> bytes:
    """Draw the lines as text, or as paths."""
    file = io.BytesIO()
    kind = {"ps": cairocffi.PSSurface, "eps": cairocffi.PSSurface, "svg": cairocffi.SVGSurface}
    surface = kind.get(name.rpartition(".")[2], cairocffi.PDFSurface)(file, 500, 200)
    if name.endswith(".eps"):
        surface.set_eps(True)
    context = cairocffi.Context(surface)
    context.select_font_face("DejaVu Sans")
    context.set_font_size(16)
    for number, line in enumerate(LINES):
        context.move_to(20, 40 + 40 * number)
        if "path" in name:
            context.text_path(line)
            context.fill()
        else:
            context.show_text(line)
    surface.finish()
    return file.getvalue()


def page() -> bytes:
    """Return a PDF with the lines, by reportlab."""
    file = io.BytesIO()
    paper = canvas.Canvas(file)
    for number, line in enumerate(LINES):
        paper.drawString(72, 700 - 20 * number, line)
    paper.save()
    return file.getvalue()


@maker("mupdf-path.svg", "mupdf-text.svg", "mupdf-removed.pdf", "mupdf-redrawn.pdf", "mupdf.xps", "mupdf-embedded.pdf",
       "mupdf-note.pdf", "mupdf-field.pdf", "mupdf-html.pdf", "mupdf-hidden.pdf", "mupdf-layer.pdf")  # fmt: skip
def mupdf(name: str) -> bytes:
    """Turn a page into an SVG, or change a document."""
    document = fitz.open("pdf", page())
    if name.endswith(".svg"):
        return str(document[0].get_svg_image(text_as_path="path" in name)).encode()
    if name.endswith(".xps"):
        return run(["mutool", "convert", "-o", "a.xps", "a.pdf"], {"a.pdf": page()}, "a.xps")
    if "removed" in name:
        document.new_page().insert_text((72, 72), "A page with nothing on it")
        document.delete_page(0)
        return bytes(document.tobytes(garbage=0))
    fresh = fitz.open()
    sheet = fresh.new_page()
    sheet.insert_text((72, 72), "A page with nothing on it")
    if "embedded" in name:
        fresh.embfile_add("lines.txt", "\n".join(LINES).encode())
    elif "note" in name:
        sheet.add_text_annot((90, 90), "\n".join(LINES))
    elif "field" in name:
        for number, line in enumerate(LINES):
            widget = fitz.Widget()
            widget.rect, widget.field_type = fitz.Rect(50, 100 + 30 * number, 400, 120 + 30 * number), 7
            widget.field_name, widget.field_value = f"f{number}", line
            sheet.add_widget(widget)
    elif "html" in name:
        sheet.insert_htmlbox(fitz.Rect(50, 100, 500, 400), "".join(f"<p><b>{line}</b></p>" for line in LINES))
    elif "hidden" in name:
        for number, line in enumerate(LINES):
            sheet.insert_text((72, 100 + 20 * number), line, render_mode=3)
    elif "layer" in name:
        layer = fresh.add_ocg("off", on=False)
        for number, line in enumerate(LINES):
            sheet.insert_text((72, 100 + 20 * number), line, oc=layer)
    else:
        sheet.show_pdf_page(fitz.Rect(0, 100, 500, 800), document, 0)
    return bytes(fresh.tobytes())


@maker("reportlab.ps", "reportlab.eps", "reportlab.svg")
def reportlab(name: str) -> bytes:
    """Draw a drawing of strings."""
    drawing = Drawing(500, 200)
    for number, line in enumerate(LINES):
        drawing.add(String(20, 150 - 30 * number, line))
    if name.endswith(".svg"):
        return str(renderSVG.drawToString(drawing)).encode()
    text = renderPS.drawToString(drawing)
    return text if isinstance(text, bytes) else str(text).encode("latin-1")


@maker("pdftops.ps", "pdftops-level1.ps", "pdftops.eps", "pdftocairo.svg", "pdftocairo.ps", "gs.ps", "gs.eps", "gs.xps",
       "gs-noouter.pdf")  # fmt: skip
def converters(name: str) -> bytes:
    """Convert a page as poppler and Ghostscript do."""
    program, _, form = name.partition(".")
    if program.startswith("gs"):
        device = {"ps": "ps2write", "eps": "eps2write", "xps": "xpswrite", "pdf": "pdfwrite"}[form]
        outline = ["-dNoOutputFonts"] if "noouter" in name else []
        return run(
            ["gs", "-q", "-dBATCH", "-dNOPAUSE", f"-sDEVICE={device}", *outline, "-sOutputFile=o", "a.pdf"],
            {"a.pdf": page()},
            "o",
        )
    if program == "pdftocairo":
        return run(["pdftocairo", f"-{form}", "a.pdf", "o"], {"a.pdf": page()}, "o")
    options = ["-eps"] if form == "eps" else ["-level1"] if "level1" in name else []
    return run(["pdftops", *options, "a.pdf", "o"], {"a.pdf": page()}, "o")


def _photo(width: int = 640, height: int = 300, size: int = 22) -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(LINES):
        draw.text((10, 10 + 2 * size * number), line, "black", ImageFont.load_default(size))
    return image


@maker("photo.heic", "photo.heif", "photo.avif", "photo.png", "photo.webp", "photo.ico", "photo.cur", "photo.tga",
       "photo.pcx", "photo.icns", "photo.dds", "photo.sgi", "photo.xbm", "photo.jp2", "photo.ppm", "photo.pgm",
       "photo.pfm", "photo.msp", "photo.im", "photo.qoi", "photo.psd-like.tif", "photo.pdf", "photo.gif", "photo.eps",
       "photo.apng", "photo.mpo", "photo.blp", "photo.dib", "photo.spider", "text.xpm")  # fmt: skip
def images(name: str) -> bytes:
    """Save an image of the lines in each format that Pillow writes."""
    pillow_heif.register_heif_opener()
    form = name.rpartition(".")[2]
    image, file = _photo(), io.BytesIO()
    if form in ("ico", "icns"):
        image = _photo(256, 256, 14).resize((256, 256))
    if form == "cur":
        return b"\0\0\2\0" + images("photo.ico")[4:]
    if form in ("xbm", "msp"):
        image = image.convert("1")
    if form in ("pgm", "spider", "pfm"):
        image = image.convert("F" if form != "pgm" else "L")
    if form in ("blp",):
        image = image.convert("P")
    forms = {
        "heic": "HEIF",
        "heif": "HEIF",
        "jp2": "JPEG2000",
        "pgm": "PPM",
        "pfm": "PPM",
        "tif": "TIFF",
        "apng": "PNG",
    }
    options = {"save_all": True, "append_images": [image.copy()]} if form in ("apng", "mpo") else {}
    if form == "xpm":
        rows = ",\n".join(f'"{"".join(".#"[pixel < 128] for pixel in _row(image, y))}"' for y in range(image.height))
        return f'/* XPM */\nstatic char *a[] = {{\n"640 300 2 1",\n". c #FFFFFF",\n"# c #000000",\n{rows}}};\n'.encode()
    image.save(file, forms.get(form, form.upper()), **options)
    return file.getvalue()


def _row(image: Image.Image, y: int) -> bytes:
    return bytes(image.convert("L").crop((0, y, image.width, y + 1)).tobytes())


@maker("code.png", "code.svg", "code.pdf",
       "code-lines.svg")  # fmt: skip
def codes(name: str) -> bytes:
    """Draw a QR code."""
    code = segno.make("\n".join(LINES), micro=False)
    file = io.BytesIO()
    code.save(file, kind=name.rpartition(".")[2], scale=5)
    if "lines" in name:
        return file.getvalue().replace(b"<path", b"<desc>A nice code for our friends to be scanned</desc><path")
    return file.getvalue()


_SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="600" height="200">'


@maker("letters.svg", "positions.svg", "spans.svg", "symbol.svg", "data-image.svg", "foreign.svg", "style.svg",
       "title-paths.svg", "script.svg", "entities.svg")  # fmt: skip
def svg(name: str) -> bytes:
    """Write an SVG as editors do: letter by letter, with positions, in symbols, with text next to outlines."""
    if name.startswith("letters"):
        body = "".join(
            f'<text x="{9 * at}" y="{20 + 30 * row}">{letter}</text>'
            for row, line in enumerate(LINES)
            for at, letter in enumerate(line)
        )
    elif name.startswith("positions"):
        body = "".join(
            f'<text x="{" ".join(str(9 * at) for at in range(len(line)))}" y="{20 + 30 * row}">{line}</text>'
            for row, line in enumerate(LINES)
        )
    elif name.startswith("spans"):
        body = "".join(
            f'<text y="{20 + 30 * row}">'
            + "".join(f'<tspan x="{60 * at}">{word}</tspan>\n' for at, word in enumerate(line.split(" ")))
            + "</text>"
            for row, line in enumerate(LINES)
        )
    elif name.startswith("symbol"):
        body = "".join(
            f'<symbol id="s{n}"><text>{line}</text></symbol><use href="#s{n}"/>' for n, line in enumerate(LINES)
        )
    elif name.startswith("data-image"):
        body = f'<image width="600" href="data:image/png;base64,{base64.b64encode(images("photo.png")).decode()}"/>'
    elif name.startswith("foreign"):
        body = "<foreignObject>" + "".join(f"<div>{line}</div>" for line in LINES) + "</foreignObject>"
    elif name.startswith("style"):
        body = "<style>" + "".join(f'.a{n}:after{{content:"{line}"}}' for n, line in enumerate(LINES)) + "</style>"
    elif name.startswith("script"):
        body = f"<script>var a={list(LINES)!r};</script>"
    elif name.startswith("entities"):
        body = "".join(f"<text>{''.join(f'&#{ord(letter)};' for letter in line)}</text>" for line in LINES)
    else:
        outlined = cairo("cairo-path.svg").decode()
        return outlined.replace(
            "<g", "<title>A drawing with an ordinary long title for screen readers</title><g", 1
        ).encode()
    return f"{_SVG}{body}</svg>".encode()


@maker("words.dxf", "mtext.dxf", "binary.dxf")
def cad(name: str) -> bytes:
    """Draw text with ezdxf."""
    drawing = ezdxf.new("R2018")
    space = drawing.modelspace()
    if name.startswith("mtext"):
        space.add_mtext("\\P".join(f"{{\\fArial|b1;{line[:30]}}}{{\\H0.7x;{line[30:]}}}" for line in LINES))
    else:
        for number, line in enumerate(LINES):
            space.add_text(line, dxfattribs={"insert": (0, number)})
    if name.startswith("binary"):
        file = io.BytesIO()
        drawing.write(file, fmt="bin")
        return file.getvalue()
    text = io.StringIO()
    drawing.write(text)
    return text.getvalue().encode()
