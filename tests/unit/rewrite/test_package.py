"""Cells of a sheet are stored after masking as by patterns over the whole sheet, but in linear time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.rewrite import package
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.markup import XML_MASK

FORMULA = re.compile(r"<f\b([^>]*?)(?:/>|>.*?</f>)", re.DOTALL)


def by_patterns(source: str) -> tuple[str, bool] | None:
    """Return what `_cells` returns, None if it refuses, by patterns that take quadratic time."""
    dropped = False

    def fix(found: re.Match[str]) -> str:
        nonlocal dropped
        whole = found[0]
        value = re.search(r"<v\b[^>]*>([^<]*)</v>", whole)
        formula = FORMULA.search(whole)
        if XML_MASK not in (value[1] if value else "") and not (formula and XML_MASK in formula[0]):
            return whole
        start = whole.index(">") + 1
        head, rest = whole[:start], whole[start:]
        kind = re.search(r"\st=\"([^\"]*)\"", head)
        if formula:
            if 't="' in formula[1]:
                raise RefusedError("a", "format")
            rest, dropped = FORMULA.sub("", rest), True
        if kind is None or kind[1] not in ("s", "str", "inlineStr"):
            head = re.sub(r"\st=\"([^\"]*)\"", "", head)[:-1] + ' t="str">'
        return head + rest

    try:
        return re.sub(r"<c\b[^>]*(?<!/)>.*?</c>", fix, source, flags=re.DOTALL), dropped
    except RefusedError:
        return None


def by_package(source: str) -> tuple[str, bool] | None:
    try:
        return package._cells(source, "a")
    except RefusedError:
        return None


formulas = st.sampled_from(["", "<f>A1</f>", "<f/>", f'<f a="1">"{XML_MASK}"</f>', '<f t="shared" si="0"/>'])
values = st.sampled_from(["", "<v/>", "<v>1</v>", f"<v>{XML_MASK}</v>", f'<v a="b">x{XML_MASK}</v>'])
cells = st.builds(
    lambda kind, formula, value: f'<c r="A1"{kind}>{formula}{value}</c>',
    st.sampled_from(["", ' t="n"', ' t="s"', ' t="str"', ' s="1" t="b"']),
    formulas,
    values,
)
others = st.sampled_from(['<c r="B1"/>', "<row>", "</row>", "<cols><col/></cols>", "text", XML_MASK, "<row/>"])


@given(st.lists(cells | others, max_size=8).map("".join))
def test_cells_are_read_as_by_regular_expressions(source: str) -> None:
    assert by_package(source) == by_patterns(source)


@given(st.lists(st.sampled_from(["<c>", "</c>", "<c/>", "<f>", "</f>", "<f/>", XML_MASK, "<v>", "</v>"]), max_size=12))
def test_any_cells_are_read_without_another_exception(tags: list[str]) -> None:
    source = "".join(tags)
    found = by_package(source)
    assert found is None or source.count(XML_MASK) >= found[0].count(XML_MASK)


@pytest.mark.parametrize(
    "piece", ["<c>", "<c ", "<c><f>", f"<c>{XML_MASK}<f>", "<v", f"<c>{XML_MASK}<v>", "<c/>", "</c>"]
)
def test_unfinished_cells_take_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        source = f"<c>{XML_MASK}{piece * count}</c>{piece * count}"
        begun = time.process_time()
        by_package(source)
        return time.process_time() - begun

    seconds(100)
    assert min(seconds(24_000) for _ in range(3)) < 12 * min(seconds(4_000) for _ in range(3)) + 0.01


def test_a_chain_of_calculations_is_removed_from_the_lists() -> None:
    kept = b'<Types><Override PartName="/xl/workbook.xml"/></Types>'
    assert package._without_chain(kept.replace(b"<Types>", b'<Types><Override PartName="/xl/calcChain.xml"/>')) == kept
    assert package._without_chain(b"<Override calcChain" * 3) == b"<Override calcChain" * 3


@given(
    st.lists(st.sampled_from(["thumbnail", "Thumbnails/", ".png", ".JPEG", "/", "x", ".jpg"]), max_size=8).map("".join)
)
def test_a_thumbnail_is_that_of_the_pattern(path: str) -> None:
    expected = re.search(r"thumbnail[^/]*\.(jpe?g|png)\Z", path, re.IGNORECASE)
    assert package._is_thumbnail(path) is (expected is not None)
