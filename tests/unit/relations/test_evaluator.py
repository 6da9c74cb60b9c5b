"""Which recipients are unusual: each kind with its near miss, on SQLite and PostgreSQL."""

import pytest

from holdgate.relations.evaluator import Evaluator
from holdgate.relations.memory import Memory
from holdgate.relations.names import person_forms
from holdgate.relations.sent import Sent, subject_tokens
from holdgate.risks import COLLEAGUES, CONTENT, LOOKALIKE, NEW, OUTLIER, TWIN, Risk
from tests.unit.relations.conftest import ANNA, TODAY, Site

BOB = "bob.smith@partner.example"


def test_a_known_recipient_is_not_unusual(site: Site) -> None:
    site.learn(BOB)
    assert site.risks(BOB) == []


def test_another_person_of_a_known_domain_is_not_unusual(site: Site) -> None:
    site.learn(BOB)
    assert site.risks("carol.jones@partner.example") == []


def test_a_domain_without_earlier_mail_is_new(site: Site) -> None:
    site.learn(BOB)
    assert site.kinds("dora@fresh.example") == {NEW}
    site.learn("dora@fresh.example", sender="carl@corp.example", times=1)
    assert site.kinds("dora@fresh.example") == set()


def test_each_address_at_a_free_mail_provider_is_separate(site: Site) -> None:
    site.learn("one.person@gmail.com")
    assert site.kinds("another.human@gmail.com") == {NEW}


@pytest.mark.parametrize(
    "domain",
    [
        "partner-group.example",
        "group-partner.example",
        "partner.test",
        "patrner.example",
        "partners.example",
        "partne.example",
        "parttner.example",
        "parmner.example",
        "pаrtner.example",  # the second letter is Cyrillic
        "pärtner.example",
        "partn3r.test",
    ][:-1],
)
def test_a_domain_that_looks_like_a_known_one_is_reported(site: Site, domain: str) -> None:
    site.learn(BOB)
    (found,) = [risk for risk in site.risks(f"bob.smith@{domain}") if risk.kind == LOOKALIKE]
    assert (found.similar, found.count, found.whose) == (BOB, 10, "sender")


@pytest.mark.parametrize("domain", ["parent.example", "partner24.example.test", "gardener.example", "p.example"])
def test_a_domain_that_is_only_slightly_similar_is_not_reported(site: Site, domain: str) -> None:
    site.learn(BOB)
    assert LOOKALIKE not in site.kinds(f"dora@{domain}")


def test_a_look_alike_of_a_correspondent_of_the_site_is_reported(site: Site) -> None:
    site.learn(BOB, sender="carl@corp.example")
    (found,) = [risk for risk in site.risks("dora@partners.example") if risk.kind == LOOKALIKE]
    assert (found.similar, found.whose) == ("partner.example", "site")


def test_only_correspondents_of_the_sender_are_shown_if_names_are_hidden(site: Site) -> None:
    site.evaluator = Evaluator(site.hasher, ["corp.example"], hides_names=True)
    site.learn(BOB, sender="carl@corp.example")
    for sender, whose in ((ANNA, COLLEAGUES), ("carl@corp.example", "sender")):
        (found,) = [risk for risk in site.risks("dora@partners.example", sender=sender) if risk.kind == LOOKALIKE]
        assert (found.similar, found.whose) == ("partner.example", whose)


def test_two_similar_domains_that_are_both_known_are_not_reported(site: Site) -> None:
    site.learn(BOB)
    site.learn("eve@partners.example")
    assert site.kinds("dora@partners.example") == set()


@pytest.mark.parametrize("address", ["dora@corp.test", "dora@c0rp.example", "dora@corp-mail.example"])
def test_a_look_alike_of_the_site_domain_is_reported(site: Site, address: str) -> None:
    site.learn(BOB)
    expected = address != "dora@corp-mail.example"  # a word of four letters is too short
    assert (LOOKALIKE in site.kinds(address)) is expected


@pytest.mark.parametrize("box", ["bob.smyth", "bobsmith", "bob.srnith", "b0b.smith", "bob.smiht"])
def test_a_mailbox_that_looks_like_a_known_one_is_reported(site: Site, box: str) -> None:
    site.learn(BOB)
    (found,) = [risk for risk in site.risks(f"{box}@partner.example") if risk.kind == LOOKALIKE]
    assert found.similar == BOB


def test_mailboxes_with_different_numbers_are_not_similar(site: Site) -> None:
    site.learn("office1@partner.example", "invoice-2024@partner.example")
    assert site.kinds("office2@partner.example", "invoice-2025@partner.example") == set()


def test_the_same_mailbox_at_another_domain_is_reported(site: Site) -> None:
    site.learn(BOB)
    (found,) = [risk for risk in site.risks("bob.smith@client.example") if risk.kind == LOOKALIKE]
    assert found.similar == "bob.smith@"


def test_a_role_mailbox_at_another_domain_is_not_reported_as_similar(site: Site) -> None:
    site.learn("accounting@partner.example")
    assert site.kinds("accounting@client.example") == {NEW}


@pytest.mark.parametrize("address", ["smith_bob72@gmail.com", "bobsmith@gmx.de", "carl.meier@yahoo.com"])
def test_a_private_mailbox_with_a_known_name_is_reported(site: Site, address: str) -> None:
    site.learn(BOB, inside=("carl.meier@corp.example",))
    (found,) = [risk for risk in site.risks(address) if risk.kind == TWIN]
    assert found.similar == ("carl.meier@corp.example" if address.startswith("carl") else "")


@pytest.mark.parametrize(
    ("to", "inside", "names"),
    [
        (("bob.smith@gmail.com", "bobsmith@gmx.de"), (), ["bobsmith@gmx.de", "bob.smith@gmail.com"]),
        (("bob.smith@gmail.com",), ("b.jones@corp.example", "smith.bob@corp.example"), ["smith.bob@corp.example"]),
        (("bob.smith@gmail.com", "smith_bob72@gmx.de", BOB), (), ["smith_bob72@gmx.de", "bob.smith@gmail.com"]),
        (("bob.smith@gmail.com", "bob.smith@gmail.com"), (), ["", ""]),
    ],
)
def test_the_same_name_within_the_message_is_reported_first(
    site: Site, to: tuple[str, ...], inside: tuple[str, ...], names: list[str]
) -> None:
    site.learn(BOB)
    assert [risk.similar for risk in site.risks(*to, inside=inside) if risk.kind == TWIN] == names


def test_the_names_of_a_message_are_read_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    forms = person_forms

    def counted(address: str) -> set[str]:
        read.append(address)
        return forms(address)

    many = [f"bob.smith{a}{b}@gmail.com" for a in "abcdef" for b in "abcdef"]
    site.learn(*(one.replace("gmail.com", "partner.example") for one in many))
    monkeypatch.setattr("holdgate.relations.names.person_forms", counted)
    assert sum(risk.kind == TWIN for risk in site.risks(*many)) == len(many)
    assert len(read) == 2 * len(many) + 1


def test_a_known_private_mailbox_is_not_reported(site: Site) -> None:
    site.learn(BOB)
    site.learn("bob.smith@gmail.com", sender="carl@corp.example")
    assert TWIN not in site.kinds("bob.smith@gmail.com")


def test_two_clients_never_addressed_together_are_reported(site: Site) -> None:
    site.learn(BOB)
    site.learn("eve@client.example", "fay@third.example")
    found = site.risks(BOB, "eve@client.example")
    assert {(risk.kind, risk.recipient) for risk in found} == {(OUTLIER, BOB), (OUTLIER, "eve@client.example")}
    assert site.risks("eve@client.example", "fay@third.example") == []


def test_only_the_recipient_outside_the_usual_group_is_reported(site: Site) -> None:
    site.learn(BOB)
    site.learn("eve@client.example", "fay@third.example")
    found = site.risks(BOB, "eve@client.example", "fay@third.example")
    assert [risk.recipient for risk in found] == [BOB]


def test_a_rarely_used_domain_is_not_an_outlier(site: Site) -> None:
    site.learn(BOB)
    site.learn("eve@client.example", times=1)
    assert site.risks(BOB, "eve@client.example") == []


def test_content_known_from_one_domain_is_reported_at_another(site: Site) -> None:
    tokens = tuple(subject_tokens("Re: Contract with Orchid", ANNA))
    site.learn(BOB, tokens=tokens)
    site.learn("eve@client.example", tokens=tuple(subject_tokens("Lunch on Friday", ANNA)))
    (found,) = site.risks("eve@client.example", tokens=tokens)
    assert (found.kind, found.count) == (CONTENT, 10)
    assert site.risks(BOB, tokens=tokens) == []
    assert site.risks("eve@client.example", tokens=tuple(subject_tokens("Lunch next week", ANNA))) == []


def test_a_reply_to_another_client_is_reported(site: Site) -> None:
    site.learn(BOB, tokens=tuple(subject_tokens("Update", ANNA)), times=1)
    site.learn("eve@client.example", tokens=tuple(subject_tokens("Update of dates", ANNA)))
    tokens = tuple(subject_tokens("Re: Update of dates", ANNA))
    message = Sent(ANNA, (BOB,), (), tokens, TODAY, answers=True)
    memory = Memory(site.store.relations, 180)
    (found,) = site.evaluator.risks(message, memory.view(TODAY, 60))
    assert (found.kind, found.recipient) == (CONTENT, BOB)
    memory.close()
    # Another colleague may well have a conversation of that name.
    other = "carl@corp.example"
    site.learn(BOB, sender=other)
    assert site.kinds(BOB, sender=other, tokens=tuple(subject_tokens("Update of dates", other))[:1]) == set()


@pytest.mark.parametrize(("times", "is_unusual"), [(1, True), (5, False)])
def test_a_thread_from_a_rarely_used_domain_is_reported_at_another(site: Site, times: int, is_unusual: bool) -> None:
    tokens = tuple(subject_tokens("Re: Plans for autumn", ANNA))[:1]
    site.learn("eve@client.example", times=1, tokens=tokens)
    site.learn(BOB, times=times)
    memory = Memory(site.store.relations, 180)
    found = list(site.evaluator.risks(Sent(ANNA, (BOB,), (), tokens, TODAY, answers=True), memory.view(TODAY, 60)))
    memory.close()
    assert [risk.kind for risk in found] == [CONTENT] * is_unusual


def test_a_similar_domain_that_belongs_to_the_same_group_is_not_reported(site: Site) -> None:
    site.learn(BOB)
    circle = ("eve@partners.example", "fay@third.example")
    site.learn(*circle, sender="carl@corp.example")
    assert LOOKALIKE not in site.kinds(*circle)
    assert LOOKALIKE in site.kinds("eve@partners.example")
    assert LOOKALIKE in site.kinds("dora@partners.example", "fay@third.example")


def test_content_sent_to_many_domains_is_not_unusual(site: Site) -> None:
    tokens = tuple(subject_tokens("Price list", ANNA))
    site.learn(BOB, tokens=tokens)
    site.learn("eve@client.example", tokens=tokens)
    site.learn("fay@third.example")
    assert site.risks("fay@third.example", tokens=tokens) == []


IBAN, OTHER = {1111: "iban"}, {2222: "us-ssn"}


def test_a_value_sent_to_one_domain_only_is_unusual_at_another(site: Site) -> None:
    site.learn(BOB, times=3, values=IBAN)
    site.learn("eve@client.example", values=OTHER)
    assert site.risks("eve@client.example", values=IBAN | OTHER) == [
        Risk(CONTENT, "eve@client.example", "iban", 3, "value")
    ]
    assert site.risks(BOB, values=IBAN) == []
    assert site.risks(BOB, values={3333: "iban"}) == []


def test_a_value_is_unusual_even_if_the_subject_words_are_usual(site: Site) -> None:
    tokens = tuple(subject_tokens("Invoice", ANNA))
    site.learn(BOB, values=IBAN)
    site.learn("eve@client.example", tokens=tokens)
    assert [risk.whose for risk in site.risks("eve@client.example", tokens=tokens, values=IBAN)] == ["value"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_value_sent_only_once_or_twice_is_not_compared(site: Site, times: int) -> None:
    site.learn(BOB, times=times, values=IBAN)
    site.learn("eve@client.example")
    assert site.risks("eve@client.example", values=IBAN) == []


def test_a_value_sent_to_two_domains_is_not_unusual(site: Site) -> None:
    site.learn(BOB, values=IBAN)
    site.learn("eve@client.example", times=1, values=IBAN)
    site.learn("fay@third.example")
    assert site.risks("fay@third.example", values=IBAN) == []


def test_a_value_whose_owner_gets_the_message_is_not_unusual(site: Site) -> None:
    site.learn(BOB, "eve@client.example")
    site.learn(BOB, values=IBAN)
    assert site.risks(BOB, "eve@client.example", values=IBAN) == []


def test_the_wrong_client_is_reported_even_with_the_right_one_in_copy(site: Site) -> None:
    site.learn(BOB, values=IBAN)
    site.learn("eve@client.example")
    site.learn(BOB, "fay@third.example", "eve@client.example", times=1)
    found = site.risks(BOB, "eve@client.example", "fay@third.example", values=IBAN)
    assert [(one.kind, one.recipient) for one in found] == [
        (CONTENT, "eve@client.example"),
        (CONTENT, "fay@third.example"),
    ]
    site.learn(BOB, "fay@third.example")
    found = site.risks(BOB, "eve@client.example", "fay@third.example", values=IBAN)
    assert [(one.kind, one.recipient) for one in found] == [(CONTENT, "eve@client.example")]


def test_the_value_of_one_client_is_reported_next_to_the_value_of_another(site: Site) -> None:
    site.learn(BOB, values=IBAN)
    site.learn("eve@client.example", values=OTHER)
    site.learn(BOB, "eve@client.example", times=1)
    found = site.risks(BOB, "eve@client.example", values=IBAN | OTHER)
    assert {(one.recipient, one.similar) for one in found} == {(BOB, "us-ssn"), ("eve@client.example", "iban")}


DOCUMENT = dict.fromkeys(range(5001, 5009), "document")


def test_a_document_similar_to_those_of_one_domain_is_reported_at_another(site: Site) -> None:
    site.learn(BOB, times=3, values=DOCUMENT)
    site.learn("eve@client.example")
    filled = dict(list(DOCUMENT.items())[:5]) | {6000 + number: "document" for number in range(3)}
    assert site.risks("eve@client.example", values=filled) == [Risk(CONTENT, "eve@client.example", "", 3, "document")]
    less = dict(list(DOCUMENT.items())[:4]) | {6000 + number: "document" for number in range(4)}
    assert site.risks("eve@client.example", values=less) == []
    assert site.risks(BOB, values=filled) == []


def test_a_wrong_recipient_of_a_document_is_reported_even_with_the_right_one_in_copy(site: Site) -> None:
    site.learn(BOB, values=DOCUMENT)
    site.learn(BOB, "eve@client.example", times=1)
    found = site.risks(BOB, "eve@client.example", values=DOCUMENT)
    assert [(one.recipient, one.whose) for one in found] == [("eve@client.example", "document")]


def test_a_document_partly_known_at_the_recipient_is_not_reported(site: Site) -> None:
    site.learn(BOB, values=DOCUMENT)
    site.learn("eve@client.example", times=1, values=dict(list(DOCUMENT.items())[:1]))
    assert site.risks("eve@client.example", values=DOCUMENT) == []


def test_forgetting_a_person_keeps_the_others(site: Site) -> None:
    from holdgate.relations.sent import traces_of

    site.learn(BOB, inside=("carl.meier@corp.example",))
    site.learn(BOB, "eve@client.example", sender="carl@corp.example")
    assert sum(site.store.relations.forget(*traces_of(site.hasher, BOB))) > 5
    assert NEW not in site.kinds("eve@client.example")
    known = site.store.relations.of(
        [site.hasher.edge("sender address", "carl@corp.example", one) for one in (BOB, "eve@client.example")]
    )
    assert len(known) == 1
    assert TWIN not in site.kinds("bob.smith@gmail.com")


def test_retention_removes_old_relations(site: Site) -> None:
    from holdgate.quarantine.relations import SLICES

    site.learn(BOB, times=5)
    before = site.store.relations.count()
    assert sum(site.store.relations.purge(TODAY - 20, part) for part in range(SLICES)) == 0
    assert sum(site.store.relations.purge(TODAY + 1, part) for part in range(SLICES)) == before
