"""Files that wait run next to files that compute, and the longest begin first."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.order import mixed, ordered


def test_the_longest_files_begin() -> None:
    systemd = ["tests/systemd/test_container.py", "tests/systemd/test_mail_server.py"]
    files = ["tests/docs/test_a.py", "tests/e2e/test_b.py", "tests/faults/test_c.py", *systemd]
    assert ordered(files) == [systemd[1], files[2], systemd[0], files[1], files[0]]


def test_files_that_wait_are_spread_among_the_others() -> None:
    waiting = [f"tests/e2e/test_{number}.py" for number in range(3)]
    computing = [f"tests/unit/test_{number}.py" for number in range(6)]
    assert [file.split("/")[1] for file in ordered(waiting + computing)] == ["e2e", "unit", "unit"] * 3


@given(st.integers(0, 30), st.integers(0, 30))
def test_each_part_of_the_order_has_its_share_of_both_kinds(first: int, second: int) -> None:
    one, other = [("one", number) for number in range(first)], [("other", number) for number in range(second)]
    merged = mixed(one, other)
    assert sorted(merged) == one + other
    assert [item for item in merged if item[0] == "one"] == one
    assert [item for item in merged if item[0] == "other"] == other
    for length in range(len(merged)):
        share = sum(item[0] == "one" for item in merged[:length])
        assert abs(share * (first + second) - length * first) <= first + second


@given(st.lists(st.sampled_from(["tests/e2e/a", "tests/unit/b", "tests/unit/c", "tests/systemd/d"])))
def test_each_file_is_listed_once(files: list[str]) -> None:
    assert sorted(ordered(files)) == sorted(set(files))
