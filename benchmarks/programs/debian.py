"""Files as Debian's programs write them: typesetters, drawing programs, code makers, small databases, notes, accounts.

Each program is a command; `PACKAGES` names the package that has it. A program that is not installed is left out.
"""

import importlib
import io

from benchmarks.programs.making import LINES, maker, run

PACKAGES = {
    "a2ps": "a2ps",
    "abook": "abook",
    "c44": "djvulibre-bin",
    "db5.3_load": "db5.3-util",
    "dmtxwrite": "dmtx-utils",
    "dot": "graphviz",
    "enscript": "enscript",
    "exiftool": "libimage-exiftool-perl",
    "fig2dev": "fig2dev",
    "gnuplot": "gnuplot-nox",
    "groff": "groff",
    "hledger": "hledger",
    "iec16022": "iec16022",
    "inkscape": "inkscape",
    "ledger": "ledger",
    "mdb_load": "lmdb-utils",
    "mkvmerge": "mkvtoolnix",
    "pandoc": "pandoc",
    "qrencode": "qrencode",
    "remind": "remind",
    "soffice": "libreoffice-draw",
    "tdbrestore": "tdb-tools",
}
TEXT = "\n".join(LINES) + "\n"
_ALL = "; ".join(LINES)
_DUMP = "VERSION=3\nformat=print\ntype={}\nHEADER=END\n" + "".join(f" {n}\n {line}\n" for n, line in enumerate(LINES))


@maker("groff.ps", "groff.pdf", "groff.dvi", "groff.html", "groff.utf8", "groff.lj4", "groff.ditroff")
def groff(name: str) -> bytes:
    """Typeset a report for each device; `ditroff` is the input of the drivers."""
    source = (".TL\nReport\n" + "".join(f".PP\n{line}\n" for line in LINES)).encode()
    device = name.partition(".")[2]
    options = ["-Tps", "-Z"] if device == "ditroff" else [f"-T{device}"]
    return run(["groff", "-ms", *options, "a.ms"], {"a.ms": source}, "-")


@maker("a2ps.ps", "enscript.ps", "enscript.rtf", "enscript.html")
def printers(name: str) -> bytes:
    """Print a text."""
    program, _, form = name.partition(".")
    options = ["-w", form] if form != "ps" else []
    return run([program, *options, "-o", "o", "a.txt"], {"a.txt": TEXT.encode()}, "o")


@maker("pandoc.epub", "pandoc.fb2", "pandoc.icml", "pandoc.docx", "pandoc.odt", "pandoc.ipynb", "pandoc.jats",
       "pandoc.tei", "pandoc.texinfo", "pandoc.man", "pandoc.opendocument", "pandoc.rtf", "pandoc.json")  # fmt: skip
def pandoc(name: str) -> bytes:
    """Convert a text into books and papers."""
    form = name.partition(".")[2]
    return run(["pandoc", "-f", "markdown", "-t", form, "-s", "-o", "o", "a.md"], {"a.md": TEXT.encode()}, "o")


@maker("fig2dev.svg", "fig2dev.eps", "fig2dev.pdf", "fig2dev.emf", "fig2dev.cgm", "fig2dev.tk", "fig2dev.ibmgl",
       "fig2dev.pic", "fig2dev.tikz", "fig2dev.ge")  # fmt: skip
def fig(name: str) -> bytes:
    """Convert a drawing of xfig."""
    head = "#FIG 3.2\nLandscape\nCenter\nMetric\nA4\n100.00\nSingle\n-2\n1200 2\n"
    texts = "".join(
        f"4 0 0 50 -1 0 12 0.0000 4 135 2700 1200 {1200 + 600 * row} {line}\\001\n" for row, line in enumerate(LINES)
    )
    return run(["fig2dev", "-L", name.partition(".")[2], "a.fig", "o"], {"a.fig": (head + texts).encode()}, "o")


@maker("dot.svg", "dot.svgz", "dot.ps", "dot.pdf", "dot.fig", "dot.vml", "dot.xdot", "dot.json", "dot.pic", "dot.pov",
       "dot.tk")  # fmt: skip
def dot(name: str) -> bytes:
    """Draw a graph."""
    nodes = "".join(f'n{number} [label="{line}"];' for number, line in enumerate(LINES))
    return run(["dot", f"-T{name.partition('.')[2]}", "-o", "o", "a"], {"a": f"digraph g {{{nodes}}}".encode()}, "o")


@maker("gnuplot.svg", "gnuplot.emf", "gnuplot.fig", "gnuplot.dxf", "gnuplot.canvas", "gnuplot.cgm",
       "gnuplot.pcl5", "gnuplot.postscript")  # fmt: skip
def gnuplot(name: str) -> bytes:
    """Plot with titles."""
    form = name.partition(".")[2]
    script = (
        f"set terminal {form}; set output 'o'; set title '{LINES[0]}'; set xlabel '{LINES[1]}'; plot x t '{LINES[2]}'"
    )
    return run(["gnuplot", "-e", script], {}, "o")


@maker("qrencode-SVG.svg", "qrencode-EPS.eps", "qrencode-XPM.xpm", "qrencode-PNG.png", "qrencode-UTF8.txt",
       "qrencode-UTF8i.txt", "qrencode-ASCII.txt", "qrencode-ANSI.txt", "qrencode-ANSI256.txt",
       "qrencode-ANSIUTF8.txt")  # fmt: skip
def qrencode(name: str) -> bytes:
    """Draw a QR code as an image, and with characters."""
    return run(["qrencode", "-t", name.partition(".")[0].partition("-")[2], "-o", "o", _ALL], {}, "o")


@maker("dmtxwrite.png", "dmtxwrite.svg", "iec16022.png", "iec16022.txt")
def data_matrix(name: str) -> bytes:
    """Draw a Data Matrix code."""
    program, _, form = name.partition(".")
    if program == "dmtxwrite":
        return run(["dmtxwrite", "-f", form, "-o", "o", "a"], {"a": _ALL.encode()}, "o")
    form = {"png": "PNG", "txt": "Text"}[form]
    return run(["iec16022", "-f", form, "-i", "a"], {"a": _ALL.encode()}, "-")


@maker("btree.bdb", "hash.bdb", "records.tdb", "data.mdb")
def databases(name: str) -> bytes:
    """Load a small database."""
    kind, _, form = name.partition(".")
    if form == "bdb":
        return run(["db5.3_load", "-f", "a", "o"], {"a": (_DUMP.format(kind) + "DATA=END\n").encode()}, "o")
    if form == "mdb":
        return run(["mdb_load", "-n", "-f", "a", "o"], {"a": (_DUMP.format("btree") + "DATA=END\n").encode()}, "o")
    records = "".join(f'{{\nkey(1) = "{n}"\ndata({len(line)}) = "{line}"\n}}\n' for n, line in enumerate(LINES))
    return run(["tdbrestore", "o"], {}, "o", records.encode())


@maker("remind-p.txt", "remind-pp.json", "abook.ldif", "abook.vcard", "ledger.xml",
       "ledger.csv", "hledger.json", "hledger.sql")  # fmt: skip
def records(name: str) -> bytes:
    """Export a calendar, an address book, accounts."""
    program, _, form = name.partition(".")
    if program.startswith("remind"):
        return run(["remind", program.partition("-")[2].join(("-", "")), "a"], {"a": f"REM MSG {_ALL}\n".encode()}, "-")
    if program == "abook":
        book = f"[format]\nprogram=abook\nversion=0.6.1\n\n[0]\nname={LINES[0]}\naddress={LINES[1]}\nnotes={LINES[2]}\n"
        return run(
            ["abook", "--convert", "--infile", "a", "--outformat", form, "--outfile", "o"], {"a": book.encode()}, "o"
        )
    journal = f"2026/11/29 * {_ALL.replace('; ', ', ')}\n  Assets:Bank  10 EUR\n  Income\n".encode()
    if program == "ledger":
        return run(["ledger", "-f", "a", form], {"a": journal}, "-")
    return run(["hledger", "-f", "a", "print", "-O", form], {"a": journal}, "-")


@maker("exiftool-Comment.jpg", "exiftool-UserComment.jpg", "exiftool-XPComment.jpg", "exiftool-Artist.jpg",
       "exiftool-Description.png", "exiftool-XMP-dc-Description.png", "exiftool-Caption-Abstract.jpg")  # fmt: skip
def exiftool(name: str) -> bytes:
    """Write the metadata of an image."""
    key, _, form = name.partition("-")[2].partition(".")
    file, tag = f"a.{form}", key.replace("XMP-dc-", "XMP-dc:")
    return run(["exiftool", "-overwrite_original", f"-{tag}={_ALL}", file], {file: _white(form)}, file)


def _white(form: str) -> bytes:
    """Return an empty image by Pillow, which the other makers of this module do not need."""
    file = io.BytesIO()
    importlib.import_module("PIL.Image").new("RGB", (300, 300), "white").save(file, {"jpg": "JPEG"}.get(form, form))
    return file.getvalue()


@maker("subtitles.mkv", "attachment.mkv", "text.djvu")
def media(name: str) -> bytes:
    """Write a film with subtitles or an attached file, and a scan with its text."""
    srt = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line}\n\n" for n, line in enumerate(LINES, 1)).encode()
    if name == "subtitles.mkv":
        return run(["mkvmerge", "-o", "o", "a.srt"], {"a.srt": srt}, "o")
    if name == "attachment.mkv":
        command = ["mkvmerge", "-o", "o", "--attach-file", "lines.txt", "a.srt"]
        return run(command, {"a.srt": b"1\n00:00:01,000 --> 00:00:02,000\nHi\n", "lines.txt": TEXT.encode()}, "o")
    page = run(["c44", "a.ppm", "o"], {"a.ppm": b"P6\n300 300\n255\n" + b"\xff" * 270_000}, "o")
    lines = " ".join(f'(line 10 {270 - 30 * n} 290 {290 - 30 * n} "{line}")' for n, line in enumerate(LINES))
    text = f"(page 0 0 300 300 {lines})".encode()
    return run(["djvused", "o", "-e", "select 1; set-txt t; save"], {"o": page, "t": text}, "o")


@maker("inkscape-path.emf", "inkscape-path.wmf", "inkscape-path.svg", "inkscape-path.pdf",
       "soffice-path.odg", "soffice-path.fodg", "soffice-path.pptx")  # fmt: skip
def outlines(name: str) -> bytes:
    """Draw the lines as outlines; LibreOffice converts those of a PDF into shapes."""
    texts = "".join(f'<text x="20" y="{40 + 40 * n}" font-size="20">{line}</text>' for n, line in enumerate(LINES))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="200">{texts}</svg>'.encode()
    program, _, form = name.partition("-path.")
    if program == "inkscape":
        return run(["inkscape", "--export-text-to-path", "-o", f"o.{form}", "a.svg"], {"a.svg": svg}, f"o.{form}")
    pdf = run(["inkscape", "--export-text-to-path", "-o", "o.pdf", "a.svg"], {"a.svg": svg}, "o.pdf")
    command = ["soffice", "--headless", "-env:UserInstallation=file:///tmp/holdgate-programs-office"]
    source = "impress_pdf_import" if form == "pptx" else "draw_pdf_import"
    return run([*command, f"--infilter={source}", "--convert-to", form, "a.pdf"], {"a.pdf": pdf}, f"a.{form}")
