"""Mail with marked names of persons, made from a seed: openings, sentences, endings and tables in eight languages.

Names are drawn from the dictionaries of the rules (Faker, MIT; US Census Bureau, public domain), words of offices from
the lists of keywords, which are Holdgate's own; the sentences were written for Holdgate (GPL-3.0-or-later).
"""

import random
import re
from typing import Final, NamedTuple

# In a sentence: P a person, F a first name, S a surname, O an organisation, C a town, K a word of offices, D a day.
_TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Dear P,", "Dear Mr S,", "Dear Ms. S,", "Hi F,", "Hello F,", "Good morning F,", "F,", "Best regards,\nP",
        "Kind regards\nP\nO\nC", "Thanks,\nF", "Sincerely,\nP", "Cheers, F", "From: P\nTo: P\nSubject: K",
        "On D, P wrote:", "Name: P", "Patient: P\nPhone: 12", "Please ask P about the K.",
        "P and P will join us in C on D.", "I spoke to F yesterday; F agrees.", "The K of P is missing.",
        "Mrs. S called about her K.", "Could you forward this to F S at O?", "Dr. P is on leave until D.",
        "P works for O in C.", "My name is P and I live in C.", "F said that the K had been sent to O.",
        "The Board of O met in C on D.", "Please see the attached K.",
        "The New York office will be closed on Monday.", "Microsoft Office and Windows Server will be updated.",
        "Thank you for your Order.", "Human Resources needs the K by D.", "United Kingdom and United States",
        "Terms and Conditions apply.", "Project Plan for Q3", "The Ministry of Finance published a Report.",
        "We use Amazon and Google Cloud.", "Account Manager: P", "Regards, P, O", "cc: P, P, P",
        "Meeting with P (O) on D", "Contact P at 12", "P, born 12.3.1975", "Employee P has a new K.",
        "Mr. P, Ms. P and Dr. S attended.", "Directed by P", "We met F, F and F there.",
        "S had told F the address: 12 High Street, C", "P's K expired.", "Is S's K correct?",
        "Monday Tuesday Wednesday", "January February March", "To Whom It May Concern", "Please Note",
        "Best Practices Guide", "Please send P's K to O.",
    ),
    "de": (
        "Sehr geehrter Herr S,", "Sehr geehrte Frau S,", "Liebe F,", "Lieber F,", "Hallo F,", "Guten Tag Frau S,",
        "Mit freundlichen Grüßen\nP", "Viele Grüße\nF", "Beste Grüße\nP\nO\nC", "Von: P\nAn: P\nBetreff: K",
        "Am D schrieb P:", "Name: P", "Patientin: P", "Bitte fragen Sie P nach dem K.", "Herr S kommt am D nach C.",
        "Die K von P fehlt noch.", "Frau Dr. S ist im Urlaub.", "P arbeitet bei O in C.",
        "Die Rechnung und der Vertrag liegen bei.", "Im Anhang finden Sie die Unterlagen für den Termin.",
        "Das Unternehmen hat seinen Sitz in C.", "Der Vorstand der O tagt am D.", "Ich heiße P und wohne in C.",
        "Die Besprechung mit der Abteilung Einkauf findet am Montag statt.",
        "Wir bitten um Überweisung des Betrages.", "Bei Fragen stehen wir zur Verfügung.",
        "Der Kunde hat die Lieferung am D erhalten.", "Ansprechpartner: P", "Mitarbeiter P hat eine neue K.",
        "F meint, dass der Bericht fertig ist.", "Das Angebot der Firma O ist günstig.",
        "Die Kündigung des Vertrags von Herrn S", "Vielen Dank für Ihre Anfrage.", "Herr P und Frau P",
        "Das Protokoll der Sitzung", "Haben Sie Fragen zur Bestellung?",
        "Die Personalabteilung braucht den Antrag bis D.", "P, geboren am 12.3.1975",
    ),
    "fr": (
        "Cher Monsieur S,", "Chère Madame S,", "Bonjour F,", "Chère F,", "Cordialement,\nP", "Bien à vous\nF",
        "De : P\nÀ : P\nObjet : K", "Nom : P", "Le D, P a écrit :", "Merci de contacter P au sujet du K.",
        "Mme S travaille chez O à C.", "M. P est absent jusqu'au D.", "Le K de P manque.",
        "Je m'appelle P et j'habite à C.", "Veuillez trouver ci-joint le Contrat.",
        "La Direction de O se réunit à C.", "P et P viendront le D.", "Patient : P",
    ),
    "es": (
        "Estimado Sr. S:", "Estimada Sra. S:", "Hola F,", "Querida F,", "Saludos cordiales,\nP", "Un saludo\nF",
        "De: P\nPara: P\nAsunto: K", "Nombre: P", "El D, P escribió:", "Consulte con P sobre el K.",
        "P trabaja en O en C.", "Don P no está hasta el D.", "Falta el K de P.", "Me llamo P y vivo en C.",
        "Adjunto el Contrato firmado.", "La Dirección de O se reúne en C.", "Paciente: P", "P y P vendrán el D.",
    ),
    "it": (
        "Gentile Sig. S,", "Gentile Signora S,", "Ciao F,", "Cara F,", "Cordiali saluti\nP", "Un saluto\nF",
        "Da: P\nA: P\nOggetto: K", "Nome: P", "Il D, P ha scritto:", "Chieda a P del K.", "P lavora per O a C.",
        "Il dott. P è assente fino al D.", "Manca il K di P.", "Mi chiamo P e abito a C.",
        "In allegato il Contratto firmato.", "La Direzione di O si riunisce a C.", "Paziente: P",
    ),
    "nl": (
        "Geachte heer S,", "Geachte mevrouw S,", "Beste F,", "Hallo F,", "Met vriendelijke groet,\nP", "Groeten\nF",
        "Van: P\nAan: P\nOnderwerp: K", "Naam: P", "Op D schreef P:", "Vraag P naar de K.", "P werkt bij O in C.",
        "Mevrouw S is er niet tot D.", "De K van P ontbreekt.", "Ik heet P en woon in C.",
        "In de bijlage vindt u het Contract.", "Het bestuur van O komt bijeen in C.", "Patiënt: P",
    ),
    "pl": (
        "Szanowny Panie F,", "Szanowna Pani S,", "Cześć F,", "Dzień dobry F,", "Z poważaniem\nP", "Pozdrawiam\nF",
        "Od: P\nDo: P\nTemat: K", "Imię i nazwisko: P", "D P napisał:", "Proszę zapytać P o K.", "P pracuje w O w C.",
        "Pan S jest nieobecny do D.", "Brakuje K P.", "Nazywam się P i mieszkam w C.", "W załączniku Umowa.",
        "Zarząd O spotyka się w C.", "Pacjent: P",
    ),
    "pt": (
        "Caro Sr. S,", "Cara Sra. S,", "Olá F,", "Querida F,", "Com os melhores cumprimentos,\nP", "Abraço\nF",
        "De: P\nPara: P\nAssunto: K", "Nome: P", "Em D, P escreveu:", "Pergunte a P sobre o K.",
        "P trabalha na O em C.", "O Sr. P está ausente até D.", "Falta o K de P.", "Chamo-me P e moro em C.",
        "Em anexo o Contrato assinado.", "A Direção da O reúne-se em C.", "Paciente: P",
    ),
}  # fmt: skip
# Addresses and other things of several languages: N a number, T an unknown town, Q a postcode, R a street.
_ADDRESSES: Final = (
    "N R\nT, AB Q", "R N\nQ T", "N R, T, U", "R N, Q T", "Suite N\n    T\n U Q", "N R\n Apt. N\n T\n U Q",
    "P\nN R\nT Q\nU", "P\nR N\nQ T", "P, R N, Q T", "Address: N R Apt. N, T, U Q", "Adresse: R N, Q T",
    "My address is N R in T.", "F lives at N R, T.", "P.O. Box N, T", "F had given F the address: N R, T",
    "Return it to N R, T, U.", "The O office in T is at N R.", "We fly to T in U on D.",
    "Who is coming to U with me?", "A film by P and starring P.", "The song by ex-O was sold in U.", "T (U)",
    "O\nP\nN R\nT", "> P\n> O\n> N R\n> T\n> U Q", "F: \"Who are you?\"", "Hello, this is P from T.",
    "They had 6: F, F, F, F and F.", "S and S were engineers at O.", "Born in T, S studied in U.", "Title: K Manager",
    "S's novel", "F shouted at F: \"It is late.\"", "Unlike the S novel, it is short.", "Founders: S, S and S.",
    "P, can I please have it?", "Is S in T?", "I am P and I am from T.",
)  # fmt: skip
_STREETS: Final = (
    "Street", "Road", "Avenue", "Lane", "Drive", "Place", "Square", "Court", "Way", "straße", "weg", "platz", "gasse",
    "laan", "straat", "gatan",
)  # fmt: skip
_BEFORE_STREETS: Final = (
    "Rue", "Avenue", "Place", "Via", "Piazza", "Calle", "Avenida", "Rua", "ul.", "Plaza", "Rue de la", "Via dei",
    "Calle de",
)  # fmt: skip
_STATES: Final = (
    "Germany", "France", "Spain", "Italy", "Poland", "Portugal", "Netherlands", "Belgium", "Austria", "Switzerland",
    "Norway", "Sweden", "Denmark", "Finland", "Cyprus", "Croatia", "New Zealand", "Australia", "Canada", "Brazil",
    "Mexico", "India", "China", "Japan", "Argentina", "Chile", "Greenland", "Lithuania", "Slovenia", "United States",
    "Kenya", "Iran", "Deutschland", "Frankreich", "España", "Italia", "Polska", "Nederland", "Texas", "Ohio",
    "Bayern", "Hessen", "England", "Scotland", "Ireland", "Cape Verde", "Bahrain",
)  # fmt: skip
_TOWNS: Final = (
    "London", "Berlin", "Paris", "Madrid", "Roma", "Amsterdam", "Warszawa", "Lisboa", "München", "Hamburg", "Lyon",
    "Sevilla", "Milano", "Utrecht", "Kraków", "Porto", "Chicago", "Boston", "Leeds", "Köln", "Wien", "Zürich",
    "Bruxelles", "Valencia", "Torino", "Gdańsk", "Coimbra", "Denver", "Oxford", "Stuttgart", "Nice",
)  # fmt: skip
_HEADS: Final = (
    "Global", "North", "Blue", "Alpha", "Nova", "Delta", "First", "General", "United", "Royal", "Digital", "Euro",
    "Inter", "Trans", "Metro", "Apex", "Summit", "Pioneer", "Crystal", "Silver", "Ocean", "Solar", "Techno", "Data",
    "Media", "Health", "Care", "Capital", "Trust", "Energy", "Food", "Steel", "Paper", "Bau", "Immobilien", "Handels",
)  # fmt: skip
_TAILS: Final = (
    "Ltd", "Inc.", "GmbH", "AG", "Bank", "Group", "Systems", "Partners", "Consulting", "S.A.", "SARL", "S.p.A.",
    "B.V.", "Sp. z o.o.", "Lda", "University", "Institute", "Hospital", "Insurance", "Logistics", "Solutions",
    "Services", "Corporation", "Company", "Versicherung", "Stiftung", "Verlag", "Industries", "Foundation",
)  # fmt: skip
_DAYS: Final = (
    "Monday 12 May", "3 June", "Friday", "Tuesday, March 4", "Montag", "12. Mai", "jeudi", "3 mai", "lunes",
    "5 de mayo", "lunedì", "maandag", "środa", "terça",
)  # fmt: skip
_SLOT: Final = re.compile(r"(?<![\w.])[PFSOCKDNTQRU](?!\w|\.[A-Z])")
_OTHER_ENDS: Final = 0.3
_PARTICLES: Final = ("van", "von", "de", "de la", "van der", "di", "dos")


class Sample(NamedTuple):
    """A text, and where its names of persons stand."""

    text: str
    persons: list[tuple[int, int]]


class Writer:
    """Writes mail. `first` and `surnames` are as they are written, `words` those of offices by language."""

    def __init__(
        self, first: list[str], surnames: list[str], words: dict[str, list[str]], prose: list[str], seed: int
    ) -> None:
        self._first, self._surnames, self._words, self._prose = first, surnames, words, prose
        self._known = frozenset(prose)
        self._generator = random.Random(seed)

    def mail(self) -> Sample:
        """Return one mail: an opening, some sentences, an ending, in one language."""
        generator = self._generator
        language = generator.choices(list(_TEXTS), weights=[5, 4, 2, 2, 2, 2, 2, 2])[0]
        text = ""
        persons: list[tuple[int, int]] = []
        templates = generator.choices(_TEXTS[language], k=generator.randint(2, 7)) + generator.choices(_ADDRESSES, k=2)
        templates += generator.choices(self._prose, k=2) if self._prose else []
        generator.shuffle(templates)
        for template in templates:
            if template in self._known:
                text += template + "\n"
                continue
            if template.endswith(".") and generator.random() < _OTHER_ENDS:
                template = template[:-1] + generator.choice("?!:;")
            at = 0
            for slot in _SLOT.finditer(template):
                text += template[at : slot.start()]
                filled = self._fill(slot[0], language)
                if slot[0] in "PFS":
                    persons.append((len(text), len(text) + len(filled)))
                text += filled
                at = slot.end()
            text += template[at:] + generator.choice(["\n", " ", "\n\n"] if template[-1] in ".?" else ["\n", "\n\n"])
        return Sample(text, persons)

    def _fill(self, slot: str, language: str) -> str:
        generator = self._generator
        if slot == "O":
            name = generator.choice(
                [
                    generator.choice(_HEADS),
                    generator.choice(self._surnames),
                    f"{generator.choice(_HEADS)} {generator.choice(_HEADS)}",
                ]
            )
            return f"{name} {generator.choice(_TAILS)}"
        if slot == "C":
            return generator.choice(_TOWNS)
        if slot == "N":
            return str(generator.randint(1, 9999))
        if slot == "Q":
            return str(generator.randint(1000, 99999))
        if slot == "U":
            return generator.choice(_STATES)
        if slot == "T":
            return self._town()
        if slot == "R":
            name = generator.choice([generator.choice(self._surnames), self._town(), self._person("P")])
            if generator.random() < 0.4:
                return f"{generator.choice(_BEFORE_STREETS)} {name}"
            street = generator.choice(_STREETS)
            return f"{name} {street}" if street[0].isupper() else f"{name.split()[-1]}{street}"
        if slot == "D":
            return generator.choice(_DAYS)
        if slot == "K":
            word = generator.choice(self._words[language])
            return word.title() if generator.random() < 0.5 else word.capitalize() if language == "de" else word
        return self._person(slot)

    def _town(self) -> str:
        """Return a town: a known one, or a word that looks like one, made of two surnames."""
        generator = self._generator
        if generator.random() < 0.3:
            return generator.choice(_TOWNS)
        one, two = generator.choice(self._surnames), generator.choice(self._surnames)
        town = one[: len(one) // 2 + 1] + two[len(two) // 2 :].lower()
        return town.upper() if generator.random() < 0.1 else town

    def _person(self, slot: str) -> str:
        generator = self._generator
        first, surname = generator.choice(self._first), generator.choice(self._surnames)
        if slot == "F":
            return first
        if generator.random() < 0.05:
            surname = f"{surname}-{generator.choice(self._surnames)}"
        if slot == "S":
            return surname
        draw = generator.random()
        if draw < 0.06:
            return f"{first} {generator.choice('ABCDEFGHJKLMNPRSTW')}. {surname}"
        if draw < 0.12:
            return f"{first} {generator.choice(_PARTICLES)} {surname}"
        if draw < 0.16:
            return f"{first} {generator.choice(self._first)} {surname}"
        if draw < 0.19:
            return f"{first[0]}. {surname}"
        return f"{first} {surname}"
