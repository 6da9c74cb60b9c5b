"""Which texts decide and which do not, in every language of the table."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
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
DATA = Path(__file__).parents[2] / "data"
OTHER = {Answer.APPROVE: "reject", Answer.REJECT: "approve"}
deciding = st.sampled_from(DECIDING)


SENTENCES = """
    I approve / I approve. / I APPROVE / i approve this message / I approve this. / I approve it! / We approve.
    I approve, thanks / I approve. Thank you! / I approve, the customer asked for it / I approve this: contract 4711
    Ich genehmige das. / Ich genehmige, danke / Ich gebe die Nachricht frei. / Ich gebe frei
    J'approuve. / J’approuve ce message, merci / Je l'approuve / Nous approuvons
    Lo apruebo. / Apruebo este mensaje, gracias / Lo approvo / Approvo l'invio. Grazie
    Ik keur dit bericht goed. / Ik ga akkoord / Zatwierdzam tę wiadomość. / Aprovo esta mensagem, obrigado
"""
REFUSALS = """
    I reject / I reject this. / I reject it: wrong customer / Ich lehne ab. / Ich lehne die Nachricht ab, danke
    Je refuse. / Je le rejette / Lo rechazo / Lo respingo. / Ik keur dit af / Odrzucam to. / Eu recuso
"""
NEAR_MISSES = """
    I approve of it / I approve of the idea but not of the recipients / I approve the idea / I approved / I'd approve
    I cannot approve / I can't approve this / I do not approve / I would approve / I would approve if it had no number
    I approve if the number goes / I approve, if the number goes / I approve this, but only for Anna / I approve nothing
    I approve only the first / I approve everything except the attachment / I approve, except the attachment
    I approve. But not today. / I approve, pending review / I approve this for Anna / I approve this tomorrow
    I approve Anna's proposal / I approve, do you? / I approve. Do you? / Do I approve / Why would I approve this
    If asked, I approve. / Anna wrote: I approve / "I approve" is what she wrote / I approve and reject / I approve...
    I approve? / I approve this? / I approve or reject / I approve these messages every day / I approve = no
    I approve this not / I approve in principle / I approve that you ask / I reject? / I reject not / I reject nothing
    Ich genehmige nicht / Ich genehmige das nicht / Ich genehmige nur Anna / Ich gebe die Nachricht nicht frei
    Ich genehmige, wenn / Ich genehmige die Nachricht erst morgen / Ich lehne nicht ab / Ich würde genehmigen
    J'approuve pas / Je n'approuve pas / J'approuve si / J'approuve l'idée mais / Je ne refuse pas / D'approuve
    No lo apruebo / Lo apruebo si / Non lo approvo / Approvo solo / Ik ga niet akkoord / Ik ga akkoord als
    Ik keur dit niet goed / Nie zatwierdzam / Eu não aprovo / Eu aprovo se
"""


def listed(table: str) -> list[str]:
    return [one.strip() for line in table.strip().split("\n") for one in line.split(" / ")]


@pytest.mark.parametrize("text", listed(SENTENCES))
def test_a_sentence_that_only_approves_approves(text: str) -> None:
    assert decide(text).choice is Answer.APPROVE
    assert decide(f"Hi,\n\n{text}\n").choice is Answer.APPROVE


@pytest.mark.parametrize("text", listed(REFUSALS))
def test_a_sentence_that_only_rejects_rejects(text: str) -> None:
    assert decide(text).choice is Answer.REJECT


@pytest.mark.parametrize("text", listed(NEAR_MISSES))
def test_a_sentence_with_more_words_is_not_a_decision(text: str) -> None:
    assert decide(text).choice is None


@pytest.mark.parametrize("below", ["the idea", "of it", "nothing", "if you ask", "only the first", "or not", "so far"])
def test_a_sentence_that_continues_on_the_next_line_is_not_a_decision(below: str) -> None:
    for phrase in ("I approve", "I approve this", "Ich genehmige"):
        assert decide(f"{phrase}\n{below}").choice is None
        assert decide(f"{phrase}\nthanks").choice is Answer.APPROVE


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
        "Reject: remove the card number first",
        "Rejected. Delete the number, then send it again.",
        "OK\nApprove",
        "Thanks\napproved",
        "Approved, see contract.pdf",
    ],
)
def test_a_decision_word_on_its_own_decides(text: str) -> None:
    rejects = text.lower().lstrip("* ").startswith(("reject", "ablehn", "abgelehnt", "rifiut", "odrzuc", "refus"))
    assert decide(text).choice is (Answer.REJECT if rejects else Answer.APPROVE)


UNDECIDED = [
    "Approve or reject? I do not know this customer",
    "Approved by whom?",
    "Approve not before Monday",
    "Approve if Bob agrees",
    "Do not approve",
    "Ich genehmige das nicht",
    "approve?",
    "approver",
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
    "Approve? Why would I approve this",
    "Approved?! by me?",
    "Would you approve this\nApprove",
    "Approve only the first attachment",
    "Approved - provided he signs",
    "Approve, I guess",
    "Approve I think",
    "Approve (if Carla agrees)",
    "Approve w/o attachment",
    "Approve, yeah right",
    "Approve. Just kidding.",
    "Approve, lol no",
    "Approved... not",
    "Approved, in your dreams",
    "Approve when pigs fly",
    "Approve. As if.",
    "Approve as soon as the contract is signed",
    "Approve by Monday",
    "Approve from Monday on",
    "Approve on Monday",
    "Approve next week",
    "Approve, with the exception of page 2",
    "Approve minus the salary table",
    "Approve but remove the card number first",
    "Approve. Remove the card number first.",
    "Approve, after removing the number",
    "Approve. First remove the number.",
    "Approve this? No way!",
    "No way. Approve",
    "Approve\nPS: only after the customer has signed",
    "Genehmigt? Von mir sicher nicht",
    "Genehmigt, sobald der Vertrag da ist",
    "Genehmigt, vorausgesetzt Anna stimmt zu",
    "Genehmigen kann ich das nicht",
    "Genehmigt ist das nicht",
    "Freigegeben ab Montag",
    "Freigegeben, ab Montag",
    "Genehmigt am Montag",
    "Genehmigt unter der Bedingung, dass",
    "Genehmigt - unter Vorbehalt",
    "Genehmigen würde ich das nie",
    "Genehmigt, haha",
    "Genehmigt. War nur Spaß.",
    "Genehmigt, schön wär's",
    "Approuvé après correction",
    "Approuvé, à condition que",
    "Approuvé dès lundi",
    "Approuvé, mais sans la pièce jointe",
    "Approuver ? Jamais",
    "Approuvé lundi",
    "Approuvé, je plaisante",
    "Est-ce approuvé ?",
    "Approuvé par qui",
    "Aprobado a partir del lunes",
    "Aprobado, siempre que firme",
    "Aprobado solo el primero",
    "Aprobado el lunes",
    "Aprobado por quién",
    "Aprobado... o no",
    "Aprobado, es broma",
    "Nunca aprobado",
    "Aprobar no, rechazar",
    "Approvato a condizione che firmi",
    "Approvato da lunedì",
    "Approvato? Da chi?",
    "Approvato, scherzo",
    "Approvato salvo conferma",
    "Approvato tranne l'allegato",
    "Mai approvato",
    "Goedgekeurd vanaf maandag",
    "Goedgekeurd, behalve de bijlage",
    "Goedgekeurd door wie",
    "Akkoord?",
    "Akkoord, maar niet voor maandag",
    "Akkoord onder voorbehoud",
    "Niet akkoord",
    "Goedgekeurd, grapje",
    "Zatwierdzam od poniedziałku",
    "Zatwierdzam pod warunkiem",
    "Zatwierdzam, ale bez załącznika",
    "Czy zatwierdzić",
    "Zatwierdzone przez kogo",
    "Zatwierdzam, żartuję",
    "Zatwierdzam w poniedziałek",
    "Aprovado a partir de segunda",
    "Aprovado com ressalvas",
    "Aprovado por quem",
    "Aprovado só o primeiro",
    "Aprovado, brincadeira",
    "Nunca aprovado",
    "Approved - by mistake",
    "Approved in error",
    "Approved: no",
    "Approved = no",
    "Approve: false",
    "Approve: [ ]",
    "Approve [ ]\nReject [x]",
    "☐ Approve\n☑ Reject",
    "Approve ☐",
    "Approve ❌",
    "Approve 👎",
    "❌ Approve",
    "Approve 🚫",
    "Approve 🤔",
    "Approve ;-)",
    "Approve 🙄",
    "Approve 😂",
    "Approve :-(",
    "Approve | Reject",
    "Approve • Reject",
    "Approve, Reject",
    "1. Approve\n2. Reject",
    "Approve\n\nReject\n\nChoose one",
    "approve@corp.example",
    "Approve.pdf",
    "approve, reject or forward",
    "Approve them yourself",
    "Approve yourself",
    "Approved it is not",
    "Approve nothing",
    "Approve none",
    "Approve zero",
    "Approve? ok",
    "Approve at your own risk",
    "Approve! (said nobody ever)",
    "“Approve” is what you want me to say",
    "'Approve' she said",
    "The word is:\nApprove",
    "You say:\nApprove",
    "Anna says approve",
    "Anna wants me to write:\n\nApprove",
    'I will not write "Approve"',
    "To approve, reply\nApprove",
    "Please do not\n\nApprove",
    "I can't\n\napprove",
    "Under no circumstances\n\napprove",
    "I would never\n\nApprove.",
    "Approve\nthe first, reject the second",
    "Approve\n\nWait for Anna first.",
    "Approve. Hold on.",
    "Approve. Wait!",
    "Approve, wait",
    "Approve. Stop!",
    "Approve. Cancel that.",
    "Approve. Ignore this.",
    "Approve. Sorry, wrong mail.",
    "Approve. Oops, I meant the other one",
    "Approve, sorry, I meant the other one",
    "Approved. Wrong button, please disregard",
    "Genehmigt. Moment noch.",
    "Genehmigt. Stopp!",
    "Genehmigt. Bitte ignorieren.",
    "Genehmigt, Irrtum",
    "Genehmigt. Falsche Mail.",
    "Approuvé. Attendez.",
    "Aprobado. Espera.",
    "Approvato. Aspetta.",
    "Goedgekeurd. Wacht.",
    "Zatwierdzam. Czekaj.",
    "Aprovado. Espere.",
    "Reject? ",
    "Reject, or maybe not",
    "Do not reject",
    "Never reject",
    "Don't reject",
    "Nicht ablehnen",
    "Ne pas refuser",
    "No rechazar",
    "Non rifiutare",
    "Niet afwijzen",
    "Nie odrzucać",
    "Não rejeitar",
    "Ablehnen? Warum?",
    "\u200fApprove?\u200f",
    "Approve\u200b?",
    "Ap\u00adprove?",
    "Approve\u00a0?",
    "Аpprove if",
    "Approve؟",
    "Approve ；reject",
    "Approve\nReason: not before Monday",
    "Approve - not by me",
    "Approve\n\nI do not know this customer.",
    "Approve\n\nI have no idea who this is.",
    "Approve\n\nWho is this?",
    "Approve\n\nThat is what I would say if I knew him.",
    "Approve. Never!",
    "Approve. Nope.",
    "Approve. Nein.",
    "Approve. NOT",
    "Approve NOT!",
]


def test_any_other_text_decides_nothing() -> None:
    assert [text for text in UNDECIDED if decide(text).choice is not None] == []


def _replies(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line and not line.startswith("# ")]


def test_an_approval_with_a_restriction_decides_nothing_in_any_language() -> None:
    replies = _replies("replies-undecided.txt")
    assert len(replies) > 1000
    assert [text for text in replies if decide(text).choice is not None] == []


def test_an_approval_with_an_unrestricting_comment_approves() -> None:
    replies = _replies("replies-that-approve.txt")
    assert [text for text in replies if decide(text).choice is not Answer.APPROVE] == []


@pytest.mark.parametrize(
    "text",
    [
        "Approve\n\N{THUMBS DOWN SIGN}",
        "Approve\u037e",
        "Approve.\n\N{VULGAR FRACTION ONE HALF}",
        "Approve.\n-1",
        "Approve. 0",
        "Approve\n50/50",
    ],
)
def test_an_unknown_symbol_in_another_line_decides_nothing(text: str) -> None:
    assert decide(text).choice is None


@pytest.mark.parametrize(
    "below", ["Bob Boss\nHead of Sales", "Bob\nWe make paper since 1900.", "Dr. B. Boss, LL.M.\nCounsel"]
)
def test_a_signature_below_the_word_does_not_prevent_an_approval(below: str) -> None:
    assert decide(f"Approve\n\n{below}").choice is Answer.APPROVE


@given(deciding, st.text(alphabet="bcdfgqxz", min_size=4, max_size=9))
def test_an_approval_with_an_unknown_word_decides_nothing(word: tuple[str, str, Answer], unknown: str) -> None:
    if word[2] is Answer.APPROVE:
        for text in ("{}, {} the contract", "{}. {} the contract.", "{}: {}", "{}\n{} the contract"):
            assert decide(text.format(word[1], unknown)).choice is None, text


@given(
    deciding, st.sampled_from(["", ".", "!", "\n", "\n\nBob", " \n", "."]), st.sampled_from([str, str.upper, str.title])
)
def test_every_decision_word_on_its_own_decides(
    word: tuple[str, str, Answer], end: str, case: Callable[[str], str]
) -> None:
    assert decide(case(word[1]) + end).choice is word[2]


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
@example(("it", "rifiutare", Answer.REJECT), ("de", "ich gebe frei", Answer.APPROVE), ", ")
@example(("en", "approve", Answer.APPROVE), ("nl", "ik keur dit af", Answer.REJECT), ". ")
def test_an_approval_and_a_rejection_together_decide_nothing(
    one: tuple[str, str, Answer], other: tuple[str, str, Answer], between: str
) -> None:
    if one[2] is not other[2]:
        assert decide(f"{one[1]}{between}{other[1]}").choice is None


@given(deciding, st.data())
def test_greetings_and_thanks_do_not_prevent_a_decision(word: tuple[str, str, Answer], data: st.DataObject) -> None:
    table = TABLE[word[0]]
    courtesy = data.draw(st.sampled_from(table["polite"]))
    assert decide(f"{word[1]}, {courtesy}").choice is word[2]
    assert decide(f"{word[1]} {courtesy}").choice is word[2]
    assert closes(data.draw(st.sampled_from(table["closings"])) + ",")
    greeting = data.draw(st.sampled_from(table["greetings"]))
    assert decide(f"{greeting} Holdgate\n{word[1]}").choice is word[2]


@given(st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    decide(text)


@given(st.text(alphabet=st.characters(categories=["Ll", "Zs"]), min_size=1, max_size=30), deciding)
def test_a_decision_word_inside_a_sentence_decides_nothing(text: str, word: tuple[str, str, Answer]) -> None:
    if text.strip() and not decide(text.strip()).choice and not closes(text):
        assert decide(f"x{text} {word[1]} {text}x").choice is None


def test_each_language_has_every_list() -> None:
    assert all(set(words) == set(TABLE["en"]) for words in TABLE.values())
    assert {"en", "de", "fr", "es", "it", "nl", "pl", "pt"} <= set(TABLE)


KINDS = {
    "redacted": "redact",
    "without_attachments": "without-attachments",
    "encrypted": "encrypt",
    "with_answers": "with-answers",
    "one_day": "one-day",
    "one_week": "one-week",
    "thirty_days": "thirty-days",
}
CHANGING = [
    (word, phrase, kind)
    for words in TABLE.values()
    for key, kind in KINDS.items()
    for phrase in words[key]
    for word in words["approve"]
]


def test_a_sentence_after_an_unclear_comment_is_not_a_decision() -> None:
    sentences = {"Approved": "I approve this", "Genehmigt": "Ich genehmige", "Aprobado": "Lo apruebo"}
    for line in _replies("replies-undecided.txt"):
        for word, sentence in sentences.items():
            if line.startswith(word):
                assert decide(line.replace(word, sentence, 1)).choice is None, line


def test_an_approval_word_may_be_followed_by_a_change() -> None:
    assert decide("I approve redacted").change == "redact"
    assert decide("I approve this without attachments.").change == "without-attachments"
    wrong = {}
    for word, phrase, kind in CHANGING:
        for text in (f"{word} {phrase}", f"{word.upper()} {phrase.upper()}.", f"Hi,\n\n{word} {phrase}\n\nThanks"):
            found = decide(text)
            if (found.choice, found.change) != (Answer.APPROVE, kind):
                wrong[text] = found
    assert wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        "Approve redacted?",
        "Approve redacted if possible",
        "Approve redacted and encrypted",
        "Approve redacted.\nApprove",
        "Approve redacted.\nApprove encrypted.",
        "Approve redacted\nReject",
        "Approve, redacted",
        "Approve: redacted",
        "Approve without attachment B",
        "Approve without",
        "Approve not redacted",
        "Approve geschwärzt",
        "Genehmigt redacted",
        "Reject redacted",
        "Reject without attachments",
        "Redacted",
        "Approve redacted/encrypted",
        "Approve redacted or reject",
        "Approve redacted tomorrow",
        "Approve\nredacted",
        "Approve. Redacted, please.",
        "Approve for one week?",
        "Approve for one year",
        "Approve for one week only if they sign",
        "Approve for one week. Approve",
        "Approve for one week. Approve redacted",
        "Approve for two weeks",
        "Approve for one",
        "Approve with answers and attachments",
        "Reject for one week",
        "Approve not for one week",
        "Approve redacted for one week",
        "For one week",
    ],
)
def test_a_change_with_other_words_decides_nothing(text: str) -> None:
    assert decide(text).choice is None, decide(text)


def test_a_comment_may_follow_a_change() -> None:
    found = decide("Approve redacted. This is our contract.")
    assert (found.choice, found.change, found.rest.strip()) == (Answer.APPROVE, "redact", "This is our contract.")


@given(deciding, st.sampled_from(CHANGING))
def test_no_text_approves_with_a_change_that_it_does_not_name(
    word: tuple[str, str, Answer], other: tuple[str, str, str]
) -> None:
    assert decide(word[1]).change == ""
    assert decide(other[1]).choice is None
