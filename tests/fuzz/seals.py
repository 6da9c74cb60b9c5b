"""Seals: each is valid only for its own message, and only while it is fresh."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from holdgate.seal import BodyHash, HeaderHash, Key, Sealed, Sealer, SealStatus
from tests.fuzz.frame import Target, Try

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = Key("k0000001", datetime(2026, 1, 1, tzinfo=UTC), b"x" * 32)
SEALER = Sealer([KEY], timedelta(hours=1))
ADDRESSES = st.sampled_from(["anna@corp.example", "bob@partner.example", "carl@partner.example", ""])
FIELDS = st.lists(
    st.tuples(st.sampled_from([b"Subject", b"X-Note", b"From", b"X-Note2"]), st.binary(max_size=30)), max_size=4
)


def sealed(sender: str, recipients: list[str], fields: list[tuple[bytes, bytes]], body: bytes) -> Sealed:
    header, content = HeaderHash(), BodyHash()
    for name, value in fields:
        header.update(name, value)
    content.update(body)
    return Sealed(sender, tuple(recipients), {}, content.digest(), header.digest())


MESSAGES = st.builds(sealed, ADDRESSES, st.lists(ADDRESSES, min_size=1, max_size=4), FIELDS, st.binary(max_size=40))
ALPHABET = st.sampled_from("abcxyz0123456789=;, _-ABCkvtrs\n")


def make() -> Try:
    @given(MESSAGES, MESSAGES, st.integers(-3, 3), st.text(ALPHABET, max_size=120), st.data())
    def any_seal(message: Sealed, other: Sealed, hours: int, text: str, data: st.DataObject) -> None:
        seal = SEALER.seal(message, NOW)
        at = NOW + timedelta(hours=hours / 2)
        fresh = SEALER.verify(seal, message, at) is SealStatus.VALID
        assert fresh == (0 <= hours / 2 <= 1), (hours, SEALER.verify(seal, message, at))
        if replace(other, recipients=message.recipients) != message:
            assert SEALER.verify(seal, replace(other, recipients=message.recipients), NOW) is not SealStatus.VALID
        if not set(other.recipients) <= set(message.recipients):
            assert SEALER.verify(seal, replace(message, recipients=other.recipients), NOW) is not SealStatus.VALID
        place = data.draw(st.integers(0, max(0, len(seal) - 1)))
        changed = seal[:place] + data.draw(ALPHABET) + seal[place + 1 :]
        for forged in (text, changed):
            output = SEALER.verify(forged, message, NOW)
            # Spaces between the tags do not count.
            assert output is not SealStatus.VALID or "".join(forged.split()) == "".join(seal.split())

    return any_seal


TARGET = Target("seals", "seals on other messages, stale, altered and made up", make)
