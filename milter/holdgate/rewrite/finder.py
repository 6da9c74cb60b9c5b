"""What is masked in a message, as the modules of `rewrite` ask for it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

# Where a text has to be masked: first character, and the one behind the last.
Spans = Callable[[str], Sequence[tuple[int, int]]]

# Says of a file, by name and content, whether it was read whole and whether something is found in it.
Check = Callable[[str, bytes], tuple[bool, bool]]

# What rewrites a file inside another: its name and content.
Inside = Callable[[str, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Finder:
    """What is looked for. `spans` finds matches and known values in a text, `values` known values alone.

    `check` reads and searches a file; `known` are the values as they were found. `seen` is what `check` would say of
    the attachments, by their names: the message was read already. Those of one name are one there.
    """

    spans: Spans
    values: Spans
    check: Check
    known: Collection[str]
    seen: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
