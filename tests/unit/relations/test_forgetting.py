"""Removing a person: all forms of the address, senders to the same name elsewhere, and the running milter."""

import pytest

from holdgate.relations.names import spellings
from holdgate.relations.sent import Sent, traces_of
from holdgate.relations.teaching import Teacher
from holdgate.risks import LOOKALIKE, TWIN
from tests.unit.relations.conftest import ANNA, HALF_LIFE, TODAY, Site

BOB = "bob.smith@partner.example"
UNICODE, ENCODED = "bob.smith@pärtner.example", "bob.smith@xn--prtner-bua.example"


def forget(site: Site, address: str) -> None:
    assert sum(site.store.relations.forget(*traces_of(site.hasher, address)))


def test_all_spellings_of_an_address_are_found() -> None:
    assert spellings(ENCODED) == spellings(UNICODE.upper()) == {UNICODE, ENCODED}
    assert spellings(BOB) == {BOB}


@pytest.mark.parametrize("learned", [UNICODE, ENCODED])
@pytest.mark.parametrize("given", [UNICODE, ENCODED])
def test_an_address_is_forgotten_in_the_form_in_which_it_was_learned(site: Site, learned: str, given: str) -> None:
    site.learn(learned)
    site.learn(BOB.replace("partner", "client"), sender=learned)  # as a sender too
    forget(site, given)
    hasher = site.hasher
    left = [hasher.edge("sender address", ANNA, learned), hasher.mark("address", learned)]
    left.append(hasher.edge("sender place", learned, "client.example"))
    assert not site.store.relations.of(left)


def test_the_record_of_the_same_name_at_another_domain_is_forgotten(site: Site) -> None:
    site.learn(BOB)
    box = site.hasher.edge("sender box", ANNA, "bob.smith")
    assert site.store.relations.of([box])
    forget(site, BOB)
    assert not site.store.relations.of([box])
    assert LOOKALIKE not in site.kinds("bob.smith@client.example")


@pytest.mark.parametrize("everything", [True, False])
def test_a_running_milter_learns_the_forms_of_names_again_at_once(site: Site, everything: bool) -> None:
    milter, command = site.teacher, Teacher(site.hasher, site.store.relations, HALF_LIFE)
    message = Sent(ANNA, (BOB,), ("carl.meier@corp.example",), (), TODAY)
    milter.write(milter.gather([message]))
    assert TWIN in site.kinds("carl.meier@gmail.com")
    if everything:
        site.store.relations.forget_all()
    else:
        forget(site, "carl.meier@corp.example")
        command.forgot(TODAY)
    assert TWIN not in site.kinds("carl.meier@gmail.com")
    milter.write(milter.gather([message]))
    assert TWIN in site.kinds("carl.meier@gmail.com")


def test_a_deletion_is_noticed_while_learned_data_waits_to_be_written(site: Site) -> None:
    message = Sent(ANNA, (BOB,), ("carl.meier@corp.example",), (), TODAY)
    site.teacher.write(site.teacher.gather([message]))
    gathered = site.teacher.gather([message])
    site.store.relations.forget_all()
    site.teacher.write(gathered)
    site.teacher.write(site.teacher.gather([message]))
    assert TWIN in site.kinds("carl.meier@gmail.com")


def test_forms_are_not_written_with_each_message(site: Site) -> None:
    message = Sent(ANNA, (BOB,), (), (), TODAY)
    first = len(site.teacher.gather([message]).seen)
    site.teacher.write(site.teacher.gather([message]))
    assert len(site.teacher.gather([message]).seen) < first
