"""Text in places of an Office document that no list of places contains: attributes, comments, names of parts.

The readers know which attributes of which elements contain text that a person wrote. Programs offer more of them with
each version, and a person can write into any. So each value in which a person could have written a number is passed on
too, unless the reader of the part has done so.
"""

import re
from collections.abc import Callable
from contextlib import suppress

from holdgate.extract.readers.openxml.xstring import spellings
from holdgate.extract.readers.texts import expat
from holdgate.extract.readers.texts.xml import comments
from holdgate.extract.readers.texts.xml_plan import FULL, START, Selection
from holdgate.extract.reading import Sink, UnreadableError
from holdgate.extract.written import FEWEST_DIGITS, digits, is_written

_VALUE = re.compile(rb"""=\s*+(?:"([^"<]{9,}+)"|'([^'<]{9,}+)')""")
_DIGITS = b"0123456789"
_DECLARATION = b"<?xml"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
# Lists of numbers for paths, points and layout, and of namespaces.
_NOT_WRITTEN = """
    adj coordsize d enhanced-path eqn formulas Ignorable MustUnderstand path points ProcessContent Requires style
    transform v viewBox
"""
_LISTS = frozenset(_NOT_WRITTEN.split())
_ATTRIBUTES = Selection({}, otherwise=START | FULL)


def read(data: bytes, is_read: Callable[[str, str], bool], sink: Sink, place: str) -> None:
    """Pass on such values in the XML of one part, each once.

    `is_read` returns whether the reader of the part passes on an attribute: of an element, with this name, both without
    prefix.
    """
    if _may_have_values(data):
        # What is wrong with the part, its reader has reported.
        with suppress(UnreadableError):
            expat.feed(data, _Values(is_read, sink, place), sink.budget)
    if b"<!-" in data or data.find(b"<?", len(_DECLARATION)) >= 0 or data.startswith(_WIDE):
        for comment in comments(expat.decode(data)):
            if digits(comment) >= FEWEST_DIGITS:
                sink.text(comment, f"{place}, XML comment" if place else "XML comment")


def _may_have_values(data: bytes) -> bool:
    """Return whether a value in quotes has enough digits and is long enough; false if none can be `is_written`."""
    if data.startswith(_WIDE):
        return True
    for double, single in set(_VALUE.findall(data)):
        value = double or single
        if b"&#" in value:
            return True
        enough = len(value) - len(value.translate(None, _DIGITS)) >= FEWEST_DIGITS or not value.isascii()
        if enough and is_written(value.decode("utf-8", "replace")):
            return True
    return False


class _Values:
    """Passes on attributes: an expat handler."""

    def __init__(self, is_read: Callable[[str, str], bool], sink: Sink, place: str) -> None:
        self.wanted = _ATTRIBUTES
        self.is_read = is_read
        self.known: set[str] = set()
        self.sink = sink
        self.place = place

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        for key, value in attributes.items():
            if len(value) <= FEWEST_DIGITS or value in self.known or key.startswith("xmlns"):
                continue
            plain = key[key.find(":") + 1 :]
            if plain not in _LISTS and not self.is_read(name, plain) and is_written(value):
                self.known.add(value)
                for spelled in spellings(value):
                    self.sink.text(spelled, f"{self.place}, {plain}" if self.place else plain)

    def end(self, name: str) -> None:
        """Process an end tag."""

    def data(self, text: str) -> None:
        """Process character data."""
