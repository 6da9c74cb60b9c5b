"""Office mail without personal numbers, made from a seed: quoted headers, cables, part lists, dumps, web addresses.

Every match of a detector is false, except telephone numbers, e-mail and network addresses, and the numbers in NAMED,
which follow their own label.
"""

import random
from collections.abc import Callable

NAMED = frozenset({"us-npi", "us-routing-number", "medical-record-number", "gps-coordinates"})
_NAMES = (
    "Ann Example",
    "Bob Example",
    "Carl Example",
    "Dana Muster",
    "Eve Modèle",
    "Huma",
    "Jake",
    "Cheryl",
    "H",
    "PIR",
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Monday", "Thursday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_MONTHS = ("January", "February", "March", "April", "June", "July", "August", "September", "October", "November")
_TOPICS = (
    "NATO summit: programme", "DNI briefing", "NIE on the region", "CUI marking", "passport rules", "tax treaty",
    "card readers", "birthday party for Ann", "health care vote", "social security reform", "visa waiver",
    "bank reform",
    "driver training", "identity documents",
    "Holiday Inn booking", "CPR course", "the sin tax", "pan-European talks",
    "charge d'affaires", "PIN pads", "national insurance bill", "license plates", "Medicare debate", "born in 1963",
    "account of the meeting", "iPhone roll-out", "credit cards in the cafeteria", "voter registration", "student loans",
    "patient safety", "passport fees", "SSA hearing",
)  # fmt: skip
_TEXT = """please see below the card that we sent to the bank about the account for the passport office and the tax
people
who are in charge of social security as the license for the visa was discussed with the patient advocates on the phone
before the vote and we need to expedite the health insurance bill by then is there any news on the driver"""
_WORDS = tuple(_TEXT.split())
_STREET = "C Street NW, Washington, DC"
_HEADERS = (
    ("From", "To", "Cc", "Sent", "Subject"),
    ("Von", "An", "Cc", "Gesendet", "Betreff"),
    ("From", "Sent", "To", "Cc", "Subject"),
)
_ABOVE = ("", "-----Original Message-----\n", "Pis print.\n\nOriginal Message\n")
# Labels, and how many digits their numbers have.
_LABELS = (
    ("MRN", 7, 10), ("NPI", 10, 10), ("Doc No.", 8, 9), ("Order number", 8, 12), ("P/N", 9, 9),
    ("Serial number", 9, 13),
    ("Part number", 8, 11), ("Invoice no.", 6, 11), ("Tracking number", 11, 18), ("Case number", 9, 11),
    ("Seriennummer", 9, 11), ("Rechnungsnummer", 8, 11), ("Numéro de commande", 8, 11), ("Número de serie", 9, 11),
    ("Numero d'ordine", 9, 11), ("Número do pedido", 9, 11), ("Bestelnummer", 8, 11), ("Numer zamówienia", 9, 11),
    ("Ticket ID", 8, 10), ("Confirmation number", 8, 10), ("Ref. No.", 8, 10), ("Batch no", 8, 10),
    ("Lot number", 7, 9), ("Conference ID", 9, 10), ("Meeting ID", 9, 11), ("Bank routing number", 9, 9),
    ("Document number", 8, 9), ("Contract number", 9, 11),
)  # fmt: skip
_LAYOUTS = (
    "- **{}:** {}", "{}: {}", "{} {}", "<td>{}</td><td>{}</td>", "| {} | {} |", "{}\t{}", "{}:\n{}", "*{}*: {}",
)  # fmt: skip
# Names of parameters that can have a long number, and names that would turn a number into such a value.
_PARAMETERS = ("cid", "sid", "pid", "id", "PN", "SP", "bid", "ss", "cc")
_SHORT_PARAMETERS = ("pan", "exp", "card", "account", "tin", "sin", "ssn_page", "nie", "ref")
_COLUMNS = ("Account", "Card readers", "Passports", "Tax", "Region", "Visas", "Q1", "Q2", "Patients", "2019", "2020")
_LAST = (
    "", "7 pm Birthday party for Ann", "Born in 1963, she studied law.", "Room 4111 1st floor",
    "She was elected on January 21, 2010.\n\nBorn in 1951, she studied law.",
)  # fmt: skip

Block = Callable[[random.Random], str]


def _digits(generator: random.Random, count: int) -> str:
    return "".join(str(generator.randrange(10)) for _ in range(count))


def _hexadecimal(generator: random.Random, count: int) -> str:
    return "".join(generator.choice("0123456789abcdef") for _ in range(count))


def _time(generator: random.Random) -> str:
    return f"{generator.randrange(24):02}:{generator.randrange(60):02}:{generator.randrange(60):02}"


def _header(generator: random.Random) -> str:
    year, day, month = generator.randint(2001, 2025), generator.randint(1, 28), generator.choice(_LONG_MONTHS)
    sent = generator.choice(
        [
            f"{generator.choice(_DAYS)} {generator.choice(_MONTHS)} {day:02} {_time(generator)} {year}",
            f"{generator.choice(_DAYS)}, {month} {day}, {year} {generator.randint(1, 12)}:{day:02} PM",
            f"{day}. {month} {year} {generator.randrange(24)}:{generator.randrange(60):02}",
            f"{generator.randint(1, 12)}/{day}/{year} {generator.randrange(24)}:{generator.randrange(60):02}",
        ]
    )
    topic = generator.choice(_TOPICS)
    values = {"Sent": sent, "Gesendet": sent, "Subject": f"Re: {topic}", "Betreff": f"AW: {topic}"}
    quote = generator.choice(["", "> ", "> > "])
    fields = generator.choice(_HEADERS)
    lines = [f"{quote}{field}: {values.get(field) or generator.choice(_NAMES)}" for field in fields]
    return generator.choice(_ABOVE) + "\n".join(lines)


def _figure(generator: random.Random) -> str:
    return generator.choice(
        [
            f"{generator.randint(1, 12)}/{generator.randint(1, 28)}/{generator.randint(1995, 2025)}",
            f"{generator.choice(_LONG_MONTHS)} {generator.randint(1, 28)}, {generator.randint(1950, 2025)}",
            str(generator.randint(1, 1900)),
            f"${generator.randint(1, 999)},{_digits(generator, 3)}",
            f"{generator.randint(1, 99)}.{generator.randint(0, 9)}%",
            f"{generator.randint(8, 19)}:{generator.choice(['00', '15', '30'])}",
            f"in {generator.randint(1950, 2025)}",
            generator.choice(_TOPICS),
        ]
    )


def _prose(generator: random.Random) -> str:
    sentences = []
    for _ in range(generator.randint(1, 5)):
        words = [generator.choice(_WORDS) for _ in range(generator.randint(5, 16))]
        # Every number is between words: two adjacent ones would be one number.
        for at in generator.sample(range(0, len(words), 2), 2):
            words[at] = _figure(generator)
        sentences.append(" ".join(words).capitalize() + ".")
    return " ".join(sentences)


def _stamp(generator: random.Random) -> str:
    return (
        f"UNCLASSIFIED U.S. Department of State Case No. F-{generator.randint(2010, 2016)}-{_digits(generator, 5)} "
        f"Doc No. C{_digits(generator, 8)} Date: {generator.randint(1, 12):02}/{generator.randint(1, 28):02}/2015"
    )


def _cable(generator: random.Random) -> str:
    month, day = generator.choice(_MONTHS).upper(), generator.randint(1, 25)
    return (
        f"{generator.choice('OPR')} {_digits(generator, 6)}Z {month} {day:02}\nFM SECSTATE WASHDC\n"
        f"TO AMEMBASSY {generator.choice(['PARIS', 'ROME', 'WARSAW'])} PRIORITY {_digits(generator, 4)}\n"
        f"INFO NATO EU COLLECTIVE\nUNCLAS SECTION 01 OF 02 STATE {_digits(generator, 6)}\n"
        f"E.O. 12958: DECL: {generator.randint(1, 12):02}/{day:02}/20{generator.randint(10, 30)}\n"
        f"TAGS: PREL, NATO, PTER\nREF: A. {generator.randint(9, 16):02} STATE {_digits(generator, 6)} "
        f"B. PARIS {_digits(generator, 4)}\nSUBJECT: {generator.choice(_TOPICS).upper()}\n1. (U) {_prose(generator)}"
    )


def _labels(generator: random.Random) -> str:
    lines = []
    for _ in range(generator.randint(1, 6)):
        label, least, most = generator.choice(_LABELS)
        number = _digits(generator, generator.randint(least, most))
        if len(number) == 9 and generator.random() < 0.5:
            number = f"{number[:3]}-{number[3:5]}-{number[5:]}"
        if len(number) == 10 and generator.random() < 0.3:
            number = f"{number[:3]}-{number[3:6]}-{number[6:]}"
        lines.append(generator.choice(_LAYOUTS).format(label, number))
    return "\n".join(lines)


def _addresses(generator: random.Random) -> str:
    lines = [
        f"{generator.randint(10, 9999)} {_STREET} {_digits(generator, 5)}-{_digits(generator, 4)}"
        for _ in range(generator.randint(2, 4))
    ]
    return "\n".join([generator.choice(["Mail room", "Social Security Administration", "Passport Services"]), *lines])


def _web(generator: random.Random) -> str:
    names = generator.sample(_PARAMETERS, 3) + generator.sample(_SHORT_PARAMETERS, 2)
    generator.shuffle(names)
    lengths = {name: (1, 2, 3, 5, 6, 9, 13) if name in _PARAMETERS else (1, 2, 3, 5) for name in names}
    query = "&".join(f"{name}={_digits(generator, generator.choice(lengths[name]))}" for name in names)
    points = ",".join(str(generator.randint(1, 400)) for _ in range(4))
    page = generator.choice(["main", "apply", "index.asp", "a/b"])
    below = generator.choice(["", f"\nrect\n{points}\nhttp://www.partner.example/"])
    return f"https://www.partner.example/{page}?{query}{below}"


def _coordinates(generator: random.Random) -> str:
    north, east = generator.uniform(-90, 90), generator.uniform(-180, 180)
    return generator.choice(
        [
            f"TEL: +49 30 1234567. Coordinates: {north:.5f}, {east:.4f}",
            f"The site is at {north:.6f}, {east:.6f}, the phone there is +49 30 1234567",
            f"Lat {north:.4f} Long {east:.4f}",
        ]
    )


def _program(generator: random.Random) -> str:
    day = f"{generator.randint(1998, 2024)}/{generator.randint(1, 12):02}/{generator.randint(1, 28):02}"
    registers = " ".join(f"{name}: {_hexadecimal(generator, 8)}" for name in ("eax", "ebx", "ecx", "edx"))
    dump = [f"{at * 16:08x}  {' '.join(_hexadecimal(generator, 2) for _ in range(16))}" for at in range(4)]
    return generator.choice(
        [
            f"> $Id: main.c,v 1.{generator.randint(1, 300)} \n> {day} {_time(generator)} example Exp $)",
            f"{registers}\nesi: {_hexadecimal(generator, 8)}\nds: 0018 es: 0018 ss: 0018",
            "\n".join(dump),
            f"commit {_hexadecimal(generator, 40)}\nDate: Mon {generator.choice(_MONTHS)} 3 {_time(generator)} 2021",
            f"LibreOffice/25.2.{generator.randint(0, 9)}.{generator.randint(0, 3)}$Linux_X86_64",
            f"{_time(generator)} host kernel: card reader 7 port 0x{_hexadecimal(generator, 4)}",
            f"md5 {_hexadecimal(generator, 32)} sha1 {_hexadecimal(generator, 40)} card.iso",
            f"0x{_hexadecimal(generator, 40)}",
            f"uuid {_hexadecimal(generator, 8)}-{_hexadecimal(generator, 4)}-4{_hexadecimal(generator, 3)}",
        ]
    )


def _numbers(generator: random.Random) -> str:
    head = generator.sample(_COLUMNS, generator.randint(2, 5))
    rows = ["\t".join(head)]
    for _ in range(generator.randint(2, 8)):
        cells = [generator.randint(0, 10 ** generator.randint(1, 6)) for _ in head]
        rows.append("\t".join(f"{cell:,}" if generator.random() < 0.5 else str(cell) for cell in cells))
    return "\n".join(rows)


def _schedule(generator: random.Random) -> str:
    lines = [f"{generator.choice(_LONG_MONTHS)} {generator.randint(1, 28)}, {generator.randint(2005, 2024)}"]
    lines.extend(
        f"{generator.randint(7, 20)}:{generator.choice(['00', '15', '30'])} - 21:00 {generator.choice(_TOPICS)}"
        for _ in range(generator.randint(2, 6))
    )
    return "\n".join([*lines, generator.choice(_LAST)])


BLOCKS: tuple[Block, ...] = (
    _header, _header, _prose, _prose, _stamp, _cable, _labels, _addresses, _web, _coordinates, _program, _numbers,
    _schedule,
)  # fmt: skip


def mails(count: int, seed: int) -> list[str]:
    """Return this number of mails, always the same for a seed."""
    generator = random.Random(seed)
    return [
        "\n\n".join(generator.choice(BLOCKS)(generator) for _ in range(generator.randint(3, 9))) for _ in range(count)
    ]
