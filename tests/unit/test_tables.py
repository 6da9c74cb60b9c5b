"""Postfix's tables, with the real postmap."""

from pathlib import Path

import pytest

from holdgate.tables import TableError, Tables, is_action


@pytest.mark.parametrize(
    ("answer", "action", "is_reported"),
    [
        ("HOLD", "HOLD", True),
        ("hold", "HOLD", True),
        ("Hold seen by a scanner", "HOLD", True),
        ("HOLDING", "HOLD", False),
        ("WARN HOLD", "HOLD", False),
        ("", "HOLD", False),
        (None, "HOLD", False),
        ("FILTER crypt:[gateway.corp.example]", "FILTER crypt:[gateway.corp.example]", True),
        ("filter  crypt:[gateway.corp.example]", "FILTER crypt:[gateway.corp.example]", True),
        ("FILTER crypt:[gateway.corp.example]:25", "FILTER crypt:[gateway.corp.example]", False),
        ("FILTER", "FILTER crypt:[gateway.corp.example]", False),
    ],
)
def test_an_action_is_parsed_like_postfix_does(answer: str | None, action: str, is_reported: bool) -> None:
    assert is_action(answer, action) == is_reported


@pytest.mark.postfix
def test_the_first_table_with_the_key_answers(tmp_path: Path) -> None:
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    (tmp_path / "other").write_text("/^X-Other:/ WARN\n")
    other, known = f"regexp:{tmp_path}/other", f"regexp:{tmp_path}/known"
    (tmp_path / "known").write_text("/^X-/ HOLD seen\n")
    tables = Tables(tmp_path)
    assert tables.first_answer([other, known], "X-Mine: 1") == "HOLD seen"
    assert tables.first_answer([other, known], "X-Other: 1") == "WARN"
    assert tables.first_answer([other, known], "Subject: 1") is None
    assert tables.first_answer([], "X-Mine: 1") is None
    assert tables.first_answer([known, "regexp:/nonexistent/table"], "X-Mine: 1") == "HOLD seen"
    with pytest.raises(TableError, match="/nonexistent/table"):
        tables.first_answer(["regexp:/nonexistent/table", known], "X-Mine: 1")
