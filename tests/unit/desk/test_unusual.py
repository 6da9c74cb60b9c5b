"""The texts for moderators and senders about unusual recipients, in each language."""

from dataclasses import asdict
from itertools import product

import pytest

from holdgate.desk.language.catalogue import Catalogue, languages
from holdgate.desk.language.unusual import sentences
from holdgate.risks import COLLEAGUES, CONTENT, KINDS, LOOKALIKE, NEW, OUTLIER, TWIN, Risk

GROUP = "bob@partner-group.example"
LIKE = Risk(LOOKALIKE, GROUP, "bob@partner.example", 214, "sender")


def sentences_about(*risks: Risk, own: bool = False, language: str = "en") -> list[str]:
    return sentences(Catalogue(language), [asdict(risk) for risk in risks], own=own)


def test_the_sentence_differs_for_the_sender_and_for_others() -> None:
    assert sentences_about(LIKE, own=True) == [f"{GROUP}: you have written to bob@partner.example 214×, never here."]
    assert sentences_about(LIKE) == [f"{GROUP}: the sender has written to bob@partner.example 214×, never here."]


def test_only_the_most_important_risk_of_a_recipient_is_stated() -> None:
    assert len(sentences_about(Risk(NEW, GROUP), LIKE, Risk(OUTLIER, GROUP, "client.example"))) == 1
    assert sentences_about(Risk(NEW, GROUP), LIKE) == sentences_about(LIKE)


def test_a_single_value_is_named_only_by_its_identifier() -> None:
    assert sentences_about(Risk(CONTENT, GROUP, "iban", 7, "value")) == [
        f"{GROUP}: a number or name in this message (iban) has gone 7× to one other domain, and nowhere else."
    ]


def test_a_sender_does_not_see_hidden_names_of_others_correspondents() -> None:
    hidden, open_ = (Risk(LOOKALIKE, GROUP, "partner.example", 3, whose) for whose in (COLLEAGUES, "site"))
    (to_sender,) = sentences_about(hidden, own=True)
    assert "partner.example" not in to_sender.replace(GROUP, "")
    assert "3×" in to_sender
    assert sentences_about(hidden) == sentences_about(open_)
    assert "partner.example" in sentences_about(open_, own=True)[0].replace(GROUP, "")


def test_at_most_five_recipients_are_named() -> None:
    many = sentences_about(*(Risk(NEW, f"bob{number}@partner.example") for number in range(7)))
    assert len(many) == 6
    assert many[-1] == "and 2 more recipients"


@pytest.mark.parametrize("language", languages())
def test_each_kind_of_risk_has_a_sentence(language: str) -> None:
    for kind, own in product(KINDS, (False, True)):
        for similar in ("", "bob@", "partner.example") if kind in (TWIN, CONTENT, LOOKALIKE) else ("partner.example",):
            for whose in ("sender", "site", "own", COLLEAGUES, *(("value", "document") if kind == CONTENT else ())):
                (text,) = sentences_about(Risk(kind, GROUP, similar, 3, whose), own=own, language=language)
                assert "{" not in text, (kind, own, similar, whose)
