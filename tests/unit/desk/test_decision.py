"""Which texts decide, and which do not: the kind is a word that stands alone, in every language of the table."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdgate.desk.decision
from holdgate.desk.decision import closes, decide
from holdgate.quarantine.incident import Answer

TABLE = tomllib.loads(Path(holdgate.desk.decision.__file__).with_name("words").joinpath("decisions.toml").read_text())
DECIDING = [
    (language, word, Answer(choice))
    for language, words in TABLE.items()
    for choice in ("approve", "reject")
    for word in words[choice]
]
OTHER = {Answer.APPROVE: "reject", Answer.REJECT: "approve"}
deciding = st.sampled_from(DECIDING)


@pytest.mark.parametrize(
    "text",
    [
        "Approve",
        "Approve.",
        "Approved, thanks",
        "Genehmigen\n\nGrüße",
        "reject: wrong customer",
        "APPROVED, go ahead",
        "Approve.\n\nThanks",
        "*Reject*",
        "Ablehnen – bitte über das Portal",
        "Hi,\n\nApprove\n\nThanks",
        "Hallo zusammen\nGenehmigt.",
        "I have no objections.\nApproved.",
        "Approved!",
        "approve\nfine",
        "reject\nNo.",
        "Reject. Not our customer.",
        "Approuvé, merci",
        "Aprobado, gracias",
        "Approvato. Grazie",
        "Akkoord, bedankt",
        "Zatwierdzam, dziękuję",
        "Aprovado, obrigado pelo envio",
        "Rejected, because this is not allowed",
        '"Approve"',
        "Approved thank you",
        "✅ Approve",
        "Approve 👍",
        "Freigabe erteilt",
        "Genehmigt, danke!",
        "Approve - go ahead",
        "I read it. Approved.",
        "Abgelehnt, das ist der falsche Kunde",
        "Rifiutato: cliente sbagliato",
        "Odrzucam: zły klient",
        "Reject: this is not our customer",
        "Refusé : mauvais client",
        "Sehr geehrte Damen und Herren,\n\ngenehmigt",
        "Approved, see https://x.example/?a=1",
        "Approve: the customer asked for it",
        "reject, please use the portal",
        "Rejected. Please ask Anna to send it by the portal.",
    ],
)
def test_a_word_that_stands_alone_decides(text: str) -> None:
    rejects = text.lower().lstrip("* ").startswith(("reject", "ablehn", "abgelehnt", "rifiut", "odrzuc", "refus"))
    assert decide(text).choice is (Answer.REJECT if rejects else Answer.APPROVE)


@pytest.mark.parametrize(
    "text",
    [
        "Approve or reject? I do not know this customer",
        "Approved by whom?",
        "Approve not before Monday",
        "Approve if Bob agrees",
        "Do not approve",
        "Ich genehmige das nicht",
        "approve?",
        "approver",
        "I approve",
        "approve-ish",
        "yes",
        "",
        "Approve, not before Monday",
        "Approve.\nNot before Monday",
        "Approve\n\nbut only if the customer confirms",
        "Approve/reject",
        "Approve / Reject",
        "[ ] Approve\n[ ] Reject",
        "[ ] Approve",
        "Approve, reject",
        "approve\nor\nreject?",
        "Approve\n?",
        "I do not\napprove",
        "Should we\napprove",
        "Approve later",
        "Approve tomorrow",
        "Approved – not!",
        "Approve...",
        "Approve…",
        "Approve. Really?",
        "Not approved.",
        "Reject? No, approve.",
        "Genehmigen? Ablehnen?",
        "Genehmigt von wem",
        "Genehmigt, wenn Anna zustimmt",
        "Genehmigt nur für Bob",
        "Approuver si le client confirme",
        "Approuvé ?",
        "Aprobar o rechazar",
        "¿Aprobar?",
        "No aprobado",
        "Approvato, ma non prima di lunedì",
        "Approvare o rifiutare",
        "Goedkeuren of afwijzen?",
        "Goedgekeurd, mits Anna akkoord is",
        "Niet goedkeuren",
        "Zatwierdzić czy odrzucić",
        "Nie zatwierdzam",
        "Zatwierdzam, jeśli klient potwierdzi",
        "Aprovado, desde que o cliente confirme",
        "Não aprovado",
        "Reject?",
        "Reject or approve",
        "reject if he is not a customer",
        "Reject\nApprove",
        "Approve\nReject",
        "Disapproved",
        "unapproved",
        "Reject.\nActually, approve.",
        "Approve, aber nicht vor Montag",
        "Approved\nby whom",
        "Approve what",
        "Genehmigen oder nicht",
        "Genehmigt?? Was ist das",
        "Shall I approve",
        "Please approve",
        "approve this",
        "(approve)",
        "> approve",
        "~~Approve~~",
        "Approve. Unless Carla objects.",
        "If Carla agrees,\napprove",
        "Approve (not yet)",
        "Approve: or not?",
        "Reject, if Carla agrees",
        "Reject, not yet",
        "Approve unless",
        "Approve, subject to legal review",
        "Approve the first only",
        "Refuser ou approuver",
        "J'approuve pas",
        "Approuvé sous réserve",
        "Approuvé, sous réserve de vérification",
        "Rechazar si no",
        "Rechazar, o aprobar",
        "Genehmigt.\nOder doch nicht",
    ],
)
def test_everything_else_is_left_open(text: str) -> None:
    assert decide(text).choice is None


@given(
    deciding, st.sampled_from(["", ".", "!", "\n", "\n\nBob", " \n", "."]), st.sampled_from([str, str.upper, str.title])
)
def test_every_word_decides_alone(word: tuple[str, str, Answer], end: str, case: object) -> None:
    assert decide(case(word[1]) + end).choice is word[2]  # type: ignore[operator]


@given(deciding, st.sampled_from(["?", " ?", "?!", "…", "...", "/", "？", " (?)", "-ish"]))
def test_a_question_or_a_hesitation_decides_nothing(word: tuple[str, str, Answer], end: str) -> None:
    assert decide(word[1] + end).choice is None
    assert decide(f"Hello,\n\n{word[1]}{end}\n\nBob").choice is None


@given(deciding, st.data())
def test_a_negation_before_the_word_decides_nothing(word: tuple[str, str, Answer], data: st.DataObject) -> None:
    negation = data.draw(st.sampled_from(TABLE[word[0]]["negations"]))
    assert decide(f"{negation} {word[1]}").choice is None
    assert decide(f"{word[1]} {negation}").choice is None


@given(deciding, st.data())
def test_a_condition_or_a_limit_decides_nothing(word: tuple[str, str, Answer], data: st.DataObject) -> None:
    doubt = data.draw(st.sampled_from(TABLE[word[0]]["doubts"]))
    for text in ("{} {} Monday", "{}, {} Anna", "{}.\n{} Anna", "{}; {} x y z"):
        assert decide(text.format(word[1], doubt)).choice is None, text


@given(deciding, deciding, st.sampled_from([" or ", "/", ", ", "\n", ". ", " ", " – ", "\n\n"]))
def test_both_words_decide_nothing(one: tuple[str, str, Answer], other: tuple[str, str, Answer], between: str) -> None:
    if one[2] is not other[2]:
        assert decide(f"{one[1]}{between}{other[1]}").choice is None


@given(deciding, st.data())
def test_thanks_and_a_close_change_nothing(word: tuple[str, str, Answer], data: st.DataObject) -> None:
    table = TABLE[word[0]]
    polite = data.draw(st.sampled_from(table["polite"]))
    assert decide(f"{word[1]}, {polite}").choice is word[2]
    assert decide(f"{word[1]} {polite}").choice is word[2]
    assert closes(data.draw(st.sampled_from(table["closings"])) + ",")
    greeting = data.draw(st.sampled_from(table["greetings"]))
    assert decide(f"{greeting} Holdgate\n{word[1]}").choice is word[2]


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    decide(text)


@given(st.text(alphabet=st.characters(categories=["Ll", "Zs"]), min_size=1, max_size=30), deciding)
def test_a_word_inside_a_sentence_decides_nothing(text: str, word: tuple[str, str, Answer]) -> None:
    if text.strip() and not decide(text.strip()).choice and not closes(text):
        assert decide(f"x{text} {word[1]} {text}x").choice is None


def test_each_language_has_every_list() -> None:
    assert all(set(words) == set(TABLE["en"]) for words in TABLE.values())
    assert {"en", "de", "fr", "es", "it", "nl", "pl", "pt"} <= set(TABLE)
