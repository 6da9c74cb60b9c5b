"""The blocks of a mail, as plain text and as HTML: one template defines the content and its order for both.

HTML mail has no style sheet, image or font. Tables make the layout. Everything with a background also sets its text
colour, because mail programs change colours for dark screens. Outlook on Windows does not support a maximum width.
"""

from collections.abc import Iterable
from typing import Protocol

from markupsafe import Markup, escape

from holdgate.desk.cleaning import Lines, clean, keep_lines

_GO, _STOP, _MAIN = "#116329", "#a40e26", "#0550ae"
COLOURS = {"approve": _GO, "reject": _STOP, "main": _MAIN}
# More buttons in a row would break their words on a phone.
_ABREAST = 2
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"


class Blocks(Protocol):
    """The functions that a template of a mail can call."""

    def title(self, text: str) -> str:
        """Add the title of the mail."""

    def value(self, text: str) -> str:
        """Emphasise a value within its sentence."""

    def para(self, text: str) -> str:
        """Add a paragraph."""

    def hint(self, text: str) -> str:
        """Add a less important paragraph."""

    def head(self, text: str) -> str:
        """Add the heading of a section."""

    def facts(self, *rows: tuple[str, str]) -> str:
        """Add names and values; a row without a value is left out."""

    def items(self, values: Iterable[str]) -> str:
        """Add a list."""

    def numbered(self, values: Iterable[str]) -> str:
        """Add a list whose values begin with their numbers."""

    def why(self, sentence: str, rule: str) -> str:
        """State why a message was held."""

    def found(self, place: str, masked: Iterable[str]) -> str:
        """Add a place and the masked matches in it."""

    def quote(self, title: str, text: str | None) -> str:
        """Add what a person wrote, with its line breaks; nothing if it is empty."""

    def link(self, before: str, address: str, label: str) -> str:
        """Add a link: in text after a sentence, in HTML as a button."""

    def aside(self, before: str, address: str, label: str) -> str:
        """Add a secondary link: in text, within the line of its sentence."""

    def choices(self, before: str, address: str, pairs: Iterable[tuple[str, str, str]], after: str) -> str:
        """Add a link with several targets: (fragment or address, label, colour); in text only the link."""

    def replies(self, title: str, pairs: Iterable[tuple[str, str, str]], text: str, after: str) -> str:
        """Add addresses that open a reply, (address, label, colour); in text a paragraph that says what to write."""

    def foot(self, *texts: str) -> str:
        """Add the end of the mail; empty texts are left out."""


def _lines(text: str) -> Lines:
    return Lines(text)


class TextBlocks:
    """Blocks as plain text."""

    def title(self, text: str) -> str:
        """As a line."""
        return _lines(f"{clean(text)}\n")

    para = hint = title

    def value(self, text: str) -> str:
        """Unchanged."""
        return text

    def head(self, text: str) -> str:
        """As a line with a colon."""
        return _lines(f"{clean(text)}:\n")

    def facts(self, *rows: tuple[str, str]) -> str:
        """As a table."""
        filled = [(clean(name) + ":", clean(str(value))) for name, value in rows if value]
        width = max((len(name) for name, _ in filled), default=0)
        return _lines("".join(f"{name:<{width}} {value}\n" for name, value in filled))

    def items(self, values: Iterable[str]) -> str:
        """As indented lines."""
        return _lines("".join(f"  {clean(value)}\n" for value in values))

    numbered = items

    def why(self, sentence: str, rule: str) -> str:
        """As one or two lines."""
        return _lines(f"{clean(sentence)}\n" + (f"{clean(rule)}\n" if rule else ""))

    def found(self, place: str, masked: Iterable[str]) -> str:
        """As one line."""
        reported = ", ".join(clean(one) for one in masked)
        return _lines(f"  {clean(place)}" + (f": {reported}" if reported else "") + "\n")

    def quote(self, title: str, text: str | None) -> str:
        """As marked lines under a title: without marks, a person could write lines that look like Holdgate's own."""
        if not text:
            return ""
        marked = "\n".join(f"> {line}".rstrip() for line in keep_lines(text).split("\n"))
        return _lines(f"{clean(title)}\n\n{marked}\n\n")

    def link(self, before: str, address: str, label: str) -> str:
        """As a separate, indented line."""
        return _lines(f"{clean(before or label)}\n\n  {clean(address)}\n")

    def aside(self, before: str, address: str, label: str) -> str:
        """As a sentence with the link at its end."""
        return _lines(f"{clean(before or label)} {clean(address)}\n")

    def choices(self, before: str, address: str, pairs: Iterable[tuple[str, str, str]], after: str) -> str:
        """As one link."""
        return self.link(before, address, "")

    def replies(self, title: str, pairs: Iterable[tuple[str, str, str]], text: str, after: str) -> str:
        """As a sentence."""
        return _lines(f"{clean(text)}\n")

    def foot(self, *texts: str) -> str:
        """As lines after a dash."""
        return _lines("\n".join(clean(text) for text in texts if text) + "\n")


class HtmlBlocks:
    """Blocks as HTML."""

    def title(self, text: str) -> Markup:
        """As the only heading of the first level."""
        return Markup('<h1 style="font-size:22px;line-height:28px;margin:0 0 12px">{}</h1>').format(clean(text))

    def value(self, text: str) -> Markup:
        """In a monospaced font."""
        return Markup('<span style="font-family:monospace">{}</span>').format(clean(text))

    def para(self, text: str) -> Markup:
        """As a paragraph."""
        return Markup('<p style="margin:0 0 14px">{}</p>').format(clean(text))

    def hint(self, text: str) -> Markup:
        """As a smaller paragraph."""
        return Markup('<p style="margin:0 0 14px;font-size:15px;opacity:0.8">{}</p>').format(clean(text))

    def head(self, text: str) -> Markup:
        """As a heading."""
        return Markup(
            '<h2 style="font-size:16px;line-height:24px;margin:16px 0 4px;overflow-wrap:anywhere">{}</h2>'
        ).format(clean(text))

    def facts(self, *rows: tuple[str, str]) -> Markup:
        """As a table with a heading for each row."""
        row = Markup(
            '<tr><th scope="row" align="left" valign="top" style="text-align:left;vertical-align:top;'
            'padding:3px 16px 3px 0;font-weight:normal;opacity:0.8;white-space:nowrap">{}</th>'
            '<td style="padding:3px 0;overflow-wrap:anywhere;word-break:break-word"><bdi>{}</bdi></td></tr>'
        )
        filled = Markup("").join(row.format(clean(name), _text(value)) for name, value in rows if value)
        return Markup('<table style="border-collapse:collapse;margin:0 0 14px">{}</table>').format(filled)

    def items(self, values: Iterable[str]) -> Markup:
        """As a list."""
        listed = Markup("").join(Markup("<li>{}</li>").format(clean(value)) for value in values)
        return Markup('<ul style="padding-left:20px;margin:0 0 14px;overflow-wrap:anywhere">{}</ul>').format(listed)

    def numbered(self, values: Iterable[str]) -> Markup:
        """As the lines of a paragraph: a list would have bullets in front of the numbers."""
        listed = Markup("<br>").join(clean(value) for value in values)
        return Markup('<p style="margin:0 0 14px;overflow-wrap:anywhere">{}</p>').format(listed)

    def why(self, sentence: str, rule: str) -> Markup:
        """As a box with a bar."""
        reported = Markup('<strong style="font-size:17px;line-height:24px">{}</strong>').format(clean(sentence))
        if rule:
            reported += Markup('<br><span style="color:#57606a;font-size:15px">{}</span>').format(clean(rule))
        return Markup(
            '<table role="presentation" width="100%" cellspacing="0" style="margin:0 0 16px"><tr>'
            '<td bgcolor="#fff4e5" style="background:#fff4e5;color:#1b1f24;border-left:4px solid #b35900;'
            'padding:12px 14px">{}</td></tr></table>'
        ).format(reported)

    def found(self, place: str, masked: Iterable[str]) -> Markup:
        """As a heading with marked numbers."""
        number = Markup(
            '<span style="background:#fff2b3;color:#1b1f24;font-family:monospace;padding:0 4px;white-space:nowrap">'
            "{}</span>"
        )
        shown = Markup(" ").join(number.format(clean(one)) for one in masked)
        return self.head(place) + (Markup('<p style="margin:0 0 8px">{}</p>').format(shown) if shown else "")

    def quote(self, title: str, text: str | None) -> Markup:
        """As a quotation with its lines."""
        if not text:
            return Markup("")
        shown = Markup("<br>").join(escape(line) for line in keep_lines(text).split("\n"))
        return Markup(
            '<p style="margin:0 0 4px">{}</p><blockquote style="margin:0 0 14px;padding:2px 0 2px 12px;'
            'border-left:3px solid #8c959f">{}</blockquote>'
        ).format(clean(title), shown)

    def link(self, before: str, address: str, label: str) -> Markup:
        """As a button."""
        reported = Markup('<p style="margin:0 0 8px">{}</p>').format(clean(before)) if before and label else Markup("")
        return reported + _buttons([(address, label or address, "main")])

    aside = link

    def choices(self, before: str, address: str, pairs: Iterable[tuple[str, str, str]], after: str) -> Markup:
        """As buttons next to each other."""
        return _buttons([(address + end, label, colour) for end, label, colour in pairs]) + self.hint(after)

    def replies(self, title: str, pairs: Iterable[tuple[str, str, str]], text: str, after: str) -> Markup:
        """As buttons without a background."""
        return self.head(title) + _buttons(list(pairs), filled=False) + self.hint(after)

    def foot(self, *texts: str) -> Markup:
        """As a small paragraph after a line."""
        reported = Markup(" ").join(escape(clean(text)) for text in texts if text)
        return Markup(
            '<hr style="border:0;border-top:1px solid #8c959f;margin:18px 0 12px">'
            '<p style="margin:0;font-size:14px;line-height:21px;opacity:0.8;overflow-wrap:anywhere">{}</p>'
        ).format(reported)


def _text(value: object) -> object:
    """Return a value as text; HTML stays HTML."""
    return clean(value if isinstance(value, Markup) else str(value))


def _buttons(pairs: list[tuple[str, str, str]], *, filled: bool = True) -> Markup:
    """Put buttons into cells of a table, each 52 pixels high: two in a row, or more below each other."""
    cells = []
    for address, label, name in pairs:
        colour = COLOURS[name]
        ground, ink = (colour, "#ffffff") if filled else ("#ffffff", colour)
        cells.append(
            Markup(
                '<td bgcolor="{ground}" align="center" style="background:{ground};border:1px solid {colour};'
                'border-radius:8px"><a href="{address}" style="display:block;padding:13px 8px;line-height:24px;'
                'color:{ink};text-decoration:none;font-weight:bold">{label}</a></td>'
            ).format(ground=ground, colour=colour, ink=ink, address=clean(address), label=clean(label))
        )
    gap = Markup('<td width="8" style="width:8px"></td>')
    below = Markup('</tr><tr><td height="8" style="height:8px"></td></tr><tr>')
    return Markup(
        '<table role="presentation" width="100%" cellspacing="0" cellpadding="0" style="margin:4px 0 8px;'
        'table-layout:fixed"><tr>{}</tr></table>'
    ).format((gap if len(cells) <= _ABREAST else below).join(cells))
