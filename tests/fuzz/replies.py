"""Replies by mail: any bytes are read, and only a word that the person wrote decides."""

from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk import reply
from holdgate.desk.reply import Kind
from tests.fuzz.frame import Target, Try

NAMES = st.sampled_from(
    [b"From", b"To", b"Subject", b"References", b"In-Reply-To", b"Auto-Submitted", b"Content-Type", b"Precedence", b"X"]
)
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            *(
                b"boss@corp.example",
                b"Boss <boss@corp.example>",
                b"=?utf-8?Q?approve?=",
                b"auto-replied",
                b"text/plain",
            ),
            *(b"text/html; charset=utf-8", b'multipart/mixed; boundary="b"', b"multipart/report", b"<1@corp.example>"),
        ]
    ),
)
BODIES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"approve\r\n", b"reject\r\n", b"> approve\r\n", b"--b\r\n", b"--b--\r\n", b"\r\n", b"<p>approve</p>\r\n"]
        ),
        st.binary(max_size=40),
    ),
    max_size=6,
)


def message(fields: list[tuple[bytes, bytes]], body: list[bytes]) -> bytes:
    return b"".join(name + b": " + value + b"\r\n" for name, value in fields) + b"\r\n" + b"".join(body)


def make() -> Try:
    @given(st.lists(st.tuples(NAMES, VALUES), max_size=6), BODIES, st.sampled_from(["", "boss@corp.example"]))
    def any_mail(fields: list[tuple[bytes, bytes]], body: list[bytes], sender: str) -> None:
        content = message(fields, body)
        output = reply.read(content, sender)
        assert (output.choice is not None) == (output.kind is Kind.DECISION)
        if output.kind is Kind.DECISION:
            assert b"approve" in content.lower() or b"reject" in content.lower()
            assert sender
        # Neither the header alone nor quoted text decides.
        assert reply.read(message(fields, []), sender).choice is None
        quoted = [b"> " + line for piece in body for line in piece.splitlines(keepends=True)]
        assert reply.read(b"From: boss@corp.example\r\n\r\n" + b"".join(quoted), sender).choice is None

    return any_mail


TARGET = Target("replies", "replies by mail, any header and body", make)
