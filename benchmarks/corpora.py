"""Finds the corpora that measurements use: next to the checkout, or in the folder HOLDGATE_CORPORA."""

import email
import os
import tarfile
from email.message import Message
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def corpus(name: str) -> Path | None:
    """Return the folder of a corpus; print a line and return None if it does not exist."""
    folder = Path(os.environ.get("HOLDGATE_CORPORA", _BESIDE)) / name
    if folder.is_dir():
        return folder
    print(f"skipped: no corpus {name} in {folder.parent} (set HOLDGATE_CORPORA)")
    return None


def raw_ham(folder: Path) -> list[bytes]:
    """Return the messages of the ham corpus unchanged."""
    messages: list[bytes] = []
    for archive in sorted(folder.glob("*.tar.xz")):
        with tarfile.open(archive) as members:
            for member in members:
                stream = members.extractfile(member)
                if stream is not None:
                    messages.append(stream.read())
    return messages


def ham(folder: Path) -> list[str]:
    """Return the messages of the ham corpus, each as one text: subject and decoded text parts."""
    return [_text(email.message_from_bytes(content)) for content in raw_ham(folder)]


def _text(message: Message) -> str:
    pieces = [str(message.get("Subject", ""))]
    for part in message.walk():
        if part.get_content_maintype() == "text":
            raw = part.get_payload(decode=True)
            data = raw if isinstance(raw, bytes) else b""
            try:
                pieces.append(data.decode(part.get_content_charset() or "latin-1", "replace"))
            except LookupError:
                pieces.append(data.decode("latin-1"))
    return "\n".join(pieces)
