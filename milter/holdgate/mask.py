"""The only way a match becomes printable: what is found in a message leaves this process masked.

At most the last four characters of a value stay readable, as PCI DSS 4.0 (requirement 3.4.1) allows for card
numbers, and never more than a third of it. An e-mail address keeps the first letter of its mailbox.
"""

import re

MASK = "*"

# What may be personal data where nobody has looked: an address, or nine digits and more.
_NUMBER = r"\d(?:[ ._-]?\d){8,}"
_TELLING = re.compile(rf"\S+@\S+|{_NUMBER}")
_NUMBERS = re.compile(_NUMBER)


def mask(value: str) -> str:
    """Return `value` with its letters and digits hidden, separators kept, line breaks folded into spaces.

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


def mask_telling(text: str, *, addresses: bool = True) -> str:
    """Return a sender's own words with long numbers (and addresses) masked: for a text that could not be searched.

    >>> mask_telling("Re: 4111 1111 1111 1111, please")
    'Re: **** **** **** 1111, please'
    """
    return (_TELLING if addresses else _NUMBERS).sub(lambda found: mask(found[0]), text)


def _hide(value: str, keep: int) -> str:
    """Hide all letters and digits but the last `keep` ones; hide what is not ASCII whatever it is."""
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
