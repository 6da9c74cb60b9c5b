"""Document numbers with their series before the word "number": "seria ABA nr 300000", "серія КМ № 123456"."""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text, behind

# The stem of the word for "series" in Polish, Romanian, Ukrainian and Russian, and the text that can follow it.
_STEMS: Final = ("seri", "сері", "сери")
_BEHIND: Final = re.compile(
    r"(?:a|i|ę|ą|e|es|я|ї|ю|єю|и|ей)?[ :]{1,3}(?P<letters>[^\W\d_]{1,3})[ ,]{1,2}(?:(?:i|și|si|та|и) )?"
    r"(?:nr|no|numer(?:ze|em)?|num[aă]r(?:ul)?|номером|номер|n°|#)\.?:? {0,2}(?P<digits>\d{3} ?\d{3,4})(?!\w)",
    re.IGNORECASE,
)


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each such number, with its series; its value is the letters and the digits."""
    for found in behind(text, _STEMS, _BEHIND):
        value = found["letters"].upper() + found["digits"].replace(" ", "")
        yield Place(found.start("letters"), found.end(), value)
