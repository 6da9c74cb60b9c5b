"""Cases of the kinds that unseen mail showed: values that belong to no person, and labels that are names of fields."""

import pytest

from holdgate.detect import Confidence, Detector

# The kind of text, the text, and the identifiers that must not be found in it.
NO_PERSONAL_DATA = [
    (
        "a copy line and the date of the next",
        "From: Ann Example\nCc: Dan Example\nSent: Mon Mar 15 09:27:44 2011\nSubject: Plan\n",
        {"payment-card"},
    ),
    (
        "a copy line in German",
        "Von: Ann Example\nCc: Dan Example\nGesendet: Montag, 15. März 2011 09:27:44\nBetreff: Plan\n",
        {"payment-card"},
    ),
    (
        "a revision line of Subversion",
        "$Id: main.c 17341 2012-08-14 16:25:10Z example $\n",
        {"payment-card", "us-ssn"},
    ),
    (
        "a campaign of a link",
        "https://shop.partner.example/go?pid=4556737586899855&utm_id=20391",
        {"payment-card"},
    ),
    (
        "coordinates of a link",
        "https://maps.partner.example/@52.516275,13.377704,17z?ss=123456789",
        {"us-ssn"},
    ),
    (
        "a register dump",
        "eax=4111 ebx=1111 ecx=1111 edx=1111 ss=0023",
        {"payment-card", "us-ssn"},
    ),
    (
        "a hex dump",
        "00000010  41 11 11 11 11 11 11 11  20 20 20 20 20 20 20 20  |A.......        |",
        {"payment-card"},
    ),
    (
        "times in a row",
        "Card readers: 04:11 11:11 11:11 11:11 open",
        {"payment-card"},
    ),
    (
        "an alliance",
        "NATO meeting 12/05/2014 in Wales",
        {"date-of-birth"},
    ),
    (
        "a birthday cake",
        "Order the birthday cake by 05/12/2014 please.",
        {"date-of-birth"},
    ),
    (
        "an anniversary",
        "The firm was born as a start-up. The anniversary is on 05/12/2024.",
        {"date-of-birth"},
    ),
    (
        "a case number beside passports",
        "Questions about passports: see Case No. C05778562.",
        {"de-passport", "ie-passport", "mx-passport", "vn-passport"},
    ),
    (
        "an order number",
        "**Order number:** 219-09-9999",
        {"us-ssn"},
    ),
    (
        "a part number in a table",
        "| P/N | 219-09-9999 |",
        {"us-ssn"},
    ),
    (
        "a part number in HTML",
        "<td>Part number</td><td>219-09-9999</td>",
        {"us-ssn"},
    ),
    (
        "a record number",
        "MRN: 415-555-0175 was discharged.",
        {"phone-number"},
    ),
    (
        "a routing number",
        "Routing number: 121000248",
        {"us-ssn"},
    ),
    (
        "eleven digits after a label",
        "SSN: 21909999912",
        {"us-ssn"},
    ),
    (
        "17 digits after card",
        "card number 41111111111111112",
        {"payment-card"},
    ),
    (
        "the version of a program",
        "<Application>Writer</Application><AppVersion>16.0.4.2</AppVersion>",
        {"ip-address"},
    ),
    (
        "two ZIP codes over a line",
        "Springfield, IL 62701-\n1234 and SSN office, 62702-1234",
        {"us-ssn"},
    ),
    (
        "a commit",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        {"crypto-wallet"},
    ),
    (
        "a patient number of zeros",
        "NHS number: 000 000 0000",
        {"uk-nhs-number"},
    ),
    (
        "an invoice number with check digit",
        "Invoice no. 4111111111111111-2",
        {"payment-card"},
    ),
    (
        "a temperature table",
        "Mon 12.1 13.4 Tue 11.9 12.2 Wed 10.7 11.1",
        {"payment-card", "phone-number"},
    ),
    (
        "an ISBN",
        "ISBN 978-3-16-148410-0, library card of Ann",
        {"payment-card"},
    ),
    (
        "a parcel number",
        "Tracking number: 1Z999AA10123456784",
        {"payment-card", "phone-number", "us-ssn"},
    ),
]
NAMED_BY_FIELDS = [
    (
        "an attribute",
        '<customer iban="DE89370400440532013000"/>',
        "iban",
    ),
    (
        "an element with a prefix",
        "<ns:CreditCardNumber>4111111111111111</ns:CreditCardNumber>",
        "payment-card",
    ),
    (
        "snake case",
        '{"credit_card_number": "4111 1111 1111 1111"}',
        "payment-card",
    ),
    (
        "camel case",
        '{"socialSecurityNumber": "219-09-9999"}',
        "us-ssn",
    ),
    (
        "a form",
        "firstname=A&ccnumber=4111111111111111&exp=0130",
        "payment-card",
    ),
    (
        "a column of CSV",
        "id;ssn;city\n1;219-09-9999;Bonn\n",
        "us-ssn",
    ),
    (
        "a column of SQL",
        "INSERT INTO p (id, iban) VALUES (1, 'DE89370400440532013000');",
        "iban",
    ),
    (
        "markup about a label",
        "**SSN:** `219-09-9999`",
        "us-ssn",
    ),
    (
        "a label in a cell",
        "<td>Social Security Number</td><td>219-09-9999</td>",
        "us-ssn",
    ),
    (
        "a wallet of Taproot",
        "BTC address: bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
        "crypto-wallet",
    ),
    (
        "a card after a coordinate",
        "37.58813, 121.2005; card number 4111 1111 1111 1111",
        "payment-card",
    ),
    (
        "a birth date of somebody",
        "Date of birth: 05/12/1974",
        "date-of-birth",
    ),
]
PROGRAMS = ["<dc:creator>Macintosh</dc:creator>", "Generator: Microsoft Macintosh Word 16.0", "Author: Administrator"]


def found(detector: Detector, text: str) -> set[str]:
    return {match.identifier for match in detector.find(text) if match.confidence >= Confidence.MEDIUM}


@pytest.mark.parametrize(
    ("text", "wrong"), [case[1:] for case in NO_PERSONAL_DATA], ids=[case[0] for case in NO_PERSONAL_DATA]
)
def test_a_value_that_belongs_to_no_person_is_not_found(detector: Detector, text: str, wrong: set[str]) -> None:
    assert not found(detector, text) & wrong


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in NAMED_BY_FIELDS], ids=[case[0] for case in NAMED_BY_FIELDS]
)
def test_a_field_name_counts_as_a_label(detector: Detector, text: str, expected: str) -> None:
    assert expected in found(detector, text)


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_program_or_account_is_not_a_person(detector: Detector, text: str) -> None:
    names = [match for match in detector.with_profile("dlp-names").find(text) if match.identifier == "person-name"]
    assert names == []


def test_a_person_next_to_a_program_is_found(detector: Detector) -> None:
    text = "<dc:creator>Anna Schmidt</dc:creator><Application>Microsoft Macintosh Word</Application>"
    matches = detector.with_profile("dlp-names").find(text)
    assert [text[match.start : match.end] for match in matches if match.identifier == "person-name"] == ["Anna Schmidt"]


def test_a_legal_form_is_not_a_name(detector: Detector) -> None:
    text = "Copyright (c) 2002, Muster & Company, Inc.\nmail anna@corp.example"
    matches = detector.with_profile("dlp-names").find(text)
    assert "Inc" not in [text[match.start : match.end] for match in matches if match.identifier == "organisation"]
