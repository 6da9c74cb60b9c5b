"""Templates of local(8), such as those of forward_path, filled as Postfix fills them (postconf(5), mac_expand(3))."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PAIRS = {"{": "}", "(": ")"}
_NAME = re.compile(r"\s*(\w+)\s*([?:]?)", re.ASCII)


class TemplateError(ValueError):
    """A template has a form that is not understood here, such as a comparison, or that Postfix refuses."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The text of a template. Not complete if it uses a name that has no value: local(8) skips such a path."""

    text: str
    is_complete: bool


def filled(template: str, values: Mapping[str, str], allowed: str | None = None) -> Filled:
    """Insert values: $name, ${name}, $(name), ${name?text}, ${name:text}, ${name?{text}:{text}}; $$ is a dollar sign.

    In what is inserted, characters that are not `allowed` become "_" (forward_expansion_filter); the template's own
    text stays as it is. Raises TemplateError.
    """
    found, is_complete, place = [], True, 0
    while (dollar := template.find("$", place)) >= 0:
        found.append(template[place:dollar])
        opening = template[dollar + 1 : dollar + 2]
        if opening == "$":
            found.append("$")
            place = dollar + 2
            continue
        if opening in _PAIRS:
            place = _closing(template, dollar + 1)
            inner = _chosen(template[dollar + 2 : place - 1], values)
        elif match := re.compile(r"\w+", re.ASCII).match(template, dollar + 1):
            place, inner = match.end(), match[0]
        else:
            raise TemplateError(f"{template}: $ without a name")
        if isinstance(inner, str):
            is_complete = is_complete and inner in values
            found.append("".join(one if allowed is None or one in allowed else "_" for one in values.get(inner, "")))
        else:
            part = filled(inner.text, values, allowed)
            is_complete = is_complete and part.is_complete
            found.append(part.text)
    return Filled("".join((*found, template[place:])), is_complete)


@dataclass(frozen=True, slots=True)
class _Text:
    """The text that a condition selects; it is a template too."""

    text: str


def _chosen(inner: str, values: Mapping[str, str]) -> str | _Text:
    """Return the name between two brackets, or the text that its condition selects."""
    match = _NAME.match(inner)
    if match is None or (not match[2] and match.end() < len(inner)):
        raise TemplateError(f"{inner}: not understood")
    if not match[2]:
        return match[1]
    texts, rest = {"?": "", ":": ""}, inner[match.end() :]
    for kind in "?:" if match[2] == "?" else ":":
        texts[kind], rest = _operand(rest)
        if not rest:
            break
        if kind == ":" or not rest.startswith(":"):
            raise TemplateError(f"{inner}: not understood")
        rest = rest[1:]
    return _Text(texts["?" if values.get(match[1]) else ":"])


def _operand(rest: str) -> tuple[str, str]:
    """Split off the text after "?" or ":": in braces, or all of it."""
    start = len(rest) - len(rest.lstrip())
    if not rest.startswith("{", start):
        return rest, ""
    end = _closing(rest, start)
    return rest[start + 1 : end - 1].strip(), rest[end:].lstrip()


def _closing(text: str, start: int) -> int:
    """Return the place behind the bracket that closes the one at `start`."""
    opening, depth = text[start], 0
    for place in range(start, len(text)):
        depth += (text[place] == opening) - (text[place] == _PAIRS[opening])
        if not depth:
            return place + 1
    raise TemplateError(f"{text}: a bracket is not closed")
