"""What is made harmless in mail and pages, and what becomes of an administrator's own templates."""

from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from holdgate.desk.templates import Templates, clean, keep_lines


@given(st.text())
def test_what_is_cleaned_is_one_line_of_as_many_printable_characters(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert len(cleaned) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, cleaned, strict=True))


@given(st.text())
def test_of_what_does_not_print_kept_lines_have_line_feeds_alone(text: str) -> None:
    kept = clean(keep_lines(text))
    assert kept == "\n".join(clean(line) for line in text.split("\n"))


@pytest.mark.parametrize("markup", [Markup("<b>\n\u202e</b>"), Markup("<b></b>")])
def test_markup_stays_markup(markup: Markup) -> None:
    cleaned = clean(markup)
    assert isinstance(cleaned, Markup)
    assert cleaned == markup.replace("\n\u202e", "  ")


def test_an_own_template_may_keep_lines_in_html_too_and_they_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "code.html").write_text("{{ text }}|{{ text | lines }}|{{ text | indent | lines }}")
    page = Templates(tmp_path, UTC).page("code", "en", text="<b>\n\u202ex")
    assert page == "&lt;b&gt;  x|&lt;b&gt;\n x|&lt;b&gt;\n     x"
