"""The end of a reply's new text: quotations and signatures of mail programs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk import quotation
from holdgate.desk.quotation import split
from holdgate.desk.reply import decision
from holdgate.quarantine.incident import Answer

Q = "Holdgate <holdgate@corp.example>"


@pytest.mark.parametrize(
    "end",
    [
        "On Mon, 23 Nov 2026 at 14:00, " + Q + " wrote:\n> x",
        "On Monday, November 23, 2026 at 02:00:00 PM GMT+1, Holdgate\n<holdgate@corp.example> wrote:\n\nx",
        "Am 23.11.2026 um 14:00 schrieb " + Q + ":\n> x",
        "Am Mo., 23. Nov. 2026 um 14:00 Uhr schrieb Holdgate <\nholdgate@corp.example>:\n\n> x",
        "Le lun. 23 nov. 2026 à 14:00, " + Q + " a écrit :\n> x",
        "El lun, 23 nov 2026 a las 14:00, Holdgate (<holdgate@corp.example>)\nescribió:\n\nx",
        "Il giorno lun 23 nov 2026 alle ore 14:00 " + Q + "\nha scritto:\n> x",
        "Op ma 23 nov 2026 om 14:00 schreef " + Q + ":\n> x",
        "pon., 23 lis 2026 o 14:00 " + Q + " napisał(a):\n> x",
        "Em seg., 23 de nov. de 2026 às 14:00, " + Q + "\nescreveu:\n> x",
        "Den mån 23 nov. 2026 kl 14:00 skrev " + Q + ":\nx",
        "ma 23. marrask. 2026 klo 14.00 " + Q + " kirjoitti:\nx",
        "2026年11月23日(月) 14:00 " + Q + ":\n> x",
        "在 2026年11月23日，14:00，" + Q + " 写道：\n> x",
        "2026년 11월 23일 (월) 오후 2:00, " + Q + "님이 작성:\nx",
        "пн, 23 нояб. 2026 г. в 14:00, " + Q + ":\nx",
        "23 Kas 2026 Pzt 14:00 tarihinde " + Q + " şunu yazdı:\nx",
        "From: " + Q + "\nSent: Monday, 23 November 2026 14:00\nTo: Boss\nSubject: x",
        "Von: " + Q + "\nGesendet: Montag, 23. November 2026 14:00\nAn: Boss\nBetreff: x",
        "De : " + Q + "\nEnvoyé : lundi 23 novembre 2026 14:00\nÀ : Boss\nObjet : x",
        "De: " + Q + "\nEnviado el: lunes, 23 de noviembre\nPara: Boss\nAsunto: x",
        "Da: Holdgate\nInviato: lunedì 23 novembre 2026 14:00\nA: Boss\nOggetto: x",
        "Van: Holdgate\nVerzonden: maandag 23 november 2026 14:00\nAan: Boss\nOnderwerp: x",
        "Od: Holdgate\nWysłano: poniedziałek, 23 listopada 2026\nDo: Boss\nTemat: x",
        "Från: Holdgate\nSkickat: den 23 november 2026 14:00\nTill: Boss\nÄmne: x",
        "差出人: Holdgate\n送信日時: 2026年11月23日 14:00\n宛先: Boss\n件名: x",
        "发件人: Holdgate\n发送时间: 2026年11月23日 14:00\n收件人: Boss\n主题: x",
        "*From:* Holdgate\n*Sent:* Monday\n*To:* Boss",
        "-----Original Message-----\nx",
        "-----Ursprüngliche Nachricht-----\nx",
        "-------- Messaggio originale --------\nx",
        "---------- Forwarded message ---------\nx",
        "________________________________\nx",
        "-- \nBoss",
        "--\nBoss",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Wysłane z iPhone'a",
        "iPhoneから送信",
        "发自我的iPhone",
        "Get Outlook for Android",
        "Holen Sie sich Outlook für iOS",
        "Holdgate/CORP wrote on 23.11.2026 14:00:00:\nx",
        "Mit freundlichen Grüßen\nBob Boss",
        "Kind regards,\nBob Boss",
        "Best,\nBob",
        "Odesílatel: Holdgate <h@corp.example>\nDatum: x 2026\nPředmět: x",
        "Kimden: Holdgate <h@corp.example>\nTarih: 23 Kasım 2026\nKonu: x",
        "Fra: Holdgate\nSendt: mandag 23. november 2026 14:00\nTil: Boss\nEmne: x",
        "Lähettäjä: Holdgate\nLähetetty: maanantai 23. marraskuuta 2026 14.00\nVastaanottaja: Boss\nAihe: x",
        "Feladó: Holdgate\nElküldve: 2026. november 23. 14:00\nCímzett: Boss\nTárgy: x",
        "От: Holdgate\nОтправлено: 23 ноября 2026 14:00\nКому: Boss\nТема: x",
        "보낸 사람: Holdgate\n보낸 날짜: 2026년\n받는 사람: Boss\n제목: x",
        "From:\tHoldgate/CORP\nTo:\tBoss/CORP\nDate:\t23.11.2026 14:00",
        "\nHoldgate <holdgate@corp.example>\n23.11.2026 14:00\n\nAn\nBoss",
        "| x",
        "Bob Boss\nCorp GmbH, Tel. +49 30 1234567",
        "\nThis e-mail is confidential. If you are not the intended recipient, delete it.",
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_text_that_a_mail_program_adds_is_not_part_of_the_comment(gap: str, end: str) -> None:
    new = split(f"reject: wrong customer{gap}{end}")
    assert new.text == "reject: wrong customer" or new.doubtful
    assert decision(f"reject: wrong customer{gap}{end}") in [
        (Answer.REJECT, "wrong customer"),
        (Answer.REJECT, ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "reject: wrong customer\nPlease ask Bob.",
        "reject\nUse the portal: it is safe.\n\nThanks",
        "reject: see\n- one\n- two",
        "Approve.\n\nThanks",
        "reject: Anna said on Monday:\nit is wrong",
    ],
)
def test_a_comment_keeps_its_lines(text: str) -> None:
    assert (split(text).text, split(text).doubtful) == (text, False)


def test_a_quotation_without_introduction_is_recognised_by_text_of_the_request() -> None:
    new = split("reject: no\n\nApproval needed: x\nIncident 7K3M-Q9TX-2ABC\n", ["7K3M-Q9TX-2ABC"])
    assert (new.text, new.doubtful) == ("reject: no", True)


@given(st.text(alphabet=st.characters(exclude_characters="\r")))
def test_any_text_can_be_split(text: str) -> None:
    split(text, ["7K3M-Q9TX-2ABC"])


@given(st.text(alphabet="--- a=", max_size=16))
def test_lines_between_dashes_are_recognised(line: str) -> None:
    """The pattern is a quick form of this one, which takes cubic time for a long line."""
    simple = r"\s*[-_=*]{3,}\s*\S.{0,120}?[-_=*]{3,}\s*$"
    assert bool(quotation._BETWEEN_DASHES.match(line)) == bool(re.match(simple, line))


@given(st.text(alphabet="|*_ a:", max_size=16))
def test_labels_are_recognised(line: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a run of spaces."""
    simple = r"\s*[*_|]{0,3}\s*([^\s:：*_][^:：\n]{0,28}?)\s*[*_]{0,3}\s*[:：]\s*[*_]{0,3}(?:\s|$|(?=\S))"
    found, expected = quotation._LABEL.match(line), re.match(simple, line)
    assert (found and found[1]) == (expected and expected[1])


@given(st.text(alphabet="a@.: <", max_size=16))
def test_addresses_are_recognised(line: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long word."""
    simple = r"[^\s<>@:]+@[^\s<>@]+\.[^\s<>@]+"
    assert bool(quotation._ADDRESS.search(line)) == bool(re.search(simple, line))


@pytest.mark.parametrize("line", ["a" * 200_000, "-" * 200_000 + " a", "x" + " " * 200_000 + "x"])
def test_a_long_line_is_new_text(line: str) -> None:
    assert split("Approve\n\n" + line).text == "Approve\n\n" + line


def test_many_paragraphs_are_new_text() -> None:
    text = "\n\n".join(["a"] * 10_000)
    assert split(text).text == text
