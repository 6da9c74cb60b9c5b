"""Trust in headers about an earlier inspection: the decision alone, without a session."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from holdgate import headers, metrics
from holdgate.envelope import Envelope
from holdgate.gate import trust
from holdgate.quarantine.store import StoreError
from holdgate.seal import Key, Sealed, Sealer, SealStatus
from tests.unit.gate.conftest import KEY, FakeService, NewService

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SEAL = headers.SEAL.lower()
OTHER_KEY = Key("k0000002", NOW, b"y" * 32)


def sealed(**changes: Any) -> Sealed:
    message = {"sender": "anna@corp.example", "recipients": ("bob@partner.example",), "fields": {}, "body": b"1"}
    return Sealed(**{**message, **changes})


def value_of(message: Sealed, *, key: Key = KEY, at: datetime = NOW) -> bytes:
    return b" " + Sealer([key], timedelta(hours=1)).seal(message, at).encode()


def is_sealed(service: FakeService, values: list[bytes], message: Sealed, now: datetime = NOW) -> bool:
    envelope = Envelope(sender=message.sender, recipients=list(message.recipients), client_address="192.0.2.1")
    return trust.is_sealed(cast(Any, service), service.snapshot, {SEAL: values}, message, envelope, now)


def counted(status: SealStatus) -> float:
    return metrics.SEALS.labels(status)._value.get()  # type: ignore[no-any-return]


def test_a_message_without_a_seal_changes_no_seal_metric(new_service: NewService) -> None:
    before = {status: counted(status) for status in SealStatus}
    assert not is_sealed(new_service(), [], sealed())
    assert before == {status: counted(status) for status in SealStatus}


TWO_RECIPIENTS = ("bob@partner.example", "eve@partner.example")
SEAL_CASES = [
    ([value_of(sealed())], sealed(), NOW, SealStatus.VALID),
    ([value_of(sealed(recipients=TWO_RECIPIENTS))], sealed(), NOW, SealStatus.VALID),
    ([value_of(sealed())], sealed(), NOW + timedelta(hours=1), SealStatus.VALID),
    ([value_of(sealed())], sealed(), NOW - timedelta(minutes=5), SealStatus.VALID),
    ([value_of(sealed())], sealed(recipients=TWO_RECIPIENTS), NOW, SealStatus.ALTERED),
    ([value_of(sealed())], sealed(sender="eve@corp.example"), NOW, SealStatus.ALTERED),
    ([value_of(sealed())], sealed(body=b"2"), NOW, SealStatus.ALTERED),
    ([value_of(sealed())], sealed(header=b"2"), NOW, SealStatus.ALTERED),
    ([value_of(sealed())], sealed(fields={"subject": b"x"}), NOW, SealStatus.ALTERED),
    ([value_of(sealed())], sealed(), NOW + timedelta(hours=1, seconds=1), SealStatus.STALE),
    ([value_of(sealed())], sealed(), NOW - timedelta(minutes=5, seconds=1), SealStatus.STALE),
    ([value_of(sealed(), key=OTHER_KEY)], sealed(), NOW, SealStatus.UNKNOWN_KEY),
    ([b" yes"], sealed(), NOW, SealStatus.MALFORMED),
    ([b" \xff"], sealed(), NOW, SealStatus.MALFORMED),
    ([value_of(sealed())] * 2, sealed(), NOW, SealStatus.MALFORMED),
    ([value_of(sealed()), b" yes"], sealed(), NOW, SealStatus.MALFORMED),
]


@pytest.mark.parametrize(("values", "message", "now", "status"), SEAL_CASES, ids=range(len(SEAL_CASES)))
def test_a_seal_is_valid_only_for_its_message_and_its_status_is_counted(
    new_service: NewService,
    caplog: pytest.LogCaptureFixture,
    values: list[bytes],
    message: Sealed,
    now: datetime,
    status: SealStatus,
) -> None:
    before = counted(status)
    assert is_sealed(new_service(), values, message, now) is (status is SealStatus.VALID)
    assert counted(status) == before + 1
    assert [f"why={status}" in line for line in caplog.messages] == ([] if status is SealStatus.VALID else [True])


def test_a_seal_is_accepted_once_for_each_recipient(new_service: NewService, caplog: pytest.LogCaptureFixture) -> None:
    service = new_service()
    value = value_of(sealed(recipients=TWO_RECIPIENTS))
    assert is_sealed(service, [value], sealed(recipients=TWO_RECIPIENTS[:1]))
    assert not is_sealed(service, [value], sealed(recipients=TWO_RECIPIENTS))
    assert "why=replayed" in caplog.text


def test_a_seal_that_does_not_match_can_still_be_used_by_its_message(new_service: NewService) -> None:
    service = new_service()
    value = value_of(sealed())
    assert not is_sealed(service, [value], sealed(body=b"2"))
    assert is_sealed(service, [value], sealed())


def test_a_failed_store_does_not_make_a_seal_valid(new_service: NewService) -> None:
    service = new_service()

    def use(digests: Iterable[str], _until: datetime) -> bool:
        raise StoreError("away")

    service.store.use = use  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        is_sealed(service, [value_of(sealed())], sealed())


SCANNED = [
    (["192.0.2.0/24"], {"x-netskope-inspected": [b" True "]}, True),
    (["192.0.2.0/24"], {"x-netskope-inspected": [b" false"]}, False),
    (["192.0.2.0/24"], {"x-netskope-inspected": [b" true", b" true"]}, False),
    (["192.0.2.0/24"], {"x-netskope-inspected": [b" true; x"]}, False),
    (["192.0.2.0/24"], {"x-netskope-action": [b" QUARANTINE"]}, True),
    (["192.0.2.0/24"], {"x-netskope-action": [b" Allow", b" Quarantine"]}, True),
    (["192.0.2.0/24"], {"x-netskope-action": [b" Quarantined"]}, False),
    (["192.0.2.0/24"], {}, False),
    (["198.51.100.0/24"], {"x-netskope-inspected": [b" true"]}, False),
    ([], {"x-netskope-inspected": [b" true"]}, False),
]


@pytest.mark.parametrize(("scanners", "fields", "expected"), SCANNED, ids=range(len(SCANNED)))
def test_headers_of_a_trusted_scanner_count_only_from_its_network(
    new_service: NewService, scanners: list[str], fields: dict[str, list[bytes]], expected: bool
) -> None:
    snapshot = new_service(trusted_scanners=scanners).snapshot
    assert trust.was_inspected_before(snapshot, fields, Envelope(client_address="192.0.2.1")) is expected
