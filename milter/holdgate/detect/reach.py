"""The reach of a keyword: it ends at a field of a quoted header, and at a sentence with a number of its own."""

import re
from typing import Final

from holdgate.detect.keywords import Keyword

# Fields of a header as mail programs quote it above a reply (RFC 5322 names, and their translations).
_FIELDS: Final = (
    "From|To|Cc|Bcc|Sent|Date|Subject|Reply-To|Received|Message-ID|Importance|Attachments"
    "|Von|An|Kopie|Gesendet|Datum|Betreff|De|À|A|Envoyé|Objet|Pour|Para|Enviado|Enviada em|Asunto|Assunto|Fecha|Da"
    "|Inviato"
    "|Oggetto|Data|Van|Aan|Verzonden|Onderwerp|Od|Do|DW|Wysłano|Temat"
)
_FIELD: Final = re.compile(rf"\n[>\s|*_]{{0,8}}(?:{_FIELDS})[*_]{{0,2}}\s?:", re.IGNORECASE)
_BLANK_LINE: Final = re.compile(r"\n[ \t\r>|]*\n")
_SENTENCE_END: Final = re.compile(r"[.!?][\"')\]]?(?:\s+(?=[^\W\d_a-z])|\s*\n)|\n[ \t\r>|]*\n")
_FULL_STOP: Final = re.compile(r"[.!?][\"')\]]?\s+")
_NUMBER: Final = re.compile(r"\d{4}|\d{1,3}[./\- ]\d")
_OWN_NUMBER: Final = re.compile(r"[^.!?\n\d]{0,20}\d{2}")
# The number directly after a keyword, with any short word between; for a year, that it is one.
_NEXT_NUMBER: Final = re.compile(
    r"[ \t:#=.]{0,4}(?:[^\W\d_]{2} )?(?P<number>(?P<year>(?:19|20)\d\d\b)?\d{0,40}(?:[ ./\-]\d+)*)"
)
_LEAST: Final = 4
_SPACES: Final = re.compile(r"\s")
# Maximum distance of a name and its value in a web address.
_IN_URL: Final = 2
_LONGEST_URL: Final = 300
# Two letters are only a label for what directly follows them.
_SHORT: Final = 2
_SHORT_REACH: Final = 16
_ACRONYM: Final = 3
_ACRONYM_REACH: Final = 40
_LETTER: Final = re.compile(r"[^\W\d_]")


def reaches(text: str, keyword: Keyword, start: int, end: int, proves: bool) -> bool:
    """Whether a keyword can be evidence for the value from `start` to `end` of `text`, by the text between the two.

    `proves` is true if the value has a check digit. If not, three letters are evidence only for a near value, or for a
    list of
    numbers.
    """
    before = keyword.end <= start
    between = text[keyword.end : start] if before else text[end : keyword.start]
    if len(keyword.word) <= _SHORT and (len(between) > _SHORT_REACH or "\n" in between.strip(" \t\r\n:#=")):
        return False
    far = len(between) > _ACRONYM_REACH and _LETTER.search(between) is not None
    if far and len(keyword.word) <= _ACRONYM and not proves:
        return False
    if _in_url(text, keyword.start) and not (before and len(between) <= _IN_URL and len(keyword.word) > _SHORT):
        return False
    if len(between) > _IN_URL and is_parameter(text, start):
        return False
    if "\n" in between:
        if _FIELD.search(text, *_line_starts(keyword, start, end)) is not None:
            return False
        if not before and _OWN_NUMBER.match(text, keyword.end) is not None:
            return False
    if _belongs_to_other_number(text, keyword, start, end, before and "\n" in between):
        return False
    if not before and _FULL_STOP.fullmatch(between) is not None and text[keyword.start].isupper():
        # A word at the beginning of a sentence belongs to that sentence, not to the one before.
        return False
    sentence = _SENTENCE_END.search(between)
    if sentence is None:
        return True
    if before:
        return _NUMBER.search(between, 0, sentence.start()) is None
    return _BLANK_LINE.search(between) is None and _OWN_NUMBER.match(text, keyword.end) is None


def _belongs_to_other_number(text: str, keyword: Keyword, start: int, end: int, over_lines: bool) -> bool:
    """Whether the keyword is directly before another number: a year, or one unlike the value of a later line."""
    own = _NEXT_NUMBER.match(text, keyword.end)
    if own is None or own.start("number") == start or len(own["number"]) < _LEAST:
        return False
    return own["year"] is not None or (over_lines and not _alike(own["number"], text[start:end]))


def _alike(one: str, two: str) -> bool:
    """Whether two numbers have the same number of digits, as those of a list have."""
    return sum(map(str.isdigit, one)) == sum(map(str.isdigit, two))


def _line_starts(keyword: Keyword, start: int, end: int) -> tuple[int, int]:
    """Return where a field that separates the two can begin: up to the end of its name, which may be the keyword."""
    return (keyword.end, start) if keyword.end <= start else (end, keyword.end + 3)


def is_parameter(text: str, start: int) -> bool:
    """Whether the value at `start` belongs to a parameter of a web address, which has its own name."""
    return text[start - 1 : start] == "=" and _in_url(text, start)


def _in_url(text: str, position: int) -> bool:
    scheme = text.rfind("://", max(0, position - _LONGEST_URL), position)
    return scheme >= 0 and _SPACES.search(text, scheme, position) is None
