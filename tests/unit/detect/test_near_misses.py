"""Text in mail that resembles personal data but belongs to no person, next to the hits that it resembles."""

from pathlib import Path

import pytest

from benchmarks import office
from holdgate.detect import Confidence, Detector

RULES = Path(__file__).resolve().parents[3] / "rules"
OFTEN = {"phone-number", "email-address", "ip-address"}


def found(detector: Detector, text: str) -> set[str]:
    return {match.identifier for match in detector.find(text) if match.confidence >= Confidence.MEDIUM}


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        # Fields of a quoted header are separate fields.
        ("From: Ann\nCc: Carl\nSent: Fri Nov 12 14:08:14 2010\nSubject: Report", "payment-card"),
        ("> From: Ann\n> Cc: Carl\n> Sent: Fri Nov 20 08:20:18 2009", "payment-card"),
        ("Von: Ann\nCc: Carl\nGesendet: 12.11.2010 14:08:14 2010 55\nBetreff: x", "payment-card"),
        ("Pis print.\n\nFrom: Ann\nSent: Fri Jul 02 10:41:24 2010", "br-pis"),
        # What revision control, processors and memory write.
        ("$Id: card.c,v 1.108 \n2002/07/29 16:25:10 example Exp $ card", "payment-card"),
        ("card driver\neax: 41111111 ebx: 00001111 ecx: 11111111", "payment-card"),
        ("ss: 0018 es: 0018 ds: 0018 cs: 0010", "us-ssn"),
        ("card image\n00000010  41 11 11 11 11 11 11 11  11 11 00 00 00 00 00 00", "payment-card"),
        # Addresses of the web.
        ("https://www.partner.example/apply?cid=1018955566725&from=mail", "payment-card"),
        ("https://www.partner.example/main?SP=10007&PN=5&CID=65797&SID=19198&PID=478610", "payment-card"),
        ("http://www.partner.example/a?ss=0&sc=M\nrect\n149,1,198,17\nhttp://www.partner.example/", "us-ssn"),
        ("see http://www.partner.example/a?ss=219099999", "us-ssn"),
        ("Passport: see https://www.partner.example/?page=987654321", "us-passport"),
        ("see http://www.partner.example/news/mac/0,2125,55395,00.html", "mac-address"),
        ("SSN 1-9099-9999", "us-ssn"),
        # Words of another language, and dates of no person.
        ("Date: 11/30/2015\n\nNATO summit: programme", "date-of-birth"),
        ("NATO, 11/30/2015", "date-of-birth"),
        ("11/30/2015\n\n7 pm Birthday party for Ann", "date-of-birth"),
        ("the birthday party on 11/30/2015", "date-of-birth"),
        ("She was elected on January 21, 2010.\n\nBorn in 1963, she studied law.", "date-of-birth"),
        ("She was born in 1963. She was elected on January 21, 2010.", "date-of-birth"),
        ("He resigned on 3 March 2009. Born in Leeds, he studied law.", "date-of-birth"),
        # The label of a number states its kind.
        ("Bestellnummer 219-09-9999, SSN unknown", "us-ssn"),
        ("Meeting ID 853 456 7890 phone", "phone-number"),
        ("Rules for passports.\n\nAnnex\nCase No. F-2014-20439 Doc No. C05778562", "ie-passport"),
        ("Lab result for MRN 415-555-0132", "phone-number"),
        ("**MRN:** 415-555-0132", "phone-number"),
        ("name\tMRN\nAnn\t415-555-0132", "phone-number"),
        ("| Order number | 415-555-0132 |", "phone-number"),
        ("<td>Order number</td><td>415-555-0132</td>", "phone-number"),
        ("ten pieces of P/N 123-45-6789", "us-ssn"),
        ("part number 536-90-4399", "us-ssn"),
        ("Seriennummer 536-90-4399", "us-ssn"),
        ("numéro de commande : 536-90-4399", "us-ssn"),
        ("número de serie: 536-90-4399", "us-ssn"),
        ("numero d'ordine 536-90-4399", "us-ssn"),
        ("número do pedido: 536-90-4399", "us-ssn"),
        ("bestelnummer 536-90-4399", "us-ssn"),
        ("numer zamówienia 536-90-4399", "us-ssn"),
        ("Case number:\n536-90-4399", "us-ssn"),
        # Numbers that are longer, figures that are something else.
        ("social security number: 0780511201", "us-ssn"),
        ("social security office, DC 20520-1234\n20520-9876", "us-ssn"),
        ("NHS number 000 000 0000", "gb-nhs"),
        ("TEL: see map. Coordinates: 37.58813, 121.2005", "phone-number"),
        ("0xde709f2102306220921060314715629080e2fb77", "crypto-wallet"),
        ("LibreOffice/25.2.3.2$Linux_X86_64", "ip-address"),
        ("Chrome/120.0.1.2 Safari", "ip-address"),
    ],
)
def test_a_near_miss_is_not_found(detector: Detector, text: str, identifier: str) -> None:
    assert identifier not in found(detector, text)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("From: Ann\nCc: Carl\nSubject: CC 4111 1111 1111 1111", "payment-card"),
        ("Sent: Fri Nov 12 14:08:14 2010\nmy card: 4111:1111:1111:1111", "payment-card"),
        ("https://www.partner.example/pay?card=4111111111111111&x=1", "payment-card"),
        ("https://www.partner.example/pay?card=4111+1111+1111+1111&x=1", "payment-card"),
        ("nato il 30/11/1975 a Roma", "date-of-birth"),
        ("Birthday: 11/30/1975", "date-of-birth"),
        ("born January 21, 1963, she was elected in 2010", "date-of-birth"),
        ("Passport C05778562, Doc No. F-2014-20439", "ie-passport"),
        ("MRN 123456. Phone 415-555-0132", "phone-number"),
        ("P/N 12345. SSN 536-90-4399", "us-ssn"),
        ("social security number: 000219099999", "us-ssn"),
        ("server 25.2.3.2", "ip-address"),
        ("http://25.2.3.2/", "ip-address"),
        ("SSNs:\n219099999\n536904399", "us-ssn"),
    ],
)
def test_a_value_similar_to_a_near_miss_is_found(detector: Detector, text: str, identifier: str) -> None:
    assert identifier in found(detector, text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("Phone: (415) 555-0132\nNPI: 8404456690\n", 1), ("TEL: +49 30 1234567. Coordinates: 37.58813, 121.2005", 1)],
)
def test_a_telephone_number_is_found_once(detector: Detector, text: str, count: int) -> None:
    assert sum(match.identifier == "phone-number" for match in detector.find(text)) == count


@pytest.mark.parametrize(
    "label", ["- **Bank routing number:** {}\n- **SSN:** 219-09-9999", "Routing number: {}\nSSN: 219-09-9999"]
)
def test_the_next_label_belongs_to_the_next_number(detector: Detector, label: str) -> None:
    matches = [match for match in detector.find(label.format("898945321")) if match.identifier == "us-ssn"]
    assert len(matches) == 1


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ('{"creditCardNumber": 4111111111111111}', "payment-card"),
        ('{"customerSocialSecurityNumber": "219099999"}', "us-ssn"),
        ("cardnumber=4111+1111+1111+1111&x=1", "payment-card"),
        ("card_number: 4111 1111 1111 1111", "payment-card"),
        ("patientSSN=219099999", "us-ssn"),
        ("<order><ssn>219099999</ssn></order>", "us-ssn"),
        ("<a><zip>10115</zip><SocialSecurityNumber>219099999</SocialSecurityNumber></a>", "us-ssn"),
        ("<tax:ssn>219099999</tax:ssn>", "us-ssn"),
        ('<person ssn="219099999"/>', "us-ssn"),
        ("INSERT INTO staff (name, ssn, town) VALUES ('Ann, B.', '219099999', 'Bonn');", "us-ssn"),
        ("INSERT INTO staff (name, ssn) VALUES\n('Ann', '536904399'),\n('It''s, Ben', '219099999');", "us-ssn"),
    ],
)
def test_field_names_count_as_labels(detector: Detector, text: str, identifier: str) -> None:
    assert identifier in found(detector, text)


@pytest.mark.parametrize(
    "text",
    [
        "my iPhone 219099999",
        "INSERT INTO staff (ssn, part) VALUES ('1', '219099999');",
        "<partNumber>219-09-9999</partNumber>",
        "classNumber=219099999",
    ],
)
def test_other_field_names_do_not_count_as_labels(detector: Detector, text: str) -> None:
    assert not found(detector, text) & {"us-ssn", "payment-card"}


@pytest.mark.parametrize("number", ["12345678", "1234567"])
def test_a_column_with_lost_leading_zeros_is_found_with_low_confidence(detector: Detector, number: str) -> None:
    matches = [match for match in detector.find(f"Name,SSN\nAnna,{number}\n") if match.identifier == "us-ssn"]
    assert [match.confidence for match in matches] == [Confidence.LOW]


def test_a_number_divided_among_cells_of_a_row_is_found(detector: Detector) -> None:
    cells = ["SSN", "", "", "536", "90", "4399", "042", "10", "3580"]
    text, places = "", []
    for index, cell in enumerate(cells):
        if cell:
            places.append((len(text), f"sheet Staff, {'ABC'[index % 3]}{index // 3 + 1}"))
            text += cell + "\n"
    numbers = [text[match.start : match.end] for match in detector.find(text, places) if match.identifier == "us-ssn"]
    assert numbers == ["536\n90\n4399", "042\n10\n3580"]


@pytest.mark.parametrize("count", [15, pytest.param(150, marks=pytest.mark.slow)])
def test_ordinary_office_mail_has_no_match(detector: Detector, count: int) -> None:
    mails = office.mails(count, seed=3)
    false = [found(detector, text) - OFTEN - office.NAMED for text in mails]
    assert not [names for names in false if names]
