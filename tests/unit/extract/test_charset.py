"""Charsets: a text is decoded with the charset in which it was written."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import charset

GERMAN = "Sehr geehrte Frau Müller, die Größe der Straße ist nicht überall gleich; bitte prüfen Sie das für München. "
RUSSIAN = "Уважаемые коллеги, отправляю вам договор и прошу проверить его до конца недели. Спасибо за помощь. "
JAPANESE = "お世話になっております。先日の会議の資料を添付いたしますので、ご確認をお願いいたします。"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32-le"),
        (GERMAN, "utf-32-be"),
        (GERMAN, "cp1252"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp1251"),
        (JAPANESE * 3, "shift_jis"),
        (JAPANESE * 3, "euc_jp"),
    ],
)
def test_an_undeclared_charset_is_detected(text: str, codec: str) -> None:
    assert charset.decode(text.encode(codec)) == text


@pytest.mark.parametrize("codec", ["iso-8859-2", "cp1250", "koi8-r", "big5", "gb18030", "iso-2022-jp", "utf-7"])
def test_the_declared_charset_is_among_the_readings(codec: str) -> None:
    text = {"big5": "個人資料保護法", "gb18030": "个人信息保护法", "iso-2022-jp": JAPANESE, "koi8-r": RUSSIAN}.get(
        codec, "Łódź 4111"
    )
    assert text in charset.readings(text.encode(codec), codec)


def test_a_seven_bit_charset_keeps_the_plain_reading() -> None:
    assert charset.readings(b"+ADQAMQAxADE- plain", "utf-7") == ["4111 plain", "+ADQAMQAxADE- plain"]


def test_a_wrong_declaration_does_not_override_valid_utf8() -> None:
    assert charset.readings("Größe".encode(), "koi8-r") == ["Größe"]


def test_a_short_undeclared_text_is_also_read_in_the_most_common_charset() -> None:
    assert "Größe, naïve café" in charset.readings("Größe, naïve café".encode("cp1252"))


def test_a_short_text_is_read_as_declared_and_as_detected() -> None:
    readings = charset.readings("Привет, это договор".encode("cp1251"), "koi8-r")
    assert "Привет, это договор" in readings
    assert len(readings) > 1


@pytest.mark.parametrize("name", ["", "x-unknown", "zlib", "idna", "rot13", "unicode_escape", "../../etc"])
def test_an_invalid_charset_name_has_no_codec(name: str) -> None:
    assert charset.codec_of(name) == ""


@pytest.mark.parametrize(
    ("name", "codec"),
    [("ISO-8859-1", "cp1252"), (' "UTF-8" ', "utf-8"), ("Windows-1251", "cp1251"), ("x-gbk", "gb18030")],
)
def test_charset_names_in_mail_spelling_are_recognised(name: str, codec: str) -> None:
    assert charset.codec_of(name) == codec


@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "utf-16", "koi8-r", "hz", "utf-7", "nonsense"]))
def test_any_bytes_are_read_without_an_exception(data: bytes, declared: str) -> None:
    assert charset.readings(data, declared)


@given(st.text(min_size=1), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_utf8_is_read_completely(text: str, codec: str) -> None:
    data = text.encode(codec)
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        assert text.removeprefix("\ufeff") in [reading.removeprefix("\ufeff") for reading in charset.readings(data)]


def test_undeclared_utf_7_is_read() -> None:
    shifted = "".join(f"+{base64.b64encode(one.encode('utf-16-be')).decode().rstrip('=')}-" for one in "219-09-9999")
    assert charset.readings(f"SSN {shifted}".encode()) == [f"SSN {shifted}", "SSN 219-09-9999"]
    whole = base64.b64encode("SSN 219-09-9999, für Ann".encode("utf-16-be")).decode().rstrip("=")
    assert charset.readings(f"+{whole}-".encode())[1:] == ["SSN 219-09-9999, für Ann"]


@pytest.mark.parametrize(
    "text", ["tel. +49301234567-", "C++A and A+A", "+AAAA-", "a+Abc", "+ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"]
)
def test_other_plus_signs_are_not_utf_7(text: str) -> None:
    assert charset.readings(text.encode()) == [text]


@given(st.text(st.characters(min_codepoint=0xC0, max_codepoint=0x24F), min_size=1))
def test_shifted_text_is_restored(text: str) -> None:
    shown = f"+ADc-{text} z"
    assert charset.without_shifts(shown.encode("utf-7").decode("ascii").replace("+-", "+")) == f"7{text} z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("219+AC0-09+AC0-9999", "219-09-9999"),
        ("4111+ACA-1111", "4111 1111"),
        ("ann+AEA-corp.example", "ann@corp.example"),
        ("a +AOk- b", "a +AOk- b"),
        ("1 +AD0- 1", "1 +AD0- 1"),
    ],
)
def test_shifted_characters_inside_numbers_are_shown(text: str, shown: str) -> None:
    assert charset.without_shifts(text) == shown


@given(st.text())
def test_text_without_shifts_is_not_changed(text: str) -> None:
    assert "+A" in text or charset.without_shifts(text) == text
