"""Keywords in scripts whose letters are put together (Hangul, Indic vowel signs, nukta), and with points inside."""

import pytest

from holdgate.detect.keywords import Keywords


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("주민등록번호", "제 주민등록번호는 여기 있습니다"),
        ("खाता संख्या", "मेरी खाता संख्या यह है"),
        ("জাতীয় পরিচয়পত্র", "আমার জাতীয় পরিচয়পত্র নম্বর"),
        ("บัตรประชาชน", "เลขบัตรประชาชนของฉัน"),
        ("número de cuenta", "NUMERO DE CUENTA: 1"),
        ("no. de afiliación", "No. de afiliación: 1"),
        ("no. de afiliación", "no de afiliacion 1"),
    ],
)
def test_a_keyword_in_another_script_is_found(keyword: str, text: str) -> None:
    assert Keywords([[keyword]]).find(text).of(0)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("주민번호", "주문번호 1"),  # the same first consonants, another word
        ("खाता", "खात 1"),
        ("पैन", "पान 1"),
    ],
)
def test_a_keyword_inside_another_word_is_not_found(keyword: str, text: str) -> None:
    assert not Keywords([[keyword]]).find(text).of(0)
