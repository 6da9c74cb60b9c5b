"""The messages that demo and tests send: in the form of a mail program, with published test numbers only."""

import io
import zipfile
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

import docx

# python-stdnum's sample number, and the Visa test number in payment providers' documentation.
SSN = "536-90-4399"
CARD = "4111 1111 1111 1111"

SENDER = "anna@corp.example"
RECIPIENT = "bob@partner.example"
MODERATOR = "boss@corp.example"


def letter(subject: str, text: str, *, sender: str = SENDER, recipient: str = RECIPIENT) -> EmailMessage:
    """Return a plain text message."""
    message = EmailMessage(policy=SMTP)
    message["From"] = f"<{sender}>"
    message["To"] = f"<{recipient}>"
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain="corp.example")
    message.set_content(text)
    return message


def readable(message: Message) -> str:
    """Return the header fields and all texts of a message, decoded, as a mail program shows them."""
    shown = message_from_bytes(message.as_bytes(), policy=SMTP)
    fields = [f"{name}: {value}" for name, value in shown.items()]
    texts = [str(part.get_content()) for part in shown.walk() if part.get_content_maintype() == "text"]
    return "\n".join(fields + texts)


def clean() -> EmailMessage:
    """Return a message without personal data."""
    return letter("Lunch on Friday", "Hello Bob,\n\nshall we say half past twelve at the usual place?\n\nAnna\n")


def number_in_text() -> EmailMessage:
    """Return a message with a social security number in its text."""
    return letter("New colleague", f"Hello Bob,\n\nher social security number is {SSN}.\n\nAnna\n")


def document() -> bytes:
    """Return a Word document with a card number in a table."""
    paper = docx.Document()
    paper.add_heading("Travel booking")
    table = paper.add_table(rows=2, cols=2)
    for row, texts in zip(table.rows, (("Traveller", "Credit card"), ("A. Example", CARD)), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    stream = io.BytesIO()
    paper.save(stream)
    return stream.getvalue()


def card_in_document() -> EmailMessage:
    """Return a message with the document attached."""
    message = letter("Booking form", "Please see the form.\n")
    kind = "vnd.openxmlformats-officedocument.wordprocessingml.document"
    message.add_attachment(document(), maintype="application", subtype=kind, filename="booking.docx")
    return message


def card_in_zip() -> EmailMessage:
    """Return a message with the document in a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("forms/booking.docx", document())
    message = letter("Booking forms", "All forms in one file.\n")
    message.add_attachment(stream.getvalue(), maintype="application", subtype="zip", filename="forms.zip")
    return message
