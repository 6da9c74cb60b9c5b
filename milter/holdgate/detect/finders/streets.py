"""The forms of streets, towns and postcodes in some thirty countries, as patterns of RE2, which has no backtracking.

Sources: UPU S42 country sheets, USPS Publication 28, Royal Mail PAF digest, Canada Post addressing guidelines, AS 4590,
DIN 5008, La Poste SNA (NF Z10-011), and the words for streets that post offices list.
"""

from typing import Final

import re2

_ROOM: Final = 64 << 20
_UPPER: Final = "[A-ZÀ-ÞĀ-ȳΑ-ΩА-Я]"
_LETTERS: Final = "A-Za-zÀ-ȳΆ-ώЀ-ѿ"
_NAME: Final = rf"(?:{_UPPER}[{_LETTERS}\d'’.\-]*|\d{{1,3}}(?:st|nd|rd|th))"
_SMALL: Final = (
    r"(?:d[aeou]s?|del|della|delle|dei|degli|dell['’]|d['’]|l['’]|la|le|las|les|los|el|der|van|von|den|het|op|y|e|i|à|au|aux"
    r"|sur|sous|am|im|an|zum|zur|in|na|nad|pod|z)"
)
_PIECE: Final = (
    rf"(?:{_NAME}|{_SMALL}(?: {_SMALL})?[ ]?{_NAME}|\d{{1,2}}\.? (?:{_SMALL} )?{_NAME}|\d{{1,2}}\. [{_LETTERS}]+)"
)
_HOUSE: Final = r"\d{1,5}(?: ?[a-zA-Z]\b)?(?: ?[/\-–] ?\d{1,4} ?(?:[a-zA-Z]\b)?)?"
# Street, number first: English.
_ENGLISH: Final = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Court|Ct|Circle|Cir|Place|Pl|Square|Sq|Terrace|Ter|Tce"
    "|Trail|Trl|Parkway|Pkwy|Highway|Hwy|Way|Close|Crescent|Cres|Gardens|Grove|Mews|Row|Hill|Park|Walk|Broadway|Quay"
    "|Parade|Pde|Green|Rise|View|Wharf|Esplanade|Nagar|Marg|Loop|Pike|Alley|Run|Point|Plaza|Bypass|Turnpike|Expressway"
    "|Crossing"
)
_UNIT: Final = r"(?:,?\s+(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Level|#)\.?\s*#?[A-Za-z\d]{1,6})?"
_NUMBERED: Final = (
    r"(?:(?:Flat|Apt\.?|Apartment|Suite|Ste\.?|Unit|Level|Floor|Studio)\s+#?[A-Za-z\d]{1,5},?\s+)?"
    r"(?:(?:H\.? ?No\.?|House No\.?|Plot No\.?|Flat No\.?|Door No\.?|No\.)\s?)?"
    r"\d{1,6}(?:[A-Za-z]\b)?(?:[\-–/]\d{1,5})?,?\s+(?:[NSEW]{1,2}\.?\s+)?"
)
# "St" directly behind the number is "Saint".
_FIRST: Final = (
    rf"{_NUMBERED}(?:(?:{_NAME}\s+){{1,4}}?(?:{_ENGLISH})|(?:Broadway|The\s+\w+|{_ENGLISH.replace('|St|', '|')}))\b\.?"
    rf"(?:\s+[NSEW]{{1,2}}\b\.?)?{_UNIT}"
)
# A number and a name, if the text after them proves it.
_ANY_FIRST: Final = rf"{_NUMBERED}{_NAME}(?: {_NAME}){{0,3}}{_UNIT}"
_BOX: Final = r"(?:P\.?\s?O\.?\s?Box|Postfach|BP|Apartado|Casella postale|Postbus|Skr\. poczt\.)\s+\d[\d ]{0,6}"
# The kinds of streets in addresses of France, Belgium and Switzerland.
_FRENCH_WORDS: Final = (
    "rue|avenue|av|boulevard|bd|blvd|place|allées?|chemin|impasse|quai|cours|route|square|passage|faubourg|montée|ruelle"
    "|sentier|sente|venelle|esplanade|promenade|chaussée|hameau|lotissement|résidence|rond-point|parvis|cité|carrefour"
    "|clos|traverse|rocade|corniche|placette"
)
# The word for street before its name, and the number after it; in French also before.
_WORDS: Final = (
    rf"(?:(?i:{_FRENCH_WORDS}|calle"
    r"|avenida|avda|plaza|paseo|carrera|camino|ronda|carretera|travesía|pasaje|glorieta|rambla|cuesta|callejón|urbanización"
    r"|jirón|prolongación|diagonal|transversal|bulevar|costanilla|corredera|muelle|vereda"
    r"|borgo|salita|via|viale|piazza|piazzale|corso|largo|vicolo|contrada|strada|piazzetta|lungomare|lungotevere|calata|vico"
    r"|traversa|rua|praça|travessa|alameda|estrada|rodovia|praceta|beco|azinhaga|ladeira|escadinhas|cais|rotunda"
    r"|calçada|calea|bulevardul|drumul|aleea|șoseaua|soseaua|intrarea|ulica|aleja|aleje|plac|osiedle|náměstí|námestie|třída"
    r"|trg|odos|leoforos|triq)\b\.?|(?i:pza|cra|jr|str|ul|al|pl|os|nám)\.|C/|P\.º|R\.|Οδός|Λεωφ\.)"
)
_NUMBER: Final = rf"(?:,?\s+(?:n[.ºr°]{{0,2}}\s?|[Nn]o\.?:?\s?|[Nn]r\.?\s?|nº\s?)?{_HOUSE}|,?\s+[sS]/[nN]\b)"
_STOREY: Final = (
    r"(?:,?\s+(?:\d{1,2}\s?[.ºª°]{1,2}\s?[A-Za-z]{0,5}|m\.\s?\d{1,4}|[Aa]pto?\.?\s?\w{1,4}|int\.\s?\w{1,4}|lok\.\s?\d{1,4}"
    r"|piso\s?\d{1,2}|[Pp]iano\s?\d{1,2}|bte\s?\d{1,3}|(?:Bl|Sc|Ap|Et)\.\s?\w{1,4}|Depto\.\s?\d{1,4}))"
    r"{0,4}"
)
_ROMANCE: Final = (
    r"(?:\d{1,4}(?:\s?(?:bis|ter|quater|[a-dA-D]))?,?\s+)?"
    rf"{_WORDS}\s?{_PIECE}(?:[ \-]{_PIECE}){{0,6}}?(?:{_NUMBER}{_STOREY})"
)
# In French the number alone can come first.
_FRENCH: Final = (
    r"\d{1,4}(?:\s?(?:bis|ter|quater|[a-dA-D]))?,?\s+"
    rf"(?i:{_FRENCH_WORDS})\b\.?"
    rf"\s{_PIECE}(?:[ \-]{_PIECE}){{0,4}}"
)
# Streets with numbers, and the next street and the distance as the number of the house: Colombia.
_COLOMBIAN: Final = (
    r"(?i:calle|cl\.?|carrera|cra\.?|kr\.?|diagonal|transversal|avenida|av\.?)\s?\d{1,3}\s?[A-Z]?"
    r"(?:\s(?:Bis|Sur|Norte|Este|Oeste))?"
    r"\s*(?:#|[Nn]o\.?|[Nn][º°]\.?)\s?\d{1,3}\s?[A-Z]?(?:\s(?:Bis|Sur))?\s?[\-–]\s?\d{1,3}\b"
)
# The word for street after its name or as its end, then the number.
_ENDINGS: Final = (
    r"(?:(?i:stra(?:ß|ss)e|weg|platz|allee|gasse|ring|damm|ufer|chaussee|hof|steig|pfad|markt|graben|berg|park|wall|brücke"
    r"|kamp|feld|zeile|promenade|winkel|anger|straat|laan|plein|gracht|kade|singel|dijk|dreef|pad|steeg|baan|lei|gatan|gata"
    r"|väg(?:en)?|vej(?:en)?|gade|vei(?:en)?|allé|plads|torg(?:et)?|stræde|gränd|katu|tie|kuja|polku|tänav|iela|gatvė|utca"
    r"|útja|tér|körút|ulice|ulica|cesta|caddesi|sokak|sokağı|bulvarı)|[Ss]tr\.|g\.|út|u\.|krt\.|Cad\.|Sok\.)"
)
_BEHIND: Final = (
    rf"(?:{_NAME}[ \-]){{0,3}}?(?:{_UPPER}[{_LETTERS}'’\-]*?)?{_ENDINGS}[,.]?\s+(?:[Nn]o\.?:?\s?|č\.\s?)?{_HOUSE}\.?"
)
_AT: Final = (
    r"(?:Am|An der|An den|Auf der|Auf dem|Im|In der|In den|Zum|Zur|Unter den|Alte[rn]?|Neue[rn]?|Große[rn]?|Kleine[rn]?"
    rf"|Obere[rn]?)(?:\s{_NAME}){{1,2}}\s+{_HOUSE}"
)
_PLAIN: Final = rf"{_NAME}(?:[ \-](?:{_NAME}|{_SMALL})){{0,3}}\s+{_HOUSE}"
_STREET: Final = rf"(?:{_FIRST}|{_ROMANCE}|{_FRENCH}|{_BEHIND}|{_AT}|{_COLOMBIAN}|{_BOX})"
_TOWN: Final = rf"(?:'s-)?{_UPPER}[{_LETTERS}.'’\-]*(?:[ \-/](?:{_NAME}|{_SMALL}\b)){{0,3}}(?: \d{{1,2}}\b)?"
_GAP: Final = r"(?:\s*[,;|·•–\-]?\s*\n[>\s]*|\s*[,;|·•]\s*|\s+[–\-]\s+|\s)"
_PART: Final = (
    rf"(?:{_GAP}(?:{_NAME}|\d{{1,3}}\b|{_SMALL}\b)(?:[ \-](?:{_NAME}|{_SMALL}\b|\d{{1,3}}\b)){{0,4}}){{0,3}}?"
)
_STATES: Final = (
    "(?:AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR"
    "|PA|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT|NSW|VIC|QLD|SA|TAS|ACT)"
)
_OUT: Final = (
    r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y]) ?\d[ABD-HJLNP-UW-Z]{2})"
)
_CANADA: Final = r"[A-Z]\d[A-Z] ?\d[A-Z]\d"
# A postcode before its town, alone or with letters of the country, in Argentina with those of province and street.
_DIGITS: Final = r"\d{5}-?\d{3}|\d{5}|\d{4}-\d{3}|\d{2}-\d{3}|\d{3} \d{2}|\d{4} ?[A-Z]{2}|\d{6}|\d{4}"
_CODE: Final = rf"(?:[A-HJ-NP-Z]\d{{4}}(?:[A-Z]{{3}})?\b|(?:[A-Z]{{1,3}}-)?(?:{_DIGITS}))"
_BEFORE_TOWN: Final = rf"{_CODE},?\s+{_TOWN}(?:\s?(?:\([A-Z]{{2}}\)|/ [A-Z]{{2}}\b))?"
_BEHIND_TOWN: Final = (
    rf"{_TOWN}(?:,\s*{_TOWN})?(?:[,\s]+(?:{_STATES}\.?,?\s+)?(?:\d{{5}}(?:-\d{{4}})?\b|{_CANADA}|{_OUT}"
    rf"|[A-Z]\d[\dW] ?[A-Z0-9]{{4}}\b|\d{{3}} ?\d{{3}}\b|\d{{4}}\b)"
    r"|[,\s]*(?:[-–/] ?)?[A-Z]{2},?\s(?:CEP:?\s)?\d{5}-\d{3}\b|\s?[-–] ?\d{6}\b)"
)
_PROVED: Final = rf"{_TOWN}[,\s]+(?:{_STATES}\.?,?\s+(?:\d{{5}}(?:-\d{{4}})?\b|\d{{4}}\b|{_CANADA})|{_OUT})"
_START: Final = rf"(?:^|[^{_LETTERS}\d])"


_OPTIONS: Final = re2.Options()
_OPTIONS.max_mem = _ROOM
_OPTIONS.log_errors = False


# Each has one group, which is the address.
WHOLE: Final = re2.compile(
    rf"{_START}({_STREET}{_PART}{_GAP}(?:{_BEFORE_TOWN}|{_BEHIND_TOWN})|{_ANY_FIRST}{_PART}{_GAP}{_PROVED}"
    rf"|{_PLAIN}(?:,\s*|\s*\n[>\s]*){_BEFORE_TOWN})",
    _OPTIONS,
)
# Postcode and town can be before the street.
TURNED: Final = re2.compile(rf"^({_BEFORE_TOWN}(?:,\s*|\s*\n[>\s]*)(?:{_BEHIND}|{_ROMANCE}|{_AT}))", _OPTIONS)
# At the end of a text.
LAST: Final = re2.compile(rf"{_START}({_STREET})$", _OPTIONS)
ALONE: Final = re2.compile(rf"{_START}({_STREET}(?:,\s{_TOWN}(?:,\s{_STATES}\b)?)?)", _OPTIONS)
