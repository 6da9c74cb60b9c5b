"""Obfuscations that people put on numbers so that a filter does not see them, and values to put them on."""

import base64
import random
from collections.abc import Callable, Iterable

from holdgate.detect import Confidence, Detector

Groups = list[str]
Obfuscation = Callable[[Groups, random.Random], str]

SENTENCES = {
    "payment-card": "Please charge my credit card {} for this order, thank you.",
    "us-ssn": "For the form: my social security number is {} as you asked.",
    "iban": "Send the money to our account, IBAN {} at the usual bank.",
}
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def _luhn_digit(digits: str) -> str:
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def card(generator: random.Random) -> Groups:
    """Return a card number in groups of four."""
    digits = generator.choice(["4", "51", "55", "6011"])
    while len(digits) < 15:
        digits += str(generator.randrange(10))
    digits += _luhn_digit(digits)
    return [digits[at : at + 4] for at in range(0, 16, 4)]


def ssn(generator: random.Random) -> Groups:
    """Return a Social Security number in its groups."""
    area = generator.choice([generator.randint(1, 665), generator.randint(667, 899)])
    return [f"{area:03}", f"{generator.randint(1, 99):02}", f"{generator.randint(1, 9999):04}"]


def iban(generator: random.Random) -> Groups:
    """Return a German or British IBAN in groups of four."""
    digits = "".join(str(generator.randrange(10)) for _ in range(18))
    country, account = generator.choice([("DE", digits), ("GB", "NWBK" + digits[:14])])
    number = int("".join(str(int(character, 36)) for character in f"{account}{country}00"))
    whole = f"{country}{98 - number % 97:02}{account}"
    return [whole[at : at + 4] for at in range(0, len(whole), 4)]


VALUES: dict[str, Callable[[random.Random], Groups]] = {"payment-card": card, "us-ssn": ssn, "iban": iban}


def sentence(kind: str, groups: Groups, obfuscation: Obfuscation, generator: random.Random) -> str:
    """Return the obfuscated value in its sentence."""
    if obfuscation in WHOLE:
        return obfuscation([SENTENCES[kind].format(" ".join(groups))], generator)
    return SENTENCES[kind].format(obfuscation(groups, generator))


def is_found(
    detector: Detector,
    kind: str,
    groups: Groups,
    obfuscation: Obfuscation,
    generator: random.Random,
) -> bool:
    """Whether the obfuscated value is found in its sentence, at medium and up."""
    text = sentence(kind, groups, obfuscation, generator)
    return any(match.identifier == kind and match.confidence >= Confidence.MEDIUM for match in detector.find(text))


def joined(separator: str) -> Callable[[Groups, random.Random], str]:
    """Put `separator` between the groups."""
    return lambda groups, _: separator.join(groups)


def between(separator: str) -> Callable[[Groups, random.Random], str]:
    """Put `separator` between all characters."""
    return lambda groups, _: separator.join("".join(groups))


def digits(first: int | str, with_letters: bool = False) -> Callable[[Groups, random.Random], str]:
    """Write the digits in another script: from a code point on, or from a string of ten."""
    script = first if isinstance(first, str) else "".join(chr(first + digit) for digit in range(10))

    def obfuscation(groups: Groups, _: random.Random) -> str:
        text = " ".join(groups).translate(str.maketrans("0123456789", script))
        return text.translate({code: code + 0xFEE0 for code in range(65, 91)}) if with_letters else text

    return obfuscation


def swapped(pairs: str) -> Callable[[Groups, random.Random], str]:
    """Replace characters, given as pairs."""
    table = str.maketrans(pairs[::2], pairs[1::2])
    return lambda groups, _: " ".join(groups).translate(table)


def coded(code: Callable[[bytes], str]) -> Callable[[Groups, random.Random], str]:
    """Encode the value, groups joined by spaces."""
    return lambda groups, _: code(" ".join(groups).encode())


def _each(form: str) -> Callable[[bytes], str]:
    return lambda data: "".join(form.format(byte) for byte in data)


def _spelled(groups: Groups, separator: str) -> str:
    return separator.join(WORDS[int(c)] if c.isdigit() else c for group in groups for c in group)


def _fields(groups: Groups) -> str:
    return "{" + ",".join(f'"part{index}":"{group}"' for index, group in enumerate(groups)) + "}"


def _mixed(groups: Groups, generator: random.Random) -> str:
    text = groups[0]
    for group in groups[1:]:
        text += generator.choice([" ", "-", "_", ".", "/", ", "]) + group
    return text


def _tagged(form: str) -> Callable[[Groups, random.Random], str]:
    return lambda groups, _: "".join(form.format(c) for c in "".join(groups))


def _whole(groups: Groups, _: random.Random) -> str:
    return base64.b64encode(groups[0].encode()).decode()


def _lines(data: str, width: int = 24) -> str:
    return "\n".join(data[at : at + width] for at in range(0, len(data), width))


def _flat(groups: Iterable[str]) -> str:
    return "".join(groups)


WHOLE = {_whole}
OBFUSCATIONS: dict[str, Callable[[Groups, random.Random], str]] = {
    "plain": joined(" "),
    "bare": joined(""),
    "hyphens": joined("-"),
    "dots": joined("."),
    "slashes": joined("/"),
    "underscores": joined("_"),
    "pipes": joined("|"),
    "commas": joined(","),
    "commas and spaces": joined(", "),
    "tabs": joined("\t"),
    "line breaks": joined("\n"),
    "double spaces": joined("  "),
    "triple spaces": joined("   "),
    "spaced hyphens": joined(" - "),
    "colons": joined(":"),
    "semicolons": joined(";"),
    "asterisks": joined("*"),
    "plus": joined("+"),
    "tildes": joined("~"),
    "backslashes": joined("\\"),
    "equals": joined("="),
    "hashes": joined("#"),
    "arrows": joined(" -> "),
    "stars of another plane": joined("\U0001f31f"),
    "bullets": joined(" • "),
    "ellipsis": joined("…"),
    "quotes": joined("' '"),
    "brackets": lambda groups, _: "".join(f"[{group}]" for group in groups),
    "parentheses": lambda groups, _: " ".join(f"({group})" for group in groups),
    "mixed separators": _mixed,
    "no-break spaces": joined("\xa0"),
    "thin spaces": joined("\u2009"),
    "figure spaces": joined("\u2007"),
    "narrow spaces": joined("\u202f"),
    "ideographic spaces": joined("\u3000"),
    "en dashes": joined("–"),
    "em dashes": joined("—"),
    "no-break hyphens": joined("\u2011"),
    "minus signs": joined("−"),
    "middle dots": joined("·"),
    "fraction slashes": joined("⁄"),
    "quoted line breaks": joined("\n> "),
    "deeper quoted line breaks": joined("\n> > "),
    "CRLF": joined("\r\n"),
    "zero-width spaces": between("\u200b"),
    "zero-width joiners": between("\u200d"),
    "word joiners": between("\u2060"),
    "byte order marks": between("\ufeff"),
    "soft hyphens": between("\xad"),
    "combining grapheme joiners": between("\u034f"),
    "variation selectors": between("\ufe0f"),
    "combining underlines": between("\u0332"),
    "combining strokes": between("\u0336"),
    "keycaps": between("\ufe0f\u20e3"),
    "language tags": between("\U000e0041"),
    "Hangul fillers": between("\u3164"),
    "spaces between characters": between(" "),
    "hyphens between characters": between("-"),
    "dots between characters": between("."),
    "line breaks between characters": between("\n"),
    "underscores between characters": between("_"),
    "commas between characters": between(", "),
    "pipes between characters": between(" | "),
    "full-width": digits(0xFF10, with_letters=True),
    "Arabic-Indic": digits(0x660),
    "Persian": digits(0x6F0),
    "Devanagari": digits(0x966),
    "Bengali": digits(0x9E6),
    "Thai": digits(0xE50),
    "mathematical bold": digits(0x1D7CE),
    "mathematical monospace": digits(0x1D7F6),
    "superscript": digits("⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "subscript": digits(0x2080),
    "circled": digits("⓪①②③④⑤⑥⑦⑧⑨"),
    "dingbats": digits("🄋➀➁➂➃➄➅➆➇➈"),
    "segmented": digits(0x1FBF0),
    "Chinese": digits("〇一二三四五六七八九"),
    "O for 0": swapped("0O"),
    "o and l": swapped("0o1l"),
    "I for 1": swapped("1I"),
    "S for 5, B for 8": swapped("5S8B"),
    "Cyrillic letters": swapped("EЕBВKКNN"),
    "Greek letters": swapped("EΕBΒKΚNΝ"),
    "Cyrillic O": swapped("0О"),
    "isolate marks": lambda groups, _: "\u2066" + " ".join(groups) + "\u2069",
    "left-to-right marks": joined("\u200e \u200e"),
    "override, reversed": lambda groups, _: "\u202e" + " ".join(groups)[::-1] + "\u202c",
    "reversed": lambda groups, _: " ".join(groups)[::-1],
    "reversed, bare": lambda groups, _: _flat(groups)[::-1],
    "spelled": lambda groups, _: _spelled(groups, " "),
    "spelled with hyphens": lambda groups, _: _spelled(groups, "-"),
    "spelled with commas": lambda groups, _: _spelled(groups, ", "),
    "spelled in capitals": lambda groups, _: _spelled(groups, " ").upper(),
    "dash in words": joined(" dash "),
    "space in words": joined(" space "),
    "bold tags": joined("<b></b>"),
    "tag on each": _tagged("<span>{}</span>"),
    "styled tags": joined('<i style="x"></i>'),
    "comments": joined("<!-- x -->"),
    "empty comments between": between("<!---->"),
    "entities": coded(_each("&#{};")),
    "hexadecimal entities": coded(_each("&#x{:x};")),
    "shy entities": joined("&shy;"),
    "zwnj entities": joined("&zwnj;"),
    "nbsp entities": joined("&nbsp;"),
    "table cells": lambda groups, _: "<tr>" + "".join(f"<td>{g}</td>" for g in groups),
    "paragraphs": lambda groups, _: "".join(f"<p>{group}</p>" for group in groups),
    "quoted-printable": coded(_each("={:02X}")),
    "quoted-printable soft breaks": joined("=\n"),
    "percent": coded(_each("%{:02X}")),
    "percent spaces": joined("%20"),
    "unicode escapes": coded(_each("\\u{:04x}")),
    "hexadecimal escapes": coded(_each("\\x{:02x}")),
    "base64": coded(lambda data: base64.b64encode(data).decode()),
    "base64, URL alphabet": coded(lambda data: base64.urlsafe_b64encode(data).decode()),
    "base64, bare digits": lambda groups, _: base64.b64encode(_flat(groups).encode()).decode(),
    "base64, UTF-16": lambda groups, _: base64.b64encode(" ".join(groups).encode("utf-16-le")).decode(),
    "base64 in lines": coded(lambda data: _lines(base64.b64encode(data + b" " + data).decode())),
    "base64 twice": coded(lambda data: base64.b64encode(base64.b64encode(data)).decode()),
    "base64 of the sentence": _whole,
    "base32": coded(lambda data: base64.b32encode(data).decode()),
    "hexadecimal": coded(bytes.hex),
    "hexadecimal, bare digits": lambda groups, _: _flat(groups).encode().hex(),
    "spaced hexadecimal": coded(lambda data: data.hex(" ")),
    "upper-case hexadecimal": coded(lambda data: data.hex().upper()),
    "binary": coded(lambda data: " ".join(f"{byte:08b}" for byte in data)),
    "character codes": lambda groups, _: " ".join(str(ord(c)) for c in _flat(groups)),
    "letter glued before": lambda groups, _: "x" + " ".join(groups),
    "letter glued after": lambda groups, _: " ".join(groups) + "x",
    "word glued before": lambda groups, _: "number" + _flat(groups),
    "letters on both ends": lambda groups, _: "x" + _flat(groups) + "y",
    "hash glued before": lambda groups, _: "#" + _flat(groups),
    "leading zeros": lambda groups, _: "000" + " ".join(groups),
    "leading zeros, bare": lambda groups, _: "0000" + _flat(groups),
    "split over JSON fields": lambda groups, _: _fields(groups),
    "split over assignments": lambda groups, _: "; ".join(f"a{index} = {group}" for index, group in enumerate(groups)),
    "lower case": lambda groups, _: " ".join(groups).lower(),
    "lower case, hyphens": lambda groups, _: "-".join(groups).lower(),
    "pairs": lambda groups, _: " ".join(_flat(groups)[at : at + 2] for at in range(0, len(_flat(groups)), 2)),
    "groups of three": lambda groups, _: " ".join(_flat(groups)[at : at + 3] for at in range(0, len(_flat(groups)), 3)),
    "groups of five": lambda groups, _: "-".join(_flat(groups)[at : at + 5] for at in range(0, len(_flat(groups)), 5)),
}
