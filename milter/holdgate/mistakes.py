"""Describes an error in a settings file: the value, what is allowed, what was probably meant.

The errors of pydantic and tomllib are written for programmers. This module turns each into a line for an administrator.
A value that may be secret is never repeated.
"""

import difflib
import re
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# A longer value is cut; the place of the error identifies it anyway.
_LONGEST = 60
# Settings whose value is, or may contain, a password or a token.
_SECRET = frozenset({"url", "sha256"})

_NOT_TABLE = frozenset({"model_type", "model_attributes_type", "dict_type", "dataclass_type"})
_WHOLE = frozenset({"int_type", "int_parsing", "int_from_float"})
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_TYPOGRAPHIC = re.compile(
    "[\N{LEFT DOUBLE QUOTATION MARK}-\N{DOUBLE HIGH-REVERSED-9 QUOTATION MARK}]|\N{RIGHT SINGLE QUOTATION MARK}"
)
# Settings that must match a pattern, described in words.
FORMS = {
    "socket": 'a socket; write "unix:/path" or "inet:PORT@HOST"',
    "action_header": "the name of a header field; write it without its colon",
    "action_value": "a header's value; write printable ASCII",
    "language": 'a language; write its code, as in "en"',
    "name": "a name; write small letters, digits and hyphens, at most 63",
    "sha256": 'the SHA-256 of a token; write what "holdgate token NAME" prints',
    "public_url": 'the address of a page; write "https://approve.corp.example"',
    "user_header": "the name of a header field; write letters, digits and hyphens, without a colon",
    "reply_address": 'an address with at most 20 letters before its "@"; write "holdgate@approve.corp.example"',
    "authserv_id": "the name of a server; write it as Authentication-Results begins",
    "login_header": "the name of a header field; write it without its colon",
}
# Tables whose keys are names of other things, as they are written in a policy.
_TABLES = {"profile": '{ dlp-pii = "low" }'}
# Lists whose entries are tables, as their headers are written.
_LISTS_OF_TABLES = {"policy": "policy", "exemption": "exemption", "api_tokens": "desk.api_tokens"}
# A language in other letters, or with a country, as in "de_DE".
_LOCALE = re.compile(r"([A-Za-z]{2,3})([_.-].*)?$")
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


# Other words for the names used here that are not spelled like them.
_OTHER_WORDS = {
    **dict.fromkeys(("accept", "pass", "permit", "deliver", "ok", "none", "dunno"), "allow"),
    **dict.fromkeys(("hold", "approve", "approval", "moderate"), "quarantine"),
    **dict.fromkeys(("ask", "confirm", "sender"), "ask-sender"),
    **dict.fromkeys(("reject", "refuse", "deny", "drop", "discard", "bounce"), "block"),
    **dict.fromkeys(("defer", "retry"), "tempfail"),
    **dict.fromkeys(("mark", "label", "header"), "tag"),
    **dict.fromkeys(("notify", "warn", "inform"), "alert"),
    **dict.fromkeys(("external", "outside", "outgoing", "out"), "outbound"),
    **dict.fromkeys(("inside", "local"), "internal"),
    **dict.fromkeys(("severe", "highest"), "critical"),
    **dict.fromkeys(("moderate", "middle", "normal"), "medium"),
    **dict.fromkeys(("monitor", "test", "dry-run", "audit", "learn", "log"), "observe"),
    **dict.fromkeys(("partial", "incomplete"), "limited"),
    **dict.fromkeys(("disabled", "none", "no", "false"), "off"),
    **dict.fromkeys(("enabled", "yes", "true", "all"), "on"),
    "from": "sender",
    "to": "recipient",
    "size": "larger_than",
    "domains": "internal_domains",
    **dict.fromkeys(("german", "deutsch"), "de"),
    "english": "en",
    **dict.fromkeys(("spanish", "español"), "es"),
    **dict.fromkeys(("french", "français"), "fr"),
    **dict.fromkeys(("italian", "italiano"), "it"),
    **dict.fromkeys(("dutch", "nederlands"), "nl"),
    **dict.fromkeys(("polish", "polski"), "pl"),
    **dict.fromkeys(("portuguese", "português"), "pt"),
}


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Return `; did you mean "known"?` for the known word that is most similar to a value, "" if none is similar."""
    words = {word.casefold(): word for word in known}
    given = value.strip().casefold()
    near = difflib.get_close_matches(given.replace("-", "_"), words, n=1, cutoff=0.7)
    near = near or difflib.get_close_matches(given, words, n=1, cutoff=0.7)
    near = near or [other for other in (_OTHER_WORDS.get(given),) if other in words]
    near = near or [word for word in words if len(word) > 2 and given.startswith(word)]  # "monday" for "mon"
    return f'; did you mean "{words[near[0]]}"?' if near else ""


def written(value: object) -> str:
    """Return a value in TOML notation, cut if it is long. A table or a list is described by its kind."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    quote = '"' if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…{quote}"


def place_of(steps: Sequence[str | int]) -> str:
    """Return the place of a value in a table: keys joined by dots, entries of lists counted from 1."""
    place = ""
    for step in steps:
        place += f" (entry {step + 1})" if isinstance(step, int) else f".{step}" if place else step
    return place


def sentence(detail: Any) -> str:
    """Return one of pydantic's errors (ValidationError.errors()) as a sentence without its place."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail.get("input")
    steps = [str(step) for step in detail["loc"]]
    key = next((step for step in reversed(steps) if not step.isdecimal()), "")
    shown = "the value" if key in _SECRET else written(value)
    if kind in ("enum", "literal_error"):
        return _choice(shown, value, context["expected"])
    if kind == "missing":
        return "is missing; add it"
    if kind in _NOT_TABLE:
        return _table(".".join(step for step in steps if not step.isdecimal()), value, shown)
    if kind == "list_type":
        return _list(key, value, shown)
    if kind == "string_type":
        quoted = f'; write it in quotes: "{shown}"' if isinstance(value, int | float) else ""
        return f"must be a text, and is {shown}{quoted}"
    if kind == "bool_type" or kind == "bool_parsing":
        return f"must be true or false (without quotes), and is {shown}"
    if kind == "tuple_type":
        return f'must be an address in quotes, as in "127.0.0.1:9851", and is {shown}'
    if kind in _WHOLE:
        return f"must be a whole number (without quotes), and is {shown}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"must be {words} {context[name]}, and is {shown}"
    if kind == "path_type":
        return f'must be the path of a file, in quotes as "/etc/holdgate/NAME", and is {shown}'
    if kind == "too_short" or (kind == "string_too_short" and not value):
        return "must not be empty"
    if kind == "too_long":
        return f"must have at most {context['max_length']} entries, and has {len(value)}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters, and has {len(value)}"
    if kind.startswith("time_"):
        return f"must be a time of day as 08:00, and is {shown}"
    if kind == "finite_number":
        return f"must be a whole number (without quotes), and is {shown}"
    if kind.startswith("date"):
        return f"must be a date as 2026-12-31, and is {shown}"
    if kind == "string_pattern_mismatch":
        meant = _language(str(value)) if key == "language" else ""
        return f"{shown} is not {FORMS.get(key, context['pattern'])}{meant}"
    return str(detail["msg"]).removeprefix("Value error, ")


def _choice(shown: str, value: object, expected: str) -> str:
    allowed = re.findall(r"'([^']*)'", expected)
    meant = did_you_mean(written(value).strip('"'), allowed) if isinstance(value, str | bool) else ""
    return f"{shown} is not allowed; write one of {', '.join(allowed)}{meant}"


def _language(value: str) -> str:
    code = _LOCALE.match(value)
    meant = code[1].lower() if code else _OTHER_WORDS.get(value.casefold(), "")
    return f'; did you mean "{meant}"?' if meant else ""


def _table(name: str, value: object, shown: str) -> str:
    """Describe a value in place of the table `name`, with its keys joined by dots."""
    if not name:
        return "must be a table"
    key = name.rpartition(".")[2]
    if key in _TABLES:
        return f"must be a table, and is {shown}; write {key} = {_TABLES[key]}"
    if key in ("found", "not_found") and isinstance(value, str):
        return f"must be a table, and is {shown}; write {{ id = {shown} }}"
    if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        return f"must be a table, and is a list; write [{name}] with single brackets"
    return f"must be a table, and is {shown}; write {{ key = value }}, or [{name}] on a line before its keys"


def no_plain_address(value: str) -> str:
    """Describe a value that is not the address of one person, and what was probably meant."""
    parts = [part for part in re.split(r"[\s,;]+", value) if part]
    if match := re.fullmatch(r"[^<>]*<([^<>@\s]+@[^<>@\s]+)>", value):
        return f'"{value}" is not a plain address; did you mean "{match[1]}"?'
    if len(parts) > 1 and all("@" in part for part in parts):
        several = ", ".join(f'"{part}"' for part in parts)
        return f'"{value}" is not a plain address; write several as a list: {several}'
    return f'"{value}" is not a plain address; write one person\'s in each entry, as in "anna@corp.example"'


def no_zone(value: object) -> str:
    """Describe a value that is no time zone; the city alone, as in "Berlin", gets its zone as a proposal."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return f'{written(value)} is no time zone; write one as "Europe/Berlin"'
    known = sorted(zoneinfo.available_timezones())
    city = value.strip().replace(" ", "_").casefold()
    meant = next((one for one in known if city and one.casefold().endswith(f"/{city}")), "")
    hint = f'; did you mean "{meant}"?' if meant else did_you_mean(value, known)
    return f'"{value}" is no time zone; write one as "Europe/Berlin"{hint}'


def _list(key: str, value: object, shown: str) -> str:
    if isinstance(value, Mapping) and key in _LISTS_OF_TABLES:
        return f"must be a list of tables, and is one table; write [[{_LISTS_OF_TABLES[key]}]] with double brackets"
    if isinstance(value, str) and "," in value:
        shown_each = ", ".join(written(part.strip()) for part in value.split(",") if part.strip())
        return f"must be a list, and is {shown}; write it in brackets: [{shown_each}]"
    example = f"; write it in brackets: [{shown}]" if isinstance(value, str | int) else ""
    return f"must be a list, and is {shown}{example}"


def unknown_key(key: str, known: Iterable[str], elsewhere: Mapping[str, Sequence[str]] | None = None) -> str:
    """Describe an unknown key: the known keys, the most similar one, and other tables in which the key exists."""
    names = sorted(known)
    places = (elsewhere or {}).get(key, ())
    if places:
        return f"no such setting here; it belongs in {' or '.join(places)}"
    return f"no such setting; known here: {', '.join(names)}{did_you_mean(key, names)}"


def of_toml(error: Exception, text: str) -> str:
    """Describe an error of tomllib, with what was probably meant. Most errors are of a few kinds."""
    reported = str(error)
    place = _PLACE.search(reported)
    lines = text.split("\n") if place and place[1] else text.rstrip().split("\n")
    number = int(place[1]) if place and place[1] else len(lines)
    line = lines[min(number, len(lines)) - 1]
    hint = _hint(reported, line)
    return f"not valid TOML: {reported}{f'; {hint}' if hint else ''}"


def _hint(reported: str, line: str) -> str:
    if line.startswith("\ufeff"):
        return "the file begins with a byte order mark; save it as UTF-8 without one"
    bare = without_comment(line)
    if _TYPOGRAPHIC.search(bare):
        return "the line has typographic quotes; write straight ones"
    if "Cannot declare" in reported or "overwrite" in reported:
        return "a table or key is given twice; write it once. A list of tables has double brackets, as in [[policy]]"
    if "escape" in reported.lower():
        return r"write \\ for a backslash, or put the text in single quotes"
    if any((bare.count(quote) - bare.count(f"\\{quote}")) % 2 for quote in "\"'"):
        return "is a quote missing?"
    if "Unclosed array" in reported:
        return 'is a comma or a "]" missing?'
    if "inline table" in reported:
        return 'an inline table ends on its line; is a "}" missing?'
    if " declaration" in reported:
        return "is a bracket missing?"
    if "after a key" in reported and (match := re.search(r"[^\s{},=\"']+@[^\s{},=\"']+(?=\s*=)", bare)):
        return f'put quotes around a name with "@": "{match[0]}" = …'
    if "after a key" in reported:
        return 'write key = "value"'
    return _hint_of_value(*_halves(bare))


def _halves(bare: str) -> tuple[str, str]:
    key, _, value = bare.partition("=")
    return key.strip(), value.strip()


def _hint_of_value(key: str, value: str) -> str:
    if not value:
        return f'a value is missing after "{key} ="' if key else ""
    if value.casefold() in ("true", "false", "yes", "no", "on", "off"):
        return "write true or false, in small letters"
    if re.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", value):
        return "write a date as 2026-12-31"
    if value.count('"') > 2:
        return 'write several values as a list: ["one", "two"]'
    if re.fullmatch(r"[^\"'\[\]{}=]+", value):
        return f'put a text in quotes: {key} = "{value}"'
    return ""


def without_comment(line: str) -> str:
    """Return a line without its comment, which begins at a "#" outside quotes."""
    quote = ""
    for place, letter in enumerate(line):
        if letter == "#" and not quote:
            return line[:place]
        if letter in "\"'":
            quote = "" if letter == quote else quote or letter
    return line
