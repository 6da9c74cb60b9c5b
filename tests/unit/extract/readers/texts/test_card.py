import base64

from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.readers.texts import calendar, card
from tests.unit.extract.readers.recording import read


def test_folded_and_escaped_values_are_joined() -> None:
    data = b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna\r\nNOTE:card 4111\\, 1111\r\n 1111 end\\nnext\r\nEND:VCARD\r\n"
    assert ("NOTE: card 4111, 11111111 end\nnext", "card Anna") in read(card, data).texts


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1), st.integers(1, 75))
def test_a_fold_inside_a_character_is_undone(text: str, width: int) -> None:
    value = f"x{text}x".replace("\\", "").replace(";", "").encode()
    folded = b"\r\n ".join(value[start : start + width] for start in range(0, len(value), width))
    data = b"BEGIN:VCARD\r\nVERSION:4.0\r\nNOTE:" + folded + b"\r\nEND:VCARD\r\n"
    assert (f"NOTE: {value.decode()}", "card") in read(card, data).texts


def test_a_line_in_an_old_charset_is_not_a_cut_character() -> None:
    data = b"BEGIN:VCARD\r\nNOTE:M\xfcller\r\n \xa7 4\r\nEND:VCARD\r\n"
    assert ("NOTE: Müller§ 4", "card") in read(card, data).texts


def test_quoted_printable_is_decoded_across_soft_line_breaks() -> None:
    data = b"BEGIN:VCARD\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller=\n;Anna\nEND:VCARD\n"
    assert ("N: Müller Anna", "card") in read(card, data).texts


def test_images_are_passed_on() -> None:
    encoded = base64.b64encode(b"\xff\xd8\xff").decode()
    for line in (
        f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded}",
        f"PHOTO:data:image/jpeg;base64,{encoded}",
        f"PHOTO;BASE64:{encoded}",
    ):
        sink = read(card, f"BEGIN:VCARD\r\n{line}\r\nEND:VCARD\r\n".encode())
        assert sink.documents == [("photo", b"\xff\xd8\xff")]


def test_parameters_and_lines_without_a_colon_are_read() -> None:
    sink = read(card, b'TEL;X-NOTE="4711:0815":+1 202 555 0100\nstray 4712\n')
    assert sink.place_of("4711:0815") == "card"
    assert sink.place_of("stray 4712") == ""


def test_components_of_a_calendar_are_named() -> None:
    data = (
        b"BEGIN:VCALENDAR\r\nX-WR-CALNAME:Team\r\nBEGIN:VEVENT\r\nSUMMARY:Meeting\r\nBEGIN:VALARM\r\nDESCRIPTION:Wake\r\n"
        b"END:VALARM\r\nATTENDEE;CN=Anna:mailto:anna@corp.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    sink = read(calendar, data)
    assert sink.place_of("Team") == "calendar"
    assert sink.place_of("Meeting") == "event"
    assert sink.place_of("Wake") == "alarm"
    assert sink.place_of("anna@corp.example") == "event"
    assert sink.place_of("Anna") == "event"


@given(st.binary(max_size=300))
def test_any_input_is_read_without_an_exception(data: bytes) -> None:
    read(card, data)
    read(calendar, data)


def test_the_html_of_an_invitation_is_read_as_html() -> None:
    """Outlook's X-ALT-DESC; a semicolon in it is escaped or not."""
    page = '<p style="color:red\\;top:0">to<b>ken</b>&amp\\; more\\n</p>'
    event = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nX-ALT-DESC;FMTTYPE=text/html:{page}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    texts = [part.text for part in extract_file("a.ics", event.encode()).parts]
    assert any("token& more" in text for text in texts), texts
