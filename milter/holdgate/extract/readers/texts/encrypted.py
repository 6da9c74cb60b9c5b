"""Documents encrypted as a whole, known by their signature: OpenPGP (RFC 9580), openssl(1)."""

from holdgate.extract.reading import Document, Sink, UnreadableError


def read(document: Document, sink: Sink) -> None:
    """Raise UnreadableError: nobody but the key's owner reads it."""
    raise UnreadableError("encrypted")
