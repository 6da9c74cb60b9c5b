"""The search functions that the modules of `rewrite` use to find what to mask."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

# The spans of a text to mask: first character, and the one after the last.
Spans = Callable[[str], Sequence[tuple[int, int]]]

# Returns for a file, by name and content, whether it was read completely and whether it has a match.
Check = Callable[[str, bytes], tuple[bool, bool]]

# Returns the part of a message in which a reader finds a known value, "" if there is none.
Left = Callable[[bytes], str]

# Rewrites a file inside another: its name and content.
Inside = Callable[[str, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Finder:
    """What to search for. `spans` finds matches and known values in a text, `values` only known values.

    `check` reads and searches a file. `known` are the found values. `seen` has the results of `check` for the
    attachments by name, because the message was already read. Attachments with the same name share one result.
    `signatures` get the kinds of those that became invalid in messages that are files. `left` reads the message when it
    is changed.
    """

    spans: Spans
    values: Spans
    check: Check
    known: Collection[str]
    seen: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
    signatures: list[str] = field(default_factory=list)
    left: Left = lambda _: ""
