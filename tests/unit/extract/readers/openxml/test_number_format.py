import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.openxml.number_format import around_text, literals, plain_number, renderer


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("yyyy-mm-dd", "29221", "1980-01-01"),
        ("dd.mm.yyyy", "29221", "01.01.1980"),
        ("m/d/yyyy h:mm", "29221.5", "1/1/1980 12:00"),
        ("h:mm AM/PM", "0.75", "6:00 PM"),
        ("mm:ss", "0.0108", "15:33"),
        ("[h]:mm", "1.5", "36:00"),
        ("d-mmm-yy", "29221", "1-Jan-80"),
        ("dddd, mmmm d", "29221", "Tuesday, January 1"),
        ('yyyy"年"m"月"d"日"', "29221", "1980年1月1日"),
        ("[$-409]d. mmmm yyyy;@", "29221", "1. January 1980"),
        ("[Red]yyyy", "1", "1900"),
        ("yyyy-mm-dd", "59", "1900-02-28"),
        ("yyyy-mm-dd", "61", "1900-03-01"),
        ("yyyy-mm-dd", "-1", ""),
        ("yyyy-mm-dd", "1E+99", ""),
        ("000\\-00\\-0000", "78051120", "078-05-1120"),
        ("0000 0000 0000 0000", "4111111111111111", "4111 1111 1111 1111"),
        ("00000", "501", "00501"),
        ("[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "2025550100", "(202) 555-0100"),
        ("[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "5550100", "555-0100"),
        ('"No. "000-000', "12345", "No. 012-345"),
        ("000-00-0000", "1.5", ""),
        ("0,", "536904399000", "536904399"),
        ("#,##0,", "536904399123", "536904399"),
        ("0,,", "536904398500000", "536904399"),
        ("000-00-0000,", "536904399000", "536-90-4399"),
        ('0,"k";(0,)', "-536904399000", "-536904399"),
        ("0,", "536904399", ""),  # an amount
        ("0,", "text", ""),
        ("0,", "1E+400", ""),
    ],
)
def test_dates_and_masks_are_shown_as_formatted(code: str, value: str, shown: str) -> None:
    show = renderer(code)
    assert show is not None
    assert show(value) == shown


@pytest.mark.parametrize(
    "code",
    [
        "",
        "General",
        "GENERAL",
        "0",
        "0.00",
        "#,##0",
        "$#,##0.00",
        "0%",
        "0.00E+00",
        "# ?/?",
        "@",
        "#,##0_);(#,##0)",
        "0\\,",
        '0","',
    ],
)
def test_other_formats_do_not_change_the_number(code: str) -> None:
    assert renderer(code) is None


def test_date_systems_differ_by_four_years_and_a_day() -> None:
    show = renderer("yyyy-mm-dd", since_1904=True)
    assert show is not None
    assert show("0") == "1904-01-01"


def test_literals_of_a_format_are_returned_as_text() -> None:
    assert literals('"Customer 4711 "0;"$"#') == "Customer 4711 "


@pytest.mark.parametrize(
    ("code", "around"),
    [
        ('"536-"@', ("536-", "")),
        ('"536-"@"-4399"', ("536-", "-4399")),
        (r"\5\3\6@", ("536", "")),
        ('0;0;0;@"-4399"', ("", "-4399")),
        ("@", None),
        ("_(* #,##0_);_(* (#,##0);_(@_)", None),
        ('"No. "@', None),
        ('"536-"0', None),
        ('"@536"0', None),
    ],
)
def test_digits_around_a_text_are_those_of_its_section(code: str, around: tuple[str, str] | None) -> None:
    assert around_text(code) == around


@given(st.integers(-(10**15), 10**15))
def test_whole_numbers_keep_every_digit(number: int) -> None:
    assert plain_number(repr(float(number))) == str(number)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_format_is_applied_without_an_exception(code: str, value: str) -> None:
    show = renderer(code)
    if show:
        show(value)
        show("29221")
    plain_number(value)
