"""Escaping in mail and pages, and an administrator's own templates."""

import re
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from prometheus_client import REGISTRY

from holdgate.desk import trial
from holdgate.desk.blocks import HtmlBlocks
from holdgate.desk.cleaning import clean, keep_lines
from holdgate.desk.templates import Templates


def own(directory: Path, name: str, content: str, encoding: str = "utf-8") -> Templates:
    """Return the templates of a site with one custom file."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding=encoding)
    return Templates(directory, UTC)


def errors() -> float:
    """Return how many failures of templates were counted."""
    return REGISTRY.get_sample_value("holdgate_errors_total", {"stage": "template"}) or 0.0


@given(st.text())
def test_cleaned_text_is_one_printable_line_of_the_same_length(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert len(cleaned) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, cleaned, strict=True))


@given(st.text())
def test_cleaned_text_with_kept_lines_has_only_line_feeds(text: str) -> None:
    kept = clean(keep_lines(text))
    assert kept == "\n".join(clean(line) for line in text.split("\n"))


@pytest.mark.parametrize("markup", [Markup("<b>\n\u202e</b>"), Markup("<b></b>")])
def test_cleaned_markup_is_still_markup(markup: Markup) -> None:
    cleaned = clean(markup)
    assert isinstance(cleaned, Markup)
    assert cleaned == markup.replace("\n\u202e", "  ")


def test_a_custom_template_can_keep_lines_in_html_and_they_are_escaped(tmp_path: Path) -> None:
    templates = own(tmp_path, "pages/code.html", "{{ text }}|{{ text | lines }}|{{ text | indent | lines }}")
    page = templates.page("code", "en", text="<b>\n\u202ex")
    assert page == "&lt;b&gt;  x|&lt;b&gt;\n x|&lt;b&gt;\n     x"


@pytest.mark.parametrize(
    ("content", "encoding", "error"),
    [
        ("Subject: Für Sie\n{{ code }}", "latin-1", "UnicodeDecodeError"),
        ("Subject: {{ minutes + 'x' }}\n", "utf-8", "TypeError"),
        ("Subject: {{ minutes // 0 }}\n", "utf-8", "ZeroDivisionError"),
        ("Subject: {{ nobody.knows }}\n", "utf-8", "UndefinedError"),
        ("Subject: {% if %}\n", "utf-8", "line 1: Expected an expression"),
        ("{% extends 'none.txt' %}\n", "utf-8", "TemplateNotFound"),
        ("{% include ['none.txt', 'nor.txt'] %}\n", "utf-8", "TemplatesNotFound"),
    ],
)
def test_a_custom_mail_that_fails_is_logged_and_the_shipped_one_is_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, encoding: str, error: str
) -> None:
    before = errors()
    subject, text, html = own(tmp_path, "en/code.txt", content, encoding).mail("code", "en", code="123", minutes=10)
    assert (subject, html) == ("Your code: 123", "")
    assert "valid for 10 minutes" in text
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"failed: stage=template error=en/code.txt: {error}")
    assert errors() == before + 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ('states = "none"\n', "states: must be a table"),
        ("states.held = 7\n", "states.held: must be a text"),
        ("title_code = { a = 1 }\n", "title_code: must be a text"),
        ('title_code = "{nobody}"\n', "title_code: may contain no field, and no other brace"),
        ('title_code = "{"\n', "title_code: may contain no field, and no other brace"),
        ('step = "{level.real}"\n', "step: may contain {level} and {levels}, and no other brace"),
        ('step = "{level:s}"\n', "step: may contain {level} and {levels}, and no other brace"),
        ("title_code = \n", "Invalid value (at line 1, column 14)"),
        ("title_code = '\u00fc'\n", "UnicodeDecodeError"),
    ],
)
def test_invalid_custom_words_are_reported_and_the_shipped_ones_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, words: str, problem: str
) -> None:
    before = errors()
    templates = own(tmp_path, "en/words.toml", words, "latin-1")
    assert templates.words("en") == Templates(tmp_path / "none", UTC).words("en")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"failed: stage=template error=en/words.toml: {problem}")
    assert errors() == before + 1


def test_valid_custom_words_are_used_despite_an_invalid_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    templates = own(tmp_path, "en/words.toml", 'step = "Step {level}"\nmine = "{}"\nsign_in = 1\ncode = "PIN"\n')
    words = templates.words("en")
    assert (words["step"], words["mine"], words["sign_in"], words["code"]) == ("Step {level}", "{}", "Sign in", "PIN")
    assert len(caplog.records) == 1


def test_a_custom_table_of_words_needs_only_its_changes(tmp_path: Path) -> None:
    templates = own(tmp_path, "de/words.toml", '[states]\nheld = "geparkt"\n')
    states = templates.words("de")["states"]
    assert (states["held"], states["released"]) == ("geparkt", "weitergesandt")
    assert templates.words("en")["states"]["held"] == "waiting"


def test_a_custom_html_template_that_fails_is_replaced_by_the_shipped_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    templates = own(tmp_path, "en/code.html", "{{ 1 // 0 }}")
    subject, _, html = templates.mail("code", "en", code="123", minutes=10)
    assert subject == "Your code: 123"
    assert "Your code to sign in is <span" in html  # the shipped one
    assert [record.getMessage().split()[-3:-2] for record in caplog.records] == [["ZeroDivisionError"]]


def test_a_custom_language_needs_no_template(tmp_path: Path) -> None:
    templates = own(tmp_path, "sv/words.toml", 'sign_in = "Entrer"\n')
    assert "sv" in templates.languages
    assert templates.words("sv")["title_sign_in"] == "Sign in"
    assert templates.words("sv")["sign_in"] == "Entrer"
    assert templates.mail("code", "sv", code="123", minutes=10)[0] == "Your code: 123"


@pytest.mark.parametrize(
    ("language", "more", "unnumbered"), [("en", " and 1 more", "and more"), ("de", " und 1 weitere", "und weitere")]
)
@pytest.mark.parametrize("name", ["request", "decided", "alert"])
def test_a_shortened_list_in_a_mail_states_how_many_are_missing(
    name: str, language: str, more: str, unnumbered: str
) -> None:
    templates = Templates(Path("/nonexistent"), UTC)
    for beyond in (0, 1):
        incident = replace(
            trial.MAIL[name]["incident"],
            recipients=[f"{number}@partner.example" for number in range(20 + beyond)],
            attachments=[{"name": f"{number}.pdf", "size": 1} for number in range(20 + beyond)],
            findings=[{**trial.FINDING, "parts": [f"part {number}" for number in range(5 + 2 * beyond)]}],
        )
        _, text, html = templates.mail(name, language, **{**trial.MAIL[name], "incident": incident})
        for output in (text, re.sub("</?bdi[^>]*>", "", html)) if html else (text,):
            assert ("19@partner.example" + more in output) == bool(beyond)
            assert "20@partner.example" not in output
        if name == "request":
            assert "19.pdf" in text
            assert "<bdi>19.pdf</bdi> (1" in html
            assert (
                f"19.pdf (1 byte) {unnumbered}" if language == "en" else f"19.pdf (1 Byte) {unnumbered}"
            ) in text.replace("\N{NO-BREAK SPACE}", " ") or not beyond
            assert ("and 2 more places" in text or "und 2 weitere Stellen" in text) == bool(beyond)


@pytest.mark.parametrize(("language", "unnumbered"), [("en", "and more"), ("de", "und weitere")])
def test_a_shortened_list_on_a_page_states_how_many_are_missing(language: str, unnumbered: str) -> None:
    templates = Templates(Path("/nonexistent"), UTC)
    for beyond in (0, 1):
        incident = replace(
            trial.PAGES["incident"]["incident"],
            recipients=[f"{number}@partner.example" for number in range(1000)],
            attachments=[{"name": f"{number}.pdf", "size": 1} for number in range(20 + beyond)],
            findings=[{**trial.FINDING, "parts": [f"part {number}" for number in range(4 + 2 * beyond)]}],
        )
        page = templates.page("incident", language, **{**trial.PAGES["incident"], "incident": incident})
        assert ">999@partner.example<" in page  # all recipients
        assert (f'<span class="soft">{unnumbered}</span>' in page) == bool(beyond)
        assert ("and 2 more places" in page or "und 2 weitere Stellen" in page) == bool(beyond)


def test_a_long_file_name_is_wrapped_in_a_mail() -> None:
    """Otherwise the complete mail is as wide as the name, and a phone shows it very small."""
    finding = {**trial.FINDING, "parts": ["x" * 200 + ".xlsx, sheet A, B4"]}
    incident = replace(trial.MAIL["request"]["incident"], findings=[finding])
    _, _, html = Templates(Path("/nonexistent"), UTC).mail(
        "request", "en", **{**trial.MAIL["request"], "incident": incident}
    )
    (head,) = re.findall(r"<h2 style=\"([^\"]*)\">[^<]*x{200}", html)
    assert "overflow-wrap:anywhere" in head
    assert re.search(r'<body[^>]*>\s*<!--.*-->\s*<div style="[^"]*overflow-wrap:break-word', html)


def test_a_hebrew_or_arabic_name_does_not_reverse_the_text_around_it_in_a_mail() -> None:
    """One of them made the list run from the right: "(18 KB)" was after the wrong name, and domains in front."""
    hebrew = "\u05d9\u05d5\u05e1\u05d9"
    incident = replace(
        trial.MAIL["request"]["incident"],
        sender=f"{hebrew}@corp.example",
        header_from=f"{hebrew} & sons <{hebrew}@corp.example>",
        recipients=[f"{hebrew}@partner.example", "bob@partner.example"],
        attachments=[{"name": f"{hebrew}<b>.pdf", "size": 1}, {"name": "a.pdf", "size": 1}],
    )
    templates = Templates(Path("/nonexistent"), UTC)
    written = {}
    for name, values in trial.MAIL.items():
        _, text, written[name] = templates.mail(name, "en", **{**values, "incident": incident})
        assert "bdi" not in text
    for name in set(written) - {"alert", "ask"}:  # they name an address in a sentence, too
        for address in (incident.sender, *incident.recipients):
            assert written[name].count(address) == written[name].count(f'<bdi dir="ltr">{address}</bdi>'), name
    html = written["request"].replace("\N{NO-BREAK SPACE}", " ")
    assert f'<bdi>{hebrew} &amp; sons</bdi> <bdi dir="ltr">{incident.sender}</bdi>' in html
    assert f'<bdi dir="ltr">{incident.recipients[0]}</bdi>, <bdi dir="ltr">bob@partner.example</bdi>' in html
    assert f"<bdi>{hebrew}&lt;b&gt;.pdf</bdi> (1 byte), <bdi>a.pdf</bdi> (1 byte)" in html


@pytest.mark.parametrize(
    ("who", "author"),
    [
        ("anna@corp.example", "Anna"),
        ("Anna@Corp.example", "Anna"),
        ("owner@corp.example", "owner@corp.example"),  # of an application, whose name is not theirs
    ],
)
def test_an_answer_has_the_name_of_the_sender_or_the_address_of_another_person(who: str, author: str) -> None:
    templates = Templates(Path("/nonexistent"), UTC)
    incident = replace(
        trial.MAIL["said"]["incident"], sender="anna@corp.example", header_from="Anna <anna@corp.example>"
    )
    (answer,) = (replace(one, who=who) for one in trial.MAIL["said"]["reasons"])
    for name in ("said", "request"):
        _, text, html = templates.mail(name, "en", **{**trial.MAIL[name], "incident": incident, "reasons": [answer]})
        assert f"{author} writes:" in text
        assert f"{author} writes:" in html
    values = {**trial.PAGES["incident"], "incident": incident, "talk": [answer]}
    assert f"{author} writes:" in templates.page("incident", "en", **values)


def test_three_buttons_of_a_mail_are_below_each_other() -> None:
    """In a row, a phone broke their words: "Empfänge-r"."""
    pairs = [(f"mailto:{name}@corp.example", name, "main") for name in ("one", "two", "three")]
    for count, rows in ((1, 1), (2, 1), (3, 5)):
        html = HtmlBlocks().replies("Or", pairs[:count], "", "")
        assert html.count("<tr>") == html.count("</tr>") == rows
        assert [name in html for _, name, _ in pairs] == [number < count for number in range(3)]
