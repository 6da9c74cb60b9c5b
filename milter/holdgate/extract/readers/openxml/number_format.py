"""Shows a spreadsheet's number as its number format does, if that adds something: dates, masks, division by thousands.

Follows ECMA-376-1:2016 (ISO/IEC 29500-1) 18.8.30 (numFmt: built-in formats, sections, date and time codes) and 18.17.4
(date systems); BIFF files use the same codes ([MS-XLS] 2.4.126). Currency, commas between thousands, per cent and
rounding are ignored: a number keeps every digit in the file.
"""

import re
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

Renderer = Callable[[str], str]

BUILT_IN = {
    14: "m/d/yyyy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yyyy h:mm",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss",
} | dict.fromkeys((*range(27, 37), *range(50, 59)), "yyyy-mm-dd")
TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[(?P<elapsed>[hH]+|[mM]+|[sS]+)\]|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    r"|\[(?P<condition>[<>=]+-?[\d.]+)\]|\[[^\]]*\]|(?P<half>AM/PM|am/pm|A/P|a/p)|(?P<general>[Gg][Ee][Nn][Ee][Rr][Aa][Ll])"
    r"|(?P<date>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+|[eE](?![+-])|[gG]+|[bB]+)|(?P<fraction>\.0+)|(?P<digit>[0#?])|(?P<other>.)",
    re.DOTALL,
)
CONDITION = re.compile(r"([<>=]+)(-?[\d.]+)")
WHOLE = re.compile(r"-?\d+")
LARGEST_SERIAL = 2_958_466
LONGEST_CODE = 255
_FEWEST_DIGITS = 7
"""Fewer digits that remain of a number divided by thousands are an amount, of which the whole number is read."""
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
MONTHS, DAYS = _MONTHS.split(), _DAYS.split()
Tokens = list[tuple[str, str]]


def plain_number(value: str) -> str:
    """Return a number as a person writes it: without exponent, and without digits from binary rounding only.

    >>> plain_number("4.1111111111111109E+15"), plain_number("0.10000000000000001"), plain_number("007")
    ('4111111111111111', '0.1', '007')
    """
    if WHOLE.fullmatch(value):
        return value
    try:
        number = repr(float(value))
        decimal = Decimal(number)
    except (ValueError, InvalidOperation, OverflowError):
        return value
    if not decimal.is_finite() or abs(decimal.adjusted()) > 30:
        return value
    text = format(decimal, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def packed_number(packed: int) -> float:
    """Return an RK number: 30 bits of a double or an integer, possibly in hundredths.

    See [MS-XLS] 2.5.217 and [MS-XLSB] 2.5.122.
    """
    if packed & 2:
        value = float((packed >> 2) - (1 << 30 if packed & 0x8000_0000 else 0))
    else:
        (value,) = struct.unpack("<d", struct.pack("<Q", (packed & 0xFFFF_FFFC) << 32))
    return value / 100 if packed & 1 else value


def renderer(code: str, since_1904: bool = False) -> Renderer | None:
    """Return a function that shows numbers in the format `code`; None if that does not change them.

    The function gets the number as text and returns "" for one that it cannot show. `since_1904` chooses the date
    system of the workbook.
    """
    if not code or code.lower() == "general" or len(code) > LONGEST_CODE:
        return None
    sections = [_tokens(section) for section in _sections(code)]
    if any(kind in ("date", "elapsed") for kind, _ in sections[0]) and not any(k == "general" for k, _ in sections[0]):
        tokens = _minutes(sections[0])
        return lambda value: _date(value, tokens, since_1904)
    if any(map(_thousands, sections)):
        return lambda value: _scaled(value, sections)
    if any(_is_mask(section) for section in sections):
        return lambda value: _masked(value, sections)
    return None


def around_text(code: str) -> tuple[str, str] | None:
    """Return what a format shows before and after a text, None if there are no digits (18.8.31: the section with @).

    >>> around_text('General;General;General;"536-"@'), around_text("_(@_)"), around_text('"No. "@')
    (('536-', ''), None, None)
    """
    if "@" not in code or len(code) > LONGEST_CODE:
        return None
    for section in reversed([_tokens(section) for section in _sections(code)]):
        if ("other", "@") in section:
            at = section.index(("other", "@"))
            before, after = (
                "".join(text for kind, text in some if kind == "text") for some in (section[:at], section[at:])
            )
            return (before, after) if any(map(str.isdigit, before + after)) else None
    return None


def literals(code: str) -> str:
    """Return the words in a format next to its numbers, "" if none are worth reading."""
    words = [match["quoted"] for match in TOKEN.finditer(code[:LONGEST_CODE]) if match["quoted"]]
    return " ".join(word for word in words if len(word) > 3)


def _sections(code: str) -> list[str]:
    """Split a format at its semicolons, except quoted and escaped ones."""
    sections = [""]
    for match in TOKEN.finditer(code):
        if match.group() == ";":
            sections.append("")
        else:
            sections[-1] += match.group()
    return sections


def _tokens(section: str) -> Tokens:
    """Return the tokens of a section as pairs of kind and text."""
    found: Tokens = []
    for match in TOKEN.finditer(section):
        kind = match.lastgroup
        if kind is not None:
            found.append(("text" if kind in ("quoted", "escaped", "currency") else kind, match.group(kind)))
    return found


def _minutes(tokens: Tokens) -> Tokens:
    """Distinguish minutes from months: `m` after hours or before seconds is minutes."""
    result: Tokens = []
    units = [(index, text[0].lower()) for index, (kind, text) in enumerate(tokens) if kind in ("date", "elapsed")]
    minutes = set[int]()
    for position, (index, letter) in enumerate(units):
        before = units[position - 1][1] if position else ""
        after = units[position + 1][1] if position + 1 < len(units) else ""
        if letter == "m" and len(tokens[index][1]) <= 2 and (before == "h" or after == "s"):
            minutes.add(index)
    for index, (kind, text) in enumerate(tokens):
        result.append(("minute", text) if index in minutes and kind == "date" else (kind, text))
    return result


def _date(value: str, tokens: Tokens, since_1904: bool) -> str:
    """Show a serial date."""
    try:
        serial = float(value)
    except ValueError:
        return ""
    if not 0 <= serial < LARGEST_SERIAL:
        return ""
    # Day 60 is 29 February 1900, which did not exist.
    epoch = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30 if serial >= 60 else 31)
    try:
        moment = epoch + timedelta(seconds=round(serial * 86_400))
    except OverflowError:
        return ""
    half = any(kind == "half" for kind, _ in tokens)
    return "".join(_date_token(kind, text, moment, serial, half) for kind, text in tokens).strip()


def _date_token(kind: str, text: str, moment: datetime, serial: float, half: bool) -> str:
    """Show one token of a date format."""
    width = len(text)
    if kind == "minute":
        return f"{moment.minute:0{min(width, 2)}d}"
    if kind == "half":
        return "AM" if moment.hour < 12 else "PM"
    if kind == "elapsed":
        unit = {"h": 24, "m": 1_440, "s": 86_400}[text[0].lower()]
        return str(int(serial * unit + 1e-6))
    if kind == "date":
        return _date_part(text[0].lower(), width, moment, half)
    return text if kind in ("text", "other", "digit") else ""


def _date_part(letter: str, width: int, moment: datetime, half: bool) -> str:
    """Show one unit of a date in the given width."""
    if letter == "y":
        return f"{moment.year:04d}" if width > 2 else f"{moment.year % 100:02d}"
    if letter == "e":
        return f"{moment.year:04d}"
    if letter == "m" and width > 2:
        name = MONTHS[moment.month - 1]
        return name[:1] if width == 5 else name[:3] if width == 3 else name
    if letter == "d" and width > 2:
        name = DAYS[moment.weekday()]
        return name[:3] if width == 3 else name
    hour = (moment.hour % 12 or 12) if half else moment.hour
    number = {"m": moment.month, "d": moment.day, "h": hour, "s": moment.second}.get(letter)
    return "" if number is None else f"{number:0{min(width, 2)}d}"


def _is_mask(tokens: Tokens) -> bool:
    """Return whether a section only puts literals between digits, or zeros before them."""
    kinds = [kind for kind, _ in tokens]
    if "digit" not in kinds or any(kind in ("date", "fraction", "general", "elapsed") for kind in kinds):
        return False
    if any(kind == "other" and text in ".,%/eE@" for kind, text in tokens):
        return False
    first, last = kinds.index("digit"), len(kinds) - 1 - kinds[::-1].index("digit")
    zeros = sum(kind == "digit" and text == "0" for kind, text in tokens)
    return any(kind in ("text", "other") for kind in kinds[first:last]) or zeros > 1


def _thousands(section: Tokens) -> int:
    """Return by how many thousands a section divides a number: the commas after its last digit (18.8.31)."""
    last = max((at for at, (kind, _) in enumerate(section) if kind in ("digit", "fraction")), default=len(section))
    after = [(kind, text) for kind, text in section[last + 1 :] if kind != "text"]
    return next((at for at, token in enumerate(after) if token != ("other", ",")), len(after))


def _scaled(value: str, sections: list[Tokens]) -> str:
    """Return a number that its section divides by thousands, rounded, and in its mask; "" if it is short."""
    try:
        number = Decimal(plain_number(value))
        if not number.is_finite() or number.adjusted() > 30:
            return ""
        section = _section_for(int(number), sections)
        whole = str(int((number / 1_000 ** _thousands(section)).to_integral_value(ROUND_HALF_UP)))
    except (InvalidOperation, ValueError, OverflowError):
        return ""
    if len(whole) < _FEWEST_DIGITS:
        return ""
    mask = [token for token in section if token != ("other", ",")]
    return _masked(whole, [mask]) if _is_mask(mask) else whole


def _masked(value: str, sections: list[Tokens]) -> str:
    """Return an integer in the format of its section; "" if no section is a mask."""
    number = plain_number(value)
    if not WHOLE.fullmatch(number) or len(number) > 30:
        return ""
    section = _section_for(int(number), sections)
    if not _is_mask(section):
        return ""
    digits = number.lstrip("-")
    first = next(index for index, (kind, _) in enumerate(section) if kind == "digit")
    out: list[str] = []
    for index in range(len(section) - 1, -1, -1):
        kind, text = section[index]
        if kind == "digit":
            if index == first:
                out.append(digits or ("0" if text == "0" else ""))
            elif digits:
                out.append(digits[-1])
                digits = digits[:-1]
            elif text == "0":
                out.append("0")
        elif kind in ("text", "other"):
            out.append(text)
    return "".join(reversed(out)).strip()


def _section_for(number: int, sections: list[Tokens]) -> Tokens:
    """Choose a section by its condition, or by sign if none has one (18.8.31)."""
    conditions = [next((text for kind, text in section if kind == "condition"), "") for section in sections]
    if any(conditions):
        for section, condition in zip(sections, conditions, strict=True):
            match = CONDITION.fullmatch(condition)
            if match is None or _holds(number, match.group(1), match.group(2)):
                return section
        return sections[-1]
    if number < 0 and len(sections) > 1:
        return sections[1]
    return sections[2] if number == 0 and len(sections) > 2 else sections[0]


def _holds(number: int, operator: str, bound: str) -> bool:
    """Return whether a condition such as `<=9999999` is true."""
    try:
        limit = Decimal(bound)
    except InvalidOperation:
        return False
    return {
        "<": number < limit,
        "<=": number <= limit,
        ">": number > limit,
        ">=": number >= limit,
        "=": number == limit,
        "<>": number != limit,
    }.get(operator, False)
