"""The first line by which a sender's reply leaves recipients out, and similar lines that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk.exclusion import WORD, excluded
from holdgate.desk.language.catalogue import Catalogue, languages
from holdgate.desk.reply import read
from holdgate.quarantine.incident import Answer

ANNA = "anna@corp.example"
PEOPLE = ["bob@partner.example", "carol@partner.example", "Dan@partner.example"]
BOB, CAROL, DAN = PEOPLE


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("NOT TO 2", [CAROL]),
        ("not to 2, 3", [CAROL, DAN]),
        ("  Not to: 3;1 \nThey asked for it", [BOB, DAN]),
        ("**NOT TO 2**", [CAROL]),
        ("NOT TO 2.", [CAROL]),
        ("NOT TO dan@partner.example", [DAN]),
        ("NOT TO <CAROL@partner.example> 1", [BOB, CAROL]),
        ("NOT TO 2 2 2", [CAROL]),
        ("NICHT AN 2", [CAROL]),
        ("pas a 2", [CAROL]),
        ("NÃO PARA 2", [CAROL]),
    ],
)
def test_a_line_that_names_recipients(text: str, left_out: list[str]) -> None:
    found = excluded(text, PEOPLE)
    assert found is not None
    assert found[0] == left_out
    assert found[1] == "approve\n" + text.partition("\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NOT TO",
        "NOT TO 0",
        "NOT TO 4",
        "NOT TO 2 and 3",
        "NOT TO 2?",
        "NOT TO everybody",
        "NOT TO 2 but to 3",
        "NOT TODAY 2",
        "NOT TO2",
        "Please NOT TO 2",
        "Do not send it",
        "APPROVE\nNOT TO 2",
        "NOT TO carl@partner.example",
        "NOT TO -1",
        "NOT TO ²",
    ],
)
def test_a_line_that_does_not(text: str) -> None:
    assert excluded(text, PEOPLE) is None


@pytest.mark.parametrize("language", languages())
def test_every_language_has_its_word_and_all_are_understood(language: str) -> None:
    word = Catalogue(language).text(WORD)
    found = excluded(f"{word} 1, 3", PEOPLE)
    assert found is not None
    assert found[0] == [BOB, DAN]


@given(st.text(), st.lists(st.integers(0, 9), max_size=5))
def test_nobody_is_left_out_whom_the_line_does_not_name(text: str, numbers: list[int]) -> None:
    for tried in (text, f"NOT TO {text}", f"NOT TO {', '.join(map(str, numbers))}"):
        found = excluded(tried, PEOPLE)
        if found is not None:
            line = tried.lstrip().partition("\n")[0].lower()
            assert found[0]
            assert all(one.lower() in line or str(PEOPLE.index(one) + 1) in line for one in found[0])


def mail(plain: str, html: str = "") -> bytes:
    top = f"From: {ANNA}\nSubject: Re: Please check\nMIME-Version: 1.0\n"
    if not html:
        return f"{top}\n{plain}\n".encode()
    parts = [("plain", plain), ("html", html)]
    body = "".join(f"--x\nContent-Type: text/{kind}\n\n{text}\n" for kind, text in parts)
    return f'{top}Content-Type: multipart/alternative; boundary="x"\n\n{body}--x--\n'.encode()


@pytest.mark.parametrize(
    ("content", "choice", "left_out", "comment"),
    [
        (mail("NOT TO 2\n\nThey asked for it."), Answer.APPROVE, (CAROL,), "They asked for it."),
        (mail("NOT TO 2\n\n> From: anna\n> approve"), Answer.APPROVE, (CAROL,), ""),
        (mail("NOT TO 2", "<p>NOT TO 2</p>"), Answer.APPROVE, (CAROL,), ""),
        (mail("APPROVE"), Answer.APPROVE, (), ""),
        # What leaves it open leaves out nobody, and sends nothing.
        (mail("NOT TO 2\n\nOr should we wait?"), None, (), ""),
        (mail("NOT TO 2\n\nReject"), None, (), ""),
        (mail("NOT TO 2", "<p>NOT TO 3</p>"), None, (), ""),
        (mail("NOT TO 2", "<p>APPROVE</p>"), None, (), ""),
        (mail("Hello,\n\nNOT TO 2"), None, (), ""),
        (mail("> NOT TO 2"), None, (), ""),
    ],
)
def test_a_reply(content: bytes, choice: Answer | None, left_out: tuple[str, ...], comment: str) -> None:
    found = read(content, ANNA, recipients=PEOPLE)
    assert (found.choice, tuple(found.excluded), found.comment) == (choice, left_out, comment)


def test_a_moderator_s_reply_leaves_nobody_out() -> None:
    assert read(mail("NOT TO 2"), "boss@corp.example").choice is None
