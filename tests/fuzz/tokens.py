"""Tokens: only a string made for this purpose, incident, request, person and deadline proves anything."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from holdgate.desk import tokens
from holdgate.desk.tokens import Key
from tests.fuzz.frame import Target, Try

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)
PURPOSES = st.sampled_from([tokens.LINK, tokens.REPLY, tokens.BOUNCE, tokens.WITHDRAW])
IDS = st.sampled_from(["7K3M-Q9TX-2ABC", "AAAA-AAAA-AAAA"])
PEOPLE = st.sampled_from(["boss@corp.example", "desk@corp.example", ""])
TIMES = st.integers(0, 10).map(lambda hours: datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hours))
Claimed = tuple[str, str, int, str, datetime]
"""What a token proves: a purpose, an incident, the number of a request, a person, and a deadline."""

MADE = st.tuples(PURPOSES, IDS, st.integers(0, 3), PEOPLE, TIMES)
TEXTS = st.text(st.sampled_from("abrw-0123456789kqm7z9tx2.=@\u0661\u212a\n"), max_size=70) | st.text(max_size=70)


@st.composite
def altered(draw: st.DrawFn, token: str) -> str:
    at = draw(st.integers(0, len(token) - 1))
    letter = draw(st.sampled_from("abcdwr0123456789-z"))
    match draw(st.sampled_from(("change", "drop", "add", "cut"))):
        case "change":
            return token[:at] + letter + token[at + 1 :]
        case "drop":
            return token[:at] + token[at + 1 :]
        case "add":
            return token[:at] + letter + token[at:]
    return token[:at]


def make() -> Try:
    @given(MADE, MADE, TEXTS, st.data())
    def any_token(made: Claimed, asked: Claimed, text: str, data: st.DataObject) -> None:
        purpose, incident, number, person, deadline = made
        token = KEY.token(purpose, incident, number, person, deadline)
        claim = tokens.parse(token.upper())
        assert claim is not None
        assert KEY.proves(claim, person.upper(), deadline)
        assert not OTHER.proves(claim, person, deadline)
        assert (claim.purpose, claim.incident_id, claim.number) == made[:3]
        # For another person or deadline it proves nothing.
        assert KEY.proves(claim, asked[3], asked[4]) == ((person, deadline) == (asked[3], asked[4]))
        changed = data.draw(altered(token))
        assume(changed != token)
        for output in (changed, text):
            forged = tokens.parse(output)
            assert forged is None or output == token or not KEY.proves(forged, person, deadline)
        # A signed string is valid for one purpose, and only if it is complete.
        sealed = KEY.seal("session", {"who": person})
        assert KEY.unseal("session", sealed) == {"who": person}
        for other in (text, data.draw(altered(sealed))):
            assert other == sealed or KEY.unseal("session", other) is None
        assert KEY.unseal("other", sealed) is None

    return any_token


TARGET = Target("tokens", "tokens and signed strings, altered and made up", make)
