"""Numbers without a check digit: whether they can be one at all, or only what often stands in their place."""

import re

# English and French words of two letters, and short forms of "number", "licence", "passport", that end a label.
_WORD = re.compile(
    r"(?:A[NSTU]|B[EY]|CE|D[ELOU]|E[NT]|GO|HE|I[DFLNST]|L[AE]|M[AEY]"
    r"|N[EOR]|O[FNRU]|P[ANP]|S[AEIOU]|TO|U[NPS]|WE|YR)"
)
# Short words of European languages that stand before a number, and signs for the word "number", in front of digits.
_LABEL_END = re.compile(
    r"(?:(?:N[or]|n[or]?|NO|NR|[Aa][lmnstuz]|[Bb][eyi]|[Cc]e|[Dd][aeiou]|[Ee][lnt]|[Ff]a|[Gg]o|[Hh]e|[Ii][dflmnst]"
    r"|[Ll][aeo]|[Mm][aeiy]|[Nn][ae]|[Oo][fmnpru]|[Pp][aonr]|[Ss][aeinou]|[Tt][ieou]|[Uu][mnps]|[Vv]a|[Ww]e|[Yy]r|[Zz][aeou])"
    r"[ .]|[Nn]\.)[0-9 ./\-]+"
)
_DAY_FIRST = re.compile(
    r"(?:(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])(?:1[3-9]|2\d|3[01]))(?:19|20)\d\d"
)
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


def no_word(value: str) -> bool:
    """Whether the first two characters are a series ("GA 302922") and not a short word ("is 302922")."""
    return _WORD.match(value) is None


def ends_label(value: str) -> bool:
    """Whether what stands before the digits of a value ("No 302922", "is 302922") belongs to its label.

    `value` is as written, and begins with a letter.
    """
    return _LABEL_END.fullmatch(value) is not None


def no_date(value: str) -> bool:
    """Whether it is anything but a date of this or the last century written as eight digits, year first."""
    return _DATE.fullmatch(value) is None


def only_date(value: str) -> bool:
    """Whether eight digits are a date of this or the last century, with its year in front or behind."""
    return _DATE.fullmatch(value) is not None or _DAY_FIRST.fullmatch(value) is not None
