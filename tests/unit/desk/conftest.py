"""A desk with a separate store, with held incidents as the reconciler leaves them."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import pytest

from holdgate.config import Settings
from holdgate.desk import asking
from holdgate.desk.context import Desk
from holdgate.desk.templates import Templates
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import open_store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
QUEUE = Actor("holdgate-queue", "queue")

MakeDesk = Callable[..., Desk]
Hold = Callable[..., Incident]


def share_templates() -> None:
    """Let the desks of all tests share their compiled templates, which are the same in each environment."""
    compiled: dict[Any, Any] = {}
    make = Templates._environment

    def sharing(self: Templates, directories: list[Path]) -> jinja2.Environment:
        environment = make(self, directories)
        compile_new = environment.compile

        def compile_once(*words: Any, **options: Any) -> Any:
            key = (*words, *sorted(options.items()))
            if key not in compiled:
                compiled[key] = compile_new(*words, **options)
            return compiled[key]

        environment.compile = compile_once  # type: ignore[method-assign]
        return environment

    Templates._environment = sharing  # type: ignore[method-assign]


share_templates()


@pytest.fixture
def make_desk(tmp_path: Path, empty_store: Path) -> Iterator[MakeDesk]:
    """Return a function that makes a desk by the settings of `[moderation]`; `desk` are those of `[desk]`.

    `policies` is the policies file.
    """
    made: list[Desk] = []

    def make(
        *,
        desk: dict[str, Any] | None = None,
        replies: dict[str, Any] | None = None,
        channels: dict[str, Any] | None = None,
        machines: dict[str, Any] | None = None,
        policies: str = '[[policy]]\nname = "all"\naction = "quarantine"\n',
        **moderation: Any,
    ) -> Desk:
        if not (tmp_path / "holdgate.db").exists():
            shutil.copy(empty_store, tmp_path / "holdgate.db")
        (tmp_path / "main.cf").touch()
        (tmp_path / "policies.toml").write_text(policies)
        tables = {
            "queue": {"postfix_config": str(tmp_path)},
            "policy": {"file": str(tmp_path / "policies.toml")},
            "desk": {
                "notice_from": "Holdgate <holdgate@corp.example>",
                "web_listen": "127.0.0.1:1",
                "public_url": "https://approve.corp.example",
                "lmtp_listen": "127.0.0.1:2",
                "reply_address": "holdgate@reply.corp.example",
                "templates": str(tmp_path / "templates"),
                "time_zone": "Europe/Berlin",
                **(desk or {}),
            },
            "channels": channels or {},
            "machines": machines or {},
            "replies": {"proof": ["client"], "clients": ["127.0.0.1"]} if replies is None else replies,
            "moderation": {"moderators": ["boss@corp.example"], "fallback": ["desk@corp.example"], **moderation},
        }
        made.append(Desk(open_store(f"sqlite:///{tmp_path}/holdgate.db"), Settings.model_validate(tables)))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


@pytest.fixture
def hold() -> Hold:
    """Return a function that makes a held incident and, unless `asked` is false, sends the requests."""

    def make(desk: Desk, *, asked: bool = True, now: datetime | None = None, **values: Any) -> Incident:
        moment = now or datetime.now(UTC)
        given: dict[str, Any] = {
            "queue_id": "4a",
            "sender": "anna@corp.example",
            "recipients": ["bob@partner.example"],
            "policy": "p",
            "subject": "Figures",
            "created_at": moment,
            "arrival_time": 1000,
        }
        incident = Incident(**(given | values))
        desk.store.record(incident, Actor("holdgate-milter", "milter"))
        incident = desk.store.change(incident, State.HELD, QUEUE, held_at=moment)
        return asking.ask(desk, incident, moment) if asked else incident

    return make
