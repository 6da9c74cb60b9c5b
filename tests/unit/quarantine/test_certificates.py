"""Certificates of nodes: announced by each node, and revoked by its name."""

from holdgate.node import Machine
from holdgate.quarantine.store import Store

ONE = Machine("1" * 32, "one.corp.example", "1.0")
OLD, NEW, OTHER = "0" * 64, "1" * 64, "2" * 64


def test_revoking_a_node_revokes_its_announced_certificates(store: Store) -> None:
    known = store.certificates
    for fingerprint, name in ((OLD, "mx1"), (OLD, "mx1"), (NEW, "mx1"), (OTHER, "mx2")):
        known.announce(fingerprint, name)
    assert not known.is_revoked(OLD)
    assert known.revoke("mx1") == 2
    assert [known.is_revoked(one) for one in (OLD, NEW, OTHER, "3" * 64)] == [True, True, False, False]
    known.announce(OLD, "mx1")
    assert known.is_revoked(OLD), "it cannot be announced back"
    known.announce("4" * 64, "mx1")
    assert not known.is_revoked("4" * 64), "one that was made afterwards is valid"
    assert known.revoke("mx9") == 0


def test_a_certificate_announced_after_the_revocation_is_valid(store: Store) -> None:
    known = store.certificates
    known.announce(OLD, "mx1")
    assert known.renewed("mx1") == 0, "none was revoked"
    known.revoke("mx1")
    known.announce(OTHER, "mx2")
    assert known.renewed("mx1") == known.renewed("mx2") == 0
    known.announce(NEW, "mx1")
    assert known.renewed("mx1") == 1
    assert known.revoke("mx1", ["3" * 64], only_these=True) == 1
    assert [known.is_revoked(one) for one in (NEW, OTHER, "3" * 64)] == [False, False, True]


def test_an_unused_certificate_is_revoked_by_its_fingerprint(store: Store) -> None:
    assert store.certificates.revoke("mx1", [OLD, NEW]) == 2
    assert store.certificates.is_revoked(OLD)
    assert store.certificates.is_revoked(NEW)


def test_a_certificate_of_two_nodes_is_revoked_by_its_fingerprint_under_either_name(store: Store) -> None:
    store.certificates.announce(OLD, "mx1")
    store.certificates.announce(OLD, "mx2")
    assert store.certificates.revoke("mx2") == 0
    assert store.certificates.revoke("mx2", [OLD]) == 1
    assert store.certificates.is_revoked(OLD)


def test_a_retired_node_that_returns_needs_another_certificate(store: Store) -> None:
    if store._engine.dialect.name == "sqlite":
        return  # a file has one node, which is never retired
    store.nodes.acquire("mx1", ONE)
    store.certificates.announce(OLD, "mx1")
    store.nodes.release("mx1", ONE)
    assert store.nodes.retire("mx1")
    store.nodes.acquire("mx1", ONE)
    store.certificates.announce(OLD, "mx1")
    store.certificates.announce(NEW, "mx1")
    assert (store.certificates.is_revoked(OLD), store.certificates.is_revoked(NEW)) == (True, False)
