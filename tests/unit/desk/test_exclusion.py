"""The first line by which a reply leaves recipients out, and similar lines that do not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk import exclusion
from holdgate.desk.decision import decide
from holdgate.desk.exclusion import WORD, excluded
from holdgate.desk.language.catalogue import Catalogue, languages
from holdgate.desk.reply import read
from holdgate.mask import mask_numbers
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
        # Mail programs wrap long lines, and Outlook writes a link after an address.
        (f"NOT TO {BOB},\n{CAROL}", [BOB, CAROL]),
        (f"NOT TO {BOB}\n{CAROL}, 3\nThey asked for it", [BOB, CAROL, DAN]),
        (f"NOT TO {BOB}<mailto:{BOB}>", [BOB]),
    ],
)
def test_a_line_that_names_recipients_excludes_them(text: str, left_out: list[str]) -> None:
    found = excluded(text, PEOPLE)
    assert found is not None
    assert found[0] == left_out
    approving, _, rest = found[1].partition("\n")
    assert decide(approving).choice is Answer.APPROVE
    assert rest == ("They asked for it" if "They" in text else "")


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
        # Another recipient in the rest could have been meant too.
        f"NOT TO {BOB}\n\n{CAROL}",
        f"NOT TO {BOB}\n- {CAROL.upper()}",
        f"NOT TO {BOB}\nand {CAROL}",
        f"**NOT TO {BOB},\n{CAROL}**",
        f"NOT TO {BOB},\n{CAROL}<mailto:{DAN}>",
        f"NOT TO {BOB}<mailto:{CAROL}>",
        "NOT TO 1\nAnd 3.",
        "NOT TO 1, 2\nand 3",
        # No approving word is before it.
        "REJECT NOT TO 2",
        "Approve? NOT TO 2",
        "Approve, but NOT TO 2",
        "Do not approve NOT TO 2",
        "Approve for Bob NOT TO 2",
    ],
)
def test_a_line_without_recipients_excludes_none(text: str) -> None:
    assert excluded(text, PEOPLE) is None


@pytest.mark.parametrize(
    ("line", "left_out", "approval"),
    [
        (f"NOT TO {BOB}", [BOB], "APPROVE"),
        (f"APPROVE NOT TO {BOB.upper()}, {CAROL}", [BOB, CAROL], "APPROVE"),
        (f"Approve redacted not to: {DAN}", [DAN], "Approve redacted"),
        (f"Freigeben, nicht an {DAN}", [DAN], "Freigeben"),
        ("NOT TO 2", None, ""),  # the request does not number them
        (f"NOT TO {BOB} 2", None, ""),
    ],
)
def test_a_moderator_excludes_recipients_by_address_only(line: str, left_out: list[str] | None, approval: str) -> None:
    found = excluded(f"{line}\n\n2 of them know.", PEOPLE, numbered=False)
    assert found == (None if left_out is None else (left_out, f"{approval}\n\n2 of them know."))


def test_an_address_with_a_long_number_is_accepted_in_full_or_masked() -> None:
    shown = mask_numbers("customer-1234567890@partner.example")
    assert "*" in shown
    for line in (f"NOT TO customer-1234567890@partner.example, {BOB}", f"NOT TO {BOB}\n{shown}"):
        found = excluded(line, [BOB, shown, DAN], numbered=False)
        assert found is not None
        assert found[0] == [BOB, shown]


@pytest.mark.parametrize("rest", ["", "7 days were agreed.", "They paid 2.5 million, see 2026-03-02.", "\nBob"])
def test_numbers_that_match_no_recipient_are_a_comment(rest: str) -> None:
    found = excluded(f"NOT TO 2\n{rest}", PEOPLE)
    assert found == ([CAROL], f"APPROVE\n{rest}")


def test_the_address_of_the_writer_in_a_signature_excludes_no_recipient() -> None:
    text = f"NOT TO 1\n\nAnna\n{ANNA}"
    assert excluded(text, [*PEOPLE, ANNA]) is None
    assert excluded(text, [*PEOPLE, ANNA], own=[ANNA]) == ([BOB], f"APPROVE\n\nAnna\n{ANNA}")
    assert read(mail("NOT TO 1\n\nAnna\n" + ANNA), ANNA, recipients=[*PEOPLE, ANNA]).excluded == (BOB,)


@pytest.mark.parametrize("language", languages())
def test_every_language_has_an_exclusion_word_and_all_are_recognised(language: str) -> None:
    word = Catalogue(language).text(WORD)
    found = excluded(f"{word} 1, 3", PEOPLE)
    assert found is not None
    assert found[0] == [BOB, DAN]
    assert decide(found[1]).choice is Answer.APPROVE


@given(st.text(), st.lists(st.integers(0, 9), max_size=5))
def test_only_named_recipients_are_excluded(text: str, numbers: list[int]) -> None:
    for tried in (text, f"NOT TO {text}", f"NOT TO {', '.join(map(str, numbers))}"):
        found = excluded(tried, PEOPLE)
        if found is not None:
            line = tried.lower()
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
        # An unclear reply removes no recipient and sends nothing.
        (mail("NOT TO 2\n\nOr should we wait?"), None, (), ""),
        (mail("NOT TO 2\n\nReject"), None, (), ""),
        (mail("NOT TO 2", "<p>NOT TO 3</p>"), None, (), ""),
        (mail("NOT TO 2", "<p>APPROVE</p>"), None, (), ""),
        (mail("Hello,\n\nNOT TO 2"), None, (), ""),
        (mail("> NOT TO 2"), None, (), ""),
    ],
)
def test_a_reply_with_exclusions_is_parsed(
    content: bytes, choice: Answer | None, left_out: tuple[str, ...], comment: str
) -> None:
    found = read(content, ANNA, recipients=PEOPLE)
    assert (found.choice, tuple(found.excluded), found.comment) == (choice, left_out, comment)


def test_numbers_decide_nothing_if_the_request_had_none() -> None:
    assert read(mail("NOT TO 2"), "boss@corp.example", recipients=PEOPLE, numbered=False).choice is None


def test_a_change_and_recipients_are_chosen_together() -> None:
    found = read(mail(f"APPROVE REDACTED NOT TO {CAROL}\n\nThis is agreed."), "boss@corp.example", recipients=PEOPLE)
    assert (found.choice, found.change, found.excluded) == (Answer.APPROVE, "redact", (CAROL,))
    assert found.comment == "This is agreed."


@given(st.lists(st.sampled_from(["a", "B", "@", "<mailto:", ">", "a@b", "A@b", " "]), max_size=9).map("".join))
def test_mailto_links_to_the_same_address_are_removed(text: str) -> None:
    """The search is a quick form of this pattern, which takes cubic time for a long word."""
    expected = re.sub(r"([^\s<>,;]+@[^\s<>,;]+)<mailto:\1>", r"\1", text, flags=re.IGNORECASE)
    assert exclusion._LINK.sub(exclusion._unlinked, text) == expected


@given(st.text(alphabet=" .*„a", max_size=9))
def test_symbols_around_a_line_are_removed(line: str) -> None:
    """The patterns are quick forms of this one, which takes quadratic time for a run of signs."""
    expected = re.sub(r"^[\s*_\"'`“”„«»]+|[\s*_\"'`“”«».]+$", "", line)
    assert exclusion._SIGNS_AFTER.sub("", exclusion._SIGNS_BEFORE.sub("", line)) == expected


@pytest.mark.parametrize("line", ["@" * 200_000, "a" + "." * 200_000 + "a", "a@b" + "<mailto:" * 50_000])
def test_a_long_line_excludes_no_recipient(line: str) -> None:
    assert excluded(line, PEOPLE) is None
