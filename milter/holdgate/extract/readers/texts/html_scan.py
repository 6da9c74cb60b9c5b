"""Reads ordinary HTML without a tree: its result is that of lexbor's tree, or none.

In the HTML of mail programs, elements are nested correctly, apart from end tags that may be omitted. Then the text of
the tree is the text of the source in its order, and a stack of open elements shows where lines end (HTML Standard
13.2.6). At the first construct for which a tree differs from its source (misnested formatting, text between the cells
of a table, forms, SVG, …) or which is uncertain, `scan` gives up and lexbor reads the page.

This is linear Python code, in which no memory can be corrupted: a process that ran it can read another message. It is
long because the rules of all elements change one state, the stack of open elements with its lines.
"""

import re
from dataclasses import dataclass, field
from html.entities import html5

LARGEST = 2_000_000
DEEPEST = 200
"""Maximum number of open elements: each tag searches all of them."""

# The elements inside a line of text (HTML Standard 4.5, 4.7, 4.8 and what browsers render so).
_INLINE_TAGS = """a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr output q
rp rt ruby s samp small span strike strong sub sup time tt u var wbr"""
INLINE = frozenset(_INLINE_TAGS.split())
CELLS = frozenset({"td", "th"})
# Attributes whose values are layout, not text that a person wrote.
_LAYOUT_NAMES = """align bgcolor border cellpadding cellspacing class color colspan dir face height http-equiv id lang
maxlength minlength rel rowspan size style tabindex target type valign width xmlns"""
LAYOUT = frozenset(_LAYOUT_NAMES.split())
HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![\d.]*[1-9])|opacity\s*:\s*0(?![\d.]*[1-9])",
    re.IGNORECASE,
)
HIDDEN_TAG = re.compile(r"<[^<>]*\shidden\b", re.IGNORECASE)

_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
_FORMATTING_NAMES = "a b big code em font i nobr s small strike strong tt u"
_FORMATTING = frozenset(_FORMATTING_NAMES.split())
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCK_NAMES = """address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer
header hgroup listing main menu nav ol p pre section summary ul"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_ITEMS = frozenset(["li", "dd", "dt"])
_SECTIONS = frozenset(["tbody", "thead", "tfoot"])
_TABLE = frozenset(["table", "caption", "col", "colgroup", "tbody", "thead", "tfoot", "tr", "td", "th"])
_IN_HEAD = frozenset(["title", "meta", "link", "base", "style", "script"])
_SPECIAL = _VOID | _HEADINGS | _BLOCKS | _ITEMS | _TABLE | {"html", "head", "body", "title", "style", "script"}
# Elements with special rules for their content or place.
_OTHER_NAMES = """applet basefont bgsound button command form frame frameset iframe image input isindex keygen marquee
math noembed noframes noscript object optgroup option plaintext rb rp rt rtc ruby search select selectedcontent svg
template textarea xmp"""
_OTHERS = frozenset(_OTHER_NAMES.split())
_BARRIERS = frozenset(["table", "caption", "td", "th"])

_SPACE = " \t\n\f"
# Only where white space begins: from each of its characters, a long line of it would take quadratic time.
_INDENT = re.compile(r"(?<![ \t])[ \t]*+\n[ \t\n]+")
_ATTRIBUTE = re.compile(
    r"[ \t\n\f]++([a-zA-Z_:][a-zA-Z0-9_:.-]*+)"
    r"(?:[ \t\n\f]*+=[ \t\n\f]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^ \t\n\f\"'=<>`/][^ \t\n\f\"'<>`]*+)))?+"
)
_START = re.compile(rf"<([a-zA-Z][a-zA-Z0-9:_-]*+)((?:{_ATTRIBUTE.pattern})*+)[ \t\n\f]*+/?>")
_END = re.compile(r"</([a-zA-Z][a-zA-Z0-9:_-]*+)[ \t\n\f]*+>")
# The ends of elements whose content has no tags.
_RAW = {tag: re.compile(f"</{tag}", re.IGNORECASE | re.ASCII) for tag in ("title", "style", "script")}
_DOCTYPE = re.compile(r"<!doctype(?:[ \t\n\f]++(?:[^<>\"'\[]|\"[^<>\"]*+\"|'[^<>']*+')*+)?>", re.IGNORECASE)
_INSTRUCTION = re.compile(r"<\?(?!xml(?![A-Za-z0-9_.-]))[A-Za-z_]")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7});|#[xX]([0-9a-fA-F]{1,6});|([a-zA-Z][a-zA-Z0-9]*+)(;?))|&#")
_LONGEST_LEGACY = max(len(name) for name in html5 if not name.endswith(";"))


class _UncertainError(Exception):
    """The following source may have another meaning in a tree."""


@dataclass(slots=True)
class Page:
    """Lines of text; the same without hidden text, if styles can hide anything; comments and attributes with names."""

    lines: list[str] = field(default_factory=list)
    seen: list[str] | None = None
    aside: list[tuple[str, str]] = field(default_factory=list)


def tidy(text: str) -> str:
    """Return a line without the white space around it, and without the indentation and blank lines of its source."""
    text = text.strip()
    return _INDENT.sub("\n", text) if "\n" in text else text


def scan(source: str) -> Page | None:
    """Return the contents of a page, in the order of its tree; None if that is not certain. Raises no exception."""
    if len(source) > LARGEST or "\0" in source:
        return None
    if "\r" in source:  # HTML Standard 13.2.3.5
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return _Scan(source).page()
    except _UncertainError:
        return None


class _Scan:
    def __init__(self, source: str) -> None:
        self._source = source
        self._stack: list[str] = []
        self._line: list[str] = []
        self._lines: list[str] = []
        self._aside: list[tuple[str, str]] = []
        # If text may be hidden, visible text is also kept separately; `hidden` is the number of open elements up to the
        # hiding one.
        self._hides = HIDING.search(source) is not None or HIDDEN_TAG.search(source) is not None
        self._hidden = 0
        self._seen_line: list[str] = []
        self._seen: list[str] = []
        self._begun = self._ended = False
        self._root = self._body = self._head = False

    def page(self) -> Page:
        source = self._source
        position = 0
        while (start := source.find("<", position)) >= 0:
            if start > position:
                self._text(source[position:start])
            position = self._markup(start)
        self._text(source[position:])
        self._close(0, in_cell=True)
        self._flush()
        return Page(self._lines, self._seen if self._hides else None, self._aside)

    def _markup(self, start: int) -> int:
        """Process what begins with "<"; return where it ends."""
        source = self._source
        following = source[start + 1 : start + 2]
        if following == "/":
            ending = _END.match(source, start)
            if ending is None:
                raise _UncertainError
            self._end_tag(ending[1].lower())
            return ending.end()
        if following in ("!", "?"):
            return self._declaration(start)
        if not (following.isascii() and following.isalpha()):
            self._text("<")
            return start + 1
        opening = _START.match(source, start)
        if opening is None:
            raise _UncertainError
        tag = opening[1].lower()
        self._start_tag(tag, opening[2])
        if tag in _RAW:
            return self._raw(tag, opening.end())
        return opening.end()

    def _declaration(self, start: int) -> int:
        source = self._source
        if source.startswith("<!--", start):
            end = source.find("-->", start + 4)
            if end < 0 or source.startswith((">", "->"), start + 4):
                raise _UncertainError
            content = source[start + 4 : end]
            if "--!>" in content or content.endswith("--!"):
                raise _UncertainError
            self._aside.append(("comment", content.strip()))
            return end + 3
        if source[start : start + 9].lower() == "<!doctype":
            found = _DOCTYPE.match(source, start)
            if found is None:
                raise _UncertainError
            return found.end()
        end = source.find(">", start)
        # lexbor keeps processing instructions (`<?php`), but not `<?xml`, as nodes of their own.
        if end < 0 or _INSTRUCTION.match(source, start):
            raise _UncertainError
        self._aside.append(("comment", source[start + (2 if source[start + 1] == "!" else 1) : end].strip()))
        return end + 1

    def _raw(self, tag: str, start: int) -> int:
        """Process an element whose content has no tags."""
        source = self._source
        ending = _RAW[tag].search(source, start)
        if ending is None:
            raise _UncertainError
        content = source[start : ending.start()]
        if tag == "script" and "<!--" in content:
            raise _UncertainError
        closing = _END.match(source, ending.start())
        if closing is None:
            raise _UncertainError
        self._add(_decoded(content, False) if tag == "title" else content)
        self._flush()
        self._pop_to(len(self._stack) - 1)
        return closing.end()

    # -- text -----------------------------------------------------------------------------------------------------

    def _text(self, text: str) -> None:
        if not text:
            return
        if text.strip(_SPACE):
            if self._ended or self._is_between_cells() or (self._stack and self._stack[-1] == "head"):
                raise _UncertainError
            self._begun = True
        self._add(_decoded(text, False) if "&" in text else text)

    def _add(self, text: str) -> None:
        self._line.append(text)
        if self._hides and not self._hidden:
            self._seen_line.append(text)

    def _flush(self) -> None:
        if self._line:
            if text := tidy("".join(self._line)):
                self._lines.append(text)
            self._line.clear()
        if self._seen_line and not self._hidden:
            if text := tidy("".join(self._seen_line)):
                self._seen.append(text)
            self._seen_line.clear()

    # -- tags -----------------------------------------------------------------------------------------------------

    def _start_tag(self, tag: str, attributes: str) -> None:
        if self._ended or tag in _OTHERS or len(self._stack) > DEEPEST:
            raise _UncertainError
        if tag in ("html", "head", "body"):
            self._begin(tag)
        elif tag in _TABLE:
            self._in_table(tag)
        else:
            self._in_body(tag)
        if tag in CELLS:
            self._add("\t")
        elif tag not in INLINE:
            self._flush()
        hides = self._attributes(attributes) if attributes else False
        if tag not in _VOID:
            self._stack.append(tag)
            if hides and self._hides and not self._hidden:
                self._hidden = len(self._stack)

    def _attributes(self, source: str) -> bool:
        """Keep text that people write in attributes; return whether the attributes hide the element."""
        known: set[str] = set()
        hides = False
        for name, double, single, bare in _ATTRIBUTE.findall(source):
            name = name.lower()
            if name in known:
                continue
            known.add(name)
            value = double or single or bare
            if name == "hidden":
                hides = True
            if name == "style" or (value and name not in LAYOUT):
                if "&" in value:
                    value = _decoded(value, True)
                if name == "style":
                    hides = hides or HIDING.search(value) is not None
                elif value:
                    self._aside.append((name, value))
        return hides

    def _begin(self, tag: str) -> None:
        """Open the elements that exist once, and in this order."""
        if self._begun or self._body or (tag == "html" and self._root) or (tag != "body" and self._head):
            raise _UncertainError
        if self._stack not in ([], ["html"]) or (tag == "html" and self._stack):
            raise _UncertainError
        self._root = True
        self._head = self._head or tag == "head"
        self._body = tag == "body"

    def _in_body(self, tag: str) -> None:
        stack = self._stack
        if self._is_between_cells() and tag not in ("style", "script"):
            raise _UncertainError
        if tag in _IN_HEAD:
            # Before the body they are put into the head; if there is none, they create it.
            self._root = self._head = True
            return
        if stack and stack[-1] == "head":
            raise _UncertainError
        self._begun = True
        if tag in _ITEMS:
            self._close_item(("dd", "dt") if tag != "li" else ("li",))
        if tag in _BLOCKS or tag in _ITEMS or tag in _HEADINGS or tag == "hr":
            self._close_paragraph()
            if tag in _HEADINGS and stack and stack[-1] in _HEADINGS:
                raise _UncertainError
        elif tag in ("a", "nobr") and tag in stack:
            raise _UncertainError

    def _close_paragraph(self) -> None:
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] == "p":
                self._close(place)
                return
            if self._stack[place] in _BARRIERS:
                return

    def _close_item(self, names: tuple[str, ...]) -> None:
        for place in range(len(self._stack) - 1, -1, -1):
            tag = self._stack[place]
            if tag in names:
                self._close(place)
                return
            if tag in _SPECIAL and tag not in ("address", "div", "p"):
                return

    def _is_between_cells(self) -> bool:
        return bool(self._stack) and self._stack[-1] in _TABLE and self._stack[-1] not in _BARRIERS - {"table"}

    def _in_table(self, tag: str) -> None:
        """Open a table, or its next part."""
        stack = self._stack
        if tag == "table":
            if self._is_between_cells() or (stack and stack[-1] == "head"):
                raise _UncertainError
            # It depends on the document type whether a table ends the paragraph around it.
            opened = len(stack)
            self._close_paragraph()
            if len(stack) < opened:
                raise _UncertainError
            self._begun = True
            return
        top = self._table()
        inside = stack[top + 1 :]
        section = 1 if inside and inside[0] in _SECTIONS else 0
        if "caption" in inside or (inside and inside[0] == "colgroup" and tag != "col"):
            raise _UncertainError
        if tag in ("caption", "colgroup"):
            if inside:
                raise _UncertainError
        elif tag == "col":
            if inside not in ([], ["colgroup"]):
                raise _UncertainError
        elif tag in _SECTIONS:
            self._close(top + 1, in_cell=True)
        elif tag == "tr":
            self._close(top + 1 + section, in_cell=True)
        elif inside[section : section + 1] == ["tr"]:
            self._close(top + 2 + section, in_cell=True)
        else:
            raise _UncertainError

    def _table(self) -> int:
        """Return where the innermost table is among the open elements."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] == "table":
                return place
        raise _UncertainError

    def _end_tag(self, tag: str) -> None:
        stack = self._stack
        if tag in ("body", "html"):
            if not stack or (tag == "body" and "body" not in stack) or self._table_is_open():
                raise _UncertainError
            self._ended = True
            return
        if self._ended or tag in _OTHERS or tag in _VOID or tag in ("title", "style", "script"):
            raise _UncertainError
        if tag == "head":
            if not stack or stack[-1] != "head":
                raise _UncertainError
            self._close(len(stack) - 1)
        elif tag in _TABLE:
            place = self._table()
            if tag != "table":
                place = next((at for at in range(place + 1, len(stack)) if stack[at] == tag), -1)
                if place < 0 or "caption" in stack[place + 1 :]:
                    raise _UncertainError
            self._close(place, in_cell=True)
        elif self._is_between_cells():
            raise _UncertainError
        elif tag in _FORMATTING:
            if stack and stack[-1] == tag:
                self._close(len(stack) - 1, formatting=True)
            elif tag in stack:
                raise _UncertainError
        elif tag in _SPECIAL:
            self._end_special(tag)
        else:
            self._end_ordinary(tag)

    def _table_is_open(self) -> bool:
        return any(tag in _BARRIERS for tag in self._stack)

    def _end_special(self, tag: str) -> None:
        for place in range(len(self._stack) - 1, -1, -1):
            open_ = self._stack[place]
            if open_ == tag:
                self._close(place)
                return
            if (
                open_ in _BARRIERS
                or (tag in _HEADINGS and open_ in _HEADINGS)
                or (tag == "li" and open_ in ("ol", "ul"))
            ):
                break
        if tag != "p":
            raise _UncertainError
        self._flush()  # the end tag of a paragraph that is not open begins an empty one

    def _end_ordinary(self, tag: str) -> None:
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] == tag:
                self._close(place)
                return
            if self._stack[place] in _SPECIAL:
                return  # the end tag of an element that is not open

    def _close(self, place: int, *, in_cell: bool = False, formatting: bool = False) -> None:
        """Close all elements from that place on. A formatting element would continue after the end of its block."""
        closed = self._stack[place:]
        if not (in_cell or formatting) and any(tag in _FORMATTING for tag in closed):
            raise _UncertainError
        if _ends_line(closed):
            self._flush()
        hidden = self._hidden
        self._pop_to(place)
        if hidden > place + 1 and _ends_line(closed[: hidden - 1 - place]):
            self._flush()  # the line around the hidden element ended with it

    def _pop_to(self, place: int) -> None:
        del self._stack[place:]
        if self._hidden > place:
            self._hidden = 0


def _ends_line(tags: list[str]) -> bool:
    return any(tag not in INLINE and tag not in CELLS for tag in tags)


def _decoded(text: str, in_attribute: bool) -> str:
    """Replace character references (HTML Standard 13.2.5.72)."""
    return _REFERENCE.sub(lambda found: _reference(found, in_attribute), text)


def _reference(found: "re.Match[str]", in_attribute: bool) -> str:
    decimal, hexadecimal, name, end = found.groups()
    if name:
        if end and (letters := html5.get(name + ";")):
            return letters
        for length in range(min(len(name), _LONGEST_LEGACY), 1, -1):
            if letters := html5.get(name[:length]):
                following = name[length : length + 1] or end or found.string[found.end() : found.end() + 1]
                if in_attribute and (following == "=" or (following.isascii() and following.isalnum())):
                    return found[0]
                return letters + name[length:] + end
        return found[0]
    if not decimal and not hexadecimal:
        raise _UncertainError
    number = int(decimal) if decimal else int(hexadecimal, 16)
    if (number < 32 and number not in (9, 10)) or 0x7F <= number < 0xA0:
        raise _UncertainError
    if 0xD800 <= number < 0xE000 or number > 0x10FFFF or number & 0xFFFE == 0xFFFE:
        raise _UncertainError
    return chr(number)
