"""The only place where a match becomes printable: matches leave a scan process masked.

At most the last four characters of a value stay readable, as PCI DSS 4.0 (requirement 3.4.1) allows for card
numbers, and never more than a third of it. An e-mail address keeps the first letter of its mailbox.

A sender's text is never shown verbatim. Even if no detector matched or searched it, long numbers are masked in
display names, Message-IDs and addresses too (`mask_numbers`, `mask_unsearched_text`).
"""

import re

MASK = "*"

# Nine or more digits, grouped as people write them: in most countries the shortest number that identifies one person.
_BETWEEN = " \xa0._/-"
_NUMBERS = re.compile(rf"\d(?:[{_BETWEEN}]?\d){{8,}}")
# Not a person's number: a date with an hour or more, as mail programs and scanners put into names; an IPv4 address.
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_NOBODYS = re.compile(
    r"(?:19|20)\d\d[-./][01]\d[-./][0-3]\d[ _-]?[0-2]\d(?:[.-]?[0-5]\d){0,2}" rf"|{_OCTET}(?:\.{_OCTET}){{3}}"
)
# Possible personal data in text that was not searched: an address, a number, or six digits with adjacent letters.
_LETTERED = re.compile(
    r"(?<![^\W_])(?:[A-Za-z]{1,3}\d{6,}[A-Za-z]{0,3}|\d{6,}[A-Za-z]{1,3})(?![^\W_])(?![\w.+-]{0,64}@)"
)
_ADDRESS = re.compile(r"(?<!\S)\S[^\s@]*+@\S+")
# How many characters before a cut can belong to a number that continues after it.
_LONGEST = 60


def mask(value: str) -> str:
    """Return `value` with its letters and digits hidden, separators kept, line breaks replaced by spaces.

    >>> mask("4111 1111 1111 1111")
    '**** **** **** 1111'
    >>> mask("078-05-1120")
    '***-**-*120'
    >>> mask("anna@corp.example")
    'a***@****.*******'
    """
    value = " ".join(value.split())
    if value.count("@") == 1:
        first, rest = value[:1], value[1:]
        return (first if first.isascii() and first.isalnum() and rest[0] != "@" else _hide(first, 0)) + _hide(rest, 0)
    secret = sum(character.isalnum() for character in value)
    return _hide(value, min(4, secret // 3))


def mask_numbers(text: str) -> str:
    """Mask what still looks like a personal number, in a text that was searched or in an address.

    >>> mask_numbers("Invoice 1234567890 of 2026-11-28 12.30")
    'Invoice *******890 of 2026-11-28 12.30'
    """
    return _NUMBERS.sub(lambda found: found[0] if _NOBODYS.fullmatch(found[0]) else mask(found[0]), text)


def mask_unsearched_text(text: str, *, addresses: bool = True) -> str:
    """Mask numbers (and addresses) in a sender's text that could not be searched.

    >>> mask_unsearched_text("Re: 4111 1111 1111 1111, please")
    'Re: **** **** **** 1111, please'
    """
    if addresses:
        text = _ADDRESS.sub(lambda found: mask(found[0]), text)
    return mask_numbers(_LETTERED.sub(lambda found: mask(found[0]), text))


def cut(text: str, length: int) -> str:
    """Cut a text that is not masked yet without leaving part of a number, which masking would not recognise.

    >>> cut("report of 4111 1111 1111 1111.pdf", 20)
    'report of …'
    """
    if len(text) <= length:
        return text
    begin = length
    digits = length
    while begin and length - begin < _LONGEST and (text[begin - 1].isalnum() or text[begin - 1] in _BETWEEN):
        begin -= 1
        if text[begin].isdigit():
            digits = begin
    while digits and text[digits - 1].isalnum():
        digits -= 1
    return text[:digits] + "…"


def _hide(value: str, keep: int) -> str:
    """Hide all letters and digits but the last `keep` ones. All non-ASCII characters are hidden."""
    hidden: list[str] = []
    for character in reversed(value):
        if keep and character.isascii() and character.isalnum():
            hidden.append(character)
            keep -= 1
        elif character.isalnum() or not character.isascii() or not character.isprintable():
            hidden.append(MASK)
        else:
            hidden.append(character)
    return "".join(reversed(hidden))
