"""Mail and pages from templates: the shipped ones, or an administrator's file of the same name.

A shipped template serves every language: its texts come from the catalogues of `desk/language`. An administrator's file
can be for one language (`de/request.txt`) or for all (`request.txt`).

A sender's text is inserted only cleaned (no control, bidi or line-breaking character) and, in HTML, escaped. The filter
`lines` keeps line feeds: it is for a moderator's comment, and for a message's text on a page.

An administrator's file never makes a mail or page fail: if it cannot be used, that is reported, and the shipped one is
used.
"""

import re
import string
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from email.utils import parseaddr
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from holdgate import maillog, metrics
from holdgate.desk.blocks import HtmlBlocks, TextBlocks
from holdgate.desk.cleaning import Lines, Shown, clean, keep_lines
from holdgate.desk.language import moments, unusual, why
from holdgate.desk.language.catalogue import PSEUDO, SOURCE, Catalogue, languages
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.recorded import shown
from holdgate.scan.shapes import Listed

_SHIPPED = Path(__file__).with_name("templates")
DEFAULT = SOURCE


def _log(problem: str) -> None:
    metrics.ERRORS.labels("template").inc()
    maillog.failed(stage="template", error=problem)


class Templates:
    """The templates, with a site's `directory` before the shipped ones; times are shown in `zone`.

    `report` is called with each problem of a site's file: of words at once, of a template whenever it fails.
    """

    def __init__(
        self,
        directory: Path,
        zone: tzinfo,
        report: Callable[[str], None] = _log,
        *,
        house: str = "",
        mark: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`house` and `mark` are the name and the letters at the top of mail and pages; `clock` returns the time."""
        self._house = {"house": house, "mark": mark or house[:1].upper() or "✓"}
        self._clock = clock
        self._directory = directory
        self._zone = zone
        self._report = report
        self._bodies: dict[str, jinja2.Template] = {}
        self._shipped = self._environment([_SHIPPED])
        self._own = self._environment([directory, _SHIPPED]) if directory.is_dir() else self._shipped
        self.languages = sorted({*languages(), *(path.parent.name for path in directory.glob("*/words.toml"))})
        self._catalogues = {language: Catalogue(language) for language in [*self.languages, PSEUDO]}
        shipped = tomllib.loads((_SHIPPED / "words.toml").read_text("utf-8"))
        self._words = {language: self._read_words(shipped, directory, language) for language in self._catalogues}

    def mail(self, name: str, language: str, **values: Any) -> tuple[str, str, str]:
        """Return subject, text and HTML of a mail. A template's first line is ``Subject: …``.

        The HTML comes from a site's template `name`.html, or else from the same template as the text. It is "" if that
        template is the administrator's.
        """
        rendered = self._render(f"{name}.txt", language, {**values, "b": TextBlocks()})
        first, _, text = rendered.partition("\n")
        subject = " ".join(first.removeprefix("Subject:").split())[:250]
        values = {**values, "title": subject, "b": HtmlBlocks()}
        try:
            html = self._render(f"{name}.html", language, values)
        except jinja2.TemplatesNotFound:
            html = self._html_of(f"{name}.txt", language, values)
        return subject, _spaced(text) + "\n", html

    def _html_of(self, name: str, language: str, values: dict[str, Any]) -> str:
        """Return a mail of blocks as HTML, in the common frame of all mail."""
        has_own = self._own is not self._shipped
        if has_own and any((self._directory / path).is_file() for path in (f"{language}/{name}", name)):
            return ""
        text = (_SHIPPED / name).read_text(encoding="utf-8").partition("\n")[2]
        return self._render("mail.html", language, {**values, "body": text})

    def page(self, name: str, language: str, **values: Any) -> str:
        """Return a page as HTML."""
        return self._render(f"pages/{name}.html", language, values)

    def words(self, language: str) -> Mapping[str, Any]:
        """Return the words of a language, which pages use."""
        return self._words[language if language in self._words else DEFAULT]

    def _render(self, name: str, language: str, values: dict[str, Any]) -> str:
        """Return a rendered template, the shipped one if the administrator's fails. Raises TemplatesNotFound."""
        fit = {key: _fit(value) for key, value in values.items()}
        language = language if language in self._words else DEFAULT
        values = {"language": language, "w": self.words(language), "now": self._clock(), **self._house, **fit}
        names = [name] if name.startswith("pages/") else [f"{language}/{name}", name]
        try:
            return self._own.select_template(names).render(values)
        except Exception as error:  # an expression in a template can raise any exception
            absent = isinstance(error, jinja2.TemplatesNotFound) and error.templates == names
            if absent or self._own is self._shipped:
                raise
            self._report(f"{names[0]}: {_described(error)}")
            return self._shipped.select_template(names).render(values)

    def _environment(self, directories: list[Path]) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(directories),
            autoescape=jinja2.select_autoescape(["html"], default_for_string=True),
            undefined=jinja2.StrictUndefined,
            finalize=clean,
            trim_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["moment"] = self._moment
        environment.filters["near"] = self._near
        environment.filters["rest"] = self._remaining
        environment.filters["size"] = self._size
        environment.filters["domain"] = lambda address: address.rpartition("@")[2]
        environment.filters["file"] = self._file
        environment.filters["file_of"] = self._file_of
        environment.filters["person"] = person
        environment.filters["author"] = _author
        environment.filters["contents"] = self._contents
        environment.filters["sentence"] = self._sentence
        environment.filters["unusual"] = self._unusual
        environment.filters["places"] = self._places
        environment.filters["place"] = self._place
        environment.filters["unread"] = self._unread
        environment.globals["t"] = self._text
        environment.globals["tn"] = self._count
        environment.globals["content"] = self._content
        environment.globals["zone"] = self._zone_of
        environment.globals["is_soon"] = self._is_soon
        environment.filters["lines"] = keep_lines
        environment.filters["some"] = _some
        environment.filters["isolated"] = _isolated
        environment.filters["address"] = _address
        return environment

    # -- functions for templates ----------------------------------------------------------------------------------

    def catalogue(self, language: str) -> Catalogue:
        """Return the texts of a language."""
        return self._catalogues.get(language, self._catalogues[DEFAULT])

    def _of(self, context: jinja2.runtime.Context) -> Catalogue:
        return self.catalogue(context["language"])

    @jinja2.pass_context
    def _text(self, context: jinja2.runtime.Context, message: str, **fields: Any) -> str:
        return _filled(context, self._of(context).text(message), fields)

    @jinja2.pass_context
    def _count(self, context: jinja2.runtime.Context, one: str, many: str, number: int, **fields: Any) -> str:
        return _filled(context, self._of(context).count(one, many, number), {"count": number, **fields})

    @jinja2.pass_context
    def _moment(self, context: jinja2.runtime.Context, value: datetime | None) -> str:
        return _own(context, moments.moment(self._of(context), value, self._zone, self._clock()))

    @jinja2.pass_context
    def _near(self, context: jinja2.runtime.Context, value: datetime | None) -> str:
        return _own(context, moments.near(self._of(context), value, self._zone, self._clock()))

    @jinja2.pass_context
    def _remaining(self, context: jinja2.runtime.Context, value: datetime) -> str:
        return _own(context, moments.remaining(self._of(context), value, self._clock()))

    @jinja2.pass_context
    def _size(self, context: jinja2.runtime.Context, value: int) -> str:
        return _own(context, moments.size(self._of(context), value))

    @jinja2.pass_context
    def _file(self, context: jinja2.runtime.Context, file: Mapping[str, Any]) -> str:
        size = _own(context, moments.size(self._of(context), file["size"]))
        name = clean(file["name"])
        return Shown("<bdi>{}</bdi> ({})").format(name, size) if context.eval_ctx.autoescape else f"{name} ({size})"

    @jinja2.pass_context
    def _content(self, context: jinja2.runtime.Context, body: str) -> str:
        """Return the blocks of a mail as HTML."""
        template = self._bodies.get(body)
        if template is None:
            template = self._bodies[body] = self._shipped.from_string(body)
        return Shown(template.render(context.get_all()))

    @jinja2.pass_context
    def _file_of(self, context: jinja2.runtime.Context, listed: Listed) -> str:
        return self._file(context, {"name": listed.name, "size": listed.size})

    @jinja2.pass_context
    def _contents(self, context: jinja2.runtime.Context, incident: Incident) -> str:
        return why.contents(self._of(context), incident)

    @jinja2.pass_context
    def _sentence(self, context: jinja2.runtime.Context, incident: Incident, own: bool = False) -> str:
        return why.sentence(self._of(context), incident, own=own)

    @jinja2.pass_context
    def _unusual(self, context: jinja2.runtime.Context, incident: Incident, own: bool = True) -> dict[str, str]:
        """Return what is unusual about each recipient; `own`: for the sender."""
        return unusual.by_recipient(self._of(context), incident.recipient_risks or (), own=own)

    @jinja2.pass_context
    def _places(self, context: jinja2.runtime.Context, incident: Incident) -> dict[str, list[str]]:
        return why.places(self._of(context), incident.findings)

    @jinja2.pass_context
    def _place(self, context: jinja2.runtime.Context, part: str) -> str:
        return why.place(self._of(context), part)

    @jinja2.pass_context
    def _unread(self, context: jinja2.runtime.Context, reason: str) -> str:
        return why.unread(self._of(context), reason)

    def _zone_of(self) -> str:
        return moments.zone_of(self._clock(), self._zone)

    def _is_soon(self, value: datetime) -> bool:
        return value - self._clock() < moments.SOON

    def _read_words(self, shipped: dict[str, Any], directory: Path, language: str) -> dict[str, Any]:
        """Return the words of a language: the administrator's if they have the required form, else the catalogue's."""
        words = _translated(shipped, self.catalogue(language))
        file = f"{language}/words.toml"
        try:
            own = _words_in(directory, language)
        except (OSError, ValueError) as error:
            rendered = str(error) if isinstance(error, tomllib.TOMLDecodeError) else maillog.describe(error)
            self._report(f"{file}: {rendered}")
            return words
        return _merged(words, own, lambda problem: self._report(f"{file}: {problem}"))


def _described(error: Exception) -> str:
    """Return why a template failed. Only an error in its syntax is quoted: another one can name values of a message."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    return maillog.describe(error)


def _spaced(text: str) -> str:
    """Return a text without empty lines at its ends, and without consecutive empty lines."""
    return re.sub(r"\n{3,}", "\n\n", text.strip("\n"))


def _fit(value: Any) -> Any:
    """Return incidents, alone or in a list, in the form for people; any other value is returned unchanged."""
    if isinstance(value, list):
        return [_fit(one) for one in value]
    return shown(value) if isinstance(value, Incident) else value


def _translated(words: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Return the words of a table in another language, including nested tables."""
    return {
        name: _translated(word, catalogue) if isinstance(word, dict) else catalogue.text(word)
        for name, word in words.items()
    }


def person(incident: Incident) -> str:
    """Return the sender's name, "" if the From header is not the envelope sender's: it may be forged then.

    A name that looks like an address is none: alone, as in the list, it would pass for the sender.
    """
    name, address = parseaddr(incident.header_from)
    is_address = "@" in unicodedata.normalize("NFKC", name)
    return name if address.lower() == incident.sender.lower() and not is_address else ""


def _author(incident: Incident, who: str) -> str:
    """Return whom a person reads as the author of an answer: the sender's name, another one's address."""
    return (person(incident) if who.lower() == incident.sender.lower() else "") or who


def _own(context: jinja2.runtime.Context, text: str) -> str:
    """Return a text without content from outside; in HTML it is not broken into lines."""
    return Lines(text.replace(" ", moments.NO_BREAK) if context.eval_ctx.autoescape else text)


def _filled(context: jinja2.runtime.Context, message: str, fields: Mapping[str, Any]) -> str:
    """Insert fields into a text, cleaned and, in HTML, escaped."""
    cleaned = {name: clean(value) for name, value in fields.items()}
    if not context.eval_ctx.autoescape:
        return Lines(message.format(**cleaned))
    return Shown(Shown(escape(message)).format(**cleaned))


def _words_in(directory: Path, language: str) -> dict[str, Any]:
    """Return the content of a file of words, empty if it does not exist. Raises OSError and ValueError."""
    path = directory / language / "words.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _report_in(table: str, report: Callable[[str], None], problem: str) -> None:
    report(f"{table}.{problem}")


def _merged(shipped: dict[str, Any], own: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
    """Return the shipped words, replaced by an administrator's; a word of another form is reported and left out.

    Words that are not built in are for the site's own templates.
    """
    words = dict(shipped)
    for name, word in own.items():
        known = shipped.get(name)
        if isinstance(known, dict) and isinstance(word, dict):
            words[name] = _merged(known, word, partial(_report_in, name, report))
        elif wanted := _wanted(word, known):
            report(f"{name}: {wanted}")
        else:
            words[name] = word
    return words


def _wanted(word: Any, known: Any) -> str:
    """Return the form that a word needs to replace a shipped one, "" if it has it."""
    match known:
        case dict():
            return "must be a table"
        case list():
            fits = isinstance(word, list) and len(word) == len(known) and all(isinstance(one, str) for one in word)
            return "" if fits else f"must be a list of {len(known)} texts"
        case str():
            if not isinstance(word, str):
                return "must be a text"
            fields = _fields(known)
            named = " and ".join(f"{{{field}}}" for field in sorted(fields)) or "no field"
            return "" if _fields(word) <= fields else f"may contain {named}, and no other brace"
    return ""


def _fields(word: str) -> set[str]:
    """Return the contents of a text's braces; anything but a plain name is a separate field, even empty braces."""
    try:
        parsed = list(string.Formatter().parse(word))
    except ValueError:
        return {"{"}
    return {
        field if not form and not conversion else f"{field}:{form}!{conversion}"
        for _, field, form, conversion in parsed
        if field is not None
    }


@jinja2.pass_context
def _some(context: jinja2.runtime.Context, values: Iterable[str], limit: int, more: str, separator: str = ", ") -> str:
    """Return the first `limit` values and, if there are more, `more`, which can contain their {count}."""
    listed = [_isolated(context, value) for value in values]
    join = Shown(separator).join if context.eval_ctx.autoescape else separator.join
    rendered = join(listed[:limit])
    return rendered if len(listed) <= limit else rendered + " " + more.format(count=len(listed) - limit)


@jinja2.pass_context
def _isolated(context: jinja2.runtime.Context, text: str) -> str:
    """Return a name that does not reverse its surroundings: in HTML, its letters can be Hebrew or Arabic."""
    if not context.eval_ctx.autoescape or isinstance(text, Markup):
        return text
    return Shown("<bdi>{}</bdi>").format(clean(text))


@jinja2.pass_context
def _address(context: jinja2.runtime.Context, text: str) -> str:
    """Return an address that is written from the left, or else the domain would be in front of a Hebrew name."""
    return Shown('<bdi dir="ltr">{}</bdi>').format(clean(text)) if context.eval_ctx.autoescape and text else text
