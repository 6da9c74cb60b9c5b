"""Replies as mail programs write them: the decision is understood, and only the comment is passed on.

Quoted text contains "zebra", signatures contain "walrus". No comment may contain either, with any text between them.
"""

from email.message import EmailMessage

import pytest

from holdgate.desk.reply import Reply, read
from holdgate.quarantine.incident import Answer

BOSS = "boss@corp.example"
DESK = "Holdgate <holdgate@corp.example>"
REQUEST = "Anna wants to send this message: zebra\nApprove: https://hold.corp.example/t/a\nReject: https://hold.corp.example/t/a"


def _marked(text: str, mark: str = "> ") -> str:
    return "\n".join(mark + line for line in text.split("\n"))


# Of each language: a line above a quotation as Gmail and as Apple Mail write it, Thunderbird's, Outlook's header block,
# the line of a phone, of Outlook's app, between dashes, and above a forwarded message.
LANGUAGES = {
    "en": (
        "On Mon, 23 Nov 2026 at 14:00, {} wrote:",
        "On 23 Nov 2026, at 14:00, {} wrote:",
        "On 23.11.26 14:00, Holdgate wrote:",
        "From: {}\nSent: Monday, November 23, 2026 2:00 PM\nTo: Boss <boss@corp.example>\nSubject: zebra",
        "Sent from my iPhone",
        "Get Outlook for iOS<https://aka.example/o0ukef>",
        "-----Original Message-----",
        "Begin forwarded message:",
    ),
    "de": (
        "Am Mo., 23. Nov. 2026 um 14:00 Uhr schrieb {}:",
        "Am 23.11.2026 um 14:00 schrieb {}:",
        "Am 23.11.26 um 14:00 schrieb Holdgate:",
        "Von: {}\nGesendet: Montag, 23. November 2026 14:00\nAn: Boss <boss@corp.example>\nBetreff: zebra",
        "Von meinem iPhone gesendet",
        "Outlook für iOS<https://aka.example/o0ukef> beziehen",
        "-------- Ursprüngliche Nachricht --------",
        "Anfang der weitergeleiteten Nachricht:",
    ),
    "fr": (
        "Le lun. 23 nov. 2026 à 14:00, {} a écrit :",
        "Le 23 nov. 2026 à 14:00, {} a écrit :",
        "Le 23/11/2026 à 14:00, Holdgate a écrit :",
        "De : {}\nEnvoyé : lundi 23 novembre 2026 14:00\nÀ : Boss <boss@corp.example>\nObjet : zebra",
        "Envoyé de mon iPhone",
        "Télécharger Outlook pour iOS<https://aka.example/o0ukef>",
        "-----Message d'origine-----",
        "Début du message réexpédié :",
    ),
    "es": (
        "El lun, 23 nov 2026 a las 14:00, {} escribió:",
        "El 23 nov 2026, a las 14:00, {} escribió:",
        "El 23/11/26 a las 14:00, Holdgate escribió:",
        "De: {}\nEnviado: lunes, 23 de noviembre de 2026 14:00\nPara: Boss <boss@corp.example>\nAsunto: zebra",
        "Enviado desde mi iPhone",
        "Obtener Outlook para iOS<https://aka.example/o0ukef>",
        "-------- Mensaje original --------",
        "Inicio del mensaje reenviado:",
    ),
    "it": (
        "Il giorno lun 23 nov 2026 alle ore 14:00 {} ha scritto:",
        "Il giorno 23 nov 2026, alle ore 14:00, {} ha scritto:",
        "Il 23/11/2026 14:00, Holdgate ha scritto:",
        "Da: {}\nInviato: lunedì 23 novembre 2026 14:00\nA: Boss <boss@corp.example>\nOggetto: zebra",
        "Inviato da iPhone",
        "Scarica Outlook per iOS<https://aka.example/o0ukef>",
        "-----Messaggio originale-----",
        "Inizio messaggio inoltrato:",
    ),
    "nl": (
        "Op ma 23 nov 2026 om 14:00 schreef {}:",
        "Op 23 nov 2026, om 14:00 heeft {} het volgende geschreven:",
        "Op 23-11-2026 om 14:00 schreef Holdgate:",
        "Van: {}\nVerzonden: maandag 23 november 2026 14:00\nAan: Boss <boss@corp.example>\nOnderwerp: zebra",
        "Verstuurd vanaf mijn iPhone",
        "Outlook voor iOS<https://aka.example/o0ukef> downloaden",
        "-------- Oorspronkelijk bericht --------",
        "Begin doorgestuurd bericht:",
    ),
    "pl": (
        "pon., 23 lis 2026 o 14:00 {} napisał(a):",
        "Wiadomość napisana przez {} w dniu 23.11.2026, o godz. 14:00:",
        "W dniu 23.11.2026 o 14:00, Holdgate pisze:",
        "Od: {}\nWysłano: poniedziałek, 23 listopada 2026 14:00\nDo: Boss <boss@corp.example>\nTemat: zebra",
        "Wysłane z iPhone'a",
        "Pobierz program Outlook dla systemu iOS<https://aka.example/o0ukef>",
        "-------- Oryginalna wiadomość --------",
        "Początek przekazywanej wiadomości:",
    ),
    "pt": (
        "Em seg., 23 de nov. de 2026 às 14:00, {} escreveu:",
        "No dia 23 de nov. de 2026, às 14:00, {} escreveu:",
        "Em 23/11/2026 14:00, Holdgate escreveu:",
        "De: {}\nEnviada em: segunda-feira, 23 de novembro de 2026 14:00\nPara: Boss <boss@corp.example>\nAssunto: zebra",  # noqa: E501
        "Enviado do meu iPhone",
        "Obter o Outlook para iOS<https://aka.example/o0ukef>",
        "-----Mensagem original-----",
        "Início da mensagem reencaminhada:",
    ),
}


def _of_language(words: tuple[str, ...]) -> dict[str, str]:
    """Return what each program puts below the new text, in a language. Text with "<" at its beginning is HTML."""
    gmail, apple, thunderbird, block, phone, app, dashes, forwarded = (one.format(DESK) for one in words)
    middle = gmail.find(" ", 35)
    shown = gmail.replace("<", "&lt;").replace(">", "&gt;")
    shown_block = "<br>".join(
        "<b>" + line.replace(":", ":</b>", 1) for line in block.replace("<", "&lt;").replace(">", "&gt;").split("\n")
    )
    request = REQUEST.replace("\n", "<br>")
    return {
        "Gmail": f"\n\n{gmail}\n\n{_marked(REQUEST)}",
        "Gmail, wrapped": f"\n\n{gmail[:middle]}\n{gmail[middle + 1 :]}\n\n{_marked(REQUEST)}",
        "Gmail, signature": f"\n\n-- \nWalrus Boss\n\n{gmail}\n{_marked(REQUEST)}",
        "Outlook": f"\n\n{block}\n\n{REQUEST}",
        "Outlook, dashes": f"\n\n{dashes}\n{block}\n\n{REQUEST}",
        "Outlook, signature": f"\n\nWalrus Boss\nHead of Walrus Sales\n\n{block}\n\n{REQUEST}",
        "Outlook app": f"\n\n{app}\n{'_' * 32}\n{block}\n\n{REQUEST}",
        "iOS": f"\n\n{phone}\n\n" + _marked(f"{apple}\n\n{REQUEST}"),
        "Apple Mail": f"\n\n{apple}\n\n{_marked(REQUEST)}",
        "Apple Mail, forwarded": f"\n\n{forwarded}\n\n" + _marked(f"{block}\n\n{REQUEST}"),
        "Thunderbird": f"\n\n{thunderbird}\n{_marked(REQUEST)}",
        "Thunderbird, signature": f"\n\nWalrus Boss\n\n{thunderbird}\n{_marked(REQUEST, '>')}",
        "K-9, no marks": f"\n\n{gmail}\n\n{REQUEST}",
        "Samsung": f"\n\n\n{dashes}\n{block}\n\n{REQUEST}",
        "Gmail, HTML": f"<br><div class='gmail_quote'><div class='gmail_attr'>{shown}<br></div>"
        f"<blockquote class='gmail_quote'>{request}</blockquote></div>",
        "Outlook, HTML": "<p class=MsoNormal>Walrus Boss</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt'>"  # noqa: E501
        f"<p class=MsoNormal>{shown_block}</p></div></div><p>{request}</p>",
        "Outlook web, HTML": "<div id='Signature'><p>Walrus Boss</p></div><div id='appendonsend'></div><hr>"
        f"<div id='divRplyFwdMsg'>{shown_block}</div><div>{request}</div>",
        "Outlook app, HTML": f"<div id='ms-outlook-mobile-signature'><div>{app.partition('<')[0]}</div></div><hr>"
        f"<div id='divRplyFwdMsg'>{shown_block}</div>{request}",
        "Thunderbird, HTML": "<div class='moz-signature'>-- <br>Walrus</div><div class='moz-cite-prefix'>"
        f"{thunderbird}<br></div><blockquote type='cite'>{request}</blockquote>",
        "HTML without a class": f"<p>{shown}</p><p>{request}</p>",
    }


OTHERS = {
    "Yahoo": "\n\n    On Monday, November 23, 2026 at 02:00:00 PM GMT+1, " + DESK + " wrote:  \n \n zebra",
    "Yahoo, HTML": "<div class='ydp9yahoo_quoted'><div>On Monday, Holdgate wrote:</div><div>zebra</div></div>",
    "Notes": "\n\nWalrus Boss\n\n\nFrom:\tHoldgate/CORP\nTo:\tBoss/CORP@CORP\nDate:\t23.11.2026 14:00\nSubject:\tzebra\n\nzebra",  # noqa: E501
    "Notes, old": "\n\n\n" + DESK + "\n23.11.2026 14:00\n\nTo\nboss@corp.example\ncc\n\nSubject\nzebra\n\nzebra",
    "Notes, German": '\n\n\nVon:\t"Holdgate" <holdgate@corp.example>\nAn:\tboss@corp.example\nDatum:\t23.11.2026 14:00\nzebra',  # noqa: E501
    "Notes, wrote": '\n\n"Holdgate" <holdgate@corp.example> wrote on 23.11.2026 14:00:00:\n\n> zebra',
    "Roundcube": "\n\nOn 2026-11-23 14:00, Holdgate wrote:\n> zebra\n",
    "Roundcube, HTML": "<p id='reply-intro'>On 2026-11-23 14:00, Holdgate wrote:</p><blockquote type='cite'>zebra</blockquote>",  # noqa: E501
    "SOGo": "\n\nOn Monday, November 23, 2026 14:00 CET, " + DESK + " wrote:\n \n> zebra",
    "SOGo, HTML": "<br />On Monday, November 23, 2026 14:00 CET, Holdgate &lt;holdgate@corp.example&gt; wrote:<br />&nbsp;"  # noqa: E501
    "<blockquote type='cite'>zebra</blockquote>&nbsp;",
    "Zimbra": '\n\n----- Original Message -----\nFrom: "Holdgate" <holdgate@corp.example>\nTo: "Boss"\nSubject: zebra\n\nzebra',  # noqa: E501
    "Zimbra, HTML": "<hr id='zwchr'><div data-marker='__HEADERS__'><b>From: </b>\"Holdgate\"<br></div><div>zebra</div>",
    "Horde": "\n\nQuoting " + DESK + ":\n\n> zebra",
    "mutt": "\n\n* " + DESK + " [2026-11-23 14:00]:\n> zebra",
    "Gnus": "\n\n" + DESK + " writes:\n\n> zebra",
    "Evolution": "\n\nAm Montag, dem 23.11.2026 um 14:00 +0100 schrieb Holdgate:\n> zebra",
    "Claws": "\n\nOn Mon, 23 Nov 2026 14:00:00 +0100\n" + DESK + " wrote:\n\n> zebra",
    "Proton": "\n\nSent with Proton Mail secure email.\n\nOn Monday, November 23rd, 2026 at 14:00, "
    + DESK
    + " wrote:\n\n> zebra",
    "GMX": '\n\nGesendet: Montag, 23. November 2026 um 14:00 Uhr\nVon: "Holdgate" <holdgate@corp.example>\nAn: x\nzebra',  # noqa: E501
    "iCloud": "\n\n> On Nov 23, 2026, at 2:00 PM, " + DESK + " wrote:\n> \n> \ufeffzebra",
    "GroupWise": "\n\n>>> " + DESK + " 23.11.2026 14:00 >>>\nzebra",
    "BlackBerry": "\n\nSent from my BlackBerry 10 smartphone.\nFrom: Holdgate\nSent: Monday, November 23, 2026 2:00 PM\nzebra",  # noqa: E501
    "Yandex": '\n\n23.11.2026, 14:00, "Holdgate" <holdgate@corp.example>:\n\n> zebra',
    "Hebrew": "\n\n\u200fבתאריך יום ב׳, 23 בנוב׳ 2026 ב-14:00 מאת \u202aHoldgate\u202c\u200f <\u202aholdgate@corp.example\u202c>:\n\n> zebra",  # noqa: E501
    "Arabic": "\n\nفي الاثنين، 23 نوفمبر 2026 في 2:00 م تمت كتابة ما يلي بواسطة " + DESK + ":\n\n> zebra",
    "Japanese": "\n\n2026年11月23日(月) 14:00 " + DESK + ":\n\n> zebra",
    "marks alone": "\n\n> zebra\n> foo\n",
    "a dash": "\n\n—\nWalrus Boss\nDirector",
    "a name": "\n\nWalrus",
    "a name and a title": "\n\nWalrus Boss\nDirector of Sales\nCorp Example",
    "a name right below": "\nWalrus Boss\nDirector of Sales",
    "a name with a degree": "\n\nDr. Walrus Boss, LL.M.\nRechtsanwältin",
    "small letters": "\n\nwalrus boss | sales | corp example",
    "an address": "\n\nWalrus Boss\nMain Street 1\n10115 Berlin\nGermany",
    "a motto": "\n\nWalrus Boss\nWe make walruses better.",
    "an Arabic name": "\n\nمع تحيات\nوليد Walrus",
    "a Japanese company": "\n\n株式会社コープ Walrus\n営業部 田中",
    "thanks": "\n\nThanks,\nWalrus Boss\nHead of Sales",
    "by proxy": "\n\ni. A. Walrus Boss\nSachbearbeiterin",
    "a notice": "\n\nWalrus disclaimer: this e-mail is confidential and may be privileged. If you are not the intended recipient"  # noqa: E501
    " do not read it.",
    "a list": "\n\n_______________________________________________\nlist mailing list\nWalrus",
    "a booking page": "\n\nWalrus Corp\nBook a meeting with me: https://walrus.corp.example/",
}
BELOW = {
    f"{name}, {code}": end for code, words in LANGUAGES.items() for name, end in _of_language(words).items()
} | OTHERS


def _reply(new: str, below: str) -> Reply:
    message = EmailMessage()
    message["From"] = BOSS
    message["Subject"] = "Re: Approval needed"
    if below.startswith("<"):
        message.set_content(f"<div>{new.replace(chr(10), '<br>')}</div>{below}", subtype="html")
    else:
        message.set_content(new + below)
    return read(message.as_bytes(), BOSS)


@pytest.mark.parametrize(
    ("new", "choice", "comment"),
    [
        ("Approve", Answer.APPROVE, ""),
        ("Reject: wrong customer", Answer.REJECT, "wrong customer"),
        pytest.param(
            "Abgelehnt, falscher Kunde.\nBitte das Portal verwenden.",
            Answer.REJECT,
            "falscher Kunde.\nBitte das Portal verwenden.",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_decision_is_understood_and_the_comment_has_only_text_of_the_moderator(
    new: str, choice: Answer, comment: str
) -> None:
    wrong = {}
    for name, below in BELOW.items():
        reply = _reply(new, below)
        # "Thanks," is theirs too.
        found = reply.comment.removesuffix("\n\nThanks,").removesuffix("Thanks,")
        left_out = reply.comment == "" and reply.comment_doubtful
        if reply.choice is not choice or not (found == comment or left_out):
            wrong[name] = (reply.choice, reply.comment)
    assert wrong == {}


def test_most_comments_are_kept() -> None:
    left_out = [name for name, below in BELOW.items() if not _reply("Reject: wrong customer", below).comment]
    assert len(left_out) < 30
    assert not {"Gmail, en", "Outlook, de", "iOS, pl", "Thunderbird, signature, pt", "a name and a title"} & set(
        left_out
    )


@pytest.mark.parametrize(
    "more",
    [
        "\n\nKind regards\nBob\n\nPS: not before Monday",
        "\n\nRegards,\nBob\n\nP.S. Only if the contract is signed.",
        "\n-- \nBob\n\nPS not before Monday",
        "\n\nSaludos\nBob\n\nPD: pero no antes del lunes",
        "\n\nCordialement\nBob\n\nP.-S. : sauf si le client refuse",
        "\n\n> zebra\n> foo\n\nOnly if the contract is signed",
        "\n\n> zebra\nbut not before Monday",
        "\n\nOn Mon, 23 Nov 2026 at 14:00, Holdgate <h@corp.example> wrote:\n> zebra\n\nbut not before Monday",
        "\n\n> zebra\n\nReject",
        "\n-- \nBob\n\n> zebra\n\nonly the first",
        "<blockquote>zebra</blockquote><p>but not before Monday</p>",
        "<div class='gmail_quote'><div class='gmail_attr'>On Monday wrote:</div><blockquote>zebra</blockquote></div>"
        "<div>Only if the contract is signed</div>",
        "<div class='moz-signature'>Bob</div><p>PS: not before Monday</p>",
        "\n\nI do not know this customer.",
        "\n\nThat is what I would say if I knew him.",
    ],
)
def test_a_condition_below_a_signature_or_quotation_prevents_an_approval(more: str) -> None:
    assert _reply("Approve", more).choice is None


@pytest.mark.parametrize(
    "more",
    [
        "\n\n> a quoted line that is rather long and that a mail program wrapped without a mark, not\nbefore Monday\n> more",  # noqa: E501
        "\n\n> zebra\n\n-- \nBob, not in the office on Mondays",
        "\n\n> zebra\n\nThis e-mail is confidential. If you are not the intended recipient, please do not read it.",
        "\n\n> zebra\n\nThanks",
        "\n\n> zebra \u2028reject\n> foo",
        "<blockquote>zebra</blockquote><br>",
        "<div id='divRplyFwdMsg'>From: Holdgate</div><div>do not approve</div>",
    ],
)
def test_text_that_is_not_from_the_moderator_changes_nothing(more: str) -> None:
    assert _reply("Approve", more).choice is Answer.APPROVE


def test_a_comment_below_the_quotation_is_dropped_and_the_moderator_notified() -> None:
    reply = _reply("Reject: wrong customer", "\n\n> zebra\n\nAnd the wrong file.")
    assert (reply.choice, reply.comment, reply.comment_doubtful) == (Answer.REJECT, "", True)
