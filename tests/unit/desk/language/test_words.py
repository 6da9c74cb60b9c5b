"""Counted names, the sentence on the reason, places, times and sizes, in English and German."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk.language import moments, names, why
from holdgate.desk.language.catalogue import Catalogue
from holdgate.quarantine.incident import Incident

EN, DE = Catalogue("en"), Catalogue("de")
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


def finding(identifier: str, count: int = 1, confidence: str = "high", **values: Any) -> dict[str, Any]:
    return {
        "identifier": identifier,
        "confidence": confidence,
        "count": count,
        "unique": count,
        "parts": ["message body"],
        "masked": ["***"],
    } | values


def incident(*findings: dict[str, Any], **values: Any) -> Incident:
    return Incident(queue_id="4a", sender="", recipients=[], policy="p", findings=list(findings), **values)


SSN, CARD = finding("us-ssn", 2), finding("payment-card")


@pytest.mark.parametrize(
    ("held", "english", "german"),
    [
        (
            incident(SSN, CARD),
            "This message contains 2 US Social Security numbers and 1 payment card.",
            "Diese Nachricht enthält 2 US-Sozialversicherungsnummern und 1 Zahlungskarte.",
        ),
        (
            incident(finding("de-passport", 2), finding("acme-badge")),
            "This message contains 2 passport numbers (Germany) and 1 other confidential detail.",
            "Diese Nachricht enthält 2 Passnummern (Deutschland) und 1 weitere vertrauliche Angabe.",
        ),
        (
            incident(SSN, CARD, finding("iban"), finding("vin"), finding("imei")),
            "This message contains 2 US Social Security numbers, 1 IBAN, 1 device number of a mobile phone and 2 more "
            "kinds of personal data.",
            "Diese Nachricht enthält 2 US-Sozialversicherungsnummern, 1 IBAN, 1 Gerätenummer eines Mobiltelefons und "
            "2 weitere Arten personenbezogener Daten.",
        ),
        (
            incident(SSN, status="limited", reason="a.zip › b.pdf: encrypted"),
            "This message contains at least 2 US Social Security numbers.",
            "Diese Nachricht enthält mindestens 2 US-Sozialversicherungsnummern.",
        ),
        # One identifier with two confidences is one kind.
        (
            incident(finding("iban", 1), finding("iban", 2, "low")),
            "This message contains 3 IBANs.",
            "Diese Nachricht enthält 3 IBANs.",
        ),
        (
            incident(status="failed", reason="a.zip › b.pdf: encrypted"),
            "b.pdf could not be read completely: it is encrypted.",
            "b.pdf konnte nicht ganz gelesen werden: verschlüsselt.",
        ),
        (
            incident(status="limited", reason="message body: too much text"),
            "It could not be read completely: it is too large or too deeply nested.",
            "Sie konnte nicht ganz gelesen werden: zu groß oder zu tief verschachtelt.",
        ),
        (
            incident(status="failed", reason="reader failed: KeyError"),
            "It could not be read completely.",
            "Sie konnte nicht ganz gelesen werden.",
        ),
        (incident(), "Another scanner asked for an approval.", "Ein anderer Scanner hat um Freigabe gebeten."),
    ],
)
def test_one_sentence_gives_the_reason(held: Incident, english: str, german: str) -> None:
    assert why.sentence(EN, held) == english
    assert why.sentence(DE, held) == german


@pytest.mark.parametrize(
    ("part", "english", "german"),
    [
        ("message body", "In the text", "Im Text"),
        ("message body (HTML)", "In the text", "Im Text"),
        ("message body, without hidden text", "In the text", "Im Text"),
        ("subject", "In the subject", "Im Betreff"),
        ("technical headers", "In the header", "In der Kopfzeile"),
        (
            "salaries.xlsx, sheet March, B4",
            "In salaries.xlsx, sheet “March”, row 4",
            "In salaries.xlsx, Tabelle „March“, Zeile 4",
        ),
        ("report.pdf, page 3", "In report.pdf, page 3", "In report.pdf, Seite 3"),
        ("a, b.pdf, page 3", "In a, b.pdf, page 3", "In a, b.pdf, Seite 3"),
        ("a.zip › x › b.docx", "In a.zip, file b.docx", "In a.zip, Datei b.docx"),
        ("old.eml › message body", "In old.eml", "In old.eml"),
        ("Müller, Anna.pdf", "In Müller, Anna.pdf", "In Müller, Anna.pdf"),
        ("numbers.csv, row 7", "In numbers.csv, row 7", "In numbers.csv, Zeile 7"),
    ],
)
def test_places_are_written_in_words(part: str, english: str, german: str) -> None:
    assert why.place(EN, part) == english
    assert why.place(DE, part) == german


@given(st.text(max_size=200))
def test_every_place_and_reason_has_a_text(text: str) -> None:
    for catalogue in (EN, DE):
        assert why.place(catalogue, text)
        assert why.unread(catalogue, text)


@given(st.text(max_size=30), st.integers(1, 10**6))
def test_every_identifier_has_a_name_without_its_id(identifier: str, count: int) -> None:
    name = names.counted(EN, f"x9-{identifier}", count)
    assert name.startswith(str(count))
    assert "x9-" not in name


@pytest.mark.parametrize(
    ("left", "english", "german"),
    [
        (timedelta(days=1, hours=20, minutes=59), "1 day 20 hours", "1 Tag 20 Stunden"),
        (timedelta(days=2), "2 days", "2 Tage"),
        (timedelta(hours=5, minutes=30), "5 hours", "5 Stunden"),
        (timedelta(hours=3, minutes=59), "3 hours 59 minutes", "3 Stunden 59 Minuten"),
        (timedelta(hours=2), "2 hours", "2 Stunden"),
        (timedelta(minutes=1, seconds=59), "1 minute", "1 Minute"),
        (timedelta(seconds=30), "0 minutes", "0 Minuten"),
        (timedelta(seconds=-30), "0 minutes", "0 Minuten"),
    ],
)
def test_the_remaining_time_is_rounded_down(left: timedelta, english: str, german: str) -> None:
    assert moments.remaining(EN, NOW + left, NOW) == english
    assert moments.remaining(DE, NOW + left, NOW) == german


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (datetime(2026, 11, 25, 14, 36, tzinfo=UTC), "Wed 25 Nov, 15:36", "Mi., 25. Nov., 15:36 Uhr"),
        (datetime(2027, 3, 1, 8, 0, tzinfo=UTC), "Mon 1 Mar 2027, 09:00", "Mo., 1. März 2027, 09:00 Uhr"),
        (datetime(2026, 11, 23, 20, 36, tzinfo=UTC), "today, 21:36", "heute, 21:36 Uhr"),
        (datetime(2026, 11, 23, 23, 30, tzinfo=UTC), "tomorrow, 00:30", "morgen, 00:30 Uhr"),
        (None, "–", "–"),
    ],
)
def test_times_are_written_as_usual_in_the_language(value: datetime | None, english: str, german: str) -> None:
    assert moments.near(EN, value, ZONE, NOW) == english
    assert moments.near(DE, value, ZONE, NOW) == german


@pytest.mark.parametrize(
    ("size", "english", "german"),
    [
        (1, "1 byte", "1 Byte"),
        (999, "999 bytes", "999 Byte"),
        (1500, "1.5 KB", "1,5 KB"),
        (18_400, "18 KB", "18 KB"),
        (999_900, "1 MB", "1 MB"),
        (3 * 10**12, "3000 GB", "3000 GB"),
    ],
)
def test_sizes_are_written_as_usual_in_the_language(size: int, english: str, german: str) -> None:
    assert moments.size(EN, size) == english
    assert moments.size(DE, size) == german


def test_a_deadline_after_a_clock_change_states_its_offset() -> None:
    """The end of the mail states the offset of today; 02:30 on the day when summer time ends is twice."""
    before = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    times = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    assert [moments.near(EN, one, ZONE, before) for one in times] == ["tomorrow, 02:30", "tomorrow, 02:30 UTC+01:00"]
    assert [moments.moment(DE, one, ZONE, before) for one in times] == [
        "So., 25. Okt., 02:30 Uhr",
        "So., 25. Okt., 02:30 Uhr UTC+01:00",
    ]
    spring, monday = datetime(2027, 3, 26, 12, 0, tzinfo=UTC), datetime(2027, 3, 29, 7, 0, tzinfo=UTC)
    assert moments.near(EN, monday, ZONE, spring) == "Mon 29 Mar, 09:00 UTC+02:00"
    # Not a time that is over, nor one in a zone without summer time.
    assert moments.near(EN, spring, ZONE, monday) == "Fri 26 Mar, 13:00"
    assert moments.near(EN, monday, ZoneInfo("Asia/Kolkata"), spring) == "Mon 29 Mar, 12:30"


def test_the_time_zone_is_named_once() -> None:
    assert moments.zone_of(NOW, ZONE) == "Europe/Berlin, UTC+01:00"
    assert moments.zone_of(NOW, UTC) == "UTC"
