"""Redacts the planted documents: their tokens, and the number of a card."""

import email
import re
from email.message import EmailMessage
from pathlib import Path

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.rewrite.change import Changed, change
from holdgate.rewrite.finder import Finder
from tests.data import planted

DOCUMENTS = Path(planted.__file__).parent / "documents"
SECRET = re.compile(rf"token[a-z]+|{planted.CARD}|4111 ?1111 ?1111 ?1111")


def spans(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in SECRET.finditer(text)]


def check(name: str, data: bytes) -> tuple[bool, bool]:
    extraction = extract_file(name, data)
    return extraction.status is Status.COMPLETE, any(spans(part.text) for part in extraction.parts)


def redacted(content: bytes, known: list[str] | None = None) -> Changed:
    finder = Finder(spans, spans, check, known or [])
    return change(content, Limits(), without=(), note="", mask=str, finder=finder)


def letter(name: str, data: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "anna@corp.example", "Report"
    message.set_content("Hello\n")
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def attachment(content: bytes) -> bytes:
    part = next(one for one in email.message_from_bytes(content).walk() if one.get_filename())
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data
