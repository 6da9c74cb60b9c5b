"""Mail with marked names of persons, organisations and places, made from a seed: headers, openings, sentences, endings.

Names are drawn from the dictionaries of the rules (Faker, MIT; US Census Bureau, public domain), towns from GeoNames
(CC BY 4.0), other words from the lists of frequent words (wordfreq, CC BY-SA 4.0); the sentences are Holdgate's own.
"""

import random
import re
import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple

from holdgate.detect.bodies import BODIES
from training.companies import ADDRESSED, ANYWHERE, BUSINESS, HEADINGS, NAMED, POSITIONS
from training.phrases import CALLED, COLUMNS, DATED, INFLECTED, LISTED, PHRASES
from training.texts import ANY, ENDINGS, HEADERS, JOBS, OPENINGS, SENTENCES

PERSON: Final = "person"
ORGANISATION: Final = "organisation"
PLACE: Final = "place"
_KINDS: Final = {
    "P": PERSON,
    "F": PERSON,
    "S": PERSON,
    "Y": PERSON,
    "I": PERSON,
    "Z": PERSON,
    "%": PERSON,
    "O": ORGANISATION,
    "C": PLACE,
    "U": PLACE,
}
_WEIGHTS: Final = {"en": 5, "de": 4, "fr": 3, "es": 3, "it": 3, "nl": 3, "pl": 3, "pt": 3}
_SLOT: Final = re.compile(r"@([PFSOCUAKWwDNTEMXJLRQYIZ*%])")
# What stands in NAMED; "b" is a trade in lower case, as the end of a compound.
_PIECE: Final = re.compile(r"@([BbGWwSFCUh])")
_NO_DOMAIN: Final = re.compile(r"[^a-z0-9]")
_OTHER_ENDS: Final = 0.3
# So many brands are of the pieces of words; the others are of syllables.
_PIECED: Final = 0.6
_ONSETS: Final = (
    "b", "c", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "tr", "pl", "gr", "st", "qu", "cl", "fl",
    "br", "pr", "sp", "sol", "nor", "tel", "ver", "lum", "cor", "men", "gen", "dat", "sys", "net", "med", "ter", "lin",
)  # fmt: skip
_BRAND_ENDS: Final = (
    "lis", "ris", "nis", "vis", "xis", "lix", "nix", "tex", "rex", "lia", "ria", "nea", "via", "léo", "neo", "rio",
    "lor", "nor", "tor", "mar", "lan", "ran", "van", "dis", "cal", "mut", "tec", "tech", "lab", "med", "gas", "sol",
    "lux", "max", "pro", "link", "soft", "data", "net", "com", "plus", "bel", "nel", "ance", "ium", "on", "um", "us",
    "ys", "o", "a", "e", "",
)  # fmt: skip
_ANYWHERE: Final = 0.2
# So many surnames are also a frequent word, and so many one of DATED; drawn from all, few would be.
_ALSO_WORDS: Final = 0.07
_DATED: Final = 0.04
_LOUD: Final = 0.03
# Names of products in prose, in whose place other names may stand.
_REPLACED: Final = re.compile(r"\b(?:Debian|Linux|X|Falcot|Apache|Internet|GNOME|Xen)\b")
_PARTICLES: Final = {
    "en": ("van", "de", "von", "Mac", "St."),
    "de": ("von", "von der", "zu", "van", "von und zu", "vom", "zum", "zur", "von den", "auf der"),
    "fr": ("de", "de la", "du", "le", "d'", "des", "Le", "La", "de Saint"),
    "es": ("de", "de la", "del", "de los", "de las", "De la"),
    "it": ("di", "De", "Di", "Del", "della", "Lo", "La", "D'", "Dal", "Della", "dell'"),
    "nl": ("van", "van der", "van den", "de", "van de", "den", "ter", "ten", "van 't", "in 't", "op de", "van het"),
    "pl": ("van", "von", "de"),
    "pt": ("da", "de", "do", "dos", "das"),
}
# So many surnames of a hundred have a particle.
_PARTICLED: Final = {"nl": 30, "pt": 20, "fr": 12, "it": 12, "es": 10, "de": 6, "en": 3, "pl": 2}
_TWO_SURNAMES: Final = {"es": 50, "pt": 40}
_SEPARATORS: Final = ("\t", " | ", ";", "; ", ", ", "    ", "      ", " - ", "|", " / ")
# Polish endings of names in the nominative, and those of other cases; the first that fits counts.
_CASES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("ski", ("skiego", "skiemu", "skim")), ("cki", ("ckiego", "ckiemu", "ckim")), ("ska", ("skiej", "ską")),
    ("cka", ("ckiej", "cką")), ("ka", ("ki", "kę", "ką", "ce")), ("ga", ("gi", "gę", "gą", "dze")),
    ("ia", ("ii", "ię", "ią", "i")), ("a", ("y", "ę", "ą", "ie")), ("ek", ("ka", "kowi", "kiem")),
    ("iec", ("ca", "cowi", "cem")), ("k", ("ka", "kowi", "kiem")), ("g", ("ga", "gowi", "giem")),
    ("y", ("ego", "emu", "ym")), ("i", ("iego", "iemu", "im")), ("o", ("a", "owi", "em")), ("", ("a", "owi", "em")),
)  # fmt: skip
_HEADS: Final = (
    "Global",
    "North",
    "Blue",
    "Alpha",
    "Nova",
    "Delta",
    "First",
    "General",
    "United",
    "Royal",
    "Digital",
    "Euro",
    "Inter",
    "Trans",
    "Metro",
    "Apex",
    "Summit",
    "Pioneer",
    "Crystal",
    "Silver",
    "Ocean",
    "Solar",
    "Techno",
    "Data",
    "Media",
    "Health",
    "Care",
    "Capital",
    "Trust",
    "Energy",
    "Food",
    "Steel",
    "Paper",
    "Bau",
    "Immobilien",
    "Handels",
    "Auto",
    "Bio",
    "Medi",
    "Green",
    "Smart",
    "Power",
    "Net",
    "Cloud",
    "Aero",
    "Agro",
)
_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Ltd",
        "Ltd.",
        "Inc.",
        "Inc",
        "LLC",
        "Corp.",
        "PLC",
        "Limited",
        "LLP",
        "Co.",
        "Corporation",
        "Company",
        "Group",
        "Holdings",
    ),
    "de": ("GmbH", "AG", "GmbH & Co. KG", "KG", "e.V.", "SE", "UG", "OHG", "eG", "Gruppe", "Holding"),
    "fr": ("SA", "SARL", "SAS", "S.A.", "Groupe", "& Fils", "& Cie"),
    "es": ("S.A.", "S.L.", "SL", "Grupo", "S.A.U.", "e Hijos"),
    "it": ("S.p.A.", "S.r.l.", "Srl", "SpA", "S.n.c.", "& Figli", "Gruppo"),
    "nl": ("B.V.", "BV", "N.V.", "NV", "VOF", "Groep", "& Zonen"),
    "pl": ("Sp. z o.o.", "sp. z o.o.", "S.A.", "SA", "sp. j."),
    "pt": ("Lda", "Lda.", "S.A.", "Ltda", "Ltda.", "SA", "& Filhos"),
}
_TRADES: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Bank",
        "Systems",
        "Partners",
        "Consulting",
        "University",
        "Institute",
        "Hospital",
        "Insurance",
        "Logistics",
        "Solutions",
        "Services",
        "Industries",
        "Foundation",
        "Airlines",
        "Motors",
        "Software",
        "Technologies",
        "Pharma",
        "Labs",
        "Hotel",
        "School",
        "Council",
        "Associates",
        "Media",
        "Energy",
        "Foods",
        "College",
    ),
    "de": (
        "Bank",
        "Versicherung",
        "Stiftung",
        "Verlag",
        "Klinik",
        "Sparkasse",
        "Werke",
        "Logistik",
        "Bau",
        "Apotheke",
        "Technik",
        "Autohaus",
        "Immobilien",
        "Krankenkasse",
        "Hochschule",
        "Beratung",
        "Maschinenbau",
        "Energie",
        "Systeme",
        "Handel",
    ),
    "fr": ("Assurances", "Banque", "Transports", "Conseil", "Énergie", "Immobilier", "Industries", "Services"),
    "es": ("Seguros", "Banco", "Transportes", "Consultores", "Energía", "Construcciones", "Servicios", "Industrias"),
    "it": ("Assicurazioni", "Banca", "Trasporti", "Consulenza", "Energia", "Costruzioni", "Servizi", "Industrie"),
    "nl": ("Verzekeringen", "Bank", "Transport", "Advies", "Energie", "Bouw", "Diensten", "Techniek"),
    "pl": ("Ubezpieczenia", "Bank", "Transport", "Doradztwo", "Energia", "Budownictwo", "Usługi", "Technika"),
    "pt": ("Seguros", "Banco", "Transportes", "Consultoria", "Energia", "Construções", "Serviços", "Indústrias"),
}
# In these stand @C a town, @S a surname, @W a word.
_BODIES: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "University of @C",
        "Bank of @C",
        "@C City Council",
        "Ministry of @W",
        "Department of @W",
        "@S & @S",
        "@S and Sons",
        "Institute for @W",
        "@C Hospital",
        "St. @S Hospital",
        "@C United",
        "European @W Agency",
        "The @W Foundation",
        "@S, @S & @S LLP",
        "@W Commission",
        "@C Times",
    ),
    "de": (
        "Universität @C",
        "Stadt @C",
        "Stadtwerke @C",
        "Amtsgericht @C",
        "Finanzamt @C",
        "Sparkasse @C",
        "Bundesamt für @W",
        "Gesellschaft für @W",
        "@S & @S",
        "@S & Söhne",
        "Klinikum @C",
        "Technische Universität @C",
        "Landkreis @C",
        "Institut für @W",
        "Ministerium für @W",
        "Volksbank @C",
        "VfB @C",
        "Verband der @W",
    ),
    "fr": (
        "Université de @C",
        "Mairie de @C",
        "Banque de @C",
        "Ministère de la @W",
        "Société @S",
        "@S et Fils",
        "Hôpital de @C",
        "Institut de @W",
        "Établissements @S",
    ),
    "es": (
        "Universidad de @C",
        "Ayuntamiento de @C",
        "Banco de @C",
        "Ministerio de @W",
        "@S y Asociados",
        "Hospital de @C",
        "Instituto de @W",
        "Grupo @S",
    ),
    "it": (
        "Università di @C",
        "Comune di @C",
        "Banca di @C",
        "Ministero della @W",
        "Studio @S",
        "Ospedale di @C",
        "Istituto di @W",
        "Fratelli @S",
    ),
    "nl": (
        "Universiteit van @C",
        "Gemeente @C",
        "Bank van @C",
        "Ministerie van @W",
        "Stichting @W",
        "Ziekenhuis @C",
        "Instituut voor @W",
        "Gebroeders @S",
    ),
    "pl": (
        "Uniwersytet @C",
        "Urząd Miasta @C",
        "Bank @C",
        "Ministerstwo @W",
        "Fundacja @W",
        "Szpital @C",
        "Instytut @W",
        "Biuro @S",
    ),
    "pt": (
        "Universidade de @C",
        "Câmara Municipal de @C",
        "Banco de @C",
        "Ministério da @W",
        "Grupo @S",
        "Hospital de @C",
        "Instituto de @W",
        "Irmãos @S",
    ),
}
_PRODUCTS: Final = (
    "Windows",
    "Excel",
    "SharePoint",
    "Outlook",
    "Linux",
    "Android",
    "Java",
    "PowerPoint",
    "Teams",
    "Acrobat",
    "iPhone",
    "Bluetooth",
    "SAP",
    "PDF",
    "VPN",
    "HR",
    "IT",
    "CRM",
    "ERP",
    "GDPR",
    "DSGVO",
    "API",
    "URL",
    "FAQ",
    "Q1",
    "Q4",
    "ISO",
    "TÜV",
    "IBAN",
    "BIC",
    "Wi-Fi",
    "USB",
    "CEO",
    "CFO",
    "VAT",
    "DHL-Paket",
    "Photoshop",
    "Firefox",
    "Word",
    "Edge",
    "PIN",
    "ID",
    "KW",
    "EUR",
    "USD",
    "GB",
)
_DAYS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Monday 12 May",
        "3 June",
        "Friday",
        "Tuesday, March 4",
        "12 October 2024",
        "Thursday",
        "Mon, Jan 5, 2026 at 10:12 AM",
        "Christmas",
    ),
    "de": (
        "Montag",
        "12. Mai",
        "3. Juni 2025",
        "Freitag",
        "Dienstag, den 4. März",
        "Do., 5. Jan. 2026 um 10:12 Uhr",
        "Ostern",
    ),
    "fr": ("jeudi", "3 mai", "lundi 12 octobre 2024", "14 juillet"),
    "es": ("lunes", "5 de mayo", "viernes 3 de octubre de 2024"),
    "it": ("lunedì", "5 maggio", "venerdì 3 ottobre 2024"),
    "nl": ("maandag", "5 mei", "vrijdag 3 oktober 2024"),
    "pl": ("środa", "5 maja", "piątek 3 października 2024"),
    "pt": ("terça-feira", "5 de maio", "sexta-feira, 3 de outubro de 2024"),
}
# @N a number, @C a town, @W a name of a street, @Q a postcode; by language, with streets.
_STREETS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "{} Street",
        "{} Road",
        "{} Avenue",
        "{} Lane",
        "{} Drive",
        "{} St",
        "{} Rd",
        "{} Court",
        "{} Way",
        "{} Close",
        "{} Blvd",
    ),
    "de": (
        "{}straße",
        "{}weg",
        "{}platz",
        "{}gasse",
        "{}str.",
        "{}allee",
        "{}-Straße",
        "Am {}",
        "An der {}",
        "{} Straße",
    ),
    "fr": ("rue {}", "avenue {}", "place {}", "Rue de {}", "boulevard {}", "chemin de {}", "Avenue du {}"),
    "es": ("Calle {}", "C/ {}", "Avenida {}", "Avda. de {}", "Plaza {}", "Paseo de {}"),
    "it": ("Via {}", "Viale {}", "Piazza {}", "Corso {}", "via {}"),
    "nl": ("{}straat", "{}laan", "{}weg", "{}plein", "{}gracht", "{}kade"),
    "pl": ("ul. {}", "al. {}", "pl. {}", "ul. {}a"),
    "pt": ("Rua {}", "Avenida {}", "Praça {}", "Rua da {}", "Travessa {}"),
}
_NUMBER_FIRST: Final = frozenset(("en", "fr"))


class Sample(NamedTuple):
    """A text, and where its names stand: first character, the one behind the last, kind."""

    text: str
    names: list[tuple[int, int, str]]


class Words(NamedTuple):
    """What mail is made of, as it is written: names, words of offices and frequent words by language, places."""

    first: list[str]
    surnames: list[str]
    offices: dict[str, list[str]]
    frequent: dict[str, list[str]]
    towns: list[str]
    countries: list[str]
    prose: dict[str, list[str]]
    organisations: dict[str, list[str]]
    trades: dict[str, list[str]]
    surnames_too: dict[str, list[str]]
    """Frequent words that are surnames too."""


class Writer:
    """Writes mail, always the same from the same words and seed."""

    def __init__(self, words: Words, seed: int) -> None:
        self._words = words
        self._generator = random.Random(seed)
        self._text = ""
        self._names: list[tuple[int, int, str]] = []
        self._language = "en"
        self._last: list[str] = []
        self._company = ""

    def mail(self) -> Sample:
        """Return one mail in one language: mostly a header, an opening, sentences, an ending; some are lists."""
        generator = self._generator
        self._text, self._names, self._last, self._company = "", [], [], ""
        self._language = language = generator.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if generator.random() < 0.3:
            self._write(generator.choice(HEADERS[language]), "\n\n")
        if generator.random() < 0.6:
            self._write(generator.choice(OPENINGS[language]), generator.choice(["\n\n", "\n", " "]))
        for _ in range(generator.randint(1, 6)):
            draw = generator.random()
            if draw < 0.1:
                template = generator.choice(ANY)
            elif draw < 0.30:
                template = generator.choice(SENTENCES[language])
                if template.endswith(".") and generator.random() < _OTHER_ENDS:
                    template = template[:-1] + generator.choice("?!:;")
            elif draw < 0.50:
                template = self._business()
            elif draw < 0.59:
                template = self._phrase()
            elif draw < 0.63:
                template = self._listed()
            elif draw < 0.67:
                template = self._table()
            elif draw < 0.75:
                template = self._babble()
            else:
                template = _REPLACED.sub(self._instead, generator.choice(self._words.prose[language]))
            if generator.random() < _LOUD:
                template = re.sub(r"(?<!@)\b\w+", lambda word: word[0].upper(), template)
            self._write(template, generator.choice(["\n", " ", "\n\n"] if template[-1] in ".?" else ["\n", "\n\n"]))
        if generator.random() < 0.6:
            self._write("\n" * generator.randint(0, 1) + generator.choice(ENDINGS[language]), "\n")
        if generator.random() < 0.15:
            self._write(generator.choice(HEADERS[language]), "\n")
        return Sample(self._text, self._names)

    def _called(self) -> str:
        """Return the slots of a name, as people write it in running text."""
        generator = self._generator
        draw = generator.random()
        if draw < 0.4:
            return "@P"
        if draw < 0.65:
            return "@F"
        if draw < 0.75:
            return "@S"
        return generator.choice(CALLED[self._language])

    def _business(self) -> str:
        """Return one to three sentences around organisations, or a header or signature with their address."""
        generator = self._generator
        if generator.random() < 0.2:
            return generator.choice(ADDRESSED)
        if generator.random() < _ANYWHERE:
            return generator.choice(ANYWHERE)
        phrases = [generator.choice(BUSINESS[self._language]) for _ in range(generator.choice((1, 1, 2, 3)))]
        return " ".join(phrase[0].upper() + phrase[1:] if phrase[0] != "@" else phrase for phrase in phrases)

    def _phrase(self) -> str:
        """Return one to three sentences around names, without or with others between them."""
        generator = self._generator
        sentences = []
        for _ in range(generator.choice((1, 1, 2, 3))):
            if self._language == "pl" and generator.random() < 0.4:
                phrase = generator.choice(INFLECTED).replace("@*", "@%")
            else:
                phrase = re.sub(r"@\*", lambda _: self._called(), generator.choice(PHRASES[self._language]))
            sentences.append(phrase[0].upper() + phrase[1:] if phrase[0] != "@" else phrase)
            if generator.random() < 0.2:
                sentences.append(generator.choice(SENTENCES[self._language]))
        text = " ".join(sentences)
        if generator.random() < 0.15:
            return generator.choice(("> ", "- ", "* ", '"', "(")) + text
        return text

    def _listed(self) -> str:
        """Return a list of names behind a word for it, or behind days."""
        generator = self._generator
        names = [self._one_listed() for _ in range(generator.randint(1, 6))]
        if generator.random() < 0.25:
            days = [generator.choice(_DAYS[self._language]) for _ in names]
            between = generator.choice((" & ", ", ", "/", " + ", " - "))
            return "\n".join(
                f"{day}: {name}{between}{self._one_listed()}" for day, name in zip(days, names, strict=True)
            )
        label = generator.choice(LISTED[self._language])
        if generator.random() < 0.3:
            return f"{label}:\n" + "\n".join(generator.choice(("- ", "* ", "", "1. ", "• ")) + name for name in names)
        return f"{label}{generator.choice((': ', ' : ', ' - ', ': '))}" + generator.choice(
            (", ", "; ", ", ", " / ")
        ).join(names)

    def _one_listed(self) -> str:
        generator = self._generator
        name = generator.choice(("@P", "@P", "@P", "@I", "@F", generator.choice(CALLED[self._language])))
        draw = generator.random()
        if draw < 0.1:
            return f"{name} ({generator.choice(('@W', '@O', '@O', '@C', '@J', '@N'))})"
        return f"{name}, @J" if draw < 0.14 else name

    def _table(self) -> str:
        """Return a table, most of whose rows have a name, with or without headings."""
        generator = self._generator
        whole, first, last, others = COLUMNS[self._language]
        columns = [(generator.choice(whole), generator.choice(("@P", "@P", "@P", "@Y", "@Z", "@I")))]
        separator = generator.choice(_SEPARATORS)
        if generator.random() < 0.4 and separator not in (" - ", " / "):
            columns = [(generator.choice(last), "@S"), (generator.choice(first), "@F")]
            if generator.random() < 0.4:
                columns.reverse()
        if ", " in separator:
            columns = [(heading, "@P" if slot == "@Y" else slot) for heading, slot in columns]
        if generator.random() < 0.3:
            organisations = (generator.choice(HEADINGS[self._language]), "@O")
            columns = generator.choice(([organisations], [organisations, *columns], [*columns, organisations]))
        for _ in range(generator.randint(0, 3)):
            fillers = ("@N", "@N", "@D", "@w", "@W", "@C", "@O", "@E", "@I", "@P", "@K", "@N,00 EUR")
            filler = generator.choice((*fillers, generator.choice(DATED[self._language])))
            place = generator.choice((0, len(columns), len(columns)))
            columns.insert(place, (generator.choice(others), filler))
        rows = [[slot for _, slot in columns] for _ in range(generator.randint(1, 6))]
        if generator.random() < 0.7:
            rows.insert(0, [heading for heading, _ in columns])
        return "\n".join(separator.join(row) for row in rows)

    def _instead(self, name: re.Match[str]) -> str:
        """Return a name to stand in the place of a product's, or the product again."""
        generator = self._generator
        return generator.choice(["@P", "@S", "@F", "@O", "@C", "@X"]) if generator.random() < 0.4 else name[0]

    def _babble(self) -> str:
        """Return words of the language in any order, some of them names: what a word is shows beside anything."""
        generator = self._generator
        heading = generator.random() < 0.15
        most = 0.35 if self._language == "de" else 0.07
        pieces = []
        for index in range(generator.randint(2, 5) if heading else generator.randint(4, 12)):
            draw = generator.random()
            if draw < 0.1 and not heading:
                pieces.append(generator.choice(["@P", "@P", "@F", "@S", "@O", "@C", "@U", "@X"]))
            elif index == 0 and not heading and draw > 0.85:
                pieces.append("@O")
            elif heading or index == 0 or draw < 0.1 + most:
                pieces.append("@W")
            else:
                pieces.append("@w")
            if draw > 0.95 and not heading:
                pieces[-1] += ","
        text = " ".join(pieces)
        return text if heading else text + generator.choice("..?!")

    def _write(self, template: str, end: str) -> None:
        at = 0
        for slot in _SLOT.finditer(template):
            self._text += template[at : slot.start()]
            self._put(slot[1])
            at = slot.end()
        self._text += template[at:] + end

    def _put(self, slot: str) -> None:
        start = len(self._text)
        if slot == "A":
            self._address()
        elif slot == "R":
            self._text += self._generator.choice(_STREETS[self._generator.choice(list(_STREETS))]).format(
                self._generator.choice([self._surname(), self._town().split()[0], f"{self._first()} {self._surname()}"])
            )
            self._names.append((start, len(self._text), PLACE))
        elif slot == "L":
            self._text += self._generator.choice(
                ["{}, {} and {}", "{}, {} & {}", "{}-{}", "{} und {}", "{} & {}", "{}/{}"]
            ).format(*(self._surname() for _ in range(3)))
            self._names.append((start, len(self._text), ORGANISATION))
        elif slot == "O" and self._generator.random() < 0.3:
            self._body()
            self._names = [name for name in self._names if name[0] < start]
            self._company = self._text[start:]
            self._names.append((start, len(self._text), ORGANISATION))
        else:
            self._text += self._filled(slot)
            if slot in _KINDS:
                self._names.append((start, len(self._text), _KINDS[slot]))

    def _body(self) -> None:
        language = self._language if self._generator.random() < 0.8 else "en"
        self._write(self._generator.choice(_BODIES[language]), "")

    def _address(self) -> None:
        """Write a postal address; its street and its town are places."""
        generator = self._generator
        language = self._language if self._generator.random() < 0.8 else generator.choice(list(_STREETS))
        start = len(self._text)
        name = generator.choice(
            [
                self._surname(),
                self._town().split()[0],
                self._first(),
                self._frequent(True),
                f"{self._first()} {self._surname()}",
            ]
        )
        street = generator.choice(_STREETS[language])
        if street.endswith("}-Straße"):
            name = name.replace(" ", "-")
        elif street.startswith("{}") and street[2] not in " -":
            name = name.split()[-1]
        number = str(generator.randint(1, 250)) + generator.choice(["", "", "", "a", "b"])
        line = f"{number} {street.format(name)}" if language in _NUMBER_FIRST else f"{street.format(name)} {number}"
        between = generator.choice(["\n", ", ", "\n", ", ", " - "])
        code = str(generator.randint(1000, 99999))
        town = self._town()
        self._text += line
        self._names.append((start, len(self._text), PLACE))
        self._text += between + (f"{code} " if language != "en" or generator.random() < 0.3 else "")
        start = len(self._text)
        self._text += town
        self._names.append((start, len(self._text), PLACE))
        if language == "en":
            self._text += generator.choice([f", TX {code}", f" {code}", " SW1A 1AA", ""])
        if generator.random() < 0.3:
            self._text += generator.choice([", ", "\n"])
            start = len(self._text)
            self._text += generator.choice(self._words.countries)
            self._names.append((start, len(self._text), PLACE))

    def _filled(self, slot: str) -> str:
        generator = self._generator
        if slot == "O":
            self._company = self._organisation()
            return self._company
        if slot == "M":
            return f"{generator.choice(('info', 'office', self._first().lower()))}@{self._domain()}".replace(" ", "")
        if slot == "C":
            return self._town()
        if slot == "U":
            return generator.choice(self._words.countries)
        if slot == "Q":
            return generator.choice(
                [
                    str(generator.randint(1000, 99999)),
                    f"{generator.randint(10, 99)}-{generator.randint(100, 999)}",
                    "SW1A 1AA",
                ]
            )
        if slot == "N":
            return str(generator.choice([generator.randint(1, 99), generator.randint(100, 999_999)]))
        if slot == "D":
            return generator.choice(_DAYS[self._language])
        if slot == "J":
            return generator.choice((*JOBS[self._language], *POSITIONS[self._language]))
        if slot == "T":
            return f"+{generator.randint(1, 99)} {generator.randint(10, 999)} {generator.randint(10_000, 9_999_999)}"
        if slot == "X":
            return generator.choice(_PRODUCTS) if generator.random() < 0.6 else self._made_up()
        if slot == "E":
            names = self._last or [self._first(), self._surname()]
            return f"{generator.choice('._').join(names).lower()}@{self._surname().lower()}.example".replace(" ", "")
        if slot == "K":
            word = generator.choice(self._words.offices[self._language])
            return word.title() if generator.random() < 0.3 else word.capitalize() if self._language == "de" else word
        if slot in "Ww":
            return self._frequent(slot == "W")
        return self._person(slot)

    def _frequent(self, capital: bool) -> str:
        word = self._generator.choice(self._words.frequent[self._language])
        return word.capitalize() if capital else word

    def _domain(self) -> str:
        """Return a domain of the organisation before, or of one that is nowhere else."""
        generator = self._generator
        words = (self._company or self._organisation()).split()
        plain = unicodedata.normalize("NFKD", generator.choice(("", "", "-")).join(words[: generator.randint(1, 3)]))
        ending = generator.choice(("com", "example", "de", "co.uk", "org"))
        return f"{_NO_DOMAIN.sub('', plain.lower()) or 'mail'}.{ending}"

    def _organisation(self) -> str:
        generator = self._generator
        language = self._language if generator.random() < 0.75 else "en"
        draw = generator.random()
        if draw < 0.28:
            return generator.choice(self._words.organisations[language])
        if draw < 0.64:
            return self._named(language)
        if draw < 0.76:
            return self._brand()
        if draw < 0.85:
            return "".join(generator.choices("ABCDEFGHIKLMNOPRSTUVWZ", k=generator.choice((2, 3, 3, 3, 4, 4, 5))))
        head = generator.choice(
            [
                generator.choice(_HEADS),
                self._surname(),
                self._surname(),
                self._made_up(),
                self._made_up(),
                self._town(),
                f"{generator.choice(_HEADS)} {generator.choice(_HEADS)}",
                f"{generator.choice(_HEADS)}{self._made_up().lower()}",
                self._frequent(True),
                "".join(generator.choices("ABCDEFGHIKLMNOPRSTV", k=generator.randint(2, 4))),
                f"{self._first()} {self._surname()}",
                f"{self._made_up()}{generator.choice(['Soft', 'Tech', 'Com', 'Net', 'Data'])}",
            ]
        )
        draw = generator.random()
        if draw < 0.25:
            return f"{head} {generator.choice(_FORMS[language])}"
        if draw < 0.5:
            return f"{head} {generator.choice(_TRADES[language])}"
        if draw < 0.7:
            return f"{head} {generator.choice(_TRADES[language])} {generator.choice(_FORMS[language])}"
        return self._made_up() if " " in head else head

    def _named(self, language: str) -> str:
        """Return the name of an organisation by what it does, some with a legal form."""
        generator = self._generator
        makers: dict[str, Callable[[], str]] = {
            "B": lambda: generator.choice(self._words.trades[language]),
            "b": lambda: generator.choice(self._words.trades[language]).lower(),
            "G": self._brand,
            "h": lambda: generator.choice(BODIES[language]),
            "W": lambda: self._frequent(True),
            "w": lambda: self._frequent(False),
            "S": self._surname,
            "F": self._first,
            "C": self._town,
            "U": lambda: generator.choice(self._words.countries),
        }
        name = _PIECE.sub(lambda piece: makers[piece[1]](), generator.choice(NAMED[language]))
        return f"{name} {generator.choice(_FORMS[language])}" if generator.random() < 0.15 else name

    def _brand(self) -> str:
        """Return a word that nobody knows, as a name of a company: of syllables, or of the pieces of words."""
        generator = self._generator
        if generator.random() < _PIECED:
            return self._made_up()
        syllables = [
            generator.choice(_ONSETS) + generator.choice("aeiou" if generator.random() < 0.9 else "yéäö")
            for _ in range(generator.choice((1, 1, 2)))
        ]
        return ("".join(syllables) + generator.choice(_BRAND_ENDS)).capitalize()

    def _made_up(self) -> str:
        """Return a word that nobody knows, of the pieces of others."""
        generator = self._generator
        one, two = (
            self._frequent(False),
            generator.choice([self._frequent(False), generator.choice(["ix", "ex", "ia", "on", "is", "ora", "ent"])]),
        )
        return (one[: len(one) // 2 + 1] + two[len(two) // 2 :]).capitalize()

    def _town(self) -> str:
        generator = self._generator
        if generator.random() < 0.8:
            return generator.choice(self._words.towns)
        one, two = self._surname(), self._surname()
        town = one[: len(one) // 2 + 1] + two[len(two) // 2 :].lower()
        return town.upper() if generator.random() < 0.1 else town

    def _first(self) -> str:
        return self._generator.choice(self._words.first)

    def _surname(self) -> str:
        draw = self._generator.random()
        if draw < _DATED:
            return self._generator.choice(DATED[self._language])
        also_words = draw < _DATED + _ALSO_WORDS
        return self._generator.choice(self._words.surnames_too[self._language] if also_words else self._words.surnames)

    def _person(self, slot: str) -> str:
        generator = self._generator
        first, surname = self._first(), self._surname()
        if slot == "F":
            self._last = [first]
            return first
        language = self._language
        if generator.random() < 0.05:
            surname = f"{surname}-{self._surname()}"
        if generator.randrange(100) < _TWO_SURNAMES.get(language, 2):
            surname = f"{surname} {self._surname()}"
        if generator.randrange(100) < _PARTICLED[language]:
            particle = generator.choice(_PARTICLES[language])
            surname = f"{particle}{surname}" if particle.endswith("'") else f"{particle} {surname}"
        self._last = [first, surname]
        if slot == "S":
            return surname[0].upper() + surname[1:]
        if slot == "Y":
            return f"{surname}, {first}"
        if slot == "I":
            return f"{first[0]}.{generator.choice((' ', ' ', ''))}{surname}"
        if slot == "Z":
            return generator.choice((f"{surname} {first}", f"{surname.upper()} {first}", f"{first} {surname.upper()}"))
        if slot == "%":
            return " ".join(
                _inflected(name, generator) for name in generator.choice(((first,), (surname,), (first, surname)))
            )
        draw = generator.random()
        if draw < 0.06:
            return f"{first} {generator.choice('ABCDEFGHJKLMNPRSTW')}. {surname}"
        if draw < 0.12:
            return f"{first} {self._first()} {surname}"
        if draw < 0.19:
            return f"{first[0]}. {surname}"
        if draw < 0.21:
            return f"{first}-{self._first()} {surname}"
        if draw < 0.23:
            return f"{first} {surname.upper()}"
        return f"{first} {surname}"


def _inflected(name: str, generator: random.Random) -> str:
    """Return a Polish name in another case than the nominative."""
    ending, cases = next((ending, cases) for ending, cases in _CASES if name.endswith(ending))
    return name.removesuffix(ending) + generator.choice(cases)
