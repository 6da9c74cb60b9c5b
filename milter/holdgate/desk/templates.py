"""Mail and pages from templates: ours, or an administrator's own file of the same name; one directory a language.

What a sender wrote goes into them only cleaned (no control, bidi or line-breaking character) and, in HTML, escaped. The
filter `lines` leaves line feeds: it is for a moderator's comment, and for a message's text where a page shows it.

No mail and no page fails by a file of the administrator's: what cannot be used is told of, and ours takes its place.
"""

import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from holdgate import maillog, metrics
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.recorded import shown

_SHIPPED = Path(__file__).with_name("templates")
DEFAULT = "en"


def _log(problem: str) -> None:
    metrics.ERRORS.labels("template").inc()
    maillog.failed(stage="template", error=problem)


class Templates:
    """The templates with one site's `directory` before ours; times are shown in `zone`.

    `tell` is called with each problem of an own file: of words at once, of a template whenever it fails.
    """

    def __init__(self, directory: Path, zone: tzinfo, tell: Callable[[str], None] = _log) -> None:
        self._zone = zone
        self._tell = tell
        self._shipped = self._environment([_SHIPPED])
        self._own = self._environment([directory, _SHIPPED]) if directory.is_dir() else self._shipped
        languages = {path.parent.name for root in (_SHIPPED, directory) for path in root.glob("*/words.toml")}
        self.languages = sorted(languages)
        self._words = {language: self._read_words(directory, language) for language in self.languages}

    def mail(self, name: str, language: str, **values: Any) -> tuple[str, str, str]:
        """Return subject, text and HTML ("" where there is no such template) of a mail.

        A template's first line is ``Subject: …``.
        """
        rendered = self._render(f"{name}.txt", language, values)
        first, _, text = rendered.partition("\n")
        subject = " ".join(first.removeprefix("Subject:").split())[:250]
        try:
            html = self._render(f"{name}.html", language, values | {"title": subject})
        except jinja2.TemplatesNotFound:
            html = ""
        return subject, text.strip("\n") + "\n", html

    def page(self, name: str, language: str, **values: Any) -> str:
        """Return a page as HTML."""
        return self._render(f"pages/{name}.html", language, values)

    def words(self, language: str) -> Mapping[str, Any]:
        """Return the words of a language: what the pages say."""
        return self._words[language if language in self._words else DEFAULT]

    def _render(self, name: str, language: str, values: dict[str, Any]) -> str:
        """Return what a template says, ours where the administrator's fails. Raises TemplatesNotFound."""
        fit = {key: _fit(value) for key, value in values.items()}
        values = {"language": language, "w": self.words(language), **fit}
        names = [name] if name.startswith("pages/") else [f"{language}/{name}", f"{DEFAULT}/{name}"]
        try:
            return self._own.select_template(names).render(values)
        except Exception as error:  # an expression in a template may raise anything
            absent = isinstance(error, jinja2.TemplatesNotFound) and error.templates == names
            if absent or self._own is self._shipped:
                raise
            self._tell(f"{names[0]}: {maillog.describe(error)}")
            return self._shipped.select_template(names).render(values)

    def _environment(self, directories: list[Path]) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(directories),
            autoescape=jinja2.select_autoescape(["html"]),
            undefined=jinja2.StrictUndefined,
            finalize=clean,
            trim_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["moment"] = self._moment
        environment.filters["size"] = show_size
        environment.filters["lines"] = keep_lines
        environment.filters["some"] = show_some
        return environment

    @jinja2.pass_context
    def _moment(self, context: jinja2.runtime.Context, value: datetime | None) -> str:
        if value is None:
            return "–"
        local = value.astimezone(self._zone)
        offset = local.strftime("%z")
        day = self.words(context["language"])["weekdays"][local.weekday()]
        name = local.tzname() or ""
        zone = f"{name}, " if name.isalpha() and name != "UTC" else ""
        return f"{day} {local:%Y-%m-%d %H:%M} ({zone}UTC{offset[:3]}:{offset[3:]})"

    def _read_words(self, directory: Path, language: str) -> dict[str, Any]:
        """Return the words of a language: the administrator's as far as they fit, else ours, else those of DEFAULT."""
        words = _words_in(_SHIPPED, DEFAULT) | _words_in(_SHIPPED, language)
        file = f"{language}/words.toml"
        try:
            own = _words_in(directory, language)
        except (OSError, ValueError) as error:
            rendered = str(error) if isinstance(error, tomllib.TOMLDecodeError) else maillog.describe(error)
            self._tell(f"{file}: {rendered}")
            return words
        return _merged(words, own, lambda problem: self._tell(f"{file}: {problem}"))


def _fit(value: Any) -> Any:
    """Return incidents, alone or in a list, as people get to see them, and anything else as it is."""
    if isinstance(value, list):
        return [_fit(one) for one in value]
    return shown(value) if isinstance(value, Incident) else value


def _words_in(directory: Path, language: str) -> dict[str, Any]:
    """Return a file of words, nothing where there is none. Raises OSError and ValueError."""
    path = directory / language / "words.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _merged(ours: dict[str, Any], own: dict[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """Return our words with an administrator's in their place; one of another form than ours is told of and left out.

    Words that we do not have are for his own templates.
    """
    words = dict(ours)
    for name, word in own.items():
        known = ours.get(name)
        if isinstance(known, dict) and isinstance(word, dict):
            words[name] = _merged(known, word, lambda problem, table=name: tell(f"{table}.{problem}"))  # type: ignore[misc]
        elif wanted := _wanted(word, known):
            tell(f"{name}: {wanted}")
        else:
            words[name] = word
    return words


def _wanted(word: Any, known: Any) -> str:
    """Say what a word would have to be to stand in for one of ours, "" when it can."""
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
    """Return what a text has in braces; what is more than a plain name is a field of its own, braces alone too."""
    try:
        parsed = list(string.Formatter().parse(word))
    except ValueError:
        return {"{"}
    return {
        field if not form and not conversion else f"{field}:{form}!{conversion}"
        for _, field, form, conversion in parsed
        if field is not None
    }


class _Lines(str):
    """Cleaned text that `clean` leaves its line feeds."""

    __slots__ = ()


def clean(value: Any) -> Any:
    """Make text harmless that somebody outside wrote: every character that does not print becomes a space."""
    if not isinstance(value, str) or isinstance(value, _Lines) or value.isprintable():
        return value
    cleaned = "".join(c if c.isprintable() else " " for c in value)
    return Markup(cleaned) if isinstance(value, Markup) else cleaned


def keep_lines(value: str) -> str:
    """Clean text and keep its line feeds: the filter `lines`, which must be the last one."""
    return _Lines("\n".join(clean(line) for line in value.split("\n")))


def show_some(values: Sequence[str], limit: int, more: str, separator: str = ", ") -> str:
    """Write the first `limit` of a list, and where that is not all, `more`, which may contain the rest's {count}."""
    rendered = separator.join(values[:limit])
    return rendered if len(values) <= limit else f"{rendered} {more.format(count=len(values) - limit)}"


def show_size(size: int) -> str:
    """Write a number of bytes for people."""
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    return f"{size:.1f} GB"
