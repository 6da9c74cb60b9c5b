"""What stands where a number without a check digit might: short words and dates."""

from holdgate.detect.validators import series


def test_a_series_is_no_word() -> None:
    assert series.no_word("GA302922")
    assert not series.no_word("IS302922")
    assert not series.no_word("NO302922")


def test_a_date_is_no_number() -> None:
    assert not series.no_date("20240115")
    assert not series.no_date("19991231")
    assert series.no_date("20241315")
    assert series.no_date("31926819")
    assert series.no_date("202401150")
