"""Every text of mail and pages is in every catalogue, and people read no text outside the catalogues."""

import re
import runpy
import tomllib
from datetime import UTC
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from holdgate.desk import decision, trial
from holdgate.desk.language.catalogue import LOCALE, PSEUDO, Catalogue, languages
from holdgate.desk.templates import Templates

ROOT = Path(__file__).parents[4]
CATALOGUES = sorted(LOCALE.glob("*.po"))
_FIELD = re.compile(r"\{\w*\}")
TEMPLATES = Templates(Path("/nonexistent"), UTC)


def messages(path: Path) -> list[Message]:
    with path.open("rb") as file:
        return [message for message in read_po(file, locale=path.stem) if message.id]


@pytest.fixture(scope="module")
def wanted() -> set[Any]:
    """The texts of code and templates, as script/translate collects them."""
    collect = runpy.run_path(str(ROOT / "script" / "translate.py"))["collect"]
    return {message.id for message in collect() if message.id}


def forms(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def test_each_language_of_decisions_has_its_words_on_mail_and_pages() -> None:
    words = tomllib.loads((Path(decision.__file__).parent / "words" / "decisions.toml").read_text(encoding="utf-8"))
    assert set(languages()) == set(words)
    for language in languages():
        catalogue = Catalogue(language)
        folded = {choice: [one.casefold() for one in words[language][choice]] for choice in ("approve", "reject")}
        assert catalogue.text("APPROVE").casefold() in folded["approve"]
        for kind, text in (
            ("redact", "APPROVE REDACTED"),
            ("without-attachments", "APPROVE WITHOUT ATTACHMENTS"),
            ("encrypt", "APPROVE ENCRYPTED"),
        ):
            assert decision.decide(catalogue.text(text)).change == kind
        assert catalogue.text("REJECT").casefold() in folded["reject"]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_text_is_translated_with_its_fields(path: Path, wanted: set[Any]) -> None:
    found = messages(path)
    assert {message.id for message in found} == wanted, "run script/translate"
    for message in found:
        fields = set(_FIELD.findall(forms(message.id)[-1]))
        assert not message.fuzzy
        for text in forms(message.string):
            assert text.strip(), f"{path.name}: {message.id!r} has no translation"
            assert set(_FIELD.findall(text)) == fields, f"{path.name}: {text!r} has other fields"


class Seen(HTMLParser):
    """Collects the text of a page that a person sees, or that a screen reader reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in ("aria-label", "placeholder", "title", "alt")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


# Text of the sample mail itself.
_GIVEN = re.compile(
    r"[\w.+-]+@[\w.-]+|https?://\S+|mailto:\S+|\b[\w-]+\.(?:pdf|example)\b|Figures|one\s+(?:> )?two|Title|Text\.|text"
    r"|note|Somebody|\bp\b"
    r"|Account numbers leave only with an approval\.|The message waits for a decision\.|Done\."
    r"|\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b|holdgate release|Waits for you|1 hour left|UTC|123456|words|<>"
)


def untranslated(text: str) -> str:
    """Return the letters of a text that no catalogue has given, nor the made-up mail."""
    while (inner := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = inner
    return "".join(re.findall(r"[^\W\d_]{2,}", _GIVEN.sub(" ", text)))


@pytest.mark.parametrize("less", [False, True])
@pytest.mark.parametrize("name", [*trial.MAIL, *trial.MORE_MAIL])
def test_every_text_of_a_mail_comes_from_the_catalogues(name: str, less: bool) -> None:
    values = trial._with((trial.MAIL | trial.MORE_MAIL)[name], less)
    subject, text, html = TEMPLATES.mail(name, PSEUDO, **values)
    seen = Seen()
    seen.feed(html)
    assert html
    assert untranslated(subject.replace("Re: ", "")) == ""
    assert untranslated(text) == ""
    assert untranslated(" ".join(seen.texts).replace("Re: ", "")) == ""


@pytest.mark.parametrize("less", [False, True])
@pytest.mark.parametrize("name", [*trial.PAGES, *trial.MORE_PAGES])
def test_every_text_of_a_page_comes_from_the_catalogues(name: str, less: bool) -> None:
    page = TEMPLATES.page(name, PSEUDO, **trial._with((trial.PAGES | trial.MORE_PAGES)[name], less))
    seen = Seen()
    seen.feed(page)
    assert untranslated(" ".join(seen.texts)) == ""


def test_the_helper_finds_untranslated_text() -> None:
    assert untranslated("⟦May ⟦it⟧ go?⟧ anna@corp.example 12") == ""
    assert untranslated("⟦May it go?⟧ Size") == "Size"
