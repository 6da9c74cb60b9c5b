import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.office import rtf
from holdgate.extract.reading import UnreadableError
from tests.unit.extract.readers.recording import read


def rich(body: str) -> bytes:
    return ("{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial;}}" + body + "}").encode(
        "latin-1"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("4111{\\b 1111}\\i 1111\\i0 1111\\par", "4111111111111111"),
        ("41{\\*\\unknown hidden}11\\par", "4111"),
        ("Gr\\'fc\\'dfe\\par", "Grüße"),
        ("{\\f1 \\'cf\\'f0\\'e8}\\par", "При"),
        ("\\uc1\\u1055?\\u1088?\\par", "Пр"),
        ("{\\uc2\\u1055??x}\\par", "Пx"),
        ("\\u-10179?\\u-8704?\\par", "😀"),
        ("a\\~b\\_c\\-d\\par", "a b-cd"),
        ("\\{braces\\}\\par", "{braces}"),
        ("no end of paragraph", "no end of paragraph"),
        ("41\\bin3 \x00}}11\\par", "4111"),
    ],
)
def test_the_runs_of_a_paragraph_are_joined(body: str, text: str) -> None:
    assert (text, "") in read(rtf, rich(body)).texts


@pytest.mark.parametrize(
    ("body", "text", "place"),
    [
        ("{\\header 4711}", "4711", "header"),
        ("{\\footnote 4711}", "4711", "footnote"),
        ("{\\*\\annotation 4711}", "4711", "comment"),
        ("{\\info{\\title 4711}}", "4711", "document properties"),
        ("{\\info{\\*\\company 4711}}", "4711", "document properties"),
        ("{\\*\\userprops{\\propname x}{\\staticval 4711}}", "4711", "document properties"),
        ("{\\field{\\*\\fldinst HYPERLINK 4711}{\\fldrslt here}}", "HYPERLINK 4711", "field code"),
        ("{\\shp{\\*\\shpinst{\\sp{\\sn wzDescription}{\\sv 4711}}{\\shptxt box}}}", "4711", "shape"),
        ("{\\shp{\\*\\shpinst{\\shptxt 4711}}}", "4711", "text box"),
        ("{\\*\\bkmkstart 4711}", "4711", "bookmark"),
    ],
)
def test_destinations_have_places(body: str, text: str, place: str) -> None:
    assert (text, place) in read(rtf, rich(body)).texts


def test_digits_that_are_struck_out_of_a_number_are_left_out_once() -> None:
    text = "SSN 536{\\strike 12}-90{\\striked1 7}\\striked0 -4399\\par see {\\strike 12} persons\\par"
    texts = [one for one, _ in read(rtf, rich(text)).texts]
    assert "SSN 53612-907-4399" in texts
    assert "SSN 536-90-4399" in texts
    assert [one for one in texts if "persons" in one] == ["see 12 persons"]


def test_revised_and_hidden_text_is_read_in_every_version() -> None:
    sink = read(rtf, rich("4111 {\\deleted 2222}{\\revised 1111}\\par a{\\v secret}b\\par"))
    assert ("4111 1111", "") in sink.texts
    assert ("4111 2222", "before revision") in sink.texts
    assert ("asecretb", "") in sink.texts
    assert ("ab", "without hidden text") in sink.texts


def test_objects_and_images_are_passed_on() -> None:
    package = b"\2\0a.txt\0a.txt\0\0\0\3\0" + (6).to_bytes(4, "little") + b"a.txt\0" + (2).to_bytes(4, "little") + b"hi"
    frame = (
        b"\1\5\0\0\2\0\0\0" + (8).to_bytes(4, "little") + b"Package\0" + b"\0" * 8 + len(package).to_bytes(4, "little")
    )
    body = "{\\object\\objemb{\\*\\objdata " + (frame + package).hex() + "}}{\\pict\\pngblip\n89 50\n4e47}"
    assert read(rtf, rich(body)).documents == [("a.txt", b"hi"), ("picture.png", b"\x89PNG")]


def test_a_binary_image_is_passed_on() -> None:
    data = b"{\\rtf1{\\pict\\jpegblip\\bin4 }\xff{\\}4711\\par}"
    sink = read(rtf, data)
    assert sink.documents == [("picture.jpeg", b"}\xff{\\")]
    assert ("4711", "") in sink.texts


def test_a_file_that_is_not_rtf_is_refused() -> None:
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        read(rtf, b"plain")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=50))
def test_any_escaped_text_is_decoded(text: str) -> None:
    units = text.encode("utf-16-le")
    numbers = [int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2)]
    expected = "".join(chr(ord(c) & 0xFF) if 0xF000 <= ord(c) <= 0xF0FF else c for c in text)
    # A single semicolon remains from tables of fonts and colours, so a word is added before it.
    sink = read(rtf, rich("word" + "".join(f"\\u{number}?" for number in numbers) + "\\par"))
    assert "\n".join(text for text, place in sink.texts if place == "").strip() == "word" + expected.rstrip()


@given(
    st.binary(max_size=300),
    st.lists(st.sampled_from([b"{", b"}", b"\\u1?", b"\\bin9 ", b"\\'", b"{\\*\\x ", b"{\\pict "])),
)
def test_any_input_is_read_without_an_exception(junk: bytes, tokens: list[bytes]) -> None:
    read(rtf, b"{\\rtf1" + b"".join(tokens) + junk)


@pytest.mark.parametrize("destination", ["", r"{\*\unknown ", r"{\*\datastore "])
def test_binary_data_that_is_text_is_read(destination: str) -> None:
    words = b"her number is 536-90-4399"
    for content in (words, b"\0\1\2\3" * 20 + words):
        data = rb"{\rtf1 " + destination.encode() + b"\\bin%d " % len(content) + content + b"}}"
        sink = read(rtf, data)
        assert words.decode() in sink.whole() or words in b"".join(one for _, one in sink.documents)
