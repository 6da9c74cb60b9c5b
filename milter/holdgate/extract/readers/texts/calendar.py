"""Reads calendars (iCalendar): every property of every event, task and journal entry, and inline attachments.

Follows RFC 5545 3.1 (content lines), 3.3.11 (escaping), 3.8.1.1 (attachments); vCalendar 1.0 reads the same way.
"""

from holdgate.extract.format import Format
from holdgate.extract.readers.texts.card import content_lines, read_property
from holdgate.extract.reading import Document, Sink

PLACES = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "journal entry", "VALARM": "alarm", "VTIMEZONE": "time zone"}


def read(document: Document, sink: Sink) -> None:
    """Pass on each property with the kind of component that contains it."""
    components: list[str] = []
    for label, parameters, value in content_lines(document, sink):
        if label == "BEGIN":
            components.append(PLACES.get(value.strip().upper(), "calendar"))
        elif label == "END":
            if components:
                components.pop()
        else:
            read_property(label, parameters, value, sink, components[-1] if components else "")


FORMAT = Format(kind="calendar", read=read, holds="iCalendar", read_by="Holdgate", unread="", textual=True)
