import struct

from holdgate.extract.budget import Limits
from holdgate.extract.readers.office import ole
from tests.data.compound_writer import Tree, compound
from tests.unit.extract.readers.recording import read


def properties(header: int, **fixed: tuple[int, bytes]) -> bytes:
    entries = b"".join(
        struct.pack("<HHI", kind, int(number[1:], 16), 6) + value.ljust(8, b"\0")
        for number, (kind, value) in fixed.items()
    )
    return b"\0" * header + entries


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def message(header: int = 32, **streams: bytes) -> Tree:
    tree: Tree = {"__properties_version1.0": properties(header)}
    return tree | {f"__substg1.0_{name[1:]}": content for name, content in streams.items()}


def test_bodies_headers_and_recipients_have_places() -> None:
    tree = message(p0037001F=wide("a subject"), p1000001F=wide("the body"), p007D001F=wide("Received: here"))
    tree["__recip_version1.0_#00000000"] = message(8, p3001001F=wide("Anna"), p39FE001F=wide("anna@corp.example"))
    tree["__substg1.0_10130102"] = b"<p>html</p>"
    sink = read(ole, compound(tree))
    assert sink.place_of("a subject") == "subject"
    assert sink.place_of("the body") == ""
    assert sink.place_of("Received: here") == "headers"
    assert sink.place_of("anna@corp.example") == "recipient, recipient properties"
    assert sink.documents == [("message body (HTML)", b"<p>html</p>")]


def test_eight_bit_strings_are_in_the_code_page_of_the_message() -> None:
    tree = message(p1000001E="Привет".encode("cp1251"))
    tree["__properties_version1.0"] = properties(32, p3FFD=(3, struct.pack("<I", 1251)))
    assert "Привет" in read(ole, compound(tree)).whole()


def test_compressed_rtf_is_read() -> None:
    text = b"{\\rtf1 token-rich}"
    body = struct.pack("<IIII", len(text) + 12, len(text), 0x414C454D, 0) + text
    assert read(ole, compound(message(p10090102=body))).place_of("token-rich") == ""


def test_an_attachment_is_passed_on_once_with_its_name() -> None:
    tree = message(p1000001F=wide("see attachment"))
    tree["__attach_version1.0_#00000000"] = message(
        8,
        p37010102=b"content",
        p3707001F=wide("list of names.csv"),
        p3704001F=wide("LIST~1.CSV"),
        p370E001F=wide("Text/CSV"),
    )
    sink = read(ole, compound(tree))
    assert sink.documents == [("list of names.csv", b"content")]
    assert sink.place_of("LIST~1.CSV") == "attachment name"


def test_a_message_in_a_message_is_read_once() -> None:
    inner = message(24, p1000001F=wide("inner body"))
    tree = message(p1000001F=wide("outer body"))
    tree["__attach_version1.0_#00000000"] = message(8, p3001001F=wide("forwarded")) | {"__substg1.0_3701000D": inner}
    sink = read(ole, compound(tree))
    assert sink.place_of("inner body") == "attached message forwarded"
    assert sum("inner body" in text for text, _ in sink.texts) == 1


def test_an_object_in_an_attachment_is_read_by_its_type() -> None:
    tree = message()
    tree["__attach_version1.0_#00000000"] = message(8) | {"__substg1.0_3701000D": {"CONTENTS": b"%PDF-1.4"}}
    assert [content for _, content in read(ole, compound(tree)).documents] == [b"%PDF-1.4"]


def test_nesting_ends_at_the_limit() -> None:
    tree = message(24, p1000001F=wide("innermost"))
    for _ in range(5):
        tree = message(24) | {"__attach_version1.0_#00000000": message(8) | {"__substg1.0_3701000D": tree}}
    sink = read(ole, compound(tree), limits=Limits(mime_depth=3))
    assert "nested too deeply" in sink.reasons
