"""The milter protocol: an exception in a step gives a 4xx response at the end of the message, never before."""

from typing import Any

import Milter
import pytest

from holdgate.gate import callbacks, holding
from holdgate.gate.callbacks import Callbacks
from holdgate.gate.poolwaker import PoolWaker
from holdgate.gate.reply import Reply
from tests.unit.gate.conftest import HOLD_ALL, FakeService, NewService


class Context:
    """What libmilter gives a milter: macros, and the changes it may ask for."""

    def __init__(self) -> None:
        self.macros: dict[str, Any] = {"i": "4QUEUEID"}
        self.changes: list[tuple[Any, ...]] = []

    def getsymval(self, name: str) -> Any:
        value = self.macros.get(name)
        if isinstance(value, Exception):
            raise value
        return value

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.changes.append((name, *arguments))


def connection(service: FakeService) -> tuple[Callbacks, Context]:
    one, context = Callbacks(service.session(), PoolWaker()), Context()
    one._ctx = context
    one._protocol = Milter.P_HDR_LEADSPC
    one._actions = Milter.ADDHDRS | Milter.CHGHDRS | Milter.QUARANTINE
    return one, context


def converse(one: Callbacks, *, fail_at: str = "", end: bool = True) -> int:
    """Send a message through; every step but the end has to let it go on."""
    steps: list[tuple[str, tuple[Any, ...]]] = [
        ("envfrom", ("<anna@corp.example>",)),
        ("envrcpt", ("<bob@partner.example>",)),
        ("header", ("Subject", b" Lunch")),
        ("header", ("X-Holdgate-Status", b" forged")),
        ("eoh", ()),
        ("body", (b"See you.\r\n",)),
    ]
    for name, arguments in steps:
        given = (object(),) * len(arguments) if name == fail_at else arguments
        assert getattr(one, name)(*given) == Milter.CONTINUE
    return one.eom() if end else Milter.CONTINUE


@pytest.fixture(autouse=True)
def postfix_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "needs_milter_quarantine", lambda *_: True)


def test_an_accepted_message_gets_its_header_changes(new_service: NewService) -> None:
    one, context = connection(new_service())
    assert one.connect("client.example", 2, ("192.0.2.7", 4711)) == Milter.CONTINUE
    assert converse(one) == Milter.CONTINUE
    assert context.changes[0] == ("chgheader", "X-Holdgate-Status", 1, "")
    assert ("addheader", "X-Netskope-Inspected", " true", -1) in context.changes
    assert not [change for change in context.changes if change[0] == "quarantine"]


@pytest.mark.parametrize(
    ("address", "known"),
    [
        (("192.0.2.7", 4711), "192.0.2.7"),
        (("2001:db8::7", 4711, 0, 0), "2001:db8::7"),
        ("/run/x", "/run/x"),
        (None, ""),
    ],
)
def test_the_client_address_is_read_from_the_connection(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch, address: Any, known: str
) -> None:
    one, _ = connection(new_service())
    opened: list[tuple[str, str]] = []
    monkeypatch.setattr(one._session, "open", lambda *client: opened.append(client))
    one.connect("client.example", 2, address)
    assert opened == [("client.example", known)]


def test_a_message_is_held(new_service: NewService) -> None:
    one, context = connection(new_service(HOLD_ALL))
    assert converse(one) == Milter.CONTINUE
    assert context.changes[-1][0] == "quarantine"


@pytest.mark.parametrize("step", ["envfrom", "envrcpt", "header", "body"])
def test_an_error_in_any_step_gives_a_4xx_response_at_the_end_of_the_message(
    new_service: NewService, step: str
) -> None:
    service = new_service()
    one, context = connection(service)
    assert converse(one, fail_at=step) == Milter.TEMPFAIL
    assert [change[0] for change in context.changes] == ["setreply"]
    assert context.changes[0][1] == "451"
    # The next message of the connection is not concerned.
    assert converse(one) == Milter.CONTINUE


def test_an_error_at_connect_defers_every_message_of_the_connection(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = connection(new_service())
    monkeypatch.setattr(one._session, "open", _raise)
    assert one.connect("client.example", 2, ("192.0.2.7", 4711)) == Milter.CONTINUE
    assert converse(one) == converse(one) == Milter.TEMPFAIL


def test_an_error_at_the_end_of_the_message_gives_a_4xx_response(new_service: NewService) -> None:
    one, context = connection(new_service())
    context.macros["i"] = RuntimeError("no macro")
    assert converse(one) == Milter.TEMPFAIL
    one, context = connection(new_service())
    one._session.end_of_message = _raise  # type: ignore[method-assign]
    assert converse(one) == Milter.TEMPFAIL


def test_an_error_while_changes_are_made_gives_a_4xx_response(new_service: NewService) -> None:
    one, context = connection(new_service())
    context.chgheader = _raise  # type: ignore[attr-defined]
    assert converse(one) == Milter.TEMPFAIL


def test_an_error_at_abort_or_close_still_returns_continue(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = connection(new_service())
    converse(one, end=False)
    monkeypatch.setattr(one._session, "abort", _raise)
    assert (one.abort(), one.close()) == (Milter.CONTINUE, Milter.CONTINUE)


def test_a_blocked_message_is_rejected_with_550(new_service: NewService, monkeypatch: pytest.MonkeyPatch) -> None:
    one, context = connection(new_service())
    monkeypatch.setattr(one._session, "end_of_message", lambda _queue_id: Reply(block="no"))
    assert converse(one) == Milter.REJECT
    assert context.changes == [("setreply", "550", "5.7.1", "no")]


def test_a_bounce_is_reduced_to_its_headers(new_service: NewService, monkeypatch: pytest.MonkeyPatch) -> None:
    one, context = connection(new_service())
    one._actions |= Milter.CHGFROM
    monkeypatch.setattr(one._session, "end_of_message", lambda _queue_id: Reply(bare_bounce="x@partner.example"))
    assert converse(one) == Milter.CONTINUE
    assert context.changes == [("chgfrom", "<x@partner.example>", "RET=HDRS")]


def test_libmilter_is_set_to_defer_on_every_exception(new_service: NewService, monkeypatch: pytest.MonkeyPatch) -> None:
    output: dict[str, Any] = {}
    for name in ("set_exception_policy", "set_flags"):
        monkeypatch.setattr(Milter, name, lambda value, name=name: output.update({name: value}))
    monkeypatch.setattr(Milter, "runmilter", lambda *arguments: output.update(run=arguments))
    monkeypatch.setattr(Milter, "factory", Milter.factory)
    monkeypatch.setattr(PoolWaker, "run", lambda *_: None)
    callbacks.run(new_service().session, "unix:/x", 300)
    assert output["set_exception_policy"] == Milter.TEMPFAIL
    assert output["set_flags"] == Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGFROM | Milter.DELRCPT | Milter.QUARANTINE
    assert output["run"] == ("holdgate", "unix:/x", 300)
    assert isinstance(Milter.factory(), Callbacks)


def _raise(*_: Any, **__: Any) -> Any:
    raise RuntimeError("broken")


def test_all_parts_of_a_response_are_applied_in_order(new_service: NewService) -> None:
    one, _ = connection(new_service())
    done: list[tuple[object, ...]] = []
    for name in ("chgheader", "addheader", "chgfrom", "delrcpt", "quarantine"):
        setattr(one, name, lambda *given, name=name: done.append((name, *given)))
    reply = Reply(
        remove=[("X-A", 2), ("X-A", 1)],
        add=[("X-B", "1")],
        bare_bounce="anna@corp.example",
        drop=["bob@partner.example", "eve@partner.example"],
        hold="why",
    )
    assert one._carry_out(reply) == Milter.CONTINUE
    assert [step[0] for step in done] == [*["chgheader"] * 2, "addheader", "chgfrom", *["delrcpt"] * 2, "quarantine"]
    assert done[0] == ("chgheader", "X-A", 2, "")
    assert done[3] == ("chgfrom", "<anna@corp.example>", "RET=HDRS")
    assert done[4:] == [
        ("delrcpt", "<bob@partner.example>"),
        ("delrcpt", "<eve@partner.example>"),
        ("quarantine", "why"),
    ]
    done.clear()
    assert one._carry_out(Reply()) == Milter.CONTINUE
    assert done == []
