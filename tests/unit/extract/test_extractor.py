"""The extractor: names, recursion, limits, and unread content is never complete."""

import time
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.extract.formats import REGISTRY
from holdgate.extract.part import Attachment, Part, Status
from holdgate.extract.reading import Document, Reader, Sink, UnreadableError
from tests.support.mutation import mutants
from tests.support.samples import TOKEN, samples, zipped


def part_called(parts: list[Part], name: str) -> Part:
    (found,) = [part for part in parts if part.name == name]
    return found


@pytest.fixture(name="broken")
def _broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[Reader], None]:
    """Let a test put any reader in the place of the one for text."""

    def put(read: Reader) -> None:
        monkeypatch.setitem(REGISTRY.formats, "text", replace(REGISTRY.formats["text"], read=read))

    return put


@pytest.mark.parametrize("name", samples())
def test_every_sample_is_read(name: str) -> None:
    extraction = extract_file(name, samples()[name])
    assert any(TOKEN in part.text for part in extraction.parts)
    assert extraction.status is (Status.LIMITED if name == "text.bin" else Status.COMPLETE), extraction.reason


def test_parts_of_a_message_have_readable_names() -> None:
    mail = EmailMessage()
    mail["Subject"] = "note"
    mail.set_content("plain")
    mail.add_alternative("<p>rich</p>", subtype="html")
    mail.add_attachment(zipped({"a/b.txt": b"inner"}), maintype="application", subtype="zip", filename="report.zip")
    mail.add_attachment(b"%PDF-1", maintype="application", subtype="pdf")
    inner = EmailMessage()
    inner["Subject"] = "before"
    inner.set_content("forwarded")
    mail.add_attachment(inner, filename="old.eml")
    assert [part.name for part in extract_message(mail.as_bytes()).parts] == [
        "subject",
        "headers",
        "technical headers",
        "message body",
        "message body (HTML)",
        "report.zip",
        "report.zip › a/b.txt",
        "attachment 4 (application/pdf)",
        "old.eml › subject",
        "old.eml › message body",
    ]


def test_subject_and_attachments_are_those_of_the_message_itself() -> None:
    mail = EmailMessage()
    mail["Subject"] = "note"
    mail.set_content("plain")
    mail.add_attachment(b"1,2", maintype="text", subtype="csv", filename="figures.csv")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf")
    inner = EmailMessage()
    inner["Subject"] = "before"
    inner.add_attachment(b"inner", maintype="text", subtype="plain", filename="inner.txt")
    mail.add_attachment(inner, filename="old.eml")
    for extraction in (extract_message(mail.as_bytes()), extract_file("saved.eml", mail.as_bytes())):
        assert extraction.subject == "note"
        figures, nameless, old, inside = extraction.attachments
        assert figures == Attachment("figures.csv", "csv", 3)
        assert nameless == Attachment("attachment 3 (application/pdf)", "pdf", 5)
        assert old == Attachment("old.eml", "message", len(inner.as_bytes()))
        assert inside == Attachment("old.eml › inner.txt", "text", 5, member=True)


def _attached(message: bytes) -> list[tuple[str, bool]]:
    return [(file.name, file.member) for file in extract_message(message).attachments]


UUENCODED = "Hello\n\nbegin 644 a.txt\n#86)C\n`\nend\n"


@pytest.mark.parametrize(
    ("message", "attached"),
    [
        (b"Subject: s\r\n\r\nHello\r\n", []),
        (b"Content-Type: text/html\r\n\r\n<p>Hello</p>\r\n", []),
        (b"Content-Type: text/plain\r\nContent-Disposition: inline\r\n\r\nHello\r\n", []),
        (b"Content-Disposition: Attachment\r\n\r\nHello\r\n", [("message body", False)]),
        (b'Content-Type: text/plain; name="a.txt"\r\n\r\nHello\r\n', [("a.txt", False)]),
        (b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\r\n", [("attachment 1 (application/pdf)", False)]),
        (b"Content-Type: text/plain\r\n\r\n" + UUENCODED.encode(), [("message body › a.txt", False)]),
    ],
    ids=["plain", "html", "inline", "asked to be a file", "named", "no text", "uuencode"],
)
def test_a_body_is_not_an_attachment(message: bytes, attached: list[tuple[str, bool]]) -> None:
    assert _attached(message) == attached


def test_files_inside_attachments_are_marked_as_members() -> None:
    mail = EmailMessage()
    mail.set_content("plain")
    mail.add_alternative("<p>rich</p>", subtype="html")
    mail.add_attachment(zipped({"a/b.txt": b"inner"}), maintype="application", subtype="zip", filename="report.zip")
    assert _attached(mail.as_bytes()) == [("report.zip", False), ("report.zip › a/b.txt", True)]


def test_a_file_that_is_not_a_message_has_no_subject_and_is_listed_itself() -> None:
    mail = EmailMessage()
    mail["Subject"] = "in an archive"
    mail.add_attachment(b"1,2", maintype="text", subtype="csv", filename="figures.csv")
    extraction = extract_file("mail.zip", zipped({"letter.eml": mail.as_bytes()}))
    assert any("in an archive" in part.text for part in extraction.parts)
    assert extraction.subject == ""
    assert [(file.name, file.member) for file in extraction.attachments] == [
        ("mail.zip", False),
        ("mail.zip › letter.eml", True),
        ("mail.zip › letter.eml › figures.csv", True),
    ]


def test_names_of_files_are_text() -> None:
    mail = EmailMessage()
    mail.add_attachment(
        zipped({"inner name.txt": b"x"}), maintype="application", subtype="zip", filename="outer name.zip"
    )
    text = "\n".join(part.text for part in extract_message(mail.as_bytes()).parts)
    assert "outer name.zip" in text
    assert "inner name.txt" in text


def test_places_point_into_the_text() -> None:
    (part,) = extract_file("a.csv", b"a;b\nc;d\ne;f\n").parts
    assert part.text == "a\tb\nc\td\ne\tf"
    assert part.place_at(part.text.index("d")) == "row 2"


def test_a_reader_that_raises_leaves_its_part_failed(broken: Callable[[Reader], None]) -> None:
    def read(document: Document, sink: Sink) -> None:
        sink.text("before")
        raise KeyError("4111111111111111")

    broken(read)
    extraction = extract_file("a.zip", zipped({"a.txt": b"x", "b.html": b"<p>after</p>"}))
    part = part_called(extraction.parts, "a.zip › a.txt")
    assert (part.status, part.reason, part.text) == (Status.FAILED, "reader failed: KeyError", "before")
    assert part_called(extraction.parts, "a.zip › b.html").text == "after"
    assert (extraction.status, extraction.reason) == (Status.FAILED, "a.zip › a.txt: reader failed: KeyError")


def test_an_unreadable_document_still_gives_its_strings(broken: Callable[[Reader], None]) -> None:
    def read(document: Document, sink: Sink) -> None:
        raise UnreadableError("damaged")

    broken(read)
    (part,) = extract_file("a.txt", b"The word is Rosenquist.").parts
    assert (part.status, part.reason) == (Status.FAILED, "damaged")
    assert "Rosenquist" in part.text


def test_an_unidentified_file_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    def identify(document: Document) -> str:
        raise IndexError

    monkeypatch.setattr("holdgate.extract.identify.identify", identify)
    (part,) = extract_file("a.txt", b"The word is Rosenquist.").parts
    assert (part.status, part.reason) == (Status.LIMITED, "unknown format, only strings read")
    assert "Rosenquist" in part.text


def test_recursion_ends_as_limited(broken: Callable[[Reader], None]) -> None:
    def read(document: Document, sink: Sink) -> None:
        read(document, sink)

    broken(read)
    assert extract_file("a.txt", b"x").reason == "a.txt: nested too deeply"


def test_the_time_of_members_does_not_count_for_their_container(
    broken: Callable[[Reader], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def read(document: Document, sink: Sink) -> None:
        sink.text(document.data.decode())
        now[0] += 6
        sink.budget.check_time()

    broken(read)
    data = zipped({f"{number}.txt": b"text %d" % number for number in range(3)})
    extraction = extract_file("a.zip", data, Limits(part_seconds=10, message_seconds=100))
    assert extraction.status is Status.COMPLETE
    extraction = extract_file("a.zip", data, Limits(part_seconds=5, message_seconds=100))
    assert part_called(extraction.parts, "a.zip › 0.txt").reason == "time limit"
    assert part_called(extraction.parts, "a.zip").status is Status.COMPLETE
    extraction = extract_file("a.zip", data, Limits(part_seconds=10, message_seconds=11))
    assert extraction.status is Status.LIMITED


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(archive_depth=1), "a.zip › b.zip › c.zip: nested too deeply"),
        (Limits(entries=2), "too many members"),
        (Limits(entry_bytes=40), "member too large"),
        (Limits(total_bytes=40), "total size"),
        (Limits(text_characters=3), "too much text"),
        (Limits(message_seconds=0), "time limit"),
    ],
)
def test_each_limit_is_named(limits: Limits, reason: str) -> None:
    data = zipped({"b.zip": zipped({"c.zip": zipped({"d.txt": b"words"})})})
    extraction = extract_file("a.zip", data, limits)
    assert extraction.status is Status.LIMITED
    assert reason in extraction.reason
    assert extract_file("a.zip", data).status is Status.COMPLETE


def test_text_is_kept_up_to_the_limit() -> None:
    (part,) = extract_file("a.txt", b"0123456789", Limits(text_characters=4)).parts
    assert part.text == "0123"
    assert len(extract_file("a.txt", b"0123", Limits(text_characters=4)).parts[0].text) == 4


@pytest.mark.parametrize(("depth", "status"), [(5, Status.COMPLETE), (30, Status.LIMITED)])
def test_nested_messages_end_at_the_limit(depth: int, status: Status) -> None:
    extraction = extract_message(b"Content-Type: message/rfc822\n\n" * depth + b"Subject: x\n\ninnermost")
    assert extraction.status is status
    assert extraction.reason == "" or extraction.reason.endswith("messages nested too deeply")


def test_the_same_bytes_are_read_once() -> None:
    inner = zipped({"a.txt": b"words " * 100})
    extraction = extract_file("a.zip", zipped({f"{number}.zip": inner for number in range(20)}))
    assert len(extraction.parts) == 3
    assert "19.zip" in extraction.parts[0].text


def test_signals_are_kept_once() -> None:
    data = zipped({"a.pdf": b"\x89PNG\r\n\x1a\n1", "b.pdf": b"\x89PNG\r\n\x1a\n2"})
    assert extract_file("a.zip", data).signals == ["type mismatch: image named .pdf"]


def test_a_reason_masks_numbers_in_names() -> None:
    assert "4111" not in extract_file("4111 1111 1111 1111 a.bin", b"\x00\x01\x02" * 20).reason[:12]
    assert extract_file("report 2026.bin", b"\x00\x01\x02" * 20).reason.startswith("report 2026.bin: ")


def test_names_are_shown_without_line_breaks() -> None:
    (part,) = extract_file("a\r\nb\x00\u202ec.txt", b"x").parts
    assert part.name == "a b c.txt"


def test_an_encrypted_file_is_failed_and_its_bytes_are_not_text() -> None:
    (part,) = extract_file("a.pgp", b"-----BEGIN PGP MESSAGE-----\n\nwcBMA0Rosenquist\n").parts
    assert (part.status, part.reason, part.text) == (Status.FAILED, "encrypted", "")


@given(st.binary(max_size=800), st.sampled_from(["", "a.eml", "a.csv", "a.html", "a.ics", "a.xml"]))
def test_any_input_is_extracted_without_an_exception(data: bytes, name: str) -> None:
    for extraction in (extract_message(data), extract_file(name, data)):
        assert (extraction.status is Status.COMPLETE) == all(
            part.status is Status.COMPLETE for part in extraction.parts
        )
        for part in extraction.parts:
            assert (part.status is Status.COMPLETE) == (not part.reason)
            assert part.places == sorted(part.places, key=lambda place: place[0])


# libarchive can be crashed by a damaged file, which ends a worker but would end the tests as well: see script/fuzz.
OWN = {name: data for name, data in samples().items() if not name.startswith("archive") and name != "plain.tar"}


@settings(max_examples=30)
@given(st.sampled_from(sorted(OWN)), st.integers(0, 2**32))
def test_damaged_files_end_in_a_status(name: str, seed: int) -> None:
    extraction = extract_file(name, next(mutants(OWN[name], seed)))
    assert all(part.reason for part in extraction.parts if part.status is not Status.COMPLETE)
