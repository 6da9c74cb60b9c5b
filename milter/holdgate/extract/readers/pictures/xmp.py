"""Text of an XMP packet (ISO 16684-1): the metadata that PDF files and images contain as RDF in XML."""

from xml.parsers import expat

_DEPTH = 100
_SILENT_ATTRIBUTES = ("xmlns", "rdf:", "xml:", "x:xmptk")


class _RefusedError(Exception):
    """The packet declares entities or is nested too deeply."""


def xmp_text(packet: bytes) -> list[str]:
    """Return the property values of an XMP packet, in order, without its markup.

    A packet that is not well-formed or declares entities (billion laughs) is returned unchanged, with its markup.
    """
    values: list[str] = []
    text: list[str] = []
    depth = 0

    def flush() -> None:
        value = "".join(text).strip()
        text.clear()
        if value:
            values.append(value)

    def start(_name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise _RefusedError
        flush()
        values.extend(
            value for name, value in attributes.items() if value.strip() and not name.startswith(_SILENT_ATTRIBUTES)
        )

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1
        flush()

    def refuse(*_declaration: object) -> None:
        raise _RefusedError

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(packet.strip(b"\0 \r\n\t"), True)
    except (expat.ExpatError, _RefusedError):
        return [packet.decode("utf-8", "replace")]
    return values
