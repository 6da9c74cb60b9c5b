"""Calendar dates from 1900 on, in figures or with the month's name; a keyword makes one a date of birth."""

import datetime
import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text
from holdgate.detect.keywords import fold

# The searches begin with the last digit of the first number; `_number_start` finds its first. In a mask, a letter is
# "A", "a" or, beyond Latin-1, "?".
_FIGURES: Final = re.compile(rb"0([./\-]) ?0{1,2}\1 ?0{2,4}(?![0a]|A(?!00:)|[\-/]0)")
_SPACED: Final = re.compile(rb"0 0{1,2} 0000(?![0Aa]| 0)")
_DAY_FIRST: Final = re.compile(
    rb"0(?:aa?|[.\xb0])?(?: aa?)?[ \-/.]?(?:a')?[Aa?]{3,14}\.?(?: [a?]{2,3})?,?[ \-/.]?00(?:00)?(?![0Aa])"
)
_MONTH_FIRST: Final = re.compile(rb" 00?(?:aa)?,? 0000(?![0Aa])")
_YEAR_FIRST: Final = re.compile(rb"0000(?<![0Aa]....)[.,]?(?: a\.)?[ \-/][Aa?]{3,14}\.?[ \-/]00?(?![0Aa])")
# The month in Roman numerals, as in Italy, Poland and Hungary.
_ROMAN: Final = re.compile(rb"0([./\- ]) ?A{1,4}\1 ?0000(?![0Aa])")
_YEAR_ROMAN: Final = re.compile(rb"0000(?<![0Aa]....)\.? A{1,4}\. ?00?(?![0Aa])")
_NUMERAL: Final = re.compile(r"[A-Z]+")
_NUMERALS: Final = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
# For each of these words in a text, the forms of a date with it: year, month and day by their groups.
_WITH_WORDS: Final = (
    ("年", re.compile(r"(?P<year>\d{4}) ?年 ?(?P<month>\d{1,2}) ?月 ?(?P<day>\d{1,2}) ?日")),
    ("년", re.compile(r"(?P<year>\d{4}) ?년 ?(?P<month>\d{1,2}) ?월 ?(?P<day>\d{1,2}) ?일")),
    ("tháng", re.compile(r"(?P<day>\d{1,2}) tháng (?P<month>\d{1,2}),? năm (?P<year>\d{4})")),
    ("gada", re.compile(r"(?P<year>\d{4})\. ?gada (?P<day>\d{1,2})\. ?(?P<name>\w{5,10})")),
    *(
        (f".{end}.", re.compile(rf"(?P<day>\d{{1,2}}) ?(?P<name>[ก-๙]{{1,2}}\.{end}\.) ?(?P<year>\d{{4}})"))
        for end in "คพย"
    ),
)
_MONTH_BEFORE: Final = re.compile(r"([^\W\d_]{3,14})\.?\Z")
_NUMBER: Final = re.compile(r"\d+")
# The vowel signs of some scripts are not letters, so a word is the text between digits and punctuation.
_WORD: Final = re.compile(r"[^\s\d.,/'°\-]{3,}")
# In the form used in dates. If a name means two months in two languages, the first counts.
_NAMES: Final = (
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "jänner februar mär apr mai jun jul aug sept okt nov dez",
    "jan feb mrz apr mai jun jul aug sep okt nov dez",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ene feb mar abr may jun jul ago set oct nov dic",
    "gener febrer març abril maig juny juliol agost setembre octubre novembre desembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "jan fev mar abr mai jun jul ago set out nov dez",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november december",
    "januar februar mars april mai juni juli august september oktober november desember",
    "janúar febrúar mars apríl maí júní júlí ágúst september október nóvember desember",
    "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta"
    " marraskuuta joulukuuta",
    "jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember",
    "janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris decembris",
    "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio gruodžio",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
    "január február március április május június július augusztus szeptember október november december",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga prosinca",
    "januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra",
    "januar februar marec april maj junij julij avgust september oktober november december",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου"
    " δεκεμβρίου",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "януари февруари март април май юни юли август септември октомври ноември декември",
    "јануара фебруара марта априла маја јуна јула августа септембра октобра новембра децембра",
    "januari februari maret april mei juni juli agustus september oktober november desember",
    "januari februari mac april mei jun julai ogos september oktober november disember",
    "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม",
    "ม.ค. ก.พ. มี.ค. เม.ย. พ.ค. มิ.ย. ก.ค. ส.ค. ก.ย. ต.ค. พ.ย. ธ.ค.",
    "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    "בינואר בפברואר במרץ באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר",
)
_MONTHS: Final = {fold(name): month for names in reversed(_NAMES) for month, name in enumerate(names.split(), 1)}
# Offset of the years of the Buddhist calendar, which is used in Thai dates.
_BUDDHIST: Final = 543


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each date; its value is in ISO 8601. In figures, day and month can be in either order."""
    mask = text.mask
    for pattern, separator in ((_FIGURES, ""), (_SPACED, " ")):
        for found in pattern.finditer(mask):
            start, end = _number_start(mask, found.start()), found.end()
            if start < 0:
                continue
            raw = text.text[start:end]
            if not separator:
                raw = raw.replace(" ", "")
            value = _figures(*map(int, raw.split(separator or found[1].decode())))
            if value:
                yield Place(start, end, value)
    for found in _DAY_FIRST.finditer(mask):
        start, end = _number_start(mask, found.start()), found.end()
        if start < 0:
            continue
        raw = text.text[start:end]
        numbers = [int(number) for number in _NUMBER.findall(raw)]
        month = _month(raw) if len(numbers) == 2 else 0
        value = _date(_year(numbers[1]), month, numbers[0]) if month else ""
        if value:
            yield Place(start, end, value)
    for found in _MONTH_FIRST.finditer(mask):
        word = _MONTH_BEFORE.search(text.text, max(0, found.start() - 15), found.start())
        month = _MONTHS.get(fold(word[1]), 0) if word else 0
        numbers = [int(number) for number in _NUMBER.findall(text.text[found.start() : found.end()])]
        value = _date(numbers[1], month, numbers[0]) if month else ""
        if value and word:
            yield Place(word.start(), found.end(), value)
    for found in _YEAR_FIRST.finditer(mask):
        raw = text.text[found.start() : found.end()]
        numbers = [int(number) for number in _NUMBER.findall(raw)]
        value = _date(numbers[0], _month(raw), numbers[1])
        if value:
            yield Place(found.start(), found.end(), value)
    yield from _roman(text)
    for sign, words in _WITH_WORDS:
        for place in words.finditer(text.text) if sign in text.text else ():
            parts = place.groupdict()
            month = _MONTHS.get(fold(parts["name"]), 0) if "name" in parts else int(parts["month"])
            value = _date(int(parts["year"]), month, int(parts["day"]))
            if value:
                yield Place(place.start(), place.end(), value)


def _roman(text: Text) -> Iterator[Place]:
    for found in _ROMAN.finditer(text.mask):
        start = _number_start(text.mask, found.start())
        if start < 0:
            continue
        raw = text.text[start : found.end()]
        day, year = map(int, _NUMBER.findall(raw))
        value = _date(year, _numeral(raw), day)
        if value:
            yield Place(start, found.end(), value)
    for found in _YEAR_ROMAN.finditer(text.mask):
        raw = text.text[found.start() : found.end()]
        year, day = map(int, _NUMBER.findall(raw))
        value = _date(year, _numeral(raw), day)
        if value:
            yield Place(found.start(), found.end(), value)


def _numeral(raw: str) -> int:
    """Return the month that a Roman numeral names, 0 if it is none."""
    word = _NUMERAL.search(raw)
    return _NUMERALS.index(word[0]) if word is not None and word[0] in _NUMERALS else 0


def _month(raw: str) -> int:
    """Return the month that a name in a date means, 0 if it is none."""
    word = _WORD.search(raw)
    return _MONTHS.get(fold(word[0]), 0) if word is not None else 0


def _number_start(mask: bytes, last: int) -> int:
    """Return the start of the number that ends at `last`; -1 if it is longer than a year or part of something else."""
    start = last
    while start and mask[start - 1] == 48 and last - start < 4:
        start -= 1
    if last - start > 3 or (start and mask[start - 1] in b"0Aa.-/"):
        return -1
    return start


def _figures(first: int, second: int, third: int) -> str:
    if first > 31:
        return _date(first, second, third)
    return _date(_year(third), second, first) or _date(_year(third), first, second)


def _year(year: int) -> int:
    """Complete a year of two digits to one in the past."""
    if year >= 100:
        return year
    return year + (2000 if year <= datetime.date.today().year % 100 else 1900)


def _date(year: int, month: int, day: int) -> str:
    if year > 2400:
        year -= _BUDDHIST
    if not 1900 <= year <= datetime.date.today().year:
        return ""
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return ""
