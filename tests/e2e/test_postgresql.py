"""A complete site with its store in PostgreSQL: one message is released and delivered, another is returned."""

from collections.abc import Callable

from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.postgres import PostgresServer
from testbed.site import Site


def test_a_message_is_held_and_released_and_another_rejected(
    new_site: Callable[..., Site], postgres: PostgresServer
) -> None:
    site = new_site(store_url=postgres.new_database())
    for recipient in ("released@partner.example", "rejected@partner.example"):
        site.submit(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, recipient)
    site.wait_for(lambda: len(site.store.incidents([State.HELD])) == 2, "both messages to be held")
    assert not site.next_hop.to("released@partner.example")
    names = {incident.recipients[0]: incident.id for incident in site.store.incidents()}
    assert site.command("release", names["released@partner.example"]).returncode == 0
    assert site.command("reject", names["rejected@partner.example"], "--comment", "no").returncode == 0
    site.wait_for(lambda: site.next_hop.to("released@partner.example"), "delivery")
    site.wait_for(lambda: site.next_hop.to(sample_mail.SENDER), "the notice to the sender")
    site.wait_for(lambda: site.store.count() == {State.RELEASED: 1, State.RETURNED: 1}, "both incidents to be closed")
    assert not site.next_hop.to("rejected@partner.example")
    verified = site.command("audit", "verify")
    assert verified.returncode == 0, verified.stderr


def test_the_daemons_reconnect_to_a_restarted_server(new_site: Callable[..., Site], postgres: PostgresServer) -> None:
    site = new_site(store_url=postgres.new_database())
    postgres.restart()  # every connection of the daemons is closed
    site.submit(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, sample_mail.RECIPIENT)
    site.wait_for(lambda: site.store.incidents([State.HELD]), "the message to be held")
