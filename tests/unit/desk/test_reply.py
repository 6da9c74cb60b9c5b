from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk.moderation import COMMENT_LENGTH
from holdgate.desk.reply import Kind, decision, read
from holdgate.quarantine.incident import Answer

BOSS = "boss@corp.example"


def mail(text: str = "approve\n", html: str = "", **fields: str) -> bytes:
    message = EmailMessage()
    message["From"] = f"The Boss <{BOSS}>"
    message["Subject"] = "Re: Approval needed: Figures"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    if html:
        message.set_content(html, subtype="html")
    else:
        message.set_content(text)
    return message.as_bytes()


@pytest.mark.parametrize(
    ("text", "choice", "comment"),
    [
        ("approve", Answer.APPROVE, ""),
        ("Approve.\n\nThanks", Answer.APPROVE, "Thanks"),
        ("Approve\n\nFine", Answer.APPROVE, "Fine"),
        ("Approve\n\nAnna", Answer.APPROVE, ""),
        ("Genehmigt\n\nPasst", Answer.APPROVE, "Passt"),
        ("APPROVED, go ahead", Answer.APPROVE, "go ahead"),
        ("\n\n  reject: use the portal\nplease\n", Answer.REJECT, "use the portal\nplease"),
        ("*Reject*\n", Answer.REJECT, ""),
        ("Freigeben\n", Answer.APPROVE, ""),
        ("Ablehnen – bitte über das Portal", Answer.REJECT, "bitte über das Portal"),
        ("approve\n\nOn Mon, 23 Nov 2026 Holdgate wrote:\n> reject\n", Answer.APPROVE, ""),
        ("approve\n\nAm 23.11.2026 um 14:00 schrieb Holdgate <h@corp.example>:\n> x", Answer.APPROVE, ""),
        ("reject\nNo.\n-- \nThe Boss\n", Answer.REJECT, "No."),
        ("reject\n-----Original Message-----\nFrom: h", Answer.REJECT, ""),
        ("reject\n________________________________\nVon: Holdgate", Answer.REJECT, ""),
        ("reject\nFrom: Holdgate <h@corp.example>\nSent: Monday", Answer.REJECT, ""),
        # Near misses: nothing is decided by a guess.
        ("approve?", None, ""),
        ("approver", None, ""),
        ("I approve", Answer.APPROVE, ""),
        ("I approve of", None, ""),
        ("do not approve", None, ""),
        ("approve-ish", None, ""),
        ("yes", None, ""),
        ("", None, ""),
        ("> approve\n", None, ""),
        ("On Mon, 23 Nov 2026 Holdgate wrote:\n> approve\n", None, ""),
        ("-- \napprove", None, ""),
    ],
)
def test_the_first_word_decides_and_the_rest_of_the_new_text_is_the_comment(
    text: str, choice: Answer | None, comment: str
) -> None:
    assert decision(text) == (choice, comment)


@given(st.text())
def test_any_text_gives_a_decision_or_none(text: str) -> None:
    choice, comment = decision(text)
    assert choice is not None or comment == ""
    assert len(comment) <= COMMENT_LENGTH
    assert all(character.isprintable() or character == "\n" for character in comment)


@given(st.text(alphabet=st.characters(exclude_characters="\r")))
def test_quoted_text_never_decides(text: str) -> None:
    quoted = "\n".join(f"> {line}" for line in ["approve", *text.split("\n")])
    assert decision(quoted) == (None, "")
    assert decision(f"reject\n\n{quoted}")[0] is Answer.REJECT


def test_a_reply_of_a_person_is_a_decision() -> None:
    reply = read(mail(In_Reply_To="<a@x>", References="<b@x> <a@x>"), BOSS)
    assert (reply.kind, reply.choice, reply.senders) == (Kind.DECISION, Answer.APPROVE, [BOSS])
    assert reply.references == ["<a@x>", "<b@x>", "<a@x>"]
    assert read(mail("Who is that?"), BOSS).kind is Kind.UNCLEAR


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><style>x</style></head><body><div>Approve</div><blockquote>reject</blockquote></body></html>",
        "<p>approve<br>fine</p><div class='gmail_quote'>reject</div>",
        "<div>approve</div><div id='divRplyFwdMsg'>From: x</div>",
    ],
)
def test_html_is_read_if_there_is_no_plain_text(html: str) -> None:
    reply = read(mail(html=html), BOSS)
    assert reply.choice is Answer.APPROVE
    assert "reject" not in reply.comment


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; owner-email=x"},
        {"Precedence": "auto_reply"},
        {"X_Autoreply": "yes"},
    ],
)
def test_automatic_replies_never_decide(fields: dict[str, str]) -> None:
    reply = read(mail("approve", **fields), BOSS)
    assert (reply.kind, reply.choice) == (Kind.AUTOMATIC, None)


def test_auto_submitted_no_counts_as_a_person() -> None:
    assert read(mail(Auto_Submitted="no"), BOSS).kind is Kind.DECISION


def test_old_autoresponders_are_recognised_by_their_subject() -> None:
    content = mail("approve").replace(b"Subject: Re:", b"Subject: Out of office: Re:")
    assert read(content, BOSS).kind is Kind.AUTOMATIC


def report(action: str) -> bytes:
    return (
        b"From: MAILER-DAEMON\r\nAuto-Submitted: auto-replied\r\nContent-Type: multipart/report;"
        b' report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\napprove\r\n--b\r\n'
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; x@y\r\n"
        b"Action: %s\r\nStatus: 5.1.1\r\n\r\n--b--\r\n" % action.encode()
    )


def test_bounces_and_other_reports_are_distinguished() -> None:
    assert read(report("failed"), "").kind is Kind.BOUNCE
    assert read(report("Failed"), "").kind is Kind.BOUNCE
    assert read(report("delayed"), "").kind is Kind.DELAYED
    assert read(report("delivered"), "").kind is Kind.DELAYED
    assert (
        read(report("failed").replace(b"delivery-status; b", b"disposition-notification; b"), "").kind is Kind.DELAYED
    )
    assert read(mail("Your mail could not be delivered"), "").kind is Kind.BOUNCE


@given(st.binary(max_size=2000))
def test_any_bytes_can_be_parsed(content: bytes) -> None:
    read(content, BOSS)


@given(st.text(max_size=200))
def test_any_header_can_be_parsed(value: str) -> None:
    content = f"From: {value}\r\nAuto-Submitted: {value}\r\nReferences: {value}\r\n\r\napprove\r\n"
    read(content.encode(errors="replace"), BOSS)


@pytest.mark.slow
def test_a_reply_of_10_mb_is_read_only_at_its_beginning_and_decides_nothing() -> None:
    assert read(mail("approve: " + "x" * 10_000_000), BOSS).kind is Kind.UNCLEAR
    # Below the quotation nothing of this size is the person's own.
    assert read(mail("approve\n" + "> x\n" * 2_000_000), BOSS).choice is Answer.APPROVE


def test_a_long_comment_is_cut() -> None:
    reply = read(mail("reject: " + "x" * 7000), BOSS)
    assert (reply.choice, len(reply.comment)) == (Answer.REJECT, COMMENT_LENGTH)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        (b"=?utf-8?B?UsOpcG9uc2UgYXV0b21hdGlxdWUgOiBGaWd1cmVz?=", Kind.AUTOMATIC),
        (b"=?iso-8859-1?Q?R=E9ponse_automatique_=3A?= Figures", Kind.AUTOMATIC),
        (b"=?utf-8?Q?Automatische_?=\r\n =?utf-8?Q?Antwort=3A_Zahlen?=", Kind.AUTOMATIC),
        ("Réponse automatique : Figures".encode(), Kind.AUTOMATIC),
        (b"=?utf-8?Q?Re=3A_Freigabe_n=C3=B6tig=3A_Abwesenheit?=", Kind.DECISION),
        (b"=?no-such-charset?Q?Abwesenheit?=", Kind.DECISION),
        (b"=?utf-8?B?!?=", Kind.DECISION),
        (b"\xff\xfe", Kind.DECISION),
    ],
)
def test_an_autoresponder_is_recognised_by_its_subject_in_any_encoding(subject: bytes, kind: Kind) -> None:
    content = mail("approve").replace(b"Subject: Re: Approval needed: Figures", b"Subject: " + subject)
    assert subject in content
    assert read(content, BOSS).kind is kind


def alternative(plain: str, html: str) -> bytes:
    message = EmailMessage()
    message["From"] = BOSS
    message["Subject"] = "Re: Approval needed: Figures"
    message.set_content(plain)
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


@pytest.mark.parametrize(
    ("plain", "html", "choice"),
    [
        ("", "<p>Approve</p>", Answer.APPROVE),
        (" \n\n", "<p>Approve</p>", Answer.APPROVE),
        ("This message is in HTML.", "<div>Approve</div>", Answer.APPROVE),
        ("Your mail program does not show HTML. See the attached version.", "<div>Reject: no</div>", Answer.REJECT),
        ("Diese Nachricht liegt im HTML-Format vor.", "<p>Genehmigt</p>", Answer.APPROVE),
        ("> quoted\n", "<p>Approve</p><blockquote>x</blockquote>", Answer.APPROVE),
        ("Approve", "<p>Approve</p>", Answer.APPROVE),
        # Two texts that differ, and a word that is struck out, decide nothing.
        ("Approve", "<p>Reject</p>", None),
        ("Approve", "<p><s>Approve</s> Ask me tomorrow</p>", None),
        ("Approve", '<p><span style="text-decoration:line-through">Approve</span></p>', None),
        ("Who is that?", "<p>Who is that?</p>", None),
        ("", "<p>Approve?</p>", None),
        ("", '<p style="display:none">Approve</p><p>What is it?</p>', None),
    ],
)
def test_html_is_read_if_the_plain_text_is_blank_or_a_placeholder(plain: str, html: str, choice: Answer | None) -> None:
    assert read(alternative(plain, html), BOSS).choice is choice


def test_a_forwarded_message_decides_nothing() -> None:
    inner = EmailMessage()
    inner.set_content("approve")
    outer = EmailMessage()
    outer["From"] = BOSS
    outer.add_attachment(inner)
    assert read(outer.as_bytes(), BOSS).kind is Kind.UNCLEAR


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Approval needed: x",
        "Automatische Antwort: Approval needed: x",
        "Réponse automatique : Approval needed: x",
        "Respuesta automática: Approval needed: x",
        "Resposta automática: Approval needed: x",
        "Risposta automatica: Approval needed: x",
        "Automatisch antwoord: Approval needed: x",
        "Ik ben afwezig: Approval needed: x",
        "Urlaub bis 5.12.: Approval needed: x",
        "Vacation: Re: Approval needed: x",
        "Je suis absente : Approval needed: x",
        "Afwezigheidsbericht: Approval needed: x",
        "Odpowiedź automatyczna: Approval needed: x",
        "Autosvar: Approval needed: x",
        "Automatiskt svar: Approval needed: x",
        "Automaattinen vastaus: Approval needed: x",
        "Automatická odpověď: Approval needed: x",
        "Автоматический ответ: Approval needed: x",
        "Otomatik Yanıt: Approval needed: x",
        "自動応答: Approval needed: x",
        "自动答复: Approval needed: x",
        "자동 회신: Approval needed: x",
        "رد تلقائي: Approval needed: x",
        "[Auto-Reply] Approval needed: x",
        "Abwesenheitsnotiz: Zahlen",
        "Frånvaro: x",
        "Nieobecność w biurze",
        "Vacation reply",
        "Away from office",
        "Ich bin nicht im Büro",
        "Message d'absence",
        "Nie ma mnie w biurze",
        "No estoy en la oficina",
        "Non sono in ufficio",
        "Estou fora do escritório",
    ],
)
@pytest.mark.parametrize("sender", [BOSS, ""])
def test_an_absence_notice_is_neither_an_answer_nor_a_bounce_in_any_language(subject: str, sender: str) -> None:
    message = EmailMessage()
    message["From"] = f"The Boss <{BOSS}>"
    message["Subject"] = subject
    message.set_content("approve")
    assert read(message.as_bytes(), sender).kind is Kind.AUTOMATIC


def test_an_absence_notice_in_an_unknown_language_is_recognised_by_exchange_fields() -> None:
    assert read(mail("Nimepumzika", X_Auto_Response_Suppress="All"), BOSS).kind is Kind.AUTOMATIC
    assert read(mail("Approve", X_Auto_Response_Suppress="All"), BOSS).kind is Kind.DECISION
    assert read(mail("Nimepumzika", In_Reply_To="<x@corp.example>"), "").kind is Kind.AUTOMATIC


@pytest.mark.parametrize("subject", ["Re: Absence list", "AW: Abwesenheit", "Automatic replying machine", "Oofta"])
def test_a_subject_of_a_person_does_not_count_as_automatic(subject: str) -> None:
    content = mail("approve").replace(b"Subject: Re: Approval needed: Figures", b"Subject: " + subject.encode())
    assert read(content, BOSS).kind is Kind.DECISION


@pytest.mark.parametrize(
    "content",
    [
        b"From: " + BOSS.encode() + b"\r\n" + b"X: y\r\n" * 200_000 + b"\r\napprove",
        b"From: " + b"<" * 100_000 + b"\r\n\r\napprove",
        b"Subject: " + b"=?utf-8?q?" * 20_000 + b"\r\n\r\napprove",
        b"References: " + b"<a@b> " * 50_000 + b"\r\n\r\napprove",
    ],
)
def test_the_number_of_parsed_references_has_a_limit(content: bytes) -> None:
    assert len(read(content, BOSS).references) < 1000
