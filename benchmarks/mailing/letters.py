"""Corpora of real MIME files from a seed: small (plain text), html, typical (a docx or pdf attached), large.

The same seed and the same libraries give the same messages, except for times that the libraries write.
"""

import io
import random
import textwrap
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from docx import Document
from docx.shared import Inches
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

SETS = {"small": 200, "html": 60, "typical": 60, "large": 4}
"""Names of the corpora, and how many messages each has."""

_WORDS = (Path(__file__).parent / "words.txt").read_text(encoding="ascii").split()
_NAMES = (
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Elena",
    "Frank",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Karin",
    "Luis",
    "Marta",
    "Nils",
    "Olga",
    "Paul",
    "Rita",
    "Sven",
    "Tina",
)
# Published test numbers.
_PLANTED = ("My SSN is 536-90-4399.", "Card: 4111 1111 1111 1111, valid to 12/29.", "IBAN DE89 3704 0044 0532 0130 00")
_EVERY = 25


class Writer:
    """Writes text as people do, from a seed."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def words(self, count: int) -> str:
        """Return a number of words."""
        return " ".join(self.random.choices(_WORDS, k=count))

    def paragraph(self) -> str:
        """Return some sentences."""
        return " ".join(
            f"{self.words(self.random.randint(6, 18)).capitalize()}." for _ in range(self.random.randint(2, 6))
        )

    def text(self, length: int) -> str:
        """Return a letter of about this length, with wrapped lines."""
        parts = [f"Dear {self.random.choice(_NAMES)},"]
        while sum(map(len, parts)) < length:
            parts.append(textwrap.fill(self.paragraph(), 76))
        return "\n\n".join([*parts, f"Best regards\n{self.random.choice(_NAMES)}"]) + "\n"

    def picture(self, kilobytes: int) -> bytes:
        """Return a JPEG of about that size: noise does not compress."""
        side = int((kilobytes * 1000 / 1.1) ** 0.5) + 8
        image = Image.frombytes("L", (side, side), self.random.randbytes(side * side))
        target = io.BytesIO()
        image.save(target, "JPEG", quality=90)
        return target.getvalue()

    def docx(self, paragraphs: int, kilobytes: int = 0) -> bytes:
        """Return a Word document, with an image of that size."""
        document = Document()
        document.add_heading(self.words(4), 1)
        for _ in range(paragraphs):
            document.add_paragraph(self.paragraph())
        if kilobytes:
            document.add_picture(io.BytesIO(self.picture(kilobytes)), width=Inches(4))
        target = io.BytesIO()
        document.save(target)
        return target.getvalue()

    def pdf(self, pages: int, kilobytes: int = 0) -> bytes:
        """Return a PDF, with an image of that size."""
        target = io.BytesIO()
        page = canvas.Canvas(target, pagesize=A4, invariant=True)
        for number in range(pages):
            for line in range(40):
                page.drawString(60, 780 - line * 17, self.words(11))
            if kilobytes and not number:
                page.showPage()
                page.drawImage(ImageReader(io.BytesIO(self.picture(kilobytes))), 60, 300, 400, 400)
            page.showPage()
        page.save()
        return target.getvalue()

    def message(self, length: int, planted: str) -> tuple[EmailMessage, str]:
        """Return a message without a body, and the text for it."""
        message = EmailMessage()
        message["From"] = f"{self.random.choice(_NAMES)} <sender@corp.example>"
        message["To"] = f"{self.random.choice(_NAMES)} <rcpt@partner.example>"
        message["Subject"] = self.words(5)
        message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0000"
        message["Message-ID"] = f"<{self.random.getrandbits(64):x}@corp.example>"
        text = self.text(length)
        return message, f"{planted}\n\n{text}" if planted else text


def _small(writer: Writer, planted: str) -> EmailMessage:
    message, text = writer.message(writer.random.randint(1_500, 4_200), planted)
    message.set_content(text, cte=writer.random.choices(["7bit", "quoted-printable", "base64"], [75, 20, 5])[0])
    return message


def _with_page(writer: Writer, planted: str) -> EmailMessage:
    message, text = writer.message(writer.random.randint(1_000, 6_000), planted)
    message.set_content(text)
    paragraphs = "".join(f"<p>{part}</p>\n" for part in text.split("\n\n"))
    style = "<style>p {margin:0 0 1em 0}</style>"
    message.add_alternative(f"<html><head>{style}</head><body>{paragraphs}</body></html>\n", subtype="html")
    return message


_OFFICE = "vnd.openxmlformats-officedocument.wordprocessingml.document"


def _typical(writer: Writer, planted: str) -> EmailMessage:
    message = _with_page(writer, planted)
    if writer.random.random() < 0.5:
        content = writer.docx(writer.random.randint(10, 60), writer.random.choice([0, 0, 8, 15]))
        message.add_attachment(content, maintype="application", subtype=_OFFICE, filename="document.docx")
    else:
        content = writer.pdf(writer.random.randint(3, 14), writer.random.randint(8, 40))
        message.add_attachment(content, maintype="application", subtype="pdf", filename="document.pdf")
    return message


def _large(writer: Writer, planted: str) -> EmailMessage:
    message = _with_page(writer, planted)
    rows = [
        f"{row},{writer.random.choice(_NAMES)},{writer.words(2)},{row % 999}.50,{writer.words(4)}"
        for row in range(5_200)
    ]
    files = (
        (writer.pdf(40, 1_000), "application", "pdf", "report.pdf"),
        (writer.docx(250, 700), "application", _OFFICE, "document.docx"),
        ("\n".join(["id,name,item,amount,comment", *rows]).encode(), "text", "csv", "export.csv"),
        (writer.picture(1_400), "image", "jpeg", "photo.jpg"),
    )
    for content, maintype, subtype, name in files:
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return message


_MAKERS: dict[str, Callable[[Writer, str], EmailMessage]] = {
    "small": _small,
    "html": _with_page,
    "typical": _typical,
    "large": _large,
}


def write(folder: Path, name: str, seed: str, count: int = 0) -> Path:
    """Write a corpus below `folder` and return where it is. One message in 25 contains a number that causes a hold."""
    target = folder / name
    target.mkdir(parents=True)
    writer = Writer(f"{seed} {name}")
    for number in range(count or SETS[name]):
        planted = writer.random.choice(_PLANTED) if number % _EVERY == _EVERY - 1 else ""
        (target / f"{number:04}.eml").write_bytes(_MAKERS[name](writer, planted).as_bytes())
    return target
