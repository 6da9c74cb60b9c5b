"""Mail and pages from templates: ours, or an administrator's own file of the same name; one directory a language.

What a sender wrote goes into them only cleaned (no control, bidi or line-breaking character) and, in HTML, escaped. The
filter `lines` leaves line feeds: it is for a moderator's comment, and for a message's text where a page shows it.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from holdgate import maillog

_SHIPPED = Path(__file__).with_name("templates")
DEFAULT = "en"


class Templates:
    """The templates with one site's `directory` before ours; times are shown in `zone`."""

    def __init__(self, directory: Path, zone: tzinfo) -> None:
        self._zone = zone
        self._shipped = self._environment([_SHIPPED])
        self._own = self._environment([directory, _SHIPPED]) if directory.is_dir() else self._shipped
        self.languages = sorted(path.parent.name for path in _SHIPPED.glob("*/words.toml"))
        if directory.is_dir():
            more = (path.parent.name for path in directory.glob("*/words.toml"))
            self.languages = sorted({*self.languages, *more})
        self._words = {
            language: self._shipped_words(DEFAULT) | self._shipped_words(language) | self._read(directory, language)
            for language in self.languages
        }

    def mail(self, name: str, language: str, **values: Any) -> tuple[str, str, str]:
        """Return subject, text and HTML ("" where there is no such template) of a mail.

        A template's first line is ``Subject: …``. An own template that fails is logged, and ours is used.
        """
        said = self._render(f"{name}.txt", language, values)
        first, _, text = said.partition("\n")
        subject = " ".join(first.removeprefix("Subject:").split())[:250]
        try:
            html = self._render(f"{name}.html", language, values | {"title": subject})
        except jinja2.TemplateNotFound:
            html = ""
        return subject, text.strip("\n") + "\n", html

    def page(self, name: str, language: str, **values: Any) -> str:
        """Return a page as HTML."""
        return self._render(f"pages/{name}.html", language, values)

    def words(self, language: str) -> Mapping[str, Any]:
        """Return the words of a language: what the pages say."""
        words: Mapping[str, Any] = self._words.get(language, self._words[DEFAULT])
        return words

    def _render(self, name: str, language: str, values: dict[str, Any]) -> str:
        values = {"language": language, "w": self.words(language), **values}
        names = [name] if name.startswith("pages/") else [f"{language}/{name}", f"{DEFAULT}/{name}"]
        try:
            return self._own.select_template(names).render(values)
        except jinja2.TemplatesNotFound:
            raise
        except Exception as error:  # a site's own template may raise anything
            if self._own is self._shipped:
                raise
            maillog.failed(stage="template", error=f"{name}: {maillog.describe(error)}")
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

    @staticmethod
    def _read(directory: Path, language: str) -> dict[str, Any]:
        path = directory / language / "words.toml"
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def _shipped_words(self, language: str) -> dict[str, Any]:
        return self._read(_SHIPPED, language)


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


def show_size(size: int) -> str:
    """Write a number of bytes for people."""
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    return f"{size:.1f} GB"
