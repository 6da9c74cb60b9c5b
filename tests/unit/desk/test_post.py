"""Submission of the desk's mail: the parameters for Postfix, and refusals."""

import socket
from collections.abc import Callable, Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from holdgate.desk import post
from holdgate.desk.channel import AwayError, RefusedError
from testbed.ports import LOOPBACK, free_port


class Relay:
    """Notes the parameters of MAIL."""

    def __init__(self, answer: str) -> None:
        self.asked: list[set[str]] = []
        self._answer = answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.asked.append(set(envelope.mail_options) - {f"SIZE={len(envelope.content or b'')}"})
        return self._answer


Start = Callable[..., tuple[Relay, tuple[str, int]]]


@pytest.fixture
def relay() -> Iterator[Start]:
    running: list[Controller] = []

    def start(*, utf8: bool = True, answer: str = "250 taken") -> tuple[Relay, tuple[str, int]]:
        one = Relay(answer)
        controller = Controller(one, hostname=LOOPBACK, port=free_port(), enable_SMTPUTF8=utf8)
        controller.start()
        running.append(controller)
        return one, (LOOPBACK, controller.port)

    yield start
    for controller in running:
        controller.stop()


@pytest.mark.parametrize(
    ("subject", "recipient", "needs"),
    [
        ("Returned", "anna@corp.example", False),
        ("Zur\u00fcck", "anna@corp.example", True),
        ("Returned", "j\u00fcrgen@corp.example", True),
    ],
)
def test_smtputf8_is_requested_only_for_a_notice_that_needs_it(
    relay: Start, subject: str, recipient: str, needs: bool
) -> None:
    """A next host without it would return the notice, and no moderator would learn of that."""
    content = f"Subject: {subject}\r\n\r\nK\u00f6ln\r\n".encode()
    one, place = relay()
    post.submit_one(content, recipient, place)
    post.submit(content, "", [(recipient, ())], place)
    assert one.asked == [{"BODY=8BITMIME", *(["SMTPUTF8"] if needs else [])}] * 2


def test_a_relay_without_smtputf8_gets_notices_that_do_not_need_it(
    relay: Start,
) -> None:
    one, place = relay(utf8=False)
    post.submit_one("Subject: s\r\n\r\nK\u00f6ln\r\n".encode(), "anna@corp.example", place)
    post.submit(b"Subject: s\r\n\r\nx\r\n", "", [("anna@corp.example", ())], place)
    assert one.asked == [{"BODY=8BITMIME"}] * 2


def test_a_rejection_is_reported_with_its_code_and_no_address(relay: Start) -> None:
    _, place = relay(answer="554 no mail for anna@corp.example")
    with pytest.raises(RefusedError, match=r"^refused with 554$"), post.refusals():
        post.submit_one(b"Subject: s\r\n\r\nx\r\n", "anna@corp.example", place)


def test_a_missing_listener_counts_as_unavailable() -> None:
    with socket.socket() as silent:
        silent.bind((LOOPBACK, 0))
        with pytest.raises(AwayError), post.refusals():
            post.submit_one(b"Subject: s\r\n\r\nx\r\n", "anna@corp.example", (LOOPBACK, silent.getsockname()[1]))
